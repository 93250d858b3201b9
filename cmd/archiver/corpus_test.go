package main

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"maps"
	"os"
	"path/filepath"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	"github.com/go-json-experiment/json"
)

// TestCorpusIsArchivedWhole syncs the whole chat corpus over HTTP and compares the dump with the corpus, record by
// record: nothing missing, nothing double, nothing altered. A second sync of the unchanged server then adds nothing.
func TestCorpusIsArchivedWhole(t *testing.T) {
	if testing.Short() {
		t.Skip("archives 394,194 messages")
	}
	path := filepath.Join("..", "..", "..", "shared", "corpus", "chat")
	if _, err := os.Stat(path); err != nil {
		t.Skip("the chat corpus is not here")
	}
	world, err := teamchattest.LoadCorpus(path)
	if err != nil {
		t.Fatal(err)
	}
	server := teamchattest.Start(t, world, teamchattest.ServerOptions{})
	t.Setenv("ARCHIVER_SERVER", server.URL)
	t.Setenv("ARCHIVER_USERNAME", "archive@example.com")
	t.Setenv("ARCHIVER_PASSWORD", "secret")
	t.Setenv("ARCHIVER_ARCHIVE", filepath.Join(t.TempDir(), "archive"))

	first := syncNow(t)
	want := corpusByPlace(t, path)
	if got := first.MessagesNew + first.CommentsNew; got != len(want) {
		t.Errorf("the first sync reports %d messages, the corpus has %d", got, len(want))
	}
	compareDump(t, maps.Clone(want))
	want = sinceThen(want)
	compareRSMF(t, maps.Clone(want))
	compareReader(t, want)
	compareFormats(t)

	before := server.TotalRequests()
	second := syncNow(t)
	if second.MessagesNew+second.CommentsNew+second.VersionsNew+second.FilesNew != 0 {
		t.Errorf("the second sync adds %+v", second)
	}
	channels := second.Channels
	if requests, limit := server.TotalRequests()-before, int64(3*channels+10+furtherPages(world)); requests > limit {
		t.Errorf("the second sync made %d requests for %d channels, more than %d", requests, channels, limit)
	}
	if size := runRecords(t); size > 4096 {
		t.Errorf("the run records of two syncs take %d bytes", size)
	}
}

type syncOutcome struct {
	Outcome     string `json:"outcome"`
	Channels    int    `json:"channels"`
	MessagesNew int    `json:"messages_new"`
	CommentsNew int    `json:"comments_new"`
	VersionsNew int    `json:"versions_new"`
	FilesNew    int    `json:"files_new"`
}

func syncNow(t *testing.T) syncOutcome {
	t.Helper()
	var out, errs bytes.Buffer
	code := run(t.Context(), []string{"sync", "--json", "--no-index", "--quiet"}, nil, &out, &errs)
	var got syncOutcome
	if err := json.Unmarshal(out.Bytes(), &got); code != 0 || err != nil || got.Outcome != "complete" {
		t.Fatalf("sync exits %d, %v\n%s%s", code, err, out.Bytes(), errs.Bytes())
	}
	return got
}

// place is where a message stands.
type place struct {
	channel string // name
	ts      record.TS
}

func corpusByPlace(t *testing.T, path string) map[place]teamchattest.CorpusMessage {
	t.Helper()
	messages := map[place]teamchattest.CorpusMessage{}
	for m, err := range teamchattest.CorpusMessages(path) {
		if err != nil {
			t.Fatal(err)
		}
		messages[place{m.Channel, m.TS}] = m
	}
	return messages
}

type dumpLine struct {
	Record   string     `json:"record"`
	ID       string     `json:"id"`
	Name     string     `json:"name"`
	Channel  string     `json:"channel"`
	TS       record.TS  `json:"ts"`
	Thread   record.TS  `json:"thread_ts"`
	User     string     `json:"user"`
	Text     string     `json:"text"`
	Deleted  any        `json:"deleted"`
	File     *string    `json:"file"`
	State    string     `json:"state"`
	Versions []struct{} `json:"versions"`
}

