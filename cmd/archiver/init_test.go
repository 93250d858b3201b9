package main

import (
	"os"
	"path/filepath"
	"testing"

	"archiver/configs"

	"github.com/google/go-cmp/cmp"
)

// TestFillIn: what is filled in is read back as it was given, whatever it looks like, and nothing else changes.
func TestFillIn(t *testing.T) {
	for _, value := range []string{
		"plain", "https://mail.example.com/", "a: b # c", `pass show "mail: archive"`, `it's`, `C:\archive`, " blank ", "true", "-", "*x", "%", "Žluťoučký",
	} {
		text, err := fillIn(configs.Example, map[string]string{
			"server.url": value, "server.username": value, "server.password_file": "", "archive.dir": value,
		})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "archiver.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		got, err := Load(path)
		want := Default()
		want.Server.URL, want.Server.Username, want.Archive.Dir = value, value, value
		if diff := cmp.Diff(want, got); err != nil || diff != "" {
			t.Errorf("%q: error %v, (-want +got):\n%s", value, err, diff)
		}
	}
}

// TestFillInMissesNoKey finds keys that were renamed in the example.
func TestFillInMissesNoKey(t *testing.T) {
	if _, err := fillIn("server:\n  url: \"\"\n", map[string]string{"server.url": "x", "archive.dir": "y"}); err == nil {
		t.Error("a key that is not there was filled in")
	}
}

func TestShellWord(t *testing.T) {
	for word, want := range map[string]string{
		"/etc/archiver.yaml": "/etc/archiver.yaml", "": "''", "a b": "'a b'", "it's": `'it'\''s'`, "$x": "'$x'",
	} {
		if got := shellWord(word); got != want {
			t.Errorf("%q: %s, want %s", word, got, want)
		}
	}
}
