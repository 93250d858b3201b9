package formattest

import (
	"bytes"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// bundle makes an export and gives a directory in which the commands of docs/verify.md check it.
func bundle(t *testing.T, args ...string) *verifier {
	t.Helper()
	for _, tool := range []string{"sh", "sha512sum", "minisign", "zstd", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	v := &verifier{dir: filepath.Join(t.TempDir(), "export"), site: synced(t)}
	v.site.run(t, "index", "rebuild")
	v.site.run(t, append([]string{"export", "--format", "ndjson", "--output", v.dir}, args...)...)
	text := page(t, "verify.md")
	for _, f := range fenced(text, "bash") {
		v.commands = append(v.commands, f[1])
	}
	if len(v.commands) != 2 {
		t.Fatalf("%d blocks of commands about exports on the page", len(v.commands))
	}
	return v
}

// checkExport runs the commands about the manifests, then those about the proofs.
func (v *verifier) checkExport(t *testing.T) (out string, manifests, proofs error) {
	t.Helper()
	first, manifests := v.shell(t, v.commands[0])
	v.write(t, "check-export.py", one(t, page(t, "verify.md"), "py"))
	second, proofs := v.shell(t, v.commands[1])
	if err := os.Remove(filepath.Join(v.dir, "check-export.py")); err != nil {
		t.Fatal(err)
	}
	return first + second, manifests, proofs
}

func TestCommandsOfThePageCheckAnExport(t *testing.T) {
	for name, args := range map[string][]string{"everything": nil, "a query": {"morning"}, "with context": {"--context", "3", "number"}} {
		t.Run(name, func(t *testing.T) {
			out, manifests, proofs := bundle(t, args...).checkExport(t)
			if manifests != nil || proofs != nil || !strings.Contains(out, "records are in the log, 0 are newer") {
				t.Errorf("%v, %v\n%s", manifests, proofs, out)
			}
			t.Log(out)
		})
	}
}

func TestCommandsOfThePageRefuseChangedExports(t *testing.T) {
	for what, path := range map[string]string{
		"a message": "data/ndjson/messages.ndjson", "a salt": "data/custody/proofs/inclusion.ndjson",
	} {
		t.Run(what, func(t *testing.T) {
			v := bundle(t, "number")
			content, err := os.ReadFile(filepath.Join(v.dir, filepath.FromSlash(path)))
			if err != nil {
				t.Fatal(err)
			}
			for _, change := range [][2]string{{`"text":"Offer number 7 `, `"text":"Offer number 8 `}, {`"salts":["`, `"salts":["AA`}} {
				content = bytes.ReplaceAll(content, []byte(change[0]), []byte(change[1]))
			}
			v.write(t, path, string(content))
			if out, manifests, proofs := v.checkExport(t); manifests == nil || proofs == nil {
				t.Errorf("accepted: %v, %v\n%s", manifests, proofs, out)
			}
		})
	}
}
