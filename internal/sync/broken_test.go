package sync

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"
	"testing"
	"time"

	"archiver/internal/storage"
	"archiver/internal/teamchat"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// stride is how many requests campaigns go on at a time: all of them with ARCHIVER_CAMPAIGN set.
func stride(t *testing.T) int64 {
	t.Helper()
	if os.Getenv("ARCHIVER_CAMPAIGN") != "" {
		return 1
	}
	if testing.Short() {
		return 7
	}
	return 2
}

// unbroken gives the content after a run that nothing disturbs, and how many requests it makes.
func unbroken(t *testing.T) (content string, requests int64) {
	t.Helper()
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{Concurrency: 1, PageSize: 10})
	return r.dump(), r.server.TotalRequests()
}

func TestRunCutAnywhereGoesOn(t *testing.T) {
	want, requests := unbroken(t)
	for n := int64(1); n <= requests; n += stride(t) {
		t.Run(fmt.Sprint(n), func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			r.server.OnRequest(n, func(*teamchattest.World) { cancel() })
			res, err := r.try(ctx, Options{Concurrency: 1, PageSize: 10})
			if err != nil || res.Outcome != Interrupted {
				// the last request is the logout
				if n < requests || res.Outcome != Complete {
					t.Fatalf("outcome %s, %v", res.Outcome, err)
				}
			}
			r.reopen()
			r.complete(Options{})
			if diff := gocmp.Diff(want, r.dump()); diff != "" {
				t.Errorf("differs from an unbroken run:\n%s", diff)
			}
			r.wantNoDebts()
		})
	}
}

func TestFaultAnywhereIsOvercome(t *testing.T) {
	want, requests := unbroken(t)
	faults := map[string]teamchattest.Fault{
		"500":      {Status: 500, Times: 2},
		"429":      {Status: 429, RetryAfter: "0.01"},
		"cut":      {Cut: 40},
		"cut open": {CutOpen: 5},
		"truncate": {Truncate: 60},
		"html":     {HTML: true},
		"empty":    {Empty: true},
		"token":    {InvalidToken: true},
		"reset":    {Reset: true},
		"drop":     {Drop: true},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for n := int64(1); n < requests; n += stride(t) {
				r := newRig(t, small(t), teamchattest.ServerOptions{})
				fault.At = n
				r.server.Fault(fault)
				res, err := r.try(t.Context(), Options{Concurrency: 1, PageSize: 10})
				if err != nil || res.Outcome != Complete {
					t.Fatalf("at request %d: outcome %s, %v, %v", n, res.Outcome, err, res.Problems)
				}
				if diff := gocmp.Diff(want, r.dump()); diff != "" {
					t.Fatalf("at request %d: differs from an undisturbed run:\n%s", n, diff)
				}
			}
		})
	}
}

// A call that fails for good is a problem of its channel and leaves debts; the others are read.
func TestLastingFaultIsNamedAndPaidLater(t *testing.T) {
	tests := []struct {
		method  string
		fault   teamchattest.Fault
		problem string
		others  bool // the fault concerns only one thing
	}{
		{"channels.historyNoComments", teamchattest.Fault{Status: 500}, "history", false},
		{"threads.list", teamchattest.Fault{Status: 500}, "threads", true},
		{"threads.comments", teamchattest.Fault{Status: 500}, "comments", true},
		{"files.list", teamchattest.Fault{Status: 500}, "files", true},
		{"files.download", teamchattest.Fault{Status: 500}, "file ", true},
		{"files.download", teamchattest.Fault{Cut: 3}, "file ", true},
		{"channels.diff", teamchattest.Fault{HTML: true}, "", true},
		{"users.list", teamchattest.Fault{HTML: true}, "", true},
	}
	for _, test := range tests {
		t.Run(test.method, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			test.fault.Method, test.fault.Times = test.method, -1
			r.server.Fault(test.fault)
			res := r.run(Options{PageSize: 10})
			if res.Outcome != Incomplete && test.problem != "" {
				t.Errorf("outcome %s", res.Outcome)
			}
			for _, p := range res.Problems {
				if !strings.HasPrefix(p.What, test.problem) && !strings.Contains(p.What, "still to be read") {
					t.Errorf("problem %+v", p)
				}
			}
			r.server.ClearFaults()
			r.reopen()
			r.complete(Options{PageSize: 10})
			r.wantWorld(false)
			r.wantNoDebts()
		})
	}
}

func TestOneBadThreadStopsNothingElse(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.server.Fault(teamchattest.Fault{Method: "threads.comments", Status: 502, Times: 8})
	res := r.run(Options{Concurrency: 1})
	if res.Outcome != Incomplete || res.ChannelsCompleted != 2 || res.CommentsNew == 0 {
		t.Errorf("%+v", res)
	}
	wantProblems(t, res, "comments")
	if p := res.Problems[0]; !strings.Contains(p.Where, "/") {
		t.Errorf("problem does not name the thread: %+v", p)
	}
	r.complete(Options{})
	r.wantWorld(false)
}

