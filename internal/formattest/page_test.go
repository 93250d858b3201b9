package formattest

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"os"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// page gives a page of docs.
func page(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile("../../docs/" + name)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

// fenced gives the examples of a page that begin with a fence and the given word, in order: name and text.
func fenced(text, word string) (found [][2]string) {
	for _, m := range regexp.MustCompile("(?ms)^```"+word+"(?: (\\S+))?\n(.*?)^```$").FindAllStringSubmatch(text, -1) {
		found = append(found, [2]string{m[1], m[2]})
	}
	return found
}

// example is what the page shows of one value.
type example struct{ key, value, sum []byte }

var hexLine = regexp.MustCompile(`^(\w*) +((?:[0-9a-f]{2} ?)+)(?:  .*)?$`)

// examples reads the examples in hex of docs/format.md.
func examples(t *testing.T) map[string]example {
	t.Helper()
	found := make(map[string]example)
	for _, f := range fenced(page(t, "format.md"), "hex") {
		var e example
		var to *[]byte
		for line := range strings.Lines(f[1]) {
			m := hexLine.FindStringSubmatch(strings.TrimSuffix(line, "\n"))
			if m == nil {
				t.Fatalf("example %s: line %q", f[0], line)
			}
			if m[1] != "" {
				to = map[string]*[]byte{"key": &e.key, "value": &e.value, "sum": &e.sum}[m[1]]
			}
			b, err := hex.DecodeString(strings.ReplaceAll(m[2], " ", ""))
			if err != nil || to == nil {
				t.Fatalf("example %s: line %q: %v", f[0], line, err)
			}
			*to = append(*to, b...)
		}
		found[f[0]] = e
	}
	return found
}

func TestExamplesHaveTheirChecksums(t *testing.T) {
	sums := 0
	for name, e := range examples(t) {
		if e.key == nil {
			continue
		}
		sums++
		if want := binary.BigEndian.AppendUint32(nil, checksum(name, e.key, e.value)); !bytes.Equal(e.sum, want) {
			t.Errorf("%s: sum % x, want % x", name, e.sum, want)
		}
	}
	if sums < 10 {
		t.Errorf("only %d examples of stored values", sums)
	}
}

// Texts of the examples.
const (
	parent  = "1516195206.000463"
	comment = "1516195209.000464"
)

// exampleEntries are the entries of the block that the page shows.
func exampleEntries(t *testing.T) []entry {
	t.Helper()
	entries, err := readBlock(examples(t)["blocks"].value, map[int]string{1: "Zm9v"})
	if err != nil {
		t.Fatal(err)
	}
	return entries
}

func TestExampleBlockHoldsItsEntries(t *testing.T) {
	all := examples(t)
	want := []entry{
		{1, "Zm9v", "message", "state", true, parent, "", 1516195207000, body(parent, "ann", "Good morning")},
		{2, "Zm9v", "message", "state", true, comment, parent, 1516195210000, body(comment, "bob", "Hello")},
		{3, "Zm9v", "message", "state", false, parent, "", 1516195210000, body(parent, "ann", "Good morning, all")},
	}
	if got := exampleEntries(t); fmt.Sprint(got) != fmt.Sprint(want) {
		t.Errorf("got  %v\nwant %v", got, want)
	}
	c := cursor{all["blocks"].value}
	h := c.header()
	payload, err := decompress(c.b)
	if err != nil || !bytes.Equal(payload, all["payload"].value) || len(payload) != h.payload {
		t.Errorf("the block's payload is not the one that the page shows: % x, %v", payload, err)
	}
	if !bytes.Equal(all["blocks"].value, slices.Concat(all["dir"].value, c.b)) {
		t.Error("the entry of dir is not the block's header")
	}
}

func body(ts, user, text string) string {
	return fmt.Sprintf(`{"ts":%q,"user":%q,"text":%q}`, ts, user, text)
}

func TestExampleOfALostBlockHasNoEntries(t *testing.T) {
	value := examples(t)["lost"].value
	c := cursor{value}
	if got, want := c.header(), (header{version: 2, stream: 18, count: 3, first: 1, span: 2}); got != want || len(c.b) > 0 {
		t.Errorf("header %+v and %d bytes, want %+v", got, len(c.b), want)
	}
	if entries, err := readBlock(value, nil); err != nil || len(entries) > 0 {
		t.Errorf("%d entries, %v", len(entries), err)
	}
}

func TestExampleValuesReadAsThePageSays(t *testing.T) {
	all := examples(t)
	for name, c := range map[string]struct {
		read func(*cursor) []any
		want string
	}{
		"meta":     {func(c *cursor) []any { return []any{number(c.take(4))} }, "[1]"},
		"channels": {func(c *cursor) []any { return []any{number(c.take(4))} }, "[1]"},
		"coverage": {readCoverage, "[1  1516195209.000464 1  1516195209.000464 1516195207000 1516195209 1516195207000 " +
			"1516281607000]"},
		"threads": {readThread, "[1 1 deadbeef01020304 1516195207000]"},
		"debts":   {readDebt, "[file 5a5f4d8601cf http 503 2 1516195207000 0]"},
		"totals":  {readTotals, "[1 1 0 3 1516195206.000463 1516195206.000463]"},
		"missing": {readMissing, "[1516195206.000463 1516195210000 1516281607000 r]"},
	} {
		rest := &cursor{all[name].value}
		if got := fmt.Sprint(c.read(rest)); got != c.want || len(rest.b) > 0 {
			t.Errorf("%s: %s and %d bytes, want %s", name, got, len(rest.b), c.want)
		}
	}
	for name, want := range map[string]int{"threads": packed(1516195206, 463), "missing": packed(1516195209, 464)} {
		if key := all[name].key; number(key[:4]) != 1 || number(key[4:]) != want {
			t.Errorf("%s: key % x", name, key)
		}
	}
	if got := number(all["packed-ts"].value); got != packed(1516195206, 463) {
		t.Errorf("packed ts %x", got)
	}
}

func packed(second, counter int) int { return second<<20 | counter }

func readCoverage(c *cursor) []any {
	return []any{c.uvarint(), string(c.text()), string(c.text()), c.uvarint(), string(c.text()), string(c.text()), c.varint(),
		c.varint(), c.varint(), c.varint()}
}

func readThread(c *cursor) []any {
	return []any{c.varint(), c.uvarint(), hex.EncodeToString(c.take(8)), c.varint()}
}

func readDebt(c *cursor) []any {
	return []any{string(c.text()), string(c.text()), string(c.text()), c.uvarint(), c.varint(), c.varint()}
}

func readTotals(c *cursor) []any {
	return []any{c.uvarint(), c.uvarint(), c.uvarint(), c.uvarint(), string(c.text()), string(c.text())}
}

func readMissing(c *cursor) []any {
	return []any{string(c.text()), c.varint(), c.varint(), string(c.text())}
}

func TestExampleLogLeadsToTheCheckpoint(t *testing.T) {
	all, entries := examples(t), exampleEntries(t)
	c, err := readCommit(all["commits"].value)
	if err != nil || c.leaf != 0 || c.total != 3 || number(all["commits"].key) != 3 {
		t.Fatalf("commit %+v, %v", c, err)
	}
	var shown []byte
	for i := range entries {
		shown = append(shown, saltOf(c.salt, i)...)
		shown = append(shown, hash(saltOf(c.salt, i), entries[i].canonical())...)
	}
	if !bytes.Equal(shown, all["commitments"].value) {
		t.Errorf("salts and commitments are % x", shown)
	}
	text := page(t, "format.md")
	if !strings.Contains(text, "\n"+string(entries[0].canonical())+"\n") {
		t.Errorf("the page does not show %s", entries[0].canonical())
	}
	leaf := hash([]byte{0}, c.root)
	if !bytes.Equal(batchRoot(c.salt, entries), c.root) || !bytes.Equal(all["tiles"].value, leaf) {
		t.Errorf("batch root %x, tile %x", c.root, all["tiles"].value)
	}
	h, err := readHead(one(t, text, "head"))
	if err != nil || h.Change != 3 || h.Size != 1 {
		t.Errorf("HEAD %+v, %v", h, err)
	}
	signed, err := openNote(one(t, text, "note"), strings.TrimSpace(one(t, text, "key")))
	if want := fmt.Sprintf("archiver/%s\n%d\n%s\n", h.Archive, h.Size, h.Root); err != nil || signed != want {
		t.Errorf("checkpoint of %q, %v; want %q", signed, err, want)
	}
}

// one gives the only example of its kind.
func one(t *testing.T, text, word string) string {
	t.Helper()
	found := fenced(text, word)
	if len(found) != 1 {
		t.Fatalf("%d examples of %s", len(found), word)
	}
	return found[0][1]
}

// TestPageNamesEveryBucket compares the page with the buckets that the program makes.
func TestPageNamesEveryBucket(t *testing.T) {
	db, _ := synced(t).database(t)
	var counted []string
	rows := regexp.MustCompile("(?m)^\\| `(\\w+)` \\|")
	for _, m := range rows.FindAllStringSubmatch(section(page(t, "format.md"), "Buckets"), -1) {
		counted = append(counted, m[1])
	}
	if len(counted) != len(db) {
		t.Errorf("the page names %d buckets, the archive has %d", len(counted), len(db))
	}
	counts := cursor{db["meta"]["counts"]}
	for _, name := range counted {
		if n := counts.uvarint(); n != len(db[name]) {
			t.Errorf("meta/counts says %d of %s, there are %d", n, name, len(db[name]))
		}
	}
	if len(counts.b) > 0 {
		t.Errorf("meta/counts has %d bytes more", len(counts.b))
	}
}

// section gives a section of a page.
func section(text, title string) string {
	_, rest, _ := strings.Cut(text, "\n## "+title+"\n")
	found, _, _ := strings.Cut(rest, "\n## ")
	return found
}
