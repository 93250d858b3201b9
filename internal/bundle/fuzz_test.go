package bundle

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/export"
	"archiver/internal/merkle"
	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
)

// put writes a file of a bundle in dir.
func put(t testing.TB, dir, name string, content []byte) {
	t.Helper()
	path := in(dir, name)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(path, content, 0o600); err != nil {
		t.Fatal(err)
	}
}

func packed(t testing.TB, content []byte) []byte {
	t.Helper()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	return encoder.EncodeAll(content, nil)
}

// FuzzRecords reads whatever may stand in records.zst. It must end, with messages or with an error.
func FuzzRecords(f *testing.F) {
	r := merkle.Record{Change: 7, Channel: "a", Class: "message", First: true, Key: "1516195206.000463", Observed: 1, Op: "state", Body: []byte(`{"text":"x"}`)}
	text := string(r.Append(nil))
	f.Add([]byte("1\nx\n"))
	f.Add([]byte("99999999999\n"))
	f.Add([]byte(strings.Join([]string{"153", text, ""}, "\n")))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		put(t, dir, export.RecordsFile, packed(t, content))
		for _, err := range readRecords(context.Background(), dir) {
			if err != nil {
				return
			}
		}
	})
}

// FuzzProofs reads whatever may stand in inclusion.ndjson, and computes roots from it.
func FuzzProofs(f *testing.F) {
	f.Add([]byte(`{"size":3,"sizes":[1],"hashes":[]}` + "\n" + `{"leaf":1,"first":5,"entries":2,"salt":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="}` + "\n"))
	f.Add([]byte(`{"size":3}` + "\n" + `{"leaf":1,"first":5,"entries":9,"at":[3],"salts":["AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="],"hashes":[]}` + "\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		put(t, dir, export.InclusionFile, content)
		v := &verifier{dir: dir, report: &Report{Checked: map[string]int64{"bytes": 1 << 12}}}
		c := &chain{v: v}
		if c.readProofs(3) != nil {
			return
		}
		c.checkpoint = &merkle.Checkpoint{Size: 3}
		for change := range uint64(20) {
			c.commit(&stored{canonical: []byte("{}\n"), entry: record.Entry{Change: change}})
		}
		if err := c.close(); err != nil || len(v.report.Findings) == 0 {
			t.Errorf("%v, %v", err, v.report.Findings)
		}
	})
}

// FuzzFormats reads whatever may stand in the files of formats.
func FuzzFormats(f *testing.F) {
	f.Add([]byte(`{"channel":"a","ts":"1516195206.000463","text":"x","versions":[{}]}` + "\n"))
	f.Add([]byte("\xef\xbb\xbfconversation_id,message_id,body\r\na,1516195206.000463,\"x\r\ny\"\r\n"))
	f.Fuzz(func(t *testing.T, content []byte) {
		dir := t.TempDir()
		put(t, dir, export.MessagesFile, content)
		put(t, dir, csvFile, content)
		for _, read := range []reader{readNDJSON, readCSV} {
			for m, err := range read(context.Background(), dir) {
				if err == nil && bytes.Equal(m.Text[:], make([]byte, 32)) {
					t.Error("a text without a hash")
				}
			}
		}
	})
}

func TestTextsAreComparedByWhatTheyAre(t *testing.T) {
	for _, same := range [][2]string{{"a\r\nb", "a\nb"}, {"a\rb", "a\nb"}, {"\xff", "\uFFFD"}} {
		if TextHash(same[0]) != TextHash(same[1]) {
			t.Errorf("%q and %q differ", same[0], same[1])
		}
	}
	for _, other := range [][2]string{{"a", "a\n"}, {"a", "A"}, {"é", "e\u0301"}} {
		if TextHash(other[0]) == TextHash(other[1]) {
			t.Errorf("%q and %q are the same", other[0], other[1])
		}
	}
}

func TestKeysAreTakenInEveryForm(t *testing.T) {
	key, err := merkle.CreateKey(filepath.Join(t.TempDir(), "key"), merkle.Origin("a"))
	if err != nil {
		t.Fatal(err)
	}
	public, err := merkle.MinisignPublic(key.Public())
	if err != nil {
		t.Fatal(err)
	}
	for _, given := range []string{key.Public(), key.Public() + "\n", string(public), strings.Split(string(public), "\n")[1]} {
		if !isKey(given, key.Public()) {
			t.Errorf("%q is not taken", given)
		}
	}
	if isKey("RWQ", key.Public()) || isKey("", "") {
		t.Error("another key is taken")
	}
}
