package index

import "github.com/RoaringBitmap/roaring/v2"

// column is a field that has one term in each document, the other way round: the term of every document. It takes four
// bytes a document.
type column struct {
	terms []string
	of    [][]uint32 // by segment and document: place among the terms, from 1; 0 is none
}

// column reads a field of all documents.
func (v *view) column(field string) (*column, error) {
	c := &column{of: make([][]uint32, len(v.segments))}
	numbers := map[string]uint32{}
	for i, s := range v.segments {
		dict, err := s.Segment().Dictionary(field)
		if err != nil {
			return nil, err
		}
		of := make([]uint32, s.Segment().Count())
		err = eachTerm(dict, func(term string, docs *roaring.Bitmap) error {
			n, known := numbers[term]
			if !known {
				c.terms = append(c.terms, term)
				n = uint32(len(c.terms))
				numbers[term] = n
			}
			for it := docs.Iterator(); it.HasNext(); {
				of[it.Next()] = n
			}
			return nil
		})
		if err != nil {
			return nil, err
		}
		c.of[i] = of
	}
	return c, nil
}

// count counts the documents of a set by their terms.
func (c *column) count(docs docset) []uint64 {
	counts := make([]uint64, len(c.terms)+1)
	for i, b := range docs {
		for it := b.Iterator(); it.HasNext(); {
			counts[c.of[i][it.Next()]]++
		}
	}
	return counts[1:]
}
