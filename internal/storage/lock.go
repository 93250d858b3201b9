package storage

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"time"

	"github.com/gofrs/flock"
)

const (
	lockName = "lock"

	writerWait = 10 * time.Minute       // how long a writer waits for readers
	leaseTime  = 20 * time.Second       // how long a reader holds the database
	leasePause = 150 * time.Millisecond // how long it lets go; writers look every 50 ms
	lockPoll   = 20 * time.Millisecond
)

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
