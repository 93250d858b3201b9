package storage

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"syscall"
	"time"

	"archiver/internal/blob"

	"github.com/gofrs/flock"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	databaseName = "archive.db"
	lockName     = "lock"
	pageSize     = 4096 // bytes, whatever the machine's is

	writerWait = 10 * time.Minute       // how long a writer waits for readers
	leaseTime  = 20 * time.Second       // how long a reader holds the database
	leasePause = 150 * time.Millisecond // how long it lets go; writers look every 50 ms
	lockPoll   = 20 * time.Millisecond
)

// Open opens the archive in dir. It fails with ErrNoArchive, ErrInUse, ErrNewer, ErrDamaged or an error of the file
// system.
func Open(ctx context.Context, dir string, o Options) (*Archive, error) {
	a, err := open(ctx, dir, o.withDefaults())
	if err != nil {
		return nil, fmt.Errorf("open archive %s: %w", dir, err)
	}
	return a, nil
}

func open(ctx context.Context, dir string, o Options) (*Archive, error) {
	if info, err := os.Stat(filepath.Join(dir, databaseName)); err != nil || !info.Mode().IsRegular() {
		if err != nil && !errors.Is(err, fs.ErrNotExist) && !errors.Is(err, fs.ErrInvalid) {
			return nil, err
		}
		return nil, ErrNoArchive
	}
	a := &Archive{dir: dir, o: o, blobs: blob.Open(filepath.Join(dir, "blobs"))}
	var err error
	if a.caches, err = newCaches(); err != nil {
		return nil, err
	}
	if o.ReadOnly {
		err = a.openForReading(ctx, o.LockWait)
	} else {
		err = a.openForWriting(ctx)
	}
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	return a, nil
}

// openForWriting takes the lock file, waits for readers and starts the committer.
func (a *Archive) openForWriting(ctx context.Context) error {
	lock, err := lockDirectory(a.dir)
	if err != nil {
		return err
	}
	a.lock = lock
	pages, err := a.preflight(readWrite)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(ctx, writerWait)
	defer cancel()
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	txid, err := a.inspect()
	if err != nil {
		return err
	}
	if err := a.checkCounts(pages); err != nil {
		return err
	}
	if err := a.repairHead(txid); err != nil {
		return err
	}
	if err := a.blobs.RemoveTemporary(); err != nil {
		return err
	}
	a.writer = startCommitter(a)
	return nil
}

// preflight looks at the pages of archive.db before bbolt does. Problems up to the tolerated severity are logged.
func (a *Archive) preflight(tolerated severity) (*pageMap, error) {
	pages, err := readPageFile(a.path(databaseName), !a.o.ReadOnly)
	if err != nil {
		return nil, err
	}
	if err := pages.err(tolerated); err != nil {
		return nil, err
	}
	for _, p := range pages.problems {
		a.o.Logger.Warn("archive.db has a bad page", "archive", a.dir, "page", p.page, "what", p.what)
	}
	return pages, nil
}

// readPageFile reads the pages of a database file, with the list of free pages or without.
func readPageFile(path string, free bool) (*pageMap, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return nil, err
	}
	pages, err := readPages(f, info.Size())
	if err != nil {
		return nil, err
	}
	if free {
		pages.freelist()
	}
	return pages, nil
}

// checkCounts compares the number of entries that the pages hold with the number that the latest commit noted.
func (a *Archive) checkCounts(pages *pageMap) error {
	return a.view(context.Background(), func(s *snapshot) error {
		counts, err := s.counts()
		if err != nil {
			return err
		}
		for _, b := range buckets {
			if pages.entries[b] != counts[b] {
				return damaged(string(b), "%d entries, not %d", pages.entries[b], counts[b])
			}
		}
		return nil
	})
}

// lockDirectory takes the exclusive lock of writers.
func lockDirectory(dir string) (*flock.Flock, error) {
	lock := flock.New(filepath.Join(dir, lockName), flock.SetPermissions(0o600))
	ok, err := lock.TryLock()
	if err != nil {
		return nil, fmt.Errorf("lock: %w", err)
	}
	if !ok {
		return nil, fmt.Errorf("%w: another writer", ErrInUse)
	}
	return lock, nil
}

// openForReading opens the database beside other readers, waiting at most wait for a writer.
func (a *Archive) openForReading(ctx context.Context, wait time.Duration) error {
	guardLock := flock.New(a.path(databaseName), flock.SetFlag(os.O_RDONLY))
	defer guardLock.Close()
	if err := waitShared(ctx, guardLock, wait); err != nil {
		return err
	}
	if _, err := a.preflight(readSome); err != nil {
		return err
	}
	if err := a.openDatabase(ctx); err != nil {
		return err
	}
	if _, err := a.inspect(); err != nil {
		return err
	}
	if a.lease == nil {
		a.lease = time.AfterFunc(leaseTime, a.letGo)
	} else {
		a.lease.Reset(leaseTime)
	}
	return nil
}

