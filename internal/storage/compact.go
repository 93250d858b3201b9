package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"syscall"

	"archiver/internal/crash"
	"archiver/internal/record"

	"github.com/klauspost/compress/zstd"
	bolt "go.etcd.io/bbolt"
)

const (
	compactName    = databaseName + ".compact" // the database that is being made
	compactEntries = 1024                      // entries of a block that was sealed anew, at most
	compactBytes   = 2 << 20                   // bytes of bodies of such a block
	compactCommit  = 16 << 20                  // bytes that a transaction of the new database holds
)

// Compacted says what Compact did.
type Compacted struct {
	BytesBefore  int64 `json:"bytes_before"` // pages of archive.db
	BytesAfter   int64 `json:"bytes_after"`
	BlocksBefore int   `json:"blocks_before"`
	BlocksAfter  int   `json:"blocks_after"`
}

// Compact writes archive.db anew: blocks are sealed again, longer and better compressed, and no page is free. The
// history, its numbers and the log stay as they are. The new file takes the place of the old one in one step, when it is
// whole and durable; killed at any moment, the archive is the old or the new one. progress, when set, is called with
// bytes of blocks.
//
// Errors are those of Open, or ErrDamaged when a block cannot be read: then nothing is changed.
func Compact(ctx context.Context, dir string, o Options, progress func(done, total int64)) (*Compacted, error) {
	o.ReadOnly = false
	a, err := Open(ctx, dir, o)
	if err != nil {
		return nil, err
	}
	c := &compactor{a: a, progress: progress}
	err = c.run(ctx)
	if closeErr := a.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		return nil, fmt.Errorf("compact archive %s: %w", dir, err)
	}
	return &c.result, nil
}

// compactor writes the database of an archive anew.
type compactor struct {
	a        *Archive
	encoder  *encoder
	progress func(done, total int64)
	result   Compacted
	done     int64
	total    int64

	db     *bolt.DB // the new one
	tx     *bolt.Tx
	size   int // bytes put in tx
	counts map[bucket]uint64
	block  uint64 // number of the newest block
}

func (c *compactor) run(ctx context.Context) (err error) {
	temp := c.a.path(compactName)
	if c.result.BytesBefore, err = c.a.pages(ctx); err != nil {
		return err
	}
	if free, known, err := FreeSpace(c.a.dir); err == nil && known && free < c.result.BytesBefore {
		return fmt.Errorf("%w: %d bytes are free on the disk, as many as archive.db has are needed: %d", syscall.ENOSPC, free, c.result.BytesBefore)
	}
	codec, err := newCodecAt(zstd.SpeedBestCompression)
	if err != nil {
		return err
	}
	defer codec.close()
	c.encoder = newEncoder(codec)
	if err := c.write(ctx, temp); err != nil {
		return errors.Join(err, removeIfThere(temp))
	}
	if c.result.BytesAfter, err = fileSize(temp); err != nil {
		return err
	}
	return c.a.replaceDatabase(temp)
}

// pages is how many bytes the pages of archive.db take. The file may be longer, by what is reserved behind them.
func (a *Archive) pages(ctx context.Context) (n int64, err error) {
	err = a.view(ctx, func(s *snapshot) error { n = s.tx.Size(); return nil })
	return n, err
}

func fileSize(path string) (int64, error) {
	info, err := os.Stat(path)
	if err != nil {
		return 0, err
	}
	return info.Size(), nil
}

