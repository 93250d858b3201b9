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
	errOdd      = errors.New("the list contradicts what it says of its length")
	errRepeats  = errors.New("the server gives the same page again for other page numbers")
)

// pager reads a list that can be asked for by page number and count only, in either order, while it changes.
//
// A page number and a count choose a window of the list. Each window is chosen to begin a few items before the end of
// the one before (so the counts differ). As long as the list keeps its order, one item that is in both proves that
// nothing between them was skipped, however many items came before it or vanished. Where there is none, the walk steps
// back, and at last begins again. Where that leads nowhere, the list is read by other means: see [fixpoint].
type pager struct {
	size int // items to ask for at most
	ask  asker
	take func(ctx context.Context, page *teamchat.MessagePage) error // gets every answer; must bear items it has seen
}

// walk reads the list to its end. proven tells that no item that stayed in the list can have been skipped. Since nothing
// is proven before the end, only the first request counts to a budget of requests.
func (p pager) walk(ctx context.Context) (proven bool, err error) {
	p.size, p.ask = max(p.size, minPage), countedOnce(p.ask)
	for range restarts {
		pass := pass{pager: p, size: p.size}
		err := pass.run(ctx)
		switch {
		case errors.Is(err, errUnsteady):
		case errors.Is(err, errOdd), errors.Is(err, errRepeats):
			return false, p.untilNothingNew(ctx)
		case errors.Is(err, teamchat.ErrTooLarge) && p.size > minPage:
			p.size = max(p.size/2, minPage)
		default:
			return err == nil, err
		}
	}
	return false, errUnsteady
}

// asker asks for a page.
type asker func(ctx context.Context, count, page int) (*teamchat.MessagePage, error)

// countedOnce lets calls go on beyond a budget of requests once the first one has succeeded.
func countedOnce(ask asker) asker {
	begun := false
	return func(ctx context.Context, count, page int) (*teamchat.MessagePage, error) {
		if begun {
			ctx = teamchat.Begun(ctx)
		}
		answer, err := ask(ctx, count, page)
		begun = begun || err == nil
		return answer, err
	}
}

// pass is one walk over the list.
type pass struct {
	pager
	size     int      // largest count that the server uses
	first    []string // ids of the first window
	previous []string // ids of the window before
	next     int      // where in the list the window before ended
	short    bool     // the first window was not full
	windows  int
	most     int // windows that are asked for, a multiple of what the list needs when nothing changes
	retreats int
	idle     int
	sorted   sorting
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

// open takes the first window. A list of one window ends there if it says so.
func (p *pass) open(ctx context.Context, page *teamchat.MessagePage) (done bool, err error) {
	p.windows, p.first = 1, ids(page)
	p.previous, p.next = p.first, len(p.first)
	p.sorted.add(page)
	if err := p.take(ctx, page); err != nil {
		return false, err
	}
	total := page.Paging.Total
	if count := int(page.Paging.Count); count > 0 {
		p.size = min(p.size, count)
	}
	if p.short = p.next < p.size; p.short && !page.Paging.Present {
		p.size = max(p.next, 1) // perhaps the most that the server gives
	}
	p.most = maxPages
	if total > 0 {
		p.most = 64 + 16*int(total)/p.size
	}
	if !agrees(page, p.size, 0) {
		return false, errOdd
	}
	return p.next == 0 || p.short && total > 0, nil
}

// agrees tells whether a window holds as many items as it should on a list as long as it says. A list that says
// nothing of its length agrees with everything.
func agrees(page *teamchat.MessagePage, count, start int) bool {
	total := int(page.Paging.Total)
	return total <= 0 || len(page.Messages) == max(0, min(count, total-start))
}

// step takes the next window.
func (p *pass) step(ctx context.Context) (done bool, err error) {
	count, number, ok := window(p.next, p.size)
	if !ok {
		count, number = p.size, (p.next+p.size-1)/p.size
		return p.probe(ctx, count, number+1)
	}
	page, err := p.ask(ctx, count, number)
	if err != nil {
		return false, err
	}
	p.windows++
	p.sorted.add(page)
	if err := p.take(ctx, page); err != nil {
		return false, err
	}
	current := ids(page)
	switch {
	case p.windows > p.most:
		return false, errUnsteady
	case p.repeats(current) && p.short:
		return true, nil
	case p.repeats(current):
		return false, errRepeats
	case !agrees(page, count, count*(number-1)):
		return false, errOdd
	case common(p.previous, current) == 0:
		return false, p.retreat()
	}
	return p.advance(ctx, page, current, count, number)
}

// advance goes behind a window that is linked to the one before. It tells whether the list ends there.
func (p *pass) advance(ctx context.Context, page *teamchat.MessagePage, current []string, count, number int) (done bool, err error) {
	if n := len(current); !slices.Contains(p.previous, current[n-1]) {
		p.idle = 0
	} else if p.idle++; p.idle > idle {
		return false, errUnsteady
	}
	p.previous, p.next = current, count*(number-1)+len(current)
	switch {
	case len(current) >= count:
		return false, nil
	case page.Paging.Total > 0:
		return true, nil
	}
	return p.probe(ctx, count, number+1)
}

// probe looks at the page behind what was read, where nothing should be left.
func (p *pass) probe(ctx context.Context, count, number int) (done bool, err error) {
	page, err := p.ask(ctx, count, number)
	if err != nil {
		return false, err
	}
	p.windows++
	if err := p.take(ctx, page); err != nil {
		return false, err
	}
	current := ids(page)
	if common(p.previous, current) == len(current) || p.repeats(current) {
		return true, nil
	}
	return false, errOdd
}

// repeats tells whether a window behind the first one shows the list's head, as from a server without page numbers.
func (p *pass) repeats(current []string) bool {
	return len(current) > 0 && len(p.first) > 0 && current[0] == p.first[0] && common(p.first, current) == len(current)
}

// retreat steps back after a window without a link to the one before.
func (p *pass) retreat() error {
	if p.windows == 2 {
		return errOdd // pages may be counted from 0
	}
	if p.retreats++; p.retreats > retreats {
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
	if common(p.first, ids(page)) == 0 {
		return errUnsteady
	}
	return nil
}

// window gives the page that begins at least a few items before next and reaches furthest beyond it, with a count of
// at most size. There is none when size or next are too small.
func window(next, size int) (count, page int, ok bool) {
	for shared := min(overlap, max(1, size/4)); shared > 0; shared-- {
		from, best := next-shared, next
		for c := min(size, from); c > 1; c-- {
			before := from / c
			if end := (before + 1) * c; end > best {
				count, page, best = c, before+1, end
			}
			if best > next && 2*c < size {
				break // smaller counts reach less far
			}
		}
		if best > next {
			return count, page, true
		}
	}
	return 0, 0, false
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

// common is how many items of b are in a.
func common(a, b []string) int {
	in, n := contained(a), 0
	for _, id := range b {
		if in(id) {
			n++
		}
	}
	return n
}

func contained(list []string) func(string) bool {
	set := make(map[string]bool, len(list))
	for _, id := range list {
		set[id] = true
	}
	return func(id string) bool { return set[id] }
}
