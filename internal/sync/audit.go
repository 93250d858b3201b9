package sync

import (
	"cmp"
	"context"
	"slices"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"

	"golang.org/x/sync/errgroup"
)

// stale is a part of the archive that may be read again: a range of main messages, or the comments of a thread.
type stale struct {
	room     *room
	from, to record.TS // of a range
	thread   record.TS // "" of a range
	at       time.Time // when it was read, zero if that is unknown
	weight   int       // about how many entries it has
}

// audit reads again what was not read for the longest time, at a pace at which everything is read within AuditDays. All
// that a run promises is done before: what keeps it from reading on is no problem, and the next run reads more.
func (r *run) audit(ctx context.Context, rooms []*room) {
	if r.AuditDays <= 0 || r.Full {
		return
	}
	r.promised.Store(true)
	var ranges, threads []stale
	fresh := 0
	for _, c := range rooms {
		if !c.completed {
			continue
		}
		found, err := c.staleRanges(ctx)
		if err != nil {
			return
		}
		ranges, threads, fresh = append(ranges, found...), append(threads, c.stale...), fresh+c.fresh
		c.stale = nil
	}
	jobs := make(map[*room][]stale)
	for _, s := range append(r.due(ranges, 0), r.due(threads, fresh)...) {
		jobs[s.room] = append(jobs[s.room], s)
	}
	var group errgroup.Group
	group.SetLimit(r.Concurrency)
	for c, list := range jobs {
		group.Go(func() error {
			c.readStale(ctx, list)
			return nil
		})
	}
	_ = group.Wait() // rooms keep their errors to themselves
}

// staleRanges gives the proven ranges of a channel by the time of their last read.
func (c *room) staleRanges(ctx context.Context) ([]stale, error) {
	coverage, err := c.run.Archive.Coverage(ctx, c.id)
	if err != nil {
		return nil, c.unreadable(ctx, "coverage", err)
	}
	var list []stale
	add := func(from, to record.TS, at time.Time) {
		if from < to {
			list = append(list, stale{room: c, from: from, to: to, at: at})
		}
	}
	for _, proven := range coverage.Proven {
		reached := proven.From
		for _, a := range coverage.Audits {
			if a.To <= proven.From || a.From >= proven.To {
				continue
			}
			add(reached, min(a.From, proven.To), time.Time{})
			add(max(a.From, proven.From), min(a.To, proven.To), a.At)
			reached = max(reached, a.To)
		}
		add(reached, proven.To, time.Time{})
	}
	for i, s := range list {
		if list[i].weight, err = c.run.Archive.Estimate(ctx, c.id, storage.Range{From: s.from, To: s.to}); err != nil {
			return nil, c.unreadable(ctx, "directory", err)
		}
	}
	return list, nil
}

// due gives the parts to read now, each with the weight to read: so much of what is oldest that the rest, read at an
// even pace, comes in time. What was read lately is not read again, since its time would not be renewed; total is the
// weight of such parts that are not in the list.
func (r *run) due(list []stale, total int) []stale {
	slices.SortFunc(list, func(a, b stale) int {
		return cmp.Or(a.at.Compare(b.at), cmp.Compare(a.room.id, b.room.id), cmp.Compare(a.from, b.from), cmp.Compare(a.thread, b.thread))
	})
	for _, s := range list {
		total += s.weight
	}
	period := float64(time.Duration(r.AuditDays) * 24 * time.Hour)
	now, before, quota := r.Now(), 0, 0.0
	for i, s := range list {
		age := now.Sub(s.at)
		if age < storage.AuditRenewal {
			list = list[:i]
			break
		}
		before += s.weight
		left := float64(total) * (1 - min(float64(age)/period, 1))
		quota = max(quota, float64(before)-left)
	}
	return portion(list, int(quota))
}

// portion cuts a list off after a weight.
func portion(list []stale, weight int) []stale {
	for i := range list {
		if weight <= 0 {
			return list[:i]
		}
		list[i].weight = min(list[i].weight, weight)
		weight -= list[i].weight
	}
	return list
}

// readStale reads parts of a channel again.
func (c *room) readStale(ctx context.Context, list []stale) {
	if err := c.load(ctx); err != nil {
		return
	}
	for _, s := range list {
		if c.run.over(ctx) {
			break
		}
		if err := c.readAgainPart(ctx, s); err != nil {
			c.excuse(ctx, "range from "+string(s.from), err)
			break
		}
	}
	c.readBeside(ctx)
	c.rest(ctx)
	c.release()
}

func (c *room) readAgainPart(ctx context.Context, s stale) error {
	if s.thread == "" {
		w := walk{room: c, size: c.run.PageSize, from: s.from, end: record.TS(c.proven), until: s.to, quota: max(s.weight, 1)}
		return w.run(ctx)
	}
	t := c.threads.get(s.thread)
	if !t.known || t.asked {
		return nil
	}
	t.asked = true
	c.threads.set(s.thread, t)
	job := threadJob{
		ts: s.thread, count: t.count, owed: c.debt(storage.DebtThread, string(s.thread)), suspect: t.suspect(), audit: true,
	}
	return c.spawn(ctx, func() { c.readThread(ctx, job) })
}

// excuse deals with an error of what need not be done.
func (c *room) excuse(ctx context.Context, what string, err error) {
	if !c.run.halts(ctx, err) {
		c.run.Logger.Warn("audit", "channel", c.id, "what", what, "err", err)
	}
}
