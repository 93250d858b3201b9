package index

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// terms parses queries, a line each.
func terms(t testing.TB, queries ...string) []Term {
	t.Helper()
	var out []Term
	for i, text := range queries {
		q, err := Parse(text)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, Term{i + 1, q})
	}
	return out
}

// String writes hits as "hits/with families/unique".
func (h HitCounts) String() string {
	return fmt.Sprintf("%d/%d/%d", h.Hits, h.WithFamilies, h.Unique)
}

func (b *Breakdown) shown() string {
	out := []string{b.HitCounts.String()}
	for _, list := range [][]ValueHits{b.Users, b.Channels} {
		for _, v := range list {
			out = append(out, v.ID+" "+v.HitCounts.String())
		}
	}
	return strings.Join(out, ", ")
}

// report gives the lines of a report, the last one for the total.
func report(t testing.TB, ix *Index, a *storage.Archive, r Request, queries ...string) []string {
	t.Helper()
	var out []string
	end, err := ix.Report(t.Context(), a, terms(t, queries...), r, func(h *TermHits) error {
		if h.Query != queries[h.Line-1] {
			t.Errorf("line %d is %q", h.Line, h.Query)
		}
		out = append(out, h.Breakdown.shown())
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if end.Terms != len(queries) || !end.Covers.Complete {
		t.Errorf("%+v", end)
	}
	return append(out, end.Total.shown())
}

func TestReport(t *testing.T) {
	a, ix := company(t)
	for _, tt := range []struct {
		name    string
		r       Request
		queries []string
		want    []string
	}{
		{"nothing asked", Request{}, nil, []string{"0/0/0"}},
		{"no hits", Request{}, []string{"nothing"}, []string{"0/0/0", "0/0/0"}},
		{"a comment has its parent in the family, the same ts in another channel not", Request{}, []string{"comment"}, []string{
			"1/2/1, gone@z.org 1/1/1, bob@x.org 0/1/0, C2 1/2/1", "1/2/1, gone@z.org 1/1/1, bob@x.org 0/1/0, C2 1/2/1"}},
		{"a parent has its comments", Request{}, []string{"mentions:all"}, []string{
			"1/2/1, bob@x.org 1/1/1, gone@z.org 0/1/0, C2 1/2/1", "1/2/1, bob@x.org 1/1/1, gone@z.org 0/1/0, C2 1/2/1"}},
		{"unique hits are those of no other line", Request{}, []string{"hello OR ha", "turnover", "getUserName", "kun"}, []string{
			"2/2/0, ann@x.org 2/2/0, C1 1/1/0, C3 1/1/0",
			"1/1/0, ann@x.org 1/1/0, C1 1/1/0",
			"1/1/0, ann@x.org 1/1/0, C3 1/1/0",
			"1/1/1, bob@x.org 1/1/1, C1 1/1/1",
			"3/3/1, ann@x.org 2/2/0, bob@x.org 1/1/1, C1 2/2/1, C3 1/1/0"}},
		{"narrowed; families are whole all the same", Request{Users: []string{"bob"}, Since: "2018-01-17T13:20:04Z"}, []string{"", "hello"}, []string{
			"1/2/1, bob@x.org 1/1/1, gone@z.org 0/1/0, C2 1/2/1", "0/0/0",
			"1/2/1, bob@x.org 1/1/1, gone@z.org 0/1/0, C2 1/2/1"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			got := report(t, ix, a, tt.r, tt.queries...)
			if g, w := strings.Join(got, "\n"), strings.Join(tt.want, "\n"); g != w {
				t.Errorf("got\n%s\nwant\n%s", g, w)
			}
		})
	}
}

func TestReportCountsAMessageOnce(t *testing.T) {
	a := newArchive(t)
	for _, text := range []string{"first word", "second word", "third word"} {
		put(t, a, post{channel: "C", ts: "1516195201.000000", user: "u", text: text})
	}
	put(t, a, post{channel: "C", ts: "1516195202.000000", user: "u", text: "word"})
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for versions, want := range map[bool]string{false: "2/2/1 1/1/0 0/0/0", true: "2/2/1 1/1/0 1/1/0"} {
		var got []string
		for _, line := range report(t, ix, a, Request{IncludeVersions: versions}, "word", "third", "first")[:3] {
			got = append(got, strings.SplitN(line, ",", 2)[0])
		}
		if strings.Join(got, " ") != want {
			t.Errorf("versions %v: %v, want %s", versions, got, want)
		}
	}
}

func TestReportErrorNamesTheLine(t *testing.T) {
	a := newArchive(t)
	page := &storage.Page{Channel: "C"}
	for i := range maxExpansion/1000 + 1 {
		var text strings.Builder
		for n := range 1000 {
			fmt.Fprintf(&text, "w%dx ", i*1000+n)
		}
		page.Messages = append(page.Messages, post{ts: string(record.MakeTS(1.5e9, i)), text: text.String()}.seen())
	}
	putPage(t, a, page)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	_, err := ix.Report(t.Context(), a, terms(t, "x", "y w*"), Request{}, func(*TermHits) error { return nil })
	var term *TermError
	var syntax *SyntaxError
	if !errors.As(err, &term) || term.Line != 2 || !errors.As(err, &syntax) || syntax.Pos != 2 {
		t.Errorf("got %v", err)
	}
}
