package teamchattest

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"sync"
	"time"

	"archiver/internal/record"
)

// Life is a company that goes on while it is read: what happens is decided by a seed. Its fields are set before it
// begins.
type Life struct {
	Rate float64  // mean number of changes at each request
	Most int      // changes in all, 0 is no limit
	Skip []string // kinds that do not happen, as Happenings names them

	mu      sync.Mutex
	rand    *rand.Rand
	changes int
	settled bool
	lost    []string // channels whose right items_read was taken
	unseen  []string // channels that were taken off the list
}

// RandomLife gives the life of a seed, with a change at every other request in the mean. It is led by requests:
//
//	life := teamchattest.RandomLife(7)
//	server.OnEvery(life.Change)
//
// The same requests in the same order meet the same changes.
func RandomLife(seed uint64) *Life {
	return &Life{Rate: 0.5, rand: rand.New(rand.NewPCG(seed, 0x11fe))}
}

// happening is a kind of change. It does nothing where the channel has nothing to change.
type happening struct {
	name   string
	weight int
	do     func(l *Life, w *World, at place)
}

// place is where something happens, and who does it.
type place struct{ channel, user string }

// happenings are the kinds of changes with their frequency.
var happenings = []happening{
	{"post", 28, (*Life).post}, {"burst", 1, (*Life).burst}, {"late", 3, (*Life).late}, {"edit", 12, (*Life).edit},
	{"delete", 5, (*Life).delete}, {"purge", 1, (*Life).purge}, {"comment", 14, (*Life).comment},
	{"edit comment", 4, (*Life).editComment}, {"delete comment", 3, (*Life).deleteComment},
	{"replace comment", 3, (*Life).replaceComment}, {"upload", 5, (*Life).upload}, {"revise", 4, (*Life).revise},
	{"rename file", 2, (*Life).renameFile}, {"delete file", 2, (*Life).deleteFile}, {"react", 4, (*Life).react},
	{"pin", 2, (*Life).pin}, {"unpin", 1, (*Life).unpin}, {"event", 1, (*Life).event}, {"change event", 1, (*Life).changeEvent},
	{"conference", 1, (*Life).conference}, {"rename channel", 2, (*Life).renameChannel}, {"add channel", 1, (*Life).addChannel},
	{"remove channel", 1, (*Life).removeChannel}, {"move channel", 1, (*Life).moveChannel}, {"archive", 1, (*Life).archive},
	{"member", 2, (*Life).member}, {"rights", 3, (*Life).rights}, {"listed", 2, (*Life).listed}, {"time", 2, (*Life).time},
}

// Happenings names the kinds of changes.
func Happenings() []string {
	names := make([]string, 0, len(happenings))
	for _, h := range happenings {
		names = append(names, h.name)
	}
	return names
}

// Change lets happen what happens between two requests.
func (l *Life) Change(w *World) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for !l.settled && (l.Most == 0 || l.changes < l.Most) && l.rand.Float64() < l.Rate/(1+l.Rate) {
		at, ok := l.somewhere(w)
		if !ok {
			return
		}
		l.changes++
		l.draw().do(l, w, at)
	}
}

// Changes is how many changes happened or were tried.
func (l *Life) Changes() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.changes
}

// Settle ends the life and gives back the rights and rooms that it took, so that a quiet run can see everything.
func (l *Life) Settle(w *World) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.settled = true
	for len(l.lost) > 0 {
		l.regain(w)
	}
	for len(l.unseen) > 0 {
		l.show(w)
	}
}

// draw chooses a kind of change.
func (l *Life) draw() happening {
	total := 0
	for _, h := range happenings {
		total += h.weight
	}
	for {
		n := l.rand.IntN(total)
		i := slices.IndexFunc(happenings, func(h happening) bool {
			n -= h.weight
			return n < 0
		})
		if !slices.Contains(l.Skip, happenings[i].name) || len(l.Skip) >= len(happenings) {
			return happenings[i]
		}
	}
}

// somewhere chooses a channel and a user, a member if there is one.
func (l *Life) somewhere(w *World) (at place, ok bool) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	if len(w.channels) == 0 {
		return at, false
	}
	c := w.channels[l.rand.IntN(len(w.channels))]
	users := c.members
	if len(users) == 0 {
		return place{c.id, "nobody@" + w.domain}, true
	}
	return place{c.id, w.users[users[l.rand.IntN(len(users))]].id}, true
}

// text is one of few, so that a text comes back now and then.
func (l *Life) text() string { return fmt.Sprintf("update %d", l.rand.IntN(40)) }

// main gives some main message of a channel, "" if it has none.
func (l *Life) main(w *World, channel string) record.TS { return w.someMessage(l.rand, channel) }

// reply gives some comment of a channel and its parent, "" if it has none.
func (l *Life) reply(w *World, channel string) (comment, parent record.TS) {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.channel(channel)
	if len(c.threads) == 0 {
		return "", ""
	}
	m, _ := c.byID(c.threads[l.rand.IntN(len(c.threads))])
	return tsOf(m.more.comments[l.rand.IntN(len(m.more.comments))].id), tsOf(m.id)
}

// someFile gives the id of some file of a channel, "" if it has none.
func (l *Life) someFile(w *World, channel string) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	c := w.channel(channel)
	if len(c.files) == 0 {
		return ""
	}
	return hexOf(c.files[l.rand.IntN(len(c.files))].id)
}

// regain gives the right back that was taken first.
func (l *Life) regain(w *World) {
	w.setIfThere(l.lost[0], func(c *channel) { c.unreadable = false })
	l.lost = l.lost[1:]
}

// show lists the channel again that was taken off the list first.
func (l *Life) show(w *World) {
	w.setIfThere(l.unseen[0], func(c *channel) { c.unlisted = false })
	l.unseen = l.unseen[1:]
}

// setIfThere changes a channel that may be gone; its id may have changed by a move, so that the folder names it.
func (w *World) setIfThere(folder string, f func(*channel)) {
	defer w.change()()
	for _, c := range w.channels {
		if hexOf(c.folder) == folder {
			f(c)
		}
	}
}

// folderOf gives what names a channel for setIfThere.
func (w *World) folderOf(channel string) string {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return hexOf(w.channel(channel).folder)
}

func (l *Life) time(w *World, _ place) {
	w.Advance(time.Duration(l.rand.IntN(3*3600)) * time.Second)
}
