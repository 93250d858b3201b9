package sync

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// month is a window that covers all of the small world.
const month = 30 * 24 * time.Hour

// message gives a message of the small world as the archive holds it.
func (r *rig) message(label string) *record.Message {
	r.t.Helper()
	l, ok := r.world.Label(label)
	if !ok {
		r.t.Fatalf("no label %s", label)
	}
	m, err := r.archive.Message(r.t.Context(), record.ChannelID(l.Channel), l.TS)
	fail(r.t, err)
	return m
}

// deleted gives the labels of messages that the archive knows as deleted.
func (r *rig) deleted() string {
	r.t.Helper()
	list := ""
	for _, label := range []string{"m1", "c1", "c2", "m2", "f1", "f2", "m3", "c3", "m4"} {
		l, _ := r.world.Label(label)
		m, err := r.archive.Message(r.t.Context(), record.ChannelID(l.Channel), l.TS)
		if errors.Is(err, storage.ErrNotFound) {
			continue
		}
		fail(r.t, err)
		if m.Deleted != nil {
			list += label + " "
		}
	}
	return list
}

// marks is how many messages the archive marks as missing.
func (r *rig) marks() int {
	r.t.Helper()
	n := 0
	marks, err := r.archive.Missing(r.t.Context(), "")
	fail(r.t, err)
	for _, list := range marks {
		n += len(list)
	}
	return n
}

// E3, E4, D5: what is deleted is kept and proven gone by two complete reads, or by one full run.
func TestDeletionsAreProven(t *testing.T) {
	tests := []struct{ name, change, deleted string }{
		{"a message", "delete m2", "m2 "},
		{"the newest message", "delete m4", "m4 "},
		{"the oldest message with its comments", "delete m1", "m1 c1 c2 "},
		{"a comment", "delete c1", "c1 "},
		{"all comments of a thread", "delete c3", "c3 "},
		{"a message with a file", "delete f1", "f1 "},
		{"many", "delete m2\ndelete c1\ndelete m3\ndelete m4", "c1 m2 m3 c3 m4 "},
		{"nothing", "react m1 ann heart", ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			o := Options{RecentWindow: month, PageSize: 10}
			r.complete(o)
			fail(t, r.world.Apply(test.change))
			first := r.now()
			if res := r.complete(o); res.DeletionsNew > 0 || r.deleted() != "" {
				t.Errorf("one read is enough: %+v, %s", res, r.deleted())
			}
			if test.deleted != "" && r.marks() == 0 {
				t.Error("nothing is marked")
			}
			r.complete(o)
			if got := r.deleted(); got != "" {
				t.Errorf("two reads within a minute are enough: %s", got)
			}
			r.later(2 * time.Minute)
			r.complete(o)
			r.later(2 * time.Minute)
			r.complete(o)
			if got := r.deleted(); got != test.deleted || r.marks() > 0 {
				t.Errorf("deleted %q, want %q; %d marks", got, test.deleted, r.marks())
			}
			r.wantWorld(true)
			for _, label := range []string{"m1", "m2", "c1"} {
				if d := r.message(label).Deleted; d != nil && (d.FirstMissing.Before(first.Add(-time.Second)) || !d.LastSeen.Before(d.FirstMissing)) {
					t.Errorf("%s: %+v, deleted after %v", label, d, first)
				}
			}
			change := r.archive.Change()
			r.later(time.Hour)
			r.complete(o)
			if r.archive.Change() != change {
				t.Error("one more run adds entries")
			}
			full := newRig(t, small(t), teamchattest.ServerOptions{})
			full.complete(Options{PageSize: 10})
			fail(t, full.world.Apply(test.change))
			full.complete(Options{PageSize: 10, Full: true})
			if got := full.deleted(); got != test.deleted || full.marks() > 0 {
				t.Errorf("full run: deleted %q, want %q; %d marks", got, test.deleted, full.marks())
			}
			if diff := gocmp.Diff(full.dump(), r.dump()); diff != "" {
				t.Errorf("differs from a full run:\n%s", diff)
			}
		})
	}
}

// E6 and its like: nothing is inferred from lost rights, from answers without items, from errors.
func TestNoDeletionWithoutProof(t *testing.T) {
	const history = "channels.historyNoComments"
	revoke := func(w *teamchattest.World) { w.SetReadable("general", false) }
	tests := []struct {
		name    string
		variant teamchattest.Variant
		change  func(r *rig, n int) // before run n, from 1
		full    bool
	}{
		{"rights lost, empty list", teamchattest.Variant{ForbiddenList: true}, func(r *rig, _ int) {
			r.world.SetReadable("general", true)
			r.server.OnMethod(history, r.server.Requests(history)+1, revoke)
		}, false},
		{"rights lost, empty list, full", teamchattest.Variant{ForbiddenList: true}, func(r *rig, _ int) {
			r.world.SetReadable("general", true)
			r.server.OnMethod(history, r.server.Requests(history)+1, revoke)
		}, true},
		{"rights lost", teamchattest.Variant{}, func(r *rig, _ int) {
			r.world.SetReadable("general", true)
			r.server.OnMethod(history, r.server.Requests(history)+1, revoke)
		}, true},
		{"rights lost before comments are read", teamchattest.Variant{ForbiddenList: true, CommentsCount: "absent"}, func(r *rig, n int) {
			r.world.SetReadable("general", true)
			r.server.OnMethod("threads.comments", r.server.Requests("threads.comments")+1, revoke)
		}, true},
		{"all gone", teamchattest.Variant{}, func(r *rig, n int) { r.world.Purge("general", 100) }, true},
		{"channel gone", teamchattest.Variant{}, func(r *rig, n int) {
			if n == 1 {
				r.world.RemoveChannel("general")
			}
		}, true},
		{"errors", teamchattest.Variant{}, func(r *rig, n int) {
			r.server.ClearFaults()
			r.server.Fault(teamchattest.Fault{Method: history, Error: "gw_error e_access", At: r.server.Requests(history) + 1})
			r.server.Fault(teamchattest.Fault{Method: "threads.comments", Error: "gw_error e_access", Times: -1})
		}, true},
		{"cut lists", teamchattest.Variant{}, func(r *rig, n int) {
			r.server.ClearFaults()
			r.server.Fault(teamchattest.Fault{Method: history, Truncate: 400, At: r.server.Requests(history) + 1})
		}, true},
		{"other rights each time", teamchattest.Variant{}, func(r *rig, n int) {
			if n == 1 {
				fail(r.t, r.world.Apply("delete m2\ndelete c1"))
			}
			if n%2 == 1 {
				r.world.AddMember("general", "archive@example.com")
			} else {
				r.world.RemoveMember("general", "archive@example.com")
			}
		}, false},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{Variant: test.variant})
			o := Options{RecentWindow: month, PageSize: 10, Concurrency: 1, Channels: []string{"general"}}
			r.complete(o)
			for n := range 4 {
				test.change(r, n+1)
				r.later(time.Hour)
				o.Full = test.full
				r.run(o)
			}
			if got := r.deleted(); got != "" {
				t.Errorf("deleted: %s", got)
			}
		})
	}
}

