package index

import (
	"fmt"
	"slices"

	"github.com/RoaringBitmap/roaring/v2"
	"github.com/blevesearch/bleve/v2/index/scorch"
	"github.com/blevesearch/bleve_index_api"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// view is the index at one moment, segment by segment. It is good as long as the reader that it was made of.
type view struct {
	segments  []*scorch.SegmentSnapshot
	first     []uint64 // bleve's number of each segment's first document
	documents uint64   // deleted ones among them
}

func newView(r index.IndexReader) (*view, error) {
	snapshot, ok := r.(*scorch.IndexSnapshot)
	if !ok {
		return nil, fmt.Errorf("index of type %T", r)
	}
	v := &view{segments: snapshot.Segments()}
	var next uint64
	for _, s := range v.segments {
		v.first = append(v.first, next)
		next += s.Segment().Count()
	}
	v.documents = next
	return v, nil
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
func (d docset) not(other docset) docset { return d.combine(other, roaring.AndNot) }

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

// any gives the documents with any of some terms.
func (v *view) any(field string, terms []string) (docset, error) {
	out := make(docset, len(v.segments))
	for i, s := range v.segments {
		dict, err := s.Segment().Dictionary(field)
		if err != nil {
			return nil, err
		}
		if len(terms) == 1 {
			if out[i], err = termIn(dict, terms[0], s.Deleted()); err != nil {
				return nil, err
			}
			continue
		}
		if out[i], err = anyIn(dict, terms); err != nil {
			return nil, err
		}
		if deleted := s.Deleted(); deleted != nil {
			out[i].AndNot(deleted)
		}
	}
	return out, nil
}

// termIn gives the documents of a segment with a term, without those deleted. The bitmap may lie in the index's file.
func termIn(dict segment.TermDictionary, term string, deleted *roaring.Bitmap) (*roaring.Bitmap, error) {
	list, err := dict.PostingsList([]byte(term), deleted, nil)
	if err != nil {
		return nil, err
	}
	b, err := bitmapOf(list.Iterator(false, false, false, nil))
	if err != nil || b != nil {
		return b, err
	}
	return roaring.New(), nil
}

// anyIn gives the documents of a segment with any of some terms.
func anyIn(dict segment.TermDictionary, terms []string) (*roaring.Bitmap, error) {
	out := roaring.New()
	var list segment.PostingsList
	var it segment.PostingsIterator
	for _, t := range terms {
		var err error
		if list, err = dict.PostingsList([]byte(t), nil, list); err != nil {
			return nil, err
		}
		it = list.Iterator(false, false, false, it)
		b, err := bitmapOf(it)
		if err != nil {
			return nil, err
		}
		if b != nil {
			out.Or(b)
		}
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

// frequency counts the documents with a term, without reading them.
func (v *view) frequency(field, term string) (n uint64, err error) {
	for _, s := range v.segments {
		dict, err := s.Segment().Dictionary(field)
		if err != nil {
			return 0, err
		}
		list, err := dict.PostingsList([]byte(term), s.Deleted(), nil)
		if err != nil {
			return 0, err
		}
		n += list.Count()
	}
	return n, nil
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

// id gives the id of a document by bleve's number.
func (v *view) id(number uint64) (string, error) {
	i, _ := slices.BinarySearch(v.first, number+1)
	id, err := v.segments[i-1].DocID(number - v.first[i-1])
	return string(id), err
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
