package index

import (
	"context"
	"slices"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	"github.com/blevesearch/bleve_index_api"
)

// clause is a part of a compiled query: names are ids, prefixes are words, dates are keys. It can be run any number
// of times on the view it was compiled for.
type clause interface {
	searcher(s *scope) (search.Searcher, error)
}

// scope is what clauses run in.
type scope struct {
	ctx     context.Context
	reader  index.IndexReader
	options search.SearcherOptions
}

// unscored is the scope of clauses that only narrow.
func (s *scope) unscored() *scope {
	return &scope{s.ctx, s.reader, search.SearcherOptions{Score: "none"}}
}

func (s *scope) isScored() bool { return s.options.Score != "none" }

// allClause matches everything.
type allClause struct{}

func (allClause) searcher(s *scope) (search.Searcher, error) {
	all, err := searcher.NewMatchAllSearcher(s.ctx, s.reader, 1, s.unscored().options)
	return s.plain(all, err, 0)
}

// noneClause matches nothing.
type noneClause struct{}

func (noneClause) searcher(s *scope) (search.Searcher, error) {
	return searcher.NewMatchNoneSearcher(s.reader)
}

// termClause matches documents with a term, rare terms and short documents first.
type termClause struct{ field, term string }

func (c termClause) searcher(s *scope) (search.Searcher, error) {
	return searcher.NewTermSearcher(s.ctx, s.reader, c.term, c.field, 1, s.options)
}

// anyClause matches documents with any of some terms, all with the same score.
type anyClause struct {
	field string
	terms []string
	score float64
}

func (c anyClause) searcher(s *scope) (search.Searcher, error) {
	if len(c.terms) == 0 {
		return noneClause{}.searcher(s)
	}
	any, err := searcher.NewMultiTermSearcher(s.ctx, s.reader, c.terms, c.field, 1, s.unscored().options, false)
	return s.plain(any, err, c.score)
}

// phraseClause matches documents with terms at successive positions, any of some at each.
type phraseClause struct {
	field string
	terms [][]string
}

func (c phraseClause) searcher(s *scope) (search.Searcher, error) {
	return searcher.NewMultiPhraseSearcher(s.ctx, s.reader, c.terms, 0, false, c.field, 1, s.options)
}

// idsClause matches documents by their keys.
type idsClause struct{ ids []string }

func (c idsClause) searcher(s *scope) (search.Searcher, error) {
	if len(c.ids) == 0 {
		return noneClause{}.searcher(s)
	}
	ids, err := searcher.NewDocIDSearcher(s.ctx, s.reader, c.ids, 1, s.unscored().options)
	return s.plain(ids, err, 0)
}

// betweenClause matches what its inner clause matches, if the key lies between two.
type betweenClause struct {
	inner    clause
	from, to string // half-open
}

func (c betweenClause) searcher(s *scope) (search.Searcher, error) {
	inner, err := c.inner.searcher(s.unscored())
	if err != nil {
		return nil, err
	}
	accept := func(d *search.DocumentMatch) (bool, error) {
		id, err := s.reader.ExternalID(d.IndexInternalID)
		return id >= c.from && id < c.to, err
	}
	return &plainSearcher{Searcher: inner, accept: accept}, nil
}

// orClause matches what any kid matches. There is at least one.
type orClause struct{ kids []clause }

func (c orClause) searcher(s *scope) (search.Searcher, error) {
	kids, err := s.searchers(c.kids)
	if err != nil {
		return nil, err
	}
	return searcher.NewDisjunctionSearcher(s.ctx, s.reader, kids, 1, s.options)
}

// andClause matches what all of must match and none of not. filter narrows without adding to the score.
type andClause struct{ must, filter, not []clause }

func (c andClause) searcher(s *scope) (search.Searcher, error) {
	must, err := c.musts(s)
	if err != nil || len(c.not) == 0 {
		return must, err
	}
	nots, err := s.unscored().searchers(c.not)
	if err != nil {
		return nil, closeAll(err, must)
	}
	not, err := searcher.NewDisjunctionSearcher(s.ctx, s.reader, nots, 1, s.unscored().options)
	if err != nil {
		return nil, closeAll(err, append(nots, must)...)
	}
	return searcher.NewBooleanSearcher(s.ctx, s.reader, must, nil, not, s.options)
}

// narrowed gives what matches both clauses; the second one does not add to the score.
func narrowed(root, filter clause) clause {
	and, ok := root.(andClause)
	if !ok {
		and = andClause{must: []clause{root}}
	}
	and.filter = append(slices.Clip(and.filter), filter)
	return and
}

func (c andClause) musts(s *scope) (search.Searcher, error) {
	must, err := s.searchers(slices.DeleteFunc(slices.Clone(c.must), func(kid clause) bool { return kid == allClause{} }))
	if err != nil {
		return nil, err
	}
	for _, f := range c.filter {
		inner, err := f.searcher(s.unscored())
		inner, err = s.plain(inner, err, 0)
		if err != nil {
			return nil, closeAll(err, must...)
		}
		must = append(must, inner)
	}
	switch len(must) {
	case 0:
		return allClause{}.searcher(s)
	case 1:
		return must[0], nil
	}
	all, err := searcher.NewConjunctionSearcher(s.ctx, s.reader, must, s.options)
	if err != nil {
		return nil, closeAll(err, must...)
	}
	return all, nil
}

func (s *scope) searchers(clauses []clause) ([]search.Searcher, error) {
	out := make([]search.Searcher, 0, len(clauses))
	for _, c := range clauses {
		next, err := c.searcher(s)
		if err != nil {
			return nil, closeAll(err, out...)
		}
		out = append(out, next)
	}
	return out, nil
}

func closeAll(err error, searchers ...search.Searcher) error {
	for _, s := range searchers {
		_ = s.Close() // frees memory only; err is what counts
	}
	return err
}

// plain gives a searcher that was made without scores a fixed one, where scores matter.
func (s *scope) plain(inner search.Searcher, err error, score float64) (search.Searcher, error) {
	if err != nil || !s.isScored() {
		return inner, err
	}
	return &plainSearcher{Searcher: inner, score: score}, nil
}

// plainSearcher gives every match of another searcher the same score, and drops those that accept, if set, refuses.
type plainSearcher struct {
	search.Searcher
	accept func(*search.DocumentMatch) (bool, error)
	score  float64
	norm   float64
}

func (p *plainSearcher) Next(ctx *search.SearchContext) (*search.DocumentMatch, error) {
	d, err := p.Searcher.Next(ctx)
	return p.check(ctx, d, err)
}

func (p *plainSearcher) Advance(ctx *search.SearchContext, id index.IndexInternalID) (*search.DocumentMatch, error) {
	d, err := p.Searcher.Advance(ctx, id)
	return p.check(ctx, d, err)
}

func (p *plainSearcher) check(ctx *search.SearchContext, d *search.DocumentMatch, err error) (*search.DocumentMatch, error) {
	for err == nil && d != nil {
		d.Score = p.score
		if p.score != 0 {
			d.Score *= p.norm
		}
		if p.accept == nil {
			return d, nil
		}
		var ok bool
		if ok, err = p.accept(d); ok || err != nil {
			return d, err
		}
		ctx.DocumentMatchPool.Put(d)
		d, err = p.Searcher.Next(ctx)
	}
	return nil, err
}

func (p *plainSearcher) Weight() float64           { return p.score * p.score }
func (p *plainSearcher) SetQueryNorm(norm float64) { p.norm = norm }
