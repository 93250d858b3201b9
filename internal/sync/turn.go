package sync

import (
	"context"
	"slices"
	"strings"
)

// usersTurn is the place in the order of a run at which users are read, in the journal.
const usersTurn = " users"

// rotate begins with the channel, and there with the part, that an earlier run did not come to.
func (d *directory) rotate() {
	id, part, _ := strings.Cut(d.next, " ")
	first := slices.IndexFunc(d.turn, func(c *room) bool { return c.id == id })
	if first < 0 {
		return
	}
	d.turn[first].start = part
	d.turn = slices.Concat(d.turn[first:], d.turn[:first])
}

// remember keeps where the next run is to go on when a limit ended this one: at the part that it did not come to, in the
// first channel whose parts were not all read. With a limit that is always too small every part gets its turn.
func (d *directory) remember(ctx context.Context) error {
	if err := d.run.keepProgress(ctx); err != nil {
		return err
	}
	next := ""
	if d.run.over(ctx) {
		next = d.position()
	}
	if next == d.next {
		return nil
	}
	if err := d.run.Archive.SetJournal(context.WithoutCancel(ctx), journalNext, []byte(next)); err != nil {
		return d.run.broken("write journal", err)
	}
	return nil
}

func (d *directory) position() string {
	left := false
	for _, c := range d.turn {
		left = left || !c.finished
		if !c.finished && !c.turned {
			return strings.TrimSuffix(c.id+" "+c.reached, " ")
		}
	}
	if left {
		return usersTurn
	}
	return ""
}

// part is a part of a channel's reading.
type part struct {
	name   string
	read   func(context.Context) error
	owes   bool // what its tasks do not come to is owed
	always bool // it is read in each run, also where requests are few
}

// parts gives the parts of a channel in the order in which they are read. Debts come first; among them are files where
// requests are few, else the lists of the channel may show them with fresh tickets.
func (c *room) parts() []part {
	debts := []part{{name: "debts", read: c.payThreads, always: true}}
	lists := []part{
		{name: partHistory, read: c.history, owes: true},
		{name: "threads", read: c.listThreads, owes: true},
		{name: "threads again", read: c.rereadThreads},
		{name: partFiles, read: c.listFiles, owes: true},
		{name: partMembers, read: c.listMembers},
	}
	owed := part{name: "files owed", read: c.payFiles, always: true}
	if c.run.fewRequests() {
		debts = append(debts, owed)
	} else {
		lists = slices.Insert(lists, len(lists)-1, owed)
	}
	first := max(slices.IndexFunc(lists, func(p part) bool { return p.name == c.start }), 0)
	if first > 0 {
		c.turn = len(debts) + len(lists) - first
	}
	return slices.Concat(debts, lists[first:], lists[:first])
}
