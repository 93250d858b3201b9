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

// count changes the counters of a list. names are those of new groups, nil if groups have none.
func (c *codec) count(tx *bolt.Tx, counters string, changes tally, names map[uint64]string) error {
	b := tx.Bucket([]byte(counters))
	parts := map[byte][]uint64{}
	for group := range changes {
		parts[byte(group)] = append(parts[byte(group)], group)
	}
	for part, groups := range parts {
		key := []byte{part}
		known, err := c.counters(counters, key, b.Get(key))
		if err != nil {
			return err
		}
		for _, group := range groups {
			n := known[group]
			if n.Messages == 0 {
				n.Name = names[group]
			}
			n.Messages += uint64(changes[group])
			if known[group] = n; n.Messages == 0 {
				delete(known, group)
			}
		}
		if err := b.Put(key, seal(counters, key, c.compress(nil, known.bytes()))); err != nil {
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

// counters are those of the groups whose numbers end with the same byte, which is their key.
type counters map[uint64]counter

// bytes gives for each group, in order, its number, its messages and its name.
func (c counters) bytes() (out []byte) {
	for _, group := range slices.Sorted(maps.Keys(c)) {
		out = binary.BigEndian.AppendUint64(out, group)
		out = binary.AppendUvarint(out, c[group].Messages)
		out = binary.AppendUvarint(out, uint64(len(c[group].Name)))
		out = append(out, c[group].Name...)
	}
	return out
}

// counters reads counters; nothing stored is none.
func (c *codec) counters(bucket string, key, stored []byte) (counters, error) {
	out := counters{}
	if stored == nil {
		return out, nil
	}
	value, err := unseal(bucket, key, stored)
	if err == nil {
		value, err = c.decompress(value)
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %s %x: %w", ErrDamaged, bucket, key, err)
	}
	d := decoder{rest: value}
	for len(d.rest) > 0 {
		group := binary.BigEndian.Uint64(d.take(8))
		n := d.uvarint()
		name := d.take(int(min(d.uvarint(), maxUnpacked)))
		out[group] = counter{n, string(name)}
	}
	if d.failed {
		return nil, fmt.Errorf("%w: %s %x", ErrDamaged, bucket, key)
	}
	return out, nil
}

// counted calls each with the counters of all groups.
func (v *View) counted(bucket string, each func(group uint64, c counter)) error {
	c := v.tx.Bucket([]byte(bucket)).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		found, err := v.store.codec.counters(bucket, key, stored)
		if err != nil {
			return err
		}
		for group, n := range found {
			each(group, n)
		}
	}
	return v.ctx.Err()
}

// countOf gives the number of a group's messages.
func (v *View) countOf(bucket string, group uint64) (uint64, error) {
	key := []byte{byte(group)}
	found, err := v.store.codec.counters(bucket, key, v.tx.Bucket([]byte(bucket)).Get(key))
	return found[group].Messages, err
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
		items, err := v.store.codec.blockItems(list, key, stored)
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
