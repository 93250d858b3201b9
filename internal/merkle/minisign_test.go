package merkle

import (
	"bytes"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

func TestMinisignatureHoldsAndEveryChangeBreaksIt(t *testing.T) {
	key, file, comment := newKey(t, Origin("a1")), []byte("some file\n"), "export=EXP-2026-000001 root=abc"
	signature, err := key.Minisign(file, comment)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := CheckMinisign(file, signature, key.Public()); err != nil || got != comment {
		t.Errorf("got %q, %v", got, err)
	}
	if _, err := CheckMinisign(file, signature, newKey(t, Origin("a1")).Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("with another key: %v", err)
	}
	if _, err := CheckMinisign([]byte("some file"), signature, key.Public()); !errors.Is(err, ErrSignature) {
		t.Errorf("with another file: %v", err)
	}
	for i := range signature {
		for bit := range 8 {
			mutated := bytes.Clone(signature)
			mutated[i] ^= 1 << bit
			if _, err := CheckMinisign(file, mutated, key.Public()); !errors.Is(err, ErrSignature) {
				t.Errorf("byte %d, bit %d: %v", i, bit, err)
			}
		}
	}
}

// TestMinisignAcceptsIt runs the program minisign.
func TestMinisignAcceptsIt(t *testing.T) {
	program, err := exec.LookPath("minisign")
	if err != nil {
		t.Skip("minisign is not installed")
	}
	dir, key := t.TempDir(), newKey(t, Origin("a1"))
	file := []byte(strings.Repeat("digest  data/file\n", 1000))
	signature, err := key.Minisign(file, "export=EXP-2026-000001")
	if err != nil {
		t.Fatal(err)
	}
	public, err := MinisignPublic(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for name, content := range map[string][]byte{"file": file, "file.minisig": signature, "key.pub": public} {
		if err := os.WriteFile(filepath.Join(dir, name), content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, arg := range [][]string{{"-p", "key.pub"}, {"-H", "-P", strings.Split(string(public), "\n")[1]}} {
		cmd := exec.Command(program, append([]string{"-V", "-m", "file"}, arg...)...)
		cmd.Dir = dir
		out, err := cmd.CombinedOutput()
		if err != nil || !strings.Contains(string(out), "Trusted comment: export=EXP-2026-000001") {
			t.Errorf("minisign -V %v: %v\n%s", arg, err, out)
		}
	}
}

func TestMinisignPublicWantsAKey(t *testing.T) {
	for _, public := range []string{"", "a+b+c", "name+00000000+AAAA"} {
		if _, err := MinisignPublic(public); err == nil {
			t.Errorf("%q is accepted", public)
		}
	}
}
