package sync

import (
	"fmt"
	"os"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// crowds is a world of some channels that share n threads and n files.
func crowds(channels, n int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	for i := range channels {
		w.AddChannel(fmt.Sprint("crowd", i), "ann@example.com")
	}
	for i := range n {
		name := fmt.Sprint("crowd", i%channels)
		root := w.Post(name, "ann@example.com", fmt.Sprint("root ", i))
		w.Comment(name, root, "bob@example.com", fmt.Sprint("comment ", i))
		w.Upload(name, "ann@example.com", fmt.Sprint(i, ".txt"), []byte(fmt.Sprint("content ", i)))
	}
	return w
}

// untilComplete makes runs of one request each until one is complete, and gives how many there were.
func (r *rig) untilComplete(most int, o Options) (runs int) {
	r.t.Helper()
	o.MaxRequests, r.client.MaxRequests = 1, 1
	defer func() { r.client.MaxRequests = 0 }()
	for runs = 1; runs <= most; runs++ {
		res := r.run(o)
		if res.Outcome == Complete {
			return runs
		}
		if res.Outcome != Incomplete {
			r.t.Fatalf("%+v", res)
		}
	}
	r.t.Fatalf("not complete after %d runs", most)
	return 0
}

// Whatever a server is like, runs of one request each come to an end when nothing changes any more, with all that one
// run without a limit gets. Each thread and each file is a request, and so is each page of history.
func TestOneRequestARunConverges(t *testing.T) {
	threads := 60
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		threads = 250
	}
	tests := []struct {
		name     string
		channels int
		threads  int
		variant  teamchattest.Variant
	}{
		{"one channel", 1, threads, teamchattest.Variant{}},
		{"three channels", 3, threads, teamchattest.Variant{}},
		{"threads by activity, files by change", 2, 25, teamchattest.Variant{ThreadsOrder: "activity", FilesOrder: "modified"}},
		{"no paging told", 2, 25, teamchattest.Variant{PagingAbsent: true}},
		{"no last activity told", 2, 25, teamchattest.Variant{NoLatest: true}},
		{"fixed pages", 2, 25, teamchattest.Variant{CountFixed: 15}},
		{"no bounds", 2, 25, teamchattest.Variant{IgnoreOldest: true, IgnoreDescending: true}},
		{"users cut short", 2, 25, teamchattest.Variant{UsersCap: 1}},
		{"members cut short", 2, 25, teamchattest.Variant{Members: "absent"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, crowds(test.channels, test.threads), teamchattest.ServerOptions{Variant: test.variant})
			r.complete(Options{PageSize: 20})
			want := r.dump()
			r.fresh()
			runs := r.untilComplete(3*test.threads+30, Options{PageSize: 20})
			t.Logf("%d runs", runs)
			if diff := gocmp.Diff(want, r.dump()); diff != "" {
				t.Errorf("differs from an unbroken run:\n%s", diff)
			}
			r.wantNoDebts()
			again := r.untilComplete(10+5*test.channels, Options{PageSize: 20})
			t.Logf("%d runs without news", again)
		})
	}
}

// Runs of few requests that are complete have everything that was there when the first of them began; what came since
// to channels that they had read shows itself, or is read by the next ones.
func TestOneRequestARunFollowsChanges(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	few := func() { r.untilComplete(80, Options{PageSize: 10}) }
	few()
	r.wantWorld(false)
	l, _ := r.world.Label("m1")
	r.world.Comment(l.Channel, l.TS, "carol@example.com", "late")
	late, _ := r.world.Label("m4")
	r.world.Delete(late.Channel, late.TS)
	r.later(2 * time.Minute)
	few()
	r.wantWorld(true)
	for range 2 {
		r.later(2 * time.Minute)
		few()
	}
	if got := r.deleted(); got != "m4 " {
		t.Errorf("deleted are %q", got)
	}
	r.wantWorld(true)
	r.client.MaxRequests = 1
	for n := range 6 {
		r.run(Options{PageSize: 10, MaxRequests: 1})
		r.world.Post("general", "ann@example.com", fmt.Sprint("during the runs ", n))
		r.world.Comment(l.Channel, l.TS, "carol@example.com", fmt.Sprint("during the runs ", n))
	}
	few()
	few()
	r.wantWorld(true)
}

// What was read too long ago is read again before a run is complete.
func TestReadingsOfRunsOfFewRequestsGrowOld(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.untilComplete(80, Options{PageSize: 10})
	r.client.MaxRequests = 1
	for range 40 {
		if res := r.run(Options{PageSize: 10, MaxRequests: 1}); res.Outcome == Complete {
			t.Fatal("complete, though each run is a day after the one before")
		}
		r.later(25 * time.Hour)
	}
}
