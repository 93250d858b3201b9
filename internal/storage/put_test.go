package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"testing"
	"time"

	"archiver/internal/record"

	"golang.org/x/sync/errgroup"
)

func TestPagesPutAgainWriteNothing(t *testing.T) {
	a := newArchive(t)
	page := Page{
		Channel: "c", Messages: messages(0, 700), Proven: []record.Interval{{From: ts(0), To: ts(699)}},
		Audited:  []record.Interval{{To: ts(699)}},
		Walked:   &Walked{Latest: 5, At: testTime},
		Channels: []record.ChannelState{{ID: "c", Name: "n", State: record.ChannelPresent, Members: []string{"u"}}},
		Users:    []record.Seen{{Key: "u", Raw: []byte(`{"name":"x","real_name":"X"}`)}},
		Files:    []record.FileState{{ID: "f", Name: "f", State: record.FilePending, Reason: "later"}},
		Threads:  []Thread{{TS: ts(3), Count: 1, Comments: 1, Read: testTime}},
		Owe:      []Debt{{Channel: "c", Kind: DebtFile, Key: "f", Since: testTime}},
	}
	put(t, a, page)
	page.Messages = append(page.Messages, page.Messages[5:100]...)
	put(t, a, page)
	before := fileState(t, a)
	again := page
	again.Observed = testTime.Add(AuditRenewal - time.Millisecond)
	again.Threads = []Thread{{TS: ts(3), Count: 1, Comments: 1, Read: again.Observed}}
	again.Walked = &Walked{Latest: 5, At: again.Observed}
	again.Users = []record.Seen{{Key: "u", Raw: []byte(`{"real_name":"X","name":"x"}`)}}
	again.Owe = []Debt{{Channel: "c", Kind: DebtFile, Key: "f", Since: testTime.Add(time.Hour)}}
	if got := put(t, a, again); got != (Counts{}) {
		t.Errorf("counts %+v", got)
	}
	if after := fileState(t, a); after != before {
		t.Errorf("database, HEAD or commits moved: %+v, before %+v", after, before)
	}
}

type state struct {
	db, head string
	commits  int64
	change   uint64
}

func fileState(t *testing.T, a *Archive) state {
	t.Helper()
	var s state
	for name, to := range map[string]*string{databaseName: &s.db, headName: &s.head} {
		data, err := os.ReadFile(filepath.Join(a.Dir(), name))
		if err != nil {
			t.Fatal(err)
		}
		*to = string(data)
	}
	s.commits, s.change = a.commits.Load(), a.Change()
	return s
}

func TestFailedCommitStopsTheWriter(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{Channel: "c", Messages: messages(0, 5)})
	obstacle := filepath.Join(dir, headName+".tmp")
	if err := os.Mkdir(obstacle, 0o700); err != nil {
		t.Fatal(err)
	}
	var result error
	p := &Page{Channel: "c", Messages: messages(5, 10), Done: func(_ Counts, err error) { result = err }}
	if err := a.Put(t.Context(), p); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(t.Context()); err == nil || result == nil {
		t.Errorf("flush: %v, page: %v; want errors", err, result)
	}
	if err := a.Put(t.Context(), &Page{Channel: "d", Messages: messages(0, 1)}); err == nil {
		t.Error("a page was taken after a failed commit")
	}
	if _, err := a.Message(t.Context(), "c", ts(3)); err != nil {
		t.Errorf("reading after a failed commit: %v", err)
	}
	if err := a.Close(); err == nil {
		t.Error("close says nothing of the failed commit")
	}
	if err := os.Remove(obstacle); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(t.Context(), dir, testOptions()); err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{Channel: "c", Messages: messages(5, 10)})
	if a.Change() != 10 {
		t.Errorf("change %d, want 10", a.Change())
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
}

func TestUnfitPagesAreRefused(t *testing.T) {
	a := newArchive(t)
	for name, p := range map[string]*Page{
		"messages without a channel": {Messages: messages(0, 1)},
		"message without a key":      {Channel: "c", Messages: []record.Seen{{Raw: []byte("{}")}}},
		"user without a key":         {Users: []record.Seen{{Raw: []byte("{}")}}},
		"file without an id":         {Channel: "c", Files: []record.FileState{{}}},
		"channel without an id":      {Channels: []record.ChannelState{{}}},
		"debt without a channel":     {Owe: []Debt{{Kind: DebtFile}}},
	} {
		if err := a.Put(t.Context(), p); err == nil {
			t.Errorf("%s: accepted", name)
		}
	}
}

