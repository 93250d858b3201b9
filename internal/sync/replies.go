package sync

import (
	"context"
	"sync"

	"archiver/internal/record"
	"archiver/internal/storage"
)

// replies is what is known of the comments of threads. It is shared by the tasks that read them.
type replies struct {
	mu      sync.Mutex
	known   map[stamp]comments
	changed map[record.TS]*comparison   // threads to compare with what the archive holds
	reading map[record.TS]chan struct{} // closed when the task that reads a thread is through with it
}

// comments are those of a thread as they were read last.
type comments struct {
	digest [8]byte
	now    bool // in this run
}

func newReplies() *replies {
	return &replies{
		known: make(map[stamp]comments), changed: make(map[record.TS]*comparison), reading: make(map[record.TS]chan struct{}),
	}
}

// know notes what the archive knows of a thread.
func (r *replies) know(ts record.TS, digest [8]byte) { r.known[stampOf(ts)] = comments{digest: digest} }

// begin waits until no other task reads a thread, so that what was served last is kept last. The caller ends by calling
// done.
func (r *replies) begin(ts record.TS) (done func()) {
	own := make(chan struct{})
	for {
		r.mu.Lock()
		other := r.reading[ts]
		if other == nil {
			r.reading[ts] = own
			r.mu.Unlock()
			return func() {
				r.mu.Lock()
				defer r.mu.Unlock()
				delete(r.reading, ts)
				close(own)
			}
		}
		r.mu.Unlock()
		<-other
	}
}

// comparison is a thread whose comments are to be compared with those that the archive holds.
type comparison struct {
	page  *storage.Page // settles the thread
	job   threadJob
	twice bool               // it was read more than once in this run
	shown map[record.TS]bool // comments that were read, by all reads of this run
}

// note takes a thread that was read. It gives the page to put now. What may have lost comments is kept for
// [room.compareThreads], and its page settles nothing.
func (r *replies) note(job threadJob, p *storage.Page, reads int) *storage.Page {
	entry := p.Threads[0]
	r.mu.Lock()
	defer r.mu.Unlock()
	before, known := r.known[stampOf(job.ts)]
	twice := before.now || reads > 1
	r.known[stampOf(job.ts)] = comments{entry.Digest, true}
	c := r.changed[job.ts]
	if c == nil && reads == 1 && !job.suspect && (!known || before.digest == entry.Digest) {
		return p
	}
	if c == nil {
		c = &comparison{shown: make(map[record.TS]bool)}
		r.changed[job.ts] = c
	} else if known && before.digest != entry.Digest {
		entry.Digest = [8]byte{} // comments of the earlier read that are gone show up at the next
	}
	for _, seen := range p.Messages {
		c.shown[record.TS(seen.Key)] = true
	}
	c.job, c.twice = job, twice
	c.page = &storage.Page{Observed: p.Observed, Channel: p.Channel, Threads: []storage.Thread{entry}, Paid: p.Paid}
	return &storage.Page{Observed: p.Observed, Channel: p.Channel, Messages: p.Messages}
}

// take gives the threads to compare, and forgets them.
func (r *replies) take() map[record.TS]*comparison {
	r.mu.Lock()
	defer r.mu.Unlock()
	changed := r.changed
	r.changed = make(map[record.TS]*comparison)
	return changed
}

// distrust makes the next read of a thread be compared with what the archive holds, and gives the digest that does so.
func (r *replies) distrust(ts record.TS) (digest [8]byte) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known[stampOf(ts)] = comments{digest, r.known[stampOf(ts)].now}
	return digest
}

// forget drops what is known of a thread that is gone.
func (r *replies) forget(ts record.TS) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.known, stampOf(ts))
	delete(r.changed, ts)
}

// compareThreads compares threads that changed with the comments that the archive holds, and settles them. It is called
// when no task is under way.
func (c *room) compareThreads(ctx context.Context) error {
	changed := c.replies.take()
	if len(changed) == 0 {
		return nil
	}
	var first record.TS
	queued := false // comments to compare with may not be committed yet
	for ts, t := range changed {
		if first == "" || ts < first {
			first = ts
		}
		queued = queued || t.twice
	}
	if queued {
		if err := c.run.flush(context.WithoutCancel(ctx)); err != nil {
			return c.run.broken("flush", err)
		}
	}
	gone := make(map[record.TS][]storage.Held)
	for h, err := range c.run.Archive.Held(ctx, c.id, storage.Range{From: first}) {
		if err != nil {
			return c.unreadable(ctx, "messages", err)
		}
		if t := changed[h.Thread]; t != nil && !h.Deleted && !t.shown[h.TS] {
			gone[h.Thread] = append(gone[h.Thread], *h)
		}
	}
	for ts, t := range changed {
		if err := c.settleThread(ctx, t, gone[ts]); err != nil {
			return err
		}
	}
	return nil
}

// settleThread puts the page of a thread, with what becomes of the comments that it has lost. A thread without any comment
// left counts only if its parent says so, too.
func (c *room) settleThread(ctx context.Context, t *comparison, gone []storage.Held) error {
	if len(t.shown) == 0 && len(gone) > 0 {
		counted, err := c.countNow(c.run.beyond(ctx), t.job.ts)
		if err != nil {
			if c.fault(ctx, t.job.ts, "comments", err) {
				return errHalt
			}
			return nil
		}
		if counted != 0 {
			gone, t.page.Threads[0].Digest = nil, c.replies.distrust(t.job.ts)
		}
	}
	read := c.threads.get(t.job.ts).readAt()
	for _, h := range gone {
		if err := c.missed(ctx, t.page, h, read); err != nil {
			return err
		}
	}
	return c.run.put(ctx, t.page)
}