func TestMessageThatComesBack(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	o := Options{RecentWindow: month}
	r.complete(o)
	l, _ := r.world.Label("m2")
	for n := range 3 {
		r.world.Delete(l.Channel, l.TS)
		for range n + 1 {
			r.later(time.Hour)
			r.complete(o)
		}
		if gone := r.message("m2").Deleted != nil; gone != (n > 0) {
			t.Errorf("deleted after %d runs: %v", n+1, gone)
		}
		r.world.PostAt(l.Channel, l.TS, "bob@example.com", "Hello, all")
		r.later(time.Hour)
		r.complete(o)
		if r.marks() > 0 || r.message("m2").Deleted != nil {
			t.Error("still missing")
		}
	}
}

// A parent that comes back brings its comments back.
func TestThreadThatComesBack(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.world.KeepComments(true)
	o := Options{RecentWindow: month}
	r.complete(o)
	l, _ := r.world.Label("m3")
	r.world.Delete(l.Channel, l.TS)
	for range 3 {
		r.later(time.Hour)
		r.complete(o)
	}
	if got := r.deleted(); got != "m3 c3 " {
		t.Fatalf("deleted %q", got)
	}
}

// The comments of a list that leaves messages out are not believed.
func TestListsThatHideWhatIsThere(t *testing.T) {
	for _, full := range []bool{false, true} {
		t.Run(fmt.Sprint(full), func(t *testing.T) {
			w := small(t)
			l, _ := w.Label("m2")
			r := newRig(t, w, teamchattest.ServerOptions{})
			o := Options{RecentWindow: month, Channels: []string{"general"}}
			r.complete(o)
			r.world.Delete(l.Channel, l.TS)
			r.server.OnMethod("items.info", 1, func(w *teamchattest.World) {
				w.PostAt(l.Channel, l.TS, "bob@example.com", "Hello, all")
			})
			for n := range 3 {
				r.later(time.Hour)
				o.Full = full && n > 0
				r.complete(o)
			}
			if got := r.deleted(); got != "" {
				t.Errorf("deleted: %s", got)
			}
		})
	}
}

// A deletion and what goes with it survive the end of the run at any request.
func TestDeletionsOfRunsCutAnywhere(t *testing.T) {
	run := func(t *testing.T, n int64) (string, int64) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		o := Options{RecentWindow: month, PageSize: 10, Concurrency: 1}
		r.complete(o)
		fail(t, r.world.Apply("delete m1\ndelete c3\ncomment m3 bob Other\ndelete m4\ndelete f1"))
		before := r.server.TotalRequests()
		if n > 0 {
			ctx, cancel := context.WithCancel(t.Context())
			r.server.OnRequest(before+n, func(*teamchattest.World) { cancel() })
			for range 3 {
				r.later(time.Hour)
				_, err := r.try(ctx, o)
				fail(t, err)
				if ctx.Err() != nil {
					break
				}
			}
			cancel()
			r.reopen()
		}
		for range 3 {
			r.later(time.Hour)
			r.complete(o)
		}
		return r.dump(), r.server.TotalRequests() - before
	}
	want, requests := run(t, 0)
	for n := int64(1); n <= requests; n += stride(t) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			got, _ := run(t, n)
			if diff := gocmp.Diff(want, got); diff != "" {
				t.Errorf("differs from unbroken runs:\n%s", diff)
			}
		})
	}
}

// A server that fails whenever it is asked for a missing message is asked once a channel and run, with all tries, and
// nothing is proven by it.
func TestMissingMessagesThatCannotBeAskedFor(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	for _, label := range []string{"m1", "m2", "m4"} {
		l, _ := r.world.Label(label)
		r.world.Delete(l.Channel, l.TS)
	}
	r.server.Fault(teamchattest.Fault{Method: "items.info", Status: 500, Times: -1})
	r.complete(Options{Full: true})
	if n := r.server.Requests("items.info"); n == 0 || n > 8 {
		t.Errorf("asked %d times", n)
	}
	if got := r.deleted(); got != "" || r.marks() == 0 {
		t.Errorf("deleted are %q, %d marks", got, r.marks())
	}
	r.server.ClearFaults()
	r.complete(Options{Full: true})
	if got := r.deleted(); got != "m1 c1 c2 m2 m4 " {
		t.Errorf("deleted are %q", got)
	}
}
