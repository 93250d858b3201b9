package export

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
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
	"time"

	"archiver/internal/bag"

	"github.com/google/go-cmp/cmp"
)

var update = flag.Bool("update", false, "rewrite the golden files")

func TestSmallExportIsGolden(t *testing.T) {
	dir, _ := exportTo(t, smallSelection, small(), "csv", "ndjson")
	var b strings.Builder
	files := pureContent(t, dir)
	for _, name := range names(files) {
		b.WriteString("-- " + name + " --\n" + files[name])
		if !strings.HasSuffix(files[name], "\n") {
			b.WriteString("\n")
		}
	}
	golden := filepath.Join("testdata", "small.golden")
	if *update {
		if err := os.WriteFile(golden, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), b.String()); diff != "" {
		t.Error(diff)
	}
}

func TestSameSelectionGivesSameBytes(t *testing.T) {
	first, _ := exportTo(t, smallSelection, small(), "ndjson", "csv")
	second := filepath.Join(t.TempDir(), "again")
	o := Options{ID: "EXP-2026-000001", Output: second, Generator: "another", Formats: []string{"ndjson", "csv", "ndjson"}}
	if _, err := Write(t.Context(), o, smallSelection, small()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(pureContent(t, first), pureContent(t, second)); diff != "" {
		t.Error(diff)
	}
}

// pureContent is what depends on the selection alone.
func pureContent(t testing.TB, dir string) map[string]string {
	files := tree(t, dir)
	for path := range files {
		if !strings.HasPrefix(path, bag.Payload) || strings.HasPrefix(path, custodyFolder) {
			delete(files, path)
		}
	}
	return files
}

func TestBundleIsABagAndItsCustodyRecordIsTrue(t *testing.T) {
	dir, summary := exportTo(t, smallSelection, small())
	checked, err := bag.Check(t.Context(), dir, bag.CheckOptions{Beside: IsBeside})
	if err != nil || len(checked.Findings) > 0 {
		t.Errorf("findings %v, %v", checked.Findings, err)
	}
	files := tree(t, dir)
	if got := digestOf(files[SignedFile]); got != summary.Manifest {
		t.Errorf("digest %s, summary says %s", got, summary.Manifest)
	}
	var r custodyRecord
	if err := json.Unmarshal([]byte(files[custodyFolder+"custody.json"]), &r); err != nil {
		t.Fatal(err)
	}
	want := Counts{Messages: 3, Comments: 1, Versions: 5, Edited: 1, Deleted: 1, Hits: 4, Channels: 3, Users: 4, Files: 3,
		Contents: 3, Bytes: int64(len("first content") + len("second content") + len("third content"))}
	if diff := cmp.Diff(want, r.Counts); diff != "" {
		t.Error(diff)
	}
	total := int64(0)
	for _, content := range files {
		total += int64(len(content))
	}
	pure := pureContent(t, dir)
	if total != summary.Written || r.Payload.Files != len(pure) || len(r.Transfers) != emptyTransfers {
		t.Errorf("written %d, want %d; payload %+v, want %d files", summary.Written, total, r.Payload, len(pure))
	}
	var list []byte
	for _, line := range linesOf(files["manifest-sha256.txt"]) {
		if !strings.Contains(line, custodyFolder) {
			list = append(list, line+"\n"...)
		}
	}
	if got := digestOf(string(list)); r.Payload.SHA256 != got || summary.Content != got {
		t.Errorf("content digest %s, want %s", r.Payload.SHA256, got)
	}
}

func digestOf(s string) string {
	sum := sha256.Sum256([]byte(s))
	return hex.EncodeToString(sum[:])
}

func TestPreviewSaysWhatWriteDoes(t *testing.T) {
	src := small()
	preview, err := Preview(t.Context(), Options{}, smallSelection, src)
	if err != nil {
		t.Fatal(err)
	}
	_, written := exportTo(t, smallSelection, src)
	for _, field := range []any{&written.ID, &written.Output, &written.Manifest, &written.Content} {
		*field.(*string) = ""
	}
	written.Formats, written.Started, written.Finished, written.Written = nil, time.Time{}, time.Time{}, 0
	if diff := cmp.Diff(written, preview); diff != "" {
		t.Error(diff)
	}
}

func TestNarrowSelectionDisclosesNothingElse(t *testing.T) {
	src := small()
	src.items = src.items[1:3] // what a query could have found in chan-a
	sel := smallSelection
	sel.Query = "comment OR see"
	dir, summary := exportTo(t, sel, src, "ndjson")
	files := tree(t, dir)
	for file, want := range map[string]int{"channels": 1, "users": 2, "messages": 2, "files": 1} {
		if got := strings.Count(files["data/ndjson/"+file+".ndjson"], "\n"); got != want {
			t.Errorf("%s: %d lines, want %d", file, got, want)
		}
	}
	if summary.Counts.Contents != 2 {
		t.Errorf("%d contents, want the two of f1", summary.Counts.Contents)
	}
}

func TestEqualContentLiesOnce(t *testing.T) {
	dir, _ := exportTo(t, smallSelection, small(), "ndjson")
	var got []string
	for _, name := range names(tree(t, dir)) {
		if strings.HasPrefix(name, "data/files/") {
			got = append(got, name[len("data/files/ab/cd/")+64:])
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff([]string{".pdf", ".pdf", ".txt"}, got); diff != "" {
		t.Error(diff)
	}
}

func TestContentPath(t *testing.T) {
	sum := strings.Repeat("ab", 32)
	for name, ext := range map[string]string{
		"report.PDF": ".pdf", "a.tar.gz": ".gz", "none": "", "dot.": "", "../../x": "", "a.b/c": "", `..\..\x.exe`: ".exe",
		"long.abcdefghijk": "", "sp ace.p df": "", "CON": "", "nul.\x00": "", "č.žlutý": "", ".hidden": ".hidden", "": "",
	} {
		got := contentPath(sum, name)
		if got != "data/files/ab/ab/"+sum+ext || bag.CheckPath(got) != nil {
			t.Errorf("%q: %s", name, got)
		}
	}
}

func TestUnsafePathsAreRefused(t *testing.T) {
	b, err := newBundle(filepath.Join(t.TempDir(), "out"))
	if err != nil {
		t.Fatal(err)
	}
	defer b.discard()
	for _, path := range []string{"../x", "/x", "a/../b", "a//b", "a b", "a.", "", "ž", "a/.", "~x"} {
		if _, err := b.create(path); err == nil {
			t.Errorf("%q was created", path)
		}
	}
}

func TestMissingAndDamagedContentsAreExceptions(t *testing.T) {
	src := small()
	f1, f2 := src.files["chan-a"][0], src.files["chan-a"][1]
	delete(src.blobs, f1.Versions[0].SHA256)
	src.blobs[f2.Versions[1].SHA256] = []byte("something else")
	src.items[3].FileID = "f9"
	dir, summary := exportTo(t, smallSelection, src, "ndjson")
	var where []string
	for _, e := range summary.Exceptions {
		where = append(where, e.Where)
	}
	if diff := cmp.Diff([]string{"chan-c/f3", "chan-c/f9", "chan-a/f1", "chan-a/f2"}, where); diff != "" {
		t.Error(diff)
	}
	if summary.Counts.Contents != 1 {
		t.Errorf("%d contents, want 1", summary.Counts.Contents)
	}
	files := linesOf(tree(t, dir)["data/ndjson/files.ndjson"])
	if !strings.Contains(files[0], `"paths":[null,"data/files/`) || !strings.Contains(files[1], `.pdf",null],`) {
		t.Errorf("paths of missing contents are not null:\n%s\n%s", files[0], files[1])
	}
}

func TestFailureLeavesNothing(t *testing.T) {
	canceled, cancel := context.WithCancel(t.Context())
	cancel()
	for name, c := range map[string]struct {
		ctx   context.Context
		spoil func(*source, *Options, *Selection)
		want  error
	}{
		"source fails":   {t.Context(), func(s *source, _ *Options, _ *Selection) { s.failAt = 2 }, fs.ErrInvalid},
		"canceled":       {canceled, func(*source, *Options, *Selection) {}, context.Canceled},
		"unknown format": {t.Context(), func(_ *source, o *Options, _ *Selection) { o.Formats = []string{"x"} }, ErrUnknownFormat},
		"unknown zone":   {t.Context(), func(_ *source, _ *Options, s *Selection) { s.Zone = "Mars/Base" }, nil},
		"double message": {t.Context(), func(s *source, _ *Options, _ *Selection) { s.items[1] = s.items[0] }, nil},
		"channel twice":  {t.Context(), func(s *source, _ *Options, _ *Selection) { s.items = append(s.items, s.items[0]) }, nil},
		"bad digest": {t.Context(), func(s *source, _ *Options, _ *Selection) {
			s.files["chan-a"][0].Versions[0].SHA256 = "../../x"
		}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			parent := t.TempDir()
			src, o, sel := small(), Options{Output: filepath.Join(parent, "out")}, smallSelection
			c.spoil(src, &o, &sel)
			_, err := Write(c.ctx, o, sel, src)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("error %v, want %v", err, c.want)
			}
			if left, _ := os.ReadDir(parent); len(left) > 0 {
				t.Errorf("left behind: %v", left)
			}
		})
	}
}

func TestNothingIsVisibleBeforeTheEnd(t *testing.T) {
	parent := t.TempDir()
	src := small()
	src.during = func() {
		entries, err := os.ReadDir(parent)
		if err != nil || len(entries) != 2 || !strings.HasPrefix(entries[0].Name(), "out.partial-") || !strings.HasSuffix(entries[1].Name(), lockEnding) {
			t.Errorf("while writing: %v, %v", entries, err)
		}
		if _, err := os.Stat(filepath.Join(parent, entries[0].Name(), bag.Declaration)); err == nil {
			t.Error("it is a bag before it is whole")
		}
	}
	if _, err := Write(t.Context(), Options{Output: filepath.Join(parent, "out") + "/"}, smallSelection, src); err != nil {
		t.Fatal(err)
	}
}

func TestExistingOutputStays(t *testing.T) {
	dir := t.TempDir()
	file := filepath.Join(dir, "file")
	if err := os.WriteFile(file, []byte("mine"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, output := range []string{dir, file, "."} {
		if _, err := Write(t.Context(), Options{Output: output}, smallSelection, small()); !errors.Is(err, ErrExists) {
			t.Errorf("%s: error %v, want ErrExists", output, err)
		}
	}
	late := small()
	target := filepath.Join(dir, "late")
	late.during = func() { os.Mkdir(target, 0o700) }
	if _, err := Write(t.Context(), Options{Output: target}, smallSelection, late); !errors.Is(err, ErrExists) {
		t.Errorf("made meanwhile: error %v, want ErrExists", err)
	}
	if got := tree(t, dir); got["file"] != "mine" || len(got) != 1 {
		t.Errorf("the folder now holds %v", names(got))
	}
}

func TestProgressTellsTheRate(t *testing.T) {
	var last Progress
	clock := testTime
	o := Options{Output: filepath.Join(t.TempDir(), "out"), Progress: func(p Progress) { last = p },
		Now: func() time.Time { clock = clock.Add(time.Second); return clock }}
	if _, err := Write(t.Context(), o, smallSelection, small()); err != nil {
		t.Fatal(err)
	}
	if last.Messages != 4 || last.Files != 3 || last.Rate() <= 0 {
		t.Errorf("last progress %+v", last)
	}
}

// blobReader fails in the middle of a content.
type failingSource struct{ *source }

func (failingSource) Blob(string) (io.ReadCloser, error) {
	return io.NopCloser(io.MultiReader(strings.NewReader("part"), errorReader{})), nil
}

type errorReader struct{}

func (errorReader) Read([]byte) (int, error) { return 0, io.ErrUnexpectedEOF }

func TestContentThatBreaksOffIsAnException(t *testing.T) {
	dir, summary := exportTo(t, smallSelection, failingSource{small()}, "ndjson")
	if summary.Counts.Contents != 0 || len(summary.Exceptions) != 4 {
		t.Errorf("%d contents, exceptions %v", summary.Counts.Contents, summary.Exceptions)
	}
	for name := range tree(t, dir) {
		if strings.HasPrefix(name, "data/files/") {
			t.Errorf("left behind: %s", name)
		}
	}
}

func TestEmptySelectionIsABundle(t *testing.T) {
	src := small()
	src.items = nil
	sel := smallSelection
	sel.Query = "nothing"
	dir, summary := exportTo(t, sel, src)
	if summary.Counts != (Counts{}) || summary.First != "" {
		t.Errorf("counts %+v", summary.Counts)
	}
	if got := tree(t, dir)["data/ndjson/messages.ndjson"]; got != "" {
		t.Errorf("messages: %q", got)
	}
}
