package index

import (
	"errors"
	"strings"
	"testing"
)

// FuzzSearch runs whatever somebody types over a small archive: it is refused with a place, or all ways to count what
// it finds agree.
func FuzzSearch(f *testing.F) {
	for _, q := range []string{
		"hello -can't OR (ha from:bob)", `"stop h*llo"~3 -"ha ha"`, "*nover* turnovr~2 co*", `filename:("annual 2017"~2 *.pdf)`,
		"in:(sales random) after:2018-01-17 before:2018-01-18T00:00:00Z", "日 日本 \"日本語 テスト\"~9", "is:(thread comment) has:(link file)",
		strings.Repeat("-(", 60) + "a" + strings.Repeat(")", 60), "a* OR b* OR *ab* OR ?", "thread:C2/1516195204.000000 mentions:all",
	} {
		f.Add(q)
	}
	a, ix := company(f)
	f.Fuzz(func(t *testing.T, text string) {
		q, err := Parse(text)
		if err != nil {
			return // FuzzParse looks at these
		}
		var syntax *SyntaxError
		scored := 0
		answer, err := ix.Search(t.Context(), a, Request{Query: q, Limit: 50}, func(Hit) error { scored++; return nil })
		if errors.As(err, &syntax) && syntax.Pos >= 0 && syntax.Pos <= len(text) {
			return
		}
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		e, err := ix.Explain(t.Context(), a, Request{Query: q})
		if err != nil || e.Tree.Documents == nil {
			t.Fatalf("%q: explained as %+v, %v", text, e, err)
		}
		end, err := ix.Report(t.Context(), a, []Term{{1, q}}, Request{}, func(*TermHits) error { return nil })
		if err != nil {
			t.Fatalf("%q: %v", text, err)
		}
		if n := answer.Total; uint64(scored) != n || *e.Tree.Documents != n || end.Total.Hits != n || end.Total.Unique != n || end.Total.WithFamilies < n {
			t.Fatalf("%q: %d hits of %d, %d explained, %v reported", text, scored, n, *e.Tree.Documents, end.Total.HitCounts)
		}
	})
}
