package sync

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

func TestNextSyncBringsWhatChanged(t *testing.T) {
	tests := []struct {
		name     string
		change   string // scenario lines; the labels are those of smallScenario
		apply    func(w *teamchattest.World)
		more     bool // the archive holds what the world has lost
		outcome  string
		problems []string // what they contain
	}{
		{name: "new messages", change: "post general ann One\npost empty ann Two\ntime +5h\npost general ann Three"},
		{name: "new channel", change: "channel new ann\npost new ann First"},
		{name: "comment in an old thread", change: "comment m1 bob Late"},
		{name: "first comment on an old message", change: "comment m4 bob Late"},
		{name: "comment on a file", change: "comment f1 bob Nice"},
		{name: "file", change: "upload empty ann new.txt Content"},
		{name: "revision of a file", change: "revise f1 Other content"},
		{name: "revision without bytes", change: "revise f1"},
		{name: "file that had none gets bytes", change: "revise f2 something"},
		{name: "other name of a file", apply: func(w *teamchattest.World) { rename(w, "f1") }},
		{name: "name of a channel", change: "rename general all-hands"},
		{name: "names swapped", change: "rename general x\nrename projects general\nrename x projects"},
		{name: "members", change: "add empty bob\nkick general bob"},
		{name: "users", change: "user ann Ann Other\nuser dora Dora"},
		{name: "channel removed", change: "remove projects", more: true},
		{name: "channel out of sight", change: "listed projects off", more: true},
		{name: "message with a file deleted", change: "delete f1", more: true},
		{name: "last message deleted", change: "delete m4\npost general bob After", more: true},
		{name: "all deleted", change: "delete m1\ndelete m2\ndelete m4", more: true},
		{name: "message under the last second", change: "late 1709287220.000500 general bob Late"},
		{name: "right withdrawn", change: "readable projects off", more: true, outcome: Incomplete, problems: []string{"may not read"}},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			r := newRig(t, small(t), teamchattest.ServerOptions{})
			r.complete(Options{})
			fail(t, r.world.Apply(test.change))
			if test.apply != nil {
				test.apply(r.world)
			}
			res := r.run(Options{})
			if want := max(test.outcome, Complete); res.Outcome != want {
				t.Fatalf("outcome %s, want %s: %v", res.Outcome, want, res.Problems)
			}
			wantProblems(t, res, test.problems...)
			r.wantWorld(test.more)
			change := r.archive.Change()
			r.run(Options{})
			if r.archive.Change() != change {
				t.Errorf("one more sync added %d entries", r.archive.Change()-change)
			}
		})
	}
}

func rename(w *teamchattest.World, label string) {
	l, _ := w.Label(label)
	w.RenameFile(l.Channel, l.File, "other.txt")
}

// wantProblems checks that there is one problem for each text, which holds it.
func wantProblems(t *testing.T, res *Result, texts ...string) {
	t.Helper()
	got := problems(res)
	if len(got) != len(texts) {
		t.Fatalf("problems %q, want %d", got, len(texts))
	}
	for _, text := range texts {
		if !slices.ContainsFunc(got, func(p string) bool { return strings.Contains(p, text) }) {
			t.Errorf("problems %q, want one with %q", got, text)
		}
	}
}

func TestStatesOfChannels(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	states := func(o Options) map[string]record.ChannelPresence {
		t.Helper()
		r.run(o)
		m := make(map[string]record.ChannelPresence)
		for c, err := range r.archive.Channels(t.Context(), 0) {
			fail(t, err)
			m[c.Name] = c.State
		}
		return m
	}
	step := func(change string, o Options, want map[string]record.ChannelPresence) {
		t.Helper()
		fail(t, r.world.Apply(change))
		if diff := gocmp.Diff(want, states(o)); diff != "" {
			t.Errorf("after %q (-want +got):\n%s", change, diff)
		}
	}
	type state = map[string]record.ChannelPresence
	step("", Options{Channels: []string{"general"}}, state{"general": "present"})
	step("", Options{Exclude: []string{"empty"}}, state{"general": "present", "projects": "present", "empty": "excluded"})
	step("remove projects\nreadable general off", Options{Channels: []string{"empty"}},
		state{"general": "present", "projects": "present", "empty": "present"})
	step("", Options{}, state{"general": "forbidden", "projects": "gone", "empty": "present"})
	step("readable general on\nlisted empty off", Options{}, state{"general": "present", "projects": "gone", "empty": "gone"})
	step("listed empty on", Options{}, state{"general": "present", "projects": "gone", "empty": "present"})
}

func TestEarlierNamesOfAChannelAreKept(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.server.OnMethod("channels.diff", 1, func(w *teamchattest.World) { w.Rename("general", "passing") })
	r.server.OnMethod("channels.list", 2, func(w *teamchattest.World) { w.Rename("passing", "last") })
	r.complete(Options{})
	for c, err := range r.archive.Channels(t.Context(), 0) {
		fail(t, err)
		if c.Name == "last" {
			if diff := gocmp.Diff([]string{"general", "passing", "last"}, c.Names); diff != "" {
				t.Error(diff)
			}
			return
		}
	}
	t.Error("channel is not there")
}

