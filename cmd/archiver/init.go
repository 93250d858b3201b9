package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"archiver/configs"
	"archiver/internal/storage"

	"github.com/goccy/go-yaml"
	"github.com/urfave/cli/v2"
)

func initCommand() command {
	return command{
		name: "init", bare: true, run: runInit,
		summary: "write a configuration and make an empty archive",
		about: `
Writes a configuration file that explains every key, with what is given here filled in, and makes an empty archive. What
is not given by flags or by ARCHIVER_CONFIG, ARCHIVER_ARCHIVE, ARCHIVER_SERVER and ARCHIVER_USERNAME is asked for when a
terminal is attached, unless --json is given. Without one the archive directory must be given; the server and the account
may be filled in later. A configuration or an archive that is there already is never touched: then init does nothing.

The password is never asked for and never written. The file says where it comes from: a file, a command, or nothing, and
then ARCHIVER_PASSWORD is needed at each run.`,
		examples: []string{
			"archiver init                                  asks, and writes ./archiver.yaml",
			"archiver init --server https://mail.example.com --username archive@example.com --archive /var/lib/archiver/teamchat \\\n" +
				"      --password-file /etc/archiver/password --config /etc/archiver/archiver.yaml",
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitNoArchive, exitInterrupted, exitTerminated},
		flags: []cli.Flag{
			&cli.StringFlag{Name: "config", Usage: "write the configuration to `FILE`", DefaultText: localConfig},
			&cli.StringFlag{Name: "archive", Usage: "make the archive in `DIR`, which must be absent or empty"},
			&cli.StringFlag{Name: "server", Usage: "archive the server at `URL`"},
			&cli.StringFlag{Name: "username", Usage: "log in as `NAME`"},
			&cli.StringFlag{Name: "password-file", Usage: "the first line of `FILE` is the password"},
			&cli.StringFlag{Name: "password-command", Usage: "the shell command `CMD` prints the password"},
		},
	}
}

// usualArchive is the archive directory that init proposes.
const usualArchive = "/var/lib/archiver/teamchat"

func runInit(ctx context.Context, e *env, c *cli.Context) error {
	s := newSetup(e, c)
	if _, err := os.Lstat(s.path); err == nil {
		return errConfigExists(s.path)
	}
	if isTerminal(e.stdin) && !e.ui.json {
		if err := s.ask(newAsker(ctx, e)); err != nil {
			return err
		}
	}
	if err := s.check(); err != nil {
		return err
	}
	m, err := s.make(ctx)
	if err != nil {
		return err
	}
	return s.report(m)
}

// setup is what init writes.
type setup struct {
	*env
	path string // of the configuration
	cfg  Config
}

// newSetup takes what the flags say, and the environment where they say nothing.
func newSetup(e *env, c *cli.Context) *setup {
	s := &setup{env: e, cfg: Default(), path: firstNonEmpty(c.String("config"), e.getenv("ARCHIVER_CONFIG"), localConfig)}
	s.cfg.Archive.Dir = firstNonEmpty(c.String("archive"), e.getenv("ARCHIVER_ARCHIVE"))
	s.cfg.Server.URL = firstNonEmpty(c.String("server"), e.getenv("ARCHIVER_SERVER"))
	s.cfg.Server.Username = firstNonEmpty(c.String("username"), e.getenv("ARCHIVER_USERNAME"))
	s.cfg.Server.PasswordFile = c.String("password-file")
	s.cfg.Server.PasswordCommand = c.String("password-command")
	return s
}

func errConfigExists(path string) error {
	err := fmt.Errorf("configuration %s: %w", path, fs.ErrExist)
	return withHint(err, "init overwrites nothing: edit that file, or name another one with --config")
}

// check checks what was given, and makes relative paths absolute, since cron runs elsewhere.
func (s *setup) check() error {
	if s.cfg.Archive.Dir == "" {
		return &configError{"no archive directory given", "--archive DIR or ARCHIVER_ARCHIVE"}
	}
	if s.cfg.Server.URL != "" {
		if err := s.cfg.Server.checkURL(); err != nil {
			return err
		}
	}
	for _, path := range []*string{&s.path, &s.cfg.Archive.Dir, &s.cfg.Server.PasswordFile} {
		if *path == "" {
			continue
		}
		absolute, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = absolute
	}
	return s.cfg.Validate()
}

// made is a new archive.
type made struct{ id, publicKey string }

// make writes the configuration and makes the archive. It does both or neither.
func (s *setup) make(ctx context.Context) (m made, err error) {
	text, err := fillIn(configs.Example, map[string]string{
		"server.url": s.cfg.Server.URL, "server.username": s.cfg.Server.Username, "archive.dir": s.cfg.Archive.Dir,
		"server.password_file": s.cfg.Server.PasswordFile, "server.password_command": s.cfg.Server.PasswordCommand,
	})
	if err != nil {
		return m, err
	}
	if err := writeNew(s.path, text); err != nil {
		return m, err
	}
	if m, err = s.makeArchive(ctx); err != nil {
		return m, errors.Join(err, os.Remove(s.path))
	}
	return m, nil
}

