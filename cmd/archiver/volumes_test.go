package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/export"
)

// TestVolumes: every volume of a bundle verifies by itself, and the set together; what is missing or changed is named.
func TestVolumes(t *testing.T) {
	busyArchive(t, 300)
	output := filepath.Join(t.TempDir(), "set")
	must(t, "export", "--quiet", "--format", "csv", "--format", "ndjson", "--format", "rsmf", "--format", "production", "--volume-size", "300kB", "--output", output)
	volumes, err := bagsOf(output)
	if err != nil || len(volumes) < 3 {
		t.Fatalf("%d volumes, %v", len(volumes), err)
	}
	key := filepath.Join(output, export.PublicKeyFile)
	code, set := verify(t, output, "--key", key)
	if code != exitOK || set.Checked["volumes"] != int64(len(volumes)) || set.Checked["records proven"] == 0 || set.Checked["formats compared"] < 2 {
		t.Errorf("the set: verify exits %d: %+v", code, set)
	}
	var files int64
	for _, v := range volumes {
		code, alone := verify(t, v, "--key", key)
		if code != exitOK || len(alone.Bundle.Warnings) != 1 || !strings.Contains(alone.Bundle.Warnings[0], "this is volume") {
			t.Errorf("%s: verify exits %d: %+v", v, code, alone)
		}
		files += alone.Checked["files"]
	}
	if files != set.Checked["files"] {
		t.Errorf("%d files in the volumes, %d in the set", files, set.Checked["files"])
	}
	for name, spoil := range map[string]func(t *testing.T, second string){
		"volume missing": func(t *testing.T, second string) { rename(t, second, second+".away") },
		"byte changed":   func(t *testing.T, second string) { flip(t, firstPayload(t, second)) },
		"manifest of another volume": func(t *testing.T, second string) {
			for _, name := range []string{export.SignedFile, export.SignatureFile} {
				replace(t, filepath.Join(volumes[0], name), filepath.Join(second, name))
			}
		},
		"something added": func(t *testing.T, second string) {
			rename(t, firstPayload(t, second), filepath.Join(filepath.Dir(second), "extra"))
		},
	} {
		t.Run(name, func(t *testing.T) {
			copied := filepath.Join(t.TempDir(), "set")
			if err := os.CopyFS(copied, os.DirFS(output)); err != nil {
				t.Fatal(err)
			}
			second := filepath.Join(copied, filepath.Base(volumes[1]))
			spoil(t, second)
			code, v := verify(t, copied)
			named := false
			for _, d := range v.Damage {
				named = named || strings.HasPrefix(d.Where, filepath.Base(second)) || d.Where == "extra"
			}
			if code != exitDamage || !named {
				t.Errorf("verify exits %d: %+v", code, v.Damage)
			}
		})
	}
}

// firstPayload is a file of a volume.
func firstPayload(t *testing.T, volume string) (path string) {
	t.Helper()
	err := filepath.WalkDir(filepath.Join(volume, "data"), func(p string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() && path == "" {
			path = p
		}
		return err
	})
	if err != nil || path == "" {
		t.Fatal(path, err)
	}
	return path
}

func rename(t *testing.T, from, to string) {
	t.Helper()
	if err := os.Rename(from, to); err != nil {
		t.Fatal(err)
	}
}

func replace(t *testing.T, from, to string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to, content, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
}

func flip(t *testing.T, path string) {
	t.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	content[len(content)/2] ^= 1
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}
