package index

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// matchMemory is how many messages Match sorts at once, in 12 bytes each. Beyond it it goes channel by channel, and
// in a channel with more month by month.
const matchMemory = 1 << 20

// Match calls each with every matching message by (channel, ts), each message once. Sort, Limit, Offset and Cursor of
// the request are not used. Errors are as those of Search.
func (ix *Index) Match(ctx context.Context, a *storage.Archive, r Request, each func(channel string, ts record.TS) error) error {
	r.Sort = oldest
	err := ix.session(ctx, a, r, func(s *session) error {
		return newMatcher(s, matchMemory, each).all()
	})
	if err != nil {
		return fmt.Errorf("match: %w", err)
	}
	return nil
}

// sortedNumbers gives the numbers of channels by their ids.
func sortedNumbers(ids []string) []uint32 {
	numbers := make([]uint32, len(ids))
	for n := range ids {
		numbers[n] = uint32(n)
	}
	slices.SortFunc(numbers, func(a, b uint32) int { return cmp.Compare(ids[a], ids[b]) })
	return numbers
}

// matcher gives matches by (channel, ts), though documents lie in no order.
type matcher struct {
	*session
	each   func(string, record.TS) error
	byRank []uint32 // channel numbers by id
	rank   []uint32 // the place of a channel number among them
	limit  int      // matches to sort at once
	places []place  // of those
}

// place is a message's channel, by rank, and the ts as keys have it.
type place struct {
	rank uint32
	ts   [keyTS]byte
}

func newMatcher(s *session, limit int, each func(string, record.TS) error) *matcher {
	m := &matcher{session: s, each: each, byRank: sortedNumbers(s.channels), rank: make([]uint32, len(s.channels)), limit: limit}
	for rank, number := range m.byRank {
		m.rank[number] = uint32(rank)
	}
	return m
}

func (m *matcher) all() error {
	docs, err := m.session.found()
	if err != nil {
		return err
	}
	if docs.count() <= uint64(m.limit) {
		return m.give(docs)
	}
	for _, n := range m.byRank {
		in, err := m.narrowed(docs, fieldChannel, m.channels[n])
		if err == nil {
			err = m.channel(in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

func (m *matcher) channel(docs docset) error {
	if docs.count() <= uint64(m.limit) {
		return m.give(docs)
	}
	months, err := m.months()
	if err != nil {
		return err
	}
	for _, month := range months {
		in, err := m.narrowed(docs, fieldMonth, month)
		if err == nil {
			err = m.give(in)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// narrowed gives the documents of a set with a term.
func (m *matcher) narrowed(docs docset, field, term string) (in docset, err error) {
	err = guard(func() error { in, err = m.view.any(field, []string{term}); return err })
	if err != nil {
		return nil, err
	}
	return in.and(docs), nil
}

// give passes on the messages of documents, in order.
func (m *matcher) give(docs docset) error {
	m.places = m.places[:0]
	if err := guard(func() error { return m.view.each(docs, m.gather) }); err != nil {
		return err
	}
	slices.SortFunc(m.places, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), bytes.Compare(a.ts[:], b.ts[:]))
	})
	for _, p := range slices.Compact(m.places) { // versions of one message are equal
		if err := m.each(m.channels[m.byRank[p.rank]], tsOfKey(string(p.ts[:]))); err != nil {
			return err
		}
	}
	return nil
}

// gather notes where a document's message stands.
func (m *matcher) gather(_ int, _ uint32, id string) error {
	if len(m.places)%1024 == 0 && m.ctx.Err() != nil {
		return m.ctx.Err()
	}
	k, err := m.key(id)
	if err != nil {
		return err
	}
	m.places = append(m.places, place{m.rank[k.channel], [keyTS]byte([]byte(id[:keyTS]))})
	return nil
}
