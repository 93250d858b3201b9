package sync

import (
	"fmt"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"
)

// quiet is a world of many channels of a few messages.
func quiet(channels int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	for n := range channels {
		name := fmt.Sprint("room-", n)
		w.AddChannel(name, "ann@example.com")
		w.Comment(name, w.Post(name, "ann@example.com", "Hello"), "ann@example.com", "Hello again")
	}
	return w
}

// F7: what a run costs when nothing happened.
func TestRequestsOfQuietRuns(t *testing.T) {
	const channels = 300
	tests := []struct {
		name string
		o    Options
		most int64
	}{
		{"by default", Options{}, 3*channels + 10},
		{"latest trusted", Options{TrustLatest: true}, channels * 12 / 10},
		{"latest trusted, with a window", Options{TrustLatest: true, RecentWindow: month}, 3*channels + 10},
		{"quiet channels left out", Options{SkipQuiet: true}, 10},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, quiet(channels), teamchattest.ServerOptions{})
			r.complete(test.o)
			asked, change := r.server.TotalRequests(), r.archive.Change()
			r.complete(test.o)
			if n := r.server.TotalRequests() - asked; n > test.most {
				t.Errorf("%d requests, want at most %d", n, test.most)
			}
			if r.archive.Change() != change {
				t.Error("entries were added")
			}
			r.wantWorld(false)
		})
	}
}

func TestTrustedLatestFindsNews(t *testing.T) {
	for _, o := range []Options{{TrustLatest: true}, {SkipQuiet: true}} {
		w := quiet(5)
		r := newRig(t, w, teamchattest.ServerOptions{})
		r.complete(o)
		w.Post("room-1", "ann@example.com", "News")
		w.Upload("room-2", "ann@example.com", "new.txt", []byte("new"))
		var late = w.Post("room-3", "ann@example.com", "With a comment")
		w.Comment("room-3", late, "ann@example.com", "Comment")
		r.complete(o)
		r.wantWorld(false)
		for m := range w.Messages() {
			if m.Channel == w.Channels()[4].ID && m.Thread == "" {
				w.Comment(m.Channel, m.TS, "ann@example.com", "Late")
			}
		}
		res := r.complete(o)
		if o.TrustLatest != (res.CommentsNew == 1) {
			t.Errorf("%+v: %d comments", o, res.CommentsNew)
		}
		r.complete(Options{})
		r.wantWorld(false)
	}
}

// Where latest is missing, nothing is trusted.
func TestNothingIsTrustedWithoutLatest(t *testing.T) {
	w := quiet(3)
	r := newRig(t, w, teamchattest.ServerOptions{Variant: teamchattest.Variant{NoLatest: true}})
	o := Options{SkipQuiet: true, TrustLatest: true}
	r.complete(o)
	w.Post("room-1", "ann@example.com", "News")
	r.complete(o)
	r.wantWorld(false)
}

// A run that leaves quiet channels out is complete only while each was read lately.
func TestQuietChannelsLeftOutForTooLong(t *testing.T) {
	w := quiet(4)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{})
	o := Options{SkipQuiet: true, QuietMaxAge: 24 * time.Hour}
	r.later(23 * time.Hour)
	r.complete(o)
	r.later(2 * time.Hour)
	w.Post("room-1", "ann@example.com", "News")
	res := r.run(o)
	wantProblems(t, res, "left out", "left out", "left out")
	if res.Outcome != Incomplete || res.MessagesNew != 1 {
		t.Errorf("%+v", res)
	}
	r.complete(Options{})
	r.complete(o)
}

// Debts are paid though the channel is quiet.
func TestDebtsOfQuietChannels(t *testing.T) {
	w := quiet(4)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.server.Fault(teamchattest.Fault{Method: "threads.comments", Error: "gw_error e_access", At: 2})
	o := Options{SkipQuiet: true, Concurrency: 1}
	if res := r.run(o); res.Outcome != Incomplete {
		t.Errorf("%+v", res)
	}
	r.complete(o)
	r.wantWorld(false)
}
