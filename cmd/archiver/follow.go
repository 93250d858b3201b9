package main

import (
	"context"
	"errors"
	"sync/atomic"
	"time"

	"archiver/internal/index"
	"archiver/internal/storage"
)

// follower keeps the search index up to date beside a sync. What goes wrong with the index is a warning: it can be
// made anew at any time.
type follower struct {
	env         *env
	archive     *storage.Archive
	reading     atomic.Pointer[fileTexts]
	woken       chan struct{}
	finished    chan struct{}
	cancel      context.CancelFunc
	failed      error
	done, total atomic.Uint64
	meter       meter // used by line alone
}

// followArchive starts to follow the archive. finish must be called.
func followArchive(ctx context.Context, e *env, a *storage.Archive) *follower {
	ctx, cancel := context.WithCancel(ctx)
	f := &follower{env: e, archive: a, woken: make(chan struct{}, 1), finished: make(chan struct{}), cancel: cancel}
	f.meter = meter{what: "index", format: count[int64]}
	go func() {
		defer close(f.finished)
		f.failed = f.run(ctx)
	}()
	return f
}

// wake tells the follower that there is something new. It does not block.
func (f *follower) wake() {
	select {
	case f.woken <- struct{}{}:
	default:
	}
}

// run follows until woken is closed, and then to the end.
func (f *follower) run(ctx context.Context) (err error) {
	texts, err := f.env.writeTexts(f.archive, false)
	if err != nil {
		return err
	}
	defer closing(&err, texts.close)
	ix, err := f.open(ctx, texts)
	if err != nil {
		return err
	}
	defer closing(&err, ix.Close)
	f.reading.Store(texts)
	progress := func(done, total uint64) { f.done.Store(done); f.total.Store(total) }
	for open := true; open; {
		select {
		case _, open = <-f.woken:
		case <-ctx.Done():
			return ctx.Err()
		}
		if err := ix.CatchUp(ctx, f.archive, progress); err != nil {
			return err
		}
		more := func() bool { return !open || len(f.woken) == 0 } // messages go first
		if err := ix.CatchUpFiles(ctx, f.archive, more); err != nil {
			return err
		}
	}
	return nil
}

// open opens the index for writing. One that is of another version or damaged is made anew.
func (f *follower) open(ctx context.Context, texts *fileTexts) (*index.Index, error) {
	o := index.Options{Logger: f.env.ui.logger(), Texts: texts.asTexts()}
	ix, err := index.Open(ctx, f.env.indexDir(), o)
	if !errors.Is(err, index.ErrMapping) && !errors.Is(err, index.ErrDamaged) {
		return ix, err
	}
	f.env.ui.warn("%v; the index is made anew", err)
	if err := index.Rebuild(ctx, f.env.indexDir(), f.archive, o, nil); err != nil {
		return nil, err
	}
	return index.Open(ctx, f.env.indexDir(), o)
}

// finish waits until the index holds all of the archive. An interrupted run does not wait: the next one catches up.
func (f *follower) finish(ctx context.Context) {
	close(f.woken)
	select {
	case <-f.finished:
	case <-ctx.Done():
		f.cancel()
		<-f.finished
	}
	f.cancel()
	if f.failed != nil && ctx.Err() == nil {
		f.env.ui.warn("the search index is not up to date: %v", f.failed)
		f.env.ui.hint("the archive is not affected; the next sync or archiver index rebuild repairs the index")
	}
}

func (f *follower) line(elapsed time.Duration) string {
	if done, total := f.done.Load(), f.total.Load(); done < total || total == 0 {
		return f.meter.line(int64(done), int64(total), elapsed)
	}
	return f.reading.Load().line()
}
