package storage

import (
	"bytes"
	"encoding/binary"
	"slices"
)

// This file takes values out of use: it finds those that are damaged and keeps them in the bucket damaged.

// What the keys of bucket damaged begin with, before a zero byte, beside the names of the buckets.
const (
	damagedRepair = "repair" // then an 8-byte number: JSON of a Repaired
	damagedBlobs  = "blobs"  // then a SHA-256 in hex: when it was found, as in other values
)

const (
	blobPlace     = "blobs/" // what the places of blobs begin with
	reasonDamaged = "what was archived is damaged"
)

func damagedKey(of string, key []byte) []byte {
	return append(append([]byte(of), 0), key[:min(len(key), longKey)]...)
}

// badValue is a value whose checksum does not match.
type badValue struct{ key, stored []byte }

// unsound gives the values of a bucket that do not match their checksums. misplaced tells that keys are out of order, or
// not found. What is given is valid until the bucket is changed.
func (b *batch) unsound(in bucket) (bad []badValue, misplaced bool) {
	var previous []byte
	c := b.bucket(in).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		if _, err := unseal(in, key, stored); err != nil {
			bad = append(bad, badValue{bytes.Clone(key), stored})
		}
		if previous != nil && bytes.Compare(previous, key) >= 0 || b.bucket(in).Get(key) == nil {
			misplaced = true
		}
		previous = key
	}
	return bad, misplaced
}

// retire keeps a damaged value and takes it out of its bucket.
func (r *repairer) retire(in bucket, v badValue) error {
	r.done.Values = append(r.done.Values, place(in, v.key))
	if err := r.setAside(in, v); err != nil {
		return err
	}
	return r.delete(in, v.key)
}

// setAside keeps a damaged value.
func (b *batch) setAside(in bucket, v badValue) error {
	value := append(make([]byte, 0, len(v.stored)+checksumSize), v.stored...)
	return b.put(bucketDamaged, damagedKey(string(in), v.key), value)
}

// straighten makes a bucket anew whose keys are out of order. What is damaged in it is kept and left out, and given.
func (b *batch) straighten(in bucket) (retired []badValue, err error) {
	var sound []badValue
	c := b.bucket(in).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		v := badValue{bytes.Clone(key), bytes.Clone(stored)}
		if _, err := unseal(in, key, stored); err != nil {
			retired = append(retired, v)
		} else {
			sound = append(sound, v)
		}
	}
	if err := b.tx.DeleteBucket([]byte(in)); err != nil {
		return nil, err
	}
	bk, err := b.tx.CreateBucket([]byte(in))
	if err != nil {
		return nil, err
	}
	slices.SortFunc(sound, func(x, y badValue) int { return bytes.Compare(x.key, y.key) })
	sound = slices.CompactFunc(sound, func(x, y badValue) bool { return bytes.Equal(x.key, y.key) })
	bk.FillPercent = fillPercent
	for _, v := range sound {
		if err := bk.Put(v.key, v.stored); err != nil {
			return nil, err
		}
	}
	b.counts[in], b.dirty = uint64(len(sound)), true
	for _, v := range retired {
		if err := b.setAside(in, v); err != nil {
			return nil, err
		}
	}
	return retired, nil
}

// clear takes the damaged values out of a bucket and gives them.
func (r *repairer) clear(in bucket) ([]badValue, error) {
	bad, misplaced := r.unsound(in)
	if misplaced {
		var err error
		if bad, err = r.straighten(in); err != nil {
			return nil, err
		}
		for _, v := range bad {
			r.done.Values = append(r.done.Values, place(in, v.key))
		}
		if len(bad) == 0 {
			r.done.Values = append(r.done.Values, string(in))
		}
		return bad, nil
	}
	for i := range bad {
		bad[i].stored = bytes.Clone(bad[i].stored)
		if err := r.retire(in, bad[i]); err != nil {
			return nil, err
		}
	}
	return bad, nil
}

// lastRepair is the number of the repair that was recorded last.
func (s *snapshot) lastRepair() (uint64, bool) {
	prefix := damagedKey(damagedRepair, nil)
	last, found := uint64(0), false
	c := s.bucket(bucketDamaged).Cursor()
	for key, _ := c.Seek(prefix); bytes.HasPrefix(key, prefix); key, _ = c.Next() {
		if number := key[len(prefix):]; len(number) == 8 {
			last, found = binary.BigEndian.Uint64(number), true
		}
	}
	return last, found
}
