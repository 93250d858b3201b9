package index

import (
	"cmp"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"testing"

	"archiver/internal/storage"

	gocmp "github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// fakeKeys are keys of documents, some of the same time.
type fakeKeys []string

func (k fakeKeys) timeOf(n uint64) (uint64, error) { return keyTime(k[n]), nil }
func (k fakeKeys) idOf(n uint64) (string, error)   { return k[n], nil }

func TestRankingIsLikeSorting(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		r := &ranking{sort: rapid.SampledFrom([]string{byScore, newest, oldest}).Draw(t, "sort"), size: rapid.IntRange(1, 30).Draw(t, "size")}
		type scored struct {
			id    string
			score float64
		}
		var all []scored
		var known fakeKeys
		for n, score := range rapid.SliceOfN(rapid.IntRange(0, 5), 0, 200).Draw(t, "scores") {
			at := n * 7919 % 1000
			id := fmt.Sprintf("%08d-%d", at/3+1, at%3)
			all, known = append(all, scored{id, float64(score)}), append(known, id)
		}
		r.keys = known
		want := slices.Clone(all)
		slices.SortFunc(want, func(a, b scored) int {
			if r.sort == byScore && a.score != b.score {
				return cmp.Compare(b.score, a.score)
			}
			return r.direction() * cmp.Compare(a.id, b.id)
		})
		if len(want) > 0 && rapid.Bool().Draw(t, "after") {
			n := rapid.IntRange(0, len(want)-1).Draw(t, "which")
			r.after, want = &cursor{score: want[n].score, id: want[n].id}, want[n+1:]
		}
		if rapid.Bool().Draw(t, "expected") {
			r.expect(uint64(len(all)))
		}
		for n, d := range all {
			r.add(ranked{number: uint64(n), score: d.score})
		}
		want = want[:min(len(want), r.size)]
		skip := rapid.IntRange(0, r.size+1).Draw(t, "skip")
		page, last, err := r.page(skip)
		if err != nil || len(r.kept) != len(want) || len(want) > 0 && last.id != want[len(want)-1].id {
			t.Fatalf("%d kept, last %v, %v; want %v", len(r.kept), last, err, want)
		}
		var got, expected []string
		for _, p := range page {
			got = append(got, p.id)
		}
		for _, w := range want[min(skip, len(want)):] {
			expected = append(expected, w.id)
		}
		if !slices.Equal(got, expected) {
			t.Fatalf("got %v, want %v", got, expected)
		}
	})
}

// TestPagesAreCutFromOneOrder asks for pages of words in ways that must give the same hits: at once, by offset, by
// cursor, ranking few documents at a time, with facets that are counted otherwise.
func TestPagesAreCutFromOneOrder(t *testing.T) {
	for seed := range uint64(3) {
		r := rand.New(rand.NewPCG(seed, 9))
		shuffled(t, r, func(ix *Index, a *storage.Archive) {
			for _, sort := range []string{byScore, newest, oldest} {
				q, err := Parse([]string{"text", "1 OR 2", "text -0", `"text 1"`}[r.IntN(4)])
				if err != nil {
					t.Fatal(err)
				}
				all := Request{Query: q, Sort: sort, IncludeVersions: r.IntN(2) == 0}
				want, _ := hitsOf(t, byBleve(t, ix, a, all, deepPage))
				if got, _ := hitsOf(t, byBleve(t, ix, a, all, 9)); gocmp.Diff(want, got) != "" {
					t.Errorf("%s by %s: %s", q, sort, gocmp.Diff(want, got))
				}
				comparePages(t, ix, a, all, want, 1+r.IntN(20))
				compareFacets(t, ix, a, all)
				ix.columns.limit = []uint64{0, columnDocuments}[r.IntN(2)]
			}
		})
	}
}

// comparePages compares pages with all hits.
func comparePages(t *testing.T, ix *Index, a *storage.Archive, r Request, want []Hit, size int) {
	t.Helper()
	r.Limit = size
	next := ""
	for from := 0; from < len(want); from += size {
		page := want[from:min(from+size, len(want))]
		r.Offset, r.Cursor = from, ""
		byOffset, _ := hitsOf(t, byBleve(t, ix, a, r, 11))
		r.Offset, r.Cursor = 0, next
		byCursor, answer := hitsOf(t, byBleve(t, ix, a, r, 11))
		if gocmp.Diff(page, byOffset) != "" || gocmp.Diff(page, byCursor) != "" {
			t.Fatalf("%s by %s from %d: by offset %s, by cursor %s", r.Query, r.Sort, from, gocmp.Diff(page, byOffset), gocmp.Diff(page, byCursor))
		}
		next = answer.Next
	}
}

// compareFacets compares counts by columns with those by terms.
func compareFacets(t *testing.T, ix *Index, a *storage.Archive, r Request) {
	t.Helper()
	err := ix.session(t.Context(), a, r, func(s *session) error {
		found, err := s.found()
		if err != nil {
			return err
		}
		for _, facet := range []string{FacetChannel, FacetUser} {
			want, err := s.view.countTerms(facetFields[facet], found)
			if err != nil {
				return err
			}
			got, err := s.facet(facet, found)
			if err != nil {
				return err
			}
			if want := s.facetCounts(facet, maps.All(want)); gocmp.Diff(want, got) != "" {
				t.Errorf("%s of %s: %s", facet, r.Query, gocmp.Diff(want, got))
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}
