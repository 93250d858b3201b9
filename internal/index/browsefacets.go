package index

import (
	"time"

	"archiver/internal/index/timeline"
	"archiver/internal/record"
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
			counts, err := b.counts(v, name)
			if err != nil {
				return err
			}
			facets[name] = b.facetCounts(name, counts)
		}
		return nil
	})
	return facets, ok, err
}

// counts counts all messages by the terms of a facet.
func (b *browsing) counts(v *timeline.View, name string) (counts map[string]uint64, err error) {
	counts = map[string]uint64{}
	switch name {
	case FacetChannel:
		byNumber, err := v.Channels()
		for n, messages := range byNumber {
			counts[b.channels[n]] = messages
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
	case FacetMonth:
		return counts, b.countMonthsOf(v, counts)
	default:
		return counts, b.countAuthors(v, counts)
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

// countAuthors counts by authors. Who has no account in the archive is named by a message.
func (b *browsing) countAuthors(v *timeline.View, counts map[string]uint64) error {
	authors, err := v.Authors()
	if err != nil {
		return err
	}
	for id := range b.names.accounts {
		group := v.Group(id)
		if a, ok := authors[group]; ok {
			counts[id] = a.Messages
			delete(authors, group)
		}
	}
	for _, a := range authors {
		id, err := b.authorOf(a.Sample)
		if err != nil {
			return err
		}
		counts[id] = a.Messages
	}
	delete(counts, "") // nobody
	return nil
}

// authorOf gives the author of a message, folded.
func (b *browsing) authorOf(m timeline.Message) (string, error) {
	if int(m.Channel) >= len(b.channels) {
		return "", timelineError(timeline.ErrDamaged)
	}
	read, err := b.message(key{record.MakeTS(m.Second, int(m.Counter)), m.Channel, m.Version})
	if err != nil {
		return "", err
	}
	return fold(read.User), nil
}
