package teamchattest_test

import (
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// dumpOf writes down all that a world holds.
func dumpOf(t *testing.T, w *teamchattest.World) string {
	t.Helper()
	var b strings.Builder
	for _, c := range w.Channels() {
		fmt.Fprintln(&b, c)
	}
	for m := range w.Messages() {
		fmt.Fprintln(&b, m)
	}
	for f, err := range w.Files() {
		if err != nil {
			t.Fatal(err)
		}
		fmt.Fprintln(&b, f)
	}
	return b.String()
}

// live lets a life of a seed pass over so many requests.
func live(t *testing.T, seed uint64, requests int, prepare func(*teamchattest.Life)) (*teamchattest.World, *teamchattest.Life) {
	t.Helper()
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: seed, Messages: 200, Channels: 4, Users: 6})
	life := teamchattest.RandomLife(seed)
	prepare(life)
	for range requests {
		life.Change(w)
	}
	return w, life
}

func TestLifeIsDecidedByItsSeed(t *testing.T) {
	as := func(*teamchattest.Life) {}
	a, life := live(t, 3, 600, as)
	b, _ := live(t, 3, 600, as)
	other, _ := live(t, 4, 600, as)
	if dumpOf(t, a) != dumpOf(t, b) {
		t.Error("equal seeds give different lives")
	}
	if dumpOf(t, a) == dumpOf(t, other) {
		t.Error("different seeds give equal lives")
	}
	if n := life.Changes(); n < 200 || n > 400 {
		t.Errorf("%d changes at 600 requests, want about half", n)
	}
}

func TestLifeIsBounded(t *testing.T) {
	w, life := live(t, 1, 5000, func(l *teamchattest.Life) { l.Rate, l.Most = 3, 100 })
	if life.Changes() != 100 {
		t.Errorf("%d changes, want 100", life.Changes())
	}
	life.Settle(w)
	for _, c := range w.Channels() {
		if !c.Readable {
			t.Errorf("%s is not readable after the life has settled", c.Name)
		}
	}
	before := dumpOf(t, w)
	life.Most = 0
	for range 100 {
		life.Change(w)
	}
	if dumpOf(t, w) != before {
		t.Error("a settled life goes on")
	}
}

func TestEachHappeningHappens(t *testing.T) {
	for _, kind := range teamchattest.Happenings() {
		others := slices.DeleteFunc(teamchattest.Happenings(), func(name string) bool { return name == kind })
		w, life := live(t, 2, 0, func(l *teamchattest.Life) {})
		channel := w.Channels()[0]
		w.AddEvent(channel.ID, teamchattest.Event{User: channel.Members[0], Title: "x"})
		c := login(t, teamchattest.Start(t, w, teamchattest.ServerOptions{}))
		all := func() string {
			var b strings.Builder
			for _, method := range []string{"channels.list", "pins.list", "conferences.list", "time.now"} {
				_, body := c.raw(method, "include_permissions", "1", "include_private", "1")
				b.WriteString(body)
			}
			for _, ch := range w.Channels() {
				_, body := c.raw("channels.historyNoComments", "channel", ch.ID, "count", "1000")
				b.WriteString(body)
			}
			return b.String() + dumpOf(t, w)
		}
		if kind == "unpin" {
			for m := range w.Messages() {
				w.Pin(m.Channel, m.TS, m.User, true)
			}
		}
		before := all()
		life.Skip = others
		for range 400 {
			life.Change(w)
		}
		if all() == before {
			t.Errorf("%s changes nothing", kind)
		}
		life.Settle(w)
		for _, ch := range w.Channels() {
			if !ch.Readable {
				t.Errorf("%s: %s stays unreadable", kind, ch.Name)
			}
		}
	}
}

func TestLifeGoesOnWhileServed(t *testing.T) {
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 9, Messages: 300, Channels: 4})
	w.Record()
	s := teamchattest.Start(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{ThreadsOrder: "activity", PinnedTo: true}})
	life := teamchattest.RandomLife(9)
	life.Rate = 3
	s.OnEvery(life.Change)
	var readers sync.WaitGroup
	for range 4 {
		c := login(t, s)
		readers.Go(func() {
			for range 4 {
				for _, ch := range elements(c.get("channels.list")["channels"]) {
					for _, method := range []string{"channels.historyNoComments", "threads.list", "files.list", "pins.list", "events.history", "mentions.list"} {
						c.raw(method, "channel", ch["id"].(string))
					}
				}
				for range w.ServedMessages() {
				}
			}
		})
	}
	readers.Wait()
	if life.Changes() < 100 {
		t.Errorf("%d changes", life.Changes())
	}
}