func removeIfThere(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// write makes the new database, whole and durable.
func (c *compactor) write(ctx context.Context, temp string) (err error) {
	crash.Point("compact: begin")
	if err := removeIfThere(temp); err != nil {
		return err
	}
	c.db, err = bolt.Open(temp, 0o600, &bolt.Options{PageSize: pageSize, FreelistType: bolt.FreelistMapType, NoSync: true})
	if err != nil {
		return err
	}
	crash.Point("compact: empty database")
	c.counts = make(map[bucket]uint64)
	err = c.a.view(ctx, func(s *snapshot) error {
		defer c.rollback()
		return c.copy(ctx, s)
	})
	crash.Point("compact: not synced yet")
	if err := errors.Join(err, c.db.Sync(), c.db.Close()); err != nil {
		return err
	}
	if err := trim(temp); err != nil {
		return err
	}
	crash.Point("compact: durable")
	return c.check(temp)
}

// trim cuts off what the database library has reserved behind the last page, and makes the file durable.
func trim(path string) error {
	pages, err := readPageFile(path, false)
	if err != nil {
		return err
	}
	if err := os.Truncate(path, int64(pages.meta.high)*pageSize); err != nil {
		return err
	}
	return syncFile(path)
}

func (c *compactor) rollback() {
	if c.tx != nil {
		_ = c.tx.Rollback() // what failed is told already
		c.tx = nil
	}
}

// copy copies everything from a snapshot of the old database.
func (c *compactor) copy(ctx context.Context, s *snapshot) error {
	for _, b := range buckets {
		if err := c.bucket(b); err != nil {
			return err
		}
		switch b {
		case bucketDir, bucketTails:
			continue // with the blocks
		case bucketBlocks:
			if err := c.streams(ctx, s); err != nil {
				return err
			}
			continue
		}
		err := s.scan(b, nil, nil, func(key, value []byte) error {
			if b == bucketMeta && (string(key) == metaCounts || string(key) == metaGeneration) {
				return nil
			}
			return c.put(b, key, value)
		})
		if err != nil {
			return err
		}
	}
	return c.finish(s)
}

// finish writes what is new of the database: its generation, and how many entries its buckets have.
func (c *compactor) finish(s *snapshot) error {
	generation, err := s.generation()
	if err != nil {
		return err
	}
	if err := c.put(bucketMeta, []byte(metaGeneration), uint64Key(generation+1)); err != nil {
		return err
	}
	c.counts[bucketMeta]++ // the counts themselves
	var value []byte
	for _, in := range buckets {
		value = binary.AppendUvarint(value, c.counts[in])
	}
	if err := c.put(bucketMeta, []byte(metaCounts), value); err != nil {
		return err
	}
	crash.Point("compact: last commit")
	tx := c.tx
	c.tx = nil
	return tx.Commit()
}

func (c *compactor) bucket(b bucket) error {
	if err := c.begin(); err != nil {
		return err
	}
	_, err := c.tx.CreateBucketIfNotExists([]byte(b))
	return err
}

func (c *compactor) begin() (err error) {
	if c.tx == nil {
		c.tx, err = c.db.Begin(true)
		c.size = 0
	}
	return err
}

// put stores a value in the new database.
func (c *compactor) put(in bucket, key, value []byte) error {
	if c.size > compactCommit {
		tx := c.tx
		c.tx = nil
		if err := tx.Commit(); err != nil {
			return err
		}
	}
	if err := c.begin(); err != nil {
		return err
	}
	bk := c.tx.Bucket([]byte(in))
	bk.FillPercent = fillPercent
	stored := seal(in, key, append(make([]byte, 0, len(value)+checksumSize), value...))
	c.counts[in]++
	c.size += len(stored)
	return bk.Put(append([]byte{}, key...), stored)
}

// streams seals the blocks of all streams anew. Tails stay as they are.
func (c *compactor) streams(ctx context.Context, s *snapshot) error {
	for _, in := range []bucket{bucketDir, bucketTails} {
		if err := c.bucket(in); err != nil {
			return err
		}
	}
	err := s.scan(bucketDir, nil, nil, func(_, value []byte) error {
		h, _, err := parseHeader(value)
		c.total += int64(h.payload)
		c.result.BlocksBefore++
		return err
	})
	if err != nil {
		return err
	}
	return s.scan(bucketTails, nil, nil, func(key, value []byte) error {
		if err := ctx.Err(); err != nil {
			return err
		}
		if err := c.stream(ctx, s, stream(binary.BigEndian.Uint32(key))); err != nil {
			return err
		}
		return c.put(bucketTails, key, value)
	})
}

// stream seals the blocks of a stream anew.
func (c *compactor) stream(ctx context.Context, s *snapshot, id stream) error {
	d, _, err := s.layout(id)
	if err != nil {
		return err
	}
	var entries []record.Entry
	before, bytes := uint64(0), 0
	flush := func() error {
		if len(entries) == 0 {
			return nil
		}
		err := c.seal(id, before, entries)
		before += uint64(len(entries))
		entries, bytes = nil, 0
		return err
	}
	for _, e := range d.blocks {
		if err := ctx.Err(); err != nil {
			return err
		}
		if e.lost {
			if err := errors.Join(flush(), c.sealLost(e.header)); err != nil {
				return err
			}
			before += uint64(e.count)
			continue
		}
		b, err := s.decode(e)
		if err != nil {
			return err
		}
		if len(entries)+len(b.entries) > compactEntries || bytes+b.payload > compactBytes {
			if err := flush(); err != nil {
				return err
			}
		}
		entries, bytes = append(entries, b.entries...), bytes+b.payload
		c.report(int64(e.payload))
	}
	return flush()
}

func (c *compactor) report(n int64) {
	c.done += n
	if c.progress != nil {
		c.progress(c.done, c.total)
	}
}

func (c *compactor) seal(id stream, before uint64, entries []record.Entry) error {
	value, h, err := c.encoder.encodeSealed(id, before, entries)
	if err != nil {
		return err
	}
	c.block++
	c.result.BlocksAfter++
	if err := c.put(bucketBlocks, uint64Key(c.block), value); err != nil {
		return err
	}
	return c.put(bucketDir, id.blockKey(c.block), h.append(nil))
}

// sealLost stores a lost block again.
func (c *compactor) sealLost(h header) error {
	c.block++
	c.result.BlocksAfter++
	return errors.Join(c.put(bucketBlocks, uint64Key(c.block), h.append(nil)), c.put(bucketDir, h.stream.blockKey(c.block), h.append(nil)))
}

// check looks at the pages of the new database and compares its log with the old one's.
func (c *compactor) check(temp string) error {
	pages, err := readPageFile(temp, true)
	if err != nil {
		return err
	}
	if len(pages.problems) > 0 {
		return damaged(compactName, "page %d %s", pages.problems[0].page, pages.problems[0].what)
	}
	db, err := bolt.Open(temp, 0o600, &bolt.Options{PageSize: pageSize, ReadOnly: true})
	if err != nil {
		return err
	}
	defer db.Close()
	return guard(func() error {
		return db.View(func(tx *bolt.Tx) error {
			fresh, err := newCaches()
			if err != nil {
				return err
			}
			defer fresh.codec.close()
			s, err := newSnapshot(tx, fresh)
			if err != nil {
				return err
			}
			t, err := s.tree()
			if err == nil && (t != *c.a.tree.Load() || s.change != c.a.Change()) {
				err = damaged(compactName, "holds another history")
			}
			return err
		})
	})
}

// replaceDatabase puts a new database in the place of archive.db, and HEAD after it. The archive can only be closed
// then.
func (a *Archive) replaceDatabase(temp string) error {
	if err := a.writer.stop(); err != nil {
		return err
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.release(); err != nil {
		return err
	}
	crash.Point("compact: released")
	if err := os.Rename(temp, a.path(databaseName)); err != nil {
		return err
	}
	crash.Point("compact: renamed")
	if err := syncDir(a.dir); err != nil {
		return err
	}
	a.caches.forget()
	if err := a.openDatabase(context.Background()); err != nil {
		return err
	}
	txid, err := a.inspect()
	if err != nil {
		return err
	}
	return a.writeHead(txid)
}
