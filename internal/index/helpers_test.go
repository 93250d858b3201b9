package index

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/go-json-experiment/json"
	"github.com/klauspost/compress/zstd"
)

// newArchive creates an archive for a test.
func newArchive(t testing.TB) *storage.Archive {
	t.Helper()
	a, err := storage.Create(t.Context(), filepath.Join(t.TempDir(), "archive"), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := a.Close(); err != nil {
			t.Error(err)
		}
	})
	return a
}

// post is a message as a test puts it into an archive.
type post struct {
	channel, ts, thread, user, text string
	extra                           string // more members of the raw object, as JSON
}

func (p post) seen() record.Seen {
	raw, err := json.Marshal(map[string]string{"ts": p.ts, "user": p.user, "text": p.text})
	if err != nil {
		panic(err)
	}
	if p.extra != "" {
		raw = append(raw[:len(raw)-1], ","+p.extra+"}"...)
	}
	return record.Seen{Key: p.ts, Thread: record.TS(p.thread), Raw: raw}
}

// put puts posts, which may be of several channels, and waits for them.
func put(t testing.TB, a *storage.Archive, posts ...post) {
	t.Helper()
	for len(posts) > 0 {
		page := &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(), Channel: posts[0].channel}
		for len(posts) > 0 && posts[0].channel == page.Channel {
			page.Messages = append(page.Messages, posts[0].seen())
			posts = posts[1:]
		}
		putPage(t, a, page)
	}
}

func putPage(t testing.TB, a *storage.Archive, p *storage.Page) {
	t.Helper()
	if err := a.Put(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}

// openIndex opens the index of an archive for a test.
func openIndex(t testing.TB, a *storage.Archive, o Options) *Index {
	t.Helper()
	ix, err := Open(t.Context(), filepath.Join(a.Dir(), "index"), o)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := ix.Close(); err != nil {
			t.Error(err)
		}
	})
	return ix
}

func catchUp(t testing.TB, ix *Index, a *storage.Archive) {
	t.Helper()
	if err := ix.CatchUp(t.Context(), a, nil); err != nil {
		t.Fatal(err)
	}
}

// find gives the hits of a query and the answer's end.
func find(t testing.TB, ix *Index, a *storage.Archive, query string, r Request) ([]Hit, *Answer) {
	t.Helper()
	q, err := Parse(query)
	if err != nil {
		t.Fatal(err)
	}
	r.Query = q
	var hits []Hit
	answer, err := ix.Search(t.Context(), a, r, func(h Hit) error {
		hits = append(hits, h)
		return nil
	})
	if err != nil {
		t.Fatalf("search %q: %v", query, err)
	}
	return hits, answer
}

// ids writes hits as a line of "channel/ts" with the version if it is not the first.
func ids(hits []Hit) string {
	var out []string
	for _, h := range hits {
		id := h.Channel + "/" + string(h.TS)
		if h.Version > 1 || h.Versions > 1 {
			id += fmt.Sprintf("#%d", h.Version)
		}
		out = append(out, id)
	}
	return strings.Join(out, " ")
}

// corpusPath finds a file of the chat corpus beside the module, and skips the test without it.
func corpusPath(t testing.TB, name string) string {
	t.Helper()
	dir, err := os.Getwd()
	if err != nil {
		t.Fatal(err)
	}
	for ; ; dir = filepath.Dir(dir) {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			break
		}
		if dir == filepath.Dir(dir) {
			t.Skip("no module root")
		}
	}
	path := filepath.Join(dir, "..", "shared", "corpus", "chat", name)
	if _, err := os.Stat(path); err != nil {
		t.Skip("no corpus")
	}
	return path
}

// line is a message of the corpus.
type line struct {
	Channel string    `json:"channel"`
	ID      string    `json:"id"`
	Thread  string    `json:"thread"`
	User    string    `json:"user"`
	Time    time.Time `json:"time"`
	Text    string    `json:"text"`
	Kind    string    `json:"kind"`
	Edited  string    `json:"edited"`
}

// message is a message of the corpus with its ts.
type message struct {
	line
	ts   record.TS
	root record.TS // of its thread, "" outside of threads and when the root is left out
}

// corpus reads every nth message of the corpus.
func corpus(t testing.TB, nth int) []message {
	t.Helper()
	file, err := os.Open(corpusPath(t, "messages.ndjson.zst"))
	if err != nil {
		t.Fatal(err)
	}
	defer file.Close()
	z, err := zstd.NewReader(file)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	lines := bufio.NewScanner(z)
	lines.Buffer(nil, 1<<20)
	var out []message
	roots := map[string]record.TS{}
	counters := map[string]int{}
	for n := 0; lines.Scan(); n++ {
		if n%nth > 0 {
			continue
		}
		var m message
		if err := json.Unmarshal(lines.Bytes(), &m.line); err != nil {
			t.Fatal(err)
		}
		second := m.Channel + m.Time.Format(time.RFC3339)
		m.ts = record.MakeTS(m.Time.Unix(), counters[second])
		counters[second]++
		roots[m.Channel+"/"+m.ID] = m.ts
		if m.Thread != "" {
			m.root = roots[m.Channel+"/"+m.Thread]
		}
		out = append(out, m)
	}
	if err := lines.Err(); err != nil {
		t.Fatal(err)
	}
	return out
}

// putCorpus puts messages of the corpus into an archive.
func putCorpus(t testing.TB, a *storage.Archive, messages []message) {
	t.Helper()
	kinds := map[string]string{"message": "", "system": "channel_join", "code": "code_block", "file": "file_share"}
	page := &storage.Page{}
	flush := func(channel string) {
		if len(page.Messages) > 0 {
			if err := a.Put(t.Context(), page); err != nil {
				t.Fatal(err)
			}
		}
		page = &storage.Page{Observed: time.Unix(1.7e9, 0).UTC(), Channel: channel}
	}
	for _, m := range messages {
		if m.Channel != page.Channel || len(page.Messages) == 1000 {
			flush(m.Channel)
		}
		p := post{ts: string(m.ts), thread: string(m.root), user: m.User + "@corpus.invalid", text: m.Text}
		p.extra = fmt.Sprintf(`"subtype":%q`, kinds[m.Kind])
		if m.Edited != "" {
			p.extra += `,"edited":{}`
		}
		page.Messages = append(page.Messages, p.seen())
	}
	flush("")
	if err := a.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
}
