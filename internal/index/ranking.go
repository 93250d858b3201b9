package index

import (
	"cmp"
	"slices"
	"strings"
)

// ranking keeps those that come first of many documents. It looks at each a constant number of times on average, however
// many are kept, and holds twice as many at most.
type ranking struct {
	keys  keys
	sort  string
	size  int      // documents to keep
	after *cursor  // only what follows it counts, if set
	kept  []ranked // beyond size only until the next are left out
	full  bool     // nothing behind kept[size-1] counts
	err   error    // of reading a key
}

// keys are those of documents, by bleve's number.
type keys interface {
	timeOf(number uint64) (uint64, error) // what the id begins with
	idOf(number uint64) (string, error)
}

// ranked is a document and what it is ordered by. Ids are looked at only where that is the same.
type ranked struct {
	number uint64 // bleve's
	score  float64
	time   uint64 // of its key; 0 until it is asked for
}

// compare orders by place.
func (r *ranking) compare(a, b *ranked) int {
	switch {
	case r.sort == byScore && a.score != b.score:
		return cmp.Compare(b.score, a.score)
	case r.time(a) != r.time(b):
		return r.direction() * cmp.Compare(a.time, b.time)
	case a.number == b.number:
		return 0
	default:
		return r.direction() * strings.Compare(r.id(a), r.id(b))
	}
}

// direction is that of ids.
func (r *ranking) direction() int {
	if r.sort == oldest {
		return 1
	}
	return -1
}

func (r *ranking) time(d *ranked) uint64 {
	if d.time == 0 && r.err == nil {
		d.time, r.err = r.keys.timeOf(d.number)
	}
	return d.time
}

func (r *ranking) id(d *ranked) string {
	id, err := r.keys.idOf(d.number)
	r.err = cmp.Or(r.err, err)
	return id
}

// isBehind tells whether a document comes after a place in the order.
func (r *ranking) isBehind(d *ranked, place *cursor) bool {
	if r.sort == byScore && d.score != place.score {
		return d.score < place.score
	}
	order := cmp.Compare(r.time(d), keyTime(place.id))
	if order == 0 {
		order = strings.Compare(r.id(d), place.id)
	}
	return order*r.direction() > 0
}

// expect makes room for some documents.
func (r *ranking) expect(n uint64) { r.kept = make([]ranked, 0, min(n, 2*uint64(r.size))) }

// add takes a document.
func (r *ranking) add(d ranked) {
	if r.full && r.beyond(&d) {
		return
	}
	if r.after != nil && !r.isBehind(&d, r.after) {
		return
	}
	r.kept = append(r.kept, d)
	if len(r.kept) == 2*r.size {
		r.cut()
	}
}

// beyond tells whether a document surely comes after all that are to be kept.
func (r *ranking) beyond(d *ranked) bool {
	last := &r.kept[r.size-1]
	if r.sort == byScore {
		return d.score < last.score
	}
	return r.compare(d, last) > 0
}

// cut leaves out what does not come first, but for documents with the same score as the last, if they are few: so their
// keys need not be read.
func (r *ranking) cut() {
	if r.sort == byScore {
		if _, to := r.scored(r.size - 1); to <= r.size+r.size/2 {
			r.kept, r.full = r.kept[:to], true
			return
		}
	}
	r.trim()
}

// trim leaves out all but those that come first.
func (r *ranking) trim() {
	if len(r.kept) >= r.size {
		r.nth(r.size - 1)
		r.kept, r.full = r.kept[:r.size], true
	}
}

// nth moves the document that belongs at i there, those before it to the left. Keys are read of those only that have the
// same score as that one.
func (r *ranking) nth(i int) {
	from, to := 0, len(r.kept)
	if r.sort == byScore {
		from, to = r.scored(i)
	}
	nth(r.kept[from:to], i-from, r.compare)
}

