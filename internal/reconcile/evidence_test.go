package reconcile

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/sync"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// archiveBut fills the archive with what history and the threads show of the channel general, but for some messages,
// and with bookkeeping.
func (r *rig) archiveBut(book storage.Page, without ...record.TS) {
	r.t.Helper()
	ctx := r.t.Context()
	_, list, err := r.client.ChannelsList(ctx)
	if err != nil {
		r.t.Fatal(err)
	}
	at := slices.IndexFunc(list, func(c teamchat.Channel) bool { return c.Name == "general" })
	id := record.ChannelID(list[at].ID)
	book.Observed, book.Channel = time.Now(), id
	book.Channels = []record.ChannelState{{ID: id, Name: "general", State: record.ChannelPresent}}
	for m := range r.world.Messages() {
		if m.Channel != id || slices.Contains(without, m.TS) {
			continue
		}
		_, shown, err := r.client.Item(ctx, list[at].ID, string(m.TS))
		if err != nil {
			r.t.Fatal(err)
		}
		book.Messages = append(book.Messages, record.Seen{Key: string(m.TS), Thread: m.Thread, Raw: record.Clean(shown.Raw)})
	}
	for i := range book.Owe {
		book.Owe[i].Channel = id
	}
	if err := errors.Join(r.archive.Put(ctx, &book), r.archive.Flush(ctx)); err != nil {
		r.t.Fatal(err)
	}
}

func TestWhatASkippedPageLostIsNotTakenForNew(t *testing.T) {
	const chat = `
channel general ann bob
m1 = post general ann 1
c1 = comment m1 bob 1a
m2 = post general ann 2
m3 = post general ann 3
m4 = post general ann 4
`
	type marks struct{ m1, c1, m2, m3, m4 record.TS }
	for _, test := range []struct {
		name string
		book func(marks) storage.Page
		lost func(marks) []record.TS
		want []string
	}{
		{
			name: "in a range that is claimed",
			book: func(m marks) storage.Page { return storage.Page{Proven: []record.Interval{{To: m.m4}}} },
			lost: func(m marks) []record.TS { return []record.TS{m.m2, m.m3} },
			want: []string{"general unexplained 2 message"},
		},
		{
			name: "in a gap",
			book: func(m marks) storage.Page {
				return storage.Page{Proven: []record.Interval{{To: m.m1}, {From: m.m4, To: m.m4}}}
			},
			lost: func(m marks) []record.TS { return []record.TS{m.m2, m.m3} },
			want: []string{"general gap 2 message"},
		},
		{
			name: "owed",
			book: func(m marks) storage.Page {
				return storage.Page{Proven: []record.Interval{{To: m.m4}}, Owe: []storage.Debt{{Kind: storage.DebtChannel}}}
			},
			lost: func(m marks) []record.TS { return []record.TS{m.m2, m.c1} },
			want: []string{"general debt 1 comment", "general debt 1 message"},
		},
		{
			name: "behind the end",
			book: func(m marks) storage.Page { return storage.Page{Proven: []record.Interval{{To: m.m3}}} },
			lost: func(m marks) []record.TS { return []record.TS{m.m4} },
			want: []string{"general new 1 message"},
		},
		{
			name: "never read",
			book: func(marks) storage.Page { return storage.Page{} },
			lost: func(m marks) []record.TS { return []record.TS{m.m4} },
			want: []string{"general gap 1 message"},
		},
		{
			name: "a comment",
			book: func(m marks) storage.Page { return storage.Page{Proven: []record.Interval{{To: m.m4}}} },
			lost: func(m marks) []record.TS { return []record.TS{m.c1} },
			want: []string{"general unexplained 1 comment"},
		},
		{
			name: "a comment that is owed",
			book: func(m marks) storage.Page {
				return storage.Page{Proven: []record.Interval{{To: m.m4}}, Owe: []storage.Debt{{Kind: storage.DebtThread, Key: string(m.m1)}}}
			},
			lost: func(m marks) []record.TS { return []record.TS{m.c1} },
			want: []string{"general debt 1 comment"},
		},
	} {
		t.Run(test.name, func(t *testing.T) {
			w, err := teamchattest.ParseScenario(chat)
			if err != nil {
				t.Fatal(err)
			}
			r := newRig(t, w, teamchattest.ServerOptions{})
			m := marks{r.label("m1"), r.label("c1"), r.label("m2"), r.label("m3"), r.label("m4")}
			r.archiveBut(test.book(m), test.lost(m)...)
			report := r.compare(Options{PageSize: 2})
			if diff := gocmp.Diff(test.want, reasons(report)); diff != "" {
				t.Errorf("reasons (-want +got):\n%s", diff)
			}
			if explained := test.name == "behind the end"; report.Complete != explained {
				t.Errorf("complete: %v", report.Complete)
			}
		})
	}
}

