package formattest

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
)

// site is a directory with an archive that the program made of a small company.
type site struct {
	dir        string // holds the program, its configuration, the archive and the copy of its checkpoint
	server     string
	publicKey  string // as the program printed it
	checkpoint string // as signing.checkpoint_file keeps it
	notes      string // what the program said last on stderr
}

func (s *site) archive() string { return filepath.Join(s.dir, "archive") }

// shared is the site that all tests read. It is made by the first of them.
var shared = struct {
	sync.Mutex
	dir  string
	site *site
}{}

func TestMain(m *testing.M) {
	dir, err := os.MkdirTemp("", "archiver-formattest-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	shared.dir = dir
	code := m.Run()
	os.RemoveAll(dir)
	os.Exit(code)
}

// synced gives the shared site, which tests must leave as it is.
func synced(t *testing.T) *site {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.site == nil {
		s := &site{dir: shared.dir}
		s.build(t)
		s.fill(t)
		shared.site = s
	}
	return shared.site
}

// build compiles the program and the simulator.
func (s *site) build(t *testing.T) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "build", "-o", s.dir+string(filepath.Separator), "archiver/cmd/archiver",
		"archiver/internal/teamchat/teamchattest/teamchatsim")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("go build: %v\n%s", err, out)
	}
}

// world is what the simulator begins with. More than a thousand messages fill sealed blocks; a file fills several chunks.
func world() string {
	var b strings.Builder
	b.WriteString(`host mail.example.com
time 2024-03-01T09:00:00Z
user ann Ann Example
channel general ann bob
channel "sales team" ann
m1 = post general ann Good morning
m2 = post general bob "quoted" \\ text\nsecond line é 漢字
c1 = comment m1 bob Hello, Ann
c2 = comment m1 ann Hi
f1 = upload general ann notes.txt What is in the file
f2 = upload general ann empty.txt
code general ann go fmt.Println("x\n")
event general ann 30 Standup
conference general ann secret Standup
p1 = pin m1 ann
`)
	fmt.Fprintf(&b, "f3 = upload general bob long.txt %s\n", strings.Repeat("0123456789abcde ", 160<<10))
	for i := range 1100 {
		fmt.Fprintf(&b, "post \"sales team\" ann Offer number %d of today, %x\n", i, i*i)
	}
	return b.String()
}

// later is what happens between the two syncs.
const later = `edit m1 ann Good morning, all
edit c1 bob Hello
react m1 bob thumbsup
delete m2
revise f1 New content
unpin m1 ann
post "sales team" ann One more
`

// fill makes the archive: two syncs, with changes between them.
func (s *site) fill(t *testing.T) {
	t.Helper()
	s.write(t, "world.txt", world())
	s.server = s.serve(t)
	s.write(t, "archiver.yaml", "signing:\n  checkpoint_file: "+filepath.Join(s.dir, "checkpoint")+"\n")
	s.run(t, "sync", "--no-index")
	_, printed, _ := strings.Cut(s.notes, "public key: ")
	s.publicKey, _, _ = strings.Cut(printed, "\n")
	resp, err := http.Post(s.server+"/sim/apply", "text/plain", strings.NewReader(later))
	if err != nil {
		t.Fatal(err)
	}
	resp.Body.Close()
	if resp.StatusCode != http.StatusOK {
		t.Fatalf("the simulator answered %s", resp.Status)
	}
	s.run(t, "sync", "--no-index", "--full")
	s.checkpoint = s.read(t, "checkpoint")
}

// serve starts the simulator and gives its address. It ends with the test.
func (s *site) serve(t *testing.T) string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(s.dir, "teamchatsim"), "-scenario", filepath.Join(s.dir, "world.txt"),
		"-addr", "127.0.0.1:0", "-until-stdin-closes")
	cmd.Stderr = t.Output()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		_ = cmd.Wait() // it may have been killed with the test's context
	})
	line, err := bufio.NewReader(stdout).ReadString('\n')
	url, _, found := strings.Cut(line, " ")
	if err != nil || !found {
		t.Fatalf("the simulator's first line: %q, %v", line, err)
	}
	return url
}

// run runs the program, which must end with 0, and gives what it printed.
func (s *site) run(t *testing.T, args ...string) []byte {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), filepath.Join(s.dir, "archiver"), args...)
	cmd.Dir, cmd.Env = s.dir, s.environment()
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	out, err := cmd.Output()
	if s.notes = stderr.String(); err != nil {
		t.Fatalf("archiver %s: %v\n%s%s", strings.Join(args, " "), err, out, s.notes)
	}
	return out
}

// environment is what the program is told.
func (s *site) environment() []string {
	return append(os.Environ(), "HOME="+s.dir, "ARCHIVER_ARCHIVE="+s.archive(), "ARCHIVER_SERVER="+s.server,
		"ARCHIVER_USERNAME=archive@example.com", "ARCHIVER_PASSWORD=secret")
}

func (s *site) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(s.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

func (s *site) read(t *testing.T, name string) string {
	t.Helper()
	content, err := os.ReadFile(filepath.Join(s.dir, name))
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

// database gives the archive as the reader of this package reads it.
func (s *site) database(t *testing.T) (database, []entry) {
	t.Helper()
	db, err := readDatabase(s.archive())
	if err != nil {
		t.Fatal(err)
	}
	entries, err := db.entries()
	if err != nil {
		t.Fatal(err)
	}
	return db, entries
}

// line is what dump prints of an object, as far as it is compared.
type line struct {
	Record   string          `json:"record"`
	ID       string          `json:"id"`
	Channel  string          `json:"channel"`
	TS       string          `json:"ts"`
	Thread   string          `json:"thread_ts"`
	Text     string          `json:"text"`
	State    string          `json:"state"`
	Versions []version       `json:"versions"`
	Deleted  json.RawMessage `json:"deleted"`
	Raw      json.RawMessage `json:"raw"`
}

type version struct {
	Text     string `json:"text"`
	SHA256   string `json:"sha256"`
	Size     int64  `json:"size"`
	Observed string `json:"observed"`
}

// dumped is what the program says that the archive holds.
func (s *site) dumped(t *testing.T) (lines []line) {
	t.Helper()
	decoder := json.NewDecoder(bytes.NewReader(s.run(t, "dump")))
	for decoder.More() {
		var l line
		if err := decoder.Decode(&l); err != nil {
			t.Fatal(err)
		}
		lines = append(lines, l)
	}
	return lines
}
