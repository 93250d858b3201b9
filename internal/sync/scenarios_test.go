package sync

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// The scenarios that a lossless archiver must survive, by their ids: A paging, B marks and increments, D threads, E edits
// and deletions. Not here, because TeamChat has no such thing: a tombstone in a list (E4: what is deleted before it was
// read leaves no trace), a comment that is posted to the channel, too (D6), threads.comments with pages (D4: a thread is
// one answer), polls (E8), messages that move to another channel (A16: channels do, see TestChannelsThatMove). Elsewhere:
// B9, B12 in change_test.go, B13 in package storage, E6 in deletion_test.go, E9 in package export.

const (
	historyCall = "channels.historyNoComments"
	pageItems   = 20
)

// crowd is a world with a room of so many messages, one a second.
func crowd(messages int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	w.AddChannel("room", "ann@example.com", "bob@example.com")
	for n := range messages {
		w.Post("room", "ann@example.com", fmt.Sprint("message ", n))
	}
	return w
}

// posts posts so many messages.
func posts(w *teamchattest.World, n int) {
	for range n {
		w.Post("room", "bob@example.com", "in between")
	}
}

// deleteOf deletes the main messages from index first to last, in order of ts.
func deleteOf(w *teamchattest.World, first, last int) {
	list := mains(w)
	for _, ts := range list[first:min(last, len(list))] {
		w.Delete("room", ts)
	}
}

// mains are the main messages of a world.
func mains(w *teamchattest.World) []record.TS {
	var list []record.TS
	for m := range w.Messages() {
		if m.Thread == "" {
			list = append(list, m.TS)
		}
	}
	return list
}

