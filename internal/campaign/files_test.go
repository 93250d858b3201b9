package campaign

import (
	"cmp"
	"fmt"
	"io/fs"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// TestFiles is group G.
func TestFiles(t *testing.T) {
	runScenarios(t, []scenario{
		{"G1", "404", func(t *testing.T) { refusedFile(t, 404) }},
		{"G1", "403", func(t *testing.T) { refusedFile(t, 403) }},
		{"G1", "302 to a login page", func(t *testing.T) { notTheFile(t, teamchattest.Fault{Redirect: "/login"}) }},
		{"G1", "page with 200", func(t *testing.T) { notTheFile(t, teamchattest.Fault{HTML: true}) }},
		{"G1", "page with 200 for one of the files", oneIsNotTheFile},
		{"G2", "cut", func(t *testing.T) { brokenDownload(t, teamchattest.Fault{Cut: 3}) }},
		{"G2", "cut without a length", func(t *testing.T) { brokenDownload(t, teamchattest.Fault{CutOpen: 3}) }},
		{"G2", "wrong length", func(t *testing.T) { brokenDownload(t, teamchattest.Fault{Truncate: 3}) }},
		{"G2", "compressed", func(t *testing.T) { brokenDownload(t, teamchattest.Fault{Gzip: true}) }},
		{"G2", "cut for ever", func(t *testing.T) { notTheFile(t, teamchattest.Fault{Cut: 3}) }},
		{"G3", "names and contents", namesAndContents},
		{"G4", "new version under the same id", newVersion},
		{"G6", "URL that expires while queued", expiredTickets},
		{"G8", "0 bytes", emptyFile},
		{"G8", "300 MB", largeFile},
		{"G9", "foreign host", foreignHost},
	})
}

// refusedFile makes all downloads answer a status that may not be the API's word: the files are owed and named.
func refusedFile(t *testing.T, status int) {
	skipIfShort(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.server.Fault(teamchattest.Fault{Method: "files.download", Status: status, Times: -1})
	if r := s.sync(incomplete); len(r.Problems) == 0 {
		t.Errorf("%+v", r)
	}
	for _, f := range s.lines("file") {
		if f.State != "pending" || f.Reason == "" || len(f.Versions) > 0 {
			t.Errorf("file is %+v", f)
		}
	}
	s.wantNoContent()
	s.server.ClearFaults()
	s.sync(ok)
	s.wantWorld()
}

// notTheFile makes all downloads answer something that is not the file. That looks like a server that is down.
func notTheFile(t *testing.T, fault teamchattest.Fault) {
	skipIfShort(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.giveUpSoon()
	fault.Method, fault.Times = "files.download", -1
	s.server.Fault(fault)
	s.want([]int{incomplete, tryLater}, "sync", "--no-index")
	s.wantNoContent()
	s.server.ClearFaults()
	s.sync(ok)
	s.wantWorld()
}

// oneIsNotTheFile makes the downloads of one file answer a page. The others are stored, and that one is owed.
func oneIsNotTheFile(t *testing.T) {
	skipIfShort(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.giveUpSoon()
	bad := ""
	s.server.Fault(teamchattest.Fault{Method: "files.download", HTML: true, Times: -1, Match: func(form url.Values) bool {
		bad = cmp.Or(bad, form.Get("ticket"))
		return form.Get("ticket") == bad
	}})
	if r := s.sync(incomplete); len(r.Problems) == 0 {
		t.Errorf("%+v", r)
	}
	status := decode[struct {
		Files struct {
			Stored int `json:"stored"`
		} `json:"files"`
		Channels []struct {
			Debts int `json:"debts"`
		} `json:"channels"`
	}](t, s.want([]int{ok}, "status", "--json").stdout)
	debts := 0
	for _, c := range status.Channels {
		debts += c.Debts
	}
	if debts == 0 || status.Files.Stored != 3 {
		t.Errorf("%d debts, files are %+v", debts, status.Files)
	}
	s.server.ClearFaults()
	s.sync(ok)
	s.wantWorld()
}

// wantNoContent checks that no content is stored but the empty one.
func (s *site) wantNoContent() {
	s.t.Helper()
	const empty = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
	for path := range s.blobs() {
		if filepath.Base(path) != empty {
			s.t.Errorf("%s is kept", path)
		}
	}
}

// blobs gives the stored contents, by path.
func (s *site) blobs() map[string]bool {
	s.t.Helper()
	found := make(map[string]bool)
	err := filepath.WalkDir(filepath.Join(s.archive(), "blobs"), func(path string, d fs.DirEntry, err error) error {
		if err == nil && d.Type().IsRegular() {
			found[path] = true
		}
		return err
	})
	if err != nil && !os.IsNotExist(err) {
		s.t.Fatal(err)
	}
	return found
}

// brokenDownload breaks the second download once.
func brokenDownload(t *testing.T, fault teamchattest.Fault) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	fault.Method, fault.At = "files.download", 2
	s.server.Fault(fault)
	s.sync(ok)
	s.wantWorld()
}

func namesAndContents(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	names := []string{"same.txt", "same.txt", "../../../escape.txt", "/etc/escape.txt", "nul\x00byte", "😀.txt", strings.Repeat("long", 80) + ".txt", `..\escape.txt`, "CON", ""}
	for i, name := range names {
		s.world.Upload("general", "ann@example.com", name, fmt.Append(nil, "content ", i/2*2, " ", i < 2 && i > 0))
	}
	s.sync(ok)
	s.wantWorld()
	s.want([]int{ok}, "sync")
	s.want([]int{ok}, "export", "--output", "exported")
	for path := range s.tree() {
		top, _, _ := strings.Cut(path, "/")
		if !slices.Contains([]string{"archive", "archive.key", "archive.verified", "exported", "archiver.yaml"}, top) {
			t.Errorf("%s was written", path)
		}
		if len(filepath.Base(path)) > 255 || strings.Contains(path, "escape.txt") && strings.Contains(path, `\`) {
			t.Errorf("name %q", path)
		}
	}
}

// tree gives the files below the site's directory.
func (s *site) tree() map[string]bool {
	s.t.Helper()
	found := make(map[string]bool)
	err := fs.WalkDir(os.DirFS(s.dir), ".", func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			found[path] = true
		}
		return err
	})
	if err != nil {
		s.t.Fatal(err)
	}
	return found
}

func newVersion(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	s.do("revise f1 Something else is in the file")
	if r := s.sync(ok); r.FilesNew != 1 {
		t.Errorf("%d new files", r.FilesNew)
	}
	f := s.file("f1")
	if len(f.Versions) != 2 || f.Versions[0].SHA256 == f.Versions[1].SHA256 {
		t.Fatalf("versions %+v", f.Versions)
	}
	for _, v := range f.Versions {
		if !s.blobs()[filepath.Join(s.archive(), "blobs", v.SHA256[:2], v.SHA256)] {
			t.Errorf("content %s is not kept", v.SHA256)
		}
	}
	s.wantWorld()
}

func expiredTickets(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	for n := range int64(6) {
		s.server.OnMethod("files.download", 2*n+1, func(*teamchattest.World) { s.server.ExpireTickets() })
	}
	s.sync(ok)
	s.wantWorld()
}

func emptyFile(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	if f := s.file("f2"); f.State != "stored" || f.Size != 0 || len(f.Versions) != 1 {
		t.Errorf("%+v", f)
	}
}

// largeMemory is what a sync may use at its peak, bytes, however large a file is.
const largeMemory = 160 << 20

func largeFile(t *testing.T) {
	skipIfShort(t)
	corpus := filepath.Join(t.TempDir(), "chat.ndjson")
	text := fmt.Sprintf(`{"channel":"general","id":"1","thread":"","user":"ann","time":"2024-03-01T09:00:00Z","text":"large.bin","edited":"","kind":"file","reactions":[],"file":{"name":"large.bin","path":"","size":%d}}`, 300<<20)
	if err := os.WriteFile(corpus, []byte(text+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	world, err := teamchattest.LoadCorpus(corpus)
	if err != nil {
		t.Fatal(err)
	}
	s := newSite(t, world, teamchattest.ServerOptions{})
	o := s.want([]int{ok}, "sync", "--no-index")
	t.Logf("%d MiB at the peak, %v", o.rss>>20, o.took)
	if o.rss > largeMemory {
		t.Errorf("%d MiB at the peak, want at most %d", o.rss>>20, largeMemory>>20)
	}
	s.wantWorld()
}

// foreignHost lets answers lead to another host, which must be told nothing.
func foreignHost(t *testing.T) {
	var asked atomic.Int64
	foreign := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { asked.Add(1) }))
	defer foreign.Close()
	for _, method := range []string{"files.download", "auth.test", "channels.historyNoComments"} {
		s := scenarioSite(t, company, teamchattest.ServerOptions{})
		s.server.Fault(teamchattest.Fault{Method: method, At: 1, Redirect: foreign.URL + "/somewhere"})
		s.want([]int{ok, incomplete}, "sync", "--no-index")
		s.sync(ok)
		s.wantWorld()
	}
	if n := asked.Load(); n > 0 {
		t.Errorf("the foreign host got %d requests", n)
	}
}
