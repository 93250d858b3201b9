package index

import (
	"strings"
	"testing"
	"unicode/utf8"
)

func textMarks(phrases ...string) []mark {
	var out []mark
	for _, p := range phrases {
		var m mark
		for _, tok := range tokenizeQuery(p) {
			m.terms = append(m.terms, map[string]bool{tok.term: true})
		}
		out = append(out, m)
	}
	return out
}

func TestSnippet(t *testing.T) {
	long := strings.Repeat("lorem ipsum ", 40)
	for _, tt := range []struct {
		name, text string
		marks      []mark
		want       string
	}{
		{"short texts are whole", "a <b> & c", textMarks("c"), "a <b> & <mark>c</mark>"},
		{"nothing to mark", "a b", nil, "a b"},
		{"empty", "", textMarks("a"), ""},
		{"accents and case as they are", "Žlutý KŮŇ!", textMarks("zluty", "kun"), "<mark>Žlutý</mark> <mark>KŮŇ</mark>!"},
		{"phrases only where they stand", "new york new york times", textMarks("york times"), "new york new <mark>york times</mark>"},
		{"bigrams run together", "これは日本語です", textMarks("日本語"), "これは<mark>日本語</mark>です"},
		{"a part marks the whole word", "call getUserName()", textMarks("user"), "call <mark>getUserName</mark>()"},
		{"line breaks stay", "a\nb", textMarks("b"), "a\n<mark>b</mark>"},
		{"cut on both sides", long + "needle " + long, textMarks("needle"),
			"... lorem ipsum lorem ipsum lorem ipsum <mark>needle</mark>" + strings.Repeat(" lorem ipsum", 9) + " lorem ..."},
		{"cut at the end", long, nil, strings.TrimSpace(strings.Repeat("lorem ipsum ", 13)) + " ..."},
		{"most of the marks", "one " + long + "one two three", textMarks("one", "two", "three"),
			"... " + strings.Repeat("lorem ipsum ", 12) + "<mark>one</mark> <mark>two</mark> <mark>three</mark>"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if got := snippet(tt.text, tt.marks); got != tt.want {
				t.Errorf("\n got %q\nwant %q", got, tt.want)
			}
		})
	}
}

func TestSnippetOfOneIdeograph(t *testing.T) {
	m := textMarks("日")
	m[0].letter = true
	m[0].terms[0]["日本"] = true
	if got := snippet("今日本を", m); got != "今<mark>日</mark>本を" {
		t.Error(got)
	}
}

func FuzzSnippet(f *testing.F) {
	f.Add(strings.Repeat("日本語 and words ", 30), "words")
	f.Fuzz(func(t *testing.T, text, query string) {
		marks := textMarks(query)
		if len(marks[0].terms) == 0 {
			return
		}
		got := snippet(text, marks)
		plain := strings.NewReplacer(markBegin, "", markEnd, "").Replace(got)
		plain = strings.TrimSuffix(strings.TrimPrefix(plain, cut+" "), " "+cut)
		if !strings.Contains(text, plain) && !strings.Contains(text, "mark>") && !strings.Contains(text, cut) {
			t.Fatalf("%q is not from %q", got, text)
		}
		if utf8.ValidString(text) && !utf8.ValidString(got) {
			t.Fatalf("%q is cut within a rune", got)
		}
		if n := utf8.RuneCountInString(plain); n > snippetRunes+snippetLead {
			t.Fatalf("%d runes", n)
		}
	})
}
