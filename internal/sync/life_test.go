package sync

import (
	"fmt"
	"os"
	"testing"
	"time"

	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// listings are the calls whose answers an archive takes up; items.info only answers questions about them.
var listings = []string{
	"channels.diff", "channels.historyNoComments", "channels.list", "files.download", "files.list", "pins.list",
	"threads.comments", "threads.list",
}

// wantServed checks that the archive holds every state of every message that was served, in order, knows as deleted what
// is gone, and holds nothing else. A channel that vanished or whose last message is gone proves nothing.
func (r *rig) wantServed() {
	r.t.Helper()
	there := make(map[string]bool) // channels whose deletions can be told
	for _, c := range r.world.Channels() {
		there[c.ID] = c.Messages > 0
	}
	want, got := make(map[string]string), make(map[string]string)
	for m := range r.world.ServedMessages() {
		var texts, hashes []string
		for _, v := range m.Versions {
			texts, hashes = append(texts, v.Text), append(hashes, v.SHA256[:6])
		}
		gone := m.Gone && there[m.Channel]
		want[m.Channel+"/"+string(m.TS)] = fmt.Sprintf("%s %q %v deleted %v", m.Thread, texts, hashes, gone)
	}
	for c, err := range r.archive.Channels(r.t.Context(), 0) {
		fail(r.t, err)
		for m, err := range r.archive.Messages(r.t.Context(), c.ID, storage.Range{}) {
			fail(r.t, err)
			var texts, hashes []string
			for _, v := range m.Versions {
				texts, hashes = append(texts, v.Text), append(hashes, v.SHA256[:6])
			}
			got[m.ID()] = fmt.Sprintf("%s %q %v deleted %v", m.Thread, texts, hashes, m.Deleted != nil && there[c.ID])
		}
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		r.t.Errorf("archive differs from what was served (-served +archive):\n%s", diff)
	}
}

// wantNoDebtsOf checks that nothing is owed of channels that the server has.
func (r *rig) wantNoDebtsOf(channels []teamchattest.ChannelState) {
	r.t.Helper()
	for _, c := range channels {
		debts, err := r.archive.Debts(r.t.Context(), c.ID)
		fail(r.t, err)
		if len(debts) > 0 {
			r.t.Errorf("debts of %s are left: %+v", c.Name, debts)
		}
	}
}

// liveVariants are the servers of the campaign.
var liveVariants = []teamchattest.Variant{
	{}, {ForbiddenList: true}, {IgnoreInclusive: true}, {CommentsCount: "absent"}, {ThreadsOrder: "activity", FilesOrder: "modified"},
	{PagingAbsent: true, CountCap: 12}, {ShortPages: true, ForbiddenList: true}, {IgnoreOldest: true}, {EmptyPages: true, NoLatest: true},
	{Reversed: true}, {PagingWrong: true}, {CommentsCount: "always", NumberText: true},
}

// A world that changes between all requests: after a quiet full run the archive holds all that was served.
func TestArchiveHoldsAllThatWasServed(t *testing.T) {
	seeds, runs := 6, 8
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		seeds, runs = 60, 20
	}
	if testing.Short() {
		seeds = 3
	}
	for seed := range uint64(seeds) {
		t.Run(fmt.Sprint(seed), func(t *testing.T) {
			t.Parallel()
			w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: seed, Messages: 150, Channels: 4, Users: 6})
			w.KeepComments(seed%3 == 1)
			w.Record(listings...)
			r := newRig(t, w, teamchattest.ServerOptions{Variant: liveVariants[seed%uint64(len(liveVariants))]})
			life := teamchattest.RandomLife(seed)
			r.server.OnEvery(life.Change)
			o := Options{RecentWindow: month, AuditDays: 7, PageSize: 10 + int(seed%4)*15, Concurrency: 1 + int(seed%3)}
			for range runs {
				res := r.run(o)
				for _, p := range res.Problems {
					t.Log(p)
				}
				r.later(13 * time.Hour)
			}
			life.Settle(w)
			r.complete(Options{Full: true})
			r.wantServed()
			r.wantNoDebtsOf(w.Channels())
			t.Logf("%d changes, %d requests", life.Changes(), r.server.TotalRequests())
			change := r.archive.Change()
			r.complete(Options{Full: true})
			if r.archive.Change() != change {
				t.Errorf("one more full run adds %d entries", r.archive.Change()-change)
			}
		})
	}
}
