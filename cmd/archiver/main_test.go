package main

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"archiver": main})
}

// TestScripts runs the program as users do. Each script in testdata/script reads like the manual of a command, with
// what goes wrong as well. Beside the commands of package testscript they use
//
//	exits CODE PROGRAM [ARGS...]     runs a program that must end with this exit code
//	teamchat serve [SCENARIO-FILE]   starts a TeamChat server; ARCHIVER_SERVER, _USERNAME and _PASSWORD lead to it
//	teamchat do LINE...              applies scenario lines to it, an argument each
//	teamchat label NAME              sets $NAME to the message "channel id/ts" that the scenario calls so
//	teamchat fault NAME              makes every answer from now on go wrong; "none" ends that
//	teamchat stop                    ends the server
//	hold write, hold end             holds the archive as a process that syncs does
//	damage blob|index|database       flips a bit in a stored file or in every file of the index, or overwrites the
//	                                 database's beginning
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir:   filepath.Join("testdata", "script"),
		Setup: setUpScript,
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"exits": exitsCommand, "teamchat": teamchatCommand, "hold": holdCommand, "damage": damageCommand,
		},
	})
}

// fixture is what the scripts' own commands keep for a script.
type fixture struct {
	server *teamchattest.Server
	held   *storage.Archive
}

type fixtureKey struct{}

func setUpScript(env *testscript.Env) error {
	f := &fixture{}
	env.Values[fixtureKey{}] = f
	env.Setenv("ARCHIVER_ARCHIVE", filepath.Join(env.WorkDir, "archive"))
	env.Setenv("HOME", env.WorkDir)
	env.Setenv("TMPDIR", filepath.Join(env.WorkDir, ".tmp"))
	env.Defer(func() {
		if f.server != nil {
			f.server.Close()
		}
		if f.held != nil {
			f.held.Close()
		}
	})
	return nil
}

func exitsCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE PROGRAM [ARGS...]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	if err := ts.Exec(args[1], args[2:]...); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

func teamchatCommand(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) == 0 {
		ts.Fatalf("usage: teamchat serve|do|label|fault|stop ...")
	}
	f := ts.Value(fixtureKey{}).(*fixture)
	switch verb, args := args[0], args[1:]; verb {
	case "serve":
		f.serve(ts, args)
	case "do":
		for _, line := range args {
			ts.Check(f.server.World().Apply(line))
		}
	case "label":
		l, ok := f.server.World().Label(args[0])
		if !ok {
			ts.Fatalf("nothing is called %q", args[0])
		}
		ts.Setenv(args[0], record.ChannelID(l.Channel)+"/"+string(l.TS))
	case "fault":
		f.fault(ts, args[0])
	case "stop":
		ts.Check(f.server.Close())
	default:
		ts.Fatalf("unknown: teamchat %s", verb)
	}
}

func (f *fixture) serve(ts *testscript.TestScript, args []string) {
	scenario := defaultScenario
	if len(args) > 0 {
		scenario = ts.ReadFile(args[0])
	}
	world, err := teamchattest.ParseScenario(scenario)
	ts.Check(err)
	f.server = teamchattest.NewServer(world, teamchattest.ServerOptions{})
	ts.Check(f.server.Listen("127.0.0.1:0"))
	ts.Setenv("ARCHIVER_SERVER", f.server.URL)
	ts.Setenv("ARCHIVER_USERNAME", "archive@example.com")
	ts.Setenv("ARCHIVER_PASSWORD", "secret")
}

// defaultScenario is a small company.
const defaultScenario = `
user ann Ann Example
user bob Bob Example
user eve Eve Example
channel general ann bob eve
channel sales ann bob
hello = post general ann Good morning, all
turnover = post general bob The turnover of the first quarter is in
question = comment turnover ann Including the south?
post general eve Turnover by region would be nice as well
code sales ann go fmt.Println("turnover")
report = upload sales ann report.txt Turnover: 42
slip = post sales bob This should never have been written
`

// faults are what can be made to go wrong.
var faults = map[string]teamchattest.Fault{
	"file404":    {Method: "files.download", Status: 404},
	"html":       {HTML: true},
	"empty":      {Empty: true},
	"error500":   {Status: 500},
	"come-back":  {Status: 503, RetryAfter: "7200"},
	"slow":       {Delay: 200 * time.Millisecond},
	"very-slow":  {Delay: time.Minute},
	"no-history": {Method: "channels.historyNoComments", Status: 500},
}

