package storage

import (
	"bytes"
	"encoding/binary"

	bolt "go.etcd.io/bbolt"
)

// snapshot reads the database within one transaction. It must not outlive it.
type snapshot struct {
	tx        *bolt.Tx
	caches    *caches
	change    uint64 // the newest committed change
	lastBlock uint64 // the greatest block number

	counted map[bucket]uint64 // what counts gives, nil before it was asked
}

func newSnapshot(tx *bolt.Tx, c *caches) (*snapshot, error) {
	s := &snapshot{tx: tx, caches: c}
	for _, last := range []struct {
		in bucket
		to *uint64
	}{{bucketCommits, &s.change}, {bucketBlocks, &s.lastBlock}} {
		key, _ := s.bucket(last.in).Cursor().Last()
		if key == nil {
			continue
		}
		if len(key) != 8 {
			return nil, damagedAt(last.in, key, "key is no number")
		}
		*last.to = binary.BigEndian.Uint64(key)
	}
	return s, nil
}

// bucket gives a bucket.
func (s *snapshot) bucket(b bucket) *bolt.Bucket { return s.tx.Bucket([]byte(b)) }

// get gives the value under a key, nil when there is none. It is valid until the transaction ends.
func (s *snapshot) get(b bucket, key []byte) ([]byte, error) {
	stored := s.bucket(b).Get(key)
	if stored == nil {
		return nil, nil
	}
	return unseal(b, key, stored)
}

// scan calls each for the entries of a bucket whose keys begin with prefix, from the key from on.
func (s *snapshot) scan(b bucket, prefix, from []byte, each func(key, value []byte) error) error {
	c := s.bucket(b).Cursor()
	for key, stored := c.Seek(from); key != nil && bytes.HasPrefix(key, prefix); key, stored = c.Next() {
		value, err := unseal(b, key, stored)
		if err != nil {
			return err
		}
		if err := each(key, value); err != nil {
			return err
		}
	}
	return nil
}

// scanChannels calls each for the entries of a bucket whose keys begin with a channel's number, of all channels for "".
func (s *snapshot) scanChannels(b bucket, channel string, each func(id string, key, value []byte) error) error {
	ids, numbers, err := s.channels()
	if err != nil {
		return err
	}
	var prefix []byte
	if channel != "" {
		n, ok := numbers[channel]
		if !ok {
			return nil
		}
		prefix = uint32Key(n)
	}
	return s.scan(b, prefix, prefix, func(key, value []byte) error {
		if len(key) < 5 || int(binary.BigEndian.Uint32(key)) >= len(ids) {
			return damagedAt(b, key, "belongs to no channel")
		}
		return each(ids[binary.BigEndian.Uint32(key)], key, value)
	})
}

// counts gives the number of entries of each bucket, as the latest commit noted it. The map must not be changed.
func (s *snapshot) counts() (map[bucket]uint64, error) {
	if s.counted != nil {
		return s.counted, nil
	}
	value, err := s.get(bucketMeta, []byte(metaCounts))
	if err != nil {
		return nil, err
	}
	d, counts := decoder{rest: value}, make(map[bucket]uint64, len(buckets))
	for _, b := range buckets {
		counts[b] = d.uvarint()
	}
	if d.err != nil {
		return nil, damagedAt(bucketMeta, []byte(metaCounts), "%v", d.err)
	}
	s.counted = counts
	return counts, nil
}

// directory gives the sealed blocks of a stream. Blocks past lastBlock, of later transactions, may be among them.
func (s *snapshot) directory(st stream) (*directory, error) {
	s.caches.extending.Lock()
	defer s.caches.extending.Unlock()
	d, ok := s.caches.directories.get(st)
	if !ok {
		d = &directory{}
	}
	if ok && d.upTo >= s.lastBlock {
		return d, nil
	}
	total := d.total()
	var more []dirEntry
	err := s.scan(bucketDir, st.key(), st.blockKey(d.upTo+1), func(key, value []byte) error {
		h, rest, err := parseHeader(value)
		switch {
		case err != nil:
			return damagedAt(bucketDir, key, "%v", err)
		case len(key) != 12 || len(rest) > 0 || h.stream != st || h.count == 0:
			return damagedAt(bucketDir, key, "is not the header of a block of stream %d", st)
		case h.before != total:
			return damagedAt(bucketDir, key, "%d entries come before it, not %d", total, h.before)
		}
		total += uint64(h.count)
		more = append(more, dirEntry{h, binary.BigEndian.Uint64(key[4:])})
		return nil
	})
	if err != nil {
		return nil, err
	}
	d = d.extended(more, s.lastBlock)
	s.caches.directories.put(st, d)
	return d, nil
}

