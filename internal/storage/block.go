package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"

	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
)

const (
	blockVersion  = 1       // the first byte of a block
	lostVersion   = 2       // the first byte of a block whose entries were lost
	blockEntries  = 512     // entries of a sealed block, at most
	blockBytes    = 1 << 20 // bytes of bodies after which a block is sealed
	maxPayload    = 1 << 30 // bytes of a block's payload before compression, at most
	maxBlockCount = 1 << 20 // entries that a block may claim to hold
	maxRatio      = 1 << 16 // zstd never compresses better: 128 KiB take 4 bytes
)

// header is what can be known of a block without decompressing it. It begins the block and is, alone, the value of
// the block's entry in dir.
type header struct {
	stream      stream
	before      uint64 // entries of the stream in the blocks before this one
	count       int    // entries; 0 only in an empty tail
	first, last uint64 // change numbers of the first and the last entry
	min, max    string // least and greatest key
	payload     int    // bytes before compression
	lost        bool   // damage took the entries: the block has only this header, and no entries can be read from it
}

// headerOf describes entries, which have their change numbers.
func headerOf(s stream, before uint64, entries []record.Entry) header {
	h := header{stream: s, before: before, count: len(entries)}
	for i, e := range entries {
		if i == 0 {
			h.first, h.min, h.max = e.Change, e.Key, e.Key
		}
		h.last, h.min, h.max = e.Change, min(h.min, e.Key), max(h.max, e.Key)
	}
	return h
}

func (h *header) append(dst []byte) []byte {
	version := byte(blockVersion)
	if h.lost {
		version = lostVersion
	}
	dst = append(dst, version)
	dst = binary.AppendUvarint(dst, uint64(h.stream))
	dst = binary.AppendUvarint(dst, h.before)
	dst = binary.AppendUvarint(dst, uint64(h.count))
	dst = binary.AppendUvarint(dst, h.first)
	dst = binary.AppendUvarint(dst, h.last-h.first)
	dst = binary.AppendUvarint(dst, uint64(h.payload))
	dst = appendText(dst, h.min)
	return appendText(dst, h.max)
}

// parseHeader reads a header and gives what follows it.
func parseHeader(data []byte) (h header, rest []byte, err error) {
	d := decoder{rest: data}
	v := d.byte()
	if d.err == nil && v != blockVersion && v != lostVersion {
		return header{}, nil, fmt.Errorf("block version %d is unknown", v)
	}
	h.lost = v == lostVersion
	h.stream = stream(d.number(1<<32 - 1))
	h.before = d.uvarint()
	h.count = d.number(maxBlockCount)
	h.first = d.uvarint()
	h.last = h.first + d.uvarint()
	h.payload = d.number(maxPayload)
	h.min, h.max = d.text(), d.text()
	if d.err == nil && (h.last < h.first || h.min > h.max) {
		d.fail()
	}
	return h, d.rest, d.err
}

// block is a decoded block or tail. It is shared and never changed.
type block struct {
	header
	entries []record.Entry // in the order of their changes
	order   []int32        // positions by key, then change
	bytes   int            // of keys, threads and bodies
}

// find gives the entries of a key, oldest first.
func (b *block) find(key string) []record.Entry {
	if key < b.min || key > b.max {
		return nil
	}
	i, _ := slices.BinarySearchFunc(b.order, key, func(i int32, key string) int {
		return cmp.Compare(b.entries[i].Key, key)
	})
	var found []record.Entry
	for ; i < len(b.order) && b.entries[b.order[i]].Key == key; i++ {
		found = append(found, b.entries[b.order[i]])
	}
	return found
}

// size is about the memory that the block takes.
func (b *block) size() int { return b.bytes + 160*len(b.entries) + 128 }

func newBlock(h header, entries []record.Entry) *block {
	b := &block{header: h, entries: entries, order: make([]int32, len(entries))}
	for i := range b.order {
		b.order[i] = int32(i)
		b.bytes += len(entries[i].Key) + len(entries[i].Thread) + len(entries[i].Body)
	}
	slices.SortStableFunc(b.order, func(x, y int32) int { return cmp.Compare(entries[x].Key, entries[y].Key) })
	return b
}

// window is how far back the encoder looks, in bytes: a usual block is shorter, and memory grows with it.
const window = 512 << 10

// codec compresses and decompresses blocks. It may be used by several goroutines.
type codec struct {
	enc *zstd.Encoder
	dec *zstd.Decoder
}

func newCodec() (*codec, error) { return newCodecAt(zstd.SpeedBetterCompression) }

// newCodecAt gives a codec that compresses at a level.
func newCodecAt(level zstd.EncoderLevel) (*codec, error) {
	enc, err := zstd.NewWriter(nil, zstd.WithEncoderLevel(level), zstd.WithEncoderCRC(true),
		zstd.WithEncoderConcurrency(1), zstd.WithWindowSize(window), zstd.WithLowerEncoderMem(true))
	if err != nil {
		return nil, fmt.Errorf("zstd encoder: %w", err)
	}
	dec, err := zstd.NewReader(nil, zstd.WithDecoderMaxMemory(maxPayload), zstd.WithDecoderConcurrency(0),
		zstd.WithDecodeAllCapLimit(true))
	if err != nil {
		return nil, fmt.Errorf("zstd decoder: %w", err)
	}
	return &codec{enc, dec}, nil
}

func (c *codec) close() {
	c.dec.Close()
	_ = c.enc.Close()
}

func sameEntry(x, y record.Entry) bool {
	return x.Change == y.Change && x.Op == y.Op && x.First == y.First && x.Key == y.Key && x.Thread == y.Thread &&
		x.Observed.UnixMilli() == y.Observed.UnixMilli() && bytes.Equal(x.Body, y.Body)
}

// decode reverses encode. Damaged input gives an error.
func (c *codec) decode(data []byte) (*block, error) {
	h, rest, err := parseHeader(data)
	if err != nil {
		return nil, fmt.Errorf("header: %w", err)
	}
	if h.count == 0 || h.lost {
		return newBlock(h, nil), nil
	}
	if h.payload/maxRatio > len(rest) {
		return nil, fmt.Errorf("payload of %d bytes in %d", h.payload, len(rest))
	}
	payload, err := c.dec.DecodeAll(rest, make([]byte, 0, h.payload))
	if err != nil {
		return nil, fmt.Errorf("decompress: %w", err)
	}
	if len(payload) != h.payload {
		return nil, fmt.Errorf("payload has %d bytes, not %d", len(payload), h.payload)
	}
	entries, err := parsePayload(payload, h.count, h.first)
	if err != nil {
		return nil, fmt.Errorf("payload: %w", err)
	}
	if got := headerOf(h.stream, h.before, entries); got.last != h.last || got.min != h.min || got.max != h.max {
		return nil, fmt.Errorf("header does not describe its entries")
	}
	return newBlock(h, entries), nil
}