// A: paging. What is in the room before and after the run must be in the archive, whatever happens between its requests;
// a walk over page numbers, as most programs make it, loses some of it where naive says so.
func TestScenariosOfPaging(t *testing.T) {
	second := func(do func(*teamchattest.World)) func(*rig) {
		return func(r *rig) { r.server.OnMethod(historyCall, r.server.Requests(historyCall)+2, do) }
	}
	late := func(w *teamchattest.World) { // in the middle of what is archived
		w.PostAt("room", record.MakeTS(mains(w)[40].Second(), 9), "bob@example.com", "late")
	}
	tests := []struct {
		id       string
		messages int
		variant  teamchattest.Variant
		prepare  func(r *rig) // before the first run
		naive    bool         // loses
	}{
		{id: "A1 one arrives", messages: 90, prepare: second(func(w *teamchattest.World) { posts(w, 1) })},
		{id: "A1 a page less one arrive", messages: 90, prepare: second(func(w *teamchattest.World) { posts(w, pageItems-1) })},
		{id: "A1 a page arrives", messages: 90, prepare: second(func(w *teamchattest.World) { posts(w, pageItems) }), naive: true},
		{id: "A1 three pages arrive", messages: 90, prepare: second(func(w *teamchattest.World) { posts(w, 3*pageItems) }), naive: true},
		{id: "A1 oldest first", messages: 90, variant: teamchattest.Variant{Reversed: true},
			prepare: second(func(w *teamchattest.World) { posts(w, 30) })},
		{id: "A2 the newest are deleted", messages: 90, prepare: second(func(w *teamchattest.World) { deleteOf(w, 75, 80) }), naive: true},
		{id: "A2 the oldest are deleted", messages: 90, prepare: second(func(w *teamchattest.World) { deleteOf(w, 0, 5) })},
		{id: "A2 bounds ignored", messages: 90, variant: teamchattest.Variant{IgnoreOldest: true},
			prepare: second(func(w *teamchattest.World) { deleteOf(w, 75, 80) }), naive: true},
		{id: "A4 purge", messages: 150, prepare: second(func(w *teamchattest.World) { w.Purge("room", 45) }), naive: true},
		{id: "A4 purge, bounds ignored", messages: 150, variant: teamchattest.Variant{IgnoreOldest: true, IgnoreDescending: true},
			prepare: second(func(w *teamchattest.World) { w.Purge("room", 45) }), naive: true},
		{id: "A5 oldest first, deletions", messages: 90, variant: teamchattest.Variant{Reversed: true},
			prepare: second(func(w *teamchattest.World) { deleteOf(w, 0, 5) }), naive: true},
		{id: "A6 threads move to the head", messages: 60, variant: teamchattest.Variant{ThreadsOrder: "activity"}, prepare: func(r *rig) {
			for _, ts := range mains(r.world) {
				r.world.Comment("room", ts, "bob@example.com", "comment")
			}
			r.server.OnMethod("threads.list", 2, func(w *teamchattest.World) { w.Comment("room", mains(w)[3], "ann@example.com", "late") })
		}},
		{id: "A7 a hundred in a second", messages: 10, prepare: func(r *rig) {
			for range 100 {
				r.world.Advance(-time.Second)
				r.world.Post("room", "bob@example.com", "at once")
			}
		}},
		{id: "A8 short pages", messages: 90, variant: teamchattest.Variant{ShortPages: true}},
		{id: "A8 empty pages", messages: 90, variant: teamchattest.Variant{EmptyPages: true}, naive: true},
		{id: "A8 short pages, no paging", messages: 90, variant: teamchattest.Variant{ShortPages: true, PagingAbsent: true}},
		{id: "A10 the last page again", messages: 90, variant: teamchattest.Variant{PastEnd: "last", PagingAbsent: true}},
		{id: "A10 the first page again", messages: 90, variant: teamchattest.Variant{PastEnd: "first", PagingAbsent: true}},
		{id: "A11 count capped", messages: 90, variant: teamchattest.Variant{CountCap: 12}},
		{id: "A12 pages from 0", messages: 90, variant: teamchattest.Variant{PageBase0: true}, naive: true},
		{id: "A13 wrong total", messages: 90, variant: teamchattest.Variant{PagingWrong: true}},
		{id: "A13 no total", messages: 90, variant: teamchattest.Variant{PagingAbsent: true}},
		{id: "A15 late in an old range", messages: 90, prepare: func(r *rig) {
			r.complete(Options{PageSize: pageItems})
			late(r.world)
		}},
		{id: "A17 no message", messages: 0},
		{id: "A17 one message", messages: 1},
		{id: "A17 two pages exactly", messages: 2 * pageItems},
		{id: "A17 a page and one", messages: pageItems + 1},
		{id: "A19 counter wraps", messages: 0, prepare: func(r *rig) {
			r.world.RunCounter(65_500)
			for range 80 {
				r.world.Advance(-time.Second)
				r.world.Post("room", "ann@example.com", "quick")
			}
		}},
	}
	for _, test := range tests {
		t.Run(test.id, func(t *testing.T) {
			t.Parallel()
			start := func() *rig {
				r := newRig(t, crowd(test.messages), teamchattest.ServerOptions{Variant: test.variant})
				if test.prepare != nil {
					test.prepare(r)
				}
				return r
			}
			r := start()
			before := r.worldContent()
			r.complete(Options{PageSize: pageItems, RecentWindow: month})
			r.wantKept(before)
			r.complete(Options{PageSize: pageItems, RecentWindow: month})
			r.wantWorld(true)
			if n := r.server.TotalRequests(); n > 120 {
				t.Errorf("%d requests", n)
			}
			if lost := start().naive(); lost != test.naive {
				t.Errorf("the naive walk loses something: %v, want %v", lost, test.naive)
			}
		})
	}
}

