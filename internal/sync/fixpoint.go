package sync

import (
	"context"
	"slices"

	"archiver/internal/teamchat"
)

const (
	passes   = 6      // walks over a list in search of one that brings nothing, before giving up
	patience = 3      // pages in a row without another item that end such a walk
	sparse   = 20     // pages in a row with but a few other items: the list grows as fast as it is read
	maxPages = 10_000 // of one walk
)

// fixpoint reads a list on whose windows nothing can be built: servers that use another count than asked for, cut
// pages short, or count them from 0. It reads page by page until a whole walk shows no item that an earlier one did
// not show. That is no proof, but what it misses must have been hidden by a change in each of the walks.
type fixpoint struct {
	pager
	seen  map[string]bool // items of all walks
	first []string        // ids of the first page
	most  int             // items of the longest page
	same  bool            // all pages showed the same
}

func (p pager) untilNothingNew(ctx context.Context) error {
	f := fixpoint{pager: p, seen: make(map[string]bool)}
	for range passes {
		news, err := f.pass(ctx)
		switch {
		case err != nil:
			return err
		case f.same && len(f.first) >= p.size:
			return errRepeats
		case !news:
			return nil
		}
	}
	return errUnsteady
}

// pass walks from the first page on, which is asked for without a number: it is page 0 or 1.
func (f *fixpoint) pass(ctx context.Context) (news bool, err error) {
	walked := make(map[string]bool)
	f.same = true
	idle, few := 0, 0
	for number := 0; idle < patience; number++ {
		if number == maxPages || few == sparse {
			return false, errUnsteady
		}
		page, err := f.ask(ctx, f.size, number)
		if err != nil {
			return false, err
		}
		if err := f.take(ctx, page); err != nil {
			return false, err
		}
		n, ever := f.note(walked, page, number)
		news = news || ever
		if idle++; n > 0 {
			idle = 0
		}
		f.most = max(f.most, len(page.Messages))
		if few++; 4*n >= f.most {
			few = 0
		}
	}
	return news, nil
}

// note counts the items of a page that this walk had not shown, and tells whether one of them is new to all walks.
func (f *fixpoint) note(walked map[string]bool, page *teamchat.MessagePage, number int) (n int, ever bool) {
	current := ids(page)
	if number == 0 {
		f.first = current
	}
	f.same = f.same && slices.Equal(current, f.first)
	for _, id := range current {
		if !walked[id] {
			n++
		}
		ever = ever || !f.seen[id]
		walked[id], f.seen[id] = true, true
	}
	return n, ever
}
