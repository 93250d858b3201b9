package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"

	"archiver/internal/lenient"
	"archiver/internal/record"
)

func compareDamage(x, y Damage) int {
	return cmp.Or(cmp.Compare(x.Where, y.Where), cmp.Compare(x.What, y.What))
}

// structure checks everything but the content of sealed blocks, within one transaction. It tells whether the parts
// are sound enough for their content to be compared with the counters.
func (v *verifier) structure(ctx context.Context, s *snapshot) (sound bool) {
	v.checkHead(s)
	if !v.checkPages(s) {
		return false
	}
	before := len(v.report.Damage)
	for _, b := range buckets {
		if ctx.Err() != nil {
			return false
		}
		v.damage(string(b), guard(func() error { return v.checkValues(s, b) }))
	}
	v.damage(string(bucketChannels), guard(func() error { _, _, err := s.channels(); return err }))
	streams := v.checkStreams(s)
	v.damage(string(bucketCommits), guard(func() error { return v.checkCommits(s, streams) }))
	v.damage(string(bucketTotals), guard(func() error { return v.expectTallies(s) }))
	return len(v.report.Damage) == before
}

func (v *verifier) checkHead(s *snapshot) {
	v.checked("HEAD", 1)
	head, err := readHead(v.a.dir)
	switch {
	case err != nil:
		v.found(headName, err.Error(), repairSelf)
	case head == nil && s.change == 0: // killed between creation and the first HEAD
	case head == nil:
		v.found(headName, "is missing", repairSelf)
	default:
		v.damage(headName, guard(func() error {
			if err := head.check(v.a.id, s.change, v.a.generation, uint64(s.tx.ID())); err != nil {
				return err
			}
			return head.checkLog(s, v.leaves(s))
		}))
	}
}

// checkPages walks over the pages of the file. Without a way to all of them nothing else can be checked.
func (v *verifier) checkPages(s *snapshot) bool {
	pages, err := readPageFile(v.a.path(databaseName), true)
	if v.damage(databaseName, err) {
		return false
	}
	v.checked("pages", int64(pages.meta.high))
	for _, p := range pages.problems {
		repair := repairDatabase
		if p.severity == readWrite {
			repair = repairSelf
		}
		v.found(fmt.Sprintf("%s page %d", databaseName, p.page), p.what, repair)
	}
	if v.damage(databaseName, pages.err(readSome)) {
		return false
	}
	counts, err := s.counts()
	if v.damage(string(bucketMeta), err) {
		return true
	}
	for _, b := range buckets {
		if pages.entries[b] != counts[b] {
			v.found(string(b), fmt.Sprintf("has %d entries, not %d", pages.entries[b], counts[b]), repairDatabase)
		}
	}
	return true
}

// checkValues checks the checksum of every value of a bucket, and that the keys ascend and can be found.
func (v *verifier) checkValues(s *snapshot, b bucket) error {
	var previous []byte
	n := int64(0)
	c := s.bucket(b).Cursor()
	for key, stored := c.First(); key != nil; key, stored = c.Next() {
		n++
		if _, err := unseal(b, key, stored); err != nil {
			v.found(place(b, key), err.Error(), repairDatabase)
		}
		if previous != nil && bytes.Compare(previous, key) >= 0 {
			v.found(place(b, key), "is out of order", repairDatabase)
		}
		if s.bucket(b).Get(key) == nil {
			v.found(place(b, key), "is not found by its key", repairDatabase)
		}
		previous = key
	}
	v.checked(string(b), n)
	return nil
}

// streamExtent is what a stream's blocks and tail say together.
type streamExtent struct {
	total uint64
	last  uint64 // newest change
}

// checkStreams checks that the blocks of every stream follow one another, and decodes the tails.
func (v *verifier) checkStreams(s *snapshot) map[stream]streamExtent {
	streams := make(map[stream]streamExtent)
	s.caches.directories.clear()
	for _, id := range v.streams(s) {
		v.damage(fmt.Sprintf("stream %d", id), guard(func() error {
			d, tail, err := s.layout(id)
			if err != nil {
				return err
			}
			for _, e := range d.blocks {
				if err := v.checkBlock(s, e); err != nil {
					v.damage(place(bucketBlocks, uint64Key(e.number)), err)
				}
			}
			extent := streamExtent{total: tail.before + uint64(tail.count), last: tail.last}
			if n := len(d.blocks); tail.count == 0 && n > 0 {
				extent.last = d.blocks[n-1].last
			}
			streams[id] = extent
			if tail.count == 0 {
				return nil
			}
			v.checked("tails decoded", 1)
			return v.readTail(s, tail)
		}))
	}
	return streams
}

// streams lists the streams that have a tail or blocks.
func (v *verifier) streams(s *snapshot) []stream {
	found := make(map[stream]bool)
	for _, b := range []bucket{bucketTails, bucketDir} {
		v.damage(string(b), guard(func() error {
			c := s.bucket(b).Cursor()
			for key, _ := c.First(); key != nil; key, _ = c.Next() {
				if len(key) >= 4 {
					found[stream(binary.BigEndian.Uint32(key))] = true
				}
			}
			return nil
		}))
	}
	return slices.Sorted(maps.Keys(found))
}

