package sync

import (
	"bytes"
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat/teamchattest"
)

// file gives a file of the small world as the archive knows it.
func (r *rig) file(label string) *record.File {
	r.t.Helper()
	l, ok := r.world.Label(label)
	if !ok {
		r.t.Fatalf("no label %s", label)
	}
	f, err := r.archive.File(r.t.Context(), record.ChannelID(l.Channel), l.File, 0)
	fail(r.t, err)
	return f
}

func TestWhatBecomesOfFiles(t *testing.T) {
	delete := func(fate teamchattest.EntryFate) func(*teamchattest.World) {
		return func(w *teamchattest.World) {
			l, _ := w.Label("f1")
			w.DeleteFile(l.Channel, l.File, fate)
		}
	}
	cut := func(n int) *teamchattest.Fault {
		return &teamchattest.Fault{Method: "files.download", CutOpen: n}
	}
	tests := []struct {
		name    string
		method  string                    // before its first call
		change  func(*teamchattest.World) //
		fault   *teamchattest.Fault
		options Options
		ttl     time.Duration // of tickets
		want    record.FilePresence
		reason  string
		outcome string
	}{
		{name: "stored", want: record.FileStored},
		{name: "deleted before it is fetched", method: "files.download", change: delete(teamchattest.EntryStays), want: record.FileGone, reason: reasonGone},
		{name: "deleted with its entry", method: "files.download", change: delete(teamchattest.EntryGone), want: record.FileGone, reason: reasonGone},
		{name: "deleted, entry without file", method: "files.download", change: delete(teamchattest.EntryStripped), want: record.FileGone, reason: reasonGone},
		{name: "too large", options: Options{MaxFileSize: 10}, want: record.FileRefused, reason: reasonTooLarge},
		{name: "not too large", options: Options{MaxFileSize: 19}, want: record.FileStored},
		{name: "connection cut once", fault: &teamchattest.Fault{Method: "files.download", Cut: 4}, want: record.FileStored},
		{name: "cut without a length once", fault: cut(4), want: record.FileStored},
		{name: "login page once", fault: &teamchattest.Fault{Method: "files.download", HTML: true}, want: record.FileStored},
		{name: "cut for ever", fault: &teamchattest.Fault{Method: "files.download", Cut: 4, Times: -1}, want: record.FilePending, reason: reasonPending, outcome: Incomplete},
		{name: "cut for ever without a length", fault: &teamchattest.Fault{Method: "files.download", CutOpen: 4, Times: -1}, want: record.FilePending, reason: reasonPending, outcome: Incomplete},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{TicketTTL: test.ttl})
			if test.change != nil {
				r.server.OnMethod(test.method, 1, test.change)
			}
			if test.fault != nil {
				r.server.Fault(*test.fault)
			}
			test.options.Concurrency = 1
			test.options.Channels = []string{"general"}
			res := r.run(test.options)
			if want := max(test.outcome, Complete); res.Outcome != want {
				t.Errorf("outcome %s, want %s: %v", res.Outcome, want, res.Problems)
			}
			if f := r.file("f1"); f.State != test.want || f.Reason != test.reason {
				t.Errorf("state %s %q, want %s %q", f.State, f.Reason, test.want, test.reason)
			}
			r.server.ClearFaults()
			change, asked := r.archive.Change(), r.server.Requests("files.download")
			r.complete(test.options)
			if test.outcome == "" && (r.archive.Change() != change || r.server.Requests("files.download") != asked) {
				t.Error("the file is asked for again")
			}
			if f := r.file("f1"); test.outcome != "" && f.State != record.FileStored {
				t.Errorf("state %s after the fault has gone", f.State)
			}
			r.wantNoDebts()
		})
	}
}

func TestLimitOfFilesThatWasRaised(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{MaxFileSize: 10})
	r.complete(Options{})
	r.wantWorld(false)
}

