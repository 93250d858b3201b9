package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/urfave/cli/v2"
)

// env is what a command works with beside its own flags.
type env struct {
	program
	ui       *ui
	cfg      Config
	args     []string
	answered bool // the command has written its last object of --json
}

// newEnv prepares a run. Whether JSON is wanted must be known before the command line is parsed, since a command line
// that does not parse is answered in JSON as well.
func newEnv(p program, args []string) *env {
	e := &env{program: p, cfg: Default(), args: args}
	e.ui = newUI(p, uiOptions{json: e.wants("json"), quiet: e.wants("quiet"), verbose: e.wants("verbose")})
	return e
}

// wants tells whether a boolean flag is on: by the arguments, else by the environment.
func (e *env) wants(name string) bool {
	args := e.args
	if end := slices.Index(args, "--"); end >= 0 {
		args = args[:end]
	}
	for _, arg := range slices.Backward(args) {
		flag, value, given := strings.Cut(strings.TrimPrefix(strings.TrimPrefix(arg, "-"), "-"), "=")
		if strings.HasPrefix(arg, "-") && flag == name {
			on, err := strconv.ParseBool(value)
			return !given || err == nil && on
		}
	}
	on, _ := strconv.ParseBool(e.getenv("ARCHIVER_" + strings.ToUpper(name)))
	return on
}

// configure reads the configuration: the file, over it the environment, over it the flags.
func (e *env) configure(c *cli.Context) error {
	named := firstNonEmpty(c.String("config"), e.getenv("ARCHIVER_CONFIG"))
	if path := configPath(named, e.getenv); path != "" {
		cfg, err := Load(path)
		if err != nil {
			return err
		}
		e.cfg = cfg
	}
	for _, setting := range []struct {
		value         *string
		flag, envname string
	}{
		{&e.cfg.Archive.Dir, "archive", "ARCHIVER_ARCHIVE"},
		{&e.cfg.Server.URL, "server", "ARCHIVER_SERVER"},
		{&e.cfg.Server.Username, "username", "ARCHIVER_USERNAME"},
	} {
		*setting.value = firstNonEmpty(c.String(setting.flag), e.getenv(setting.envname), *setting.value)
	}
	return e.cfg.Validate()
}

func firstNonEmpty(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}

// location is the time zone that a command works in: --tz, else search.time_zone.
func (e *env) location(c *cli.Context) (*time.Location, error) {
	name := firstNonEmpty(c.String("tz"), e.cfg.Search.TimeZone)
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, &usageError{fmt.Sprintf("--tz: %q is no time zone", name), "a name as in Europe/Prague, or UTC"}
	}
	return loc, nil
}

// finish says what went wrong, if anything, and gives the exit code.
func (e *env) finish(ctx context.Context, err error) int {
	code := exitCode(ctx, err)
	if err == nil {
		return code
	}
	f := failureOf(ctx, err)
	if !errors.Is(err, errReported) {
		e.ui.errorLine(f.Message, hintOf(err))
	}
	if e.ui.json && !e.answered {
		e.answerFailure(f)
	}
	return code
}

// answerFailure writes the failure as the command's last object of --json.
func (e *env) answerFailure(f failure) {
	e.answered = true
	command := ""
	if len(e.args) > 0 {
		command = e.args[0]
	}
	var err error
	switch command {
	case "sync":
		err = e.ui.object(syncFailure(f))
	case "verify":
		err = e.ui.object(verifyFailure(f))
	default:
		err = e.ui.object(struct {
			Error failure `json:"error"`
		}{f})
	}
	if err != nil {
		e.ui.errorLine(err.Error(), "")
	}
}

// writeAll writes what produce writes to w and reports the first error of either.
func writeAll(w io.Writer, produce func(io.Writer)) error {
	ew := &errWriter{w: w}
	produce(ew)
	return ew.err
}

// errWriter remembers the first error and writes nothing after it.
type errWriter struct {
	w   io.Writer
	err error
}

func (w *errWriter) Write(p []byte) (int, error) {
	if w.err == nil {
		_, w.err = w.w.Write(p)
	}
	return len(p), nil
}
