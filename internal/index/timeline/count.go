package timeline

import (
	"encoding/binary"
	"fmt"
	"maps"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// tally is by how much the numbers of messages of groups change.
type tally map[uint64]int

// apply changes the counters of a list. names are those of new groups, nil if groups have none.
func (t tally) apply(tx *bolt.Tx, counters string, names map[uint64]string) error {
	b := tx.Bucket([]byte(counters))
	for _, group := range slices.Sorted(maps.Keys(t)) {
		key := binary.BigEndian.AppendUint64(nil, group)
		c := counter{Name: names[group]}
		if stored := b.Get(key); stored != nil {
			var err error
			if c, err = parseCounter(counters, key, stored); err != nil {
				return err
			}
		}
		c.Messages += uint64(t[group])
		var err error
		if c.Messages == 0 {
			err = b.Delete(key)
		} else {
			value := append(binary.AppendUvarint(nil, c.Messages), c.Name...)
			err = b.Put(key, seal(counters, key, value))
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// counter is how many messages a group has.
type counter struct {
	Messages uint64
	Name     string // the author's
}

func parseCounter(counters string, key, stored []byte) (c counter, err error) {
	value, err := unseal(counters, key, stored)
	if err != nil {
		return c, err
	}
	messages, n := binary.Uvarint(value)
	if n <= 0 || len(key) != 8 {
		return c, fmt.Errorf("%w: %s %x", ErrDamaged, counters, key)
	}
	return counter{messages, string(value[n:])}, nil
}

// counted calls each with the counters of all groups, by group.
func (v *View) counted(counters string, each func(group uint64, c counter)) error {
	c := v.tx.Bucket([]byte(counters)).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		found, err := parseCounter(counters, key, stored)
		if err != nil {
			return err
		}
		each(binary.BigEndian.Uint64(key), found)
	}
	return v.ctx.Err()
}

// countOf gives the number of a group's messages.
func (v *View) countOf(counters string, group uint64) (uint64, error) {
	key := binary.BigEndian.AppendUint64(nil, group)
	stored := v.tx.Bucket([]byte(counters)).Get(key)
	if stored == nil {
		return 0, nil
	}
	c, err := parseCounter(counters, key, stored)
	return c.Messages, err
}

// Kinds counts the messages of every kind.
func (v *View) Kinds() (Kinds, error) {
	var kinds Kinds
	return kinds, get(v.tx, kindsKey, &kinds)
}

// Channels counts the messages of every channel that has any.
func (v *View) Channels() (map[uint32]uint64, error) {
	out := map[uint32]uint64{}
	err := v.counted(channelCounters, func(group uint64, c counter) { out[uint32(group)] = c.Messages })
	return out, err
}

// Author is how many messages an author wrote.
type Author struct {
	Author   string
	Messages uint64
}

// Authors counts the messages of every author that wrote any.
func (v *View) Authors() (authors []Author, err error) {
	err = v.counted(authorCounters, func(_ uint64, c counter) { authors = append(authors, Author{c.Name, c.Messages}) })
	return authors, err
}

// Span gives the seconds of the first and the last message; the first is later if there are none.
func (v *View) Span() (first, last int64, err error) {
	begin, err := v.scan(timeList, 0, OldestFirst, Key{}).next()
	if err != nil || begin == nil {
		return 0, -1, err
	}
	end, err := v.scan(timeList, 0, NewestFirst, lastKey).next()
	if err != nil || end == nil {
		return 0, -1, err
	}
	return begin.first, end.last, nil
}

// Since counts the messages from each of some ascending seconds on up to the next one.
func (v *View) Since(begins []int64) ([]uint64, error) {
	counts := make([]uint64, len(begins)+1) // counts[i] lies before begins[i]
	at := func(second int64) *uint64 {
		n, _ := slices.BinarySearch(begins, second+1)
		return &counts[n]
	}
	var messages []Message
	scan := v.scan(timeList, 0, OldestFirst, Key{})
	for {
		p, err := scan.next()
		if err != nil || p == nil {
			return counts[1:], err
		}
		if first := at(p.first); first == at(p.last) {
			*first += uint64(p.messages)
			continue
		}
		if messages, err = p.appendTo(messages[:0]); err != nil {
			return nil, err
		}
		for _, m := range messages {
			*at(m.Second)++
		}
	}
}

// Check reads everything and compares the counters with what they count.
func (v *View) Check() error {
	kinds, err := v.Kinds()
	if err != nil {
		return err
	}
	for list, counters := range map[string]string{timeList: "", channelList: channelCounters, authorList: authorCounters} {
		found, foundKinds, err := v.tally(list)
		if err != nil {
			return err
		}
		if foundKinds != kinds {
			return fmt.Errorf("%w: %s: messages of kinds %v, counted %v", ErrDamaged, list, foundKinds, kinds)
		}
		if counters == "" {
			continue
		}
		err = v.counted(counters, func(group uint64, c counter) { found[group] -= int(c.Messages) })
		if err != nil {
			return err
		}
		for group, n := range found {
			if n != 0 {
				return fmt.Errorf("%w: %s: group %x has %d messages more than counted", ErrDamaged, list, group, n)
			}
		}
	}
	return nil
}

// tally counts the messages in a list one by one.
func (v *View) tally(list string) (groups tally, kinds Kinds, err error) {
	groups = tally{}
	c := v.tx.Bucket([]byte(list)).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		items, err := blockItems(list, key, stored)
		if err != nil {
			return nil, kinds, err
		}
		for i := range items {
			groups[items[i].group]++
			kinds[items[i].Kind]++
		}
		if err := v.ctx.Err(); err != nil {
			return nil, kinds, err
		}
	}
	return groups, kinds, nil
}
