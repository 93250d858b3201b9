package export

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// searched is a source whose messages are hit by the letters that they hold, of a list of one-letter terms; what its query
// finds is what has reason hit.
func searched(s *source, letters string) *source {
	terms := TermList{Kind: KindTerm, Which: func(item Item) (hits []int) {
		for i, letter := range letters {
			if strings.ContainsRune(item.Text, letter) {
				hits = append(hits, i)
			}
		}
		return hits
	}}
	for _, letter := range letters {
		terms.Terms = append(terms.Terms, FoundBy{Term: string(letter), All: Found{Found: 1000, WithThreads: 2000, Unique: 10},
			Custodians: map[string]Found{"ann@x": {Found: 1000}}, Channels: map[string]Found{"chan-a": {Found: 1000}}})
	}
	query := TermList{Kind: KindQuery, Terms: []FoundBy{{Term: "q"}}, Which: func(item Item) []int {
		if item.Reason != ReasonHit {
			return nil
		}
		return []int{0}
	}}
	s.terms = []TermList{query, terms}
	return s
}

// brute counts a term of a source's second list from the slices that its messages were cut into.
func brute(src *source, cut []*slice, term int, wanted func(Item) bool) (n TermCounts) {
	list := src.terms[1]
	finds := func(item Item) (it, alone bool) {
		hits := list.Which(item)
		return slices.Contains(hits, term) || term == len(list.Terms) && len(hits) > 0, len(hits) == 1
	}
	for _, s := range cut {
		hit, documents, terms := false, int64(1), map[int]bool{}
		contents := map[string]bool{}
		for _, item := range s.items {
			it, alone := finds(item)
			if it && wanted(item) {
				hit = true
				n.Messages++
				count(&n.UniqueMessages, alone)
			}
			for _, n := range list.Which(item) {
				terms[n] = true
			}
			if content, ok := newest(item.File); ok {
				contents[content.SHA256] = true
			} else if hasFile(item) {
				documents++
			}
		}
		if hit {
			n.document(documents+int64(len(contents)), len(terms) == 1)
		}
	}
	return n
}

func TestTermsAreCountedAsSlicesAreCut(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		src := searched(randomChat(r), "abc")
		unit := rapid.SampledFrom(Units()).Draw(r, "unit")
		summary, err := Preview(t.Context(), Options{Rendering: Rendering{Slice: unit}}, smallSelection, src)
		if err != nil {
			r.Fatal(err)
		}
		cut := slicesOf(t, src, unit, smallSelection.Zone)
		for i, report := range summary.Terms[1:] {
			all := report.TermCounts
			all.Found = Found{}
			if diff := cmp.Diff(brute(src, cut, i, func(Item) bool { return true }), all); diff != "" {
				r.Fatalf("%s by %s (-want +got):\n%s", report.Term, unit, diff)
			}
			for _, p := range report.Custodians {
				p.Found = Found{}
				if diff := cmp.Diff(brute(src, cut, i, func(item Item) bool { return item.User == p.ID }), p.TermCounts); diff != "" {
					r.Fatalf("%s of %s by %s (-want +got):\n%s", report.Term, p.ID, unit, diff)
				}
			}
			for _, p := range report.Channels {
				p.Found = Found{}
				if diff := cmp.Diff(brute(src, cut, i, func(item Item) bool { return item.Channel == p.ID }), p.TermCounts); diff != "" {
					r.Fatalf("%s in %s by %s (-want +got):\n%s", report.Term, p.ID, unit, diff)
				}
			}
		}
	})
}

// randomChat is a source with some days of two channels: comments, files, equal files, files that were never stored.
func randomChat(r *rapid.T) *source {
	s := small()
	s.items, s.files = nil, map[string][]*record.File{}
	for _, channel := range []string{"chan-a", "chan-c"} {
		s.attach(channel, "f0", "a.txt", "one")
		s.attach(channel, "f1", "b.txt", "one")
		s.attach(channel, "f2", "c.txt", "two")
		var roots []record.TS
		second := int64(1_500_000_000)
		for range rapid.IntRange(0, 25).Draw(r, "messages") {
			second += rapid.SampledFrom([]int64{1, 3600, 40_000, 700_000}).Draw(r, "pause")
			ts, thread := record.MakeTS(second, 0), record.TS("")
			if len(roots) > 0 && rapid.Bool().Draw(r, "comment") {
				thread = rapid.SampledFrom(roots).Draw(r, "thread")
			} else {
				roots = append(roots, ts)
			}
			file := ""
			if n := rapid.IntRange(0, 7).Draw(r, "file"); n < 4 {
				file = fmt.Sprintf(`,"subtype":"file_share","file":{"id":"f%d","name":"x.txt"}`, n)
			}
			text := rapid.SampledFrom([]string{"", "a", "b", "ab", "abc", "x"}).Draw(r, "text")
			item := message(channel, ts, thread, fmt.Sprintf(`{"user":%q,"text":%q%s}`,
				rapid.SampledFrom([]string{"ann@x", "bob@x", "eve@x"}).Draw(r, "user"), text, file))
			s.items = append(s.items, item)
		}
	}
	return s
}

