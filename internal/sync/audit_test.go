package sync

import (
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"
)

const day = 24 * time.Hour

// old is a world whose messages are all older than any recent window: channels of so many messages, each third with a
// comment.
func old(channels ...int) *teamchattest.World {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	for c, messages := range channels {
		name := fmt.Sprint("old-", c)
		w.AddChannel(name, "ann@example.com", "bob@example.com")
		for n := range messages {
			ts := w.Post(name, "ann@example.com", fmt.Sprint("message ", n))
			if n%3 == 0 {
				w.Comment(name, ts, "bob@example.com", fmt.Sprint("comment ", n))
			}
		}
	}
	w.Advance(365 * day)
	return w
}

// oldest is the time since which all of the archive has been read.
func (r *rig) oldest() time.Time {
	r.t.Helper()
	var oldest time.Time
	for c, err := range r.archive.Channels(r.t.Context(), 0) {
		fail(r.t, err)
		coverage, err := r.archive.Coverage(r.t.Context(), c.ID)
		fail(r.t, err)
		at := coverage.Audited()
		threads, err := r.archive.Threads(r.t.Context(), c.ID)
		fail(r.t, err)
		for _, thread := range threads {
			if thread.Read.Before(at) {
				at = thread.Read
			}
		}
		if oldest.IsZero() || at.Before(oldest) {
			oldest = at
		}
	}
	return oldest
}

func TestEverythingIsReadAgainInTime(t *testing.T) {
	if testing.Short() {
		t.Skip("syncs for weeks")
	}
	r := newRig(t, old(700, 90, 5, 1), teamchattest.ServerOptions{})
	o := Options{RecentWindow: month, AuditDays: 7, PageSize: 20}
	r.complete(o)
	change := r.archive.Change()
	most := int64(0)
	for n := range 30 {
		r.later(day)
		asked := r.server.TotalRequests()
		r.complete(o)
		most = max(most, r.server.TotalRequests()-asked)
		if age := r.now().Sub(r.oldest()); age > 8*day {
			t.Errorf("day %d: something was not read for %v", n, age)
		}
	}
	// What 6.5 days allow of 800 messages on pages of 20 and of 266 threads, what a quiet run takes, and a tenth more,
	// because how the parts fall on days depends on the instants at which they were read.
	if want := int64(2*796/13/20+4+2*266/13+4*3+266/15+10+8) * 11 / 10; most > want {
		t.Errorf("up to %d requests a day, want at most %d", most, want)
	}
	if r.archive.Change() != change {
		t.Error("entries were added")
	}
}

func TestRunsRightAfterAnotherAuditNothing(t *testing.T) {
	r := newRig(t, old(300, 90), teamchattest.ServerOptions{})
	o := Options{RecentWindow: month, AuditDays: 7, PageSize: 100}
	r.complete(o)
	for range 5 {
		r.later(2 * time.Hour)
		asked := r.server.RequestCounts()
		r.complete(o)
		for _, method := range []string{"threads.comments", "channels.historyNoComments"} {
			if n := r.server.Requests(method) - asked[method]; n > 2 {
				t.Errorf("%d calls of %s", n, method)
			}
		}
	}
}

