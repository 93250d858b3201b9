package envelope

import (
	"archive/tar"
	"bytes"
	"io"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"testing/fstest"

	"filippo.io/age"
)

// content is a folder with an empty file, a large one and one that does not shrink.
func content() fstest.MapFS {
	return fstest.MapFS{
		"bagit.txt":                 {Data: []byte("BagIt-Version: 1.0\n")},
		"data/empty":                {},
		"data/rsmf/large.txt":       {Data: bytes.Repeat([]byte("all work and no play. "), 300_000)},
		"data/files/ab/cd/noise":    {Data: noise(1 << 20)},
		"data/files/ab/cd/one-byte": {Data: []byte{7}},
	}
}

func noise(n int) []byte {
	b := make([]byte, n)
	x := uint32(1)
	for i := range b {
		x = x*1664525 + 1013904223
		b[i] = byte(x >> 24)
	}
	return b
}

func TestAge(t *testing.T) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "recipients")
	if err := os.WriteFile(file, []byte("# counsel\n"+identity.Recipient().String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	other, err := age.GenerateX25519Identity()
	if err != nil {
		t.Fatal(err)
	}
	recipients, err := Recipients([]string{file, other.Recipient().String()})
	if err != nil || len(recipients) != 2 {
		t.Fatal(recipients, err)
	}
	var sealed bytes.Buffer
	if err := Age(&sealed, content(), "EXP-1", recipients); err != nil {
		t.Fatal(err)
	}
	for _, id := range []*age.X25519Identity{identity, other} {
		plain, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), id)
		if err != nil {
			t.Fatal(err)
		}
		sameContent(t, untar(t, plain))
	}
	stranger, _ := age.GenerateX25519Identity()
	if _, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), stranger); err == nil {
		t.Error("a stranger can open it")
	}
	openWithAge(t, identity, sealed.Bytes())
}

func untar(t *testing.T, r io.Reader) map[string][]byte {
	t.Helper()
	files := map[string][]byte{}
	for in := tar.NewReader(r); ; {
		header, err := in.Next()
		if err == io.EOF {
			return files
		}
		if err != nil {
			t.Fatal(err)
		}
		if files[header.Name], err = io.ReadAll(in); err != nil {
			t.Fatal(err)
		}
	}
}

func sameContent(t *testing.T, got map[string][]byte) {
	t.Helper()
	want := map[string][]byte{}
	for name, file := range content() {
		want["EXP-1/"+name] = append([]byte{}, file.Data...)
	}
	if !maps.EqualFunc(want, got, bytes.Equal) {
		t.Errorf("%d files, or other bytes; want %d", len(got), len(want))
	}
}

// openWithAge has the program age open the file.
func openWithAge(t *testing.T, identity *age.X25519Identity, sealed []byte) {
	t.Helper()
	program, err := exec.LookPath("age")
	if err != nil {
		t.Skip("no age")
	}
	key := filepath.Join(t.TempDir(), "key")
	if err := os.WriteFile(key, []byte(identity.String()+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), program, "-d", "-i", key)
	cmd.Stdin = bytes.NewReader(sealed)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	sameContent(t, untar(t, bytes.NewReader(out)))
}

func TestRecipientsThatAreNone(t *testing.T) {
	for _, name := range []string{"age1nonsense", "no such file", os.DevNull} {
		if _, err := Recipients([]string{name}); err == nil {
			t.Errorf("%s: no error", name)
		}
	}
}

func TestZIP(t *testing.T) {
	program := sevenZip(t)
	passphrase := Passphrase()
	dir := t.TempDir()
	name := filepath.Join(dir, "EXP-1.zip")
	file, err := os.Create(name)
	if err != nil {
		t.Fatal(err)
	}
	if err := ZIP(file, content(), "EXP-1", passphrase); err != nil {
		t.Fatal(err)
	}
	if err := file.Close(); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"t", "-p" + passphrase, name}, {"x", "-p" + passphrase, "-o" + dir, name}} {
		if out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput(); err != nil {
			t.Fatalf("%s", out)
		}
	}
	got := map[string][]byte{}
	for path := range content() {
		path = "EXP-1/" + path
		if got[path], err = os.ReadFile(filepath.Join(dir, filepath.FromSlash(path))); err != nil {
			t.Fatal(err)
		}
	}
	sameContent(t, got)
	list, _ := exec.CommandContext(t.Context(), program, "l", "-slt", name).Output()
	if !strings.Contains(string(list), "AES-256 Deflate") {
		t.Errorf("%s", list)
	}
	if err := exec.CommandContext(t.Context(), program, "t", "-pwrong", name).Run(); err == nil {
		t.Error("another passphrase opens it")
	}
	everyByteCounts(t, program, passphrase, name)
}

// everyByteCounts changes bytes of the data, which 7-Zip must notice.
func everyByteCounts(t *testing.T, program, passphrase, name string) {
	data, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	for i := len(data) / 10; i < len(data)/2; i += len(data) / 10 {
		data[i] ^= 1
		if err := os.WriteFile(name, data, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := exec.CommandContext(t.Context(), program, "t", "-p"+passphrase, name).Run(); err == nil {
			t.Errorf("byte %d can be changed", i)
		}
		data[i] ^= 1
	}
}

func sevenZip(t *testing.T) string {
	t.Helper()
	for _, name := range []string{"7zz", "7z"} {
		if program, err := exec.LookPath(name); err == nil {
			return program
		}
	}
	t.Skip("no 7-Zip")
	return ""
}

func TestPassphrase(t *testing.T) {
	a, b := Passphrase(), Passphrase()
	if a == b || len(a) != 29 || strings.Count(a, "-") != 5 || strings.Trim(a, alphabet+"-") != "" {
		t.Errorf("%s, %s", a, b)
	}
}

func BenchmarkZIP(b *testing.B) {
	folder := content()
	b.SetBytes(int64(len(folder["data/rsmf/large.txt"].Data) + 1<<20))
	for b.Loop() {
		if err := ZIP(io.Discard, folder, "EXP-1", "passphrase"); err != nil {
			b.Fatal(err)
		}
	}
}