func TestExpiredTicketsAreRenewed(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	for n := int64(1); n <= 8; n++ {
		server := r.server
		server.OnMethod("files.download", 2*n-1, func(*teamchattest.World) { server.ExpireTickets() })
	}
	r.complete(Options{Concurrency: 1})
	r.wantWorld(false)
}

func TestRevisionsAreKept(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	l, _ := r.world.Label("f1")
	for n := range 3 {
		r.world.Revise(l.Channel, l.File, []byte(fmt.Sprint("revision ", n)))
		if res := r.complete(Options{}); res.FilesNew != 1 {
			t.Errorf("%d revisions", res.FilesNew)
		}
	}
	f := r.file("f1")
	if len(f.Versions) != 4 {
		t.Fatalf("%d revisions are kept", len(f.Versions))
	}
	r.wantWorld(false)
}

// Files that are owed from an earlier run are fetched also when no list shows them any more.
func TestOwedFileThatNoListShows(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.server.Fault(teamchattest.Fault{Method: "files.download", Status: 500, Times: -1})
	r.run(Options{})
	r.server.ClearFaults()
	r.server.Fault(teamchattest.Fault{Method: "files.list", Truncate: 1, Times: -1})
	r.run(Options{})
	for _, label := range []string{"f1", "f2"} {
		if f := r.file(label); f.State != record.FileStored {
			t.Errorf("%s is %s", label, f.State)
		}
	}
	r.server.ClearFaults()
	r.complete(Options{})
	r.wantWorld(false)
}

func TestLargeFileIsStreamed(t *testing.T) {
	w := small(t)
	_, id := w.Upload("general", "ann@example.com", "large.bin", bytes.Repeat([]byte("0123456789abcdef"), 1<<18))
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{})
	r.wantWorld(false)
	if id == "" {
		t.Error("no id")
	}
}

// owed gives the debt of a file of the small world.
func (r *rig) owed(label string) storage.Debt {
	r.t.Helper()
	l, _ := r.world.Label(label)
	debts, err := r.archive.Debts(r.t.Context(), "")
	fail(r.t, err)
	for _, d := range debts {
		if d.Kind == storage.DebtFile && d.Key == l.File {
			return d
		}
	}
	r.t.Fatalf("%s is not owed", label)
	return storage.Debt{}
}

// A status without a word of the API may come from something in front of it. It is believed after some days.
func TestBareRefusalIsBelievedAtLast(t *testing.T) {
	if testing.Short() {
		t.Skip("syncs for days")
	}
	tests := []struct {
		status int
		want   record.FilePresence
		reason string
	}{
		{404, record.FileGone, reasonGone},
		{410, record.FileGone, reasonGone},
		{403, record.FileRefused, reasonDenied},
	}
	for _, test := range tests {
		t.Run(fmt.Sprint(test.status), func(t *testing.T) {
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			r.server.Fault(teamchattest.Fault{Method: "files.download", Status: test.status, Times: -1})
			began, runs, o := r.passed, 0, Options{Channels: []string{"general"}}
			for res := r.run(o); res.Outcome != Complete; res = r.run(o) {
				if runs++; runs > 200 {
					t.Fatalf("no end: %+v", res.Problems)
				}
				wantProblems(t, res, "file ")
				if f := r.file("f1"); f.State != record.FilePending || f.Reason != reasonPending {
					t.Fatalf("state %s %q", f.State, f.Reason)
				}
				r.later(time.Hour)
			}
			if passed := r.passed - began; passed < lastTryFrom || passed > lastTryFrom+2*longPause {
				t.Errorf("believed after %v", passed)
			}
			if f := r.file("f1"); f.State != test.want || f.Reason != test.reason {
				t.Errorf("state %s %q, want %s %q", f.State, f.Reason, test.want, test.reason)
			}
			r.wantNoDebts()
			asked := r.server.Requests("files.download")
			r.complete(o)
			if n := r.server.Requests("files.download") - asked; n > 0 {
				t.Errorf("asked for again, %d times", n)
			}
		})
	}
}

