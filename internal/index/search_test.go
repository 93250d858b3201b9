package index

import (
	"testing"
)

func TestSearchFindsWhatWasPut(t *testing.T) {
	a := newArchive(t)
	put(t, a,
		post{channel: "C1", ts: "1516195206.000000", user: "ann@x", text: "Hello turnover, can't stop"},
		post{channel: "C1", ts: "1516195207.000000", user: "bob@x", text: "žlutý kůň"},
		post{channel: "C2", ts: "1516195208.000000", user: "ann@x", text: "日本語のテスト"},
	)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for _, tt := range []struct{ query, want string }{
		{"hello", "C1/1516195206.000000"},
		{"turn*", "C1/1516195206.000000"},
		{"turnovr~1", "C1/1516195206.000000"},
		{"t*ver", "C1/1516195206.000000"},
		{`"turnover can't"`, "C1/1516195206.000000"},
		{"zluty", "C1/1516195207.000000"},
		{"本語", "C2/1516195208.000000"},
		{"本", "C2/1516195208.000000"},
		{"日本語", "C2/1516195208.000000"},
		{"-hello", "C2/1516195208.000000 C1/1516195207.000000"},
		{"from:ann@x -in:C2", "C1/1516195206.000000"},
		{"", "C2/1516195208.000000 C1/1516195207.000000 C1/1516195206.000000"},
		{"hello OR 日本語 OR kun", "C2/1516195208.000000 C1/1516195207.000000 C1/1516195206.000000"},
	} {
		hits, answer := find(t, ix, a, tt.query, Request{Sort: newest})
		if got := ids(hits); got != tt.want {
			t.Errorf("%s: got %s, want %s", tt.query, got, tt.want)
		}
		if int(answer.Total) != len(hits) || !answer.Covers.Complete {
			t.Errorf("%s: %+v with %d hits", tt.query, answer, len(hits))
		}
		byScore, _ := find(t, ix, a, tt.query, Request{})
		if len(byScore) != len(hits) {
			t.Errorf("%s: %d hits by score, %d by time", tt.query, len(byScore), len(hits))
		}
		for _, h := range hits {
			t.Logf("%s: %s", tt.query, h.Snippet)
		}
	}
}
