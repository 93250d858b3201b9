package storage

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"testing"

	"archiver/internal/merkle"
)

// smallBlocks makes an archive whose blocks are short, and closes it.
func smallBlocks(t *testing.T) (dir string, want []string, tree Tree) {
	t.Helper()
	dir, channels := fullArchive(t)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	for n := range 40 {
		put(t, a, Page{Channel: "beta", Messages: messages(10_000+n*100, 10_000+n*100+100)})
	}
	if want, err = tryDump(a, channels); err != nil {
		t.Fatal(err)
	}
	tree = treeOf(t, a)
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	return dir, want, tree
}

// wantSame checks that an archive holds what it held, and is sound.
func wantSame(t *testing.T, dir string, want []string, tree Tree) {
	t.Helper()
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	got, err := tryDump(a, []string{"alpha", "beta", "gamma"})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the content is another one: %v", err)
	}
	since := &merkle.Checkpoint{Origin: merkle.Origin(a.ID()), Size: tree.Size, Root: tree.Root}
	report, err := a.Verify(t.Context(), VerifyOptions{Data: true, Since: since})
	if err != nil || len(report.Damage) > 0 {
		t.Errorf("verify: %v, %v", report, err)
	}
}

func TestCompactKeepsTheHistory(t *testing.T) {
	dir, want, tree := smallBlocks(t)
	var done, total int64
	for round := range 2 {
		c, err := Compact(t.Context(), dir, testOptions(), func(d, n int64) { done, total = d, n })
		if err != nil {
			t.Fatal(err)
		}
		if round == 0 && (c.BlocksAfter >= c.BlocksBefore || c.BytesAfter >= c.BytesBefore || done != total || total == 0) {
			t.Errorf("%+v, %d of %d", c, done, total)
		}
		if round == 1 && (c.BlocksAfter != c.BlocksBefore || c.BytesAfter > c.BytesBefore) {
			t.Errorf("compacted twice: %+v", c)
		}
		if length, err := fileSize(filepath.Join(dir, databaseName)); err != nil || length != c.BytesAfter {
			t.Errorf("archive.db has %d bytes, its pages take %d: %v", length, c.BytesAfter, err)
		}
		wantSame(t, dir, want, tree)
	}
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{Channel: "beta", Messages: messages(90_000, 92_000)})
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	a, err = Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if found := findings(t, a, nil); len(found) > 0 {
		t.Errorf("after going on: %q", found)
	}
}

func TestCompactThatIsCutShortChangesNothing(t *testing.T) {
	dir, want, tree := smallBlocks(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := Compact(ctx, dir, testOptions(), func(int64, int64) { cancel() }); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
	if _, err := os.Stat(filepath.Join(dir, compactName)); err == nil {
		t.Error("the unfinished database is left")
	}
	wantSame(t, dir, want, tree)

	if err := os.WriteFile(filepath.Join(dir, compactName), []byte("left by a kill"), 0o600); err != nil {
		t.Fatal(err)
	}
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(dir, compactName)); err == nil {
		t.Error("what a kill left is still there")
	}
}

// Between the two steps that put the new database in place, HEAD is of the old one.
func TestCompactKilledBeforeHead(t *testing.T) {
	dir, want, tree := smallBlocks(t)
	head, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	old, err := os.ReadFile(filepath.Join(dir, databaseName))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Compact(t.Context(), dir, testOptions(), nil); err != nil {
		t.Fatal(err)
	}
	after, err := os.ReadFile(filepath.Join(dir, headName))
	if err != nil {
		t.Fatal(err)
	}
	restore := func(name string, data []byte) {
		if err := os.WriteFile(filepath.Join(dir, name), data, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	restore(headName, head)
	wantSame(t, dir, want, tree)
	restore(headName, after)
	restore(databaseName, old)
	if _, err := Open(t.Context(), dir, Options{ReadOnly: true}); !errors.Is(err, ErrDamaged) {
		t.Errorf("the database from before: %v", err)
	}
}

// A reader that let go of the archive goes on reading after it was compacted.
func TestReaderGoesOnAfterCompact(t *testing.T) {
	dir, want, _ := smallBlocks(t)
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if _, err := tryDump(a, []string{"beta"}); err != nil {
		t.Fatal(err)
	}
	a.letGo()
	if _, err := Compact(t.Context(), dir, testOptions(), nil); err != nil {
		t.Fatal(err)
	}
	got, err := tryDump(a, []string{"alpha", "beta", "gamma"})
	if err != nil || !slices.Equal(got, want) {
		t.Errorf("the content is another one: %v", err)
	}
}
