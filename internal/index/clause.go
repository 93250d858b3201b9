package index

import (
	"context"
	"slices"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/searcher"
	"github.com/blevesearch/bleve_index_api"
)

// clause is a part of a compiled query: names are ids, prefixes are words, dates are keys. It can be run any number
// of times on the view it was compiled for. docs gives what it matches; searcher the same, with scores; cost estimates
// the nanoseconds of either.
type clause interface {
	docs(v *view) (docset, error)
	searcher(s *scope) (search.Searcher, error)
	cost(scored bool) uint64
}

// scope is what clauses score in.
type scope struct {
	ctx    context.Context
	reader index.IndexReader
	view   *view
}

// scored has bleve give scores.
var scored = search.SearcherOptions{}

// plain gives every match of a clause the same score.
func (s *scope) plain(c clause, score float64) (search.Searcher, error) {
	docs, err := c.docs(s.view)
	if err != nil {
		return nil, err
	}
	return s.view.searcher(docs, score), nil
}

// allClause matches everything.
type allClause struct{}

func (allClause) docs(v *view) (docset, error)                 { return v.all(), nil }
func (c allClause) searcher(s *scope) (search.Searcher, error) { return s.plain(c, 0) }

// noneClause matches nothing.
type noneClause struct{}

func (noneClause) docs(v *view) (docset, error)                 { return v.none(), nil }
func (c noneClause) searcher(s *scope) (search.Searcher, error) { return s.plain(c, 0) }

// termClause matches documents with a term, rare terms and short documents first.
type termClause struct {
	field, term string
	frequency   uint64 // documents with the term
}

func (c termClause) docs(v *view) (docset, error) { return v.any(c.field, []string{c.term}) }

func (c termClause) searcher(s *scope) (search.Searcher, error) {
	return searcher.NewTermSearcher(s.ctx, s.reader, c.term, c.field, 1, scored)
}

// anyClause matches documents with any of some terms, all with the same score.
type anyClause struct {
	field string
	terms []string
	score float64
}

func (c anyClause) docs(v *view) (docset, error)               { return v.any(c.field, c.terms) }
func (c anyClause) searcher(s *scope) (search.Searcher, error) { return s.plain(c, c.score) }

// idsClause matches documents by their keys.
type idsClause struct{ ids []string }

func (c idsClause) docs(v *view) (docset, error)               { return v.keyed(c.ids) }
func (c idsClause) searcher(s *scope) (search.Searcher, error) { return s.plain(c, 0) }

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

func (c betweenClause) searcher(s *scope) (search.Searcher, error) { return s.plain(c, 0) }

// orClause matches what any kid matches. There is at least one.
type orClause struct{ kids []clause }

func (c orClause) docs(v *view) (docset, error) {
	out := v.none()
	for _, kid := range c.kids {
		docs, err := kid.docs(v)
		if err != nil {
			return nil, err
		}
		out = out.or(docs)
	}
	return out, nil
}

func (c orClause) searcher(s *scope) (search.Searcher, error) {
	kids, err := s.searchers(c.kids)
	if err != nil {
		return nil, err
	}
	return searcher.NewDisjunctionSearcher(s.ctx, s.reader, kids, 1, scored)
}

// andClause matches what all of must match and none of not. filter narrows without adding to the score.
type andClause struct{ must, filter, not []clause }

func (c andClause) docs(v *view) (docset, error) {
	out := v.all()
	for _, kid := range slices.Concat(c.filter, c.must) {
		docs, err := kid.docs(v)
		if err != nil {
			return nil, err
		}
		if out = out.and(docs); out.isEmpty() {
			return out, nil
		}
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

func (c andClause) searcher(s *scope) (search.Searcher, error) {
	must := slices.DeleteFunc(slices.Clone(c.must), func(kid clause) bool { return kid == clause(allClause{}) })
	if len(must) == 0 {
		return s.plain(c, 0)
	}
	kids, err := s.searchers(must)
	if err != nil {
		return nil, err
	}
	if len(c.filter)+len(c.not) > 0 {
		within, err := s.plain(andClause{filter: c.filter, not: c.not}, 0)
		if err != nil {
			return nil, closeAll(err, kids...)
		}
		kids = append(kids, within)
	}
	return s.conjunction(kids)
}

func (s *scope) conjunction(kids []search.Searcher) (search.Searcher, error) {
	if len(kids) == 1 {
		return kids[0], nil
	}
	all, err := searcher.NewConjunctionSearcher(s.ctx, s.reader, kids, scored)
	if err != nil {
		return nil, closeAll(err, kids...)
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