// scored moves a document with the score of the one that belongs at i there, those with the same to its sides, and the
// better ones to the left of them.
func (r *ranking) scored(i int) (from, to int) {
	nth(r.kept, i, func(a, b *ranked) int { return cmp.Compare(b.score, a.score) })
	d, score := r.kept, r.kept[i].score
	from, to = i, i+1
	for j := i - 1; j >= 0; j-- {
		if d[j].score == score {
			from--
			d[j], d[from] = d[from], d[j]
		}
	}
	for j := i + 1; j < len(d); j++ {
		if d[j].score == score {
			d[j], d[to] = d[to], d[j]
			to++
		}
	}
	return from, to
}

// page gives what is kept in order, without the first skip, and the last of all that is kept.
func (r *ranking) page(skip int) (page []ref, last *cursor, err error) {
	r.trim()
	if len(r.kept) == 0 {
		return nil, nil, r.err
	}
	from := min(skip, len(r.kept)-1)
	r.nth(from)
	slices.SortFunc(r.kept[from:], func(a, b ranked) int { return r.compare(&a, &b) })
	for i := range r.kept[from:] {
		d := &r.kept[from+i]
		page = append(page, ref{r.id(d), d.score})
	}
	end := page[len(page)-1]
	if skip > from {
		page = nil
	}
	return page, &cursor{score: end.score, id: end.id}, r.err
}

// nth moves the value that belongs at i in order there, lesser ones before it and greater ones behind it (C. A. R.
// Hoare, Algorithm 65: find).
func nth[T any](values []T, i int, compare func(a, b *T) int) {
	for lo, hi := 0, len(values)-1; lo < hi; {
		pivot := values[lo+(hi-lo)/2]
		l, h := lo, hi
		for l <= h {
			for compare(&values[l], &pivot) < 0 {
				l++
			}
			for compare(&values[h], &pivot) > 0 {
				h--
			}
			if l <= h {
				values[l], values[h] = values[h], values[l]
				l, h = l+1, h-1
			}
		}
		switch {
		case i <= h:
			hi = h
		case i >= l:
			lo = l
		default:
			return
		}
	}
}

// ranked gives in order what feed adds, behind after if it is set, without the first skip. It asks feed again for every
// deep documents; more is false when the caller wants no more.
func (s *session) ranked(skip int, after *cursor, feed func(*ranking) error, yield func(ref, error) bool) (more bool, err error) {
	size := s.deep
	if s.request.Limit > 0 {
		size = min(size, min(skip, s.deep)+s.request.Limit+1)
	}
	for {
		r := &ranking{keys: s.view, sort: s.sort, size: size, after: after}
		var page []ref
		err := guard(func() (err error) {
			if err = feed(r); err == nil {
				page, after, err = r.page(skip)
			}
			return err
		})
		if err != nil {
			return false, err
		}
		skip -= min(skip, len(r.kept))
		for _, next := range page {
			if !yield(next, nil) {
				return false, nil
			}
		}
		if len(r.kept) < size {
			return true, nil
		}
		size = s.deep
	}
}

// add adds the documents of a set to a ranking by time.
func (s *session) add(docs docset, r *ranking) error {
	r.expect(docs.count())
	for i, b := range docs {
		n := 0
		for it := b.Iterator(); it.HasNext(); n++ {
			doc := it.Next()
			time, err := s.view.time(i, doc)
			if err != nil {
				return err
			}
			r.add(ranked{number: s.view.first[i] + uint64(doc), time: time})
			if n%checkEvery == 0 && s.ctx.Err() != nil {
				return s.ctx.Err()
			}
		}
	}
	return nil
}

const checkEvery = 1024 // documents between looks at whether the answer is still wanted

// addScored adds all documents that match to a ranking, with their scores, and sets the total.
func (s *session) addScored(r *ranking) error {
	found, err := s.found()
	if err != nil {
		return err
	}
	s.total = found.count()
	r.expect(s.total)
	return s.view.eachScore(s.root, found, func(first uint64, docs []uint32, scores []float64) error {
		for i, doc := range docs {
			if !r.full || scores[i] >= r.least() {
				r.add(ranked{number: first + uint64(doc), score: scores[i]})
			}
		}
		return s.ctx.Err()
	})
}

// least is the score of the last that is to be kept.
func (r *ranking) least() float64 { return r.kept[r.size-1].score }
