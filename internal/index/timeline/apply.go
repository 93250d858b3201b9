package timeline

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	bolt "go.etcd.io/bbolt"
)

// Put is a message that is new or has changed, with its author.
type Put struct {
	Message
	Author string
}

// Apply adds messages, or replaces them, and notes the change of the owner that this leads to. Of messages that come
// twice the last one counts.
func (s *Store) Apply(puts []Put, change uint64) error {
	s.mu.RLock()
	defer s.mu.RUnlock()
	err := s.db.Update(func(tx *bolt.Tx) error {
		kinds := &Kinds{}
		if err := get(tx, kindsKey, kinds); err != nil {
			return err
		}
		if err := s.apply(tx, kinds, puts); err != nil {
			return err
		}
		state := &State{Format: format, Owner: s.owner, Change: change}
		return errors.Join(put(tx, kindsKey, kinds), put(tx, stateKey, state))
	})
	if err != nil {
		return fmt.Errorf("timeline: %w", err)
	}
	s.written += uint64(len(puts))
	return nil
}

func (s *Store) apply(tx *bolt.Tx, kinds *Kinds, puts []Put) error {
	puts = lastOfEach(slices.SortedStableFunc(slices.Values(puts), comparePuts), comparePuts)
	names := map[uint64]string{}
	groups := map[string]uint64{}
	times, channels, authors := make([]item, len(puts)), make([]item, len(puts)), make([]item, len(puts))
	for i, p := range puts {
		group, ok := groups[p.Author]
		if !ok {
			group = s.group(p.Author)
			groups[p.Author], names[group] = group, p.Author
		}
		times[i], channels[i], authors[i] = item{0, p.Message}, item{uint64(p.Channel), p.Message}, item{group, p.Message}
	}
	err := s.codec.merge(tx, timeList, times, func(was *Message, is *item) {
		kinds[is.Kind]++
		if was != nil {
			kinds[was.Kind]--
		}
	})
	if err != nil {
		return err
	}
	known, err := s.codec.applyChannels(tx, channels)
	if err != nil {
		return err
	}
	return s.codec.applyAuthors(tx, authors, known, names)
}

// applyChannels puts messages into the list of channels. It gives the keys of those that were there already.
func (c *codec) applyChannels(tx *bolt.Tx, items []item) (known map[Key]bool, err error) {
	known, counts := map[Key]bool{}, tally{}
	err = c.merge(tx, channelList, items, func(was *Message, is *item) {
		if was != nil {
			known[is.Key] = true
		} else {
			counts[is.group]++
		}
	})
	if err != nil {
		return nil, err
	}
	return known, c.count(tx, channelCounters, counts, nil)
}

// applyAuthors puts messages into the list of authors; names are those of their groups.
func (c *codec) applyAuthors(tx *bolt.Tx, items []item, known map[Key]bool, names map[uint64]string) error {
	counts := tally{}
	err := c.merge(tx, authorList, items, func(was *Message, is *item) {
		if was != nil {
			delete(known, is.Key)
		} else {
			counts[is.group]++
		}
	})
	if err == nil && len(known) > 0 {
		err = c.dropFormer(tx, known, items, counts)
	}
	if err != nil {
		return err
	}
	return c.count(tx, authorCounters, counts, names)
}

// merge puts items, each once, into a list. put is called for each, with what stood there before.
func (c *codec) merge(tx *bolt.Tx, list string, items []item, put func(was *Message, is *item)) error {
	slices.SortFunc(items, func(a, b item) int { return a.compare(&b) })
	b := tx.Bucket([]byte(list))
	for len(items) > 0 {
		block, err := c.blockFor(list, b, &items[0])
		if err != nil {
			return err
		}
		n := len(items)
		if block.end != nil {
			n, _ = slices.BinarySearchFunc(items, block.end, func(i item, end []byte) int { return bytes.Compare(i.key(), end) })
		}
		if err := block.replace(c, list, b, join(block.items, items[:n], put)); err != nil {
			return err
		}
		items = items[n:]
	}
	return nil
}

func comparePuts(a, b Put) int { return a.Key.Compare(b.Key) }

