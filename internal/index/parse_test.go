package index

import (
	"errors"
	"strings"
	"testing"
)

func TestParse(t *testing.T) {
	tests := []struct{ query, want string }{
		{"", ""},
		{"  ", ""},
		{"*", ""},
		{"hello", "hello"},
		{"hello  world", "hello world"},
		{"a AND b", "a b"},
		{"a OR b c OR d", "a OR (b c) OR d"},
		{"(a OR b) c", "(a OR b) c"},
		{"((a))", "a"},
		{"a -b", "a -b"},
		{"a NOT b", "a -b"},
		{"-(a b)", "-(a b)"},
		{"--limit", "limit"},
		{`"to be"  or`, `"to be" or`},
		{`“to be”`, `"to be"`},
		{`-"a b"`, `-"a b"`},
		{"pre*", "pre*"},
		{"fuzzy~ fuzzy~1 fuzzy~2 fuzzy~0", "fuzzy~1 fuzzy~1 fuzzy~2 fuzzy"},
		{"co*r", "co*r"},
		{"really?", "really?"},
		{"http://x.org/a?b=c", `"http://x.org/a?b=c"`},
		{"12:30 std::vector :smile:", `12:30 "std::vector" :smile:`},
		{"foo-bar a.b", "foo-bar a.b"},
		{"f(x)", "f x"},
		{"in:general FROM:Ann", "in:general from:Ann"},
		{`from:"Ann Smith"`, `from:"Ann Smith"`},
		{"from:(ann OR bob)", "from:ann OR from:bob"},
		{"from:(ann bob) x", "(from:ann OR from:bob) x"},
		{"after:2016-01-01 before:2016-02-01 on:2016-01-15", "after:2016-01-01 before:2016-02-01 on:2016-01-15"},
		{"after:2016-01-01T10:00:00Z", "after:2016-01-01T10:00:00Z"},
		{"thread:1516195206.000463 thread:abc=/1516195206.463", "thread:1516195206.000463 thread:abc=/1516195206.463"},
		{"is:deleted -is:edited has:file has:link", "is:deleted -is:edited has:file has:link"},
		{"filename:*.pdf", "filename:*.pdf"},
		{"filename:*", "has:file"},
		{`filename:"annual report*.pdf"`, `filename:"annual report*.pdf"`},
		{"日 日本 日本*", "日* 日本 日本"},
		{`"a b"~5`, `"a b"~5`},
		{`"a  b-c  d*  ef~"~12 x`, `"a b-c d* ef~1"~12 x`},
		{`“a b”~1`, `"a b"~1`},
		{`"in:x OR -y"~3`, `"in:x OR -y"~3`},
		{`"a ..."~5 "..."~2 x`, "a x"},
		{`-"a b"~5`, `-"a b"~5`},
		{`filename:"annual report"~3`, `filename:"annual report"~3`},
		{`filename:(a "b c"~2)`, `filename:a OR filename:"b c"~2`},
		{"a ... b", "a b"},
		{"a OR ...", "a"},
		{`"OR" or and`, `"OR" or and`},
	}
	for _, tt := range tests {
		t.Run(tt.query, func(t *testing.T) {
			q, err := Parse(tt.query)
			if err != nil {
				t.Fatal(err)
			}
			if q.String() != tt.want {
				t.Errorf("got %s, want %s", q, tt.want)
			}
			again, err := Parse(q.String())
			if err != nil || again.String() != q.String() {
				t.Errorf("%s parses again to %v, %v", q, again, err)
			}
		})
	}
}

func TestParseErrors(t *testing.T) {
	tests := []struct {
		query string
		pos   int
		msg   string
	}{
		{`say "hello`, 4, "not closed"},
		{"a (b c", 2, `without ")"`},
		{"a) b", 1, `without "("`},
		{"a ()", 2, "nothing between"},
		{"a OR", 2, "OR needs"},
		{"OR a", 0, "OR needs"},
		{"a OR OR b", 5, "OR needs"},
		{"(a OR ) b", 3, "OR needs"},
		{"AND a", 0, "AND needs"},
		{"a AND", 2, "AND needs"},
		{"a NOT", 2, "NOT needs"},
		{"(a -) - b", -1, ""},
		{"(a NOT )", 3, "nothing to exclude"},
		{"x re:invent", 2, "unknown field"},
		{"a in:", 5, "needs a value"},
		{`in:" "`, 3, "needs a value"},
		{"after:yesterday", 6, "no date"},
		{"on:2016-02-30", 3, "no date"},
		{"on:2016-01-01T00:00:00Z", 3, "no date"},
		{"kind:photo", 5, "kind: knows"},
		{"is:old", 3, "is: knows"},
		{"has:fun", 4, "has: knows"},
		{"thread:x", 7, "want seconds.counter"},
		{"from:(a b", 5, `without ")"`},
		{"from:()", 5, "nothing between"},
		{"word~3", 4, "~1 or ~2"},
		{"a foo.bar~1", 2, "more than one word"},
		{"ab~2", 0, "too short"},
		{`"a b"~`, 5, "how near?"},
		{`"a b"~0`, 5, "how near?"},
		{`"a b"~5000`, 5, "1 to 1000"},
		{`"a b"~5x`, 5, "how near?"},
		{`x "a *"~5`, 2, "cannot be near"},
		{`x "a b.c~1"~5`, 2, "more than one word"},
		{"a.b*c", 0, "single word"},
		{"*ab", 0, "at least 3"},
		{"x !!!", -1, ""},
		{"!!!", 0, "no letter or digit"},
		{"a\xff", 1, "UTF-8"},
		{strings.Repeat("(", 80), 64, "nested"},
		{strings.Repeat("a ", 300), 512, "more than 256"},
		{strings.Repeat("a", 5000), 4096, "at most 4096 bytes"},
	}
	for _, tt := range tests {
		t.Run(tt.query[:min(20, len(tt.query))], func(t *testing.T) {
			_, err := Parse(tt.query)
			if tt.pos < 0 {
				if err != nil {
					t.Fatal(err)
				}
				return
			}
			var syntax *SyntaxError
			if !errors.As(err, &syntax) {
				t.Fatalf("got %v, want a SyntaxError", err)
			}
			if syntax.Pos != tt.pos || !strings.Contains(syntax.Msg, tt.msg) {
				t.Errorf("got position %d: %s; want %d: %s", syntax.Pos, syntax.Msg, tt.pos, tt.msg)
			}
		})
	}
}

func FuzzParse(f *testing.F) {
	for _, q := range []string{`a OR -(b "c d") in:x`, "pre* fuz~2 co*r filename:*.pdf", "from:(a OR b) after:2016-01-01", "日 日本",
		`"a b-c d* 日"~5`, `filename:("a b"~2 *.pdf)`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		q, err := Parse(query)
		if err != nil {
			var syntax *SyntaxError
			if !errors.As(err, &syntax) || syntax.Pos < 0 || syntax.Pos > len(query) {
				t.Fatalf("Parse(%q): %v", query, err)
			}
			return
		}
		again, err := Parse(q.String())
		if len(q.String()) > maxQueryBytes {
			return
		}
		if err != nil || again.String() != q.String() {
			t.Fatalf("%q gives %q, and that %v, %v", query, q, again, err)
		}
	})
}
