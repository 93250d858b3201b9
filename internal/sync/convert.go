package sync

import (
	"cmp"
	"context"
	"fmt"
	"hash/maphash"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// item is a message of an answer with its ts in the archive's form.
type item struct {
	ts      record.TS
	message *teamchat.Message
}

// ordered is the items of an answer by ts, each once.
type ordered struct {
	list      []item
	ascending bool // they came in this order
	lost      int  // items left out because they have no usable ts
}

// order puts an answer's items in order. Duplicates of a ts are the same item; the last one counts.
func order(page *teamchat.MessagePage) ordered {
	o := ordered{list: make([]item, 0, len(page.Messages)), ascending: true}
	for i := range page.Messages {
		ts, err := record.ParseTS(page.Messages[i].TS)
		if err != nil {
			o.lost++
			continue
		}
		if n := len(o.list); n > 0 && ts < o.list[n-1].ts {
			o.ascending = false
		}
		o.list = append(o.list, item{ts, &page.Messages[i]})
	}
	if !o.ascending {
		slices.SortStableFunc(o.list, func(a, b item) int { return cmp.Compare(a.ts, b.ts) })
	}
	o.list = dedupe(o.list)
	return o
}

// order is the function of that name for main messages. Items that are left out become a problem.
func (c *room) order(page *teamchat.MessagePage) ordered {
	o := order(page)
	if o.lost > 0 {
		c.failed.Store(true)
		c.run.problem(c.id, fmt.Sprintf("the server gives %d items without a usable ts", o.lost))
	}
	return o
}

func dedupe(items []item) []item {
	kept := items[:0]
	for _, it := range items {
		if n := len(kept); n > 0 && kept[n-1].ts == it.ts {
			kept[n-1] = it
			continue
		}
		kept = append(kept, it)
	}
	return kept
}

// within tells whether the server honoured the order and the lower bound it was asked for.
func (o ordered) within(oldest record.TS) bool {
	return o.ascending && (len(o.list) == 0 || o.list[0].ts >= oldest)
}

// take puts the main messages of an answer into the archive, together with the range they prove and the work that they
// create, and then begins that work. listed tells that the answer is threads.list.
func (c *room) take(ctx context.Context, a teamchat.Answer, items []item, proven *record.Interval, listed bool) error {
	p := c.page(a)
	p.Messages = make([]record.Seen, 0, len(items)+2)
	if proven != nil {
		p.Proven, p.Audited = append(p.Proven, *proven), append(p.Audited, *proven)
		shown := func(ts record.TS) bool {
			_, found := slices.BinarySearchFunc(items, ts, func(it item, ts record.TS) int { return cmp.Compare(it.ts, ts) })
			return found
		}
		if err := c.compare(ctx, p, *proven, shown); err != nil {
			return err
		}
	}
	var work work
	for _, it := range items {
		delete(c.missing, it.ts)
		c.see(p, it, listed)
		if err := c.notice(ctx, p, it); err != nil {
			return err
		}
		c.wantThread(p, &work, it, listed)
		c.wantFile(p, &work, it.ts, it.message.File, false)
	}
	if len(p.Messages)+len(p.Proven)+len(p.Owe)+len(p.Files) > 0 {
		if err := c.run.put(ctx, p); err != nil {
			return err
		}
	}
	c.run.report(c.name)
	return c.begin(ctx, work)
}

// work is what an answer creates.
type work struct {
	threads []threadJob
	files   []fileJob
}

// begin begins tasks for the work of an answer that has been put.
func (c *room) begin(ctx context.Context, w work) error {
	for _, job := range w.threads {
		if err := c.spawn(ctx, func() { c.readThread(ctx, job) }); err != nil {
			return err
		}
	}
	for _, job := range w.files {
		if err := c.spawn(ctx, func() { c.readFile(ctx, job) }); err != nil {
			return err
		}
	}
	return nil
}

// see adds the item to the page, unless this run has seen the same object of a thread's parent before.
func (c *room) see(p *storage.Page, it item, listed bool) {
	seen := record.Seen{Key: string(it.ts), Raw: record.Clean(it.message.Raw)}
	if it.message.Parent != "" {
		if parent, err := record.ParseTS(it.message.Parent); err == nil {
			seen.Thread = parent
		}
	}
	if listed || it.message.CommentsCount > 0 {
		sum := maphash.Bytes(c.run.seed, seen.Raw)
		t := c.threads.get(it.ts)
		if t.seen == sum {
			return
		}
		t.seen = sum
		c.threads.set(it.ts, t)
	}
	p.Messages = append(p.Messages, seen)
}
