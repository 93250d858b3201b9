package storage

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
)

// This file puts streams together again: what is left of their blocks, with lost blocks in the gaps. How long a stream
// has to be, and which changes a gap holds, the commits say.

// piece is a sealed block of a stream as it is to be.
type piece struct {
	number uint64
	header header
	known  bool // the header is known
	sound  bool // the block can be read, or was lost before
}

// remains are what can be read of all streams.
type remains struct {
	blocks  map[uint64]header          // sound ones
	dirs    map[stream][]dirEntry      // sound ones
	numbers map[stream]map[uint64]bool // of damaged entries of dir
	bad     map[bucket][]badValue      // what is damaged
	taken   map[uint64]bool            // numbers in use
}

// repairStreams replaces what is damaged of blocks, their directory and tails.
func (r *repairer) repairStreams() error {
	rest, err := r.gather()
	if err != nil {
		return err
	}
	var lost []*piece
	for _, id := range slices.Sorted(maps.Keys(r.total)) {
		if id >= streamBase && !r.concerns(id.channel()) || r.only != 0 && id < streamBase {
			continue
		}
		pieces, tail, err := r.fill(id, rest)
		if err != nil {
			r.c.a.o.Logger.Warn("part of the archive cannot be repaired", "stream", id, "error", err)
			continue
		}
		fresh, err := r.apply(id, pieces, tail, rest)
		if err != nil {
			return err
		}
		lost = append(lost, fresh...)
	}
	if err := r.dateLost(lost); err != nil {
		return err
	}
	if err := r.storeLost(lost, rest); err != nil {
		return err
	}
	return r.retireRest(rest)
}

// gather reads all headers.
func (r *repairer) gather() (*remains, error) {
	rest := &remains{
		blocks: make(map[uint64]header), dirs: make(map[stream][]dirEntry), numbers: make(map[stream]map[uint64]bool),
		bad: make(map[bucket][]badValue), taken: make(map[uint64]bool),
	}
	for _, in := range []bucket{bucketBlocks, bucketDir, bucketTails} {
		if _, misplaced := r.unsound(in); misplaced {
			var err error
			if rest.bad[in], err = r.straighten(in); err != nil {
				return nil, err
			}
			for _, v := range rest.bad[in] {
				r.done.Values = append(r.done.Values, place(in, v.key))
				rest.mark(in, v.key)
			}
		}
		c := r.bucket(in).Cursor()
		for key, stored := c.First(); key != nil; key, stored = c.Next() {
			if !r.readHeader(rest, in, key, stored) {
				rest.bad[in] = append(rest.bad[in], badValue{bytes.Clone(key), bytes.Clone(stored)})
				rest.mark(in, key)
			}
		}
	}
	highest := uint64(0)
	for number := range rest.taken {
		highest = max(highest, number)
	}
	r.newBlock = highest + 1
	return rest, nil
}

// readHeader reads the header of a block, an entry of dir or a tail. It tells whether it is sound.
func (r *repairer) readHeader(rest *remains, in bucket, key, stored []byte) bool {
	value, err := unseal(in, key, stored)
	if err != nil {
		return false
	}
	h, _, err := parseHeader(value)
	if err != nil {
		return false
	}
	if _, suspect := r.found[place(in, key)]; suspect && in != bucketDir {
		if _, err := r.caches.codec.decode(value); err != nil {
			return false
		}
	}
	switch {
	case in == bucketTails:
		return len(key) == 4 && h.stream == stream(binary.BigEndian.Uint32(key))
	case in == bucketBlocks && len(key) == 8 && h.count > 0:
		number := binary.BigEndian.Uint64(key)
		rest.blocks[number], rest.taken[number] = h, true
		return true
	case in == bucketDir && len(key) == 12 && h.count > 0 && h.stream == stream(binary.BigEndian.Uint32(key)):
		number := binary.BigEndian.Uint64(key[4:])
		rest.dirs[h.stream] = append(rest.dirs[h.stream], dirEntry{h, number})
		rest.taken[number] = true
		return true
	}
	return false
}