// waitShared takes a shared lock. A negative wait has no limit but the context.
func waitShared(ctx context.Context, lock *flock.Flock, wait time.Duration) error {
	for start := time.Now(); ; {
		ok, err := lock.TryRLock()
		switch {
		case err != nil:
			return fmt.Errorf("lock: %w", err)
		case ok:
			return nil
		case wait >= 0 && time.Since(start) >= wait:
			return fmt.Errorf("%w: a writer is at work", ErrInUse)
		}
		if err := sleep(ctx, lockPoll); err != nil {
			return err
		}
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
		return ctx.Err()
	case <-timer.C:
		return nil
	}
}

// letGo closes the database of a reader between two windows. The next one opens it again.
func (a *Archive) letGo() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if err := a.release(); err != nil {
		a.o.Logger.Warn("close database", "archive", a.dir, "error", err)
	}
}

// reopen takes the database up again, behind any writer.
func (a *Archive) reopen(ctx context.Context) error {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed || a.db != nil {
		return nil
	}
	if err := sleep(ctx, time.Until(a.left.Add(leasePause))); err != nil {
		return err
	}
	a.caches.forget()
	if err := a.openForReading(ctx, -1); err != nil {
		return errors.Join(fmt.Errorf("open archive %s again: %w", a.dir, err), a.release())
	}
	return nil
}

// openDatabase opens archive.db, trying until the context ends while others hold it.
func (a *Archive) openDatabase(ctx context.Context) error {
	mappedBits := 34
	for waiting := false; ; waiting = true {
		err := guard(func() (err error) {
			a.db, err = bolt.Open(a.path(databaseName), 0o600, a.databaseOptions(mappedBits))
			return err
		})
		switch {
		case err == nil:
			return nil
		case errors.Is(err, syscall.ENOMEM) && mappedBits > 0: // address space is limited
			mappedBits = 0
		case errors.Is(err, bolterrors.ErrTimeout) && ctx.Err() == nil:
			if !waiting {
				a.o.Logger.Info("waiting for readers of the archive", "archive", a.dir)
			}
		case errors.Is(err, bolterrors.ErrTimeout):
			return fmt.Errorf("%w: waiting for readers: %w", ErrInUse, ctx.Err())
		case errors.Is(err, bolterrors.ErrInvalid), errors.Is(err, bolterrors.ErrChecksum),
			errors.Is(err, bolterrors.ErrVersionMismatch):
			return damaged(databaseName, "%v", err)
		default:
			return err
		}
	}
}

func (a *Archive) databaseOptions(mappedBits int) *bolt.Options {
	o := &bolt.Options{
		Timeout:      200 * time.Millisecond,
		FreelistType: bolt.FreelistMapType,
		ReadOnly:     a.o.ReadOnly,
		PageSize:     pageSize,
	}
	// A mapping that never has to move spares readers and the writer waiting for each other. It takes address space
	// only; Windows would make the file as long.
	if !o.ReadOnly && strconv.IntSize == 64 && runtime.GOOS != "windows" {
		o.InitialMmapSize = 1 << mappedBits
	}
	return o
}

// inspect checks that the database is an archive of this format that is not behind HEAD, and gives the number of its
// newest transaction.
func (a *Archive) inspect() (txid uint64, err error) {
	var change uint64
	err = guard(func() error {
		return a.db.View(func(tx *bolt.Tx) error {
			txid = uint64(tx.ID())
			s, err := a.identify(tx)
			if err != nil {
				return err
			}
			change = s.change
			return nil
		})
	})
	if err != nil {
		return 0, err
	}
	head, err := readHead(a.dir)
	switch {
	case errors.Is(err, ErrDamaged):
		a.o.Logger.Warn("the anchor outside the database is unreadable", "archive", a.dir, "error", err)
	case err != nil:
		return 0, err
	case head == nil:
		a.o.Logger.Warn("the anchor outside the database is missing", "archive", a.dir)
	default:
		if err := head.check(a.id, change, txid); err != nil {
			return 0, err
		}
	}
	a.change.Store(change)
	return txid, nil
}

