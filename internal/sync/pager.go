package sync

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"archiver/internal/record"
	"archiver/internal/teamchat"
)

const (
	minPage  = 10 // smallest count that is asked for: smaller pages can't overlap
	overlap  = 5  // items by which windows overlap
	restarts = 5  // walks over a list that changes too fast, before giving up
	retreats = 4  // steps back within a walk, before it begins again
	idle     = 50 // windows in a row without another item, before a walk begins again
)

var (
	errBounds   = errors.New("the server does not honour the bounds or the order asked for")
	errUnsteady = errors.New("the list changes too fast to be read without a gap")
	errRepeats  = errors.New("the server gives the same page again for other page numbers")
)

// pager reads a list that can be asked for by page number and count only, in either order, while it changes.
//
// A page number and a count choose a window of the list. Each window is chosen to begin a few items before the end of
// the one before (so the counts differ). As long as the list keeps its order, one item that is in both proves that
// nothing between them was skipped, however many items came before it or vanished. Where there is none, the walk steps
// back, and at last begins again.
type pager struct {
	size int // items to ask for at most
	ask  func(ctx context.Context, count, page int) (*teamchat.MessagePage, error)
	take func(ctx context.Context, page *teamchat.MessagePage) error // gets every answer; must bear items it has seen
}

// walk reads the list to its end.
func (p pager) walk(ctx context.Context) error {
	var last error
	for range restarts {
		pass := pass{pager: p, size: max(p.size, minPage)}
		err := pass.run(ctx)
		switch {
		case errors.Is(err, errUnsteady), errors.Is(err, errRepeats):
			last = err
		case errors.Is(err, teamchat.ErrTooLarge) && p.size > minPage:
			p.size, last = p.size/2, err
		default:
			return err
		}
	}
	return last
}

// pass is one walk over the list.
type pass struct {
	pager
	size     int      // largest count that the server uses
	first    []string // ids of the first window
	previous []string // ids of the window before
	next     int      // where in the list the window before ended
	windows  int
	sorted   sorting
	short    bool // the first window was not full
	retreats int
	idle     int
}

func (p *pass) run(ctx context.Context) error {
	page, err := p.ask(ctx, p.size, 0)
	if err != nil {
		return err
	}
	done, err := p.open(ctx, page)
	for err == nil && !done {
		done, err = p.step(ctx)
	}
	if err != nil {
		return err
	}
	return p.checkHead(ctx)
}

// open takes the first window.
func (p *pass) open(ctx context.Context, page *teamchat.MessagePage) (done bool, err error) {
	p.windows, p.first = 1, ids(page)
	p.previous, p.next = p.first, len(p.first)
	p.sorted.add(page)
	if err := p.take(ctx, page); err != nil {
		return false, err
	}
	used := p.size
	if count := int(page.Paging.Count); page.Paging.Present && count > 0 {
		used = min(used, count)
	}
	p.short = p.next < used
	if p.short && ends(page.Paging, p.next) || p.next == 0 && page.Paging.Total == 0 {
		return true, nil
	}
	p.size = used
	if !page.Paging.Present && p.short {
		p.size = p.next // perhaps the most that the server gives
	}
	return false, nil
}

// ends tells whether a list that says anything of its length ends after n items.
func ends(paging teamchat.Paging, n int) bool {
	if paging.Total > 0 {
		return paging.Total <= int64(n)
	}
	return paging.Pages > 0 && paging.Page >= paging.Pages || paging.Present && n == 0
}

// step takes the next window.
func (p *pass) step(ctx context.Context) (done bool, err error) {
	count, number, ok := window(p.next, p.size)
	if !ok {
		return p.probe(ctx)
	}
	page, err := p.ask(ctx, count, number)
	if err != nil {
		return false, err
	}
	p.windows++
	current := ids(page)
	p.sorted.add(page)
	if err := p.take(ctx, page); err != nil {
		return false, err
	}
	switch {
	case p.repeats(current) && p.short:
		return true, nil
	case p.repeats(current):
		return false, errRepeats
	case !meet(p.previous, current):
		return false, p.retreat()
	}
	return p.advance(ctx, page, current, count, count*(number-1))
}

// advance goes behind the window current, which begins at start. It tells whether the list ends there.
func (p *pass) advance(ctx context.Context, page *teamchat.MessagePage, current []string, count, start int) (done bool, err error) {
	news := !subset(current, p.previous)
	p.previous, p.next = current, start+len(current)
	if news {
		p.idle = 0
	} else if p.idle++; p.idle > idle {
		return false, errUnsteady
	}
	switch {
	case len(current) >= count:
		return false, nil
	case ends(page.Paging, p.next):
		return true, nil
	case !news:
		return p.probe(ctx)
	}
	return false, nil
}