// compareDump takes every message of the dump out of want, which must be empty in the end.
func compareDump(t *testing.T, want map[place]teamchattest.CorpusMessage) {
	t.Helper()
	names, files := map[string]string{}, map[string]bool{}
	wrong := 0
	complain := func(format string, args ...any) {
		if wrong++; wrong <= 20 {
			t.Errorf(format, args...)
		}
	}
	for line := range dumpLines(t) {
		switch line.Record {
		case "channel":
			names[line.ID] = line.Name
		case "message":
			at := place{names[line.Channel], line.TS}
			m, ok := want[at]
			delete(want, at)
			if !ok {
				complain("%v is not in the corpus, or twice in the dump", at)
			} else if problem := difference(m, line); problem != "" {
				complain("%v: %s", at, problem)
			}
			if line.File != nil {
				files[line.Channel+"/"+*line.File] = true
			}
		case "file":
			if line.State != "stored" {
				complain("file %s/%s is %s", line.Channel, line.ID, line.State)
			}
			delete(files, line.Channel+"/"+line.ID)
		}
	}
	if len(want) > 0 || len(files) > 0 {
		t.Errorf("%d messages and %d files are missing", len(want), len(files))
	}
}

func difference(m teamchattest.CorpusMessage, line dumpLine) string {
	switch {
	case line.Text != m.Text:
		return fmt.Sprintf("text %q, want %q", line.Text, m.Text)
	case line.User != m.User:
		return fmt.Sprintf("user %q, want %q", line.User, m.User)
	case line.Thread != m.Thread:
		return fmt.Sprintf("thread %q, want %q", line.Thread, m.Thread)
	case line.Thread == "" && !line.TS.Time().Equal(m.Time):
		return fmt.Sprintf("second %v, want %v", line.TS.Time(), m.Time)
	case line.Deleted != nil || len(line.Versions) != 1:
		return fmt.Sprintf("deleted %v, %d versions", line.Deleted, len(line.Versions))
	case (line.File != nil) != (m.File != ""):
		return fmt.Sprintf("file %v, want %q", line.File, m.File)
	}
	return ""
}

// dumpLines gives the lines of `archiver dump --stable`.
func dumpLines(t *testing.T) func(yield func(dumpLine) bool) {
	r, w := io.Pipe()
	var errs bytes.Buffer
	go func() {
		code := run(t.Context(), []string{"dump", "--stable"}, nil, w, &errs)
		w.CloseWithError(map[bool]error{true: io.EOF, false: fmt.Errorf("dump exits %d: %s", code, errs.Bytes())}[code == 0])
	}()
	return func(yield func(dumpLine) bool) {
		lines := bufio.NewReaderSize(r, 1<<20)
		for {
			text, err := lines.ReadBytes('\n')
			if err == io.EOF {
				return
			}
			var line dumpLine
			if err == nil {
				err = json.Unmarshal(text, &line)
			}
			if err != nil {
				t.Fatal(err)
			}
			if !yield(line) {
				return
			}
		}
	}
}

// furtherPages counts the pages of threads.list and files.list after the first, at 1000 a page.
func furtherPages(w *teamchattest.World) (pages int) {
	threads := map[string]map[record.TS]bool{}
	for m := range w.Messages() {
		if m.Thread != "" {
			if threads[m.Channel] == nil {
				threads[m.Channel] = map[record.TS]bool{}
			}
			threads[m.Channel][m.Thread] = true
		}
	}
	for _, c := range w.Channels() {
		pages += len(threads[c.ID])/1000 + c.Files/1000
	}
	return pages
}

func runRecords(t *testing.T) int64 {
	t.Helper()
	var out, errs bytes.Buffer
	if code := run(t.Context(), []string{"status", "--json"}, nil, &out, &errs); code != 0 {
		t.Fatalf("status exits %d: %s", code, errs.Bytes())
	}
	var status struct {
		Archive struct {
			Buckets []struct {
				Name    string `json:"name"`
				Content int64  `json:"content"`
			} `json:"buckets"`
		} `json:"archive"`
	}
	if err := json.Unmarshal(out.Bytes(), &status); err != nil {
		t.Fatal(err)
	}
	for _, b := range status.Archive.Buckets {
		if b.Name == "runs" {
			return b.Content
		}
	}
	t.Fatal("status names no bucket called runs")
	return 0
}