// tail gives the header of a stream's tail and its stored bytes. A stream without entries has an empty one.
func (s *snapshot) tail(st stream) (dirEntry, []byte, error) {
	value, err := s.get(bucketTails, st.key())
	if err != nil || value == nil {
		return dirEntry{}, nil, err
	}
	h, _, err := parseHeader(value)
	if err != nil || h.stream != st {
		return dirEntry{}, nil, damagedAt(bucketTails, st.key(), "is not the header of a tail of stream %d: %v", st, err)
	}
	return dirEntry{header: h}, value, nil
}

// layout gives the blocks of a stream in the order of their changes, the tail last if it is not empty.
func (s *snapshot) layout(st stream) (*directory, dirEntry, error) {
	d, err := s.directory(st)
	if err != nil {
		return nil, dirEntry{}, err
	}
	tail, value, err := s.tail(st)
	if err != nil {
		return nil, dirEntry{}, err
	}
	sealed := d.totalUpTo(s.lastBlock)
	if value == nil && sealed > 0 || tail.before != sealed {
		return nil, dirEntry{}, damaged(string(bucketTails), "stream %d: %d entries are sealed, the tail follows %d",
			st, sealed, tail.before)
	}
	return d, tail, nil
}

// block gives a decoded block.
func (s *snapshot) block(e dirEntry) (*block, error) {
	if b, ok := s.caches.blocks.get(e.id()); ok {
		return b, nil
	}
	b, err := s.decode(e)
	if err == nil {
		s.caches.blocks.put(e.id(), b)
	}
	return b, err
}

// decode reads a block past the cache.
func (s *snapshot) decode(e dirEntry) (*block, error) {
	in, key := bucketBlocks, uint64Key(e.number)
	if e.number == 0 {
		in, key = bucketTails, e.stream.key()
	}
	value, err := s.get(in, key)
	if err != nil {
		return nil, err
	}
	if value == nil {
		return nil, damagedAt(in, key, "block is missing")
	}
	b, err := s.caches.codec.decode(value)
	if err != nil {
		return nil, damagedAt(in, key, "%v", err)
	}
	if b.header != e.header {
		return nil, damagedAt(in, key, "block is not the one that the directory describes")
	}
	return b, nil
}

// channels gives the ids of channels by number (from 1) and the numbers by id. Channels of later transactions may be
// among them.
func (s *snapshot) channels() ([]string, map[string]uint32, error) {
	counts, err := s.counts()
	if err != nil {
		return nil, nil, err
	}
	c := s.caches
	c.mu.Lock()
	defer c.mu.Unlock()
	want := int(counts[bucketChannels])
	if len(c.channels) > want {
		return c.channels, c.numbers, nil
	}
	ids, numbers := make([]string, want+1), make(map[string]uint32, want)
	err = s.scan(bucketChannels, nil, nil, func(key, value []byte) error {
		if len(value) != 4 {
			return damagedAt(bucketChannels, key, "is no channel number")
		}
		n := binary.BigEndian.Uint32(value)
		if n == 0 || int(n) > want || ids[n] != "" {
			return damagedAt(bucketChannels, key, "channel number %d cannot be", n)
		}
		ids[n], numbers[string(key)] = string(key), n
		return nil
	})
	if err == nil && len(numbers) != want {
		err = damaged(string(bucketChannels), "%d channels, not %d", len(numbers), want)
	}
	if err != nil {
		return nil, nil, err
	}
	c.channels, c.numbers = ids, numbers
	return ids, numbers, nil
}

// number gives the number of a channel; ok is false when the archive has never seen it.
func (s *snapshot) number(channel string) (n uint32, ok bool, err error) {
	_, numbers, err := s.channels()
	n, ok = numbers[channel]
	return n, ok, err
}
