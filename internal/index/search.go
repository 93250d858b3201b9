package index

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"archiver/internal/storage"

	"github.com/blevesearch/bleve_index_api"
)

const (
	deepPage = 10000 // hits fetched at a time; each page costs a pass
	loadSize = 200   // messages held at a time
	monthly  = 10    // times deepPage: so many hits are looked at month by month
)

// Search calls each with every hit in order, up to the limit, and sums up. All of an answer comes from one view of the
// index, whatever is written meanwhile. Memory does not grow with the number of hits. Without each, hits are counted
// and paged but not read. An error is a *SyntaxError where the request cannot be carried out as it stands, ErrCursor,
// ErrDamaged, or what each returned.
//
// Without a limit hits are streamed; a read-only index keeps writers out until the last one.
func (ix *Index) Search(ctx context.Context, a *storage.Archive, r Request, each func(Hit) error) (*Answer, error) {
	started := time.Now()
	var answer *Answer
	err := ix.begin(ctx, a, r, func(s *session) (err error) {
		if answer, err = ix.browse(s, each); answer != nil || err != nil {
			return err
		}
		if err = guard(s.compile); err == nil {
			answer, err = s.search(each)
		}
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("search: %w", err)
	}
	answer.TookMS = time.Since(started).Milliseconds()
	return answer, nil
}

// session is one search on one view of the index.
type session struct {
	ctx      context.Context
	archive  *storage.Archive
	request  Request
	reader   index.IndexReader
	at       state
	channels []string // ids by number
	names    *directory
	texts    Texts
	columns  *columns
	recent   *recent
	view     *view
	root     clause
	matching docset // what root matches, once it was looked for
	marks    []mark
	notes    []string
	sort     string
	cost     uint64 // estimated, in nanoseconds
	total    uint64
	deep     int // documents ranked at a time: deepPage but in tests
}

// session prepares a search in bleve and calls f.
func (ix *Index) session(ctx context.Context, a *storage.Archive, r Request, f func(*session) error) error {
	return ix.begin(ctx, a, r, func(s *session) error {
		if err := guard(s.compile); err != nil {
			return err
		}
		return f(s)
	})
}

// begin takes a view for a search and calls f.
func (ix *Index) begin(ctx context.Context, a *storage.Archive, r Request, f func(*session) error) error {
	r, err := r.withDefaults()
	if err != nil {
		return err
	}
	names, err := ix.directory(ctx, a)
	if err != nil {
		return err
	}
	return ix.read(func(reader index.IndexReader, at state) error {
		if err := at.check(a); err != nil {
			return err
		}
		s := &session{ctx: ctx, archive: a, request: r, reader: reader, at: at, names: names, texts: ix.texts, columns: &ix.columns,
			recent: &ix.recent, deep: deepPage}
		if s.channels, err = ix.channelIDs(reader, at); err != nil {
			return err
		}
		if s.view, err = newView(reader); err != nil {
			return err
		}
		ix.columns.keepTimes(s.view)
		return f(s)
	})
}

func (s *session) compile() (err error) {
	c := s.compiler()
	s.root, err = c.request(&s.request)
	s.marks, s.notes = c.marks, c.notes
	if s.sort = s.request.Sort; s.sort == byScore && !c.scores {
		s.sort = newest // what byScore amounts to where all scores are 0
	}
	if err != nil {
		return err
	}
	s.cost = c.looked + s.root.cost(s.sort == byScore)
	return c.afford(s.cost)
}

func (s *session) compiler() *compiler {
	return &compiler{query: s.request.Query.text, reader: s.reader, view: s.view, names: s.names, loc: s.request.Location,
		unlimited: s.request.Limit == 0, others: s.view.live != s.at.Messages}
}

func (s *session) search(each func(Hit) error) (*Answer, error) {
	r := &s.request
	var after *cursor
	if r.Cursor != "" {
		c, err := parseCursor(r.Cursor, r.hash())
		if err != nil {
			return nil, err
		}
		after = &c
	}
	returned, last, more, err := s.deliver(s.refs(after), each)
	if err != nil {
		return nil, err
	}
	answer := s.answer(returned, last, more)
	answer.Facets, err = s.facets()
	return answer, err
}

// answer ends the hits; more tells whether others follow the last one.
func (s *session) answer(returned int, last ref, more bool) *Answer {
	answer := &Answer{Total: s.total, Returned: returned, Covers: s.covers()}
	if more {
		answer.Next = cursor{s.request.hash(), last.score, last.id}.String()
	}
	return answer
}

// covers says what the answer rests on.
func (s *session) covers() Covers {
	newest := s.archive.Change()
	c := Covers{Messages: s.at.Messages, Change: s.at.Change, Complete: s.at.Change >= newest, Notes: s.notes}
	if !c.Complete {
		c.Notes = append(c.Notes, fmt.Sprintf("the index holds the archive up to change %d of %d", s.at.Change, newest))
	}
	if note := s.pendingFiles(); note != "" {
		c.Complete = c.Complete && s.texts == nil // then nobody wants it
		c.Notes = append(c.Notes, note)
	}
	if c.Notes == nil {
		c.Notes = []string{}
	}
	return c
}

// deliver passes on the hits of a page; more tells whether others follow the last one.
func (s *session) deliver(refs iter.Seq2[ref, error], each func(Hit) error) (returned int, last ref, more bool, err error) {
	batch := make([]ref, 0, loadSize)
	flush := func() error {
		err := s.load(batch, each)
		returned += len(batch)
		batch = batch[:0]
		return err
	}
	for next, err := range refs {
		if err != nil {
			return returned, last, false, err
		}
		if s.request.Limit > 0 && returned+len(batch) == s.request.Limit {
			more = true
			break
		}
		batch = append(batch, next)
		last = next
		if len(batch) == loadSize {
			if err := flush(); err != nil {
				return returned, last, false, err
			}
		}
	}
	return returned, last, more, flush()
}

// ref is a document that matches.
type ref struct {
	id    string
	score float64
}

// refs gives the documents that match, in order, those behind after if it is set, without the first Offset. It sets
// the total before the first.
func (s *session) refs(after *cursor) iter.Seq2[ref, error] {
	return func(yield func(ref, error) bool) {
		var err error
		if s.sort == byScore {
			err = s.byScore(after, yield)
		} else {
			err = s.byTime(after, yield)
		}
		if err != nil {
			yield(ref{}, err)
		}
	}
}

// byScore gives what follows after by score. Every page is a pass over all that matches.
func (s *session) byScore(after *cursor, yield func(ref, error) bool) error {
	_, err := s.ranked(s.request.Offset, after, s.addScored, yield)
	return err
}

// found gives the documents that match.
func (s *session) found() (docset, error) {
	if s.matching != nil {
		return s.matching, nil
	}
	err := guard(func() (err error) { s.matching, err = s.root.docs(s.view); return err })
	return s.matching, err
}

// byTime gives what follows after by time: of many month by month, so that a page costs a pass over the months it lies in.
// To look at the keys of fewer is cheaper than to look for their months.
func (s *session) byTime(after *cursor, yield func(ref, error) bool) error {
	found, err := s.found()
	if err != nil {
		return err
	}
	s.total = found.count()
	if s.total <= monthly*uint64(s.deep) {
		_, err := s.ranked(s.request.Offset, after, func(r *ranking) error { return s.add(found, r) }, yield)
		return err
	}
	months, err := s.calendar(found)
	if err != nil {
		return err
	}
	skip := s.request.Offset
	for _, m := range fromMonth(months.months, after, s.sort) {
		n, err := months.count(m)
		if err != nil {
			return err
		}
		if after == nil && uint64(skip) >= n {
			skip -= int(n)
			continue
		}
		docs, err := months.docs(m)
		if err != nil {
			return err
		}
		more, err := s.ranked(skip, after, func(r *ranking) error { return s.add(docs, r) }, yield)
		if err != nil || !more {
			return err
		}
		skip = 0
	}
	return nil
}

// fromMonth gives the months from that of after on, in the order of a sort by time.
func fromMonth(months []string, after *cursor, sort string) []string {
	if sort == newest {
		slices.Reverse(months)
	}
	if after == nil {
		return months
	}
	this := dayOf(tsOfKey(after.id).Second())[:len("200601")]
	return slices.DeleteFunc(months, func(m string) bool {
		if sort == newest {
			return m > this
		}
		return m < this
	})
}

// months gives the months of the index in order.
func (s *session) months() (months []string, err error) {
	err = guard(func() error {
		c := compiler{reader: s.reader}
		p, err := c.periods(fieldMonth, "", "200601", always)
		months = p.whole
		return err
	})
	return months, err
}
