package sync

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"math"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// threadTries is how often a thread is read that shows fewer comments than its parent counts.
const threadTries = 3

var errNoTS = errors.New("the server gives comments without a usable ts")

// threadJob is a thread whose comments are to be read.
type threadJob struct {
	ts      record.TS
	count   int64
	owed    storage.Debt
	suspect bool // the archive may hold comments that no list of this run shows
	audit   bool // nobody owes it: a fault is no problem
}

// wantThread owes the comments of a main message when they are due.
func (c *room) wantThread(p *storage.Page, w *work, it item, listed bool) {
	count := it.message.CommentsCount
	t := c.threads.get(it.ts)
	if !t.due(count, listed, c.again) {
		return
	}
	suspect := t.suspect()
	t.count, t.known, t.asked = count, true, true
	c.threads.set(it.ts, t)
	owed := c.debt(storage.DebtThread, string(it.ts))
	p.Owe = append(p.Owe, owed)
	w.threads = append(w.threads, threadJob{ts: it.ts, count: count, owed: owed, suspect: suspect})
}

// rereadThreads reads threads again that nothing in this run has brought up: those with comments that are missing and,
// where all is to be read again, all others.
func (c *room) rereadThreads(ctx context.Context) error {
	for ts, t := range c.threads.all() {
		if t.asked || !t.known || !t.lost && !c.again {
			continue
		}
		job := threadJob{ts: ts, count: t.count, owed: c.debt(storage.DebtThread, string(ts)), suspect: t.suspect()}
		t.asked = true
		c.threads.set(ts, t)
		if err := c.spawn(ctx, func() { c.readThread(ctx, job) }); err != nil {
			return err
		}
	}
	return nil
}

// payThreads reads the comments that earlier runs owe.
func (c *room) payThreads(ctx context.Context) error {
	for ts, owed := range c.threadsOwed {
		if owed.NotBefore.After(c.run.Now()) {
			c.failed.Store(true)
			c.run.problem(c.id+"/"+string(ts), "comments are still to be read: "+owed.Reason)
			continue
		}
		count, err := c.archivedCount(ctx, ts)
		if err != nil {
			return c.unreadable(ctx, "message "+string(ts), err)
		}
		job := threadJob{ts: ts, count: count, owed: owed, suspect: true}
		t := c.threads.get(ts)
		t.count, t.known, t.asked = count, true, true
		c.threads.set(ts, t)
		if err := c.spawn(ctx, func() { c.readThread(ctx, job) }); err != nil {
			return err
		}
	}
	return nil
}

// archivedCount is the comments_count of the parent as it was last seen. It is not later than the comments.
func (c *room) archivedCount(ctx context.Context, ts record.TS) (int64, error) {
	m, err := c.run.Archive.Message(ctx, c.id, ts)
	switch {
	case errors.Is(err, storage.ErrNotFound):
		return -1, nil
	case err != nil:
		return 0, err
	}
	return record.ParseMessage(m.Raw).CommentsCount, nil
}

// listThreads walks threads.list, which shows comments that were added to old messages.
func (c *room) listThreads(ctx context.Context) error {
	_, err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			return c.run.Client.Threads(ctx, teamchat.ListQuery{Channel: c.call, Count: count, Page: page})
		},
		take: func(ctx context.Context, page *teamchat.MessagePage) error {
			return c.take(ctx, page.Answer, c.order(page).list, nil, true)
		},
	}.walk(ctx)
	return err
}

// readThread reads the comments of a thread and settles its debt.
func (c *room) readThread(ctx context.Context, job threadJob) {
	defer c.replies.begin(job.ts)()
	err := c.comments(ctx, job)
	if err == nil {
		return
	}
	if job.audit {
		c.excuse(ctx, "comments of "+string(job.ts), err)
		return
	}
	if c.fault(ctx, job.ts, "comments", err) {
		return
	}
	owed := job.owed
	owed.Tries, owed.Reason = owed.Tries+1, err.Error()
	_ = c.run.put(ctx, &storage.Page{Observed: c.run.Now().UTC(), Channel: c.id, Owe: []storage.Debt{owed}})
}

// comments reads a thread until there are as many comments as the parent says. A count that the parent shows before or
// after is as good: comments may be deleted meanwhile.
func (c *room) comments(ctx context.Context, job threadJob) error {
	want := job.count
	for try := range threadTries {
		p, n, err := c.readComments(ctx, job)
		if err != nil {
			return err
		}
		ctx = teamchat.Begun(ctx)
		if int64(n) < want {
			if want, err = c.countNow(ctx, job.ts); err != nil {
				return err
			}
			want = max(want, 0)
		}
		if int64(n) >= want {
			if len(p.Threads) > 0 {
				p = c.replies.note(job, p, try+1)
			}
			return c.run.put(ctx, p)
		}
		p.Paid, p.Threads = nil, nil
		if err := c.run.put(ctx, p); err != nil {
			return err
		}
	}
	return fmt.Errorf("the server gives fewer comments than the %d it counts", want)
}

// readComments reads a thread once and gives the page that settles it, with the number of comments.
func (c *room) readComments(ctx context.Context, job threadJob) (p *storage.Page, n int, err error) {
	page, err := c.run.Client.Comments(ctx, c.call, string(job.ts))
	var refusal *teamchat.Error
	if errors.As(err, &refusal) && refusal.NotFound() {
		p = c.page(teamchat.Answer{Received: c.run.Now().UTC()})
		p.Paid = append(p.Paid, job.owed)
		return p, math.MaxInt, nil
	}
	if err != nil {
		return nil, 0, err
	}
	items := order(page)
	p = c.page(page.Answer)
	digest := sha256.New()
	for _, it := range items.list {
		if it.ts == job.ts {
			continue // servers may give the parent too
		}
		raw := record.Clean(it.message.Raw)
		p.Messages = append(p.Messages, record.Seen{Key: string(it.ts), Thread: job.ts, Raw: raw})
		digest.Write(raw)
	}
	entry := storage.Thread{TS: job.ts, Count: job.count, Comments: len(p.Messages), Read: page.Received}
	copy(entry.Digest[:], digest.Sum(nil))
	if items.lost > 0 {
		return nil, 0, errors.Join(errNoTS, c.run.put(ctx, p))
	}
	p.Threads, p.Paid = append(p.Threads, entry), append(p.Paid, job.owed)
	return p, len(p.Messages), nil
}

// countNow is how many comments the parent shows now: 0 when it shows none, -1 when it is gone.
func (c *room) countNow(ctx context.Context, ts record.TS) (int64, error) {
	_, parent, err := c.run.Client.Item(ctx, c.call, string(ts))
	var refusal *teamchat.Error
	switch {
	case errors.As(err, &refusal) && refusal.NotFound():
		return -1, nil
	case err != nil:
		return 0, err
	}
	return max(parent.CommentsCount, 0), nil
}