func TestBudgetsStillBringProgress(t *testing.T) {
	t.Run("requests", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.client.MaxRequests = 7
		change := r.archive.Change()
		for range 20 {
			res := r.run(Options{})
			if res.Outcome == Complete {
				break
			}
			if res.Outcome != Incomplete {
				t.Fatalf("%+v", res)
			}
			change = r.archive.Change()
		}
		if change == 0 {
			t.Error("no progress")
		}
		r.wantMessages()
		r.client.MaxRequests = 0
		r.complete(Options{})
		r.wantWorld(false)
	})
	t.Run("one request", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.client.MaxRequests = 1
		res := r.run(Options{MaxRequests: 1})
		if res.Outcome != Incomplete || res.MessagesNew == 0 {
			t.Errorf("%+v", res)
		}
		wantProblems(t, res, "requests given")
	})
	t.Run("time", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{Latency: 2 * time.Millisecond})
		for range 100 {
			res := r.run(Options{MaxDuration: time.Nanosecond})
			if res.Outcome == Complete {
				r.wantWorld(false)
				return
			}
			if res.Outcome != Incomplete {
				t.Fatalf("%+v", res)
			}
			wantProblems(t, res, "time given")
		}
		r.complete(Options{})
		r.wantWorld(false)
	})
}

// wantMessages checks that the archive holds the world's main messages.
func (r *rig) wantMessages() {
	r.t.Helper()
	got := r.archiveContent()
	for m := range r.world.Messages() {
		if _, ok := got[m.Channel+"/"+string(m.TS)]; !ok && m.Thread == "" {
			r.t.Errorf("message %s/%s is missing", m.Channel, m.TS)
		}
	}
}

func TestRunsThatCannotBeCarriedOut(t *testing.T) {
	t.Run("wrong password", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.client.Password = func(context.Context) (string, error) { return "wrong", nil }
		res, err := r.try(t.Context(), Options{})
		var refusal *teamchat.Error
		if res.Outcome != Failed || !errors.As(err, &refusal) || !refusal.LoginRefused() {
			t.Errorf("%s, %v", res.Outcome, err)
		}
	})
	t.Run("no server", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.url, r.client.GiveUpAfter = "http://127.0.0.1:1", 20*time.Millisecond
		res, err := r.try(t.Context(), Options{})
		if res.Outcome != Failed || !errors.Is(err, teamchat.ErrGaveUp) {
			t.Errorf("%s, %v", res.Outcome, err)
		}
	})
	t.Run("told to come back later", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.server.Fault(teamchattest.Fault{Method: "channels.list", Status: 503, RetryAfter: "7200"})
		res, err := r.try(t.Context(), Options{})
		if res.Outcome != Failed || !errors.Is(err, teamchat.ErrWait) {
			t.Errorf("%s, %v", res.Outcome, err)
		}
	})
	t.Run("told to wait beyond the time given", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		r.server.Fault(teamchattest.Fault{Method: "files.list", At: 3, Status: 429, RetryAfter: "30"})
		res, err := r.try(t.Context(), Options{MaxDuration: 10 * time.Second, Concurrency: 1})
		if err != nil || res.Outcome != Incomplete || res.ChannelsCompleted == 0 {
			t.Errorf("%+v, %v", res, err)
		}
		wantProblems(t, res, "come back later")
	})
	t.Run("archive that takes nothing", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		dir := r.archive.Dir()
		fail(t, r.archive.Close())
		a, err := storage.Open(t.Context(), dir, storage.Options{ReadOnly: true})
		fail(t, err)
		defer a.Close()
		r.archive = a
		if res, err := r.try(t.Context(), Options{}); err == nil || res.Outcome != Failed {
			t.Errorf("%s, %v", res.Outcome, err)
		}
	})
	t.Run("cancelled before it began", func(t *testing.T) {
		r := newRig(t, small(t), teamchattest.ServerOptions{})
		ctx, cancel := context.WithCancel(t.Context())
		cancel()
		if res, err := r.try(ctx, Options{}); err != nil || res.Outcome != Interrupted {
			t.Errorf("%s, %v", res.Outcome, err)
		}
	})
}

func TestRunIsRecorded(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	runs, err := r.archive.Runs(t.Context(), 5)
	fail(t, err)
	if len(runs) != 1 || runs[0].Outcome != Complete || !strings.Contains(string(runs[0].Summary), `"messages_new":`) {
		t.Errorf("%+v", runs)
	}
}