// identify reads what bucket meta says.
func (a *Archive) identify(tx *bolt.Tx) (*snapshot, error) {
	if err := checkFormat(tx); err != nil {
		return nil, err
	}
	for _, b := range buckets {
		if tx.Bucket([]byte(b)) == nil {
			return nil, damaged(databaseName, "bucket %s is missing", b)
		}
	}
	s, err := newSnapshot(tx, a.caches)
	if err != nil {
		return nil, err
	}
	id, err := s.get(bucketMeta, []byte(metaID))
	if err != nil {
		return nil, err
	}
	if a.id != "" && a.id != string(id) {
		return nil, damaged(databaseName, "is archive %s now, it was %s", id, a.id)
	}
	a.id = string(id)
	return s, nil
}

// checkFormat refuses what is no archive, or one of a newer format.
func checkFormat(tx *bolt.Tx) error {
	if tx.Bucket([]byte(bucketMeta)) == nil {
		return damaged(databaseName, "is a database, but not of an archive")
	}
	format, err := (&snapshot{tx: tx}).get(bucketMeta, []byte(metaFormat))
	switch {
	case err != nil:
		return err
	case len(format) != 4:
		return damagedAt(bucketMeta, []byte(metaFormat), "is no format version")
	case binary.BigEndian.Uint32(format) > formatVersion:
		return fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, binary.BigEndian.Uint32(format), formatVersion)
	}
	return nil
}

// repairHead brings HEAD up to the database, which a crash between a commit and HEAD leaves behind.
func (a *Archive) repairHead(txid uint64) error {
	head, err := readHead(a.dir)
	if err == nil && head != nil && head.Change == a.change.Load() && head.TxID == txid {
		return nil
	}
	return a.writeHead(txid)
}

func (a *Archive) writeHead(txid uint64) error {
	a.fsyncs.Add(headFsyncs)
	return anchor{
		Format: formatVersion, Archive: a.id, Change: a.change.Load(), TxID: txid, Time: a.o.Now().UTC(),
	}.write(a.dir)
}

// Create makes an archive in dir, which must be absent or empty, and opens it for writing. A directory with something
// else in it is ErrNoArchive, one with an archive fs.ErrExist.
func Create(ctx context.Context, dir string, o Options) (*Archive, error) {
	if err := create(dir, o.withDefaults()); err != nil {
		return nil, fmt.Errorf("create archive %s: %w", dir, err)
	}
	o.ReadOnly = false
	return Open(ctx, dir, o)
}

func create(dir string, o Options) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := checkEmpty(dir); err != nil {
		return err
	}
	lock, err := lockDirectory(dir)
	if err != nil {
		return err
	}
	defer lock.Close()
	if err := checkEmpty(dir); err != nil {
		return err
	}
	temp, path := filepath.Join(dir, databaseName+".tmp"), filepath.Join(dir, databaseName)
	if err := os.Remove(temp); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := initDatabase(temp, o.Now()); err != nil {
		return err
	}
	if err := os.Rename(temp, path); err != nil {
		return err
	}
	if err := syncDir(dir); err != nil {
		return err
	}
	return syncDir(filepath.Dir(filepath.Clean(dir)))
}

// checkEmpty tells whether an archive may be made in dir: it holds nothing but what file systems put there and what
// an interrupted Create left.
func checkEmpty(dir string) error {
	names, err := os.ReadDir(dir)
	if err != nil {
		return err
	}
	for _, entry := range names {
		switch name := entry.Name(); {
		case name == databaseName:
			return fs.ErrExist
		case name == "lost+found", name == lockName, name == databaseName+".tmp", strings.HasPrefix(name, "."):
		default:
			return fmt.Errorf("%w: the directory is not empty, it holds %s", ErrNoArchive, name)
		}
	}
	return nil
}

// initDatabase makes an empty database durably.
func initDatabase(path string, now time.Time) error {
	db, err := bolt.Open(path, 0o600, &bolt.Options{PageSize: pageSize, FreelistType: bolt.FreelistMapType})
	if err != nil {
		return err
	}
	err = db.Update(func(tx *bolt.Tx) error {
		for _, b := range buckets {
			if _, err := tx.CreateBucket([]byte(b)); err != nil {
				return err
			}
		}
		counts := make([]byte, len(buckets))
		for i, b := range buckets {
			if b == bucketMeta {
				counts[i] = 4
			}
		}
		for key, value := range map[string][]byte{
			metaFormat:  uint32Key(formatVersion),
			metaID:      []byte(newID()),
			metaCreated: []byte(now.UTC().Format(time.RFC3339)),
			metaCounts:  counts,
		} {
			if err := tx.Bucket([]byte(bucketMeta)).Put([]byte(key), seal(bucketMeta, []byte(key), value)); err != nil {
				return err
			}
		}
		return nil
	})
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	return syncFile(path)
}

func newID() string {
	b := make([]byte, 16)
	_, _ = rand.Read(b) // never fails
	return hex.EncodeToString(b)
}
