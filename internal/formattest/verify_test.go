package formattest

import (
	"bytes"
	"encoding/base64"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
)

// verifier is a directory in which the commands of docs/verify.md are run.
type verifier struct {
	dir      string
	site     *site
	commands []string // the first one makes the proof
}

// newVerifier gives a directory with the key and the script of the page. It skips the test where a tool is missing.
func newVerifier(t *testing.T) *verifier {
	t.Helper()
	for _, tool := range []string{"sh", "openssl", "base64", "sha256sum", "jq", "python3"} {
		if _, err := exec.LookPath(tool); err != nil {
			t.Skip(err)
		}
	}
	v := &verifier{dir: t.TempDir(), site: synced(t)}
	text := page(t, "verify.md")
	for _, f := range fenced(text, "sh") {
		v.commands = append(v.commands, f[1])
	}
	if len(v.commands) != 6 {
		t.Fatalf("%d blocks of commands on the page", len(v.commands))
	}
	v.write(t, "check-proof.py", one(t, text, "python"))
	v.write(t, "key.txt", v.site.publicKey+"\n")
	return v
}

func (v *verifier) write(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(v.dir, name), []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// prove makes the proof of a message as the page says.
func (v *verifier) prove(t *testing.T, id string) proof {
	t.Helper()
	command := strings.Replace(v.commands[0], "CHANNEL_ID/TS", id, 1)
	if out, err := v.shell(t, command); err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	text, err := os.ReadFile(filepath.Join(v.dir, "proof.json"))
	if err != nil {
		t.Fatal(err)
	}
	var p proof
	if err := json.Unmarshal(text, &p); err != nil {
		t.Fatal(err)
	}
	return p
}

func (v *verifier) shell(t *testing.T, command string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "sh", "-eu", "-c", command)
	cmd.Dir = v.dir
	cmd.Env = append(v.site.environment(), "PATH="+v.site.dir+string(os.PathListSeparator)+os.Getenv("PATH"))
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// check runs the commands that check what is in the directory. The error is that of the first that fails.
func (v *verifier) check(t *testing.T) (out string, err error) {
	t.Helper()
	return v.shell(t, strings.Join(v.commands[1:], "\n"))
}

// proof is what show --json --proof prints.
type proof struct {
	Message json.RawMessage `json:"message"`
	Proof   struct {
		PublicKey string        `json:"public_key"`
		Entries   []*proofEntry `json:"entries"`
	} `json:"proof"`
}

type proofEntry struct {
	Record     []byte `json:"record"`
	Salt       []byte `json:"salt"`
	Batch      path   `json:"batch"`
	Log        path   `json:"log"`
	Checkpoint string `json:"checkpoint"`
}

type path struct {
	Index  int      `json:"index"`
	Size   int      `json:"size"`
	Hashes [][]byte `json:"hashes"`
}

// edited gives a message with several versions.
func (s *site) edited(t *testing.T) (id string) {
	t.Helper()
	for _, l := range s.dumped(t) {
		if l.Record == "message" && len(l.Versions) > 1 {
			return l.Channel + "/" + l.TS
		}
	}
	t.Fatal("no message was edited")
	return ""
}

func TestCommandsOfThePageCheckAProof(t *testing.T) {
	v := newVerifier(t)
	p := v.prove(t, v.site.edited(t))
	out, err := v.check(t)
	if err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	for _, want := range []string{"Signature Verified Successfully", `"text":"Good morning"`, `"text":"Good morning, all"`} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	if got := strings.Count(out, "in the log: "); got != len(p.Proof.Entries) || got < 2 {
		t.Errorf("%d entries proven of %d", got, len(p.Proof.Entries))
	}
	if checkpoint, err := os.ReadFile(filepath.Join(v.dir, "checkpoint")); err != nil || string(checkpoint) != v.site.checkpoint {
		t.Errorf("checkpoint %q, %v; the copy kept elsewhere is %q", checkpoint, err, v.site.checkpoint)
	}
}

func TestCommandsOfThePageRefuseFalseProofs(t *testing.T) {
	v := newVerifier(t)
	id := v.site.edited(t)
	p := v.prove(t, id)
	for name, change := range mutations {
		if testing.Short() && name != "record" && name != "signature" {
			continue
		}
		t.Run(name, func(t *testing.T) {
			forged := p.clone(t)
			change(forged)
			v.give(t, forged)
			if out, err := v.check(t); err == nil {
				t.Errorf("accepted:\n%s", out)
			}
		})
	}
	v.give(t, &p)
	v.write(t, "key.txt", strings.TrimSpace(one(t, page(t, "format.md"), "key"))+"\n")
	if out, err := v.check(t); err == nil {
		t.Errorf("accepted with another key:\n%s", out)
	}
}

// mutations make a false proof of a true one.
var mutations = map[string]func(*proof){
	"record":           func(p *proof) { p.Proof.Entries[1].Record[len(p.Proof.Entries[1].Record)-3] ^= 1 },
	"record's number":  func(p *proof) { p.swap("Record", `"change":`, `"change":1`) },
	"text":             func(p *proof) { p.swap("Record", "Good morning", "Good evening") },
	"salt":             func(p *proof) { p.Proof.Entries[0].Salt[5] ^= 1 },
	"border":           func(p *proof) { p.Proof.Entries[0].moveBorder() },
	"batch's index":    func(p *proof) { p.Proof.Entries[0].Batch.Index ^= 1 },
	"batch's hash":     func(p *proof) { p.Proof.Entries[0].Batch.Hashes[0][0] ^= 1 },
	"batch's length":   func(p *proof) { b := &p.Proof.Entries[0].Batch; b.Hashes = append(b.Hashes, b.Hashes[0]) },
	"batch cut":        func(p *proof) { b := &p.Proof.Entries[0].Batch; b.Hashes = b.Hashes[1:] },
	"log's index":      func(p *proof) { p.Proof.Entries[0].Log.Index++ },
	"log's size":       func(p *proof) { p.Proof.Entries[0].Log.Size++ },
	"log's hash":       func(p *proof) { p.Proof.Entries[0].Log.Hashes[0][31] ^= 1 },
	"checkpoint":       func(p *proof) { p.swap("Checkpoint", "\n", "\n1") },
	"checkpoint's log": func(p *proof) { p.swap("Checkpoint", "archiver/", "archiver/0") },
	"signature":        func(p *proof) { p.Proof.Entries[0].breakSignature() },
	"other message":    func(p *proof) { p.Message = bytes.Replace(p.Message, []byte(`"ts":"1`), []byte(`"ts":"2`), 1) },
	"no entries":       func(p *proof) { p.Proof.Entries = p.Proof.Entries[:0] },
}

// swap replaces the first occurrence of a text in the first entry.
func (p *proof) swap(field, old, new string) {
	e := p.Proof.Entries[0]
	if field == "Record" {
		e.Record = bytes.Replace(e.Record, []byte(old), []byte(new), 1)
		return
	}
	e.Checkpoint = strings.Replace(e.Checkpoint, old, new, 1)
}

// moveBorder takes the record's first byte for one of the salt.
func (e *proofEntry) moveBorder() {
	e.Salt, e.Record = append(e.Salt, e.Record[0]), e.Record[1:]
}

// breakSignature flips a bit of the signature.
func (e *proofEntry) breakSignature() {
	at := strings.LastIndex(e.Checkpoint, " ") + 1
	b, _ := base64.StdEncoding.DecodeString(strings.TrimSpace(e.Checkpoint[at:]))
	b[40] ^= 1
	e.Checkpoint = e.Checkpoint[:at] + base64.StdEncoding.EncodeToString(b) + "\n"
}

func (p *proof) clone(t *testing.T) *proof {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	var again proof
	if err := json.Unmarshal(text, &again); err != nil {
		t.Fatal(err)
	}
	return &again
}

// give puts a proof in the place of the one that the program made.
func (v *verifier) give(t *testing.T, p *proof) {
	t.Helper()
	text, err := json.Marshal(p)
	if err != nil {
		t.Fatal(err)
	}
	v.write(t, "proof.json", string(text))
}
