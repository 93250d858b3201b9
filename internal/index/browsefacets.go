package index

import (
	"maps"
	"slices"
	"time"

	"archiver/internal/index/timeline"
)

// facets counts all messages by what the request asks for; ok is false if the timeline cannot tell, since only a part of
// the messages is asked for or it does not hold the same as bleve.
func (b *browsing) facets() (facets map[string][]FacetCount, ok bool, err error) {
	if len(b.request.Facets) == 0 {
		return nil, true, nil
	}
	if b.sel.Channels != nil || b.sel.Authors != nil || b.sel.Kinds != nil || b.sel.From > 0 || b.sel.To > 0 {
		return nil, false, nil
	}
	facets = map[string][]FacetCount{}
	err = b.index.viewTimeline(b.ctx, b.at, func(v *timeline.View) error {
		ok = true
		for _, name := range b.request.Facets {
			var err error
			if facets[name], err = b.facet(v, name); err != nil {
				return err
			}
		}
		return nil
	})
	return facets, ok, err
}

// facet counts all messages by one facet.
func (b *browsing) facet(v *timeline.View, name string) ([]FacetCount, error) {
	if name == FacetUser {
		return b.authors(v)
	}
	counts, err := b.counts(v, name)
	if err != nil {
		return nil, err
	}
	return b.facetCounts(name, maps.All(counts)), nil
}

// counts counts all messages by the terms of a facet, which is not that of authors.
func (b *browsing) counts(v *timeline.View, name string) (counts map[string]uint64, err error) {
	counts = map[string]uint64{}
	switch name {
	case FacetChannel:
		byNumber, err := v.Channels()
		for n, messages := range byNumber {
			counts[b.session.channels[n]] = messages
		}
		return counts, err
	case FacetKind:
		kinds, err := v.Kinds()
		for n, messages := range kinds {
			if messages > 0 {
				counts[kindValues[n]] = messages
			}
		}
		return counts, err
	default:
		return counts, b.countMonthsOf(v, counts)
	}
}

// countMonthsOf counts by months of the request's zone.
func (b *browsing) countMonthsOf(v *timeline.View, counts map[string]uint64) error {
	first, last, err := v.Span()
	if err != nil || last < first {
		return err
	}
	var months []string
	var begins []int64
	y, m, _ := time.Unix(first, 0).In(b.request.Location).Date()
	for month := time.Date(y, m, 1, 0, 0, 0, 0, time.UTC); ; month = month.AddDate(0, 1, 0) {
		begin := startOfDay(month, b.request.Location)
		if begin > last {
			break
		}
		months, begins = append(months, month.Format("200601")), append(begins, begin)
	}
	messages, err := v.Since(begins)
	for i, n := range messages {
		counts[months[i]] = n
	}
	return err
}

// authors counts by authors.
func (b *browsing) authors(v *timeline.View) ([]FacetCount, error) {
	b.names.mu.Lock()
	defer b.names.mu.Unlock()
	if b.names.authors == nil || b.names.authorsAt != v.Change {
		authors, err := v.Authors()
		if err != nil {
			return nil, err
		}
		b.names.authors, b.names.authorsAt = b.authorCounts(authors), v.Change
	}
	return slices.Clone(b.names.authors), nil
}

// authorCounts gives the counts of authors as they are shown.
func (b *browsing) authorCounts(authors []timeline.Author) []FacetCount {
	out := make([]FacetCount, 0, len(authors))
	for _, a := range authors {
		if a.Author != "" {
			value, name := b.facetNames(FacetUser, a.Author)
			out = append(out, FacetCount{value, name, a.Messages})
		}
	}
	sortFacet(FacetUser, out)
	return out
}