// naive walks over page numbers until a page without items, or one that it knows, and tells whether it loses something.
func (r *rig) naive() bool {
	r.t.Helper()
	c := r.client
	c.URL, c.Username = r.server.URL, "archive@example.com"
	c.Password = func(context.Context) (string, error) { return "secret", nil }
	client, err := teamchat.New(c)
	fail(r.t, err)
	defer client.Close(r.t.Context())
	before, found := mains(r.world), make(map[record.TS]bool)
	for page := 1; page < 100; page++ {
		answer, err := client.History(r.t.Context(), teamchat.HistoryQuery{
			Channel: r.world.Channels()[0].ID, Descending: true, Count: pageItems, Page: page,
		})
		fail(r.t, err)
		known := len(found)
		for _, m := range answer.Messages {
			found[record.TS(m.TS)] = true
		}
		if len(found) == known {
			break
		}
	}
	for _, ts := range mains(r.world) {
		if contained(texts(before))(string(ts)) && !found[ts] {
			return true
		}
	}
	return false
}

func texts(list []record.TS) []string {
	plain := make([]string, len(list))
	for i, ts := range list {
		plain[i] = string(ts)
	}
	return plain
}

// B: marks and increments.
func TestScenariosOfIncrements(t *testing.T) {
	o := Options{PageSize: pageItems, Concurrency: 1, RecentWindow: month}
	// cut makes a run that ends at its n-th request.
	cut := func(r *rig, n int64) {
		ctx, cancel := context.WithCancel(r.t.Context())
		defer cancel()
		r.server.OnRequest(r.server.TotalRequests()+n, func(*teamchattest.World) { cancel() })
		if _, err := r.try(ctx, o); err != nil {
			r.t.Fatal(err)
		}
		r.reopen()
	}
	tests := map[string]func(r *rig){
		"B1 the first run dies at any page": func(r *rig) {
			for n := int64(3); n < 12; n++ {
				r.fresh()
				cut(r, n)
				r.complete(o)
				r.wantWorld(true)
			}
		},
		"B2 runs that die, and news": func(r *rig) {
			for n := range int64(6) {
				cut(r, 4+n)
				posts(r.world, 70)
			}
			r.complete(o)
		},
		"B3 more news than a page": func(r *rig) {
			r.complete(o)
			posts(r.world, 3*pageItems+1)
			if res := r.complete(o); res.MessagesNew != 3*pageItems+1 {
				r.t.Errorf("%d new messages", res.MessagesNew)
			}
		},
		"B4 a late comment before news": func(r *rig) {
			r.complete(o)
			posts(r.world, 1)
			r.world.Comment("room", mains(r.world)[2], "bob@example.com", "late")
			cut(r, 5)
		},
		"B5 the archiver's clock is wrong": func(r *rig) {
			for _, off := range []time.Duration{-30 * time.Hour, 50 * time.Hour, -400 * day, 400 * day} {
				r.passed = off
				posts(r.world, 3)
				r.complete(o)
				r.wantWorld(true)
			}
			r.passed = 0
		},
		"B5 the server's clock goes back": func(r *rig) {
			r.complete(o)
			r.world.RunCounter(1)
			r.world.SetClock(r.world.Now().Add(-time.Hour))
			posts(r.world, 3)
			if res := r.complete(o); res.MessagesNew != 3 {
				r.t.Errorf("%d new messages", res.MessagesNew)
			}
		},
		"B7 one request a run": func(r *rig) {
			posts(r.world, 5*pageItems)
			r.world.Comment("room", mains(r.world)[30], "bob@example.com", "comment")
			r.world.Upload("room", "ann@example.com", "a.txt", []byte("content"))
			r.world.AddChannel("other", "bob@example.com")
			r.world.Upload("other", "bob@example.com", "b.txt", []byte("other content"))
			r.client.MaxRequests = 1
			for range 60 {
				r.run(Options{PageSize: pageItems, MaxRequests: 1, RecentWindow: month, AuditDays: 7})
			}
			r.client.MaxRequests = 0
			r.wantMessages()
			content := r.archiveContent()
			for key := range r.worldContent() {
				if content[key] == "" && key != "ann@example.com" && key != "bob@example.com" {
					r.t.Errorf("%s is not archived", key)
				}
			}
			r.wantNoDebts()
		},
		"B8 left out for a while": func(r *rig) {
			r.complete(o)
			posts(r.world, 50)
			r.complete(Options{PageSize: pageItems, Exclude: []string{"room"}})
			posts(r.world, 50)
		},
		"B10 the list of changes tells all again": func(r *rig) {
			r.complete(o)
			r.world.Rename("room", "x")
			r.world.Rename("x", "room")
			r.complete(o)
		},
		"B14 nothing changed": func(r *rig) {
			r.complete(o)
			change, asked := r.archive.Change(), r.server.TotalRequests()
			r.complete(o)
			if n := r.server.TotalRequests() - asked; r.archive.Change() != change || n > 3+4+10 {
				r.t.Errorf("%d entries, %d requests", r.archive.Change()-change, n)
			}
		},
	}
	for id, scenario := range tests {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, crowd(60), teamchattest.ServerOptions{})
			scenario(r)
			r.complete(o)
			r.wantWorld(true)
			r.wantNoDebts()
		})
	}
}

