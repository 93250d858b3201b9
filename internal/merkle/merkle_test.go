package merkle

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/go-json-experiment/json/jsontext"
	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func leaves(n int) []Hash {
	out := make([]Hash, n)
	for i := range out {
		out[i] = Hash{byte(i), byte(i >> 8), 1}
	}
	return out
}

// referenceRoot is the definition of RFC 6962, section 2.1.
func referenceRoot(leaves []Hash) Hash {
	if len(leaves) == 1 {
		return tlog.RecordHash(leaves[0][:])
	}
	k := 1
	for 2*k < len(leaves) {
		k *= 2
	}
	return tlog.NodeHash(referenceRoot(leaves[:k]), referenceRoot(leaves[k:]))
}

func TestTreeAndPathsFollowTheRFC(t *testing.T) {
	for n := 1; n <= 70; n++ {
		all := leaves(n)
		var tree Tree
		for _, leaf := range all {
			tree.Add(leaf)
		}
		want := referenceRoot(all)
		if got := tree.Root(); got != want || tree.Size() != uint64(n) {
			t.Fatalf("%d leaves: root %v, want %v", n, got, want)
		}
		for i := range all {
			path, err := PathTo(all, i)
			if err != nil {
				t.Fatal(err)
			}
			if got, err := path.root(all[i]); err != nil || got != want {
				t.Fatalf("leaf %d of %d: %v, %v", i, n, got, err)
			}
		}
	}
}

func TestPathsOfAnotherShapeAreRefused(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 40).Draw(t, "n")
		all := leaves(n)
		path, err := PathTo(all, rapid.IntRange(0, n-1).Draw(t, "i"))
		if err != nil {
			t.Fatal(err)
		}
		leaf, want := all[path.Index], referenceRoot(all)
		switch rapid.IntRange(0, 3).Draw(t, "change") {
		case 0:
			path.Hashes = append(path.Hashes, Hash{})
		case 1:
			leaf[rapid.IntRange(0, HashSize-1).Draw(t, "byte")] ^= 1
		case 2:
			path.Index = rapid.Int64Range(-2, 80).Filter(func(i int64) bool { return i != path.Index }).Draw(t, "index")
		default:
			if len(path.Hashes) == 0 {
				return
			}
			path.Hashes = path.Hashes[1:]
		}
		if got, err := path.root(leaf); err == nil && got == want {
			t.Fatal("a false path leads to the root")
		}
	})
}

func TestMembersAreQuotedAsJSON(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := rapid.OneOf(rapid.String(), rapid.StringMatching(`[ -~]*`)).Draw(t, "text")
		quoted, _ := jsontext.AppendQuote(nil, text)
		if got := appendMember(nil, "a", text); string(got) != `,"a":`+string(quoted) {
			t.Errorf("%q gives %s, want %s", text, got, quoted)
		}
	})
}

func TestRecordsHaveOneForm(t *testing.T) {
	r := Record{Change: 7, Channel: "Zm9v", Class: "message", First: true, Key: "1516195206.000463", Observed: 1516195207000,
		Op: "state", Body: []byte(`{"text":"hi"}`)}
	want := `{"change":7,"channel":"Zm9v","class":"message","first":true,"key":"1516195206.000463","observed":1516195207000,"op":"state","thread":""}` +
		"\n" + `{"text":"hi"}`
	if got := string(r.Append(nil)); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	r.Key = "a\"\n\x01é"
	if got := string(r.Append(nil)); !strings.Contains(got, `"key":"a\"\n\u0001é"`) {
		t.Errorf("quoted as %s", got)
	}
}

func TestSaltsDifferByPositionAndBatch(t *testing.T) {
	r := &Record{Body: []byte("x")}
	seen := make(map[Hash]bool)
	for _, batch := range []Salt{{1}, {2}} {
		c := NewCommitter(batch)
		for i := range uint64(50) {
			seen[c.Commitment(i, r)] = true
		}
	}
	if len(seen) != 100 {
		t.Errorf("%d different commitments of 100", len(seen))
	}
}

func newKey(t *testing.T, origin string) *Key {
	t.Helper()
	k, err := CreateKey(filepath.Join(t.TempDir(), "key"), origin)
	if err != nil {
		t.Fatal(err)
	}
	return k
}

