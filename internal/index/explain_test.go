package index

import (
	"fmt"
	"strings"
	"testing"
)

// tree writes an explanation as a line.
func (e *Explained) tree() string {
	var b strings.Builder
	b.WriteString(e.Op)
	if e.Field != "" {
		b.WriteString(" " + e.Field)
	}
	if e.Text != "" {
		b.WriteString(" " + e.Text)
	}
	if e.Within > 0 {
		fmt.Fprintf(&b, "~%d", e.Within)
	}
	if len(e.Stands) > 0 {
		b.WriteString("=" + strings.Join(e.Stands, ","))
	}
	for _, t := range e.Terms {
		fmt.Fprintf(&b, " %s:%d", t.Term, t.Documents)
	}
	if e.Documents != nil {
		fmt.Fprintf(&b, " [%d]", *e.Documents)
	}
	if len(e.Parts) > 0 {
		var parts []string
		for _, p := range e.Parts {
			parts = append(parts, p.tree())
		}
		b.WriteString(" (" + strings.Join(parts, "; ") + ")")
	}
	return b.String()
}

func TestExplain(t *testing.T) {
	a, ix := company(t)
	for query, want := range map[string]string{
		"":              "all [7]",
		"ha":            "word ha ha:1 [1]",
		"co*":           "prefix co* comment:1 [1]",
		"he*o t*":       "and [1] (wildcard he*o hello:1 [1]; prefix t* turnover:1 [1])",
		"turnovr~1":     "fuzzy turnovr~1 turnover:1 [1]",
		"can't":         "word can't cant:1 [1]",
		`"ha ha"`:       "phrase ha ha [1]",
		`"stop h*"~3`:   "near~3 [1] (word stop stop:1 [1]; prefix h* ha:1 hello:1 https:1 [2])",
		"a -from:bob":   "and [1] (word a a:1 [1]; not [5] (field from bob=bob,bob@x.org [2]))",
		"in:sales OR x": "or [4] (field in sales=C3 [2]; word x x:2 [2])",
		"on:2018-01-17": "field on 2018-01-17=2018-01-17T00:00:00Z,2018-01-18T00:00:00Z [7]",
		"filename:rep*": "prefix filename rep* report:1 [1]",
		"nothing":       "word nothing nothing:0 [0]",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		e, err := ix.Explain(t.Context(), a, Request{Query: q})
		if err != nil {
			t.Errorf("%s: %v", query, err)
			continue
		}
		if got := e.Tree.tree(); got != want || e.Refused != "" || !e.Covers.Complete {
			t.Errorf("%s: %s\nwant %s", query, got, want)
		}
		hits, _ := find(t, ix, a, query, Request{})
		if int(*e.Tree.Documents) != len(hits) {
			t.Errorf("%s: %d documents explained, %d found", query, *e.Tree.Documents, len(hits))
		}
	}
}

func TestExplainSaysThatAQueryIsRefused(t *testing.T) {
	a, ix := company(t)
	q, err := Parse(strings.Repeat("turnovr~2 OR ", 100) + "x")
	if err != nil {
		t.Fatal(err)
	}
	e, err := ix.Explain(t.Context(), a, Request{Query: q})
	if err != nil || e.CostMS < 1500 || !strings.Contains(e.Refused, "2 seconds") || len(e.Tree.Parts) != 101 || e.Tree.Documents != nil {
		t.Errorf("%+v, %v", e, err)
	}
}
