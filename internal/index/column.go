package index

import (
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
)

// column is a field that has one term in each document at most, the other way round: the term of every document. It
// takes four bytes a document.
type column struct {
	terms []string
	of    [][]uint32 // by segment and document: place among the terms, from 1; 0 is none
}

// columnDocuments is for how many documents columns are kept from one search to the next.
const columnDocuments = 4 << 20

// columns keeps columns. A segment never changes, so that what is new since the last search is read only.
type columns struct {
	limit  uint64 // documents of an index up to which they are kept
	mu     sync.Mutex
	fields map[string]*keptColumn
	times  map[uint64]times // by the ids of segments
}

// times are the times of a segment's documents as far as they were asked for, see view.time. They take eight bytes a
// document.
type times []atomic.Uint64

// keepTimes gives a view the times that are known of its documents.
func (k *columns) keepTimes(v *view) {
	k.mu.Lock()
	defer k.mu.Unlock()
	present := make(map[uint64]times, len(v.segments))
	if v.documents <= k.limit {
		v.times = make([]times, len(v.segments))
		for i, s := range v.segments {
			known, ok := k.times[s.Id()]
			if !ok {
				known = make(times, s.Segment().Count())
			}
			v.times[i], present[s.Id()] = known, known
		}
	}
	k.times = present
}

// keptColumn is a column by the ids of segments.
type keptColumn struct {
	terms   []string
	numbers map[string]uint32 // of terms, from 1
	of      map[uint64][]uint32
}

// column gives the column of a field. With more documents than are kept for, it is read from the whole index.
func (k *columns) column(v *view, field string) (*column, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	kept := k.fields[field]
	if kept == nil {
		kept = &keptColumn{numbers: map[string]uint32{}, of: map[uint64][]uint32{}}
	}
	out := &column{of: make([][]uint32, len(v.segments))}
	present := make(map[uint64][]uint32, len(v.segments))
	for i, s := range v.segments {
		of, ok := kept.of[s.Id()]
		if !ok {
			var err error
			if of, err = kept.read(s, field); err != nil {
				return nil, err
			}
		}
		out.of[i], present[s.Id()] = of, of
	}
	kept.of, out.terms = present, slices.Clip(kept.terms)
	if k.fields[field] = kept; v.documents > k.limit {
		delete(k.fields, field)
	}
	return out, nil
}

// read reads the column of a segment.
func (k *keptColumn) read(s *scorch.SegmentSnapshot, field string) ([]uint32, error) {
	dict, err := s.Segment().Dictionary(field)
	if err != nil {
		return nil, err
	}
	of := make([]uint32, s.Segment().Count())
	err = eachTerm(dict, func(term string, docs *roaring.Bitmap) error {
		n, known := k.numbers[term]
		if !known {
			k.terms = append(k.terms, term)
			n = uint32(len(k.terms))
			k.numbers[term] = n
		}
		for it := docs.Iterator(); it.HasNext(); {
			of[it.Next()] = n
		}
		return nil
	})
	return of, err
}

// count counts the documents of a set by their terms.
func (c *column) count(docs docset) []uint64 {
	counts := make([]uint64, len(c.terms)+1)
	for i, b := range docs {
		of := c.of[i]
		for it := b.Iterator(); it.HasNext(); {
			counts[of[it.Next()]]++
		}
	}
	return counts[1:]
}

// with gives the documents of a set that have a term, by its place from 0.
func (c *column) with(docs docset, term int) docset {
	out := make(docset, len(docs))
	for i, b := range docs {
		out[i] = roaring.New()
		of := c.of[i]
		for it := b.Iterator(); it.HasNext(); {
			if doc := it.Next(); of[doc] == uint32(term)+1 {
				out[i].Add(doc)
			}
		}
	}
	return out
}

// counts gives the terms with how many documents of a set have them.
func (c *column) counts(docs docset) iter.Seq2[string, uint64] {
	return func(yield func(string, uint64) bool) {
		for n, count := range c.count(docs) {
			if !yield(c.terms[n], count) {
				return
			}
		}
	}
}
