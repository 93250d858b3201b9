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
	w := walk{room: c, size: c.run.PageSize}
	if !c.again {
		w.end = record.TS(c.proven)
	}
	if err := w.begin(ctx); err != nil {
		return err
	}
	for {
		more, err := w.step(ctx)
		switch {
		case errors.Is(err, errBounds):
			c.run.Logger.Warn("bounds of history not honoured", "channel", c.id)
			return c.historyByPages(ctx)
		case errors.Is(err, teamchat.ErrTooLarge) && w.size > minPage:
			w.size /= 2
		case err != nil:
			return err
		case !more:
			return c.readAgain(ctx)
		}
	}
}

// readAgain settles the debt of reading the whole channel again.
func (c *room) readAgain(ctx context.Context) error {
	if !c.again {
		return nil
	}
	p := c.page(teamchat.Answer{Received: c.run.Now().UTC()})
	p.Paid = append(p.Paid, c.debt(storage.DebtChannel, ""))
	return c.run.put(ctx, p)
}

// walk is a walk over main messages by ts. Each answer begins at the greatest ts of the one before, so its items and
// the range between are proven to be all there is, as long as the server honours oldest and the order asked for.
type walk struct {
	room *room
	size int
	from record.TS // where the next answer is to begin; "" is the channel's beginning
	end  record.TS // the greatest ts known: items after it are news
	page int       // number of the page to ask for, 0 for the first: see goOn
	late int       // answers in a row that only brought items after the pin
	few  int       // short ones among them
	most int       // items in the longest answer
}

// begin finds where to begin: a little before the end of the proven range, for items that became readable late, but
// so that not more than half a page of known items is read again.
func (w *walk) begin(ctx context.Context) error {
	if w.end == "" {
		return nil
	}
	w.from = record.MakeTS(w.end.Second()-lateSeconds, 0)
	var known []record.TS
	for m, err := range w.room.run.Archive.Messages(ctx, w.room.id, storage.Range{From: w.from, To: w.end}) {
		if err != nil {
			return w.room.unreadable(ctx, "messages", err)
		}
		if m.Thread == "" {
			known = append(known, m.TS)
		}
	}
	if most := w.size / 2; len(known) > most {
		w.from = known[len(known)-most]
	}
	return nil
}

// step reads one answer. It tells whether there may be more.
func (w *walk) step(ctx context.Context) (more bool, err error) {
	page, err := w.room.run.Client.History(ctx, teamchat.HistoryQuery{
		Channel: w.room.call, Oldest: string(w.from), Inclusive: true, Count: w.size, Page: w.page,
	})
	if err != nil {
		return false, err
	}
	items := w.room.order(page)
	if !items.within(w.from) {
		return false, errBounds
	}
	if len(items.list) == 0 {
		return w.goOn(page)
	}
	w.most = max(w.most, len(page.Messages))
	greatest := items.list[len(items.list)-1].ts
	proven := &record.Interval{From: w.from, To: greatest}
	if items.lost > 0 || w.page > 0 {
		proven = nil
	}
	if err := w.room.take(ctx, page.Answer, items.list, proven, false); err != nil {
		return false, err
	}
	if greatest <= w.end {
		return w.goOn(page)
	}
	defer func() { w.from, w.end, w.page = greatest, greatest, 0 }()
	return w.outrun(page, items.list)
}

// goOn decides after an answer without news. One that began before the end may have been cut short there. Where the
// list says that it goes on, messages that the account may not see fill the page; then the next pages are asked for, and
// prove nothing.
func (w *walk) goOn(page *teamchat.MessagePage) (more bool, err error) {
	whole := page.Paging.Present && page.Paging.Count > int64(len(page.Messages))
	switch {
	case w.from < w.end && !whole:
		w.from = w.end
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
	proven, err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			return c.run.Client.History(ctx, teamchat.HistoryQuery{Channel: c.call, Descending: true, Count: count, Page: page})
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
			return c.take(ctx, page.Answer, items.list, nil, false)
		},
	}.walk(ctx)
	if err != nil || !proven || lost > 0 || greatest == "" {
		return err
	}
	p := c.page(answer)
	p.Proven = append(p.Proven, record.Interval{To: greatest})
	if err := c.run.put(ctx, p); err != nil {
		return err
	}
	return c.readAgain(ctx)
}
