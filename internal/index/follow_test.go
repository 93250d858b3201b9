package index

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/google/go-cmp/cmp"
)

func deleted(channel, ts string) *storage.Page {
	at := time.Unix(1.6e9, 0).UTC()
	return &storage.Page{Observed: at, Channel: channel, Deleted: []storage.Deleted{
		{TS: record.TS(ts), Deletion: record.Deletion{LastSeen: at, FirstMissing: at}}}}
}

func TestVersionsAndDeletions(t *testing.T) {
	a := newArchive(t)
	ix := openIndex(t, a, Options{})
	const ts = "1516195206.000001"
	edit := func(text, extra string) {
		put(t, a, post{channel: "C", ts: ts, user: "ann@x", text: text, extra: extra})
		catchUp(t, ix, a)
	}
	check := func(query, now, always string) {
		t.Helper()
		hits, _ := find(t, ix, a, query, Request{Sort: oldest})
		old, _ := find(t, ix, a, query, Request{Sort: oldest, IncludeVersions: true})
		strip := strings.NewReplacer("C/"+ts, "m")
		if got := strip.Replace(ids(hits)); got != now {
			t.Errorf("%s: got %q, want %q", query, got, now)
		}
		if got := strip.Replace(ids(old)); got != always {
			t.Errorf("%s with versions: got %q, want %q", query, got, always)
		}
	}
	edit("first text", "")
	check("first", "m", "m")
	check("is:edited", "", "")

	edit("second text", "")
	check("first", "", "m#1")
	check("second", "m#2", "m#2")
	check("text", "m#2", "m#1 m#2")
	check("is:edited", "m#2", "m#1 m#2")

	edit("first text", "")
	check("first", "m#3", "m#1 m#3")
	check("second", "", "m#2")

	edit("first text", `"reactions":[{"a":1}]`)
	check("has:reaction", "m#3", "m#1 m#2 m#3")
	check("text", "m#3", "m#1 m#2 m#3")

	putPage(t, a, deleted("C", ts))
	catchUp(t, ix, a)
	check("first", "m#3", "m#1 m#3")
	check("first is:deleted", "m#3", "m#1 m#3")
	check("first -is:deleted", "", "")
	hits, _ := find(t, ix, a, "first", Request{})
	if !hits[0].Deleted || hits[0].Versions != 3 {
		t.Errorf("got %+v", hits[0])
	}

	edit("first text", "")
	check("is:deleted", "", "")
	check("first", "m#3", "m#1 m#3")
	st, err := ix.Status(t.Context())
	if err != nil || st.Messages != 1 || st.Documents != 3 || st.Change != a.Change() {
		t.Errorf("status %+v, %v", st, err)
	}
}

func TestSeveralChangesOfAMessageInOneBatch(t *testing.T) {
	a := newArchive(t)
	for _, text := range []string{"one", "two", "three"} {
		put(t, a, post{channel: "C", ts: "1516195206.000001", text: text})
	}
	putPage(t, a, deleted("C", "1516195206.000001"))
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	hits, _ := find(t, ix, a, "three is:deleted", Request{})
	old, _ := find(t, ix, a, "one OR two", Request{IncludeVersions: true})
	if len(hits) != 1 || hits[0].Version != 3 || len(old) != 2 {
		t.Errorf("got %v and %v", hits, old)
	}
}

// churn makes some changes of all sorts.
func churn(t *testing.T, a *storage.Archive, r *rand.Rand, round int) {
	t.Helper()
	words := strings.Fields("alpha beta gamma delta žlutá 日本語 epsilon zeta")
	for range 5 {
		channel := fmt.Sprint("C", r.IntN(4))
		page := &storage.Page{Observed: time.Unix(1.6e9+int64(round), 0).UTC(), Channel: channel}
		for range 1 + r.IntN(30) {
			p := post{ts: string(record.MakeTS(1.5e9+int64(r.IntN(40))*86400, r.IntN(3))), user: fmt.Sprintf("u%d@x", r.IntN(3))}
			for range r.IntN(5) {
				p.text += words[r.IntN(len(words))] + " "
			}
			if r.IntN(4) == 0 {
				p.extra = fmt.Sprintf(`"reactions":[{"n":%d}]`, r.IntN(3))
			}
			page.Messages = append(page.Messages, p.seen())
		}
		putPage(t, a, page)
		if r.IntN(2) == 0 {
			putPage(t, a, deleted(channel, page.Messages[0].Key))
		}
	}
}

// answers gives what an index says to a set of queries, in every order.
func answers(t *testing.T, ix *Index, a *storage.Archive) map[string]string {
	t.Helper()
	out := map[string]string{}
	for _, query := range []string{"", "alpha", "alpha beta", `"alpha beta"`, "al*", "alpha OR -beta", "zluta", "本語", "is:deleted",
		"-is:deleted has:reaction", "is:edited", "in:C1 gamma", "from:u1@x", "on:2017-07-20", "after:2017-08-01 delta"} {
		for _, r := range []Request{{Sort: oldest}, {Sort: newest, IncludeVersions: true}, {IncludeVersions: true}} {
			hits, answer := find(t, ix, a, query, r)
			for i := range hits {
				hits[i].File = nil
			}
			answer.TookMS = 0
			out[query+" by "+r.Sort] = fmt.Sprintf("%+v %+v", *answer, hits)
		}
	}
	return out
}

