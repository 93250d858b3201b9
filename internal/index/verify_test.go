package index

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/storage"
)

// drifts verifies the index of an archive, opened for reading, and gives what was found, a line each.
func drifts(t *testing.T, a *storage.Archive, o VerifyOptions) (*Verification, string) {
	t.Helper()
	ix, err := Open(t.Context(), filepath.Join(a.Dir(), "index"), Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer ix.Close()
	v, err := ix.Verify(t.Context(), a, o)
	if err != nil {
		t.Fatal(err)
	}
	var lines []string
	for _, d := range v.Drift {
		lines = append(lines, d.Where+": "+d.What)
	}
	return v, strings.Join(lines, "\n")
}

func TestVerifyFindsDrift(t *testing.T) {
	const ts = "1516195201.000000"
	messages := []post{
		{channel: "C", ts: ts, user: "ann@x", text: "first"},
		{channel: "C", ts: ts, user: "ann@x", text: "second words"},
		{channel: "C", ts: "1516195202.000000", user: "bob@x", text: "other"},
		{channel: "D", ts: "1516195203.000000", user: "bob@x", text: "third"},
	}
	documentOf := func(ix *Index, e entry) error {
		doc, err := newBuilder().document(&e)
		if err != nil {
			return err
		}
		batch := ix.bleve.NewBatch()
		if err := batch.IndexAdvanced(doc); err != nil {
			return err
		}
		return ix.bleve.Batch(batch)
	}
	id := func(k key) string {
		id, err := k.encode()
		if err != nil {
			t.Fatal(err)
		}
		return id
	}
	for _, tt := range []struct {
		name  string
		spoil func(ix *Index) error
		want  string // part of what is found, "" for nothing
	}{
		{"nothing", func(*Index) error { return nil }, ""},
		{"a message is missing", func(ix *Index) error { return ix.bleve.Delete(id(key{"1516195203.000000", 1, 1})) },
			"D: it holds 0 messages of the channel, the archive 1"},
		{"an old version is missing", func(ix *Index) error { return ix.bleve.Delete(id(key{ts, 0, 1})) },
			"C/" + ts + ": version 1 is not in the index"},
		{"a message too many", func(ix *Index) error {
			return documentOf(ix, entry{key: key{"1516195209.000000", 0, 1}, channel: "C", text: "ghost"})
		}, "C: it holds 3 messages of the channel, the archive 2"},
		{"a version too many", func(ix *Index) error {
			return documentOf(ix, entry{key: key{ts, 0, 3}, channel: "C", text: "ghost", flags: []string{flagOld}})
		}, "it holds 1 documents that the archive does not know"},
		{"another text", func(ix *Index) error {
			return documentOf(ix, entry{key: key{ts, 0, 2}, channel: "C", user: "ann@x", kind: "text", text: "second thoughts"})
		}, "C/" + ts + `: version 2 is not found by the `},
		{"a flag too many", func(ix *Index) error {
			return documentOf(ix, entry{key: key{"1516195203.000000", 1, 1}, channel: "D", user: "bob@x", kind: "text", text: "third", flags: []string{flagDeleted}})
		}, `D/1516195203.000000: version 1 is found by the flag "deleted", wrongly`},
		{"a cursor ahead", func(ix *Index) error {
			raw, err := state{Change: 1000, Messages: 3, Channels: 2}.encode()
			if err != nil {
				return err
			}
			return ix.bleve.SetInternal([]byte(stateKey), raw)
		}, ": search index damaged: it is ahead of the archive"},
		{"a count that lies", func(ix *Index) error {
			raw, err := state{Change: 4, Messages: 7, Channels: 2}.encode()
			if err != nil {
				return err
			}
			return ix.bleve.SetInternal([]byte(stateKey), raw)
		}, ": it holds 3 messages, its own count says 7"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			a := newArchive(t)
			put(t, a, messages...)
			ix, err := Open(t.Context(), filepath.Join(a.Dir(), "index"), Options{})
			if err != nil {
				t.Fatal(err)
			}
			catchUp(t, ix, a)
			if err := tt.spoil(ix); err != nil {
				t.Fatal(err)
			}
			if err := ix.Close(); err != nil {
				t.Fatal(err)
			}
			v, got := drifts(t, a, VerifyOptions{All: true})
			if tt.want == "" && (got != "" || v.Segments == 0 || v.Documents < 4) || !strings.Contains(got, tt.want) {
				t.Errorf("found %q (%+v), want %q", got, v, tt.want)
			}
			if err := Rebuild(t.Context(), filepath.Join(a.Dir(), "index"), a, Options{}, nil); err != nil {
				t.Fatal(err)
			}
			if _, got := drifts(t, a, VerifyOptions{All: true}); got != "" {
				t.Errorf("after a rebuild: %s", got)
			}
		})
	}
}

func TestVerifyFindsChangedFiles(t *testing.T) {
	a := history(t, 300)
	ix, err := Open(t.Context(), filepath.Join(a.Dir(), "index"), Options{})
	if err != nil {
		t.Fatal(err)
	}
	catchUp(t, ix, a)
	if err := ix.Close(); err != nil {
		t.Fatal(err)
	}
	files, err := filepath.Glob(filepath.Join(a.Dir(), "index", "*", "store", "*.zap"))
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	raw, err := os.ReadFile(files[0])
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range []int{0, len(raw) / 3, len(raw) / 2, len(raw) - 60} {
		raw[at] ^= 4
		if err := os.WriteFile(files[0], raw, 0o600); err != nil {
			t.Fatal(err)
		}
		if ix, err := Open(t.Context(), filepath.Join(a.Dir(), "index"), Options{ReadOnly: true}); err == nil {
			if err := ix.Close(); err != nil {
				t.Error(err)
			}
			if _, got := drifts(t, a, VerifyOptions{}); !strings.Contains(got, filepath.Base(files[0])+": the file does not have the checksum") {
				t.Errorf("byte %d of %d: found %q", at, len(raw), got)
			}
		} else if !errors.Is(err, ErrDamaged) {
			t.Errorf("byte %d of %d: %v", at, len(raw), err)
		}
		raw[at] ^= 4
	}
}

func TestVerifyOfAnIndexThatIsBehind(t *testing.T) {
	a := history(t, 30)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	put(t, a, post{channel: "C", ts: "1700000000.000000", text: "not indexed"})
	v, err := ix.Verify(t.Context(), a, VerifyOptions{})
	if err != nil || len(v.Drift) > 0 || v.Behind != 1 {
		t.Errorf("%+v, %v", v, err)
	}
}