// D: threads.
func TestScenariosOfThreads(t *testing.T) {
	o := Options{PageSize: pageItems, RecentWindow: month, AuditDays: 7}
	week := func(r *rig) {
		for range 8 {
			r.later(day)
			r.complete(o)
		}
	}
	tests := map[string]func(r *rig){
		"D1 comment on a thread of two years ago": func(r *rig) {
			r.world.Comment("room", mains(r.world)[1], "bob@example.com", "first")
			r.complete(o)
			r.world.Advance(730 * day)
			r.world.Comment("room", mains(r.world)[1], "bob@example.com", "late")
			if res := r.complete(o); res.CommentsNew != 1 {
				r.t.Errorf("%d comments", res.CommentsNew)
			}
		},
		"D2 first comment on an old message": func(r *rig) {
			r.complete(o)
			r.world.Advance(730 * day)
			r.world.Comment("room", mains(r.world)[1], "bob@example.com", "late")
			if res := r.complete(o); res.CommentsNew != 1 {
				r.t.Errorf("%d comments", res.CommentsNew)
			}
		},
		"D3 one comment for another": func(r *rig) {
			parent := mains(r.world)[1]
			gone := r.world.Comment("room", parent, "bob@example.com", "first")
			r.complete(o)
			r.world.Advance(730 * day)
			r.world.DeleteComment("room", gone)
			r.world.Comment("room", parent, "bob@example.com", "second")
			week(r)
			m, err := r.archive.Message(r.t.Context(), r.world.Channels()[0].ID, gone)
			fail(r.t, err)
			if m.Deleted == nil || m.Text != "first" {
				r.t.Errorf("the first comment: %q, deleted %v", m.Text, m.Deleted)
			}
		},
		"D4 3000 comments": func(r *rig) {
			parent := mains(r.world)[1]
			for n := range 3000 {
				r.world.Comment("room", parent, "bob@example.com", fmt.Sprint("comment ", n))
			}
			r.server.OnMethod("threads.comments", 1, func(w *teamchattest.World) { w.Comment("room", parent, "ann@example.com", "meanwhile") })
			r.complete(o)
		},
		"D5 the root is deleted": func(r *rig) {
			parent := mains(r.world)[1]
			r.world.KeepComments(true)
			r.world.Comment("room", parent, "bob@example.com", "comment")
			r.complete(o)
			r.world.Delete("room", parent)
			week(r)
			m, err := r.archive.Message(r.t.Context(), r.world.Channels()[0].ID, parent)
			fail(r.t, err)
			if m.Deleted == nil || m.Text != "message 1" {
				r.t.Errorf("%q, deleted %v", m.Text, m.Deleted)
			}
		},
		"D7 a thread fails": func(r *rig) {
			for n := range 5 {
				r.world.Comment("room", mains(r.world)[n], "bob@example.com", fmt.Sprint("comment ", n))
			}
			r.server.Fault(teamchattest.Fault{Method: "threads.comments", Error: "gw_error e_access", At: 3})
			res := r.run(o)
			if res.Outcome != Incomplete || res.CommentsNew != 4 {
				r.t.Errorf("%+v", res)
			}
			wantProblems(r.t, res, "comments")
		},
	}
	for id, scenario := range tests {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, crowd(30), teamchattest.ServerOptions{})
			scenario(r)
			r.complete(o)
			r.wantWorld(true)
			r.wantNoDebts()
		})
	}
}