// mark notes that a stream has an entry of dir that is damaged.
func (rest *remains) mark(in bucket, key []byte) {
	if in != bucketDir || len(key) != 12 {
		return
	}
	id := stream(binary.BigEndian.Uint32(key))
	if rest.numbers[id] == nil {
		rest.numbers[id] = make(map[uint64]bool)
	}
	rest.numbers[id][binary.BigEndian.Uint64(key[4:])] = true
}

// pieces gives what is left of the sealed blocks of a stream, in their order.
func (rest *remains) pieces(id stream) ([]piece, error) {
	all := make(map[uint64]piece)
	for _, d := range rest.dirs[id] {
		h, sound := rest.blocks[d.number]
		if sound && h.stream != id {
			return nil, fmt.Errorf("%w: block %d belongs to stream %d", errBeyond, d.number, h.stream)
		}
		all[d.number] = piece{d.number, d.header, true, sound}
	}
	for number, h := range rest.blocks {
		if h.stream == id {
			all[number] = piece{number, h, true, true}
		}
	}
	for number := range rest.numbers[id] {
		_, known := all[number]
		if _, other := rest.blocks[number]; !known && !other {
			all[number] = piece{number: number}
		}
	}
	return slices.SortedFunc(maps.Values(all), func(x, y piece) int { return cmp.Compare(x.number, y.number) }), nil
}

// fill gives the blocks that a stream is to have, and its tail if that is sound.
func (r *repairer) fill(id stream, rest *remains) ([]piece, *header, error) {
	pieces, err := rest.pieces(id)
	if err != nil {
		return nil, nil, err
	}
	end, tail := r.total[id], r.soundTail(id, rest)
	if tail != nil {
		end = tail.before
		if tail.before+uint64(tail.count) != r.total[id] {
			return nil, nil, fmt.Errorf("%w: the tail does not end where the commits end", errBeyond)
		}
	}
	f := filler{rest: rest, next: r.newBlock, id: id}
	for _, p := range pieces {
		if !p.known {
			f.unknown = append(f.unknown, p.number)
			continue
		}
		if err := f.upTo(p.header.before, p.number); err != nil {
			return nil, nil, err
		}
		f.add(p)
	}
	if err := f.upTo(end, 0); err != nil {
		return nil, nil, err
	}
	r.newBlock = f.next
	return f.blocks, tail, nil
}

// soundTail gives the header of a stream's tail, nil if there is none that is sound.
func (r *repairer) soundTail(id stream, rest *remains) *header {
	value := r.bucket(bucketTails).Get(id.key())
	bad := slices.ContainsFunc(rest.bad[bucketTails], func(v badValue) bool { return bytes.Equal(v.key, id.key()) })
	if value == nil || bad {
		return nil
	}
	h, _, err := parseHeader(value)
	if err != nil {
		return nil
	}
	return &h
}

// filler puts the blocks of a stream in a row.
type filler struct {
	rest    *remains
	id      stream
	blocks  []piece
	unknown []uint64 // numbers of blocks of which nothing else is known, since the last known one
	end     uint64   // entries in blocks
	next    uint64   // number of a new block
}

func (f *filler) add(p piece) {
	f.blocks, f.unknown = append(f.blocks, p), nil
	f.end += uint64(p.header.count)
}

// upTo fills a gap before an entry, or before the block with a number, with a lost block.
func (f *filler) upTo(before, number uint64) error {
	switch {
	case before == f.end:
		return nil
	case before < f.end, before-f.end > maxBlockCount:
		return fmt.Errorf("%w: blocks of stream %d do not follow one another", errBeyond, f.id)
	}
	p := piece{header: header{stream: f.id, before: f.end, count: int(before - f.end)}, known: true}
	if p.number = f.free(number); p.number == 0 {
		return fmt.Errorf("%w: stream %d has no room for a lost block", errBeyond, f.id)
	}
	f.rest.taken[p.number] = true
	f.add(p)
	return nil
}

// free gives a number for a block before the one with a number, or behind all.
func (f *filler) free(before uint64) uint64 {
	if len(f.unknown) > 0 {
		return f.unknown[0]
	}
	if before == 0 {
		f.next++
		return f.next - 1
	}
	after := uint64(0)
	if n := len(f.blocks); n > 0 {
		after = f.blocks[n-1].number
	}
	for number := after + 1; number < before; number++ {
		if !f.rest.taken[number] {
			return number
		}
	}
	return 0
}

