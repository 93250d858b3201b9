package index

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// unit is terms at successive positions, any of some at each.
type unit [][]string

// phraseClause matches documents that hold its units: the one unit of a phrase, or several near each other, in any
// order. Several are near each other if a stretch of near+1 words holds them all, where a unit counts as one word
// however many terms it has; a unit that comes twice has to stand there twice.
type phraseClause struct {
	field string
	units []unit
	near  int

	frequencies []uint64 // documents with the terms that stand alone
	found       docset   // once it was looked for
}

// sets gives the terms of all units, position by position.
func (c *phraseClause) sets() unit { return slices.Concat(c.units...) }

func (c *phraseClause) docs(v *view) (docset, error) {
	if c.found != nil {
		return c.found, nil
	}
	var candidates docset
	for _, set := range c.sets() {
		docs, err := anyClause{field: c.field, terms: set}.docs(v)
		switch {
		case err != nil:
			return nil, err
		case candidates == nil:
			candidates = docs
		default:
			candidates = candidates.and(docs)
		}
	}
	found := make(docset, len(candidates))
	for i := range candidates {
		dict, err := v.dictionary(i, c.field)
		if err != nil {
			return nil, err
		}
		if found[i], err = c.check(dict, candidates[i]); err != nil {
			return nil, err
		}
	}
	c.found = found
	return found, nil
}

// scorer counts the words that are certain; what matches is known already.
func (c *phraseClause) scorer(v *view, segment int, docs *roaring.Bitmap) (scorer, error) {
	var out sumScorer
	for _, set := range c.sets() {
		if len(set) != 1 {
			continue
		}
		kid, err := termClause{field: c.field, term: set[0]}.scorer(v, segment, docs)
		if err != nil {
			return nil, err
		}
		out = append(out, kid)
	}
	if len(out) == 0 {
		return constantScorer(1), nil
	}
	return out, nil
}

// check gives the candidates of a segment in which the units stand as they should.
func (c *phraseClause) check(dict segment.TermDictionary, candidates *roaring.Bitmap) (*roaring.Bitmap, error) {
	found := roaring.New()
	if candidates.IsEmpty() {
		return found, nil
	}
	var lists []places
	for _, set := range c.sets() {
		list, err := placesOf(dict, set, candidates)
		if err != nil {
			return nil, err
		}
		lists = append(lists, list)
	}
	at := make([][]uint32, len(lists))
	for it := candidates.Iterator(); it.HasNext(); {
		doc := it.Next()
		for i := range lists {
			at[i] = lists[i].take(doc, at[i][:0])
		}
		if c.holds(at) {
			found.Add(doc)
		}
	}
	return found, nil
}

// places are documents with positions, in order: the upper half of each is the document.
type places []uint64

// placesOf gives where any of some terms stands in the candidates.
func placesOf(dict segment.TermDictionary, terms []string, candidates *roaring.Bitmap) (out places, err error) {
	var list segment.PostingsList
	var it segment.PostingsIterator
	for _, t := range terms {
		if list, err = dict.PostingsList([]byte(t), nil, list); err != nil {
			return nil, err
		}
		it = list.Iterator(true, false, true, it)
		if out, err = appendPlaces(out, it, candidates); err != nil {
			return nil, err
		}
	}
	if len(terms) > 1 {
		slices.Sort(out)
	}
	return slices.Compact(out), nil // terms may share a position
}

func appendPlaces(out places, it segment.PostingsIterator, candidates *roaring.Bitmap) (places, error) {
	all, err := bitmapOf(it)
	if err != nil || all == nil || !all.Intersects(candidates) {
		return out, err
	}
	it.(segment.OptimizablePostingsIterator).ReplaceActual(roaring.And(all, candidates))
	var at [maxPacked]uint32
	for {
		p, err := it.Next()
		if err != nil || p == nil {
			return out, err
		}
		for _, pos := range positionsIn(at[:0], p) {
			out = append(out, p.Number()<<32|uint64(pos))
		}
	}
}

// take removes the positions in a document from the front and appends them to dst.
func (p *places) take(doc uint32, dst []uint32) []uint32 {
	list := *p
	for len(list) > 0 && uint32(list[0]>>32) <= doc {
		if uint32(list[0]>>32) == doc {
			dst = append(dst, uint32(list[0]))
		}
		list = list[1:]
	}
	*p = list
	return dst
}

// holds tells whether the units stand as they should, given the positions of every set in one document.
func (c *phraseClause) holds(at [][]uint32) bool {
	if len(c.units) == 1 {
		return len(startsOf(at)) > 0
	}
	groups := make([]stand, 0, len(c.units))
	width := uint32(c.near)
	for _, u := range c.units {
		n := uint32(len(u))
		starts := startsOf(at[:n])
		at = at[n:]
		width += n - 1
		groups = addStand(groups, stand{u, starts, 1})
	}
	for _, g := range groups {
		for _, from := range g.starts { // as the first of all
			if !slices.ContainsFunc(groups, func(g stand) bool { return !g.within(from, from+width) }) {
				return true
			}
		}
	}
	return false
}

// startsOf gives the positions at which terms stand one after the other. It changes at.
func startsOf(at [][]uint32) []uint32 {
	return slices.DeleteFunc(at[0], func(start uint32) bool {
		for i, list := range at[1:] {
			if _, ok := slices.BinarySearch(list, start+uint32(i)+1); !ok {
				return true
			}
		}
		return false
	})
}

// stand is where a unit stands, and how often it has to.
type stand struct {
	unit   unit
	starts []uint32
	times  int
}

func addStand(groups []stand, s stand) []stand {
	for i, g := range groups {
		if slices.EqualFunc(g.unit, s.unit, slices.Equal) {
			groups[i].times++
			return groups
		}
	}
	return append(groups, s)
}

// within tells whether the unit stands as often as it has to between two positions, both included.
func (s *stand) within(from, to uint32) bool {
	first, _ := slices.BinarySearch(s.starts, from)
	last := first + s.times - 1
	return last < len(s.starts) && s.starts[last]+uint32(len(s.unit))-1 <= to
}
