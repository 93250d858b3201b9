package campaign

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json"
	gocmp "github.com/google/go-cmp/cmp"
)

// Exit codes of the program.
const (
	ok          = 0
	incomplete  = 3
	noArchive   = 10
	inUse       = 11
	tryLater    = 75
	interrupted = 130
	killed      = -1 // by a signal that the program does not handle
)

// patience is how long any one run of the program may take.
const patience = time.Minute

// programVariable is the environment variable in which TestMain leaves the path of the program.
const programVariable = "ARCHIVER_CAMPAIGN_PROGRAM"

func TestMain(m *testing.M) {
	code, err := buildAndRun(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(code)
}

func buildAndRun(m *testing.M) (code int, err error) {
	dir, err := os.MkdirTemp("", "archiver-campaign-")
	if err != nil {
		return 0, err
	}
	defer os.RemoveAll(dir)
	program := filepath.Join(dir, "archiver")
	if out, err := exec.Command("go", "build", "-o", program, "archiver/cmd/archiver").CombinedOutput(); err != nil {
		return 0, fmt.Errorf("go build: %w\n%s", err, out)
	}
	if err := os.Setenv(programVariable, program); err != nil {
		return 0, err
	}
	return m.Run(), nil
}

// inFull tells whether the campaigns are to be run in full.
func inFull() bool { return os.Getenv("ARCHIVER_CAMPAIGN") != "" }

// skipIfShort skips what waits or moves many bytes.
func skipIfShort(t *testing.T) {
	t.Helper()
	if testing.Short() {
		t.Skip("takes its time")
	}
}

// site is a server and a directory in which the program is run.
type site struct {
	t      *testing.T
	world  *teamchattest.World
	server *teamchattest.Server
	url    string
	dir    string
	disk   string // where the archive is, unless in dir

	arrived atomic.Int64
	strike  atomic.Pointer[strike]
	mu      sync.Mutex
	process *os.Process // the one started last
}

// strike says at which request the program is killed, or what happens then.
type strike struct {
	request int64
	after   time.Duration // after the answer was sent; below 0 in place of an answer
	act     func()        // done before the answer instead, when set
}

func newSite(t *testing.T, w *teamchattest.World, o teamchattest.ServerOptions) *site {
	t.Helper()
	s := &site{t: t, world: w, server: teamchattest.NewServer(w, o), dir: t.TempDir()}
	front := httptest.NewServer(s)
	s.url = front.URL
	t.Cleanup(func() {
		front.CloseClientConnections()
		front.Close()
	})
	s.configure("sync:\n  concurrency: 1\n  page_size: 5\n  give_up_after: 20s\n")
	return s
}

// scenarioSite is a site whose world is a scenario.
func scenarioSite(t *testing.T, scenario string, o teamchattest.ServerOptions) *site {
	t.Helper()
	w, err := teamchattest.ParseScenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return newSite(t, w, o)
}

// configure writes the configuration file.
func (s *site) configure(yaml string) {
	s.t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, "archiver.yaml"), []byte(yaml), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// ServeHTTP passes requests to the server, and strikes when it is time.
func (s *site) ServeHTTP(rw http.ResponseWriter, req *http.Request) {
	n, due := s.arrived.Add(1), s.strike.Load()
	if due == nil || due.request != n {
		s.server.ServeHTTP(rw, req)
		return
	}
	if due.act != nil {
		due.act()
		s.server.ServeHTTP(rw, req)
		return
	}
	target := s.running()
	if due.after >= 0 {
		s.server.ServeHTTP(rw, req)
		_ = http.NewResponseController(rw).Flush() // the client may be gone
		time.Sleep(due.after)
	}
	_ = target.Kill() // it may have ended
}

// running is the process that was started last.
func (s *site) running() *os.Process {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.process
}

func (s *site) signal(sig os.Signal) { _ = s.running().Signal(sig) } // it may have ended

// do applies scenario lines to the world.
func (s *site) do(lines ...string) {
	s.t.Helper()
	if err := s.world.Apply(strings.Join(lines, "\n")); err != nil {
		s.t.Fatal(err)
	}
}

// outcome is how a run of the program ended.
type outcome struct {
	args           []string
	code           int
	stdout, stderr string
	took           time.Duration
	rss            int64 // bytes at the peak
}

// run is a run of the program that goes on.
type run struct {
	cmd            *exec.Cmd
	stdout, stderr bytes.Buffer
	cancel         context.CancelFunc
	began          time.Time
}

// start starts the program.
func (s *site) start(args ...string) *run {
	s.t.Helper()
	r := s.prepare(args...)
	s.begin(r)
	return r
}

// prepare makes a run that has not begun.
func (s *site) prepare(args ...string) *run {
	ctx, cancel := context.WithTimeout(s.t.Context(), patience)
	r := &run{cmd: exec.CommandContext(ctx, os.Getenv(programVariable), args...), cancel: cancel}
	r.cmd.Dir, r.cmd.Stdout, r.cmd.Stderr = s.dir, &r.stdout, &r.stderr
	r.cmd.Env = append(os.Environ(), "HOME="+s.dir, "ARCHIVER_ARCHIVE="+s.archive(), "ARCHIVER_SERVER="+s.url,
		"ARCHIVER_USERNAME=archive@example.com", "ARCHIVER_PASSWORD=secret")
	return r
}

// begin starts a prepared run.
func (s *site) begin(r *run) {
	s.t.Helper()
	s.mu.Lock()
	defer s.mu.Unlock()
	r.began = time.Now()
	if err := r.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.process = r.cmd.Process
}

// wait waits for the program's end.
func (s *site) wait(r *run) outcome {
	s.t.Helper()
	defer r.cancel()
	err := r.cmd.Wait()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		s.t.Fatal(err)
	}
	o := outcome{args: r.cmd.Args[1:], code: r.cmd.ProcessState.ExitCode(), took: time.Since(r.began),
		stdout: r.stdout.String(), stderr: r.stderr.String()}
	if o.took >= patience {
		s.t.Fatalf("%s did not end within %v\n%s", strings.Join(o.args, " "), patience, o.stderr)
	}
	if used, ok := r.cmd.ProcessState.SysUsage().(*syscall.Rusage); ok {
		o.rss = used.Maxrss << 10
	}
	return o
}

