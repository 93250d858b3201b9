package storage

import (
	"bytes"
	"errors"
	"fmt"
	"slices"

	"archiver/internal/columnar"
	"archiver/internal/record"
)

// encoder makes blocks, one after the other in the same memory. What one large block took is let go of again.
type encoder struct {
	*codec
	rows          *columnar.Encoder
	packed        []byte // the bodies, by columns
	payload, back []byte

	keys, threads  []string
	times, changes []int64
	bodies         [][]byte
}

func newEncoder(c *codec) *encoder { return &encoder{codec: c, rows: columnar.NewEncoder()} }

// keptPayload is how long the payload of a block may be whose memory is kept for the next one.
const keptPayload = 2 * blockBytes

// release lets go of entries, and of memory that usual blocks do not need.
func (c *encoder) release() {
	clear(c.keys)
	clear(c.threads)
	clear(c.bodies)
	if len(c.payload) > keptPayload || len(c.packed) > keptPayload || len(c.keys) > 2*blockEntries {
		*c = *newEncoder(c.codec)
	}
}

// errEncoding means that a block that was just made does not give its entries back. Encoders have had such faults.
var errEncoding = errors.New("the block that was made does not decode to its entries; nothing was stored")

// encode gives a block of entries: header, then the compressed payload, its numbers and its text in a frame each. The
// frames are decompressed again and compared before the block is given.
func (c *encoder) encode(s stream, before uint64, entries []record.Entry) ([]byte, header, error) {
	defer c.release()
	value, frames, h := c.compress(s, before, entries)
	if h.count == 0 {
		return value, h, nil
	}
	var err error
	c.back, err = c.dec.DecodeAll(frames, slices.Grow(c.back[:0], h.payload))
	switch {
	case err != nil:
		return nil, h, fmt.Errorf("%w: %w", errEncoding, err)
	case !bytes.Equal(c.back, c.payload):
		return nil, h, errEncoding
	}
	return value, h, nil
}

// encodeSealed is encode for a block that stays: it is decoded to its entries again.
func (c *encoder) encodeSealed(s stream, before uint64, entries []record.Entry) ([]byte, header, error) {
	defer c.release()
	value, _, h := c.compress(s, before, entries)
	b, err := c.decode(value)
	switch {
	case err != nil:
		return nil, h, fmt.Errorf("%w: %w", errEncoding, err)
	case b.header != h || !slices.EqualFunc(b.entries, entries, sameEntry):
		return nil, h, errEncoding
	}
	return value, h, nil
}

// compress makes a block that is still to be checked. frames is the part of it behind the header.
func (c *encoder) compress(s stream, before uint64, entries []record.Entry) (value, frames []byte, h header) {
	h = headerOf(s, before, entries)
	if h.count == 0 {
		return h.append(nil), nil, h
	}
	text := c.fill(entries)
	h.payload = len(c.payload)
	value = h.append(make([]byte, 0, 256+len(c.payload)/2))
	head := len(value)
	value = c.enc.EncodeAll(c.payload[text:], c.enc.EncodeAll(c.payload[:text], value))
	return value, value[head:], h
}

// fill makes the payload of entries. The numbers end at the length that is returned, from there on it is text.
func (c *encoder) fill(entries []record.Entry) (text int) {
	c.keys, c.threads, c.bodies = c.keys[:0], c.threads[:0], c.bodies[:0]
	c.times, c.changes = c.times[:0], c.changes[:0]
	dst := c.payload[:0]
	for i := range entries {
		e := &entries[i]
		op := byte(e.Op)
		if e.First {
			op |= opFirst
		}
		dst = append(dst, op)
		c.keys, c.threads, c.bodies = append(c.keys, e.Key), append(c.threads, string(e.Thread)), append(c.bodies, e.Body)
		c.times, c.changes = append(c.times, e.Observed.UnixMilli()), append(c.changes, int64(e.Change-entries[0].Change))
	}
	dst = columnar.AppendStrings(dst, c.keys)
	dst = columnar.AppendStrings(dst, c.threads)
	dst = columnar.AppendInts(dst, c.times)
	dst = columnar.AppendInts(dst, c.changes)
	c.packed = c.rows.Encode(c.packed[:0], c.bodies)
	text = len(dst) + columnar.TextStart(c.packed)
	c.payload = append(dst, c.packed...)
	return text
}
