package storage

import (
	"context"
	"errors"
	"strings"
	"time"

	"archiver/internal/merkle"

	bolt "go.etcd.io/bbolt"
	"golang.org/x/mod/sumdb/tlog"
)

// repairLog makes the tiles of the log anew if some are damaged.
func (r *repairer) repairLog() error {
	if r.only != 0 {
		return nil
	}
	bad, err := r.clear(bucketTiles)
	if err != nil {
		return err
	}
	wrong := false
	for where := range r.found {
		wrong = wrong || strings.HasPrefix(where, string(bucketTiles)+"/")
	}
	if len(bad) == 0 && !wrong {
		return nil
	}
	tree, err := r.rebuildTiles()
	r.tree = tree
	return err
}

// rebuildTiles makes the tiles from the commits. They have to lead to the state that HEAD knows.
func (b *batch) rebuildTiles() (Tree, error) {
	head, err := readHead(b.c.a.dir)
	if err != nil && !errors.Is(err, ErrDamaged) {
		return Tree{}, err
	}
	w := tileWriter{b: b}
	var tree merkle.Tree
	err = b.scan(bucketCommits, nil, nil, func(key, value []byte) error {
		c, err := parseCommit(value)
		if err != nil {
			return damagedAt(bucketCommits, key, "%v", err)
		}
		tree.Add(c.root)
		if head != nil && int64(tree.Size()) == head.Size && tree.Root().String() != head.Root {
			return damaged(databaseName, "holds another history than the one that HEAD knows")
		}
		return w.add(0, tlog.RecordHash(c.root[:]))
	})
	if err != nil {
		return Tree{}, err
	}
	for level := range w.levels {
		if err := w.store(level); err != nil {
			return Tree{}, err
		}
	}
	return Tree{int64(tree.Size()), tree.Root()}, nil
}

// tileWriter stores the tiles of hashes that are added in their order.
type tileWriter struct {
	b      *batch
	levels []tileRow
}

// add adds a hash to a level, and what a full tile comes to to the level above.
func (w *tileWriter) add(level int, h tlog.Hash) error {
	if level == len(w.levels) {
		w.levels = append(w.levels, tileRow{})
	}
	row := &w.levels[level]
	if row.hashes = append(row.hashes, h); len(row.hashes) < 1<<tileHeight {
		return nil
	}
	if err := w.store(level); err != nil {
		return err
	}
	hashes := row.hashes
	for ; len(hashes) > 1; hashes = hashes[:len(hashes)/2] {
		for i := range len(hashes) / 2 {
			hashes[i] = tlog.NodeHash(hashes[2*i], hashes[2*i+1])
		}
	}
	h = hashes[0]
	row.number, row.hashes = row.number+1, row.hashes[:0]
	return w.add(level+1, h)
}

// store stores the tile of a level as far as it is filled.
func (w *tileWriter) store(level int) error {
	row := &w.levels[level]
	if len(row.hashes) == 0 {
		return nil
	}
	var data []byte
	for _, h := range row.hashes {
		data = append(data, h[:]...)
	}
	return w.b.put(bucketTiles, tileKey(level, row.number), data)
}

// mend repairs what an archive cannot be opened for writing without, and what can be derived from the rest: the numbers
// of entries of the buckets, the tiles of the log, the time of creation. A damaged public key is taken out; checkpoints
// that another one has signed are told by Verify. It gives the pages as they are then.
func (a *Archive) mend(pages *pageMap) (*pageMap, error) {
	if err := a.view(context.Background(), func(s *snapshot) error { return s.checkNewest() }); err != nil {
		return nil, err
	}
	err := a.view(context.Background(), func(s *snapshot) error { return s.checkBase() })
	if !errors.Is(err, ErrDamaged) {
		return pages, err
	}
	a.o.Logger.Warn("repairing the archive", "archive", a.dir, "error", err)
	err = guard(func() error {
		return a.db.Update(func(tx *bolt.Tx) error { return a.mendBase(tx, pages) })
	})
	if err != nil {
		return nil, err
	}
	a.caches.forget()
	return a.preflight(readWrite)
}

// checkNewest reads the newest commit, whose key says what change the archive is at.
func (s *snapshot) checkNewest() error {
	key, stored := s.bucket(bucketCommits).Cursor().Last()
	if key == nil {
		return nil
	}
	_, err := unseal(bucketCommits, key, stored)
	return err
}

// checkBase reads what mend can repair.
func (s *snapshot) checkBase() error {
	if err := checkFormat(s.tx); err != nil {
		return err
	}
	for _, b := range buckets {
		if s.bucket(b) == nil {
			return nil // told when the archive is identified
		}
	}
	if err := s.scan(bucketMeta, nil, nil, func(_, _ []byte) error { return nil }); err != nil {
		return err
	}
	if _, err := s.counts(); err != nil {
		return err
	}
	_, err := s.tree()
	return err
}

func (a *Archive) mendBase(tx *bolt.Tx, pages *pageMap) error {
	s, err := newSnapshot(tx, a.caches)
	if err != nil {
		return err
	}
	if id, err := s.get(bucketMeta, []byte(metaID)); err != nil || id == nil {
		return damagedAt(bucketMeta, []byte(metaID), "the archive's identity is lost")
	}
	b := &batch{snapshot: s, c: &committer{a: a, open: newTailCache()}, counts: pages.entries, newBlock: s.lastBlock + 1}
	r := newRepairer(b, RepairOptions{}, nil)
	if err := r.mendMeta(); err != nil {
		return err
	}
	if err := b.storeCounts(); err != nil {
		return err
	}
	if _, err := s.tree(); err != nil {
		if _, err := r.clear(bucketTiles); err != nil {
			return err
		}
		if _, err := b.rebuildTiles(); err != nil {
			return err
		}
	}
	if err := r.note(); err != nil {
		return err
	}
	return b.storeCounts()
}

// mendMeta takes what is damaged out of bucket meta, and replaces what can be known.
func (r *repairer) mendMeta() error {
	if bad, err := r.clear(bucketMeta); err != nil || len(bad) == 0 {
		return err
	}
	if r.bucket(bucketMeta).Get([]byte(metaCreated)) == nil {
		if err := r.batch.put(bucketMeta, []byte(metaCreated), []byte(r.now.Format(time.RFC3339))); err != nil {
			return err
		}
	}
	head, err := readHead(r.c.a.dir)
	if err != nil || head == nil || head.Generation == 0 || r.bucket(bucketMeta).Get([]byte(metaGeneration)) != nil {
		return nil // what is wrong with HEAD is told where the archive is opened
	}
	return r.batch.put(bucketMeta, []byte(metaGeneration), uint64Key(head.Generation))
}
