package index

import (
	"cmp"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/RoaringBitmap/roaring/v2"
)

// The facets of an answer: what its hits are counted by.
const (
	FacetChannel = "channel"
	FacetUser    = "user"
	FacetMonth   = "month" // of the request's zone
	FacetKind    = "kind"
)

// Facets are the names of all facets.
func Facets() []string { return []string{FacetChannel, FacetUser, FacetMonth, FacetKind} }

// FacetCount is how many hits have a value.
type FacetCount struct {
	Value string `json:"value"` // id of a channel or user, month as 2018-01, kind
	Name  string `json:"name"`  // of a channel or user; else the value
	Count uint64 `json:"count"`
}

// facets counts the hits by what the request asks for, the most frequent first, months in order. All values that any
// hit has are there.
func (s *session) facets() (map[string][]FacetCount, error) {
	if len(s.request.Facets) == 0 {
		return nil, nil
	}
	found, err := s.found()
	if err != nil {
		return nil, err
	}
	out := map[string][]FacetCount{}
	for _, name := range s.request.Facets {
		counts, err := s.facet(name, found)
		if err != nil {
			return nil, err
		}
		out[name] = counts
	}
	return out, nil
}

func (s *session) facet(name string, found docset) ([]FacetCount, error) {
	var counts iter.Seq2[string, uint64]
	err := guard(func() (err error) { counts, err = s.counts(name, found); return err })
	if err != nil {
		return nil, err
	}
	return s.facetCounts(name, counts), nil
}

// counts counts the documents of a set by the terms of a facet. Fields with many terms are counted document by document.
func (s *session) counts(name string, found docset) (iter.Seq2[string, uint64], error) {
	var counts map[string]uint64
	var err error
	switch {
	case name == FacetMonth:
		counts, err = s.countMonths(found)
	case name == FacetKind || s.view.documents > s.columns.limit:
		counts, err = s.view.countTerms(facetFields[name], found)
	default:
		column, err := s.columns.column(s.view, facetFields[name])
		if err != nil {
			return nil, err
		}
		return column.counts(found), nil
	}
	return maps.All(counts), err
}

// facetCounts gives the counts of a facet's terms as they are shown.
func (s *session) facetCounts(name string, counts iter.Seq2[string, uint64]) []FacetCount {
	out := []FacetCount{}
	for term, n := range counts {
		if n > 0 {
			value, name := s.facetNames(name, term)
			out = append(out, FacetCount{value, name, n})
		}
	}
	sortFacet(name, out)
	return out
}

// sortFacet puts the counts of a facet in order.
func sortFacet(name string, out []FacetCount) {
	slices.SortFunc(out, func(a, b FacetCount) int {
		if name == FacetMonth {
			return cmp.Compare(a.Value, b.Value)
		}
		if a.Count != b.Count {
			return cmp.Compare(b.Count, a.Count)
		}
		return cmp.Compare(a.Value, b.Value)
	})
}

var facetFields = map[string]string{FacetChannel: fieldChannel, FacetUser: fieldUser, FacetKind: fieldKind}

// facetNames gives a value as it is shown, and its name.
func (s *session) facetNames(facet, term string) (value, name string) {
	switch facet {
	case FacetChannel:
		return term, s.names.channelName(term)
	case FacetUser:
		id := s.names.userID(term)
		return id, s.names.userName(id)
	case FacetMonth:
		term = term[:4] + "-" + term[4:]
	}
	return term, term
}

// countTerms counts the documents of a set by the terms of a field, whose number it takes time for.
func (v *view) countTerms(field string, found docset) (map[string]uint64, error) {
	counts := map[string]uint64{}
	for i, s := range v.segments {
		dict, err := s.Segment().Dictionary(field)
		if err != nil {
			return nil, err
		}
		err = eachTerm(dict, func(term string, docs *roaring.Bitmap) error {
			counts[term] += docs.AndCardinality(found[i])
			return nil
		})
		if err != nil {
			return nil, err
		}
	}
	return counts, nil
}

// countMonths counts the documents of a set by the months of the request's zone. The index has those of UTC; what lies
// between the beginning of a month there and here changes sides.
func (s *session) countMonths(found docset) (map[string]uint64, error) {
	counts, err := s.view.countTerms(fieldMonth, found)
	if err != nil {
		return nil, err
	}
	begins := map[time.Time]bool{}
	for term := range counts {
		month, err := time.Parse("200601", term)
		if err != nil {
			return nil, err
		}
		begins[month], begins[month.AddDate(0, 1, 0)] = true, true
	}
	for month := range begins {
		there, here := month.Unix(), startOfDay(month, s.request.Location)
		n, err := s.countBetween(found, min(there, here), max(there, here))
		if err != nil {
			return nil, err
		}
		this, before := month.Format("200601"), month.AddDate(0, -1, 0).Format("200601")
		if here < there {
			counts[this] += n
			counts[before] -= n
		} else {
			counts[this] -= n
			counts[before] += n
		}
	}
	return counts, nil
}

// countBetween counts the documents of a set from one second to another, less than a day later.
func (s *session) countBetween(found docset, from, to int64) (uint64, error) {
	if from == to {
		return 0, nil
	}
	days, err := s.view.any(fieldDay, []string{dayOf(from), dayOf(to - 1)})
	if err != nil {
		return 0, err
	}
	first, last := string(secondKey(from)), string(secondKey(to))
	docs, err := s.view.where(days.and(found), func(id string) bool { return id >= first && id < last })
	return docs.count(), err
}
