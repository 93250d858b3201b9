package index

import (
	"context"
	"fmt"
	"iter"
	"slices"
	"time"

	"archiver/internal/storage"

	"github.com/blevesearch/bleve/v2/search"
	"github.com/blevesearch/bleve/v2/search/collector"
	"github.com/blevesearch/bleve_index_api"
)

const (
	pageSize = 1000  // hits fetched at first
	deepPage = 10000 // hits fetched at a time when more are wanted; each page costs a pass
	loadSize = 200   // messages held at a time
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
	root     clause
	marks    []mark
	notes    []string
	total    uint64
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
		s := &session{ctx: ctx, archive: a, request: r, reader: reader, at: at, names: names}
		if s.channels, err = ix.channelIDs(reader, at); err != nil {
			return err
		}
		return f(s)
	})
}

func (s *session) compile() (err error) {
	c := &compiler{query: s.request.Query.text, reader: s.reader, names: s.names, loc: s.request.Location}
	s.root, err = c.request(&s.request)
	s.marks, s.notes = c.marks, c.notes
	return err
}

func (s *session) search(each func(Hit) error) (*Answer, error) {
	r := &s.request
	var after []string
	if r.Cursor != "" {
		c, err := parseCursor(r.Cursor, r.hash())
		if err != nil {
			return nil, err
		}
		after = c.after(r.Sort)
	}
	want := 0
	if r.Limit > 0 {
		want = r.Offset + r.Limit + 1
	}
	returned, last, more, err := s.deliver(s.refs(want, after), each)
	if err != nil {
		return nil, err
	}
	return s.answer(returned, last, more), nil
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
	if c.Notes == nil {
		c.Notes = []string{}
	}
	return c
}

// deliver passes on the hits of a page; more tells whether others follow the last one.
func (s *session) deliver(refs iter.Seq2[ref, error], each func(Hit) error) (returned int, last ref, more bool, err error) {
	skip := s.request.Offset
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
		if skip > 0 {
			skip--
			continue
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

// refs gives the documents that match, in order, those behind after if it is set. It sets the total before the first.
// want is how many the caller means to take, 0 for all; it may take fewer.
func (s *session) refs(want int, after []string) iter.Seq2[ref, error] {
	return func(yield func(ref, error) bool) {
		size := pageSize
		if want > 0 {
			size = min(size, want)
		}
		page, total, err := s.page(size, after, nil)
		s.total = total
		last, ok := give(page, err, yield)
		if !ok || len(page) < size {
			return
		}
		if s.request.Sort == byScore {
			s.deep(last, yield)
			return
		}
		s.byMonth(last, yield)
	}
}

// give passes on a page; ok is false when the caller wants no more.
func give(page []ref, err error, yield func(ref, error) bool) (last ref, ok bool) {
	if err != nil {
		yield(ref{}, err)
		return last, false
	}
	for _, last = range page {
		if !yield(last, nil) {
			return last, false
		}
	}
	return last, true
}

// deep gives what follows last by score. Every page is a pass over all that matches.
func (s *session) deep(last ref, yield func(ref, error) bool) {
	for {
		page, _, err := s.page(deepPage, cursor{0, last.score, last.id}.after(byScore), nil)
		var ok bool
		if last, ok = give(page, err, yield); !ok || len(page) < deepPage {
			return
		}
	}
}

// byMonth gives what follows last by time, month by month, so that a page is a pass over one month only.
func (s *session) byMonth(last ref, yield func(ref, error) bool) {
	months, err := s.months()
	if err != nil {
		yield(ref{}, err)
		return
	}
	for _, m := range fromMonth(months, last, s.request.Sort) {
		for {
			page, _, err := s.page(deepPage, []string{last.id}, monthClause(m))
			next, ok := give(page, err, yield)
			if !ok {
				return
			}
			if len(page) < deepPage {
				break
			}
			last = next
		}
	}
}

// fromMonth gives the months from that of last on, in the order of a sort by time.
func fromMonth(months []string, last ref, sort string) []string {
	this := dayOf(tsOfKey(last.id).Second())[:len("200601")]
	if sort == newest {
		slices.Reverse(months)
		return slices.DeleteFunc(months, func(m string) bool { return m > this })
	}
	return slices.DeleteFunc(months, func(m string) bool { return m < this })
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

func monthClause(month string) clause { return anyClause{fieldMonth, []string{month}, 0} }

// page gives the first matches behind after, and how many match in all. extra, when set, narrows both.
func (s *session) page(size int, after []string, extra clause) (page []ref, total uint64, err error) {
	root := s.root
	if extra != nil {
		root = narrowed(root, extra)
	}
	var c *collector.TopNCollector
	if after == nil {
		c = collector.NewTopNCollector(size, 0, s.order())
	} else {
		c = collector.NewTopNCollectorAfter(size, s.order(), after)
	}
	if err := guard(func() error { return s.collect(root, c) }); err != nil {
		return nil, 0, err
	}
	for _, d := range c.Results() {
		page = append(page, ref{d.ID, d.Score})
	}
	return page, c.Total(), nil
}

func (s *session) collect(root clause, c *collector.TopNCollector) error {
	scope := &scope{ctx: s.ctx, reader: s.reader}
	if s.request.Sort != byScore {
		scope = scope.unscored()
	}
	searcher, err := root.searcher(scope)
	if err != nil {
		return err
	}
	err = c.Collect(s.ctx, searcher, s.reader)
	return closeAll(err, searcher)
}

func (s *session) order() search.SortOrder {
	switch s.request.Sort {
	case oldest:
		return search.SortOrder{&search.SortDocID{}}
	case newest:
		return search.SortOrder{&search.SortDocID{Desc: true}}
	default:
		return search.SortOrder{&search.SortScore{Desc: true}, &search.SortDocID{Desc: true}}
	}
}
