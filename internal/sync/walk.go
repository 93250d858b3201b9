package sync

import (
	"context"
	"errors"
	"slices"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

const (
	lateSeconds = 2    // how far before the proven end a walk begins: ids are made a little before items can be read
	trickle     = 8    // short answers in a row, of nothing but items after the pin, that end a walk
	shortPage   = 4    // an answer of so few items is short
	hiddenPages = 100  // pages without news of a list that claims to go on, before giving up
	surge       = 1000 // answers in a row, of nothing but items after the pin, that end a walk
)

var (
	errGrowing  = errors.New("the channel grows as fast as it is read; the next run goes on from here")
	errOneAPage = errors.New("the server gives no more than one item a page")
)

// history reads the main messages from the end of the proven range on.
func (c *room) history(ctx context.Context) error {
	err := errBounds
	if !c.run.unbounded.Load() {
		err = c.historyByTS(ctx)
	}
	if errors.Is(err, errBounds) {
		c.run.unbounded.Store(true)
		c.run.Logger.Warn("bounds of history not honoured", "channel", c.id)
		err = c.historyByPages(ctx)
	}
	if err != nil {
		return err
	}
	return c.readAgain(ctx)
}

func (c *room) historyByTS(ctx context.Context) error {
	w := walk{room: c, size: c.run.PageSize}
	if !c.again {
		w.end = record.TS(c.proven)
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	return w.run(ctx)
}

// readAgain settles the debt of reading the whole channel again.
func (c *room) readAgain(ctx context.Context) error {
	if !c.again || c.run.wasHarmed(c.id) && c.failed.Load() {
		return nil
	}
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	p.Paid = append(p.Paid, c.debt(storage.DebtChannel, ""))
	return c.run.put(ctx, p)
}

// walk is a walk over main messages by ts. Each answer begins at the greatest ts of the one before, so its items and
// the range between are proven to be all there is, as long as the server honours oldest and the order asked for.
type walk struct {
	room  *room
	size  int
	from  record.TS // where the next answer is to begin; "" is the channel's beginning
	end   record.TS // the greatest ts known: items after it are news
	until record.TS // where the walk may end, "" is the channel's end
	quota int       // items that it may end after, 0 is no bound
	page  int       // number of the page to ask for, 0 for the first: see goOn
	late  int       // answers in a row that only brought items after the pin
	few   int       // short ones among them
	most  int       // items in the longest answer
	shown int       // items of all answers

	closing bool      // the last answer brought no news: what is left to ask is little, see [walk.ask]
	last    record.TS // the greatest ts that was shown
	retried bool      // a first answer without items was asked for again from further back
}

// begin finds where to begin: a little before the end of the proven range, for items that became readable late, but
// so that not more than half a page of known items is read again; and at the beginning of the recent window.
func (w *walk) begin(ctx context.Context) error {
	if w.end == "" {
		return nil
	}
	w.from = record.MakeTS(w.end.Second()-lateSeconds, 0)
	var known []record.TS
	for h, err := range w.room.run.Archive.Held(ctx, w.room.id, storage.Range{From: w.from, To: w.end}) {
		if err != nil {
			return w.room.unreadable(ctx, "messages", err)
		}
		if h.Thread == "" && !h.Deleted {
			known = append(known, h.TS)
		}
	}
	if most := w.size / 2; len(known) > most {
		w.from = justBefore(known[len(known)-most])
	}
	if recent := w.room.run.recent; recent != "" {
		w.from = min(w.from, recent)
	}
	if w.from <= w.room.totals.First {
		w.from = ""
	}
	return nil
}

// justBefore is the greatest ts before ts.
func justBefore(ts record.TS) record.TS {
	if counter := ts.Counter(); counter > 0 {
		return record.MakeTS(ts.Second(), counter-1)
	}
	return record.MakeTS(max(ts.Second(), 1)-1, 999_999)
}

// run reads answer after answer to the end of the walk, and then judges what is known beyond it.
func (w *walk) run(ctx context.Context) error {
	for {
		more, err := w.step(ctx)
		switch {
		case errors.Is(err, teamchat.ErrTooLarge) && w.size > minPage:
			w.size /= 2
		case err != nil:
			return err
		case !more:
			return w.tail(ctx)
		case w.until != "" && w.from >= w.until, w.quota > 0 && w.shown >= w.quota:
			return nil
		}
	}
}

// ask asks for the items from a ts on. Where requests are few, those at the end of a walk do not count: the walk would begin
// again with them.
func (w *walk) ask(ctx context.Context, from record.TS) (*teamchat.MessagePage, ordered, error) {
	if w.closing && w.until == "" {
		ctx = w.room.run.beyond(ctx)
	}
	page, err := w.room.run.Client.History(ctx, teamchat.HistoryQuery{
		Channel: w.room.call, Oldest: string(from), Inclusive: true, Count: w.size, Page: w.page,
	})
	if err != nil {
		return nil, ordered{}, err
	}
	items := w.room.order(page)
	if !items.within(from) {
		if err := w.room.take(ctx, page.Answer, items.list, nil, false); err != nil {
			return nil, ordered{}, err
		}
		return nil, ordered{}, errBounds
	}
	return page, items, nil
}

// step reads one answer. It tells whether there may be more.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	page, items, err := w.ask(ctx, w.from)
	if err != nil {
		return false, err
	}
	w.closing = len(items.list) == 0 || items.list[len(items.list)-1].ts <= w.end
	if len(items.list) == 0 {
		if back, err := w.goBack(ctx); back || err != nil {
			return back, err
		}
		return w.goOn(page, "")
	}
	w.most = max(w.most, len(page.Messages))
	w.shown += len(items.list)
	greatest := items.list[len(items.list)-1].ts
	w.last = greatest
	proven := &record.Interval{From: w.from, To: greatest}
	if items.lost > 0 || w.page > 0 {
		proven = nil
	}
	if err := w.room.take(ctx, page.Answer, items.list, proven, false); err != nil {
		return false, err
	}
	if greatest <= w.end {
		return w.goOn(page, greatest)
	}
	defer func() { w.from, w.end, w.page = greatest, greatest, 0 }()
	if w.reachesEnd(page, greatest) {
		return false, nil
	}
	return w.outrun(page, items.list)
}

// reachesEnd tells whether an answer with news is the last one: it is not full, says itself that nothing follows, and the
// list of channels knows of no later message.
func (w *walk) reachesEnd(page *teamchat.MessagePage, greatest record.TS) bool {
	n, paging := int64(len(page.Messages)), page.Paging
	whole := paging.Present && w.page == 0 && paging.Count > n && paging.Total == n
	return whole && w.room.latest > 0 && greatest.Second() >= w.room.latest
}

// goOn decides after an answer without news, whose greatest ts is given. Such an answer may have been cut short. Where
// the list says that it goes on, messages that the account may not see fill the page; then the next pages are asked for,
// and prove nothing.
func (w *walk) goOn(page *teamchat.MessagePage, greatest record.TS) (more bool, err error) {
	n := int64(len(page.Messages))
	whole := page.Paging.Present && page.Paging.Count > n && page.Paging.Total <= n
	switch {
	case !whole && w.page == 0 && greatest > w.from:
		w.from = greatest
		return true, nil
	case !whole && w.from < w.end:
		w.from, w.page = w.end, 0
		return true, nil
	case page.Paging.Count == 1 && page.Paging.Total > 1:
		return false, errOneAPage
	case page.Paging.Count > 0 && page.Paging.Total > page.Paging.Count*int64(max(w.page, 1)):
		if w.page++; w.page > hiddenPages {
			return false, errOdd
		}
		return true, nil
	}
	return false, nil
}

// goBack goes back behind a first answer without any item, where there should be some, to the next known item before:
// only an answer with an item tells that the account can read the others. It tells whether there is such an item.
func (w *walk) goBack(ctx context.Context) (bool, error) {
	if w.last != "" || w.retried || w.from == "" {
		return false, nil
	}
	w.retried = true
	none := func(record.TS) bool { return false }
	if expected, err := w.room.absent(ctx, record.Interval{From: w.from}, none); err != nil || len(expected) == 0 {
		return false, err
	}
	var before record.TS
	for h, err := range w.room.run.Archive.Held(ctx, w.room.id, storage.Range{To: justBefore(w.from)}) {
		if err != nil {
			return false, w.room.unreadable(ctx, "messages", err)
		}
		if h.Thread == "" && !h.Deleted {
			before = h.TS
		}
	}
	if before != "" {
		w.from = justBefore(before)
	}
	return before != "", nil
}

// tail judges what the archive holds behind the last item of the channel.
func (w *walk) tail(ctx context.Context) error {
	c := w.room
	end := max(record.TS(c.proven), c.totals.Last)
	if w.last == "" || w.last >= end {
		return nil
	}
	none := func(record.TS) bool { return false }
	gone, err := c.absent(ctx, record.Interval{From: w.last}, none)
	if err != nil {
		return err
	}
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	if len(gone) > 0 {
		w.page, w.closing = 0, true
		page, items, err := w.ask(ctx, justBefore(w.last))
		if err != nil {
			return err
		}
		if n := len(items.list); n == 0 || items.list[n-1].ts != w.last || items.lost > 0 {
			return c.take(ctx, page.Answer, items.list, nil, false)
		}
		p.Observed = page.Received
	}
	p.Audited = append(p.Audited, record.Interval{From: w.last, To: end})
	if err := c.compare(ctx, p, record.Interval{From: w.last}, none); err != nil {
		return err
	}
	return c.run.put(ctx, p)
}

// outrun bounds the walk where items arrive as fast as they are read. What came after the run began may be left to
// the next run.
func (w *walk) outrun(page *teamchat.MessagePage, items []item) (more bool, err error) {
	news, _ := slices.BinarySearchFunc(items, w.end, func(i item, end record.TS) int {
		if i.ts <= end {
			return -1
		}
		return 1
	})
	if w.room.pin == 0 || items[news].ts.Second() <= w.room.pin {
		w.late, w.few = 0, 0
		return true, nil
	}
	w.late++
	if n := len(page.Messages); n <= shortPage || 2*n < w.most {
		w.few++
	}
	if w.late >= surge {
		return false, errGrowing
	}
	return w.few < trickle, nil
}

// historyByPages reads all main messages where history can't be asked for by ts. They are proven when all are read.
func (c *room) historyByPages(ctx context.Context) error {
	var answer teamchat.Answer
	var greatest record.TS
	var lost int
	shown := make(map[record.TS]bool)
	proven, err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			q := teamchat.HistoryQuery{Channel: c.call, Descending: true, Count: count, Page: page}
			return c.run.Client.History(c.run.beyond(ctx), q) // the walk by ts has been counted
		},
		take: func(ctx context.Context, page *teamchat.MessagePage) error {
			items := c.order(page)
			if len(items.list) == 0 {
				return nil
			}
			lost += items.lost
			if last := items.list[len(items.list)-1].ts; last > greatest {
				greatest, answer = last, page.Answer
			}
			if c.totals.Messages > 0 {
				for _, it := range items.list {
					shown[it.ts] = true
				}
			}
			return c.take(ctx, page.Answer, items.list, nil, false)
		},
	}.walk(ctx)
	if err != nil || !proven || lost > 0 || greatest == "" {
		return err
	}
	p := c.page(answer)
	p.Proven = append(p.Proven, record.Interval{To: greatest})
	p.Audited = append(p.Audited, record.Interval{To: max(greatest, c.totals.Last)})
	if err := c.compare(ctx, p, record.Interval{}, func(ts record.TS) bool { return shown[ts] }); err != nil {
		return err
	}
	return c.run.put(ctx, p)
}
