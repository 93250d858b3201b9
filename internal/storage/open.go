package storage

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"syscall"
	"time"

	"archiver/internal/blob"

	"github.com/gofrs/flock"
	bolt "go.etcd.io/bbolt"
	bolterrors "go.etcd.io/bbolt/errors"
)

const (
	databaseName = "archive.db"
	pageSize     = 4096 // bytes, whatever the machine's is
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
	info, err := os.Stat(filepath.Join(dir, databaseName))
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, syscall.ENOTDIR), err == nil && !info.Mode().IsRegular():
		return nil, ErrNoArchive
	case err != nil:
		return nil, err
	}
	a := &Archive{dir: dir, o: o, blobs: blob.Open(filepath.Join(dir, "blobs"))}
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
	if err := a.migrate(migrations); err != nil {
		return err
	}
	if pages, err = a.mend(pages); err != nil {
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
	if err := errors.Join(removeIfThere(a.path(compactName)), a.blobs.RemoveTemporary()); err != nil {
		return err
	}
	a.writer = startCommitter(a)
	return nil
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
	err = guard(func() error {
		return a.db.View(func(tx *bolt.Tx) error {
			txid = uint64(tx.ID())
			s, err := a.identify(tx)
			if err != nil {
				return err
			}
			a.change.Store(s.change)
			if err := a.compareHead(s); err != nil {
				return err
			}
			return a.readTree(s)
		})
	})
	return txid, err
}

// compareHead refuses a database that is behind HEAD. A HEAD that is missing or unreadable is told.
func (a *Archive) compareHead(s *snapshot) error {
	head, err := readHead(a.dir)
	switch {
	case errors.Is(err, ErrDamaged):
		a.o.Logger.Warn("the anchor outside the database is unreadable", "archive", a.dir, "error", err)
	case err != nil:
		return err
	case head == nil && a.o.created: // the anchor is written by the first writer, which is this one
	case head == nil:
		a.o.Logger.Warn("the anchor outside the database is missing", "archive", a.dir)
	default:
		return head.check(a.id, s.change, a.generation, uint64(s.tx.ID()))
	}
	return nil
}

// readTree notes the state of the log. A log that cannot be read keeps nobody from reading the rest.
func (a *Archive) readTree(s *snapshot) error {
	t, err := s.tree()
	if err != nil && a.o.ReadOnly {
		a.o.Logger.Warn("the log of commits is damaged", "archive", a.dir, "error", err)
		t, err = Tree{}, nil
	}
	a.tree.Store(&t)
	return err
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
	a.generation, err = s.generation()
	return s, err
}

// checkFormat refuses what is no archive, or one of a newer format.
func checkFormat(tx *bolt.Tx) error {
	format, err := formatOf(tx)
	if err == nil && format > formatVersion {
		err = fmt.Errorf("%w: version %d, this program knows %d", ErrNewer, format, formatVersion)
	}
	return err
}
