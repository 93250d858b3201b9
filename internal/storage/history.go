package storage

import (
	"bytes"
	"cmp"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"maps"
	"runtime"
	"slices"
	"sync/atomic"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"golang.org/x/mod/sumdb/tlog"
	"golang.org/x/sync/errgroup"
)

// This file checks the log: that the tiles and checkpoints are those of the commits, and that the commits are those of
// the entries.

// leaves is the number of leaves of the log.
func (v *verifier) leaves(s *snapshot) int64 { return int64(s.bucket(bucketCommits).Stats().KeyN) }

// logCheck compares what is stored of the log with the commits, which are added in their order.
type logCheck struct {
	v      *verifier
	s      *snapshot
	tree   merkle.Tree
	levels []tileRow
	signed map[int64][]byte // checkpoints by size
	public string
}

// tileRow is the tile of a level that is being filled.
type tileRow struct {
	number int64
	hashes []tlog.Hash
}

func (v *verifier) newLogCheck(s *snapshot) *logCheck {
	l := &logCheck{v: v, s: s, signed: make(map[int64][]byte)}
	v.damage(string(bucketMeta), guard(func() (err error) { l.public, err = s.publicKey(); return err }))
	v.damage(string(bucketNotes), guard(func() error {
		return s.scan(bucketNotes, nil, nil, func(key, value []byte) error {
			if len(key) != 8 {
				return damagedAt(bucketNotes, key, "is no size of a log")
			}
			l.signed[int64(binary.BigEndian.Uint64(key))] = bytes.Clone(value)
			return nil
		})
	}))
	return l
}

// add adds the next commit.
func (l *logCheck) add(root merkle.Hash) {
	l.tree.Add(root)
	l.hash(0, tlog.RecordHash(root[:]))
	size := int64(l.tree.Size())
	if signed, ok := l.signed[size]; ok {
		l.checkpoint(size, signed)
		delete(l.signed, size)
	}
	if c := l.v.o.Since; c != nil && c.Size == size && c.Root != l.tree.Root() {
		l.v.found("log", fmt.Sprintf("the first %d commits are not those of the checkpoint", size), repairHistory)
	}
}

