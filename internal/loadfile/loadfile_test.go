package loadfile

import (
	"bytes"
	"encoding/json"
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/text/encoding/charmap"
	"golang.org/x/text/encoding/unicode"
	"pgregory.net/rapid"
)

// read parses a table as a platform does: by its delimiters, which stand nowhere else.
func read(t testing.TB, p *Profile, table []byte) [][]string {
	t.Helper()
	text := decode(t, p, table)
	var records [][]string
	for line := range strings.SplitSeq(strings.TrimSuffix(text, "\r\n"), "\r\n") {
		line, ok := strings.CutPrefix(line, p.Quote)
		line, closed := strings.CutSuffix(line, p.Quote)
		if !ok || !closed {
			t.Fatalf("record %q", line)
		}
		record := strings.Split(line, p.Quote+p.Column+p.Quote)
		for i, value := range record {
			if strings.ContainsAny(value, p.Quote+p.Column+"\r\n") {
				t.Fatalf("value %q", value)
			}
			record[i] = strings.ReplaceAll(value, p.Newline, "\n")
		}
		records = append(records, record)
	}
	return records
}

func decode(t testing.TB, p *Profile, table []byte) string {
	t.Helper()
	switch p.Encoding {
	case UTF8:
		text, ok := strings.CutPrefix(string(table), "\uFEFF")
		if !ok {
			t.Fatal("no byte order mark")
		}
		return text
	case UTF16:
		text, err := unicode.UTF16(unicode.LittleEndian, unicode.ExpectBOM).NewDecoder().Bytes(table)
		if err != nil {
			t.Fatal(err)
		}
		return string(text)
	}
	text, err := charmap.Windows1252.NewDecoder().Bytes(table)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func table(t testing.TB, p *Profile, documents ...Document) ([]byte, Replaced) {
	t.Helper()
	var b bytes.Buffer
	w, err := NewWriter(&b, p)
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range documents {
		if err := w.Write(d); err != nil {
			t.Fatal(err)
		}
	}
	return b.Bytes(), w.Replaced()
}

func builtin(t testing.TB, name string) *Profile {
	t.Helper()
	p, err := BuiltinProfile(name)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestBytesOfATable(t *testing.T) {
	p, err := ParseProfile([]byte("name: small\nfields: [{name: BEGBATES, value: begin}, {name: CUSTODIAN, value: custodian}]\n"), nil)
	if err != nil {
		t.Fatal(err)
	}
	got, _ := table(t, p, Document{"begin": "TC00000001", "custodian": "Ada"}, Document{})
	want := "\xEF\xBB\xBF\xC3\xBEBEGBATES\xC3\xBE\x14\xC3\xBECUSTODIAN\xC3\xBE\r\n" +
		"\xC3\xBETC00000001\xC3\xBE\x14\xC3\xBEAda\xC3\xBE\r\n\xC3\xBE\xC3\xBE\x14\xC3\xBE\xC3\xBE\r\n"
	if diff := cmp.Diff(want, string(got)); diff != "" {
		t.Error(diff)
	}
}

func TestDelimitersInValues(t *testing.T) {
	p := builtin(t, "relativity")
	got, replaced := table(t, p, Document{
		"begin": "a\x14b", "end": "þorn", "subject": "line\r\nline\rline\nline", "author": "Acme®", "from": "x\x00y\xffz",
		"participants": []string{"Ada; Novak", "Bob"},
	})
	records := read(t, p, got)
	row := map[string]string{}
	for i, name := range records[0] {
		row[name] = records[1][i]
	}
	for name, want := range map[string]string{
		"BEGBATES": "a b", "ENDBATES": " orn", "SUBJECT": "line\nline\nline\nline", "AUTHOR": "Acme(R)", "FROM": "x y\uFFFDz",
		"PARTICIPANTS": "Ada, Novak;Bob", "CC": "",
	} {
		if row[name] != want {
			t.Errorf("%s: %q, want %q", name, row[name], want)
		}
	}
	if replaced.Delimiters != 4 {
		t.Errorf("%d delimiters replaced, want 4", replaced.Delimiters)
	}
}

func TestMoments(t *testing.T) {
	prague, err := time.LoadLocation("Europe/Prague")
	if err != nil {
		t.Fatal(err)
	}
	when := time.Date(2024, 1, 15, 9, 30, 0, 0, time.UTC).In(prague)
	p := builtin(t, "relativity")
	for form, want := range map[Form]string{
		"": "01/15/2024 10:30:00", AsDate: "01/15/2024", AsTime: "10:30:00", AsTimeZone: "10:30:00 Europe/Prague",
	} {
		if got := p.moment(form, when); got != want {
			t.Errorf("%s: %s, want %s", form, got, want)
		}
	}
	for _, none := range []time.Time{{}, time.Date(1700, 1, 1, 0, 0, 0, 0, prague), time.Date(2300, 1, 1, 0, 0, 0, 0, prague)} {
		if got := p.moment("", none); got != "" {
			t.Errorf("%s is written as %s", none, got)
		}
	}
}

func TestEncodings(t *testing.T) {
	for encoding, want := range map[Encoding]string{UTF8: "žluť 日", UTF16: "žluť 日", Windows1252: "žlu? ?"} {
		p := *builtin(t, "sec")
		p.Encoding = encoding
		got, replaced := table(t, &p, Document{"begin": "žluť 日"})
		if records := read(t, &p, got); records[1][0] != want {
			t.Errorf("%s: %q", encoding, records[1][0])
		}
		if lost := replaced.Unmappable; (lost == 2) != (encoding == Windows1252) {
			t.Errorf("%s: %d characters lost", encoding, lost)
		}
	}
}

func TestProfilesThatAreWrong(t *testing.T) {
	for profile, want := range map[string]string{
		"name: x\n": "there are none",
		"fields: [{name: A, value: b}]\nkolumn: x": "kolumn",
		"fields: [{name: A, value: nothing}]":      `no document has a value "nothing"`,
		"fields: [{name: A}, {name: a}]":           "stands there twice",
		"fields: [{name: A}]\ndate: YYYY-MM-DD":    "ISO 8601",
		"fields: [{name: A}]\ndate: MM/DD":         "has not one YYYY",
		"fields: [{name: A}]\nencoding: ebcdic":    "is none of",
		"fields: [{name: A}]\nquote: ab":           "one character",
		"fields: [{name: A}]\nquote: \"\\x14\"":    "same character",
		"fields: [{name: A, as: moment}]":          "is none of",
		"fields: [":                                "load file profile",
	} {
		if _, err := ParseProfile([]byte(profile), []string{"b"}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: %v, want %q", profile, err, want)
		}
	}
	if _, err := BuiltinProfile("other"); err == nil {
		t.Error("a profile that does not exist was found")
	}
}

func TestEveryTableIsReadAgain(t *testing.T) {
	p := builtin(t, "sec")
	rapid.Check(t, func(rt *rapid.T) {
		subject := rapid.String().Draw(rt, "subject")
		got, _ := table(t, p, Document{"begin": "TC1", "subject": subject}, Document{"begin": "TC2"})
		records := read(t, p, got)
		if len(records) != 3 || len(records[1]) != len(p.Fields) || records[2][0] != "TC2" {
			rt.Fatalf("%d records", len(records))
		}
		if !strings.ContainsAny(subject, "\x00\x14þ®\r") && records[1][12] != subject {
			rt.Errorf("%q, want %q", records[1][12], subject)
		}
	})
}

// TestAnotherReader has Python's csv module read a table.
func TestAnotherReader(t *testing.T) {
	python, err := exec.LookPath("python3")
	if errors.Is(err, exec.ErrNotFound) {
		t.Skip("no python3")
	}
	p := builtin(t, "relativity")
	in, _ := table(t, p, Document{"begin": "TC1", "subject": "a \"quoted\", žlutý\nsecond\x14line þ"})
	cmd := exec.CommandContext(t.Context(), python, "-c", `import csv,io,json,sys
text = sys.stdin.buffer.read().decode("utf-8-sig")
print(json.dumps(list(csv.reader(io.StringIO(text, newline=""), delimiter="\x14", quotechar="þ"))))`)
	cmd.Stdin = bytes.NewReader(in)
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	var got [][]string
	if err := json.Unmarshal(out, &got); err != nil {
		t.Fatal(err)
	}
	for _, record := range got {
		for i := range record {
			record[i] = strings.ReplaceAll(record[i], p.Newline, "\n")
		}
	}
	if diff := cmp.Diff(read(t, p, in), got); diff != "" {
		t.Error(diff)
	}
}
