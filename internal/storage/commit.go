package storage

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"archiver/internal/crash"
	"archiver/internal/merkle"
	"archiver/internal/record"

	bolt "go.etcd.io/bbolt"
)

// batch is a group that is being committed.
type batch struct {
	*snapshot
	c        *committer
	streams  map[stream]*openStream
	totals   map[uint32]*ChannelTotals
	counts   map[bucket]uint64
	added    map[string]uint32 // channels first seen in this transaction
	names    map[uint32]string // the same by number
	next     uint64            // change number of the next entry
	newBlock uint64            // number of the next block
	dirty    bool              // something was stored

	salt      merkle.Salt
	committer *merkle.Committer // of the new entries
	tree      Tree              // the log with this transaction
}

// commit applies and commits a group, and calls the done function of every item unless it returns an error. Items
// that cannot be applied fail alone.
func (c *committer) commit(items []item) error {
	if len(items) > 1 && slices.ContainsFunc(items, func(it item) bool { return it.alone }) {
		return c.commitEach(items)
	}
	counts := make([]Counts, len(items))
	failed, err := c.transact(items, counts)
	switch {
	case err == nil:
		for i, it := range items {
			it.done(counts[i], nil)
		}
		return nil
	case failed < 0:
		return c.fail(err)
	case len(items) == 1:
		c.refuse(items[0], err)
		return nil
	}
	return c.commitEach(items)
}

// commitEach commits the items of a group one by one.
func (c *committer) commitEach(items []item) error {
	for i := range items {
		if err := c.commit(items[i : i+1]); err != nil {
			for _, rest := range items[i+1:] {
				rest.done(Counts{}, err)
			}
			items[i].done(Counts{}, err)
			return nil
		}
	}
	return nil
}

// refuse reports that an item could not be applied.
func (c *committer) refuse(it item, err error) {
	if it.page != nil {
		c.a.o.Logger.Error("page refused", "channel", it.page.Channel, "error", err)
		if _, again := c.refused[it.page.Channel]; !again {
			c.refused[it.page.Channel] = err
		}
	}
	it.done(Counts{}, err)
}

// firstRefusal is the error of a page that was not committed.
func (b *batch) firstRefusal() error {
	for _, channel := range slices.Sorted(maps.Keys(b.c.refused)) {
		return b.c.refused[channel]
	}
	return nil
}

// transact runs one transaction. After an error failed is the item that caused it, and nothing was written; a
// negative failed means that the outcome is unknown.
func (c *committer) transact(items []item, counts []Counts) (failed int, err error) {
	failed = -1
	var b *batch
	err = guard(func() error {
		tx, err := c.a.db.Begin(true)
		if err != nil {
			return fmt.Errorf("begin: %w", err)
		}
		defer tx.Rollback()
		if b, err = c.newBatch(tx); err != nil {
			failed = 0
			return err
		}
		for i := range items {
			failed = i
			if err := b.apply(&items[i], &counts[i]); err != nil {
				return err
			}
		}
		if err := b.finish(); err != nil || !b.dirty {
			return err
		}
		failed = -1
		return c.write(tx, b)
	})
	if err != nil || b == nil {
		c.open = newTailCache()
		return failed, err
	}
	for _, o := range b.streams {
		c.open.put(o)
	}
	c.open.trim()
	return failed, nil
}

// write makes the transaction durable, then HEAD.
func (c *committer) write(tx *bolt.Tx, b *batch) error {
	txid := uint64(tx.ID())
	crash.Point("commit: begin")
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	crash.Point("commit: durable")
	c.a.change.Store(b.next - 1)
	c.a.tree.Store(&b.tree)
	c.a.commits.Add(1)
	c.a.fsyncs.Add(databaseFsyncs)
	if err := c.a.writeHead(txid); err != nil {
		return fmt.Errorf("%w: %w", errCommit, err)
	}
	return nil
}

// databaseFsyncs is how often a commit of the database waits for the disk: for the pages and for the meta page.
const databaseFsyncs = 2

