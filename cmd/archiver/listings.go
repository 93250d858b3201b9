package main

import (
	"encoding/binary"
	"errors"
	"fmt"
	"slices"

	"archiver/internal/export"
	"archiver/internal/record"

	"github.com/go-json-experiment/json"
)

// listings tells on which of several lists messages stand, in 12 bytes for each that stands on any, however many lists
// there are. Lists are numbered from 0 and added in order.
type listings struct {
	sets     []listing          // the sets of lists that messages stand on; the first is empty
	numbers  map[listing]uint32 // their places
	channels map[string]*listed
}

// listing is a set of lists: an earlier one, by its place, and one list more.
type listing struct{ before, list uint32 }

// listed are the messages of a channel that stand on lists.
type listed struct {
	messages picks // as hits
	sets     []uint32
}

func newListings() *listings {
	return &listings{sets: make([]listing, 1), numbers: map[listing]uint32{}, channels: map[string]*listed{}}
}

// add enters messages of a channel, in order, on a list.
func (l *listings) add(list int, channel string, messages picks) {
	old := l.channels[channel]
	if old == nil {
		old = &listed{}
	}
	size := len(old.messages) + len(messages)
	all := &listed{make(picks, 0, size), make([]uint32, 0, size)}
	i := 0
	for _, m := range messages {
		m = m >> reasonBits << reasonBits
		for ; i < len(old.messages) && old.messages[i] < m; i++ {
			all.append(old.messages[i], old.sets[i])
		}
		before := uint32(0)
		if i < len(old.messages) && old.messages[i] == m {
			before = old.sets[i]
			i++
		}
		all.append(m, l.with(before, list))
	}
	all.messages, all.sets = append(all.messages, old.messages[i:]...), append(all.sets, old.sets[i:]...)
	l.channels[channel] = all
}

func (l *listed) append(message uint64, set uint32) {
	l.messages, l.sets = append(l.messages, message), append(l.sets, set)
}

// with gives the place of a set and one list more.
func (l *listings) with(before uint32, list int) uint32 {
	set := listing{before, uint32(list)}
	n, known := l.numbers[set]
	if !known {
		n = uint32(len(l.sets))
		l.sets, l.numbers[set] = append(l.sets, set), n
	}
	return n
}

// of gives the lists that a message stands on, in order.
func (l *listings) of(channel string, ts record.TS) (lists []int) {
	c := l.channels[channel]
	if c == nil {
		return nil
	}
	i, found := slices.BinarySearch(c.messages, pick(ts, export.ReasonHit))
	if !found {
		return nil
	}
	for n := c.sets[i]; n != 0; n = l.sets[n].before {
		lists = append(lists, int(l.sets[n].list))
	}
	slices.Reverse(lists)
	return lists
}

var errListings = errors.New("what is on which list cannot be read")

// keptListings is how the ledger keeps listings.
type keptListings struct {
	Sets     []uint32          `json:"sets"`     // all but the empty one: place of the earlier set, list
	Channels map[string][]byte `json:"channels"` // uvarints: a message, as how much it is more than the one before; its set
}

// MarshalJSON writes what the ledger keeps.
func (l *listings) MarshalJSON() ([]byte, error) {
	kept := keptListings{Channels: map[string][]byte{}}
	for _, set := range l.sets[1:] {
		kept.Sets = append(kept.Sets, set.before, set.list)
	}
	for channel, c := range l.channels {
		last := uint64(0)
		for i, m := range c.messages {
			kept.Channels[channel] = binary.AppendUvarint(kept.Channels[channel], m-last)
			kept.Channels[channel] = binary.AppendUvarint(kept.Channels[channel], uint64(c.sets[i]))
			last = m
		}
	}
	return json.Marshal(kept, json.Deterministic(true))
}

// UnmarshalJSON reads what the ledger kept.
func (l *listings) UnmarshalJSON(text []byte) error {
	var kept keptListings
	if err := json.Unmarshal(text, &kept); err != nil {
		return err
	}
	*l = *newListings()
	for pair := range slices.Chunk(kept.Sets, 2) {
		if len(pair) < 2 || int(pair[0]) >= len(l.sets) {
			return errListings
		}
		l.with(pair[0], int(pair[1]))
	}
	for channel, packed := range kept.Channels {
		c, err := l.unpack(packed)
		if err != nil {
			return fmt.Errorf("channel %s: %w", channel, err)
		}
		l.channels[channel] = c
	}
	return nil
}

func (l *listings) unpack(packed []byte) (*listed, error) {
	c, last := &listed{}, uint64(0)
	for len(packed) > 0 {
		more, n := binary.Uvarint(packed)
		set, m := binary.Uvarint(packed[max(n, 0):])
		if n <= 0 || m <= 0 || set >= uint64(len(l.sets)) {
			return nil, errListings
		}
		last, packed = last+more, packed[n+m:]
		c.append(last, uint32(set))
	}
	return c, nil
}
