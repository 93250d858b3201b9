package campaign

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// crashProgram is the program built so that it can be killed at a crash point (package internal/crash).
var crashProgram = sync.OnceValues(func() (string, error) {
	program := filepath.Join(filepath.Dir(os.Getenv(programVariable)), "archiver-crashpoints")
	out, err := exec.Command("go", "build", "-tags", "crashpoints", "-o", program, "archiver/cmd/archiver").CombinedOutput()
	if err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return program, nil
})

// crash runs the program until it comes to the n-th crash point, and kills it there; 0 is never. It gives the names of the
// points it came to.
func (s *site) crash(n int, args ...string) (points []string, o outcome) {
	s.t.Helper()
	program, err := crashProgram()
	if err != nil {
		s.t.Fatal(err)
	}
	log := filepath.Join(s.t.TempDir(), "points")
	r := s.prepare(args...)
	r.cmd.Path = program
	r.cmd.Env = append(r.cmd.Env, fmt.Sprint("ARCHIVER_CRASH_AT=", n), "ARCHIVER_CRASH_LOG="+log)
	s.begin(r)
	o = s.wait(r)
	data, err := os.ReadFile(log)
	if err != nil {
		s.t.Fatalf("%v\n%s", err, o.stderr)
	}
	return strings.Split(strings.TrimSpace(string(data)), "\n"), o
}

// wantCrash checks that a run was killed at its n-th point, or had fewer: how runs group their commits is not always the
// same.
func (s *site) wantCrash(n int, args ...string) {
	s.t.Helper()
	points, o := s.crash(n, args...)
	if o.code != killed && (o.code != ok || len(points) >= n) {
		s.t.Fatalf("at point %d of %d: exit code %d\n%s", n, len(points), o.code, o.stderr)
	}
}

// TestSyncCrashesAtAnyPoint kills a first sync between any two durable steps.
func TestSyncCrashesAtAnyPoint(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	points, o := s.crash(0, "sync", "--no-index")
	if o.code != ok {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	want := s.dump()
	t.Logf("a run comes to %d crash points", len(points))
	for _, n := range sample(int64(len(points)), share(14, 3), 11) {
		t.Run(fmt.Sprintf("%03d %s", n, points[n-1]), func(t *testing.T) {
			t.Parallel()
			s := scenarioSite(t, company, teamchattest.ServerOptions{})
			s.wantCrash(int(n), "sync", "--no-index")
			s.want([]int{ok, noArchive}, "verify", "--data")
			s.sync(ok)
			s.wantDump(want)
			s.want([]int{ok}, "verify", "--data")
		})
	}
}

// TestCompactCrashesAtAnyPoint kills compact between any two durable steps. Nothing changes but the file.
func TestCompactCrashesAtAnyPoint(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	want := s.dump()
	points, o := s.crash(0, "compact")
	if o.code != ok {
		t.Fatalf("exit code %d\n%s", o.code, o.stderr)
	}
	s.wantDump(want)
	t.Logf("compact comes to %d crash points", len(points))
	for _, n := range sample(int64(len(points)), share(5, 1), 12) {
		s.wantCrash(int(n), "compact")
		s.want([]int{ok}, "verify", "--data")
		s.wantDump(want)
		s.sync(ok)
		s.want([]int{ok}, "compact")
		s.wantDump(want)
	}
}