func TestChannelsThatChangeDuringTheRun(t *testing.T) {
	tests := []struct {
		name, method string
		change       func(w *teamchattest.World)
		problem      string
	}{
		{"added", "threads.list", func(w *teamchattest.World) {
			w.AddChannel("new", "ann@example.com")
			w.Post("new", "ann@example.com", "First")
		}, ""},
		{"removed", "threads.list", func(w *teamchattest.World) { w.RemoveChannel("projects") }, "vanished"},
		{"removed at the end", "channels.diff", func(w *teamchattest.World) { w.RemoveChannel("projects") }, "vanished"},
		{"right lost at the end", "channels.diff", func(w *teamchattest.World) { w.SetReadable("projects", false) }, "lost the right"},
		{"added and removed", "channels.diff", func(w *teamchattest.World) { w.AddChannel("new", "ann@example.com"); w.RemoveChannel("new") }, ""},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			r := newRig(t, small(t), teamchattest.ServerOptions{Variant: teamchattest.Variant{ForbiddenList: true}})
			r.server.OnMethod(test.method, 1, test.change)
			res := r.run(Options{Concurrency: 1})
			if (res.Outcome == Complete) != (test.problem == "") {
				t.Errorf("outcome %s", res.Outcome)
			}
			for _, p := range res.Problems {
				if !strings.Contains(p.What, test.problem) && !strings.Contains(p.What, "lost during the run") && !strings.Contains(p.What, "e_notfound") {
					t.Errorf("problem %+v", p)
				}
			}
			r.wantWorld(true)
			r.run(Options{})
			r.wantWorld(true)
		})
	}
}

// A crash after channels.diff was answered and before it was acted on must not lose what it said.
func TestJournalledDiffIsActedOnLater(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	ctx, cancel := context.WithCancel(t.Context())
	r.server.OnMethod("channels.diff", 1, func(w *teamchattest.World) { w.Rename("general", "passing") })
	r.server.OnMethod("channels.list", 2, func(w *teamchattest.World) { w.Rename("passing", "last"); cancel() })
	if res, _ := r.try(ctx, Options{}); res.Outcome != Interrupted {
		t.Fatalf("outcome %s", res.Outcome)
	}
	r.reopen()
	r.complete(Options{})
	for c, err := range r.archive.Channels(t.Context(), 0) {
		fail(t, err)
		if c.Name == "last" && slices.Contains(c.Names, "passing") {
			return
		}
	}
	t.Errorf("the passing name is lost:\n%s", r.dump())
}

func TestMembersBeyondWhatTheListShows(t *testing.T) {
	w := teamchattest.NewWorld(teamchattest.WorldOptions{})
	var members []string
	for n := range 320 {
		members = append(members, fmt.Sprintf("user%03d@example.com", n))
	}
	w.AddChannel("large", members...)
	r := newRig(t, w, teamchattest.ServerOptions{})
	r.complete(Options{})
	r.wantWorld(false)
	r.complete(Options{})
	if n := r.server.Requests("users.list"); n != 3 { // the server's twice, the channel's once
		t.Errorf("%d calls of users.list", n)
	}
	w.RemoveMember("large", members[319])
	w.AddMember("large", "new@example.com")
	w.AddMember("large", "newer@example.com")
	r.complete(Options{})
	r.wantWorld(false)
}

func TestSelectionOfChannels(t *testing.T) {
	w := small(t)
	second := w.AddChannel("general", "carol")
	w.Post(second, "carol", "In the second one")
	r := newRig(t, w, teamchattest.ServerOptions{})
	res := r.complete(Options{Channels: []string{"general"}})
	if res.Channels != 2 {
		t.Errorf("%d channels of that name", res.Channels)
	}
	res = r.complete(Options{Channels: []string{second + "="}})
	if res.Channels != 1 {
		t.Errorf("%d channels of that id", res.Channels)
	}
	res = r.run(Options{Channels: []string{"empty", "nowhere"}})
	if res.Outcome != Incomplete || res.Channels != 1 {
		t.Errorf("%+v", res)
	}
	wantProblems(t, res, `"nowhere"`)
	res = r.run(Options{Channels: []string{"empty"}, Exclude: []string{"empty"}})
	if res.Channels != 0 {
		t.Errorf("%+v", res)
	}
}

func TestFullRunFindsEditsAndReplacedComments(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	fail(t, r.world.Apply("edit m2 bob Good evening\nedit c3 ann Red"))
	r.complete(Options{})
	res := r.complete(Options{Full: true})
	if res.VersionsNew != 2 {
		t.Errorf("%d versions", res.VersionsNew)
	}
	r.wantWorld(false)
	change := r.archive.Change()
	r.complete(Options{Full: true})
	if r.archive.Change() != change {
		t.Error("a second one adds entries")
	}
}
