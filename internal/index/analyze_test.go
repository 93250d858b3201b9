package index

import (
	"os"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"archiver/internal/record"
)

// show writes tokens as a line: positions apart by spaces, the terms of one position by slashes.
func show(tokens []token) string {
	var b strings.Builder
	for i, t := range tokens {
		switch {
		case i == 0:
		case t.pos == tokens[i-1].pos:
			b.WriteByte('/')
		default:
			b.WriteString(strings.Repeat(" ", t.pos-tokens[i-1].pos))
		}
		b.WriteString(t.term)
	}
	return b.String()
}

func TestTokenize(t *testing.T) {
	tests := []struct{ name, text, indexed, query string }{
		{"words are lower-cased", "Hello World", "hello world", "hello world"},
		{"punctuation splits", "ubuntu.com, a/b (x) foo-bar foo_bar", "ubuntu com a b x foo bar foo bar", "ubuntu com a b x foo bar foo bar"},
		{"no stop words", "to be or not to be", "to be or not to be", "to be or not to be"},
		{"an apostrophe joins, its parts are found too", "I can't, O'Brien’s l'été", "i cant/can obriens/brien lete/ete", "i cant obriens lete"},
		{"quotes are no apostrophes", "'tis 'quoted' rock 'n' roll", "tis quoted rock n roll", "tis quoted rock n roll"},
		{"accents fold", "Žlutý kůň Straße Łódź æon", "zluty kun strasse lodz aeon", "zluty kun strasse lodz aeon"},
		{"decomposed accents fold alike", "z\u030Clu\u0301ty e\u0301te\u0301", "zluty ete", "zluty ete"},
		{"Greek and Cyrillic", "Σίσυφος Ёлка Їжак", "σισυφοσ елка іжак", "σισυφοσ елка іжак"},
		{"Arabic vowel signs fold", "مُحَمَّد", "محمد", "محمد"},
		{"Indic vowel signs stay", "हिन्दी", "हिन्दी", "हिन्दी"},
		{"full width folds", "ＡＢＣ１２３", "abc123/abc/123", "abc123"},
		{"camel case whole and by part", "getUserName HTMLParser iPhone", "getusername/get/user/name htmlparser/html/parser iphone/phone", "getusername htmlparser iphone"},
		{"numbers and part numbers whole and by part", "12,345.67 AB123-X9 v2", "12 345 67 ab123/ab/123 x9/9 v2/2", "12 345 67 ab123 x9 v2"},
		{"a hash has no parts", "a1b2c3d4e5f6a7b8", "a1b2c3d4e5f6a7b8", "a1b2c3d4e5f6a7b8"},
		{"e-mail, URL, file name", "ann.b@x.org https://x.org/a?b=c re_port.pdf", "ann b x org https x org a b c re port pdf", "ann b x org https x org a b c re port pdf"},
		{"Han bigrams", "日本語", "日本 本語 語", "日本 本語"},
		{"one ideograph", "日", "日", "日"},
		{"kana and half-width kana", "ガイド ｶﾞｲﾄﾞ", "ガイ イド ド ガイ イド ド", "ガイ イド ド ガイ イド"},
		{"Hangul, composed and not", "한국어 \u1112\u1161\u11ab\u1100\u116e\u11a8", "한국 국어 어 한국 국", "한국 국어 어 한국"},
		{"words beside ideographs", "Go言語で", "go 言語 語で で", "go 言語 語で"},
		{"ideographs before words", "日本go", "日本 本 go", "日本 本 go"},
		{"Thai", "ไทย", "ไท ทย ย", "ไท ทย"},
		{"emoji", "ok👍🏽 ❤️ 👩‍💻 🇨🇿 1️⃣", "ok 👍 ❤ 👩 💻 🇨🇿 1", "ok 👍 ❤ 👩 💻 🇨🇿 1"},
		{"invisible runes do not split", "soft\u00adhyphen zero\u200dwidth", "softhyphen zerowidth", "softhyphen zerowidth"},
		{"marks alone are nothing", "\u0301 -- ... ' ’", "", ""},
		{"invalid UTF-8 splits", "a\xffb", "a b", "a b"},
		{"a very long run is cut", strings.Repeat("x", 70), strings.Repeat("x", 64) + " xxxxxx", strings.Repeat("x", 64) + " xxxxxx"},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			if got := show(tokenize(tt.text)); got != tt.indexed {
				t.Errorf("tokenize(%q)\n got %s\nwant %s", tt.text, got, tt.indexed)
			}
			if got := show(tokenizeQuery(tt.text)); got != tt.query {
				t.Errorf("tokenizeQuery(%q)\n got %s\nwant %s", tt.text, got, tt.query)
			}
		})
	}
}

// rules gives the rows of the table of words in the package comment.
func rules(t *testing.T) [][]string {
	t.Helper()
	source, err := os.ReadFile("doc.go")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(source), "// # Words\n")
	section, _, _ = strings.Cut(section, "// # ")
	columns := regexp.MustCompile(` {2,}`)
	var rows [][]string
	for line := range strings.Lines(section) {
		row, ok := strings.CutPrefix(strings.TrimSuffix(line, "\n"), "//\t")
		if !ok {
			continue
		}
		cells := columns.Split(row, -1)
		if len(cells) != 3 {
			t.Fatalf("row %q has %d columns", row, len(cells))
		}
		if unquoted, err := strconv.Unquote(cells[1]); err == nil {
			cells[1] = unquoted
		}
		rows = append(rows, cells)
	}
	if len(rows) < 30 || rows[0][0] != "rule" {
		t.Fatalf("%d rows: %v", len(rows), rows)
	}
	return rows[1:]
}

// TestRules holds the documented table against the tokenizer and against an index: every text is found by itself, by
// all of its terms, and by no other text.
func TestRules(t *testing.T) {
	a := newArchive(t)
	for i, row := range rules(t) {
		put(t, a, post{channel: "C", ts: string(record.MakeTS(1.5e9+int64(i), 0)), text: row[1]})
	}
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for i, row := range rules(t) {
		t.Run(row[0], func(t *testing.T) {
			if got := show(tokenize(row[1])); got != row[2] {
				t.Errorf("%s is %s, not %s", row[1], got, row[2])
			}
			finds := func(query string) {
				t.Helper()
				hits, _ := find(t, ix, a, query, Request{})
				if !slices.ContainsFunc(hits, func(h Hit) bool { return h.TS.Second() == 1.5e9+int64(i) }) {
					t.Errorf("%s does not find %s", query, row[1])
				}
			}
			finds(`"` + row[1] + `"`)
			for _, word := range strings.Fields(row[1]) {
				if len(tokenizeQuery(word)) > 0 && !strings.ContainsAny(word, ":()-") {
					finds(word)
				}
			}
			for _, term := range strings.FieldsFunc(row[2], func(r rune) bool { return r == ' ' || r == '/' }) {
				finds(term)
			}
		})
	}
}

func FuzzTokenize(f *testing.F) {
	f.Add("can't getUserName 日本語 👍🏽 z\u030C")
	f.Fuzz(func(t *testing.T, text string) {
		pos := 0
		for _, tok := range tokenize(text) {
			if tok.start < 0 || tok.end > len(text) || tok.start >= tok.end {
				t.Fatalf("token %+v lies outside of %q", tok, text)
			}
			if tok.pos != pos && tok.pos != pos+1 || tok.term == "" {
				t.Fatalf("token %+v after position %d in %q", tok, pos, text)
			}
			pos = tok.pos
		}
	})
}
