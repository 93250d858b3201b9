package export

import (
	"errors"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"go.etcd.io/bbolt"
)

func TestLedgerRemembersExports(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	made := Made{Selection: smallSelection, Formats: []string{"csv"}, Generator: "g", Output: "/out", Started: testTime}
	for _, want := range []string{"EXP-2026-000001", "EXP-2026-000002"} {
		if id, err := l.Begin(made, nil); id != want || err != nil {
			t.Fatalf("Begin: %s, %v; want %s", id, err, want)
		}
	}
	if err := l.Finish("EXP-2026-000002", "abc", testTime.Add(time.Minute)); err != nil {
		t.Fatal(err)
	}
	made.Started = testTime.AddDate(1, 0, 0)
	if id, err := l.Begin(made, nil); id != "EXP-2027-000003" || err != nil {
		t.Fatalf("Begin: %s, %v", id, err)
	}
	all, err := l.All()
	if err != nil || len(all) != 3 {
		t.Fatalf("All: %v, %v", all, err)
	}
	second, err := l.Get("EXP-2026-000002")
	if err != nil {
		t.Fatal(err)
	}
	want := Made{ID: "EXP-2026-000002", Selection: smallSelection, Formats: []string{"csv"}, Generator: "g",
		Output: "/out", Started: testTime, Finished: testTime.Add(time.Minute), Manifest: "abc"}
	if diff := cmp.Diff(want, second, cmpopts.EquateEmpty()); diff != "" {
		t.Error(diff)
	}
}

func TestLedgerKnowsOnlyItsOwn(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	if all, err := l.All(); err != nil || len(all) != 0 {
		t.Errorf("All of no ledger: %v, %v", all, err)
	}
	if _, err := l.Get("EXP-2026-000001"); !errors.Is(err, ErrUnknownExport) {
		t.Errorf("Get: %v", err)
	}
	if _, err := os.Stat(l.Path); err == nil {
		t.Error("reading made a file")
	}
	if err := l.Finish("EXP-2026-000001", "", testTime); !errors.Is(err, ErrUnknownExport) {
		t.Errorf("Finish: %v", err)
	}
}

func TestLedgerNumbersAreGivenOnce(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	ids := make([]string, 20)
	var wg sync.WaitGroup
	for i := range ids {
		wg.Go(func() {
			id, err := l.Begin(Made{Started: testTime}, nil)
			if err != nil {
				t.Error(err)
			}
			ids[i] = id
		})
	}
	wg.Wait()
	slices.Sort(ids)
	if n := len(slices.Compact(ids)); n != 20 || ids[19] != "EXP-2026-000020" {
		t.Errorf("%d different ids, last %s", n, ids[19])
	}
}

func TestDamagedLedgerIsAnError(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	if _, err := l.Begin(Made{Started: testTime}, nil); err != nil {
		t.Fatal(err)
	}
	whole, err := os.ReadFile(l.Path)
	if err != nil {
		t.Fatal(err)
	}
	page := os.Getpagesize()
	for name, spoil := range map[string]func([]byte) []byte{
		"no ledger":    func(b []byte) []byte { return []byte("something else entirely, long enough to look at") },
		"meta pages":   func(b []byte) []byte { clear(b[:2*page]); return b },
		"data pages":   func(b []byte) []byte { fill(b[2*page:], 0xff); return b },
		"zeroed pages": func(b []byte) []byte { clear(b[2*page:]); return b },
		"cut":          func(b []byte) []byte { return b[:2*page+10] },
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(l.Path, spoil(slices.Clone(whole)), 0o600); err != nil {
				t.Fatal(err)
			}
			if _, err := l.Get("EXP-2026-000001"); err == nil {
				t.Error("read without an error")
			}
		})
	}
}

func fill(b []byte, v byte) {
	for i := range b {
		b[i] = v
	}
}

func TestLedgerInUseIsWaitedFor(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	db, err := bbolt.Open(l.Path, 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	time.AfterFunc(100*time.Millisecond, func() { db.Close() })
	if id, err := l.Begin(Made{Started: testTime}, nil); err != nil {
		t.Errorf("Begin: %s, %v", id, err)
	}
}

func TestLedgerKeepsWhatWasFrozen(t *testing.T) {
	l := Ledger{Path: filepath.Join(t.TempDir(), "ledger.db")}
	for i, frozen := range []string{"", strings.Repeat("hit ", 10_000)} {
		id, err := l.Begin(Made{Started: testTime}, []byte(frozen))
		if err != nil {
			t.Fatal(err)
		}
		if got, err := l.Frozen(id); err != nil || got == nil || string(got) != frozen {
			t.Errorf("%d: %q, %v", i, got, err)
		}
	}
	if _, err := l.Frozen("EXP-1999-000001"); !errors.Is(err, ErrUnknownExport) {
		t.Errorf("an unknown one: %v", err)
	}
	err := l.update(func(b *bbolt.Bucket) error {
		return b.Tx().Bucket(frozenBucket).Put([]byte("EXP-2026-000001"), []byte("no frame"))
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := l.Frozen("EXP-2026-000001"); !errors.Is(err, ErrLedgerDamaged) {
		t.Errorf("a damaged one: %v", err)
	}
	if err := l.update(func(b *bbolt.Bucket) error { return b.Tx().DeleteBucket(frozenBucket) }); err != nil {
		t.Fatal(err)
	}
	if got, err := l.Frozen("EXP-2026-000001"); got != nil || err != nil {
		t.Errorf("of a version that kept nothing: %q, %v", got, err)
	}
}
