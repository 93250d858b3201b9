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
	pieces   []piece
	channels map[uint32]bool // that count, nil if all do
	kinds    []uint8
	from, to int64
}

// Select finds the messages of a selection and counts them.
func (v *View) Select(sel Selection) (*Selected, error) {
	out := &Selected{view: v, kinds: sel.Kinds, from: sel.From, to: cmp.Or(sel.To, math.MaxInt64)}
	var err error
	switch {
	case sel.Authors != nil:
		err = out.ofAuthors(sel.Authors, sel.Channels)
	case sel.Channels != nil:
		err = out.ofChannels(sel.Channels)
	default:
		err = v.pieces(channelList, nil, 0, func(p piece) bool { out.add(p); return true })
	}
	if err == nil {
		err = out.count()
	}
	return out, err
}

func (s *Selected) ofAuthors(authors []string, channels []uint32) error {
	if channels != nil {
		s.channels = map[uint32]bool{}
		for _, c := range channels {
			s.channels[c] = true
		}
	}
	groups := make([]uint64, len(authors))
	for i, a := range authors {
		groups[i] = s.view.store.group(a)
	}
	return s.groups(authorList, groups)
}

func (s *Selected) ofChannels(channels []uint32) error {
	groups := make([]uint64, len(channels))
	for i, c := range channels {
		groups[i] = uint64(c)
	}
	return s.groups(channelList, groups)
}

// groups adds the pieces of some groups of a list.
func (s *Selected) groups(list string, groups []uint64) error {
	slices.Sort(groups)
	for _, g := range slices.Compact(groups) {
		if err := s.view.pieces(list, &g, s.from, s.add); err != nil {
			return err
		}
	}
	return nil
}

// add adds a piece that reaches into the time asked for; more is false when later ones do not.
func (s *Selected) add(p piece) (more bool) {
	if p.first < s.to && p.last >= s.from {
		s.pieces = append(s.pieces, p)
	}
	return p.first < s.to
}

// pieces calls each with the pieces of a list: all of them, or those of one group from the block on that holds a second
// until each wants no more.
func (v *View) pieces(list string, group *uint64, from int64, each func(piece) (more bool)) error {
	c := v.tx.Bucket([]byte(list)).Cursor()
	var key, stored []byte
	if group == nil {
		key, stored = c.First()
	} else {
		start := item{*group, Message{Key: Key{Second: max(from, 0)}}}
		key, stored = floor(c, start.key())
	}
	for more := true; key != nil && more; key, stored = c.Next() {
		if group != nil && len(key) == keyLength && binary.BigEndian.Uint64(key) > *group {
			return nil
		}
		value, err := unseal(list, key, stored)
		if err != nil {
			return err
		}
		err = parseBlock(value, func(p piece) {
			if more && (group == nil || p.group == *group) {
				more = each(p)
			}
		})
		if err != nil {
			return err
		}
	}
	return v.ctx.Err()
}

// whole tells whether all messages of a piece count.
func (s *Selected) whole(p *piece) bool {
	return s.channels == nil && s.kinds == nil && p.first >= s.from && p.last < s.to
}

func (s *Selected) counts(m *Message) bool {
	return m.Second >= s.from && m.Second < s.to && (s.channels == nil || s.channels[m.Channel]) &&
		(s.kinds == nil || slices.Contains(s.kinds, m.Kind))
}

func (s *Selected) count() error {
	var messages []Message
	for i := range s.pieces {
		p := &s.pieces[i]
		if s.whole(p) {
			s.Total += uint64(p.messages)
			continue
		}
		var err error
		if messages, err = p.appendTo(messages[:0]); err != nil {
			return err
		}
		for i := range messages {
			if s.counts(&messages[i]) {
				s.Total++
			}
		}
	}
	return nil
}

// Kinds counts the messages of every kind.
func (v *View) Kinds() (Kinds, error) {
	var kinds Kinds
	return kinds, get(v.tx, kindsKey, &kinds)
}

// Channels counts the messages of every channel.
func (v *View) Channels() (map[uint32]uint64, error) {
	out := map[uint32]uint64{}
	err := v.pieces(channelList, nil, 0, func(p piece) bool {
		out[uint32(p.group)] += uint64(p.messages)
		return true
	})
	return out, err
}

// Span gives the seconds of the first and the last message; the first is later if there are none.
func (v *View) Span() (first, last int64, err error) {
	first, last = math.MaxInt64, -1
	err = v.pieces(channelList, nil, 0, func(p piece) bool {
		first, last = min(first, p.first), max(last, p.last)
		return true
	})
	return first, last, err
}

// Since counts the messages from each of some ascending seconds on up to the next one.
func (v *View) Since(begins []int64) ([]uint64, error) {
	counts := make([]uint64, len(begins)+1) // counts[i] lies before begins[i]
	at := func(second int64) *uint64 {
		n, _ := slices.BinarySearch(begins, second+1)
		return &counts[n]
	}
	var messages []Message
	var damage error
	err := v.pieces(channelList, nil, 0, func(p piece) bool {
		if first := at(p.first); first == at(p.last) {
			*first += uint64(p.messages)
			return true
		}
		if messages, damage = p.appendTo(messages[:0]); damage != nil {
			return false
		}
		for _, m := range messages {
			*at(m.Second)++
		}
		return true
	})
	return counts[1:], cmp.Or(damage, err)
}

// Author is how many messages an author wrote.
type Author struct {
	Group    uint64 // the author's, see View.Group
	Messages uint64
	first    piece
}

// Sample gives one of the author's messages, from which to learn who that is, as long as the view is good.
func (a *Author) Sample() (Message, error) { return a.first.firstMessage() }

// Group gives the number under which authors are known.
func (v *View) Group(author string) uint64 { return v.store.group(author) }

// Authors counts the messages of every author, by ascending group.
func (v *View) Authors() (authors []Author, err error) {
	err = v.pieces(authorList, nil, 0, func(p piece) bool {
		if n := len(authors); n == 0 || authors[n-1].Group != p.group {
			authors = append(authors, Author{Group: p.group, first: p})
		}
		authors[len(authors)-1].Messages += uint64(p.messages)
		return true
	})
	return authors, err
}