// TestTermsCountWhatIsProduced: the numbers are those of the documents in a load file, also where a day is more than one
// document.
func TestTermsCountWhatIsProduced(t *testing.T) {
	src := small()
	src.items = nil
	for i := range maxSliceEvents + 5 {
		text, file := "x", ""
		switch i {
		case 7:
			text = "a"
		case 8:
			file = `,"subtype":"file_share","file":{"id":"f1","name":"x.txt"}`
		case maxSliceEvents + 1:
			text = "a b"
		}
		src.items = append(src.items, message("chan-a", record.MakeTS(1_500_000_000, i), "", fmt.Sprintf(`{"user":"ann@x","text":%q%s}`, text, file)))
	}
	_, rows := producing(t, searched(src, "ab"), Rendering{})
	summary, err := Preview(t.Context(), Options{}, smallSelection, src)
	if err != nil {
		t.Fatal(err)
	}
	a := summary.Terms[1].TermCounts
	want := TermCounts{Found: a.Found, Messages: 2, UniqueMessages: 1, Slices: 2, UniqueSlices: 1, Documents: int64(len(rows)), UniqueDocuments: 2}
	if len(rows) != 3 || a != want {
		t.Errorf("%d documents; got %+v, want %+v", len(rows), a, want)
	}
}

func TestStatisticsAreWhatPreviewSays(t *testing.T) {
	src := searched(small(), "hs")
	src.items[3].Reason = ReasonContext
	dir, written := exportTo(t, smallSelection, src, "ndjson")
	preview, err := Preview(t.Context(), Options{}, smallSelection, src)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(written.Terms, preview.Terms); diff != "" {
		t.Error(diff)
	}
	got := tree(t, dir)["data/reports/statistics.csv"]
	want := strings.Join([]string{
		"\ufeffkind,term,by,id,name,found,found_with_threads,found_unique,messages,unique_messages,slices,unique_slices,documents,unique_documents,left_out",
		"query,q,all,,,0,0,0,3,3,1,1,2,2,0",
		"term,h,all,,,1000,2000,10,1,1,1,0,2,0,0",
		"term,s,all,,,1000,2000,10,1,1,1,0,2,0,0",
		"any,,all,,,0,0,0,2,2,1,0,2,0,0",
		"query,q,custodian,bob@x,'=Bob,0,0,0,2,2,1,1,2,2,0",
		"query,q,custodian,ann@x,Ann,0,0,0,1,1,1,1,2,2,0",
		"term,h,custodian,ann@x,Ann,1000,0,0,1,1,1,0,2,0,0",
		"term,s,custodian,bob@x,'=Bob,0,0,0,1,1,1,0,2,0,0",
		"term,s,custodian,ann@x,Ann,1000,0,0,0,0,0,0,0,0,0",
		"any,,custodian,ann@x,Ann,0,0,0,1,1,1,0,2,0,0",
		"any,,custodian,bob@x,'=Bob,0,0,0,1,1,1,0,2,0,0",
		"query,q,channel,chan-a,general,0,0,0,3,3,1,1,2,2,0",
		"term,h,channel,chan-a,general,1000,0,0,1,1,1,0,2,0,0",
		"term,s,channel,chan-a,general,1000,0,0,1,1,1,0,2,0,0",
		"any,,channel,chan-a,general,0,0,0,2,2,1,0,2,0,0",
		"",
	}, "\r\n")
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestNoTermsNoReport(t *testing.T) {
	dir, s := exportTo(t, smallSelection, small(), "ndjson")
	if got := linesOf(tree(t, dir)["data/reports/statistics.csv"]); len(got) != 1 || len(s.Terms) != 0 || s.Terms == nil {
		t.Errorf("%q, %v", got, s.Terms)
	}
}