func TestServersThatDiffer(t *testing.T) {
	for name, test := range map[string]struct {
		variant teamchattest.Variant
		unread  bool
	}{
		"default":             {},
		"no counts":           {variant: teamchattest.Variant{CommentsCount: "absent"}},
		"counts as text":      {variant: teamchattest.Variant{CommentsCount: "text"}},
		"no paging":           {variant: teamchattest.Variant{PagingAbsent: true}},
		"capped":              {variant: teamchattest.Variant{CountCap: 7}},
		"short pages":         {variant: teamchattest.Variant{ShortPages: true}},
		"last page again":     {variant: teamchattest.Variant{PastEnd: "last"}},
		"bounds always in":    {variant: teamchattest.Variant{AlwaysInclusive: true}},
		"bounds always out":   {variant: teamchattest.Variant{IgnoreInclusive: true}},
		"no lower bound":      {variant: teamchattest.Variant{IgnoreOldest: true}, unread: true},
		"newest always first": {variant: teamchattest.Variant{IgnoreDescending: true}, unread: true},
	} {
		t.Run(name, func(t *testing.T) {
			w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 5, Messages: 300, Channels: 3, Users: 5})
			r := newRig(t, w, teamchattest.ServerOptions{Variant: test.variant})
			r.sync(sync.Options{})
			report := r.compare(Options{PageSize: 20, Sample: 100})
			if test.unread {
				if got := reasons(report); report.Complete || len(got) == 0 {
					t.Errorf("complete %v, reasons %q", report.Complete, got)
				}
				return
			}
			sum := report.Totals
			if got := reasons(report); !report.Complete || len(got) > 0 || sum.Difference != 0 || sum.SourceComments != sum.ArchivedComments ||
				sum.SourceFiles != sum.ArchivedFiles || sum.Sampled != sum.ArchivedMessages+sum.ArchivedComments {
				t.Errorf("totals %+v, reasons %q", sum, got)
			}
		})
	}
}

func TestAServerThatLivesOn(t *testing.T) {
	w := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 6, Messages: 400, Channels: 3, Users: 5})
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.sync(sync.Options{})
	for n := range int64(10) {
		r.server.OnMethod("channels.historyNoComments", 3+2*n, func(w *teamchattest.World) { w.Busy(uint64(n), 5) })
	}
	report := r.compare(Options{PageSize: 20, Sample: 20})
	if !report.Complete {
		t.Errorf("reasons %q", reasons(report))
	}
}

