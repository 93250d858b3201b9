package reconcile

import (
	"cmp"
	"context"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/sync"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

const scenario = `
channel general ann bob
channel sales ann bob
m1 = post general ann Good morning
c1 = comment m1 bob Hello, Ann
m2 = post general bob How are you?
f1 = upload general ann notes.txt What is in the file
m3 = post general ann Bye
s1 = post sales ann Sold
`

// rig is a server and an archive of it.
type rig struct {
	t       *testing.T
	world   *teamchattest.World
	server  *teamchattest.Server
	archive *storage.Archive
	client  *teamchat.Client
}

func newRig(t *testing.T, w *teamchattest.World, o teamchattest.ServerOptions) *rig {
	t.Helper()
	r := &rig{t: t, world: w, server: teamchattest.Start(t, w, o)}
	a, err := storage.Create(t.Context(), t.TempDir(), storage.Options{})
	if err != nil {
		t.Fatal(err)
	}
	r.archive = a
	t.Cleanup(func() { a.Close() })
	r.client, err = teamchat.New(teamchat.Options{
		URL: r.server.URL, Username: "archive@example.com", Backoff: time.Millisecond, GiveUpAfter: time.Second,
		Password: func(context.Context) (string, error) { return "secret", nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { r.client.Close(context.Background()) })
	return r
}

func small(t *testing.T) *rig {
	t.Helper()
	w, err := teamchattest.ParseScenario(scenario)
	if err != nil {
		t.Fatal(err)
	}
	return newRig(t, w, teamchattest.ServerOptions{})
}

// sync makes a run, and lets a while pass on the server.
func (r *rig) sync(o sync.Options) {
	r.t.Helper()
	o.Client, o.Archive = r.client, r.archive
	if res, err := sync.Run(r.t.Context(), o); err != nil {
		r.t.Fatalf("sync: %v, %+v", err, res)
	}
	r.world.Advance(time.Hour)
}

func (r *rig) apply(lines ...string) {
	r.t.Helper()
	for _, line := range lines {
		if err := r.world.Apply(line); err != nil {
			r.t.Fatal(err)
		}
	}
}

func (r *rig) compare(o Options) *Report {
	r.t.Helper()
	o.Client, o.Archive = r.client, r.archive
	report, err := Run(r.t.Context(), o)
	if err != nil {
		r.t.Fatal(err)
	}
	return report
}

// reasons are those of a report, each as "channel kind count what", sorted.
func reasons(report *Report) []string {
	var list []string
	for _, row := range report.Channels {
		for _, s := range row.Reasons {
			what := s.What
			if s.Kind == Unread {
				what = "channel"
			}
			list = append(list, strings.Join([]string{row.ChannelName, string(s.Kind), strconv.Itoa(s.Count), what}, " "))
		}
	}
	slices.Sort(list)
	return list
}

func (r *rig) label(name string) record.TS {
	r.t.Helper()
	l, ok := r.world.Label(name)
	if !ok {
		r.t.Fatalf("nothing is called %q", name)
	}
	return l.TS
}

func TestDifferencesSinceTheLastSyncAreExplained(t *testing.T) {
	for _, test := range []struct {
		name     string
		changes  []string
		exclude  []string
		want     []string
		complete bool
	}{
		{name: "nothing", complete: true},
		{
			name: "news", complete: true,
			changes: []string{"post general bob New", "comment m1 ann Later", "n = post sales ann New", "comment n ann Later", "upload sales ann a.txt A"},
			want: []string{"general new 1 comment", "general new 1 message", "sales new 1 comment", "sales new 1 file",
				"sales new 2 message"},
		},
		{
			name: "a new channel", complete: true,
			changes: []string{"channel later ann", "post later ann Hi"},
			want:    []string{"later new 1 message"},
		},
		{
			name: "edits", complete: true,
			changes: []string{"edit m1 ann Good evening", "edit c1 bob Hello", "react m2 ann thumbsup"},
			want:    []string{"general edited 2 message"},
		},
		{
			name: "deletions", complete: true,
			changes: []string{"delete m1", "delete m3", "delete s1"},
			want:    []string{"general absent 1 comment", "general absent 2 message", "sales absent 1 message"},
		},
		{
			name:    "lost rights",
			changes: []string{"readable general off"},
			want:    []string{"general forbidden 1 channel"},
		},
		{
			name: "a channel that is left out", complete: true, exclude: []string{"general"},
			changes: []string{"readable general off"},
			want:    []string{"general excluded 1 channel"},
		},
		{
			name: "a channel that vanished", complete: true,
			changes: []string{"remove sales"},
			want:    []string{"sales gone 1 channel"},
		},
		{
			name:    "an old message that turned up",
			changes: []string{"late 1709283601.000500 general bob late"},
			want:    []string{"general unexplained 1 message"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			r := small(t)
			r.sync(sync.Options{})
			before := r.archive.Change()
			r.apply(test.changes...)
			report := r.compare(Options{Exclude: test.exclude})
			if diff := gocmp.Diff(test.want, reasons(report)); diff != "" || report.Complete != test.complete {
				t.Errorf("complete %v, want %v; reasons (-want +got):\n%s", report.Complete, test.complete, diff)
			}
			if r.archive.Change() != before {
				t.Error("the archive has changed")
			}
		})
	}
}

func TestCountsOfBothSides(t *testing.T) {
	r := small(t)
	r.sync(sync.Options{})
	sold := r.label("s1")
	r.apply("post general bob New", "delete s1")
	want := []Row{
		{
			ChannelName: "general", SourceMessages: 5, ArchivedMessages: 4, Difference: 1, SourceComments: 1, ArchivedComments: 1,
			SourceFiles: 1, ArchivedFiles: 1, Sampled: 5, Explanation: "1 message new since the last sync",
		},
		{
			ChannelName: "sales", ArchivedMessages: 1, Difference: -1,
			Explanation: "1 message archived but not on the server any more, which is not proven yet (" + string(sold) + ")",
		},
	}
	report := r.compare(Options{})
	got := slices.Clone(report.Channels)
	slices.SortFunc(got, func(a, b Row) int { return cmp.Compare(a.ChannelName, b.ChannelName) })
	for i := range got {
		got[i].ChannelID, got[i].Reasons = "", nil
	}
	if diff := gocmp.Diff(want, got); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if report.Totals.SourceMessages != 5 || report.Totals.ArchivedMessages != 5 || report.Totals.Channels != 2 {
		t.Errorf("totals %+v", report.Totals)
	}
}
