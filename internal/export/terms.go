package export

import (
	"context"
	"fmt"
	"maps"
	"slices"

	"archiver/internal/record"
)

// termCounter is the sink that makes the search-term report. It cuts messages into the documents that slices become, in
// one pass and whether or not a format writes them. Memory holds the documents that are begun.
type termCounter struct {
	frame   *frame
	lists   []*termTally
	threads map[string]map[record.TS]bool // by channel: messages that have comments in the export; for UnitThread only
	current *conversation
	window  window
	open    map[string]*termDocument // by the period's key
}

// termTally counts for a list of queries.
type termTally struct {
	TermList
	counts []*termRows // by place in Terms; the last is for what any finds
}

// termRows are the counts of a query.
type termRows struct {
	all                  TermCounts
	custodians, channels map[string]*TermCounts
}

// termDocument is a document that is not complete yet.
type termDocument struct {
	load    *load
	authors []map[int]map[string]bool // by list and place in it: who wrote what was found
}

func newTermCounter(ctx context.Context, f *frame) (*termCounter, error) {
	lists, err := f.src.Terms(ctx)
	if err != nil {
		return nil, fmt.Errorf("search-term report: %w", err)
	}
	c := &termCounter{frame: f, open: map[string]*termDocument{}}
	for _, list := range lists {
		c.lists = append(c.lists, newTermTally(list))
	}
	if len(lists) > 0 && f.rendering.Slice == UnitThread {
		c.threads, err = commented(ctx, f.src)
	}
	return c, err
}

func newTermTally(list TermList) *termTally {
	t := &termTally{TermList: list}
	for _, found := range append(slices.Clone(list.Terms), list.Any) {
		rows := &termRows{custodians: map[string]*TermCounts{}, channels: map[string]*TermCounts{}}
		rows.all.Found = found.All
		for id, n := range found.Custodians {
			countsOf(rows.custodians, id).Found = n
		}
		for id, n := range found.Channels {
			countsOf(rows.channels, id).Found = n
		}
		t.counts = append(t.counts, rows)
	}
	return t
}

// commented gives, by channel, the messages that have comments in the export.
func commented(ctx context.Context, src Source) (map[string]map[record.TS]bool, error) {
	found := map[string]map[record.TS]bool{}
	for item, err := range src.Outlines(ctx) {
		switch {
		case err != nil:
			return nil, fmt.Errorf("messages: %w", err)
		case item.Thread == "":
			continue
		case found[item.Channel] == nil:
			found[item.Channel] = map[record.TS]bool{}
		}
		found[item.Channel][item.Thread] = true
	}
	return found, nil
}

// countsOf gives the counts of an id, which it begins.
func countsOf(counts map[string]*TermCounts, id string) *TermCounts {
	c := counts[id]
	if c == nil {
		c = &TermCounts{}
		counts[id] = c
	}
	return c
}

func (c *termCounter) channel(channel *record.Channel) error {
	c.flush()
	c.current, c.window = newConversation(channel), window{}
	return nil
}

func (c *termCounter) message(item Item) error {
	if len(c.lists) == 0 {
		return nil
	}
	d := c.document(item)
	for i, list := range c.lists {
		hits := list.Which(item)
		for _, n := range list.rows(hits) {
			list.counts[n].message(item, len(hits) == 1)
			d.note(i, n, item.User)
		}
	}
	return nil
}

// leftOut counts a message that is selected and not exported.
func (c *termCounter) leftOut(item Item) {
	for _, list := range c.lists {
		for _, n := range list.rows(list.Which(item)) {
			r := list.counts[n]
			r.all.LeftOut++
			countsOf(r.custodians, item.User).LeftOut++
			countsOf(r.channels, item.Channel).LeftOut++
		}
	}
}

// rows gives the places of counts that hits count for.
func (t *termTally) rows(hits []int) []int {
	if len(hits) == 0 {
		return nil
	}
	return append(slices.Clone(hits), len(t.Terms))
}

// document gives the one that a message belongs to. It completes those that nothing more belongs to.
func (c *termCounter) document(item Item) *termDocument {
	period := c.period(item)
	d := c.open[period.key]
	if d != nil && d.load.take(item) {
		return d
	}
	if d == nil && c.threads == nil {
		c.flush()
	} else if d != nil {
		c.complete(d)
	}
	d = &termDocument{load: newLoad(c.current.changesDuring(period)), authors: make([]map[int]map[string]bool, len(c.lists))}
	d.load.take(item)
	c.open[period.key] = d
	return d
}

func (c *termCounter) period(item Item) period {
	unit, zone := c.frame.rendering.Slice, c.frame.zone
	if c.threads != nil {
		return unit.period(item, zone, c.threads[item.Channel])
	}
	if t := item.TS.Time().In(zone); !c.window.holds(t) {
		c.window = windowOf(unit.period(item, zone, nil))
	}
	return c.window.period
}

// note remembers who wrote what was found.
func (d *termDocument) note(list, place int, author string) {
	if d.authors[list] == nil {
		d.authors[list] = map[int]map[string]bool{}
	}
	if d.authors[list][place] == nil {
		d.authors[list][place] = map[string]bool{}
	}
	d.authors[list][place][author] = true
}

// flush completes all documents.
func (c *termCounter) flush() {
	for _, d := range c.open {
		c.complete(d)
	}
	clear(c.open)
}

// complete counts a document.
func (c *termCounter) complete(d *termDocument) {
	for i, list := range c.lists {
		alone := len(d.authors[i]) == 2 // a query, and any
		for place, authors := range d.authors[i] {
			list.counts[place].document(c.current.ID, authors, 1+d.load.attachments(), alone)
		}
	}
}

func (r *termRows) message(item Item, alone bool) {
	for _, n := range []*TermCounts{&r.all, countsOf(r.custodians, item.User), countsOf(r.channels, item.Channel)} {
		n.Messages++
		count(&n.UniqueMessages, alone)
	}
}

// document counts a slice that is hit, which is so many documents.
func (r *termRows) document(channel string, authors map[string]bool, documents int64, alone bool) {
	r.all.document(documents, alone)
	countsOf(r.channels, channel).document(documents, alone)
	for id := range authors {
		countsOf(r.custodians, id).document(documents, alone)
	}
}

func (n *TermCounts) document(documents int64, alone bool) {
	n.Slices++
	n.Documents += documents
	if alone {
		n.UniqueSlices++
		n.UniqueDocuments += documents
	}
}

func (c *termCounter) file(*record.File) error { return nil }
func (c *termCounter) user(*record.User) error { return nil }

func (c *termCounter) close() error {
	c.flush()
	return nil
}

// hitting gives the terms that hit any of a slice's messages, of a list; ok tells whether there is a list.
func (c *termCounter) hitting(items []Item) (terms []string, ok bool) {
	if c == nil {
		return nil, false
	}
	i := slices.IndexFunc(c.lists, func(t *termTally) bool { return t.Kind == KindTerm })
	if i < 0 {
		return nil, false
	}
	found := map[int]bool{}
	for _, item := range items {
		for _, n := range c.lists[i].Which(item) {
			found[n] = true
		}
	}
	for _, n := range slices.Sorted(maps.Keys(found)) {
		terms = append(terms, c.lists[i].Terms[n].Term)
	}
	return terms, true
}
