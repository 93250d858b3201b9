package bag

import (
	"bytes"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// write makes a bag of the given files and gives its directory.
func write(t testing.TB, files map[string]string) string {
	t.Helper()
	dir := t.TempDir()
	var payload, tags []File
	put := func(path, content string) File {
		full := filepath.Join(dir, filepath.FromSlash(path))
		if err := os.MkdirAll(filepath.Dir(full), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(full, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		h := NewHash()
		h.Write([]byte(content))
		return h.File(path)
	}
	for path, content := range files {
		payload = append(payload, put(path, content))
	}
	Sort(payload)
	tags = append(tags, put(Declaration, DeclarationText))
	tags = append(tags, put(Info, string(AppendInfo(nil, []Field{{"Payload-Oxum", Oxum(payload)}, {"Empty", ""}, {"Odd", " a\r\nb: c "}}))))
	for _, a := range Algorithms() {
		tags = append(tags, put(a.Manifest(), string(AppendManifest(nil, a, payload))))
	}
	Sort(tags)
	for _, a := range Algorithms() {
		put(a.TagManifest(), string(AppendManifest(nil, a, tags)))
	}
	return dir
}

var sample = map[string]string{"data/a.txt": "alpha", "data/b/c.txt": "", "data/b/d.txt": strings.Repeat("long ", 1000)}

func check(t testing.TB, dir string) *Checked {
	t.Helper()
	c, err := Check(context.Background(), dir, CheckOptions{Beside: func(path string) bool { return path == "signature" }})
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestWholeBagHasNoFindings(t *testing.T) {
	dir := write(t, sample)
	if err := os.WriteFile(filepath.Join(dir, "signature"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c := check(t, dir)
	if len(c.Findings) > 0 {
		t.Error(c.Findings)
	}
	if want := []Field{{"Payload-Oxum", "5005.3"}, {"Odd", "a  b: c"}}; !cmp.Equal(c.Info, want) {
		t.Error(c.Info)
	}
}

func TestPublicToolsAcceptTheManifests(t *testing.T) {
	dir := write(t, sample)
	for _, a := range Algorithms() {
		for _, name := range []string{a.Manifest(), a.TagManifest()} {
			cmd := exec.Command(string(a)+"sum", "--check", "--strict", "--quiet", name)
			cmd.Dir = dir
			if out, err := cmd.CombinedOutput(); err != nil {
				t.Errorf("%s: %v: %s", name, err, out)
			}
		}
	}
}

func TestDigestsAreThose(t *testing.T) {
	h := NewHash()
	h.Write([]byte("al"))
	h.Write([]byte("pha"))
	f := h.File("data/a")
	if f.SHA256 != sha256.Sum256([]byte("alpha")) || f.SHA512 != sha512.Sum512([]byte("alpha")) || f.Bytes != 5 {
		t.Error(f)
	}
}

// TestEveryByteCounts flips each byte of a small bag in turn.
func TestEveryByteCounts(t *testing.T) {
	dir := write(t, map[string]string{"data/a.txt": "alpha", "data/b.txt": "beta"})
	for _, f := range check(t, dir).Files {
		path := filepath.Join(dir, filepath.FromSlash(f.Path))
		content, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		for i := range content {
			for _, bit := range []byte{1, 0x20}[i%2 : i%2+1] {
				flipped := bytes.Clone(content)
				flipped[i] ^= bit
				if err := os.WriteFile(path, flipped, 0o600); err != nil {
					t.Fatal(err)
				}
				if found := check(t, dir).Findings; !slices.ContainsFunc(found, func(x Finding) bool { return x.Where == f.Path }) {
					t.Errorf("%s, byte %d: found %v", f.Path, i, found)
				}
			}
		}
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

func TestWhatIsMissingOrAddedIsNamed(t *testing.T) {
	for _, path := range []string{"data/a.txt", "bagit.txt", "bag-info.txt", "manifest-sha256.txt", "tagmanifest-sha512.txt"} {
		dir := write(t, sample)
		if err := os.Remove(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			t.Fatal(err)
		}
		if found := check(t, dir).Findings; len(found) == 0 || !slices.ContainsFunc(found, func(x Finding) bool { return x.Where == path }) {
			t.Errorf("without %s: %v", path, found)
		}
	}
	for _, path := range []string{"data/new.txt", "new.txt", "data/b/odd name"} {
		dir := write(t, sample)
		if err := os.WriteFile(filepath.Join(dir, filepath.FromSlash(path)), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if found := check(t, dir).Findings; !slices.Contains(found, Finding{path, "is unexpected: no manifest lists it"}) {
			t.Errorf("with %s: %v", path, found)
		}
	}
	dir := write(t, sample)
	if err := os.Symlink("a.txt", filepath.Join(dir, "data", "link")); err != nil {
		t.Skip(err)
	}
	if found := check(t, dir).Findings; len(found) != 1 || found[0].Where != "data/link" {
		t.Error(found)
	}
}

func TestPaths(t *testing.T) {
	for path, safe := range map[string]bool{
		"a": true, "data/a-b_c.d.txt": true, "A/0/-": true, strings.Repeat("a", maxPath): true,
		"": false, "/a": false, "a/": false, "a//b": false, ".a": false, "a.": false, "a..b": false, "a/.b": false, "a./b": false,
		"..": false, "a/../b": false, "a b": false, "a\\b": false, "a\n": false, "ž": false, "a:b": false, "a@b": false, "a[b": false,
		"a`b": false, "a{b": false, strings.Repeat("a", maxPath+1): false,
	} {
		if err := CheckPath(path); (err == nil) != safe {
			t.Errorf("%q: %v", path, err)
		}
	}
}

func TestInfoComesBack(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.String().Draw(t, "value")
		fields, err := ParseInfo(string(AppendInfo(nil, []Field{{"A-B", value}, {"C", "d"}})))
		want := []Field{{"A-B", oneLine(value)}, {"C", "d"}}
		if oneLine(value) == "" {
			want = want[1:]
		}
		if err != nil || !cmp.Equal(fields, want) {
			t.Fatalf("%q: %v, %v", value, fields, err)
		}
	})
}

func TestFoldedInfoIsRead(t *testing.T) {
	fields, err := ParseInfo("A: one\n\ttwo\nB: three\n")
	if err != nil || !cmp.Equal(fields, []Field{{"A", "one two"}, {"B", "three"}}) {
		t.Error(fields, err)
	}
	if _, err := ParseInfo("no label\n"); err == nil {
		t.Error("a line without a label is accepted")
	}
}

func FuzzParseManifest(f *testing.F) {
	f.Add(strings.Repeat("a", 64) + "  data/a.txt\n")
	f.Add("")
	f.Fuzz(func(t *testing.T, text string) {
		digests, err := parseManifest(text, SHA256)
		if err != nil {
			return
		}
		for path := range digests {
			if CheckPath(path) != nil {
				t.Errorf("%q", path)
			}
		}
	})
}