// TestCommentsDeletedWhileTheyAreComparedAreNotMissed deletes after a thread was counted and before it is read.
func TestCommentsDeletedWhileTheyAreComparedAreNotMissed(t *testing.T) {
	world := func(t *testing.T) (r *rig, general string, parent record.TS) {
		w := teamchattest.NewWorld(teamchattest.WorldOptions{})
		general = w.AddChannel("general", "ann@example.com")
		parent = w.Post(general, "ann@example.com", "1")
		r = newRig(t, w, teamchattest.ServerOptions{})
		r.sync(sync.Options{})
		return r, general, parent
	}
	t.Run("deleted", func(t *testing.T) {
		r, general, parent := world(t)
		r.world.Comment(general, parent, "ann@example.com", "stays")
		last := r.world.Comment(general, parent, "ann@example.com", "goes")
		r.server.OnMethod("threads.comments", r.server.Requests("threads.comments")+1, func(w *teamchattest.World) { w.DeleteComment(general, last) })
		report := r.compare(Options{})
		if got := reasons(report); !report.Complete || !slices.Equal(got, []string{"general new 1 comment"}) || report.Totals.SourceComments != 1 {
			t.Errorf("reasons %q, %d comments", got, report.Totals.SourceComments)
		}
	})
	t.Run("only hidden", func(t *testing.T) {
		r, general, parent := world(t)
		r.world.Comment(general, parent, "ann@example.com", "counted, and never shown")
		r.server.Fault(teamchattest.Fault{Method: "threads.comments", Error: "thread_not_found", Times: -1})
		report := r.compare(Options{})
		if got := reasons(report); report.Complete || !slices.Equal(got, []string{"general unexplained 1 comment"}) {
			t.Errorf("reasons %q", got)
		}
	})
	t.Run("parent deleted", func(t *testing.T) {
		r, general, parent := world(t)
		r.world.Comment(general, parent, "ann@example.com", "goes with it")
		r.server.OnMethod("threads.comments", r.server.Requests("threads.comments")+1, func(w *teamchattest.World) { w.Delete(general, parent) })
		if report := r.compare(Options{}); !report.Complete || report.Totals.SourceComments != 0 {
			t.Errorf("reasons %q, %d comments", reasons(report), report.Totals.SourceComments)
		}
	})
}

func TestFailuresOfTheServer(t *testing.T) {
	t.Run("one channel", func(t *testing.T) {
		r := small(t)
		r.sync(sync.Options{})
		r.server.Fault(teamchattest.Fault{Method: "files.list", Error: "e_rights", Times: 1})
		report := r.compare(Options{Concurrency: 1})
		if got := reasons(report); report.Complete || len(got) != 1 || report.Totals.Incomplete != 1 {
			t.Errorf("reasons %q", got)
		}
	})
	t.Run("all of it", func(t *testing.T) {
		r := small(t)
		r.sync(sync.Options{})
		r.server.Fault(teamchattest.Fault{Method: "channels.historyNoComments", Status: 503, RetryAfter: "9999", Times: -1})
		_, err := Run(t.Context(), Options{Client: r.client, Archive: r.archive})
		if !errors.Is(err, teamchat.ErrWait) {
			t.Errorf("error %v", err)
		}
	})
	t.Run("cancelled", func(t *testing.T) {
		r := small(t)
		ctx, cancel := context.WithCancel(t.Context())
		r.server.OnMethod("channels.historyNoComments", 1, func(*teamchattest.World) { cancel() })
		if _, err := Run(ctx, Options{Client: r.client, Archive: r.archive}); !errors.Is(err, context.Canceled) {
			t.Errorf("error %v", err)
		}
	})
}

func TestSampleHasTheSizeAskedFor(t *testing.T) {
	for _, test := range []struct {
		n       int
		percent float64
		want    int
	}{{0, 1, 0}, {3, 1, 3}, {100, 1, 5}, {1000, 1, 10}, {1000, 2.55, 26}, {10, 100, 10}} {
		chosen := make(map[string]bool)
		for seed := range uint64(20) {
			s := newSampler(seed, "C1", test.n, test.percent)
			var picks []int
			for i := range test.n + 3 { // more than were announced
				if s.next() {
					picks = append(picks, i)
				}
			}
			if len(picks) != test.want {
				t.Errorf("%d%% of %d, seed %d: %d chosen, want %d", int(test.percent), test.n, seed, len(picks), test.want)
			}
			chosen[fmt.Sprint(picks)] = true
		}
		if test.n > 50 && len(chosen) < 15 {
			t.Errorf("of %d: only %d different samples", test.n, len(chosen))
		}
	}
}
