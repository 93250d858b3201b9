package index

import (
	"strings"
	"testing"
)

func TestHighlighter(t *testing.T) {
	a := newArchive(t)
	put(t, a, post{channel: "c1", ts: "1500000000.000001", text: "the turnover of the north, turn over"})
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for query, want := range map[string]string{
		"turnover":              "[TURNOVER], turn over: [turnover]",
		`"turn over" -the`:      "TURNOVER, [turn over]: turnover",
		"turn* -over":           "[TURNOVER], [turn] over: [turnover]",
		"kind:text":             "TURNOVER, turn over: turnover",
		"turnover OR turn over": "[TURNOVER], [turn] [over]: [turnover]",
	} {
		q, err := Parse(query)
		if err != nil {
			t.Fatal(err)
		}
		highlight, err := ix.Highlighter(t.Context(), a, Request{Query: q})
		if err != nil {
			t.Fatal(err)
		}
		text := "TURNOVER, turn over: turnover"
		var b strings.Builder
		at := 0
		for _, s := range highlight(text) {
			b.WriteString(text[at:s.Start] + "[" + text[s.Start:s.End] + "]")
			at = s.End
		}
		if got := b.String() + text[at:]; got != want {
			t.Errorf("%s: %s, want %s", query, got, want)
		}
	}
}