func TestFollowedIndexEqualsRebuiltOne(t *testing.T) {
	a := newArchive(t)
	dir := filepath.Join(a.Dir(), "index")
	ix, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(7, 7))
	for round := range 12 {
		churn(t, a, r, round)
		catchUp(t, ix, a)
	}
	followed := answers(t, ix, a)
	before, err := ix.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
		t.Fatal(err)
	}
	ix = openIndex(t, a, Options{})
	after, err := ix.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(followed, answers(t, ix, a)); diff != "" {
		t.Errorf("followed and rebuilt differ (-followed +rebuilt):\n%s", diff)
	}
	if before.Messages != after.Messages || before.Documents != after.Documents || before.Change != after.Change || before.Generation == after.Generation {
		t.Errorf("followed %+v, rebuilt %+v", before, after)
	}
	if names, _ := filepath.Glob(filepath.Join(dir, "v*")); len(names) != 1 {
		t.Errorf("generations left: %v", names)
	}
}

func TestCatchUpReportsProgress(t *testing.T) {
	a := history(t, 2500)
	ix := openIndex(t, a, Options{})
	var last uint64
	err := ix.CatchUp(t.Context(), a, func(done, total uint64) {
		if done <= last || total != a.Change() {
			t.Errorf("%d of %d after %d", done, total, last)
		}
		last = done
	})
	if err != nil || last != a.Change() {
		t.Errorf("ended at %d of %d: %v", last, a.Change(), err)
	}
}

func TestCatchUpStopsWithItsContext(t *testing.T) {
	const messages = 5 * batchSize
	a := history(t, messages)
	ix := openIndex(t, a, Options{})
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	err := ix.CatchUp(ctx, a, func(uint64, uint64) { cancel() })
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	catchUp(t, ix, a)
	if _, answer := find(t, ix, a, "word", Request{Limit: 1}); answer.Total != messages {
		t.Errorf("%d messages", answer.Total)
	}
}

func TestOneWriterAtATime(t *testing.T) {
	a := history(t, 10)
	dir := filepath.Join(a.Dir(), "index")
	if _, err := Open(t.Context(), dir, Options{ReadOnly: true}); !errors.Is(err, ErrNone) {
		t.Errorf("reading without an index: %v", err)
	}
	ix, err := Open(t.Context(), dir, Options{})
	if err != nil {
		t.Fatal(err)
	}
	catchUp(t, ix, a)
	if _, err := Open(t.Context(), dir, Options{}); !errors.Is(err, ErrInUse) {
		t.Errorf("second writer: %v", err)
	}
	if err := Rebuild(t.Context(), dir, a, Options{}, nil); !errors.Is(err, ErrInUse) {
		t.Errorf("rebuild beside a writer: %v", err)
	}
	if _, err := Open(t.Context(), dir, Options{ReadOnly: true}); !errors.Is(err, ErrInUse) {
		t.Errorf("reader beside a writer: %v", err)
	}
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	first := openIndex(t, a, Options{ReadOnly: true})
	second := openIndex(t, a, Options{ReadOnly: true})
	if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
		t.Errorf("rebuild beside readers: %v", err)
	}
	for _, ix := range []*Index{first, second, openIndex(t, a, Options{ReadOnly: true})} {
		if _, answer := find(t, ix, a, "word", Request{}); answer.Total != 10 {
			t.Errorf("%d messages", answer.Total)
		}
	}
}

func TestIndexThatCannotBeUsedIsNamed(t *testing.T) {
	current := func(dir string) string {
		g, err := currentGeneration(dir)
		if err != nil {
			t.Fatal(err)
		}
		return filepath.Join(dir, g.String())
	}
	write := func(path, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, tt := range []struct {
		name string
		harm func(dir string)
		want error
	}{
		{"another mapping", func(dir string) { write(filepath.Join(dir, currentFile), "v0-000001\n") }, ErrMapping},
		{"garbled pointer", func(dir string) { write(filepath.Join(dir, currentFile), "\x00\x00") }, ErrDamaged},
		{"generation missing", func(dir string) { _ = os.RemoveAll(current(dir)) }, ErrDamaged},
		{"description missing", func(dir string) { _ = os.Remove(filepath.Join(current(dir), "index_meta.json")) }, ErrDamaged},
		{"description empty", func(dir string) { write(filepath.Join(current(dir), "index_meta.json"), "") }, ErrDamaged},
		{"root garbled", func(dir string) { write(filepath.Join(current(dir), "store", "root.bolt"), strings.Repeat("x", 9000)) }, ErrDamaged},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := history(t, 50)
			dir := filepath.Join(a.Dir(), "index")
			if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
				t.Fatal(err)
			}
			tt.harm(dir)
			for _, readOnly := range []bool{true, false} {
				if ix, err := Open(t.Context(), dir, Options{ReadOnly: readOnly}); !errors.Is(err, tt.want) {
					t.Errorf("open: got %v, want %v", err, tt.want)
					if err == nil {
						_ = ix.Close()
					}
				}
			}
			if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
				t.Fatal(err)
			}
			ix := openIndex(t, a, Options{})
			if _, answer := find(t, ix, a, "word", Request{}); answer.Total != 50 {
				t.Errorf("%d messages after a rebuild", answer.Total)
			}
		})
	}
}

