package sync

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// thread is what a walk knows of a thread.
type thread struct {
	count int64         // the parent's comments_count when the comments were read or asked for; -1 when it gave none
	known bool          // count is from the registry or from this run
	asked bool          // the comments were asked for in this run
	debt  *storage.Debt // of an earlier run, until it is begun
	seen  uint64        // hash of the parent's object in this run, 0 before
}

// due tells whether comments are to be read, now that the parent shows count. again is true when all are to be read.
func (t thread) due(count int64, listed, again bool) bool {
	switch {
	case count < 0 && !listed:
		return false
	case !t.known:
		return count != 0
	case t.asked:
		return count >= 0 && count != t.count
	}
	return again || count < 0 || count != t.count
}

// threadJob is a thread whose comments are to be read.
type threadJob struct {
	ts    record.TS
	count int64
	owed  storage.Debt
}

// wantThread owes the comments of a main message when they are due.
func (c *room) wantThread(p *storage.Page, w *work, it item, listed bool) {
	count := it.message.CommentsCount
	t := c.threads[it.ts]
	if !t.due(count, listed, c.again) {
		return
	}
	t.count, t.known, t.asked = count, true, true
	c.threads[it.ts] = t
	owed := c.debt(storage.DebtThread, string(it.ts))
	p.Owe = append(p.Owe, owed)
	w.threads = append(w.threads, threadJob{ts: it.ts, count: count, owed: owed})
}

// payThreads reads the comments that earlier runs owe.
func (c *room) payThreads(ctx context.Context) error {
	for ts, t := range c.threads {
		if t.debt == nil {
			continue
		}
		if t.debt.NotBefore.After(c.run.Now()) {
			c.failed.Store(true)
			c.run.problem(c.id+"/"+string(ts), "comments are still to be read: "+t.debt.Reason)
			continue
		}
		count, err := c.archivedCount(ctx, ts)
		if err != nil {
			return c.unreadable(ctx, "message "+string(ts), err)
		}
		job := threadJob{ts: ts, count: count, owed: *t.debt}
		t.count, t.known, t.asked = count, true, true
		c.threads[ts] = t
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
	return pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			return c.run.Client.Threads(ctx, teamchat.ListQuery{Channel: c.call, Count: count, Page: page})
		},
		take: func(ctx context.Context, page *teamchat.MessagePage) error {
			items, err := order(page)
			if err != nil {
				return err
			}
			return c.take(ctx, page.Answer, items.list, nil, true)
		},
	}.walk(ctx)
}

// readThread reads the comments of a thread and settles its debt.
func (c *room) readThread(ctx context.Context, job threadJob) {
	err := c.comments(ctx, job)
	if err == nil || c.fault(ctx, job.ts, "comments", err) {
		return
	}
	owed := job.owed
	owed.Tries, owed.Reason = owed.Tries+1, err.Error()
	_ = c.run.put(ctx, &storage.Page{Observed: c.run.Now().UTC(), Channel: c.id, Owe: []storage.Debt{owed}})
}

func (c *room) comments(ctx context.Context, job threadJob) error {
	page, err := c.run.Client.Comments(ctx, c.call, string(job.ts))
	var refusal *teamchat.Error
	if errors.As(err, &refusal) && refusal.NotFound() {
		return c.run.put(ctx, c.settled(teamchat.Answer{Received: c.run.Now().UTC()}, job))
	}
	if err != nil {
		return err
	}
	items, err := order(page)
	if err != nil {
		return err
	}
	p := c.settled(page.Answer, job)
	entry := storage.Thread{TS: job.ts, Count: job.count}
	digest := sha256.New()
	for _, it := range items.list {
		if it.ts == job.ts {
			continue // servers may give the parent too
		}
		raw := record.Clean(it.message.Raw)
		p.Messages = append(p.Messages, record.Seen{Key: string(it.ts), Thread: job.ts, Raw: raw})
		digest.Write(raw)
		entry.Comments++
	}
	copy(entry.Digest[:], digest.Sum(nil))
	p.Threads = append(p.Threads, entry)
	if err := c.checkComments(ctx, job, entry.Comments); err != nil {
		p.Paid, p.Threads = nil, nil
		return errors.Join(c.run.put(ctx, p), err)
	}
	return c.run.put(ctx, p)
}

// settled begins a page that pays for a thread.
func (c *room) settled(a teamchat.Answer, job threadJob) *storage.Page {
	p := c.page(a)
	p.Paid = append(p.Paid, job.owed)
	return p
}

// checkComments asks again when there are fewer comments than the parent said: they may have been deleted meanwhile.
func (c *room) checkComments(ctx context.Context, job threadJob, comments int) error {
	if job.count <= int64(comments) {
		return nil
	}
	_, parent, err := c.run.Client.Item(ctx, c.call, string(job.ts))
	var refusal *teamchat.Error
	switch {
	case errors.As(err, &refusal) && refusal.NotFound():
		return nil
	case err != nil:
		return err
	case parent.CommentsCount > int64(comments):
		return fmt.Errorf("the server gives %d of %d comments", comments, parent.CommentsCount)
	}
	return nil
}
