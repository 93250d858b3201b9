package teamchattest

import (
	"cmp"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"archiver/internal/record"
)

// WorldOptions configure an empty world.
type WorldOptions struct {
	Host  string    // name in host and url_private; "" is mail.example.com. Without its first label it is the domain of users
	Seed  uint64    // of tickets
	Start time.Time // what the clock shows first; zero is 2024-03-01 09:00 UTC

	// Now is the clock. nil is a clock of the world's own, which each change moves on by a second.
	Now func() time.Time
}

// World is the content of a server. It is safe for concurrent use.
type World struct {
	host   string
	domain string
	seed   uint64
	now    func() time.Time

	mu       sync.RWMutex
	clock    int64  // unix seconds, of the world's own clock
	last     uint64 // greatest id given out
	users    []*user
	userNum  map[string]int32
	channels []*channel // in order of creation
	byID     map[string]*channel
	byName   map[string][]*channel
	subtypes []string // message.subtype is an index into it
	text     arena
	labels   map[string]Label

	conferences  []*conference // ascending
	running      bool          // ids take counter and follow the clock also back
	counter      uint16        // the next one
	keepComments bool
	served       *recorder // nil while nothing is recorded
}

// NewWorld gives an empty world.
func NewWorld(o WorldOptions) *World {
	w := &World{
		host: cmp.Or(o.Host, "mail.example.com"), seed: o.Seed, now: o.Now,
		userNum: map[string]int32{"": 0}, users: []*user{newUser("", "")},
		byID: map[string]*channel{}, byName: map[string][]*channel{},
		subtypes: []string{""}, labels: map[string]Label{},
	}
	_, w.domain, _ = strings.Cut(w.host, ".")
	if o.Start.IsZero() {
		o.Start = time.Date(2024, 3, 1, 9, 0, 0, 0, time.UTC)
	}
	w.clock = o.Start.Unix()
	return w
}

// Now is what the world's clock shows.
func (w *World) Now() time.Time {
	w.mu.RLock()
	defer w.mu.RUnlock()
	return time.Unix(w.second(), 0).UTC()
}

// SetClock sets the world's own clock. Ids that are given out stay ahead of those given out before.
func (w *World) SetClock(t time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = t.Unix()
}

// Advance moves the world's own clock on.
func (w *World) Advance(d time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock += int64(d / time.Second)
}

// UseClock replaces the world's clock; nil is a clock of its own, which goes on from what the other one showed.
func (w *World) UseClock(now func() time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.clock = w.second()
	w.now = now
}

// second is the current unix second. Callers hold mu.
func (w *World) second() int64 {
	second := w.clock
	if w.now != nil {
		second = w.now().Unix()
	}
	return min(max(second, 0), lastSecond)
}

// lastSecond is the last one that ids can name, but one.
const lastSecond = 1<<32 - 2

// change locks the world for a change and moves its own clock on.
func (w *World) change() (unlock func()) {
	w.mu.Lock()
	w.clock++
	return w.mu.Unlock
}

// RunCounter lets ids from now on do what those of a real store may do: the counter goes on from one second to the
// next, from a given number, and wraps, so that the order within that second is not the order of creation; and the
// second is the clock's, also after it went back ([World.SetClock]).
func (w *World) RunCounter(from uint16) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.running, w.counter = true, from
}

// KeepComments chooses what becomes of the comments of main messages that are deleted from now on: they stay readable
// by threads.comments and items.info, or, as by default, go too.
func (w *World) KeepComments(keep bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.keepComments = keep
}

// newID gives out the next id: the current second, and a counter within it that all objects share. A second that is
// used up borrows from the next.
func (w *World) newID() uint64 {
	if w.running {
		id := uint64(w.second())<<16 | uint64(w.counter)
		w.counter++
		w.last = max(w.last, id)
		return id
	}
	w.last = max(uint64(w.second())<<16, w.last+1)
	return w.last
}

// idOf is the 48-bit id of a ts of the groupware store.
func idOf(ts record.TS) (id uint64, ok bool) {
	second, counter := ts.Second(), ts.Counter()
	return uint64(second)<<16 | uint64(counter&0xffff), counter <= 0xffff && second <= lastSecond && len(ts) == 17
}

// tsOf is the ts of an id.
func tsOf(id uint64) record.TS { return record.TS(appendTS(nil, id)) }

// hexOf is the id as 12 hex digits.
func hexOf(id uint64) string { return string(appendHex(nil, id)) }

// subtype gives the number of a subtype.
func (w *World) subtype(name string) uint8 {
	if i := slices.Index(w.subtypes, name); i >= 0 {
		return uint8(i)
	}
	if len(w.subtypes) > 255 {
		panic("teamchattest: more than 255 subtypes")
	}
	w.subtypes = append(w.subtypes, name)
	return uint8(len(w.subtypes) - 1)
}

// find gives a channel by id or name, nil without one.
func (w *World) find(channel string) *channel {
	if c := w.byID[record.ChannelID(channel)]; c != nil {
		return c
	}
	if named := w.byName[channel]; len(named) > 0 {
		return named[0]
	}
	return nil
}

// channel gives a channel by id or name and panics without one.
func (w *World) channel(name string) *channel {
	c := w.find(name)
	if c == nil {
		panic(fmt.Sprintf("teamchattest: no channel %q", name))
	}
	return c
}
