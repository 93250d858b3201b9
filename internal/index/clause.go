package index

import (
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
)

// clause is a part of a compiled query: names are ids, prefixes are words, dates are keys. It can be run any number
// of times on the view it was compiled for. docs gives what it matches; scorer what documents of a segment score, of
// which all must match; cost estimates the nanoseconds of either.
type clause interface {
	docs(v *view) (docset, error)
	scorer(v *view, segment int, docs *roaring.Bitmap) (scorer, error)
	cost(scored bool) uint64
}

// allClause matches everything.
type allClause struct{}

func (allClause) docs(v *view) (docset, error)                       { return v.all(), nil }
func (allClause) scorer(*view, int, *roaring.Bitmap) (scorer, error) { return constantScorer(0), nil }

// noneClause matches nothing.
type noneClause struct{}

func (noneClause) docs(v *view) (docset, error)                       { return v.none(), nil }
func (noneClause) scorer(*view, int, *roaring.Bitmap) (scorer, error) { return constantScorer(0), nil }

// termClause matches documents with a term, rare terms and short documents first.
type termClause struct {
	field, term string
	frequency   uint64 // documents with the term
}

func (c termClause) docs(v *view) (docset, error) { return v.term(c.field, c.term) }

// anyClause matches documents with any of some terms, all with the same score.
type anyClause struct {
	field string
	terms []string
	score float64
	found [][]string // the terms by segment, if that is known
}

func (c anyClause) docs(v *view) (docset, error) {
	if len(c.terms) == 1 {
		return v.term(c.field, c.terms[0])
	}
	return v.anyOf(c.field, func(segment int) []string {
		if c.found != nil {
			return c.found[segment]
		}
		return c.terms
	})
}

func (c anyClause) scorer(*view, int, *roaring.Bitmap) (scorer, error) {
	return constantScorer(c.score), nil
}

// idsClause matches documents by their keys.
type idsClause struct{ ids []string }

func (c idsClause) docs(v *view) (docset, error)                     { return v.keyed(c.ids) }
func (idsClause) scorer(*view, int, *roaring.Bitmap) (scorer, error) { return constantScorer(0), nil }

// betweenClause matches what its inner clause matches, if the key lies between two.
type betweenClause struct {
	inner    clause
	from, to string // half-open
}

func (c betweenClause) docs(v *view) (docset, error) {
	inner, err := c.inner.docs(v)
	if err != nil {
		return nil, err
	}
	return v.where(inner, func(id string) bool { return id >= c.from && id < c.to })
}

func (betweenClause) scorer(*view, int, *roaring.Bitmap) (scorer, error) {
	return constantScorer(0), nil
}

// orClause matches what any kid matches. There is at least one.
type orClause struct {
	kids  []clause
	found []docset // of the kids, once they were looked for
}

func (c *orClause) docs(v *view) (docset, error) {
	if err := c.look(v); err != nil {
		return nil, err
	}
	out := c.found[0]
	for _, docs := range c.found[1:] {
		out = out.or(docs)
	}
	return out, nil
}

// look finds what the kids match.
func (c *orClause) look(v *view) error {
	if c.found != nil {
		return nil
	}
	found := make([]docset, len(c.kids))
	for i, kid := range c.kids {
		var err error
		if found[i], err = kid.docs(v); err != nil {
			return err
		}
	}
	c.found = found
	return nil
}

func (c *orClause) scorer(v *view, segment int, docs *roaring.Bitmap) (scorer, error) {
	if err := c.look(v); err != nil {
		return nil, err
	}
	out := &alternativesScorer{of: len(c.kids)}
	for i, kid := range c.kids {
		in := roaring.And(docs, c.found[i][segment])
		if in.IsEmpty() {
			continue
		}
		own, err := kid.scorer(v, segment, in)
		if err != nil {
			return nil, err
		}
		out.kids = append(out.kids, alternative{own, in.Iterator()})
	}
	return out, nil
}

// andClause matches what all of must match and none of not. filter narrows without adding to the score.
type andClause struct{ must, filter, not []clause }

func (c andClause) docs(v *view) (docset, error) {
	var out docset
	for _, kid := range slices.Concat(c.filter, c.must) {
		if kid == clause(allClause{}) {
			continue
		}
		docs, err := kid.docs(v)
		if err != nil {
			return nil, err
		}
		if out == nil {
			out = docs
		} else {
			out = out.and(docs)
		}
		if out.isEmpty() {
			return out, nil
		}
	}
	if out == nil {
		out = v.all()
	}
	for _, kid := range c.not {
		docs, err := kid.docs(v)
		if err != nil {
			return nil, err
		}
		out = out.not(docs)
	}
	return out, nil
}

func (c andClause) scorer(v *view, segment int, docs *roaring.Bitmap) (scorer, error) {
	var out sumScorer
	for _, kid := range c.must {
		own, err := kid.scorer(v, segment, docs)
		if err != nil {
			return nil, err
		}
		out = append(out, own)
	}
	return out, nil
}