// run runs the program to its end.
func (s *site) run(args ...string) outcome {
	s.t.Helper()
	return s.wait(s.start(args...))
}

// want runs the program, which must end with one of the codes.
func (s *site) want(codes []int, args ...string) outcome {
	s.t.Helper()
	o := s.run(args...)
	for _, code := range codes {
		if o.code == code {
			return o
		}
	}
	s.t.Fatalf("archiver %s: exit code %d, want %v\n%s%s", strings.Join(args, " "), o.code, codes, o.stdout, o.stderr)
	return o
}

// sync makes a run that must end with a code, the index left alone.
func (s *site) sync(code int, args ...string) report {
	s.t.Helper()
	o := s.want([]int{code}, append([]string{"sync", "--no-index", "--json"}, args...)...)
	return decode[report](s.t, o.stdout)
}

// report is what sync --json prints.
type report struct {
	Outcome     string `json:"outcome"`
	Requests    int64  `json:"requests"`
	MessagesNew int    `json:"messages_new"`
	FilesNew    int    `json:"files_new"`
	Problems    []struct {
		Where string `json:"where"`
		What  string `json:"what"`
	} `json:"problems"`
}

// dump gives what dump --stable prints.
func (s *site) dump() string {
	s.t.Helper()
	return s.want([]int{ok}, "dump", "--stable").stdout
}

// wantDump checks the dump against that of an undisturbed run.
func (s *site) wantDump(want string) {
	s.t.Helper()
	if diff := gocmp.Diff(strings.SplitAfter(want, "\n"), strings.SplitAfter(s.dump(), "\n")); diff != "" {
		s.t.Fatalf("the archive differs from that of an unbroken run:\n%s", diff)
	}
}

// archive is the archive's directory.
func (s *site) archive() string { return filepath.Join(cmp.Or(s.disk, s.dir), "archive") }

// decode reads a JSON object that the program printed.
func decode[T any](t *testing.T, text string) (v T) {
	t.Helper()
	if err := json.Unmarshal([]byte(text), &v); err != nil {
		t.Fatalf("%v in %q", err, text)
	}
	return v
}