// writeNew writes a file that must not be there yet, for its owner's eyes only.
func writeNew(path, text string) error {
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return &configError{"configuration: " + plainCause(err), "--config names the file to write"}
	}
	f, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	switch {
	case errors.Is(err, fs.ErrExist):
		return errConfigExists(path)
	case err != nil:
		return &configError{"configuration: " + plainCause(err), "--config names the file to write"}
	}
	_, err = f.WriteString(text)
	if err = errors.Join(err, f.Sync(), f.Close()); err != nil {
		return errors.Join(fmt.Errorf("configuration: %w", err), os.Remove(path))
	}
	return nil
}

func (s *setup) makeArchive(ctx context.Context) (m made, err error) {
	dir := s.cfg.Archive.Dir
	a, err := storage.Create(ctx, dir, storage.Options{Now: s.now})
	switch {
	case errors.Is(err, fs.ErrExist):
		err = fmt.Errorf("archive %s: %w", dir, fs.ErrExist)
		return m, withHint(err, "init overwrites nothing: archiver sync goes on with that archive, and --archive names another directory")
	case errors.Is(err, storage.ErrNoArchive):
		return m, withHint(err, "a new archive needs a directory that is absent or empty")
	case err != nil:
		return m, err
	}
	defer closing(&err, a.Close)
	m.id = a.ID()
	m.publicKey, err = giveKey(ctx, a, s.cfg.keyFile())
	return m, err
}

// fillIn gives the example configuration with values in place of its own. Names are "section.key"; an empty value
// leaves the example's.
func fillIn(example string, values map[string]string) (string, error) {
	var b strings.Builder
	section, filled := "", 0
	for line := range strings.Lines(example) {
		key, _, found := strings.Cut(strings.TrimSpace(line), ":")
		switch value := values[section+"."+key]; {
		case found && line[0] != ' ' && line[0] != '#':
			section = key
		case found && value != "":
			scalar, err := yaml.Marshal(value)
			if err != nil {
				return "", err
			}
			line = "  " + key + ": " + strings.TrimSpace(string(scalar)) + "\n"
			filled++
		}
		b.WriteString(line)
	}
	for _, value := range values {
		if value != "" {
			filled--
		}
	}
	if filled != 0 {
		return "", errors.New("the example configuration lacks a key, or has it twice")
	}
	return b.String(), nil
}

// initReport is `init --json`.
type initReport struct {
	Config    string   `json:"config"`
	Archive   string   `json:"archive"`
	ID        string   `json:"id"`
	KeyFile   string   `json:"key_file"`
	PublicKey string   `json:"public_key"` // what checkpoints are checked with
	Missing   []string `json:"missing"`    // what is still to be filled in
	Next      []string `json:"next"`       // commands
	Cron      string   `json:"cron"`       // a line for a crontab
}

func (s *setup) report(m made) error {
	config := " --config " + shellWord(s.path)
	r := initReport{
		Config: s.path, Archive: s.cfg.Archive.Dir, ID: m.id, Missing: s.missing(),
		KeyFile: s.cfg.keyFile(), PublicKey: m.publicKey,
		Next: []string{programName + " doctor" + config, programName + " sync" + config},
		Cron: "15 * * * *  " + programName + " sync" + config + ` --quiet --max-duration 50m || logger -t archiver "sync ended with $?"`,
	}
	if s.ui.json {
		return s.ui.object(r)
	}
	err := s.ui.printf("configuration  %s\narchive        %s, empty\nsigning key    %s: keep a copy of it elsewhere, it cannot be made again\npublic key     %s\n",
		r.Config, r.Archive, r.KeyFile, r.PublicKey)
	if len(r.Missing) > 0 {
		err = errors.Join(err, s.ui.printf("\nstill to be filled in: %s\n", strings.Join(r.Missing, ", ")))
	}
	return errors.Join(err, s.ui.printf("\nWhat comes next:\n"+
		"  %s\n      checks the server and says what can be archived and what can't\n"+
		"  %s\n      archives everything; it may be interrupted at any time and goes on from there\n"+
		"  %s\n      as a line in the crontab keeps the archive up to date\n", r.Next[0], r.Next[1], r.Cron))
}

// missing names what sync needs and the configuration does not say.
func (s *setup) missing() []string {
	missing := []string{}
	if s.cfg.Server.URL == "" {
		missing = append(missing, "server.url")
	}
	if s.cfg.Server.Username == "" {
		missing = append(missing, "server.username")
	}
	if s.cfg.Server.PasswordFile == "" && s.cfg.Server.PasswordCommand == "" {
		missing = append(missing, "server.password_file or server.password_command, unless ARCHIVER_PASSWORD is set for each run")
	}
	return missing
}

// shellWord quotes a word for the shell where it needs to be.
func shellWord(s string) string {
	plain := func(r rune) bool {
		return r == '/' || r == '.' || r == '-' || r == '_' || r >= '0' && r <= '9' || r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z'
	}
	if s != "" && strings.IndexFunc(s, func(r rune) bool { return !plain(r) }) < 0 {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}
