package timeline

import (
	"cmp"
	"context"
	"encoding/binary"
	"fmt"
	"math"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// View is a timeline at one moment.
type View struct {
	Change uint64 // of the owner, up to which everything is held
	ctx    context.Context
	store  *Store
	tx     *bolt.Tx
}

// View calls f with a view, which is good until f returns.
func (s *Store) View(ctx context.Context, f func(*View) error) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	return s.db.View(func(tx *bolt.Tx) error {
		state := &State{}
		if err := get(tx, stateKey, state); err != nil {
			return err
		}
		if state.Format != format || state.Owner != s.owner {
			return fmt.Errorf("%w of this archive and format", ErrNone)
		}
		for _, name := range buckets {
			if tx.Bucket([]byte(name)) == nil {
				return fmt.Errorf("%w: no bucket %s", ErrDamaged, name)
			}
		}
		return f(&View{state.Change, ctx, s, tx})
	})
}

// Selection narrows what is asked for. Nil narrows nothing, an empty list leaves nothing.
type Selection struct {
	Channels []uint32
	Authors  []string
	Kinds    []uint8
	From, To int64 // seconds, half-open; To 0 is no end
}

// Selected is what a selection gives.
type Selected struct {
	Total    uint64
	view     *View
	list     string
	groups   []uint64        // of the list
	channels map[uint32]bool // that count, nil if all do
	kinds    []uint8
	from, to int64
}

// Select finds the messages of a selection and counts them.
func (v *View) Select(sel Selection) (*Selected, error) {
	out := &Selected{view: v, kinds: sel.Kinds, from: max(sel.From, 0), to: cmp.Or(sel.To, math.MaxInt64)}
	switch {
	case sel.Authors != nil:
		out.ofAuthors(sel.Authors, sel.Channels)
	case sel.Channels != nil:
		out.list = channelList
		for _, c := range sel.Channels {
			out.groups = append(out.groups, uint64(c))
		}
	default:
		out.list, out.groups = timeList, []uint64{0}
	}
	slices.Sort(out.groups)
	out.groups = slices.Compact(out.groups)
	return out, out.count()
}

func (s *Selected) ofAuthors(authors []string, channels []uint32) {
	s.list = authorList
	for _, a := range authors {
		s.groups = append(s.groups, s.view.store.group(a))
	}
	if channels == nil {
		return
	}
	s.channels = map[uint32]bool{}
	for _, c := range channels {
		s.channels[c] = true
	}
}

// scan goes through the pieces of a group in an order of time.
type scan struct {
	view        *View
	list        string
	group       uint64
	order       Order
	cursor      *bolt.Cursor
	key, stored []byte // of the block that is read next; nil at the end
}

// lastKey is no less than any key.
var lastKey = Key{1<<40 - 1, 1<<24 - 1, 1<<24 - 1}

// scan begins with the piece that a key lies in.
func (v *View) scan(list string, group uint64, order Order, from Key) *scan {
	s := &scan{view: v, list: list, group: group, order: order, cursor: v.tx.Bucket([]byte(list)).Cursor()}
	start := item{group, Message{Key: from}}
	s.key, s.stored = floor(s.cursor, start.key())
	return s
}

// next gives the next piece, nil at the end.
func (s *scan) next() (found *piece, err error) {
	for s.key != nil && found == nil && err == nil {
		if len(s.key) != keyLength {
			return nil, errBlock
		}
		first := binary.BigEndian.Uint64(s.key)
		if first > s.group {
			return nil, s.view.ctx.Err()
		}
		value, damage := unseal(s.list, s.key, s.stored)
		if damage != nil {
			return nil, damage
		}
		var pieces []piece
		pieces, err = s.view.store.codec.parseBlock(value)
		i, ok := slices.BinarySearchFunc(pieces, s.group, func(p piece, group uint64) int { return cmp.Compare(p.group, group) })
		if ok {
			found = &pieces[i]
		}
		s.move(first)
	}
	return found, cmp.Or(err, s.view.ctx.Err())
}

// move goes to the next block; the one at hand begins with a group.
func (s *scan) move(first uint64) {
	switch {
	case s.order == OldestFirst:
		s.key, s.stored = s.cursor.Next()
	case first == s.group:
		s.key, s.stored = s.cursor.Prev()
	default:
		s.key = nil
	}
}

// whole tells whether all messages of a piece count.
func (s *Selected) whole(p *piece) bool {
	return s.channels == nil && s.kinds == nil && p.first >= s.from && p.last < s.to
}

func (s *Selected) counts(m *Message) bool {
	return m.Second >= s.from && m.Second < s.to && (s.channels == nil || s.channels[m.Channel]) &&
		(s.kinds == nil || slices.Contains(s.kinds, m.Kind))
}

// count sets the total: from counters if they have it, else from all pieces.
func (s *Selected) count() error {
	always := s.from == 0 && s.to == math.MaxInt64 && s.channels == nil
	if always && s.list == timeList {
		kinds, err := s.view.Kinds()
		for kind, n := range kinds {
			if s.kinds == nil || slices.Contains(s.kinds, uint8(kind)) {
				s.Total += n
			}
		}
		return err
	}
	for _, group := range s.groups {
		var n uint64
		var err error
		if always && s.kinds == nil {
			n, err = s.view.countOf(countersOf[s.list], group)
		} else {
			n, err = s.countIn(group)
		}
		if err != nil {
			return err
		}
		s.Total += n
	}
	return nil
}

// countIn counts what counts of a group.
func (s *Selected) countIn(group uint64) (n uint64, err error) {
	var messages []Message
	scan := s.view.scan(s.list, group, OldestFirst, Key{Second: s.from})
	for {
		p, err := scan.next()
		if err != nil || p == nil || p.first >= s.to {
			return n, err
		}
		if s.whole(p) {
			n += uint64(p.messages)
			continue
		}
		if messages, err = p.appendTo(messages[:0]); err != nil {
			return n, err
		}
		for i := range messages {
			if s.counts(&messages[i]) {
				n++
			}
		}
	}
}
