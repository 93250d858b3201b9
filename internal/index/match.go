package index

import (
	"bytes"
	"cmp"
	"context"
	"errors"
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
	found  []place
}

// place is a message's channel, by rank, and the ts as keys have it.
type place struct {
	rank uint32
	ts   [keyTS]byte
}

// errTooMany says that there is more to sort than the limit.
var errTooMany = errors.New("too many to sort at once")

func newMatcher(s *session, limit int, each func(string, record.TS) error) *matcher {
	m := &matcher{session: s, each: each, byRank: sortedNumbers(s.channels), rank: make([]uint32, len(s.channels)), limit: limit}
	for rank, number := range m.byRank {
		m.rank[number] = uint32(rank)
	}
	return m
}

func (m *matcher) all() error {
	err := m.give(m.root, m.limit)
	if !errors.Is(err, errTooMany) {
		return err
	}
	for _, n := range m.byRank {
		if err := m.channel(narrowed(m.root, anyClause{fieldChannel, []string{m.channels[n]}, 0})); err != nil {
			return err
		}
	}
	return nil
}

func (m *matcher) channel(root clause) error {
	err := m.give(root, m.limit)
	if !errors.Is(err, errTooMany) {
		return err
	}
	months, err := m.months()
	if err != nil {
		return err
	}
	for _, month := range months {
		if err := m.give(narrowed(root, anyClause{fieldMonth, []string{month}, 0}), 0); err != nil {
			return err
		}
	}
	return nil
}

// give passes on what a clause matches, in order, unless there is more than limit (0 is none) of it.
func (m *matcher) give(root clause, limit int) error {
	m.found = m.found[:0]
	if err := guard(func() error { return m.gather(root, limit) }); err != nil {
		return err
	}
	slices.SortFunc(m.found, func(a, b place) int {
		return cmp.Or(cmp.Compare(a.rank, b.rank), bytes.Compare(a.ts[:], b.ts[:]))
	})
	for _, p := range slices.Compact(m.found) { // versions of one message are equal
		if err := m.each(m.channels[m.byRank[p.rank]], tsOfKey(string(p.ts[:]))); err != nil {
			return err
		}
	}
	return nil
}

// gather collects what a clause matches.
func (m *matcher) gather(root clause, limit int) error {
	docs, err := root.docs(m.view)
	if err != nil {
		return err
	}
	if limit > 0 && docs.count() > uint64(limit) {
		return errTooMany
	}
	return m.view.each(docs, func(_ int, _ uint32, id string) error {
		if len(m.found)%1024 == 0 && m.ctx.Err() != nil {
			return m.ctx.Err()
		}
		k, err := m.key(id)
		if err != nil {
			return err
		}
		if k.file != "" && k.ts == "" { // no message shows the file
			return nil
		}
		m.found = append(m.found, place{m.rank[k.channel], [keyTS]byte([]byte(id[:keyTS]))})
		return nil
	})
}
