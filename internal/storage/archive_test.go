package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"archiver/internal/record"
)

var testTime = time.Date(2026, 1, 2, 3, 4, 5, 678e6, time.UTC)

func testOptions() Options { return Options{Now: func() time.Time { return testTime }} }

func newArchive(t testing.TB) *Archive {
	t.Helper()
	a, err := Create(t.Context(), filepath.Join(t.TempDir(), "archive"), testOptions())
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

// put commits a page and gives what it added.
func put(t testing.TB, a *Archive, p Page) Counts {
	t.Helper()
	var counts Counts
	var failed error
	p.Done = func(c Counts, err error) { counts, failed = c, err }
	if p.Observed.IsZero() {
		p.Observed = testTime
	}
	if err := a.Put(context.Background(), &p); err != nil {
		t.Fatal(err)
	}
	if err := a.Flush(context.Background()); err != nil {
		t.Fatal(err)
	}
	if failed != nil {
		t.Fatal(failed)
	}
	return counts
}

func ts(n int) record.TS { return record.MakeTS(1_500_000_000+int64(n/3), n%3) }

func message(n int, text string) record.Seen {
	return record.Seen{
		Key: string(ts(n)), Raw: fmt.Appendf(nil, `{"ts":%q,"user":"u%d@example.com","text":%q}`, ts(n), n%7, text),
	}
}

func messages(from, to int) []record.Seen {
	var list []record.Seen
	for n := from; n < to; n++ {
		list = append(list, message(n, fmt.Sprintf("message number %d", n)))
	}
	return list
}

func collect[T any](t testing.TB, seq func(func(T, error) bool)) []T {
	t.Helper()
	var list []T
	for v, err := range seq {
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, v)
	}
	return list
}

func TestPagesAreThereAfterReopening(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	total := 0
	for _, n := range []int{1, 20, 600, 1500} {
		got := put(t, a, Page{Channel: "c", Messages: messages(total, total+n)})
		if want := (Counts{Messages: n, Entries: n}); got != want {
			t.Errorf("page of %d: counts %+v, want %+v", n, got, want)
		}
		total += n
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		a, err := Open(t.Context(), dir, Options{ReadOnly: readOnly})
		if err != nil {
			t.Fatal(err)
		}
		list := collect(t, a.Messages(t.Context(), "c", Range{}))
		if len(list) != total {
			t.Errorf("%d messages, want %d", len(list), total)
		}
		for i, m := range list {
			if m.TS != ts(i) || m.Text != fmt.Sprintf("message number %d", i) {
				t.Fatalf("message %d is %s %q", i, m.TS, m.Text)
			}
		}
		if m, err := a.Message(t.Context(), "c", ts(700)); err != nil || m.TS != ts(700) {
			t.Errorf("message 700: %v, %v", m, err)
		}
		if _, err := a.Message(t.Context(), "c", "1400000000.000000"); !errors.Is(err, ErrNotFound) {
			t.Errorf("absent message: %v", err)
		}
		if err := a.Close(); err != nil {
			t.Fatal(err)
		}
	}
}