func TestProofHoldsAndEveryChangeBreaksIt(t *testing.T) {
	key := newKey(t, Origin("a1"))
	c := NewCommitter(Salt{9})
	records, commitments := make([]Record, 5), make([]Hash, 5)
	for i := range records {
		records[i] = Record{Change: uint64(i), Body: []byte{'b', byte(i)}}
		commitments[i] = c.Commitment(uint64(i), &records[i])
		c.Add(&records[i])
	}
	batches := leaves(9)
	batches[4] = c.Root()
	inner, err := PathTo(commitments, 3)
	if err != nil {
		t.Fatal(err)
	}
	outer, err := PathTo(batches, 4)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := Checkpoint{Origin("a1"), 9, referenceRoot(batches)}.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	salt := c.Salt(3)
	proof := Proof{Record: records[3].Append(nil), Salt: salt[:], Batch: inner, Log: outer, Checkpoint: string(signed)}
	if err := proof.Check(key.Public()); err != nil {
		t.Fatal(err)
	}
	if err := proof.Check(newKey(t, Origin("a1")).Public()); !errors.Is(err, ErrCheckpoint) {
		t.Errorf("with another key: %v", err)
	}
	text, err := json.Marshal(proof)
	if err != nil {
		t.Fatal(err)
	}
	for i := range text {
		var forged Proof
		mutated := bytes.Clone(text)
		mutated[i] ^= 1
		if json.Unmarshal(mutated, &forged) != nil {
			continue
		}
		if again, err := json.Marshal(forged); err != nil || bytes.Equal(again, text) || strings.EqualFold(string(again), string(text)) {
			continue
		}
		if err := forged.Check(key.Public()); err == nil {
			t.Errorf("byte %d: the proof still holds: %s", i, mutated)
		}
	}
}

func TestCheckpointsAreParsedStrictly(t *testing.T) {
	key := newKey(t, Origin("a1"))
	want := Checkpoint{Origin("a1"), 12, Hash{1, 2}}
	signed, err := want.Sign(key)
	if err != nil {
		t.Fatal(err)
	}
	if got, err := ParseCheckpoint(signed, key.Public()); err != nil || got != want {
		t.Errorf("got %v, %v", got, err)
	}
	for i := range signed {
		mutated := bytes.Clone(signed)
		mutated[i] ^= 1
		if _, err := ParseCheckpoint(mutated, key.Public()); err == nil {
			t.Errorf("byte %d: accepted %q", i, mutated)
		}
	}
	for _, text := range []string{"", "a\n", "a\n1\n", "\n1\nAA==\n", "a\n01\n" + strings.Repeat("A", 43) + "=\n", "a\n-1\n\n"} {
		if _, err := parseText(text); err == nil {
			t.Errorf("%q is accepted", text)
		}
	}
}

func TestKeyFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "archive.key")
	if _, err := LoadKey(path); !errors.Is(err, ErrNoKey) {
		t.Errorf("no file: %v", err)
	}
	made, err := CreateKey(path, Origin("a1"))
	if err != nil {
		t.Fatal(err)
	}
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("mode %v, %v", info.Mode(), err)
	}
	if _, err := CreateKey(path, Origin("a1")); err == nil {
		t.Error("a key was overwritten")
	}
	loaded, err := LoadKey(path)
	if err != nil || loaded.Public() != made.Public() {
		t.Errorf("loaded %v, %v", loaded, err)
	}
	secret, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, append(secret[:20], 'x'), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := LoadKey(path); err == nil || strings.Contains(err.Error(), string(secret[:20])) {
		t.Errorf("a broken key: %v", err)
	}
}

func BenchmarkCommitment(b *testing.B) {
	c := NewCommitter(Salt{1})
	r := &Record{Change: 8812345, Channel: strings.Repeat("a", 40), Class: "message", First: true, Key: "1516195206.000463",
		Observed: 1516195207000, Op: "state", Body: bytes.Repeat([]byte("x"), 276)}
	b.ReportAllocs()
	for b.Loop() {
		c.Add(r)
	}
}
