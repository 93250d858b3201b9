package index

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// fakeTexts has the texts of contents by their SHA-256. It fails after some contents, if it is told to.
type fakeTexts struct {
	texts    map[string]string
	prepared map[string]int
	failing  bool
}

func (f *fakeTexts) Prepare(_ context.Context, contents []Content) error {
	if f.failing {
		return fmt.Errorf("interrupted")
	}
	for _, c := range contents {
		f.prepared[c.SHA256]++
	}
	return nil
}

func (f *fakeTexts) Text(sha256 string) (string, error) { return f.texts[sha256], nil }

// putFile puts a revision of a file into an archive, with its text into the texts.
func (f *fakeTexts) putFile(t *testing.T, a *storage.Archive, channel, id, name, text string) {
	t.Helper()
	sum := fmt.Sprintf("%064x", len(f.texts)+1)
	f.texts[sum] = text
	putPage(t, a, &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(), Channel: channel, Files: []record.FileState{{
		ID: id, Name: name, State: record.FileStored, SHA256: sum, Bytes: int64(len(text)),
		Raw: []byte(`{"id":"` + id + `","user":"zoe@x.org","created":1500000000}`),
	}}})
}

func withFile(id string) string {
	return `"subtype":"file_share","file":{"id":"` + id + `","name":"a.txt"}`
}

// found searches and gives the hits as file@ts#version.
func (f *fakeTexts) found(t *testing.T, ix *Index, a *storage.Archive, query string, r Request) string {
	t.Helper()
	hits, answer := find(t, ix, a, query, r)
	if answer.Total != uint64(len(hits)) || !answer.Covers.Complete || len(answer.Covers.Notes) > 0 {
		t.Errorf("%s: %d hits, %+v", query, len(hits), answer)
	}
	var out []string
	for _, h := range hits {
		file := "message"
		if h.File != nil {
			file = *h.File
		}
		if h.Deleted {
			file = "deleted " + file
		}
		out = append(out, fmt.Sprintf("%s@%s#%d", file, h.TS, h.Version))
	}
	return strings.Join(out, " ")
}

func TestTextInsideFiles(t *testing.T) {
	a := newArchive(t)
	f := &fakeTexts{texts: map[string]string{}, prepared: map[string]int{}}
	ix := openIndex(t, a, Options{Texts: f})
	follow := func() {
		catchUp(t, ix, a)
		if err := ix.CatchUpFiles(t.Context(), a, nil); err != nil {
			t.Fatal(err)
		}
	}
	expect := func(query, want string, r Request) {
		t.Helper()
		r.Sort = oldest
		if got := f.found(t, ix, a, query, r); got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
	f.putFile(t, a, "C", "f1", "plan.txt", "the budget of the year")
	f.putFile(t, a, "D", "f1", "other.txt", "the budget of another channel")
	follow()
	expect("budget", "f1@#1 f1@#1", Request{})
	expect("budget from:zoe@x.org on:2017-07-14", "f1@#1 f1@#1", Request{})
	expect("budget in:C", "f1@#1", Request{})
	expect("filename:plan.txt", "", Request{})
	expect("kind:file", "", Request{})

	// A message that shows the file gives it its place; the earliest one does.
	put(t, a, post{channel: "C", ts: "1600000300.000001", user: "bob@x.org", text: "later", extra: withFile("f1")})
	follow()
	expect("budget in:C", "f1@1600000300.000001#1", Request{})
	put(t, a, post{channel: "C", ts: "1600000200.000001", user: "ann@x.org", text: "my budget", extra: withFile("f1")})
	follow()
	expect("budget in:C", "f1@1600000200.000001#1 f1@1600000200.000001#1", Request{})
	expect("year from:ann@x.org kind:file filename:*.txt after:2020-09-13", "f1@1600000200.000001#1", Request{})
	expect("kind:file", "f1@1600000200.000001#1 f1@1600000300.000001#1", Request{})
	expect("year -budget", "", Request{})

	// Another revision, and a deletion of the message.
	f.putFile(t, a, "C", "f1", "plan.txt", "the costs of the year")
	follow()
	expect("year", "f1@1600000200.000001#2", Request{})
	expect("year", "f1@1600000200.000001#1 f1@1600000200.000001#2", Request{IncludeVersions: true})
	putPage(t, a, &storage.Page{Observed: time.Unix(1.7e9, 0).UTC(), Channel: "C",
		Deleted: []storage.Deleted{{TS: "1600000200.000001"}}})
	follow()
	expect("costs", "deleted f1@1600000200.000001#2", Request{})
	expect("costs -is:deleted", "", Request{})

	hits, _ := find(t, ix, a, "costs", Request{})
	if len(hits) != 1 || hits[0].Snippet != "the <mark>costs</mark> of the year" || hits[0].Versions != 2 || hits[0].User != "ann@x.org" {
		t.Errorf("%+v", hits)
	}
	if v, err := ix.Verify(t.Context(), a, VerifyOptions{All: true}); err != nil || len(v.Drift) > 0 {
		t.Errorf("%v %+v", err, v)
	}
	n, err := ix.bleve.DocCount()
	if err != nil {
		t.Fatal(err)
	}
	if n != 5 { // two messages, two revisions, one of another channel
		t.Errorf("%d documents", n)
	}
}

// A follower of files that is interrupted anywhere goes on from there.
func TestFilesAreFollowedInSteps(t *testing.T) {
	a := newArchive(t)
	f := &fakeTexts{texts: map[string]string{}, prepared: map[string]int{}}
	for i := range 50 {
		f.putFile(t, a, "C", fmt.Sprintf("f%d", i), "a.txt", fmt.Sprintf("common word%d", i))
	}
	ix := openIndex(t, a, Options{Texts: f})
	catchUp(t, ix, a)
	for steps := 1; ; steps++ {
		f.failing = true
		if err := ix.CatchUpFiles(t.Context(), a, nil); err == nil {
			if steps < 3 {
				t.Errorf("%d steps", steps)
			}
			break
		}
		if _, answer := find(t, ix, a, "common", Request{}); answer.Covers.Complete && steps > 1 || len(answer.Covers.Notes) == 0 {
			t.Errorf("step %d: %+v", steps, answer.Covers)
		}
		f.failing = false
		if err := ix.CatchUpFiles(t.Context(), a, func() bool { return false }); err != nil {
			t.Fatal(err)
		}
	}
	if _, answer := find(t, ix, a, "common", Request{Limit: 3}); answer.Total != 50 || answer.Next == "" || !answer.Covers.Complete {
		t.Errorf("%+v", answer)
	}
	for sum, n := range f.prepared {
		if n != 1 {
			t.Errorf("%s prepared %d times", sum, n)
		}
	}
}