// lastOfEach keeps the last of sorted values that are equal.
func lastOfEach[T any](sorted []T, compare func(a, b T) int) []T {
	out := sorted[:0]
	for i, v := range sorted {
		if i+1 == len(sorted) || compare(v, sorted[i+1]) != 0 {
			out = append(out, v)
		}
	}
	return out
}

// block is a block of a list that is being changed.
type block struct {
	key   []byte // nil if there is none
	items []item
	end   []byte // key of the next block, nil if there is none
}

// blockFor gives the block that an item belongs into.
func (c *codec) blockFor(list string, b *bolt.Bucket, i *item) (block, error) {
	at := b.Cursor()
	key, stored := floor(at, i.key())
	if key == nil {
		return block{}, nil
	}
	out := block{key: bytes.Clone(key)}
	var err error
	if out.items, err = c.blockItems(list, key, stored); err != nil {
		return out, err
	}
	end, _ := at.Next()
	out.end = bytes.Clone(end)
	return out, nil
}

// floor moves to the last key that is not greater than want, to the first key if there is none.
func floor(c *bolt.Cursor, want []byte) (key, value []byte) {
	key, value = c.Seek(want)
	switch {
	case key == nil:
		return c.Last()
	case bytes.Equal(key, want):
		return key, value
	}
	if key, value = c.Prev(); key == nil {
		return c.First()
	}
	return key, value
}

// blockItems gives the items of a stored block.
func (c *codec) blockItems(list string, key, stored []byte) (items []item, err error) {
	value, err := unseal(list, key, stored)
	if err != nil {
		return nil, err
	}
	pieces, err := c.parseBlock(value)
	if err != nil {
		return nil, err
	}
	var messages []Message
	for _, p := range pieces {
		if messages, err = p.appendTo(messages[:0]); err != nil {
			return nil, err
		}
		for _, m := range messages {
			items = append(items, item{p.group, m})
		}
	}
	return items, nil
}

// join merges sorted items with those that are put.
func join(old, puts []item, put func(was *Message, is *item)) []item {
	out := make([]item, 0, len(old)+len(puts))
	for i := range puts {
		for len(old) > 0 && old[0].compare(&puts[i]) < 0 {
			out, old = append(out, old[0]), old[1:]
		}
		if len(old) > 0 && old[0].compare(&puts[i]) == 0 {
			put(&old[0].Message, &puts[i])
			old = old[1:]
		} else {
			put(nil, &puts[i])
		}
		out = append(out, puts[i])
	}
	return append(out, old...)
}

// replace writes the items of a block, as several blocks of like size if they are too many.
func (old *block) replace(c *codec, list string, b *bolt.Bucket, items []item) error {
	if old.key != nil && (len(items) == 0 || !bytes.Equal(old.key, items[0].key())) {
		if err := b.Delete(old.key); err != nil {
			return err
		}
	}
	blocks := (len(items) + maxBlock - 1) / maxBlock
	for n := blocks; n > 0; n-- {
		size := (len(items) + n - 1) / n
		key := items[0].key()
		if err := b.Put(key, seal(list, key, c.appendBlock(nil, items[:size]))); err != nil {
			return err
		}
		items = items[size:]
	}
	return nil
}

// dropFormer takes messages out of the lists of authors that they do not have any more. That a message changes its
// author is so rare that all lists are looked through.
func (c *codec) dropFormer(tx *bolt.Tx, changed map[Key]bool, authors []item, counts tally) error {
	author := map[Key]uint64{}
	for _, i := range authors {
		author[i.Key] = i.group
	}
	b := tx.Bucket([]byte(authorList))
	var touched []block
	at := b.Cursor()
	for key, stored := at.First(); key != nil; key, stored = at.Next() {
		items, err := c.blockItems(authorList, key, stored)
		if err != nil {
			return err
		}
		n := len(items)
		items = slices.DeleteFunc(items, func(i item) bool {
			former := changed[i.Key] && i.group != author[i.Key]
			if former {
				counts[i.group]--
			}
			return former
		})
		if len(items) < n {
			touched = append(touched, block{key: bytes.Clone(key), items: items})
		}
	}
	for _, t := range touched {
		if err := t.replace(c, authorList, b, t.items); err != nil {
			return err
		}
	}
	return nil
}
