package index

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve_index_api"
)

// docSearcher gives the documents of a set to bleve, all with the same score.
type docSearcher struct {
	view    *view
	docs    docset
	score   float64
	norm    float64
	segment int
	it      roaring.IntPeekable // of the segment, nil before the first
}

func (v *view) searcher(docs docset, score float64) search.Searcher {
	return &docSearcher{view: v, docs: docs, score: score, norm: 1}
}

func (d *docSearcher) Next(ctx *search.SearchContext) (*search.DocumentMatch, error) {
	for ; d.segment < len(d.docs); d.segment++ {
		if d.it == nil {
			d.it = d.docs[d.segment].Iterator()
		}
		if d.it.HasNext() {
			return d.match(ctx, d.view.first[d.segment]+uint64(d.it.Next())), nil
		}
		d.it = nil
	}
	return nil, nil
}

func (d *docSearcher) match(ctx *search.SearchContext, number uint64) *search.DocumentMatch {
	m := ctx.DocumentMatchPool.Get()
	m.IndexInternalID = index.NewIndexInternalID(m.IndexInternalID, number)
	m.Score = d.score * d.norm
	return m
}

func (d *docSearcher) Advance(ctx *search.SearchContext, id index.IndexInternalID) (*search.DocumentMatch, error) {
	number := id.Value()
	segment, exact := slices.BinarySearch(d.view.first, number)
	if !exact {
		segment--
	}
	if segment > d.segment {
		d.segment, d.it = segment, nil
	}
	if segment == d.segment && segment < len(d.docs) {
		if d.it == nil {
			d.it = d.docs[segment].Iterator()
		}
		d.it.AdvanceIfNeeded(uint32(number - d.view.first[segment]))
	}
	return d.Next(ctx)
}

func (d *docSearcher) SetQueryNorm(norm float64) {
	if d.score != 0 { // else the norm may be infinite
		d.norm = norm
	}
}

func (d *docSearcher) Close() error               { return nil }
func (d *docSearcher) Weight() float64            { return d.score * d.score }
func (d *docSearcher) Count() uint64              { return d.docs.count() }
func (d *docSearcher) Min() int                   { return 0 }
func (d *docSearcher) Size() int                  { return 0 }
func (d *docSearcher) DocumentMatchPoolSize() int { return 1 }