// checkBlock checks that a block is the one that the directory describes, and puts it down for reading.
func (v *verifier) checkBlock(s *snapshot, e dirEntry) error {
	stored, err := s.get(bucketBlocks, uint64Key(e.number))
	if err != nil {
		return err
	}
	h, _, err := parseHeader(stored)
	switch {
	case err != nil:
		return err
	case h != e.header:
		return errors.New("block is not the one that the directory describes")
	}
	v.blocks = append(v.blocks, e)
	if e.lost {
		return v.lostBlock(s, e)
	}
	return nil
}

// checkCommits checks that commits follow one another and add up to what the streams hold.
func (v *verifier) checkCommits(s *snapshot, streams map[stream]streamExtent) error {
	totals, lasts := make(map[stream]uint64), make(map[stream]uint64)
	change, log := uint64(0), v.newLogCheck(s)
	err := s.scan(bucketCommits, nil, nil, func(key, value []byte) error {
		c, err := parseCommit(value)
		if err != nil {
			return damagedAt(bucketCommits, key, "%v", err)
		}
		for _, seg := range c.segments {
			change += seg.count
			totals[seg.stream] += seg.count
			lasts[seg.stream] = change
		}
		if !bytes.Equal(key, uint64Key(change)) || c.leaf != log.tree.Size() {
			return damagedAt(bucketCommits, key, "does not go on from the commit before")
		}
		log.add(c.root)
		return nil
	})
	if err != nil {
		return err
	}
	log.finish()
	for id := range totals {
		got := streams[id]
		if got.total != totals[id] || got.last != lasts[id] {
			v.found(fmt.Sprintf("stream %d", id), fmt.Sprintf("holds %d entries up to change %d, its commits say %d up to %d",
				got.total, got.last, totals[id], lasts[id]), repairDatabase)
		}
	}
	for id := range streams {
		if _, ok := totals[id]; !ok {
			v.found(fmt.Sprintf("stream %d", id), "has no commits", repairDatabase)
		}
	}
	if n := s.bucket(bucketBlocks).Stats().KeyN; n != len(v.blocks) {
		v.found(string(bucketBlocks), fmt.Sprintf("%d blocks, the directory has %d sound ones", n, len(v.blocks)), repairDatabase)
	}
	return nil
}

// tally is what the blocks of a channel's messages add up to, and what its counters say.
type tally struct {
	messages, comments int
	newest             map[string]uint64 // of messages with several entries: the newest change, doubled, odd for a deletion
	want               ChannelTotals
}

// expectTallies reads the counters of all channels.
func (v *verifier) expectTallies(s *snapshot) error {
	return s.scan(bucketTotals, nil, nil, func(key, _ []byte) error {
		if len(key) != 4 {
			return damagedAt(bucketTotals, key, "belongs to no channel")
		}
		n := binary.BigEndian.Uint32(key)
		want, err := s.channelTotals(n)
		v.tallyOf(n).want = want
		return err
	})
}

func (v *verifier) tallyOf(n uint32) *tally {
	t, ok := v.tallies[n]
	if !ok {
		t = &tally{newest: make(map[string]uint64)}
		v.tallies[n] = t
	}
	return t
}

// tally adds up entries of a stream.
func (v *verifier) tally(id stream, entries []record.Entry) {
	v.mu.Lock()
	defer v.mu.Unlock()
	switch id.class() {
	case ClassFile:
		for _, e := range entries {
			var s record.FileState
			if lenient.Unmarshal(e.Body, &s) == nil && s.SHA256 != "" {
				v.shas[s.SHA256] = s.Bytes
			}
		}
	case ClassMessage:
		t := v.tallyOf(id.channel())
		for _, e := range entries {
			t.add(e)
		}
	}
}

func (t *tally) add(e record.Entry) {
	switch {
	case e.First && e.Thread == "":
		t.messages++
	case e.First:
		t.comments++
	}
	state := e.Change << 1
	if e.Op == record.OpDeleted {
		state |= 1
	}
	if old, ok := t.newest[e.Key]; ok || e.Op == record.OpDeleted || !e.First {
		t.newest[e.Key] = max(old, state)
	}
}

// deleted counts the messages whose newest entry is a deletion.
func (t *tally) deleted() int {
	n := 0
	for _, state := range t.newest {
		n += int(state & 1)
	}
	return n
}

// compareTallies compares what was counted with the counters, once every block was read.
func (v *verifier) compareTallies(ctx context.Context) error {
	for n, t := range v.tallies {
		if v.holed[n] {
			if err := v.countAgain(ctx, n, t); err != nil {
				return err
			}
		}
		if t.messages != t.want.Messages || t.comments != t.want.Comments || t.deleted() != t.want.Deleted {
			v.found(place(bucketTotals, uint32Key(n)), fmt.Sprintf("%d messages, %d comments, %d deleted; counted %d, %d, %d",
				t.want.Messages, t.want.Comments, t.want.Deleted, t.messages, t.comments, t.deleted()), repairDatabase)
		}
	}
	return nil
}
