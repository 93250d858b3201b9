package storage

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"golang.org/x/sync/semaphore"
)

const (
	queueBytes    = 8 << 20               // what Put queues before it blocks
	commitBytes   = 4 << 20               // what is committed without waiting for more
	commitDelay   = 50 * time.Millisecond // how long the first page waits for others
	entryOverhead = 200                   // memory of an entry beside its body, in bytes
)

// item is one thing to commit: a page or a piece of bookkeeping.
type item struct {
	page   *Page
	keep   func(*batch) error // bookkeeping; nil for a page
	done   func(Counts, error)
	size   int64 // what it takes of the queue
	urgent bool  // is not to wait for others
	alone  bool  // is to have a transaction of its own
}

// committer commits what is queued, one group after the other, in the order of the queue.
type committer struct {
	a       *Archive
	room    *semaphore.Weighted
	wake    chan struct{} // holds a token when the queue changed
	stopped chan struct{}

	mu      sync.Mutex
	items   []item
	size    int64
	urgent  bool
	since   time.Time // when the first of items came
	closing bool
	failed  error // why nothing more can be committed

	// Used by the committing goroutine only.
	encoder *encoder
	open    *tailCache
	refused map[string]error // channels with a page that could not be applied
}

func startCommitter(a *Archive) *committer {
	c := &committer{
		a: a, room: semaphore.NewWeighted(queueBytes), wake: make(chan struct{}, 1), stopped: make(chan struct{}),
		encoder: newEncoder(a.caches.codec), open: newTailCache(), refused: make(map[string]error),
	}
	go c.run()
	return c
}

// Put queues a page, which must not be changed afterwards. It blocks while the queue is full, and fails once an
// earlier commit has failed. The page is durable when Done was called or Flush returned without error. Pages of one
// channel are committed in the order in which they were put. A page that adds nothing writes nothing.
//
// A page that cannot be applied, because entries that it has to be compared with are damaged, fails alone (Done gets
// the error, Flush returns it), and with it every later page of its channel.
func (a *Archive) Put(ctx context.Context, p *Page) error {
	if err := p.check(); err != nil {
		return fmt.Errorf("put page of channel %q: %w", p.Channel, err)
	}
	done := p.Done
	if done == nil {
		done = func(Counts, error) {}
	}
	if err := a.enqueue(ctx, item{page: p, done: done, size: p.size()}); err != nil {
		return fmt.Errorf("put page of channel %q: %w", p.Channel, err)
	}
	return nil
}

// Flush waits until all pages put before it are durable. It fails if one of them, or of the pages before an earlier
// Flush, could not be committed.
func (a *Archive) Flush(ctx context.Context) error {
	if err := a.keep(ctx, func(b *batch) error { return b.firstRefusal() }); err != nil {
		return fmt.Errorf("flush: %w", err)
	}
	return nil
}

// keep commits a piece of bookkeeping at once and waits for it. f is called again when another part of its group has
// failed.
func (a *Archive) keep(ctx context.Context, f func(*batch) error) error {
	return a.keepItem(ctx, item{keep: f})
}

func (a *Archive) keepItem(ctx context.Context, it item) error {
	result := make(chan error, 1)
	it.done = func(_ Counts, err error) { result <- err }
	it.size, it.urgent = 1, true
	if err := a.enqueue(ctx, it); err != nil {
		return err
	}
	select {
	case err := <-result:
		return err
	case <-ctx.Done():
		return ctx.Err()
	}
}

func (a *Archive) enqueue(ctx context.Context, i item) error {
	c := a.writer
	if c == nil {
		return ErrReadOnly
	}
	i.size = min(max(i.size, 1), queueBytes)
	if err := c.room.Acquire(ctx, i.size); err != nil {
		return err
	}
	if err := c.push(i); err != nil {
		c.room.Release(i.size)
		return err
	}
	return nil
}

func (c *committer) push(i item) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failed != nil:
		return c.failed
	case c.closing:
		return ErrClosed
	}
	if len(c.items) == 0 {
		c.since = time.Now()
	}
	c.items = append(c.items, i)
	c.size += i.size
	c.urgent = c.urgent || i.urgent
	c.signal()
	return nil
}

func (c *committer) signal() {
	select {
	case c.wake <- struct{}{}:
	default:
	}
}

// stop commits what is queued and ends the goroutine.
func (c *committer) stop() error {
	c.mu.Lock()
	c.closing = true
	c.signal()
	c.mu.Unlock()
	<-c.stopped
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

func (c *committer) run() {
	defer close(c.stopped)
	for {
		items := c.next()
		if items == nil {
			return
		}
		err := c.stoppedBy()
		if err == nil {
			err = c.commit(items)
		}
		for _, i := range items {
			c.room.Release(i.size)
			if err != nil {
				i.done(Counts{}, err)
			}
		}
	}
}

func (c *committer) stoppedBy() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.failed
}

// next waits for a group that is worth a commit; nil means that the archive is being closed.
func (c *committer) next() []item {
	for {
		items, wait := c.take()
		if items != nil {
			return items
		}
		if wait == 0 {
			return nil
		}
		timer := time.NewTimer(wait)
		select {
		case <-c.wake:
		case <-timer.C:
		}
		timer.Stop()
	}
}

// take gives the queue if it is to be committed now, else how long to wait for it; 0 means that nothing will come.
func (c *committer) take() (items []item, wait time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if len(c.items) == 0 {
		if c.closing {
			return nil, 0
		}
		return nil, time.Hour
	}
	age := time.Since(c.since)
	if c.size < commitBytes && !c.urgent && !c.closing && age < commitDelay {
		return nil, commitDelay - age
	}
	items = c.items
	c.items, c.size, c.urgent = nil, 0, false
	return items, 0
}

// fail makes every later Put fail: after a failed commit nobody knows what is on the disk until the archive is opened
// again.
func (c *committer) fail(err error) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failed == nil {
		c.failed = fmt.Errorf("nothing more is written, open the archive again: %w", err)
	}
	return c.failed
}

// errCommit marks errors of which it is unknown whether the transaction took place.
var errCommit = errors.New("commit")
