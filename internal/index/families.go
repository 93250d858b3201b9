package index

import (
	"bytes"
	"cmp"
	"slices"

	"archiver/internal/record"

	"github.com/RoaringBitmap/roaring/v2"
	segment "github.com/blevesearch/scorch_segment_api/v2"
)

// families are the documents that belong together: a message and its comments. Those without comments are not listed.
type families []relative

// relative is a document of a family. All of a family have the same root.
type relative struct {
	root    familyKey
	segment uint32
	doc     uint32
}

// familyKey is the ts of the message that a family hangs on, as keys have it, and the number of its channel.
type familyKey [keyTS + keyChannel]byte

func compareRoots(a, b relative) int { return bytes.Compare(a.root[:], b.root[:]) }

// families gives the families among the documents of a set, in order.
func (v *view) families(among docset) (families, error) {
	kin, comments, err := v.comments(among)
	if err != nil {
		return nil, err
	}
	slices.SortFunc(kin, compareRoots)
	all := slices.Clone(kin)
	err = v.each(among.not(comments), func(segment int, doc uint32, id string) error {
		r := relative{familyKey([]byte(id[:keyTS+keyChannel])), uint32(segment), doc}
		if _, ok := slices.BinarySearchFunc(kin, r, compareRoots); ok {
			all = append(all, r)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b relative) int {
		return cmp.Or(compareRoots(a, b), cmp.Compare(a.segment, b.segment), cmp.Compare(a.doc, b.doc))
	})
	return all, err
}

// comments gives the comments of a set with their roots, and as a set.
func (v *view) comments(among docset) (kin families, all docset, err error) {
	all = v.none()
	for i, s := range v.segments {
		dict, err := s.Segment().Dictionary(fieldThread)
		if err != nil {
			return nil, nil, err
		}
		err = eachTerm(dict, func(term string, docs *roaring.Bitmap) error {
			root, err := record.ParseTS(term)
			if err != nil {
				return nil // a thread that the server named otherwise has no key
			}
			docs = roaring.And(docs, among[i])
			all[i].Or(docs)
			for it := docs.Iterator(); it.HasNext(); {
				r := relative{segment: uint32(i), doc: it.Next()}
				id, err := s.DocID(uint64(r.doc))
				if err != nil {
					return err
				}
				copy(r.root[:], appendUint24(secondKey(root.Second()), uint32(root.Counter())))
				copy(r.root[keyTS:], id[keyTS:])
				kin = append(kin, r)
			}
			return nil
		})
		if err != nil {
			return nil, nil, err
		}
	}
	return kin, all, nil
}

// eachTerm calls f with every term of a dictionary and its documents, deleted ones among them. The bitmap is good for
// the call.
func eachTerm(dict segment.TermDictionary, f func(term string, docs *roaring.Bitmap) error) error {
	var list segment.PostingsList
	var it segment.PostingsIterator
	for terms := dict.AutomatonIterator(nil, nil, nil); ; {
		e, err := terms.Next()
		if err != nil || e == nil {
			return err
		}
		if list, err = dict.PostingsList([]byte(e.Term), nil, list); err != nil {
			return err
		}
		it = list.Iterator(false, false, false, it)
		docs, err := bitmapOf(it)
		if err != nil {
			return err
		}
		if docs == nil {
			continue
		}
		if err := f(e.Term, docs); err != nil {
			return err
		}
	}
}

// with gives the documents of a set and all that belong to their families.
func (f families) with(docs docset) docset {
	out := make(docset, len(docs))
	for i, b := range docs {
		out[i] = b.Clone()
	}
	for len(f) > 0 {
		n := 1
		for n < len(f) && f[n].root == f[0].root {
			n++
		}
		if slices.ContainsFunc(f[:n], func(r relative) bool { return docs[r.segment].Contains(r.doc) }) {
			for _, r := range f[:n] {
				out[r.segment].Add(r.doc)
			}
		}
		f = f[n:]
	}
	return out
}
