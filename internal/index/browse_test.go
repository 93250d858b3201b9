package index

import (
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/index/timeline"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// hitsOf gives the hits of a request, and its answer without the time it took. answer carries out the request.
func hitsOf(t rapid.TB, answer func(each func(Hit) error) (*Answer, error)) ([]Hit, Answer) {
	t.Helper()
	var hits []Hit
	a, err := answer(func(h Hit) error { hits = append(hits, h); return nil })
	if err != nil {
		t.Fatal(err)
	}
	a.TookMS = 0
	return hits, *a
}

// byBleve answers a request without the timeline, ranking so many documents at a time.
func byBleve(t *testing.T, ix *Index, a *storage.Archive, r Request, deep int) func(each func(Hit) error) (*Answer, error) {
	return func(each func(Hit) error) (answer *Answer, err error) {
		err = ix.session(t.Context(), a, r, func(s *session) error {
			s.deep = deep
			answer, err = s.search(each)
			return err
		})
		return answer, err
	}
}

// byTimeline answers a request from the timeline alone.
func byTimeline(t *testing.T, ix *Index, a *storage.Archive, r Request) func(each func(Hit) error) (*Answer, error) {
	return func(each func(Hit) error) (answer *Answer, err error) {
		err = ix.begin(t.Context(), a, r, func(s *session) error {
			answer, err = ix.browse(s, each)
			return err
		})
		if answer == nil && err == nil {
			err = errors.New("not answered from the timeline")
		}
		return answer, err
	}
}

// shuffle puts messages of all sorts: new ones, edits, other authors and kinds, deletions; and files with text, which
// some messages show.
func shuffle(t *testing.T, a *storage.Archive, r *rand.Rand, f *fakeTexts) {
	t.Helper()
	for range 1 + r.IntN(5) {
		page := &storage.Page{Observed: time.Unix(1.6e9, 0).UTC(), Channel: fmt.Sprint("C", r.IntN(6))}
		for range r.IntN(4) {
			f.putFile(t, a, page.Channel, fmt.Sprint("f", r.IntN(5)), "a.txt", fmt.Sprint("text ", r.IntN(3)))
		}
		if page.Channel == "C5" { // which has files only
			continue
		}
		for range 1 + r.IntN(60) {
			p := post{ts: string(record.MakeTS(1.5e9+int64(r.IntN(60))*40000, r.IntN(4))), user: []string{"Ann@x", "bob@x", "cyd@x", ""}[r.IntN(4)],
				text: fmt.Sprint("text ", r.IntN(3)), extra: []string{`"subtype":""`, `"subtype":"code_block"`, `"subtype":"channel_join"`, withFile(fmt.Sprint("f", r.IntN(5)))}[r.IntN(4)]}
			page.Messages = append(page.Messages, p.seen())
		}
		putPage(t, a, page)
		if r.IntN(2) == 0 {
			putPage(t, a, deleted(page.Channel, page.Messages[0].Key))
		}
	}
}

// shuffled makes an archive and its index, which follows in steps, after each of which it calls grown.
func shuffled(t *testing.T, r *rand.Rand, grown func(*Index, *storage.Archive)) (*storage.Archive, *Index) {
	t.Helper()
	a := newArchive(t)
	putPage(t, a, &storage.Page{Observed: time.Unix(1.6e9, 0), Users: []record.Seen{{Key: "ann@x", Raw: []byte(`{"name":"Ann"}`)}, {Key: "bob@x", Raw: []byte(`{"name":"Bob"}`)}}})
	f := &fakeTexts{texts: map[string]string{}, prepared: map[string]int{}}
	ix := openIndex(t, a, Options{Texts: f})
	for range 1 + r.IntN(5) {
		shuffle(t, a, r, f)
		catchUp(t, ix, a)
		if err := ix.CatchUpFiles(t.Context(), a, func() bool { return r.IntN(3) > 0 }); err != nil {
			t.Fatal(err)
		}
		grown(ix, a)
	}
	return a, ix
}

// drawBrowsing draws a request that asks for no words.
func drawBrowsing(t *rapid.T) Request {
	some := func(name string, values ...string) []string {
		return rapid.SliceOfNDistinct(rapid.SampledFrom(values), 0, 2, rapid.ID).Draw(t, name)
	}
	dates := []string{"", "", "2017-07-20", "2017-07-25", "2017-07-21T15:00:07Z", "2017-08-01"}
	date := func(name string) string { return rapid.SampledFrom(dates).Draw(t, name) }
	parts := rapid.SliceOfNDistinct(rapid.SampledFrom([]string{"*", "in:C1", "in:(C1 C2 none)", "from:ann@x", "from:bob@x", "from:(ann bob nobody)",
		"kind:code", "kind:(text system)", "kind:file", "in:C5", "after:2017-07-20", "before:2017-07-24", "on:2017-07-22", "(in:C1 OR in:C3)", "(in:C1 kind:text)"}), 0, 3, rapid.ID)
	q, err := Parse(strings.Join(parts.Draw(t, "query"), " "))
	if err != nil {
		t.Fatal(err)
	}
	return Request{Query: q, Since: date("since"), Until: date("until"), Channels: some("channels", "C0", "C1", "C2", "C9"),
		Users: some("users", "ann", "bob@x", "nobody"), Kinds: some("kinds", "text", "code", "mail", "file"),
		Sort: rapid.SampledFrom([]string{byScore, newest, oldest}).Draw(t, "sort"), Limit: rapid.IntRange(0, 40).Draw(t, "limit"),
		Offset: rapid.IntRange(0, 50).Draw(t, "offset"), Facets: rapid.SliceOfNDistinct(rapid.SampledFrom(Facets()), 0, 4, rapid.ID).Draw(t, "facets"),
		Location: rapid.SampledFrom([]*time.Location{time.UTC, time.FixedZone("east", 14*3600), time.FixedZone("west", -11*3600)}).Draw(t, "zone")}
}

func TestTimelineAnswersAsBleveDoes(t *testing.T) {
	worlds := 4
	if testing.Short() {
		worlds = 2
	}
	for seed := range worlds {
		a, ix := shuffled(t, rand.New(rand.NewPCG(uint64(seed), 5)), func(*Index, *storage.Archive) {})
		rapid.Check(t, func(rt *rapid.T) {
			q := drawBrowsing(rt)
			for page := range 3 {
				want, whole := hitsOf(rt, byBleve(t, ix, a, q, rapid.SampledFrom([]int{deepPage, 7}).Draw(rt, "deep")))
				got, answer := hitsOf(rt, ix.searching(t, a, q))
				if diff := cmp.Diff(want, got); diff != "" {
					rt.Fatalf("page %d of %+v, %s: hits differ (-bleve +timeline):\n%s", page, q, q.Query, diff)
				}
				if diff := cmp.Diff(whole, answer); diff != "" {
					rt.Fatalf("page %d of %+v, %s: answers differ (-bleve +timeline):\n%s", page, q, q.Query, diff)
				}
				if q.Cursor, q.Offset = answer.Next, 0; answer.Next == "" {
					return
				}
			}
		})
	}
}

func (ix *Index) searching(t *testing.T, a *storage.Archive, r Request) func(each func(Hit) error) (*Answer, error) {
	return func(each func(Hit) error) (*Answer, error) { return ix.Search(t.Context(), a, r, each) }
}

// timelinePath is where the timeline of an archive's index lies.
func timelinePath(t *testing.T, a *storage.Archive) string {
	t.Helper()
	g, err := currentGeneration(filepath.Join(a.Dir(), "index"))
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Join(a.Dir(), "index", g.String(), timelineFile)
}

func copyFile(t *testing.T, from, to string) {
	t.Helper()
	in, err := os.Open(from)
	if err != nil {
		t.Fatal(err)
	}
	defer in.Close()
	out, err := os.Create(to)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.Copy(out, in); err != nil {
		t.Fatal(err)
	}
	if err := out.Close(); err != nil {
		t.Fatal(err)
	}
}

// TestTimelineCatchesUp opens indexes whose timeline is missing, behind or ahead, as crashes may leave it.
func TestTimelineCatchesUp(t *testing.T) {
	a := newArchive(t)
	r := rand.New(rand.NewPCG(3, 3))
	f := &fakeTexts{texts: map[string]string{}, prepared: map[string]int{}}
	dir := filepath.Join(a.Dir(), "index")
	follow := func() {
		shuffle(t, a, r, f)
		ix, err := Open(t.Context(), dir, Options{Texts: f})
		if err != nil {
			t.Fatal(err)
		}
		catchUp(t, ix, a)
		if err := ix.CatchUpFiles(t.Context(), a, nil); err != nil {
			t.Fatal(err)
		}
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
	follow()
	path, early := timelinePath(t, a), filepath.Join(t.TempDir(), "early")
	copyFile(t, path, early)
	follow()
	for _, damage := range []struct {
		name string
		do   func()
	}{
		{"behind", func() { copyFile(t, early, path) }},
		{"missing", func() { os.Remove(path) }},
		{"no database", func() { os.WriteFile(path, []byte("?"), 0o600) }},
	} {
		damage.do()
		if damage.name != "no database" {
			ix, err := Open(t.Context(), dir, Options{ReadOnly: true})
			if err != nil {
				t.Fatal(err)
			}
			want, _ := hitsOf(t, byBleve(t, ix, a, Request{Channels: []string{"C1"}}, deepPage))
			if got, _ := hitsOf(t, ix.searching(t, a, Request{Channels: []string{"C1"}})); len(got) == 0 || cmp.Diff(want, got) != "" {
				t.Errorf("%s, read-only: %d hits, want %d", damage.name, len(got), len(want))
			}
			if err := ix.Close(); err != nil {
				t.Fatal(err)
			}
		}
		ix, err := Open(t.Context(), dir, Options{})
		if err != nil {
			t.Fatal(err)
		}
		catchUp(t, ix, a)
		want, _ := hitsOf(t, byBleve(t, ix, a, Request{}, deepPage))
		if got, _ := hitsOf(t, byTimeline(t, ix, a, Request{})); cmp.Diff(want, got) != "" {
			t.Errorf("%s: %s", damage.name, cmp.Diff(want, got))
		}
		if err := ix.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

func TestVerifyFindsAnotherTimeline(t *testing.T) {
	a := history(t, 100)
	f := &fakeTexts{texts: map[string]string{}, prepared: map[string]int{}}
	f.putFile(t, a, "C", "f1", "plan.txt", "the budget")
	ix := openIndex(t, a, Options{Texts: f})
	catchUp(t, ix, a)
	if err := ix.CatchUpFiles(t.Context(), a, nil); err != nil {
		t.Fatal(err)
	}
	if v, err := ix.Verify(t.Context(), a, VerifyOptions{}); err != nil || len(v.Drift) > 0 {
		t.Fatalf("%+v, %v", v, err)
	}
	line, err := ix.timeline(a.ID())
	if err != nil {
		t.Fatal(err)
	}
	err = line.Apply([]timeline.Put{{Author: "x", Message: timeline.Message{Key: timeline.Key{Second: 1}, Version: 1}}}, a.Change())
	if err != nil {
		t.Fatal(err)
	}
	if v, err := ix.Verify(t.Context(), a, VerifyOptions{}); err != nil || len(v.Drift) != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}

func TestTimelineAheadOfBleveIsMadeAnew(t *testing.T) {
	a := history(t, 100)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	line, err := ix.timeline(a.ID())
	if err != nil {
		t.Fatal(err)
	}
	if err := line.Apply(nil, a.Change()+5); err != nil {
		t.Fatal(err)
	}
	catchUp(t, ix, a)
	want, _ := hitsOf(t, byBleve(t, ix, a, Request{}, deepPage))
	if got, _ := hitsOf(t, byTimeline(t, ix, a, Request{})); len(got) != 100 || cmp.Diff(want, got) != "" {
		t.Errorf("%d hits, want %d", len(got), len(want))
	}
}

// TestIndexThatGrowsWhileItIsBrowsed streams more than a window of hits while the index goes on.
func TestIndexThatGrowsWhileItIsBrowsed(t *testing.T) {
	if testing.Short() {
		t.Skip("indexes two windows of messages")
	}
	const messages = 2*deepPage + 100
	a := history(t, messages)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	seen := map[string]bool{}
	answer, err := ix.Search(t.Context(), a, Request{Sort: oldest}, func(h Hit) error {
		if len(seen) == deepPage/2 {
			put(t, a, post{channel: "D", ts: "1600000000.000000", text: "late"})
			catchUp(t, ix, a)
		}
		seen[h.Channel+"/"+string(h.TS)] = true
		return nil
	})
	if err != nil || len(seen) != messages || answer.Total != messages || answer.Returned != messages {
		t.Errorf("%d hits, %+v, %v", len(seen), answer, err)
	}
}

func BenchmarkBrowse(b *testing.B) {
	a := newArchive(b)
	putCorpus(b, a, corpus(b, 1))
	ix := openIndex(b, a, Options{})
	catchUp(b, ix, a)
	for _, bb := range []struct {
		name, query string
		r           Request
	}{
		{"Everything", "", Request{Limit: 50}},
		{"DeepPage", "", Request{Limit: 50, Offset: 5000}},
		{"Channel", "in:irc-ubuntu", Request{Limit: 50}},
		{"Dates", "in:irc-ubuntu after:2008-01-01 before:2010-01-01", Request{Limit: 50}},
	} {
		b.Run(bb.name, func(b *testing.B) {
			q, err := Parse(bb.query)
			if err != nil {
				b.Fatal(err)
			}
			bb.r.Query = q
			for b.Loop() {
				if _, err := ix.Search(b.Context(), a, bb.r, nil); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