// A15, D3, E2, E3: what changes in old messages is found within audit_days, what is deleted within twice as many.
func TestAuditFindsWhatNothingElseShows(t *testing.T) {
	w := old(200)
	var mains, comments []record.TS
	for m := range w.Messages() {
		if m.Thread == "" {
			mains = append(mains, m.TS)
		} else {
			comments = append(comments, m.TS)
		}
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	o := Options{RecentWindow: month, AuditDays: 7, PageSize: 20}
	r.complete(o)
	w.Edit("old-0", mains[70], "bob@example.com", "edited")
	w.Edit("old-0", comments[30], "bob@example.com", "edited, too")
	w.Delete("old-0", mains[100])
	w.DeleteComment("old-0", comments[7])
	w.CommentAt("old-0", mains[21], comments[7], "ann@example.com", "under the same ts")
	w.DeleteComment("old-0", comments[8])
	w.Comment("old-0", mains[24], "ann@example.com", "in its place")
	late := w.PostAt("old-0", record.MakeTS(mains[150].Second(), 77), "bob@example.com", "from another system")
	versions, messages, comment, deletions := 0, 0, 0, 0
	for n := range 14 {
		r.later(day)
		res := r.complete(o)
		versions, messages, comment, deletions = versions+res.VersionsNew, messages+res.MessagesNew, comment+res.CommentsNew, deletions+res.DeletionsNew
		if n == 6 && (versions != 3 || messages != 1 || comment != 1) {
			t.Errorf("after a week: %d versions, %d messages, %d comments", versions, messages, comment)
		}
	}
	r.wantWorld(true)
	if versions != 3 || messages != 1 || comment != 1 || deletions != 2 {
		t.Errorf("%d versions, %d messages, %d comments, %d deletions", versions, messages, comment, deletions)
	}
	for m, err := range r.archive.Messages(t.Context(), w.Channels()[0].ID, storage.Range{}) {
		fail(t, err)
		if gone := m.TS == mains[100] || m.TS == comments[8]; gone != (m.Deleted != nil) {
			t.Errorf("%s: deleted %v", m.TS, m.Deleted)
		}
	}
	if m, err := r.archive.Message(t.Context(), w.Channels()[0].ID, late); err != nil || m.Text == "" {
		t.Errorf("%v", err)
	}
}

// What ends the audit early is no problem of the run.
func TestAuditThatIsCutShort(t *testing.T) {
	tests := map[string]func(r *rig, o *Options){
		"requests": func(r *rig, o *Options) { r.client.MaxRequests = 12 },
		"time": func(r *rig, o *Options) {
			o.MaxDuration = 700 * time.Millisecond
			r.server.Fault(teamchattest.Fault{Method: "threads.comments", Delay: time.Second, Times: -1})
		},
		"errors": func(r *rig, o *Options) {
			r.server.Fault(teamchattest.Fault{Method: "channels.historyNoComments", Error: "gw_error e_access", At: r.server.Requests("channels.historyNoComments") + 2, Times: -1})
			r.server.Fault(teamchattest.Fault{Method: "threads.comments", Error: "gw_error e_access", Times: -1})
		},
	}
	for name, prepare := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, old(200), teamchattest.ServerOptions{})
			o := Options{AuditDays: 7, PageSize: 100, Concurrency: 1}
			r.complete(o)
			r.later(10 * day)
			prepare(r, &o)
			r.complete(o)
			if age := r.now().Sub(r.oldest()); age < day {
				t.Errorf("all was read: %v", age)
			}
			r.wantNoDebts()
			r.server.ClearFaults()
			r.client.MaxRequests = 0
			o.MaxDuration = 0
			r.complete(o)
			if age := r.now().Sub(r.oldest()); age > day {
				t.Errorf("the rest is not read: %v", age)
			}
		})
	}
}

// A channel without a message in the recent window costs what it cost before.
func TestRecentWindowCostsNoRequests(t *testing.T) {
	w := old(30, 0, 1)
	w.AddChannel("new", "ann@example.com")
	for n := range 50 {
		w.Post("new", "ann@example.com", fmt.Sprint("message ", n))
	}
	r := newRig(t, w, teamchattest.ServerOptions{})
	o := Options{RecentWindow: month, AuditDays: 7}
	r.complete(o)
	asked, change := r.server.TotalRequests(), r.archive.Change()
	r.complete(o)
	if n := r.server.TotalRequests() - asked; n > 4*3+10 {
		t.Errorf("%d requests: %v", n, r.server.RequestCounts())
	}
	if r.archive.Change() != change {
		t.Error("entries were added")
	}
}

// E1, E2: an edit within the window is found by the next run, beyond it by the audit only.
func TestRecentWindowFindsEdits(t *testing.T) {
	w := old(10)
	fresh := w.Post("old-0", "ann@example.com", "fresh")
	before := quietMessage(w)
	r := newRig(t, w, teamchattest.ServerOptions{})
	o := Options{RecentWindow: month}
	r.complete(o)
	for n := range 3 {
		w.Edit("old-0", fresh, "bob@example.com", fmt.Sprint("edited ", n))
		w.Edit("old-0", before, "bob@example.com", fmt.Sprint("edited ", n))
		if res := r.complete(o); res.VersionsNew != 1 {
			t.Errorf("%d versions", res.VersionsNew)
		}
	}
	if res := r.complete(Options{}); res.VersionsNew != 0 {
		t.Errorf("%d versions without a window", res.VersionsNew)
	}
	if res := r.complete(Options{Full: true}); res.VersionsNew != 1 {
		t.Errorf("%d versions in a full run", res.VersionsNew)
	}
}

// quietMessage is the ts of a world's second message, which has no comments.
func quietMessage(w *teamchattest.World) record.TS {
	var list []record.TS
	for m := range w.Messages() {
		if m.Thread == "" {
			list = append(list, m.TS)
		}
	}
	return list[1]
}