// apply writes the directory of a stream and its tail where they differ, and gives the blocks that are lost.
func (r *repairer) apply(id stream, pieces []piece, tail *header, rest *remains) (lost []*piece, err error) {
	end := uint64(0)
	for i := range pieces {
		p := &pieces[i]
		end += uint64(p.header.count)
		if !p.sound {
			lost = append(lost, p)
			continue
		}
		if err := r.replace(rest, bucketDir, id.blockKey(p.number), p.header.append(nil)); err != nil {
			return nil, err
		}
	}
	if tail != nil {
		return lost, nil
	}
	empty := header{stream: id, before: end}
	return lost, r.replace(rest, bucketTails, id.key(), empty.append(nil))
}

// replace stores a value in place of one that may be damaged.
func (r *repairer) replace(rest *remains, in bucket, key, value []byte) error {
	at := slices.IndexFunc(rest.bad[in], func(v badValue) bool { return bytes.Equal(v.key, key) })
	if at >= 0 && r.bucket(in).Get(key) != nil {
		if err := r.retire(in, rest.bad[in][at]); err != nil {
			return err
		}
	}
	if at >= 0 {
		rest.bad[in] = slices.Delete(rest.bad[in], at, at+1)
	}
	if old, err := r.get(in, key); err == nil && at < 0 && !bytes.Equal(old, value) {
		r.done.Values = append(r.done.Values, place(in, key))
	}
	return r.batch.put(in, key, value)
}

// dateLost finds the change numbers of lost blocks.
func (r *repairer) dateLost(lost []*piece) error {
	if len(lost) == 0 {
		return nil
	}
	byStream := make(map[stream][]*piece)
	for _, p := range lost {
		byStream[p.header.stream] = append(byStream[p.header.stream], p)
	}
	reached, change := make(map[stream]uint64), uint64(1)
	return r.scan(bucketCommits, nil, nil, func(key, value []byte) error {
		c, err := parseCommit(value)
		if err != nil {
			return err
		}
		for _, seg := range c.segments {
			from := reached[seg.stream]
			for _, p := range byStream[seg.stream] {
				p.header.date(from, seg.count, change)
			}
			reached[seg.stream] += seg.count
			change += seg.count
		}
		return nil
	})
}

// date takes over the change numbers of entries of the stream, count from the one with index from on, whose first has
// the number change.
func (h *header) date(from, count, change uint64) {
	if h.before >= from && h.before < from+count {
		h.first = change + h.before - from
	}
	if last := h.before + uint64(h.count) - 1; last >= from && last < from+count {
		h.last = change + last - from
	}
}

// storeLost stores lost blocks, and notes what is lost.
func (r *repairer) storeLost(lost []*piece, rest *remains) error {
	for _, p := range lost {
		h := &p.header
		again := h.lost
		h.lost, h.payload = true, 0
		if err := r.replace(rest, bucketBlocks, uint64Key(p.number), h.append(nil)); err != nil {
			return err
		}
		if err := r.replace(rest, bucketDir, h.stream.blockKey(p.number), h.append(nil)); err != nil {
			return err
		}
		if !again {
			r.noteLost(h)
		}
	}
	return nil
}

func (r *repairer) noteLost(h *header) {
	l := Lost{Class: h.stream.class().String(), Entries: h.count, First: h.first, Last: h.last}
	if h.stream < streamBase {
		r.oweAll()
	} else {
		n := h.stream.channel()
		l.Channel = r.ids[n]
		r.owing[n], r.holed[n], r.count[n] = true, true, true
	}
	r.done.Lost = append(r.done.Lost, l)
	r.done.Entries += h.count
}

// retireRest takes out of use what is damaged and was not replaced.
func (r *repairer) retireRest(rest *remains) error {
	if r.only != 0 {
		return nil
	}
	for _, in := range []bucket{bucketBlocks, bucketDir, bucketTails} {
		for _, v := range rest.bad[in] {
			stored := r.bucket(in).Get(v.key)
			if stored == nil || !bytes.Equal(stored, v.stored) {
				continue
			}
			if err := r.retire(in, v); err != nil {
				return err
			}
		}
	}
	return nil
}
