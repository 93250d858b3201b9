package index

import (
	"fmt"
	"math"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// Scores are those of Lucene's classic similarity (TF-IDF), with the factors that are the same for all documents of a
// query left out. A word that stands n times in a text of l words counts √n · idf² / √l, where
// idf = 1 + ln(documents / (documents with the word + 1)); what stands for several words counts 1. Words that must all
// match are added; so are those of which any may, and the sum counts by the share of them that do.

// scorer adds to the scores of documents of one segment. It is given those that it was made for, in order and in blocks.
type scorer interface {
	add(docs []uint32, scores []float64) error
}

// constantScorer counts the same for all.
type constantScorer float64

func (c constantScorer) add(_ []uint32, scores []float64) error {
	if c != 0 {
		for i := range scores {
			scores[i] += float64(c)
		}
	}
	return nil
}

// sumScorer counts what several count.
type sumScorer []scorer

func (s sumScorer) add(docs []uint32, scores []float64) error {
	for _, kid := range s {
		if err := kid.add(docs, scores); err != nil {
			return err
		}
	}
	return nil
}

// termScorer counts a word.
type termScorer struct {
	postings segment.PostingsIterator
	weight   float64 // idf²
}

func (c termClause) scorer(v *view, n int, docs *roaring.Bitmap) (scorer, error) {
	all, err := v.term(c.field, c.term)
	if err != nil {
		return nil, err
	}
	dict, err := v.dictionary(n, c.field)
	if err != nil {
		return nil, err
	}
	list, err := dict.PostingsList([]byte(c.term), v.segments[n].Deleted(), nil)
	if err != nil {
		return nil, err
	}
	it := list.Iterator(true, true, false, nil)
	if docs.GetCardinality() < list.Count() {
		it.(segment.OptimizablePostingsIterator).ReplaceActual(docs)
	}
	idf := 1 + math.Log(float64(v.live)/float64(all.count()+1))
	return &termScorer{it, idf * idf}, nil
}

func (t *termScorer) add(docs []uint32, scores []float64) error {
	for i, doc := range docs {
		p, err := t.postings.Next()
		if err != nil {
			return err
		}
		if p == nil || p.Number() != uint64(doc) {
			return fmt.Errorf("%w: a word's documents are not those of its frequencies", ErrDamaged)
		}
		score := t.weight * p.Norm()
		if standing := p.Frequency(); !isOnce(standing) {
			score *= math.Sqrt(float64(occurrences(standing)))
		}
		scores[i] += score
	}
	return nil
}

// alternativesScorer counts words of which any may match.
type alternativesScorer struct {
	kids []alternative
	of   int // alternatives, those without documents among them

	places    []int // in a block, of a kid's documents
	docs      []uint32
	own, sums []float64
	matching  []int
}

// alternative is a scorer with its documents.
type alternative struct {
	scorer
	docs roaring.IntPeekable
}

func (a *alternativesScorer) add(docs []uint32, scores []float64) error {
	a.sums, a.matching = zeros(a.sums, len(docs)), zeros(a.matching, len(docs))
	for _, kid := range a.kids {
		a.places, a.docs = a.places[:0], a.docs[:0]
		for i, doc := range docs {
			if kid.docs.HasNext() && kid.docs.PeekNext() == doc {
				kid.docs.Next()
				a.places, a.docs = append(a.places, i), append(a.docs, doc)
			}
		}
		a.own = zeros(a.own, len(a.docs))
		if err := kid.add(a.docs, a.own); err != nil {
			return err
		}
		for n, i := range a.places {
			a.sums[i] += a.own[n]
			a.matching[i]++
		}
	}
	for i := range docs {
		scores[i] += a.sums[i] * float64(a.matching[i]) / float64(a.of)
	}
	return nil
}

// zeros gives a slice of n zeros, in the memory of another if that suffices.
func zeros[T int | float64](s []T, n int) []T {
	if cap(s) < n {
		return make([]T, n)
	}
	clear(s[:n])
	return s[:n]
}

// scoreBlock is how many documents are scored at a time.
const scoreBlock = 4096

// eachScore calls f with blocks of documents of a set, bleve's number of the first document of their segment, and what
// each scores.
func (v *view) eachScore(c clause, found docset, f func(first uint64, docs []uint32, scores []float64) error) error {
	block, scores := make([]uint32, min(scoreBlock, found.count())), []float64(nil)
	for i, docs := range found {
		if docs.IsEmpty() {
			continue
		}
		s, err := c.scorer(v, i, docs)
		if err != nil {
			return err
		}
		it := docs.ManyIterator()
		for n := it.NextMany(block); n > 0; n = it.NextMany(block) {
			scores = zeros(scores, n)
			if err := s.add(block[:n], scores); err != nil {
				return err
			}
			if err := f(v.first[i], block[:n], scores); err != nil {
				return err
			}
		}
	}
	return nil
}