func (c *committer) newBatch(tx *bolt.Tx) (*batch, error) {
	s, err := newSnapshot(tx, c.a.caches)
	if err != nil {
		return nil, err
	}
	counts, err := s.counts()
	if err != nil {
		return nil, err
	}
	salt := newSalt()
	return &batch{
		snapshot: s, c: c, counts: maps.Clone(counts), next: s.change + 1, newBlock: s.lastBlock + 1,
		streams: make(map[stream]*openStream), totals: make(map[uint32]*ChannelTotals),
		added: make(map[string]uint32), names: make(map[uint32]string),
		salt: salt, committer: merkle.NewCommitter(salt), tree: *c.a.tree.Load(),
	}, nil
}

// stream opens a stream for adding to it.
func (b *batch) stream(id stream) (*openStream, error) {
	if o, ok := b.streams[id]; ok {
		return o, nil
	}
	o := b.c.open.take(id)
	if o == nil {
		var err error
		if o, err = b.load(id); err != nil {
			return nil, err
		}
	} else if d, err := b.directory(id); err != nil {
		return nil, err
	} else {
		o.dir = d
	}
	b.streams[id] = o
	return o, nil
}

// channel gives the number of a channel, a new one when it was never seen.
func (b *batch) channel(id string) (uint32, error) {
	if n, ok := b.added[id]; ok {
		return n, nil
	}
	n, ok, err := b.number(id)
	if ok || err != nil {
		return n, err
	}
	n = uint32(b.counts[bucketChannels]) + 1
	b.added[id], b.names[n] = n, id
	return n, b.put(bucketChannels, []byte(id), uint32Key(n))
}

// put stores a value unless it is there already. The value must have room of its own.
func (b *batch) put(in bucket, key, value []byte) error {
	bk := b.bucket(in)
	value = seal(in, key, value)
	old := bk.Get(key)
	if bytes.Equal(old, value) {
		return nil
	}
	if old == nil {
		b.counts[in]++
	}
	b.dirty = true
	bk.FillPercent = fillPercent
	if err := bk.Put(key, value); err != nil {
		return fmt.Errorf("put %s: %w", place(in, key), err)
	}
	return nil
}

// fillPercent is how full pages are left when they are split: keys come in order in all buckets that grow.
const fillPercent = 0.95

func (b *batch) delete(in bucket, key []byte) error {
	bk := b.bucket(in)
	if bk.Get(key) == nil {
		return nil
	}
	b.counts[in]--
	b.dirty = true
	if err := bk.Delete(key); err != nil {
		return fmt.Errorf("delete %s: %w", place(in, key), err)
	}
	return nil
}

// finish gives the new entries their change numbers and stores them.
func (b *batch) finish() error {
	segments, err := b.assign()
	if err != nil {
		return err
	}
	if len(segments) > 0 {
		c := commitRecord{time: b.c.a.o.Now(), leaf: b.counts[bucketCommits], segments: segments, salt: b.salt, root: b.committer.Root()}
		if b.tree, err = b.appendLog(c.root); err != nil {
			return err
		}
		if err := b.put(bucketCommits, uint64Key(b.next-1), c.append(nil)); err != nil {
			return err
		}
	}
	for _, n := range slices.Sorted(maps.Keys(b.totals)) {
		if err := b.put(bucketTotals, uint32Key(n), b.totals[n].append(nil)); err != nil {
			return err
		}
	}
	if !b.dirty {
		return nil
	}
	return b.storeCounts()
}

func (b *batch) storeCounts() error {
	var value []byte
	for _, in := range buckets {
		value = binary.AppendUvarint(value, b.counts[in])
	}
	return b.put(bucketMeta, []byte(metaCounts), value)
}

// assign numbers the new entries stream by stream, and stores their streams.
func (b *batch) assign() ([]segment, error) {
	var segments []segment
	for _, id := range slices.Sorted(maps.Keys(b.streams)) {
		o := b.streams[id]
		fresh := o.entries[o.kept:]
		if len(fresh) == 0 {
			continue
		}
		for i := range fresh {
			fresh[i].Change = b.next
			b.next++
		}
		segments = append(segments, segment{id, uint64(len(fresh))})
		if err := b.commitTo(id, fresh); err != nil {
			return nil, err
		}
		if id >= streamBase {
			if err := b.touch(id.channel()); err != nil {
				return nil, err
			}
		}
		if err := b.store(o); err != nil {
			return nil, fmt.Errorf("stream %d: %w", id, err)
		}
	}
	return segments, nil
}

