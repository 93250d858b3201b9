package storage

import (
	"context"
	"fmt"
	"log/slog"
	"path/filepath"
	"sync"
	"sync/atomic"
	"time"

	"archiver/internal/blob"

	"github.com/gofrs/flock"
	bolt "go.etcd.io/bbolt"
)

// Options say how an archive is opened.
type Options struct {
	Logger *slog.Logger // nil discards

	// ReadOnly opens for reading. Such an archive writes nothing and lets go of the database for a moment at least
	// every half minute, so that a writer gets in; reading then goes on when the writer has finished.
	ReadOnly bool

	// LockWait is how long opening for reading waits for a writer; 0 means not at all. Opening for writing fails at
	// once beside another writer and waits up to ten minutes for readers, whatever LockWait is.
	LockWait time.Duration

	Now func() time.Time // nil is time.Now

	created bool // the archive was made just now
}

func (o Options) withDefaults() Options {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// Archive is an open archive directory. Its methods may be called from several goroutines.
type Archive struct {
	dir        string
	o          Options
	id         string
	generation uint64 // of the database, see Compact
	blobs      *blob.Store
	caches     *caches
	writer     *committer   // nil when open for reading only
	lock       *flock.Flock // held by a writer

	change  atomic.Uint64
	tree    atomic.Pointer[Tree] // of the newest commit; the empty one where the log cannot be read
	commits atomic.Int64
	fsyncs  atomic.Int64

	mu     sync.RWMutex // held for reading while db is used, for writing while it is opened or closed
	db     *bolt.DB     // nil while a reading archive has let go
	lease  *time.Timer  // lets go of db; nil for a writer
	left   time.Time    // when db was let go of
	closed bool
}

// Close waits for what was put to be committed and closes the archive. It returns the error that stopped an earlier
// commit, if there was one.
func (a *Archive) Close() error {
	var err error
	if a.writer != nil {
		err = a.writer.stop()
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.closed {
		return nil
	}
	a.closed = true
	if a.lease != nil {
		a.lease.Stop()
	}
	if closeErr := a.release(); err == nil {
		err = closeErr
	}
	a.caches.codec.close()
	if a.lock != nil {
		if closeErr := a.lock.Close(); err == nil {
			err = closeErr
		}
	}
	if err != nil {
		return fmt.Errorf("close archive %s: %w", a.dir, err)
	}
	return nil
}

// release closes the database; a.mu is held.
func (a *Archive) release() error {
	if a.db == nil {
		return nil
	}
	err := a.db.Close()
	a.db, a.left = nil, time.Now()
	return err
}

// Dir is the archive's directory.
func (a *Archive) Dir() string { return a.dir }

// ID is the archive's random identifier, made when it was created.
func (a *Archive) ID() string { return a.id }

// Blobs is the store of file bytes.
func (a *Archive) Blobs() *blob.Store { return a.blobs }

// Change is the number of the newest committed entry, 0 for an empty archive.
func (a *Archive) Change() uint64 { return a.change.Load() }

func (a *Archive) path(name string) string { return filepath.Join(a.dir, name) }

// view runs f with a snapshot of the database. f must be short, and must not call view.
func (a *Archive) view(ctx context.Context, f func(*snapshot) error) error {
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := a.acquire(ctx); err != nil {
		return err
	}
	defer a.mu.RUnlock()
	return guard(func() error {
		return a.db.View(func(tx *bolt.Tx) error {
			s, err := newSnapshot(tx, a.caches)
			if err != nil {
				return err
			}
			return f(s)
		})
	})
}

// acquire takes a.mu for reading with the database open, opening it again where it was let go of.
func (a *Archive) acquire(ctx context.Context) error {
	for {
		a.mu.RLock()
		switch {
		case a.closed:
			a.mu.RUnlock()
			return ErrClosed
		case a.db != nil:
			return nil
		}
		a.mu.RUnlock()
		if err := a.reopen(ctx); err != nil {
			return err
		}
	}
}

// Created is when the archive was made; zero where that is not known any more.
func (a *Archive) Created(ctx context.Context) (at time.Time, err error) {
	err = a.view(ctx, func(s *snapshot) error {
		value, err := s.get(bucketMeta, []byte(metaCreated))
		if err == nil {
			at, _ = time.Parse(time.RFC3339, string(value))
		}
		return err
	})
	return at, err
}
