package storage

import (
	"archive/tar"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
)

var makeFixture = flag.Bool("fixture", false, "make the archive of the present format anew that later versions must read")

const fixture = "testdata/format1.tar.zst"

// fixtureChannels are the channels of the fixture.
var fixtureChannels = []string{"alpha", "beta", "gamma"}

// The fixture of a format is made once and never again; with the archive it holds what is read of it and the state of
// its log.
func TestMakeFixture(t *testing.T) {
	if !*makeFixture {
		t.Skip("-fixture makes it")
	}
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	put(t, a, Page{
		Channel: "beta", Pins: []Pin{{ts(3), record.Pin{Pinned: true}}},
		Events:      []record.EventState{{Channel: "beta", ID: "5a5f4d8601cf", Raw: []byte(`{"title":"Review"}`)}},
		Conferences: []record.ConferenceState{{ID: "584355239", Raw: []byte(`{"title":"Weekly"}`)}},
	})
	key, err := merkle.LoadKey(dir + ".key")
	if err != nil {
		t.Fatal(err)
	}
	sign(t, a, key)
	lines, err := tryDump(a, fixtureChannels)
	if err != nil {
		t.Fatal(err)
	}
	golden, err := json.Marshal(expected{lines, treeOf(t, a)})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(a.Close(), os.WriteFile(filepath.Join(dir, "expected.json"), golden, 0o600)); err != nil {
		t.Fatal(err)
	}
	pack(t, dir)
}

// expected is what an archive of the fixture gives.
type expected struct {
	Lines []string
	Tree  Tree
}

func pack(t *testing.T, dir string) {
	t.Helper()
	var buf bytes.Buffer
	z, err := zstd.NewWriter(&buf, zstd.WithEncoderLevel(zstd.SpeedBestCompression))
	if err != nil {
		t.Fatal(err)
	}
	w := tar.NewWriter(z)
	err = errors.Join(w.AddFS(os.DirFS(dir)), w.Close(), z.Close())
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(fixture, buf.Bytes(), 0o644); err != nil {
		t.Fatal(err)
	}
}

// unpack gives the fixture's archive in a directory of its own.
func unpack(t *testing.T) (dir string, want expected) {
	t.Helper()
	f, err := os.Open(fixture)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := zstd.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	dir = filepath.Join(t.TempDir(), "archive")
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
		data, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(dir, filepath.FromSlash(h.Name))
		switch {
		case h.FileInfo().IsDir():
		case h.Name == "expected.json":
			err = json.Unmarshal(data, &want)
		default:
			err = errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, data, 0o600))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	return dir, want
}

// An archive that version 1 of the format wrote is read, verified and gone on with.
func TestArchiveOfFormat1(t *testing.T) {
	dir, want := unpack(t)
	a, err := Open(t.Context(), dir, Options{ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	lines, err := tryDump(a, fixtureChannels)
	if err != nil || !slices.Equal(lines, want.Lines) {
		t.Errorf("it reads as something else, %v", err)
	}
	since := &merkle.Checkpoint{Origin: merkle.Origin(a.ID()), Size: want.Tree.Size, Root: want.Tree.Root}
	for _, o := range []VerifyOptions{{Data: true}, {Since: since}} {
		if report, err := a.Verify(t.Context(), o); err != nil || len(report.Damage) > 0 {
			t.Errorf("verify %+v: %v, %v", o, report, err)
		}
	}
	if err := a.Close(); err != nil {
		t.Fatal(err)
	}
	if a, err = Open(t.Context(), dir, testOptions()); err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	if counts := put(t, a, Page{Channel: "beta", Messages: []record.Seen{message(7, "edited"), message(7000, "new")}}); counts.Messages != 1 || counts.Entries != 1 {
		t.Errorf("what is there already comes again: %+v", counts)
	}
	if found := findings(t, a, nil); len(found) > 0 {
		t.Errorf("after going on: %q", found)
	}
}

func TestMigrationStepsAreWholeOrNotAtAll(t *testing.T) {
	a := newArchive(t)
	format := func() (n uint32) {
		t.Helper()
		if err := a.db.View(func(tx *bolt.Tx) (err error) { n, err = formatOf(tx); return err }); err != nil {
			t.Fatal(err)
		}
		return n
	}
	mark := func(name string) migration {
		return func(tx *bolt.Tx) error {
			key := []byte(name)
			return tx.Bucket([]byte(bucketJournal)).Put(key, seal(bucketJournal, key, nil))
		}
	}
	has := func(name string) (ok bool) {
		err := a.db.View(func(tx *bolt.Tx) error {
			ok = tx.Bucket([]byte(bucketJournal)).Get([]byte(name)) != nil
			return nil
		})
		return ok && err == nil
	}
	fails := func(tx *bolt.Tx) error { return errors.Join(mark("half")(tx), fs.ErrInvalid) }
	err := a.migrate([]migration{mark("one"), fails, mark("three")})
	if !errors.Is(err, fs.ErrInvalid) || !strings.Contains(err.Error(), "from format 2 to 3") {
		t.Errorf("got %v", err)
	}
	if format() != 2 || !has("one") || has("half") || has("three") {
		t.Errorf("format %d", format())
	}
	if err := a.migrate([]migration{mark("never"), mark("two"), mark("three")}); err != nil {
		t.Error(err)
	}
	if format() != 4 || has("never") || !has("two") || !has("three") {
		t.Errorf("format %d", format())
	}
}