// hash adds a hash to the tile of a level, and what a full tile comes to to the level above.
func (l *logCheck) hash(level int, h tlog.Hash) {
	if level == len(l.levels) {
		l.levels = append(l.levels, tileRow{})
	}
	row := &l.levels[level]
	if row.hashes = append(row.hashes, h); len(row.hashes) < 1<<tileHeight {
		return
	}
	l.compare(level)
	for hashes := row.hashes; len(hashes) > 1; hashes = hashes[:len(hashes)/2] {
		for i := range len(hashes) / 2 {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	h = row.hashes[0]
	row.number, row.hashes = row.number+1, row.hashes[:0]
	l.hash(level+1, h)
}

// compare compares the tile of a level with the stored one.
func (l *logCheck) compare(level int) {
	row := &l.levels[level]
	key := tileKey(level, row.number)
	l.v.damage(place(bucketTiles, key), guard(func() error {
		stored, err := l.s.get(bucketTiles, key)
		if err != nil {
			return err
		}
		var want []byte
		for _, h := range row.hashes {
			want = append(want, h[:]...)
		}
		if !bytes.Equal(stored, want) {
			return errors.New("does not hold the hashes of the commits")
		}
		return nil
	}))
	l.v.checked("tiles compared", 1)
}

// checkpoint checks a stored checkpoint at the size that the log has now.
func (l *logCheck) checkpoint(size int64, signed []byte) {
	where := place(bucketNotes, uint64Key(uint64(size)))
	c, err := merkle.ParseCheckpoint(signed, l.public)
	want := merkle.Checkpoint{Origin: merkle.Origin(l.v.a.id), Size: size, Root: l.tree.Root()}
	if err == nil && c != want {
		err = errors.New("the checkpoint is of another history")
	}
	if err != nil {
		l.v.found(where, err.Error(), repairHistory)
	}
	l.v.checked("checkpoints compared", 1)
}

// finish checks what is left when all commits were added.
func (l *logCheck) finish() {
	for level := range l.levels {
		if len(l.levels[level].hashes) > 0 {
			l.compare(level)
		}
	}
	for size := range l.signed {
		l.v.found(place(bucketNotes, uint64Key(uint64(size))), fmt.Sprintf("the log has only %d commits", l.tree.Size()), repairHistory)
	}
	if c := l.v.o.Since; c != nil && c.Size > int64(l.tree.Size()) {
		l.v.found("log", fmt.Sprintf("has %d commits, the checkpoint knows %d", l.tree.Size(), c.Size), repairHistory)
	}
}

// stretchEntries is how many entries are compared with their commits at a time; each takes 32 bytes meanwhile.
const stretchEntries = 1 << 19

// stretch is some successive commits.
type stretch struct {
	first       uint64 // change
	commits     []*stretchCommit
	channels    []string
	commitments []merkle.Hash // of the entries from first on
}

type stretchCommit struct {
	*commitRecord
	first uint64      // change
	holed atomic.Bool // some of its entries cannot be read
}

// last is the newest change of the stretch.
func (w *stretch) last() uint64 { return w.first + uint64(len(w.commitments)) - 1 }

// at gives the commit that holds a change.
func (w *stretch) at(change uint64) *stretchCommit {
	i, found := slices.BinarySearchFunc(w.commits, change, func(c *stretchCommit, change uint64) int {
		return cmp.Compare(c.first, change)
	})
	if !found {
		i--
	}
	return w.commits[i]
}

// readHistory compares all entries up to the change at which the verification began with what their commits say.
func (v *verifier) readHistory(ctx context.Context) error {
	for after := uint64(0); after < v.change; {
		var w *stretch
		err := v.a.view(ctx, func(s *snapshot) (err error) { w, err = s.stretch(after, v.change); return err })
		if errors.Is(err, ErrDamaged) {
			v.damage(string(bucketCommits), err)
			return nil
		}
		if err != nil {
			return err
		}
		if err := v.readStretch(ctx, w); err != nil {
			return err
		}
		after = w.last()
	}
	return nil
}

// stretch gathers commits after a change.
func (s *snapshot) stretch(after, newest uint64) (*stretch, error) {
	w := &stretch{first: after + 1}
	var err error
	if w.channels, _, err = s.channels(); err != nil {
		return nil, err
	}
	total, c := uint64(0), s.bucket(bucketCommits).Cursor()
	for key, stored := c.Seek(uint64Key(w.first)); key != nil && total < stretchEntries && after+total < newest; key, stored = c.Next() {
		value, err := unseal(bucketCommits, key, stored)
		if err != nil {
			return nil, err
		}
		r, err := parseCommit(value)
		if err != nil || r.total() == 0 || !bytes.Equal(key, uint64Key(after+total+r.total())) {
			return nil, damagedAt(bucketCommits, key, "does not go on from change %d: %v", after+total, err)
		}
		w.commits = append(w.commits, &stretchCommit{commitRecord: r, first: w.first + total})
		total += r.total()
	}
	if total == 0 {
		return nil, damaged(string(bucketCommits), "no commit holds change %d", w.first)
	}
	w.commitments = make([]merkle.Hash, total)
	return w, nil
}

// readStretch reads the entries of a stretch stream by stream, the longest first, and compares them with the commits.
func (v *verifier) readStretch(ctx context.Context, w *stretch) error {
	counts := make(map[stream]uint64)
	for _, c := range w.commits {
		for _, seg := range c.segments {
			counts[seg.stream] += seg.count
		}
	}
	streams := slices.SortedFunc(maps.Keys(counts), func(x, y stream) int {
		return cmp.Or(cmp.Compare(counts[y], counts[x]), cmp.Compare(x, y))
	})
	g, gctx := errgroup.WithContext(ctx)
	g.SetLimit(runtime.GOMAXPROCS(0))
	for _, id := range streams {
		g.Go(func() error { return v.readSpan(gctx, w, id) })
	}
	if err := g.Wait(); err != nil {
		return err
	}
	for _, c := range w.commits {
		v.compareCommit(w, c)
	}
	return nil
}

func (v *verifier) compareCommit(w *stretch, c *stretchCommit) {
	if c.holed.Load() {
		return
	}
	var tree merkle.Tree
	from := c.first - w.first
	for _, commitment := range w.commitments[from : from+c.total()] {
		tree.Add(commitment)
	}
	if tree.Root() != c.root {
		v.found(place(bucketCommits, uint64Key(c.first+c.total()-1)), "its entries are not those that were committed", repairHistory)
	}
	v.checked("commits compared", 1)
}

// spanBlocks is how many blocks are read in one view of the database.
const spanBlocks = 8

// readSpan reads what a stream holds of a stretch.
func (v *verifier) readSpan(ctx context.Context, w *stretch, id stream) error {
	channel, err := idOf(w.channels, id)
	if err != nil {
		return nil // the channel's number was found to be wrong before
	}
	h := &hasher{w: w, channel: channel}
	for from := w.first; from <= w.last(); {
		err := v.a.view(ctx, func(s *snapshot) (err error) {
			from, err = v.readBlocksFrom(s, h, id, from)
			return err
		})
		if errors.Is(err, ErrDamaged) {
			w.hole(id, from, w.last())
			return nil // layouts were checked before
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// readBlocksFrom reads some blocks of a stream from a change on, and gives the change to go on from.
func (v *verifier) readBlocksFrom(s *snapshot, h *hasher, id stream, from uint64) (uint64, error) {
	d, tail, err := s.layout(id)
	if err != nil {
		return from, err
	}
	blocks, last := d.blocks, h.w.last()
	if tail.count > 0 {
		blocks = append(slices.Clip(blocks), tail)
	}
	i, _ := slices.BinarySearchFunc(blocks, from, func(e dirEntry, from uint64) int { return cmp.Compare(e.last, from) })
	for n := 0; i < len(blocks) && blocks[i].first <= last; i, n = i+1, n+1 {
		if n == spanBlocks {
			return blocks[i].first, nil
		}
		v.readPart(s, h, blocks[i], max(from, blocks[i].first))
	}
	return last + 1, nil
}

// readPart hashes the entries of a block from a change on that belong to the stretch.
func (v *verifier) readPart(s *snapshot, h *hasher, e dirEntry, from uint64) {
	if e.lost { // told with the structure
		h.w.hole(e.stream, from, min(e.last, h.w.last()))
		return
	}
	b, err := s.decode(e)
	if err != nil {
		h.w.hole(e.stream, from, min(e.last, h.w.last()))
		if e.number == 0 || e.first >= h.w.first {
			v.damageOnce(place(bucketBlocks, uint64Key(e.number)), err)
		}
		return
	}
	i, _ := slices.BinarySearchFunc(b.entries, from, func(e record.Entry, from uint64) int { return cmp.Compare(e.Change, from) })
	entries := b.entries[i:]
	for n, e := range entries {
		if e.Change > h.w.last() {
			entries = entries[:n]
			break
		}
		h.add(b.stream, &entries[n])
	}
	v.tally(b.stream, entries)
	if e.number != 0 && e.first >= h.w.first {
		v.checked("blocks decoded", 1)
		v.progress(int64(b.payload))
	}
}

// hole notes that entries of a stream cannot be read.
func (w *stretch) hole(id stream, from, to uint64) {
	for _, c := range w.commits {
		if c.first > to || c.first+c.total() <= from {
			continue
		}
		if slices.ContainsFunc(c.segments, func(seg segment) bool { return seg.stream == id }) {
			c.holed.Store(true)
		}
	}
}

// hasher makes the commitments of entries of one stream in the order of their changes.
type hasher struct {
	w       *stretch
	channel string
	commit  *stretchCommit
	made    *merkle.Committer
}

func (h *hasher) add(id stream, e *record.Entry) {
	if h.commit == nil || e.Change >= h.commit.first+h.commit.total() {
		h.commit = h.w.at(e.Change)
		h.made = merkle.NewCommitter(h.commit.salt)
	}
	h.w.commitments[e.Change-h.w.first] = h.made.Commitment(e.Change-h.commit.first, hashed(id.class(), h.channel, e))
}