// E: edits and deletions.
func TestScenariosOfEditsAndDeletions(t *testing.T) {
	const who = "bob@example.com"
	o := Options{PageSize: pageItems, RecentWindow: month, AuditDays: 7}
	versions := func(m *record.Message) (list []string) {
		for _, v := range m.Versions {
			list = append(list, v.Text)
		}
		return list
	}
	tests := map[string]struct {
		run  func(r *rig, ts record.TS)
		want []string // texts of the versions
		gone bool
		also string // an annotation
	}{
		"E1 edited between and during runs": {func(r *rig, ts record.TS) {
			for n := range 3 {
				r.world.Edit("room", ts, who, fmt.Sprint("edit ", n))
			}
			r.server.OnMethod("threads.list", r.server.Requests("threads.list")+1, func(w *teamchattest.World) { w.Edit("room", ts, who, "edit 3") })
			r.complete(o)
		}, []string{"message 7", "edit 2", "edit 3"}, false, ""},
		"E1 edited there and back": {func(r *rig, ts record.TS) {
			r.world.Edit("room", ts, who, "edited")
			r.complete(o)
			r.world.Edit("room", ts, who, "message 7")
		}, []string{"message 7", "edited", "message 7"}, false, ""},
		"E2 edit of a message of last year": {func(r *rig, ts record.TS) {
			r.world.Advance(365 * day)
			r.world.Edit("room", ts, who, "edited")
			for range 8 {
				r.later(day)
				r.complete(o)
			}
		}, []string{"message 7", "edited"}, false, ""},
		"E3 deleted": {func(r *rig, ts record.TS) {
			r.world.Delete("room", ts)
			r.complete(o)
			r.later(time.Hour)
		}, []string{"message 7"}, true, ""},
		"E4 deleted before it was read": {func(r *rig, _ record.TS) {
			r.world.Delete("room", r.world.Post("room", who, "never seen"))
		}, []string{"message 7"}, false, ""},
		"E8 reaction": {func(r *rig, ts record.TS) {
			r.world.React("room", ts, who, "heart")
			r.complete(o)
			r.world.React("room", ts, who, "")
		}, []string{"message 7"}, false, "reactions"},
		"E9 edited and deleted between two runs": {func(r *rig, ts record.TS) {
			r.world.Edit("room", ts, who, "edited")
			r.complete(o)
			r.world.Edit("room", ts, who, "never seen")
			r.world.Delete("room", ts)
			r.complete(Options{Full: true})
		}, []string{"message 7", "edited"}, true, ""},
	}
	for id, test := range tests {
		t.Run(id, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, crowd(30), teamchattest.ServerOptions{})
			ts := mains(r.world)[7]
			r.world.Comment("room", ts, who, "comment")
			r.complete(o)
			test.run(r, ts)
			r.complete(o)
			r.wantWorld(true)
			channel := r.world.Channels()[0].ID
			m, err := r.archive.Message(t.Context(), channel, ts)
			fail(t, err)
			if diff := gocmp.Diff(test.want, versions(m)); diff != "" {
				t.Errorf("versions (-want +got):\n%s", diff)
			}
			if test.gone != (m.Deleted != nil) {
				t.Errorf("deleted %v", m.Deleted)
			}
			if test.also != "" && (len(m.Annotations) == 0 || m.Annotations[0].What[0] != test.also) {
				t.Errorf("annotations %+v", m.Annotations)
			}
			for m, err := range r.archive.Messages(t.Context(), channel, storage.Range{}) {
				if fail(t, err); m.Text == "never seen" {
					t.Error("what was never served is there")
				}
			}
			if _, err := r.archive.Message(t.Context(), channel, "0"); !errors.Is(err, storage.ErrNotFound) {
				t.Error(err)
			}
		})
	}
}
