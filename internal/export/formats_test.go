package export

import (
	"encoding/base64"
	stdcsv "encoding/csv"
	stdjson "encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// traps are texts, as JSON literals, that formats get wrong.
var traps = map[string]string{
	"nul":             `"a\u0000b"`,
	"quotes":          `"say \"it\", 'now'"`,
	"crlf":            `"one\r\ntwo\rthree\nfour"`,
	"formula":         `"=cmd()|'/c calc'!A1"`,
	"other formulas":  `"-1+1"`,
	"tab":             `"\tx"`,
	"rtl":             `"\u202Eevil\u202C \u05E9\u05DC\u05D5\u05DD"`,
	"separators":      `"a\u2028b\u2029c"`,
	"emoji":           `"\ud83d\ude80 🚀 👩‍👩‍👧"`,
	"lone surrogate":  `"x\ud800y"`,
	"invalid utf-8":   "\"x\xff\xfey\"",
	"html":            `"<script>alert(1)</script>&amp;"`,
	"empty":           `""`,
	"spaces":          `"  lead and trail  "`,
	"one quote":       `"\""`,
	"comma":           `","`,
	"byte order mark": `"\ufeffx"`,
	"long":            `"` + strings.Repeat("ž", 40000) + `"`,
}

func trapSource() (*source, []string) {
	src := small()
	src.items = nil
	keys := make([]string, 0, len(traps))
	for key := range traps {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for i, key := range keys {
		raw := `{"user":"ann@x","text":` + traps[key] + `}`
		src.items = append(src.items, message("chan-a", record.MakeTS(1500000000, i), "", raw))
	}
	return src, keys
}

func TestTrapsSurviveInNDJSON(t *testing.T) {
	src, keys := trapSource()
	dir, _ := exportTo(t, smallSelection, src, "ndjson")
	got := linesOf(tree(t, dir)["data/ndjson/messages.ndjson"])
	if len(got) != len(keys) {
		t.Fatalf("%d lines for %d messages", len(got), len(keys))
	}
	for i, line := range got {
		var m struct {
			Text      string             `json:"text"`
			Raw       stdjson.RawMessage `json:"raw"`
			RawBase64 []byte             `json:"raw_base64"`
		}
		if err := stdjson.Unmarshal([]byte(line), &m); err != nil || !utf8.ValidString(line) {
			t.Fatalf("%s: %v", keys[i], err)
		}
		if m.Text != src.items[i].Text {
			t.Errorf("%s: text %q", keys[i], m.Text)
		}
		if raw := string(m.Raw); raw != string(src.items[i].Raw) && string(m.RawBase64) != string(src.items[i].Raw) {
			t.Errorf("%s: raw %q", keys[i], raw)
		}
	}
}

// TestLinesHoldTheDump compares the lines with those of the dump, read by an independent reader.
func TestLinesHoldTheDump(t *testing.T) {
	src := small()
	src.items[0].Annotations = []record.Annotation{{What: []string{"pins"}, Observed: testTime}}
	dir, _ := exportTo(t, smallSelection, src, "ndjson")
	files := tree(t, dir)
	compare := func(file string, added []string, dumps ...func() ([]byte, error)) {
		t.Helper()
		for i, line := range linesOf(files["data/ndjson/"+file+".ndjson"]) {
			dump, err := dumps[i]()
			if err != nil {
				t.Fatal(err)
			}
			got, want := parse(t, line), parse(t, string(dump))
			for _, name := range added {
				delete(got, name)
			}
			if diff := cmp.Diff(want, got); diff != "" {
				t.Errorf("%s %d: %s", file, i, diff)
			}
		}
	}
	var dumps []func() ([]byte, error)
	for _, item := range src.items {
		dumps = append(dumps, func() ([]byte, error) { return item.Dump(false) })
	}
	compare("messages", []string{"seq", "reason"}, dumps...)
	dumps = nil
	for _, f := range slices.Concat(src.files["chan-a"], src.files["chan-c"]) {
		dumps = append(dumps, func() ([]byte, error) { return f.Dump(false) })
	}
	compare("files", []string{"seq", "raw", "paths"}, dumps...)
	compare("channels", []string{"seq", "raw"}, src.channels[0].Dump, src.channels[1].Dump, src.channels[2].Dump)
	compare("users", []string{"seq", "raw", "raw_base64", "email"},
		src.users[0].Dump, src.users[1].Dump, src.users[2].Dump, src.users[3].Dump)
}

func parse(t *testing.T, line string) (m map[string]any) {
	t.Helper()
	if err := stdjson.Unmarshal([]byte(line), &m); err != nil {
		t.Fatalf("%s: %v", line, err)
	}
	return m
}

// TestLinesAreCanonical re-encodes every line by encoding/json, which sorts members as RFC 8785 does for ASCII names.
func TestLinesAreCanonical(t *testing.T) {
	dir, _ := exportTo(t, smallSelection, small(), "ndjson")
	for name, content := range tree(t, dir) {
		if !strings.HasSuffix(name, ".ndjson") {
			continue
		}
		for _, line := range linesOf(content) {
			m := map[string]stdjson.RawMessage{}
			if err := stdjson.Unmarshal([]byte(line), &m); err != nil {
				t.Fatal(err)
			}
			var b strings.Builder
			e := stdjson.NewEncoder(&b)
			e.SetEscapeHTML(false)
			if err := e.Encode(m); err != nil {
				t.Fatal(err)
			}
			if b.String() != line+"\n" {
				t.Errorf("%s:\n got %s\nwant %s", name, line, b.String())
			}
		}
	}
}

func TestUndecodableRawIsKeptAsBase64(t *testing.T) {
	dir, _ := exportTo(t, smallSelection, small(), "ndjson")
	got := parse(t, linesOf(tree(t, dir)["data/ndjson/users.ndjson"])[1])
	raw, err := base64.StdEncoding.DecodeString(got["raw_base64"].(string))
	if err != nil || string(raw) != "{\"name\":\"\xff\"}" || got["raw"] != nil {
		t.Errorf("raw %q, %v; raw member %v", raw, err, got["raw"])
	}
}

// table reads a CSV file as encoding/csv does, which turns CRLF within a cell into LF.
func table(t *testing.T, content string) []map[string]string {
	t.Helper()
	content, ok := strings.CutPrefix(content, byteOrderMark)
	if !ok {
		t.Error("no byte order mark")
	}
	rows, err := stdcsv.NewReader(strings.NewReader(content)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(csvColumns, rows[0]); diff != "" {
		t.Fatal(diff)
	}
	var list []map[string]string
	for _, row := range rows[1:] {
		m := map[string]string{}
		for i, cell := range row {
			m[csvColumns[i]] = cell
		}
		list = append(list, m)
	}
	return list
}

func TestTrapsSurviveInCSV(t *testing.T) {
	src, keys := trapSource()
	dir, _ := exportTo(t, smallSelection, src, "csv")
	content := tree(t, dir)["data/csv/messages.csv"]
	rows := table(t, content)
	if len(rows) != len(keys) {
		t.Fatalf("%d rows for %d messages", len(rows), len(keys))
	}
	for i, row := range rows {
		want := src.items[i].Text
		if row["body"] != strings.ReplaceAll(want, "\r\n", "\n") {
			t.Errorf("%s: body %q, want %q", keys[i], row["body"], want)
		}
		if !strings.Contains(content, strings.ReplaceAll(want, `"`, `""`)) {
			t.Errorf("%s: altered", keys[i])
		}
		if row["sha256"] != src.items[i].Versions[0].SHA256 {
			t.Errorf("%s: sha256 %s", keys[i], row["sha256"])
		}
	}
}

func TestExcelTableIsDisarmed(t *testing.T) {
	src, keys := trapSource()
	dir, _ := exportTo(t, smallSelection, src, "csv")
	for i, row := range table(t, tree(t, dir)["data/csv/messages.excel.csv"]) {
		for column, cell := range row {
			if cell != "" && strings.Contains("=+-@\t\r", cell[:1]) {
				t.Errorf("%s: %s begins with %q", keys[i], column, cell[:1])
			}
		}
		truncated := ""
		if keys[i] == "long" {
			truncated = "40000"
		}
		if n := len([]rune(row["body"])); row["truncated"] != truncated || n > excelCell {
			t.Errorf("%s: body of %d characters, truncated %q", keys[i], n, row["truncated"])
		}
	}
}

func TestExcelTableGoesOnInAnotherFile(t *testing.T) {
	src := small()
	dir := t.TempDir() + "/out"
	b, err := newBundle(dir)
	if err != nil {
		t.Fatal(err)
	}
	f, err := newFrame(t.Context(), smallSelection, src)
	if err != nil {
		t.Fatal(err)
	}
	f.bundle = b
	s, err := newCSV(f)
	if err != nil {
		t.Fatal(err)
	}
	s.(*csvTables).maxRows = 3 // the header and two
	for _, item := range src.items {
		if err := s.message(item); err != nil {
			t.Fatal(err)
		}
	}
	if err := s.close(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for name, content := range tree(t, b.dir) {
		got = append(got, fmt.Sprintf("%s %d", name, len(table(t, content))))
	}
	slices.Sort(got)
	want := []string{"data/csv/messages.csv 5", "data/csv/messages.excel.2.csv 2", "data/csv/messages.excel.3.csv 1",
		"data/csv/messages.excel.csv 2"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestCutUTF16KeepsPairsWhole(t *testing.T) {
	for _, c := range []struct {
		in    string
		limit int
		want  string
	}{{"abc", 2, "ab"}, {"a🚀b", 2, "a"}, {"a🚀b", 3, "a🚀"}, {"ž", 0, ""}, {"abc", 9, "abc"}} {
		if got := cutUTF16(c.in, c.limit); got != c.want {
			t.Errorf("cutUTF16(%q, %d) = %q, want %q", c.in, c.limit, got, c.want)
		}
	}
}

func TestRowsAreReadBackWhole(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		cell := rapid.OneOf(rapid.String(), rapid.StringOf(rapid.RuneFrom([]rune("\",\r\n =a\x00"))))
		cells := rapid.SliceOfN(cell, 2, 6).Draw(t, "cells")
		r := stdcsv.NewReader(strings.NewReader(string(appendRow(nil, cells))))
		got, err := r.Read()
		if err != nil {
			t.Fatal(err)
		}
		for i := range cells {
			if want := strings.ReplaceAll(cells[i], "\r\n", "\n"); got[i] != want {
				t.Fatalf("cell %d: %q, want %q", i, got[i], want)
			}
		}
	})
}

func TestMentions(t *testing.T) {
	for text, want := range map[string]string{
		"":                           "",
		"@[a@x] hi @[bob], @[@all@]": "a@x; bob; @all@",
		"@[open":                     "",
		"a@b.c":                      "",
	} {
		if got := mentions(text); got != want {
			t.Errorf("mentions(%q) = %q, want %q", text, got, want)
		}
	}
}

func TestEditMark(t *testing.T) {
	for raw, want := range map[string][2]string{
		`{"user":"a@x","ts":"1516117700.000000"}`: {"2018-01-16T15:48:20Z", "a@x"},
		`{"user":"a@x","ts":1516117700}`:          {"2018-01-16T15:48:20Z", "a@x"},
		`{"ts":"soon"}`:                           {},
		`true`:                                    {},
		``:                                        {},
	} {
		if at, by := editMark([]byte(raw)); [2]string{at, by} != want {
			t.Errorf("editMark(%s) = %q, %q", raw, at, by)
		}
	}
}