// probe looks at the page behind what was read, where nothing should be left.
func (p *pass) probe(ctx context.Context) (done bool, err error) {
	page, err := p.ask(ctx, p.size, max(2, (p.next+p.size-1)/p.size+1))
	if err != nil {
		return false, err
	}
	p.windows++
	current := ids(page)
	if len(current) == 0 || p.repeats(current) || subset(current, p.previous) {
		return true, nil
	}
	return false, errUnsteady
}

// repeats tells whether a window behind the first one shows the list's head, as from a server without page numbers.
func (p *pass) repeats(current []string) bool {
	return len(current) > 0 && len(p.first) > 0 && current[0] == p.first[0] && subset(current, p.first)
}

// retreat steps back after a window without a link to the one before.
func (p *pass) retreat() error {
	if p.retreats++; p.retreats > retreats || p.next <= p.size {
		return errUnsteady
	}
	p.next -= p.size / 2
	return nil
}

// checkHead looks at the list's head once more if its order is not that of ids: items that moved there during the walk
// were perhaps in no window.
func (p *pass) checkHead(ctx context.Context) error {
	if p.windows == 1 || p.sorted.steady() {
		return nil
	}
	page, err := p.ask(ctx, p.size, 0)
	if err != nil {
		return err
	}
	if err := p.take(ctx, page); err != nil {
		return err
	}
	if !meet(p.first, ids(page)) {
		return errUnsteady
	}
	return nil
}

// window gives the page that begins at least a few items before next and reaches furthest beyond it, with a count of
// at most size. There is none when size or next are too small.
func window(next, size int) (count, page int, ok bool) {
	from := next - min(overlap, max(1, size/4))
	best := next
	for c := min(size, from); c > 0 && 2*c >= min(size, from); c-- {
		before := from / c
		if end := (before + 1) * c; before > 0 && end > best {
			count, page, best = c, before+1, end
		}
	}
	return count, page, best > next
}

// sorting watches whether a list is in the order of ts.
type sorting struct {
	last     record.TS
	up, down bool // somewhere in the list
}

func (s *sorting) add(page *teamchat.MessagePage) {
	s.last = ""
	for i := range page.Messages {
		ts := record.TS(page.Messages[i].TS)
		s.up = s.up || s.last != "" && ts > s.last
		s.down = s.down || s.last != "" && ts < s.last
		s.last = ts
	}
}

func (s *sorting) steady() bool { return !s.up || !s.down }

// ids identify the items of a page.
func ids(page *teamchat.MessagePage) []string {
	list := make([]string, len(page.Messages))
	for i, m := range page.Messages {
		list[i] = m.TS
		if m.File != nil {
			list[i] = fmt.Sprint(m.TS, " ", m.File.ID)
		}
	}
	return list
}

// meet tells whether a and b have an item in common.
func meet(a, b []string) bool {
	return len(b) > 0 && slices.ContainsFunc(a, contained(b))
}

func subset(some, all []string) bool {
	in := contained(all)
	return !slices.ContainsFunc(some, func(id string) bool { return !in(id) })
}

func contained(list []string) func(string) bool {
	set := make(map[string]bool, len(list))
	for _, id := range list {
		set[id] = true
	}
	return func(id string) bool { return set[id] }
}

// historyByPages reads all main messages where history can't be asked for by ts. They are proven when all are read.
func (c *room) historyByPages(ctx context.Context) error {
	var answer teamchat.Answer
	var greatest record.TS
	err := pager{
		size: c.run.PageSize,
		ask: func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
			return c.run.Client.History(ctx, teamchat.HistoryQuery{Channel: c.call, Descending: true, Count: count, Page: page})
		},
		take: func(ctx context.Context, page *teamchat.MessagePage) error {
			items, err := order(page)
			if err != nil || len(items.list) == 0 {
				return err
			}
			if last := items.list[len(items.list)-1].ts; last > greatest {
				greatest, answer = last, page.Answer
			}
			return c.take(ctx, page.Answer, items.list, nil, false)
		},
	}.walk(ctx)
	if err != nil || greatest == "" {
		return err
	}
	p := c.page(answer)
	p.Proven = append(p.Proven, record.Interval{To: greatest})
	if err := c.run.put(ctx, p); err != nil {
		return err
	}
	return c.readAgain(ctx)
}