func (f *fixture) fault(ts *testscript.TestScript, name string) {
	if f.server.ClearFaults(); name == "none" {
		return
	}
	fault, ok := faults[name]
	if !ok {
		ts.Fatalf("no fault %q", name)
	}
	fault.Times = -1
	f.server.Fault(fault)
}

func holdCommand(ts *testscript.TestScript, neg bool, args []string) {
	f := ts.Value(fixtureKey{}).(*fixture)
	switch {
	case !neg && slices.Equal(args, []string{"write"}):
		var err error
		f.held, err = storage.Open(context.Background(), ts.Getenv("ARCHIVER_ARCHIVE"), storage.Options{})
		ts.Check(err)
	case !neg && slices.Equal(args, []string{"end"}):
		ts.Check(f.held.Close())
		f.held = nil
	default:
		ts.Fatalf("usage: hold write|end")
	}
}

func damageCommand(ts *testscript.TestScript, neg bool, args []string) {
	dir := ts.Getenv("ARCHIVER_ARCHIVE")
	switch {
	case !neg && slices.Equal(args, []string{"blob"}):
		blobs, err := filepath.Glob(filepath.Join(dir, "blobs", "*", "*"))
		ts.Check(err)
		data, err := os.ReadFile(blobs[0])
		ts.Check(err)
		data[len(data)/2] ^= 0x10
		ts.Check(os.WriteFile(blobs[0], data, 0o600))
	case !neg && slices.Equal(args, []string{"index"}):
		files, err := filepath.Glob(filepath.Join(dir, "index", "*", "store", "*.zap"))
		ts.Check(err)
		for _, f := range files {
			data, err := os.ReadFile(f)
			ts.Check(err)
			data[0] ^= 0x10
			ts.Check(os.WriteFile(f, data, 0o600))
		}
	case !neg && slices.Equal(args, []string{"database"}):
		f, err := os.OpenFile(filepath.Join(dir, "archive.db"), os.O_WRONLY, 0)
		ts.Check(err)
		_, err = f.Write(make([]byte, 64<<10))
		ts.Check(errors.Join(err, f.Close()))
	case !neg && slices.Equal(args, []string{"tail"}):
		ts.Check(damageTail(filepath.Join(dir, "archive.db")))
	default:
		ts.Fatalf("usage: damage blob|index|tail|database")
	}
}

// TestSignals interrupts a sync whose server does not answer. It must end at once with the signal's exit code and say
// so, and the archive must be one that the next run can use.
func TestSignals(t *testing.T) {
	program, err := exec.LookPath("archiver")
	if err != nil {
		t.Fatal(err)
	}
	for _, test := range []struct {
		signal syscall.Signal
		code   int
		says   string
	}{
		{syscall.SIGINT, exitInterrupted, "archiver: error: interrupted\n"},
		{syscall.SIGTERM, exitTerminated, "archiver: error: terminated\n"},
	} {
		t.Run(test.signal.String(), func(t *testing.T) {
			world, err := teamchattest.ParseScenario(defaultScenario)
			if err != nil {
				t.Fatal(err)
			}
			server := teamchattest.Start(t, world, teamchattest.ServerOptions{})
			server.Fault(teamchattest.Fault{Method: "channels.historyNoComments", Delay: time.Minute, Times: -1})
			cmd := exec.Command(program, "sync", "--json", "--server", server.URL, "--archive", filepath.Join(t.TempDir(), "archive"))
			cmd.Env = append(os.Environ(), "ARCHIVER_USERNAME=archive@example.com", "ARCHIVER_PASSWORD=secret")
			var stdout, stderr strings.Builder
			cmd.Stdout, cmd.Stderr = &stdout, &stderr
			if err := cmd.Start(); err != nil {
				t.Fatal(err)
			}
			for server.Requests("channels.historyNoComments") == 0 {
				time.Sleep(5 * time.Millisecond)
			}
			if err := cmd.Process.Signal(test.signal); err != nil {
				t.Fatal(err)
			}
			cmd.Wait()
			if got := cmd.ProcessState.ExitCode(); got != test.code {
				t.Errorf("exit code %d, want %d", got, test.code)
			}
			if !strings.Contains(stdout.String(), `{"outcome":"interrupted"`) || !strings.Contains(stderr.String(), test.says) {
				t.Errorf("stdout:\n%sstderr:\n%s", &stdout, &stderr)
			}
		})
	}
}