// touch notes the newest change of a channel.
func (b *batch) touch(n uint32) error {
	t, err := b.channelTotals(n)
	if err != nil {
		return err
	}
	t.Change = b.next - 1
	return nil
}

// store writes a stream's entries: as its tail, or as sealed blocks when they are many.
func (b *batch) store(o *openStream) error {
	if n := parts(len(o.entries), o.raw); n > 0 {
		before := o.before
		for _, entries := range split(o.entries, n) {
			if err := b.sealBlock(o, before, entries); err != nil {
				return err
			}
			before += uint64(len(entries))
		}
		o.sealed()
	}
	value, _, err := b.c.encoder.encode(o.id, o.before, o.entries)
	if err != nil {
		return err
	}
	o.kept = len(o.entries)
	return b.put(bucketTails, o.id.key(), value)
}

// sealBlock stores entries of a stream as a sealed block.
func (b *batch) sealBlock(o *openStream, before uint64, entries []record.Entry) error {
	value, h, err := b.c.encoder.encodeSealed(o.id, before, entries)
	if err != nil {
		return err
	}
	crash.Point("block: to be sealed")
	number := b.newBlock
	b.newBlock++
	if err := b.put(bucketBlocks, uint64Key(number), value); err != nil {
		return err
	}
	o.learn(number, keysOf(entries, b.caches.seed))
	return b.put(bucketDir, o.id.blockKey(number), h.append(nil))
}

// parts says into how many blocks entries are cut, 0 when they stay in the tail.
func parts(entries, bytes int) int {
	if entries < blockEntries && bytes < blockBytes {
		return 0
	}
	return min(max((entries+blockEntries-1)/blockEntries, (bytes+blockBytes-1)/blockBytes), entries)
}

// split cuts entries into n slices of about equal length.
func split(entries []record.Entry, n int) [][]record.Entry {
	cut := make([][]record.Entry, n)
	for i := range cut {
		cut[i] = entries[len(entries)*i/n : len(entries)*(i+1)/n]
	}
	return cut
}

// segment is the part of a commit that belongs to one stream. Its change numbers follow those of the segment before.
type segment struct {
	stream stream
	count  uint64
}

// commitRecord says what one transaction added.
type commitRecord struct {
	time     time.Time
	leaf     uint64 // its place in the log
	segments []segment
	salt     merkle.Salt
	root     merkle.Hash // over the commitments of its entries
}

const commitVersion = 1 // the first byte of a commit record

func (c *commitRecord) append(dst []byte) []byte {
	dst = append(dst, commitVersion)
	dst = binary.AppendVarint(dst, c.time.UnixMilli())
	dst = binary.AppendUvarint(dst, c.leaf)
	dst = binary.AppendUvarint(dst, uint64(len(c.segments)))
	for _, s := range c.segments {
		dst = binary.AppendUvarint(dst, uint64(s.stream))
		dst = binary.AppendUvarint(dst, s.count)
	}
	return append(append(dst, c.salt[:]...), c.root[:]...)
}

// parseCommit reverses append.
func parseCommit(value []byte) (*commitRecord, error) {
	d := decoder{rest: value}
	if d.byte() != commitVersion {
		return nil, errors.New("commit record of unknown version")
	}
	c := &commitRecord{time: time.UnixMilli(d.varint()).UTC(), leaf: d.uvarint()}
	c.segments = make([]segment, d.number(uint64(len(d.rest))))
	for i := range c.segments {
		c.segments[i] = segment{stream(d.number(1<<32 - 1)), d.uvarint()}
	}
	copy(c.salt[:], d.bytes(merkle.HashSize))
	copy(c.root[:], d.bytes(merkle.HashSize))
	if len(d.rest) > 0 {
		d.fail()
	}
	return c, d.err
}

// total is the number of entries in the commit.
func (c *commitRecord) total() uint64 {
	var n uint64
	for _, s := range c.segments {
		n += s.count
	}
	return n
}