// The run after the first failure tries again. Then pauses grow, and nothing is asked for meanwhile.
func TestPausesOfOwedFiles(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.server.Fault(teamchattest.Fault{Method: "files.download", Status: 404, Times: -1})
	o := Options{Channels: []string{"general"}}
	r.run(o)
	for _, pause := range []time.Duration{0, time.Hour, 2 * time.Hour, 4 * time.Hour} {
		if d := r.owed("f1"); !d.NotBefore.IsZero() != (pause > 0) {
			t.Fatalf("%+v before a pause of %v", d, pause)
		}
		if pause > 0 {
			r.later(pause - time.Minute)
			asked := r.server.Requests("files.download")
			res := r.run(o)
			if res.Outcome != Incomplete || r.server.Requests("files.download") != asked {
				t.Fatalf("outcome %s, %d downloads during a pause of %v", res.Outcome, r.server.Requests("files.download")-asked, pause)
			}
			wantProblems(t, res, "still to be fetched")
			r.later(time.Minute)
		}
		tries := r.owed("f1").Tries
		r.run(o)
		if d := r.owed("f1"); d.Tries != tries+1 {
			t.Fatalf("%+v after a pause of %v", d, pause)
		}
	}
	r.server.ClearFaults()
	r.later(8 * time.Hour)
	r.complete(Options{})
	r.wantWorld(false)
	r.wantNoDebts()
}

func TestOwedFilesAreAskedForEarly(t *testing.T) {
	tests := map[string]func(r *rig, o *Options){
		"in a full run":           func(_ *rig, o *Options) { o.Full = true },
		"when a revision is new":  func(r *rig, _ *Options) { revise(r.world) },
		"after a clock was wrong": func(r *rig, _ *Options) { r.later(-1000 * time.Hour) },
	}
	for name, change := range tests {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			r.server.Fault(teamchattest.Fault{Method: "files.download", Status: 404, Times: -1})
			o := Options{Channels: []string{"general"}}
			for range 2 {
				r.run(o)
			}
			r.server.ClearFaults()
			change(r, &o)
			r.complete(o)
			r.wantNoDebts()
			if f := r.file("f1"); f.State != record.FileStored {
				t.Errorf("state %s", f.State)
			}
		})
	}
}

func revise(w *teamchattest.World) {
	l, _ := w.Label("f1")
	w.Revise(l.Channel, l.File, []byte("another revision"))
}

// What the API says plainly is believed at once; a full run asks again all the same.
func TestFullRunAsksAgainForFilesThatCouldNotBeHad(t *testing.T) {
	for _, code := range []string{"gw_error e_notfound", "no_permission"} {
		t.Run(code, func(t *testing.T) {
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			refuse := teamchattest.Fault{Method: "files.download", Error: code, Times: -1}
			r.server.Fault(refuse)
			r.complete(Options{})
			state := r.file("f1").State
			if !final(state) {
				t.Fatalf("state %s", state)
			}
			change := r.archive.Change()
			r.complete(Options{Full: true})
			r.server.ClearFaults()
			r.server.Fault(teamchattest.Fault{Method: "files.download", Status: 404, Times: -1})
			r.complete(Options{Full: true})
			if r.file("f1").State != state || r.archive.Change() != change {
				t.Errorf("state %s was %s", r.file("f1").State, state)
			}
			r.server.ClearFaults()
			r.server.Fault(teamchattest.Fault{Method: "files.download", Status: 500, Times: -1})
			if res := r.run(Options{Full: true}); res.Outcome != Incomplete || r.file("f1").State != state {
				t.Errorf("outcome %s, state %s was %s", res.Outcome, r.file("f1").State, state)
			}
			r.server.ClearFaults()
			r.complete(Options{Full: true})
			r.wantWorld(false)
			r.wantNoDebts()
		})
	}
}
