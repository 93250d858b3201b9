package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strconv"
	"testing"
	"time"

	bolt "go.etcd.io/bbolt"
)

func TestKilledWriterLosesNothing(t *testing.T) {
	var dir string
	random := rand.New(rand.NewPCG(5, 6))
	for round := range rounds(2, 8, 150) {
		if round%20 == 0 { // each round reads all there is
			dir = emptyArchive(t)
		}
		acknowledged := kill(t, dir, time.Duration(random.IntN(250))*time.Millisecond)
		pages := survivors(t, dir)
		if pages < acknowledged {
			t.Fatalf("round %d: page %d was acknowledged, %d is the last one there", round, acknowledged, pages)
		}
	}
}

// kill runs a writer for a while, kills it, and gives the last page that it acknowledged, -1 for none.
func kill(t *testing.T, dir string, after time.Duration) int {
	t.Helper()
	cmd, out, complaints := startVictim(t, dir)
	timer := time.AfterFunc(50*time.Millisecond+after, func() { _ = cmd.Process.Kill() })
	defer timer.Stop()
	acknowledged := -1
	for out.Scan() {
		n, err := strconv.Atoi(out.Text())
		if err != nil {
			t.Fatal(err)
		}
		acknowledged = n
	}
	_ = cmd.Wait()
	if complaints.Len() > 0 {
		t.Fatal(complaints)
	}
	return acknowledged
}

// survivors checks that whole pages are there, each message once, and gives the number of the last, -1 for none.
func survivors(t *testing.T, dir string) int {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	page, next, entries := 0, 0, uint64(0)
	for m, err := range a.Messages(t.Context(), "c", Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		want := victimPage(page).Messages
		if string(m.TS) != want[next].Key || len(m.Versions) != 1 || len(m.Annotations) != 0 {
			t.Fatalf("message %d of page %d: %+v", next, page, m)
		}
		entries++
		if next++; next == len(want) {
			page, next = page+1, 0
		}
	}
	if next != 0 || a.Change() != entries {
		t.Fatalf("%d messages of page %d, %d entries, change %d", next, page, entries, a.Change())
	}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true})
	if err != nil || len(report.Damage) > 0 {
		t.Fatalf("verify: %+v, %v", report, err)
	}
	return page - 1
}

func TestSecondWriterIsRefusedAtOnce(t *testing.T) {
	a := newArchive(t)
	start := time.Now()
	if _, err := Open(t.Context(), a.Dir(), Options{LockWait: time.Minute}); !errors.Is(err, ErrInUse) {
		t.Errorf("second writer: %v, want ErrInUse", err)
	}
	if d := time.Since(start); d > 5*time.Second {
		t.Errorf("it took %v", d)
	}
}

func TestReaderWaitsForAWriterAsLongAsItIsTold(t *testing.T) {
	a := newArchive(t)
	for _, wait := range []time.Duration{0, 200 * time.Millisecond} {
		start := time.Now()
		_, err := Open(t.Context(), a.Dir(), Options{ReadOnly: true, LockWait: wait})
		if d := time.Since(start); !errors.Is(err, ErrInUse) || d < wait {
			t.Errorf("wait %v: %v after %v", wait, err, d)
		}
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = a.Close() })
	r, err := Open(t.Context(), a.Dir(), Options{ReadOnly: true, LockWait: 20 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Close(); err != nil {
		t.Error(err)
	}
}

func TestWriterWaitsForReaders(t *testing.T) {
	dir, _ := fullArchive(t)
	r, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	if _, err := Open(ctx, dir, testOptions()); !errors.Is(err, ErrInUse) {
		t.Errorf("writer beside a reader: %v", err)
	}
	time.AfterFunc(100*time.Millisecond, func() { _ = r.Close() })
	w, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Error(err)
	}
}

func TestReaderLetsAWriterInAndGoesOnAtItsChange(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "archive")
	a, err := Create(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	const n = 4 * windowEntries
	put(t, a, Page{Channel: "c", Messages: messages(0, n)})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	r, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	count := 0
	for m, err := range r.Messages(t.Context(), "c", Range{}) {
		if err != nil {
			t.Fatal(err)
		}
		if count++; count == 10 {
			r.letGo()
			w, err := Open(t.Context(), dir, testOptions())
			if err != nil {
				t.Fatal(err)
			}
			put(t, w, Page{Channel: "c", Messages: append(messages(n, n+2000), message(n-1, "edited"))})
			time.AfterFunc(50*time.Millisecond, func() { _ = w.Close() })
		}
		if len(m.Versions) != 1 {
			t.Errorf("message %s has %d versions", m.TS, len(m.Versions))
		}
	}
	if count != n {
		t.Errorf("%d messages, want %d", count, n)
	}
	if got := r.Change(); got != n+2001 {
		t.Errorf("change is %d afterwards", got)
	}
}

func TestCreateWantsAnEmptyDirectory(t *testing.T) {
	for _, tc := range []struct {
		names []string
		want  error
	}{
		{nil, nil},
		{[]string{"lost+found", ".snapshot", "archive.db.tmp", "lock"}, nil},
		{[]string{"notes.txt"}, ErrNoArchive},
		{[]string{"HEAD"}, ErrNoArchive},
		{[]string{"archive.db"}, fs.ErrExist},
	} {
		t.Run(fmt.Sprint(tc.names), func(t *testing.T) {
			dir := t.TempDir()
			for _, name := range tc.names {
				if err := os.WriteFile(filepath.Join(dir, name), nil, 0o600); err != nil {
					t.Fatal(err)
				}
			}
			a, err := Create(t.Context(), dir, testOptions())
			if !errors.Is(err, tc.want) {
				t.Fatalf("%v, want %v", err, tc.want)
			}
			if err == nil {
				if err := a.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
}

func TestOpenTellsWhatIsNoArchive(t *testing.T) {
	empty, other := t.TempDir(), t.TempDir()
	if err := os.WriteFile(filepath.Join(other, databaseName), make([]byte, 20_000), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		for dir, want := range map[string]error{
			empty: ErrNoArchive, filepath.Join(empty, "absent"): ErrNoArchive, other: ErrDamaged,
		} {
			if _, err := Open(t.Context(), dir, Options{ReadOnly: readOnly}); !errors.Is(err, want) {
				t.Errorf("%s, read only %v: %v, want %v", dir, readOnly, err, want)
			}
		}
	}
}

func TestNewerFormatIsRefused(t *testing.T) {
	dir, _ := fullArchive(t)
	db, err := bolt.Open(filepath.Join(dir, databaseName), 0o600, nil)
	if err != nil {
		t.Fatal(err)
	}
	err = db.Update(func(tx *bolt.Tx) error {
		key := []byte(metaFormat)
		return tx.Bucket([]byte(bucketMeta)).Put(key, seal(bucketMeta, key, uint32Key(formatVersion+1)))
	})
	if err := errors.Join(err, db.Close()); err != nil {
		t.Fatal(err)
	}
	for _, readOnly := range []bool{true, false} {
		if _, err := Open(t.Context(), dir, Options{ReadOnly: readOnly}); !errors.Is(err, ErrNewer) {
			t.Errorf("read only %v: %v, want ErrNewer", readOnly, err)
		}
	}
}
