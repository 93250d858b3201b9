package sync

import (
	"fmt"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// historyPage is the call that reads a page of main messages.
const historyPage = "channels.historyNoComments"

// asked makes a run that must be complete, and tells how many requests it needed.
func (r *rig) asked(o Options) int64 {
	r.t.Helper()
	before := r.server.TotalRequests()
	r.complete(o)
	return r.server.TotalRequests() - before
}

// F7 at full size: a run without news costs at most 1.2 requests a channel where the listed activity is trusted, and next
// to nothing where quiet channels are left out.
func TestRequestsOfManyQuietChannels(t *testing.T) {
	channels := 10_000
	if testing.Short() {
		channels = 2_000
	}
	r := newRig(t, silent(channels), teamchattest.ServerOptions{})
	r.complete(Options{})
	change := r.archive.Change()
	for _, test := range []struct {
		name string
		o    Options
		most int
	}{
		{"latest trusted", Options{TrustLatest: true}, channels * 12 / 10},
		{"quiet channels left out", Options{SkipQuiet: true}, 10},
	} {
		n := r.asked(test.o)
		t.Logf("%s: %d requests of %d channels", test.name, n, channels)
		if n > int64(test.most) {
			t.Errorf("%s: %d requests, want at most %d", test.name, n, test.most)
		}
	}
	if r.archive.Change() != change {
		t.Errorf("%d entries were added", r.archive.Change()-change)
	}
}

// silent is a world of many channels of a few messages; one of ten has a thread.
func silent(channels int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	for n := range channels {
		name := fmt.Sprint("room-", n)
		w.AddChannel(name, "ann@example.com")
		for range 3 {
			w.Post(name, "ann@example.com", "Hello")
		}
		if n%10 == 0 {
			w.Comment(name, w.Post(name, "ann@example.com", "Hello?"), "ann@example.com", "Hello again")
		}
	}
	return w
}

// long is a world of one channel of n main messages.
func long(n int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("long", "ann@example.com")
	for i := range n {
		w.Post("long", "ann@example.com", fmt.Sprint("message ", i))
	}
	return w
}

// What a first sync of a long channel costs beyond the pages that its messages fill. The percentage is that of items read
// twice, which prove that nothing lies between two answers. Beyond it an answer is needed to learn that the channel ends,
// two answers are needed to learn that the server does not honour bounds, and few items of the last page may be a page.
func TestRequestsOfLongChannels(t *testing.T) {
	lengths := []int{2_000, 5_000, 20_000}
	if testing.Short() {
		lengths = lengths[:2]
	}
	for _, test := range []struct {
		name    string
		variant teamchattest.Variant
		percent int // of the pages
		more    int // requests beyond that
	}{
		{"by ts", teamchattest.Variant{}, 5, 1},
		{"by ts, no paging told", teamchattest.Variant{PagingAbsent: true}, 5, 2},
		{"by ts, never inclusive", teamchattest.Variant{IgnoreInclusive: true}, 5, 1},
		{"by pages, no oldest", teamchattest.Variant{IgnoreOldest: true}, 25, 3},
		{"by pages, no order", teamchattest.Variant{IgnoreDescending: true}, 25, 2},
		{"by pages, no bounds, no order", teamchattest.Variant{IgnoreOldest: true, IgnoreLatest: true, IgnoreDescending: true}, 25, 2},
	} {
		for _, size := range []int{100, 1000} {
			for _, n := range lengths {
				t.Run(fmt.Sprint(test.name, "/", n, " by ", size), func(t *testing.T) {
					r := newRig(t, long(n), teamchattest.ServerOptions{Variant: test.variant})
					r.complete(Options{PageSize: size})
					got, pages := int(r.server.Requests(historyPage)), (n+size-1)/size
					t.Logf("%d requests for %d pages", got, pages)
					if most := pages + pages*test.percent/100 + test.more; got > most {
						t.Errorf("%d requests for %d pages, want at most %d", got, pages, most)
					}
				})
			}
		}
	}
}