func TestOddKeysAndBodiesComeBack(t *testing.T) {
	a := newArchive(t)
	seen := []record.Seen{
		{Key: "", Raw: nil}, {Key: "a\nb", Raw: []byte("no json at all")}, {Key: "\xff\xfe", Raw: []byte("{\"text\":\"\xff\"}")},
		{Key: "1", Thread: "odd thread", Raw: []byte(`{"a":[1,2,{"b":null}]}`)}, {Key: string(ts(1)), Thread: ts(0), Raw: []byte(`"x"`)},
		{Key: "2", Thread: ts(0), Raw: []byte("{}")}, {Key: "empty", Raw: []byte{}},
	}[1:]
	put(t, a, Page{Channel: "odd \x00 channel", Messages: seen, Threads: []Thread{{TS: "odd"}, {TS: ts(1)}}})
	list, err := a.Changes(t.Context(), 0, 100)
	if err != nil || len(list) != len(seen) {
		t.Fatalf("%d changes, %v", len(list), err)
	}
	for i, c := range list {
		if c.Key != seen[i].Key || c.Thread != seen[i].Thread || string(c.Body) != string(seen[i].Raw) || c.Channel != "odd \x00 channel" {
			t.Errorf("change %d is %+v, want %+v", i, c, seen[i])
		}
	}
	threads, err := a.Threads(t.Context(), "odd \x00 channel")
	if err != nil || len(threads) != 2 || threads["odd"].TS != "odd" {
		t.Errorf("threads %v, %v", threads, err)
	}
}

func TestReadersWorkBesideTheWriter(t *testing.T) {
	a := newArchive(t)
	put(t, a, Page{Channel: "c", Messages: messages(0, 10)})
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	g, ctx := errgroup.WithContext(ctx)
	const total = 20_000
	g.Go(func() error {
		for n := 10; n < total; n += 250 {
			if err := a.Put(ctx, &Page{Channel: "c", Messages: messages(n, min(n+250, total))}); err != nil {
				return err
			}
			if n%3 == 0 {
				if err := a.Flush(ctx); err != nil {
					return err
				}
			}
		}
		return a.Flush(ctx)
	})
	g.Go(func() error { return followTo(ctx, a, total) })
	g.Go(func() error {
		for a.Change() < total && ctx.Err() == nil {
			before, n := a.Change(), 0
			for m, err := range a.Messages(ctx, "c", Range{}) {
				if err != nil {
					return err
				}
				if m.TS != ts(n) {
					return errors.New("message out of place")
				}
				n++
			}
			if uint64(n) < before {
				return errors.New("messages are missing")
			}
		}
		return nil
	})
	if err := g.Wait(); err != nil {
		t.Fatal(err)
	}
}

// followTo follows the changes up to a number.
func followTo(ctx context.Context, a *Archive, total uint64) error {
	for after := uint64(0); after < total; {
		list, err := a.Changes(ctx, after, 700)
		if err != nil {
			return err
		}
		for _, c := range list {
			if after++; c.Change != after {
				return errors.New("changes have a gap")
			}
		}
		if len(list) == 0 {
			time.Sleep(time.Millisecond)
		}
	}
	return nil
}

func TestRunsAndJournalAreKept(t *testing.T) {
	a := newArchive(t)
	for range 3 {
		r, err := a.BeginRun(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		r.Outcome, r.Finished, r.Summary = "complete", testTime, []byte(`{"requests":1}`)
		if err := a.EndRun(t.Context(), r); err != nil {
			t.Fatal(err)
		}
	}
	runs, err := a.Runs(t.Context(), 2)
	if err != nil || len(runs) != 2 || runs[0].ID != 3 || runs[1].Outcome != "complete" || string(runs[0].Summary) != `{"requests":1}` {
		t.Errorf("runs %+v, %v", runs, err)
	}
	for _, want := range [][]byte{[]byte("answer"), nil} {
		if err := a.SetJournal(t.Context(), "diff", want); err != nil {
			t.Fatal(err)
		}
		if got, err := a.Journal(t.Context(), "diff"); err != nil || string(got) != string(want) || (got == nil) != (want == nil) {
			t.Errorf("journal %q, %v; want %q", got, err, want)
		}
	}
}

func TestReadingArchiveRefusesWrites(t *testing.T) {
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Put(t.Context(), &Page{Channel: "c", Messages: messages(0, 1)}); !errors.Is(err, ErrReadOnly) {
		t.Errorf("put: %v", err)
	}
	if _, err := a.BeginRun(t.Context()); !errors.Is(err, ErrReadOnly) {
		t.Errorf("begin run: %v", err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := a.Message(t.Context(), "alpha", ts(1)); !errors.Is(err, ErrClosed) {
		t.Errorf("after close: %v", err)
	}
}

func TestVerifySample(t *testing.T) {
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	for _, tc := range []struct {
		o      VerifyOptions
		blocks bool
	}{{VerifyOptions{}, false}, {VerifyOptions{Sample: 100}, true}, {VerifyOptions{Data: true}, true}} {
		var done, total int64
		tc.o.Progress = func(d, t int64) { done, total = d, t }
		report, err := a.Verify(t.Context(), tc.o)
		if err != nil || len(report.Damage) > 0 {
			t.Fatalf("%+v, %v", report, err)
		}
		if got := report.Checked["blocks decoded"] > 0 && report.Checked["blobs read"] == 3; got != tc.blocks || done != total {
			t.Errorf("sample %v, data %v: checked %v, progress %d of %d", tc.o.Sample, tc.o.Data, report.Checked, done, total)
		}
	}
}