// Without some of its segments an index may open at an earlier state. What counts is that it says so.
func TestLostSegmentsAreNoticed(t *testing.T) {
	a := history(t, 50)
	dir := filepath.Join(a.Dir(), "index")
	if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
		t.Fatal(err)
	}
	segments, err := filepath.Glob(filepath.Join(dir, "*", "store", "*.zap"))
	if err != nil || len(segments) == 0 {
		t.Fatal(segments, err)
	}
	for _, s := range segments {
		if err := os.Remove(s); err != nil {
			t.Fatal(err)
		}
	}
	ix, err := Open(t.Context(), dir, Options{})
	if err != nil {
		if !errors.Is(err, ErrDamaged) {
			t.Error(err)
		}
		return
	}
	defer ix.Close()
	hits, answer := find(t, ix, a, "word", Request{})
	if len(hits) != 0 || answer.Covers.Complete || answer.Covers.Messages != 0 {
		t.Errorf("%d hits, covers %+v", len(hits), answer.Covers)
	}
	catchUp(t, ix, a)
	if _, answer := find(t, ix, a, "word", Request{}); answer.Total != 50 || !answer.Covers.Complete {
		t.Errorf("%+v", answer)
	}
}

func TestIndexOfAnotherArchiveIsRefused(t *testing.T) {
	a, b := history(t, 10), history(t, 20)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	if err := ix.CatchUp(t.Context(), b, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("follow: %v", err)
	}
	if _, err := ix.Search(t.Context(), b, Request{}, nil); !errors.Is(err, ErrDamaged) {
		t.Errorf("search: %v", err)
	}
}

func TestLeftoversOfARebuildAreRemoved(t *testing.T) {
	a := history(t, 10)
	dir := filepath.Join(a.Dir(), "index")
	if err := Rebuild(t.Context(), dir, a, Options{}, nil); err != nil {
		t.Fatal(err)
	}
	half := filepath.Join(dir, generation{mappingVersion, 7}.String())
	if err := os.MkdirAll(filepath.Join(half, "store"), 0o700); err != nil {
		t.Fatal(err)
	}
	ix := openIndex(t, a, Options{})
	if _, err := os.Stat(half); !os.IsNotExist(err) {
		t.Errorf("the unfinished generation is still there: %v", err)
	}
	if _, answer := find(t, ix, a, "word", Request{}); answer.Total != 10 {
		t.Errorf("%d messages", answer.Total)
	}
}

// followerEnv makes the test binary index the archive that it names, for TestKilledFollowerGoesOn.
const followerEnv = "INDEX_TEST_FOLLOW"

func TestMain(m *testing.M) {
	if dir := os.Getenv(followerEnv); dir != "" {
		if err := followInChild(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func followInChild(dir string) error {
	ctx := context.Background()
	a, err := storage.Open(ctx, dir, storage.Options{ReadOnly: true})
	if err != nil {
		return err
	}
	defer a.Close()
	ix, err := Open(ctx, filepath.Join(dir, "index"), Options{LockWait: 10 * time.Second})
	if err != nil {
		return err
	}
	defer ix.Close()
	return ix.CatchUp(ctx, a, nil)
}

func TestKilledFollowerGoesOn(t *testing.T) {
	messages, rounds := 20000, 8
	if testing.Short() {
		messages, rounds = 6000, 3
	}
	a := history(t, messages)
	dir := a.Dir()
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	r := rand.New(rand.NewPCG(3, 3))
	for range rounds {
		child := exec.CommandContext(t.Context(), os.Args[0])
		child.Env = append(os.Environ(), followerEnv+"="+dir)
		child.Stderr = os.Stderr
		if err := child.Start(); err != nil {
			t.Fatal(err)
		}
		time.Sleep(time.Duration(20+r.IntN(400)) * time.Millisecond)
		_ = child.Process.Kill()
		_ = child.Wait()
		checkCursor(t, dir)
	}
	if err := followInChild(dir); err != nil {
		t.Fatal(err)
	}
	if st := checkCursor(t, dir); st.Messages != uint64(messages) {
		t.Errorf("%d messages at the end, want %d", st.Messages, messages)
	}
}

// checkCursor checks that an index holds exactly the documents that its cursor claims: history has one entry, one
// version and so one document a message.
func checkCursor(t *testing.T, dir string) Status {
	t.Helper()
	ix, err := Open(t.Context(), filepath.Join(dir, "index"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	st, err := ix.Status(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	if st.Documents != st.Messages || st.Change != st.Messages {
		t.Errorf("cursor and documents differ: %+v", st)
	}
	return st
}
