package index

import (
	"encoding/binary"
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// view is the index at one moment, segment by segment. It is good as long as the reader that it was made of, for one
// goroutine.
type view struct {
	segments  []*scorch.SegmentSnapshot
	first     []uint64 // bleve's number of each segment's first document
	documents uint64   // deleted ones among them
	live      uint64   // documents without them
	times     []times  // by segment; nil if they are not kept

	empty        *roaring.Bitmap                     // shared by sets
	dictionaries map[string][]segment.TermDictionary // by field and segment, once asked for
	found        map[fieldTerm]docset                // what term gave
}

type fieldTerm struct{ field, term string }

func newView(r index.IndexReader) (*view, error) {
	snapshot, ok := r.(*scorch.IndexSnapshot)
	if !ok {
		return nil, fmt.Errorf("index of type %T", r)
	}
	v := &view{segments: snapshot.Segments(), empty: roaring.New(), dictionaries: map[string][]segment.TermDictionary{}, found: map[fieldTerm]docset{}}
	v.first = make([]uint64, len(v.segments))
	for i, s := range v.segments {
		v.first[i] = v.documents
		v.documents += s.Segment().Count()
		v.live += s.Count()
	}
	return v, nil
}

// dictionary gives the terms of a field in a segment.
func (v *view) dictionary(n int, field string) (segment.TermDictionary, error) {
	known := v.dictionaries[field]
	if known == nil {
		known = make([]segment.TermDictionary, len(v.segments))
		v.dictionaries[field] = known
	}
	if known[n] == nil {
		var err error
		if known[n], err = v.segments[n].Segment().Dictionary(field); err != nil {
			return nil, err
		}
	}
	return known[n], nil
}

// docset is a set of documents: a bitmap of local numbers for every segment of the view. The bitmaps of one are never
// changed once it is made, so that sets may share them. It takes at most a bit a document.
type docset []*roaring.Bitmap

// count gives the number of documents.
func (d docset) count() (n uint64) {
	for _, b := range d {
		n += b.GetCardinality()
	}
	return n
}

// common counts the documents that are in both sets.
func (d docset) common(other docset) (n uint64) {
	for i, b := range d {
		n += b.AndCardinality(other[i])
	}
	return n
}

func (d docset) and(other docset) docset { return d.combine(other, roaring.And) }
func (d docset) or(other docset) docset  { return d.combine(other, roaring.Or) }

func (d docset) not(other docset) docset {
	return d.combine(other, func(a, b *roaring.Bitmap) *roaring.Bitmap {
		if b.IsEmpty() { // mostly
			return a
		}
		return roaring.AndNot(a, b)
	})
}

func (d docset) combine(other docset, f func(a, b *roaring.Bitmap) *roaring.Bitmap) docset {
	out := make(docset, len(d))
	for i, b := range d {
		out[i] = f(b, other[i])
	}
	return out
}

func (d docset) isEmpty() bool {
	return !slices.ContainsFunc(d, func(b *roaring.Bitmap) bool { return !b.IsEmpty() })
}

// none is the empty set.
func (v *view) none() docset {
	out := make(docset, len(v.segments))
	for i := range out {
		out[i] = roaring.New()
	}
	return out
}

// all is the set of all documents.
func (v *view) all() docset {
	out := make(docset, len(v.segments))
	for i, s := range v.segments {
		out[i] = s.DocNumbersLive()
	}
	return out
}

// term gives the documents with a term. It remembers them.
func (v *view) term(field, term string) (docset, error) {
	if known, ok := v.found[fieldTerm{field, term}]; ok {
		return known, nil
	}
	out, err := v.any(field, []string{term})
	if err != nil {
		return nil, err
	}
	v.found[fieldTerm{field, term}] = out
	return out, nil
}

// forget lets go of what term remembers.
func (v *view) forget() { clear(v.found) }

// any gives the documents with any of some terms.
func (v *view) any(field string, terms []string) (docset, error) {
	return v.anyOf(field, func(int) []string { return terms })
}

// anyOf gives the documents with any of the terms of their segment.
func (v *view) anyOf(field string, terms func(segment int) []string) (docset, error) {
	out := make(docset, len(v.segments))
	var it segment.PostingsIterator
	for i, s := range v.segments {
		dict, err := v.dictionary(i, field)
		if err != nil {
			return nil, err
		}
		of := terms(i)
		if len(of) == 1 {
			if out[i], it, err = v.termIn(dict, of[0], s.Deleted(), it); err != nil {
				return nil, err
			}
			continue
		}
		if out[i], err = anyIn(dict, of); err != nil {
			return nil, err
		}
		if deleted := s.Deleted(); deleted != nil {
			out[i].AndNot(deleted)
		}
	}
	return out, nil
}

// termIn gives the documents of a segment with a term, without those deleted, and the iterator that it used, which may be
// that of another term. The bitmap may lie in the index's file.
func (v *view) termIn(dict segment.TermDictionary, term string, deleted *roaring.Bitmap, it segment.PostingsIterator) (
	*roaring.Bitmap, segment.PostingsIterator, error,
) {
	list, err := dict.PostingsList([]byte(term), deleted, nil)
	if err != nil || list.Count() == 0 {
		return v.empty, it, err
	}
	it = list.Iterator(false, false, false, it)
	b, err := bitmapOf(it)
	if b == nil {
		b = v.empty
	}
	return b, it, err
}

// anyIn gives the documents of a segment with any of some terms.
func anyIn(dict segment.TermDictionary, terms []string) (*roaring.Bitmap, error) {
	out := roaring.New()
	var list segment.PostingsList
	var term []byte
	for _, t := range terms {
		var err error
		term = append(term[:0], t...)
		if list, err = dict.PostingsList(term, nil, list); err != nil {
			return nil, err
		}
		into, ok := list.(interface{ OrInto(*roaring.Bitmap) })
		if !ok {
			return nil, fmt.Errorf("postings of type %T", list)
		}
		into.OrInto(out)
	}
	return out, nil
}

// bitmapOf gives the documents of a list of postings, nil for none.
func bitmapOf(it segment.PostingsIterator) (*roaring.Bitmap, error) {
	o, ok := it.(segment.OptimizablePostingsIterator)
	if !ok {
		return nil, fmt.Errorf("postings of type %T", it)
	}
	if b := o.ActualBitmap(); b != nil {
		return b, nil
	}
	if doc, ok := o.DocNum1Hit(); ok {
		return roaring.BitmapOf(uint32(doc)), nil
	}
	return nil, nil
}

// beginning gives the terms that begin with a prefix, segment by segment, and calls each with every one once, until it
// wants no more.
func (v *view) beginning(field, prefix string, each func(term string) bool) ([][]string, error) {
	out, known := make([][]string, len(v.segments)), map[string]bool{}
	for i := range v.segments {
		dict, err := v.dictionary(i, field)
		if err != nil {
			return nil, err
		}
		terms := iterate(dict, []byte(prefix))
		for {
			e, err := terms.Next()
			if err != nil {
				return nil, err
			}
			if e == nil {
				break
			}
			out[i] = append(out[i], e.Term)
			if known[e.Term] {
				continue
			}
			if known[e.Term] = true; !each(e.Term) {
				return out, nil
			}
		}
	}
	return out, nil
}

// iterate goes through the terms of a dictionary that begin with a prefix; it does not count their documents, if the
// dictionary can do without.
func iterate(dict segment.TermDictionary, prefix []byte) segment.DictionaryIterator {
	end := slices.Clone(prefix)
	for len(end) > 0 && end[len(end)-1] == 0xff {
		end = end[:len(end)-1]
	}
	if len(end) > 0 {
		end[len(end)-1]++
	} else {
		end = nil
	}
	if d, ok := dict.(interface {
		AutomatonIteratorOmitCount(a segment.Automaton, from, to []byte) segment.DictionaryIterator
	}); ok {
		return d.AutomatonIteratorOmitCount(nil, prefix, end)
	}
	return dict.AutomatonIterator(nil, prefix, end)
}

// cardinality counts the terms of a field, one that several segments have as often.
func (v *view) cardinality(field string) (n int, err error) {
	for _, s := range v.segments {
		dict, err := s.Segment().Dictionary(field)
		if err != nil {
			return 0, err
		}
		n += dict.Cardinality()
	}
	return n, nil
}

// locate gives the segment of a document by bleve's number, and its number there.
func (v *view) locate(number uint64) (segment int, doc uint32) {
	i, _ := slices.BinarySearch(v.first, number+1)
	return i - 1, uint32(number - v.first[i-1])
}

// id gives the id of a document.
func (v *view) id(segment int, doc uint32) (string, error) {
	id, err := v.segments[segment].DocID(uint64(doc))
	return string(id), err
}

func (v *view) idOf(number uint64) (string, error)   { return v.id(v.locate(number)) }
func (v *view) timeOf(number uint64) (uint64, error) { return v.time(v.locate(number)) }

// time gives what a document's id begins with, as a number in the order of time.
func (v *view) time(segment int, doc uint32) (uint64, error) {
	if v.times != nil {
		if known := v.times[segment][doc].Load(); known != 0 {
			return known, nil
		}
	}
	id, err := v.segments[segment].DocID(uint64(doc))
	if err != nil {
		return 0, err
	}
	if len(id) < keyLen {
		return 0, fmt.Errorf("%w: document %d has the key %x", ErrDamaged, doc, id)
	}
	time := binary.BigEndian.Uint64(id)
	if v.times != nil {
		v.times[segment][doc].Store(time)
	}
	return time, nil
}

// keyed gives the documents with some keys.
func (v *view) keyed(ids []string) (docset, error) {
	out := make(docset, len(v.segments))
	for i, s := range v.segments {
		b, err := s.DocNumbers(ids)
		if err != nil {
			return nil, err
		}
		out[i] = b
	}
	return out, nil
}

// where gives the documents of a set whose keys are accepted.
func (v *view) where(d docset, accept func(id string) bool) (docset, error) {
	out := v.none()
	err := v.each(d, func(segment int, doc uint32, id string) error {
		if accept(id) {
			out[segment].Add(doc)
		}
		return nil
	})
	return out, err
}

// each calls f with every document of a set and its key, in no order that means anything.
func (v *view) each(d docset, f func(segment int, doc uint32, id string) error) error {
	for i, b := range d {
		for it := b.Iterator(); it.HasNext(); {
			doc := it.Next()
			id, err := v.segments[i].DocID(uint64(doc))
			if err != nil {
				return err
			}
			if err := f(i, doc, string(id)); err != nil {
				return err
			}
		}
	}
	return nil
}
