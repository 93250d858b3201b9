package campaign

import (
	"slices"
	"strings"
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"
)

// TestChannelsUsersRights is group F.
func TestChannelsUsersRights(t *testing.T) {
	runScenarios(t, []scenario{
		{"F1", "renamed to the old name of another", renamedChannels},
		{"F2", "deleted in mid-walk", channelDeletedInMidWalk},
		{"F2", "archived in mid-walk", channelArchivedInMidWalk},
		{"F4", "kinds of messages", kindsOfMessages},
		{"F6", "without threads, without users, empty", emptyChannels},
	})
}

func renamedChannels(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	general, projects := s.channel("general"), s.channel("projects")
	s.do("rename general old", "rename projects general", "post old ann In the old one", "post general bob In the new one")
	if r := s.sync(ok); r.MessagesNew != 2 {
		t.Errorf("%d new messages", r.MessagesNew)
	}
	s.wantWorld()
	for _, c := range []struct{ was, now line }{{general, s.channel("old")}, {projects, s.channel("general")}} {
		if c.now.ID != c.was.ID || !slices.Contains(c.now.Names, c.was.Name) {
			t.Errorf("%s is now %+v", c.was.Name, c.now)
		}
	}
}

// channelDeletedInMidWalk removes a channel that is archived already while the next run reads it.
func channelDeletedInMidWalk(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	before := s.archiveContent()
	s.do("post general ann One more")
	calls := s.server.Requests("channels.historyNoComments")
	s.server.OnMethod("channels.historyNoComments", calls+1, func(w *teamchattest.World) { w.RemoveChannel("projects") })
	lost := s.sync(incomplete)
	if len(lost.Problems) == 0 || lost.MessagesNew != 1 {
		t.Errorf("%+v", lost)
	}
	s.sync(ok)
	if c := s.channel("projects"); c.State != "gone" {
		t.Errorf("channel is %s", c.State)
	}
	after := s.archiveContent()
	for key := range before {
		if _, kept := after[key]; !kept {
			t.Errorf("%s is no longer kept", key)
		}
	}
}

func channelArchivedInMidWalk(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.server.OnMethod("channels.historyNoComments", 2, func(w *teamchattest.World) {
		w.Archive("projects", true)
		w.Archive("general", true)
	})
	s.sync(ok)
	s.wantWorld()
}

func kindsOfMessages(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.do("channel ann@example.com ann", "post ann@example.com ann A note to myself",
		"post general robot@example.com I am a bot", "post general - Nobody wrote this",
		"conference projects ann secret Standup", "user gone Gone", "post general gone From one who left")
	s.world.SetUserDeleted("gone@example.com", true)
	s.world.PostItem("general", teamchattest.Item{User: "ann@example.com", Subtype: "hologram", Members: `"hologram":{"depth":3}`})
	s.sync(ok)
	s.wantWorld()
	kinds := make(map[string]bool)
	for _, m := range s.lines("message") {
		kinds[m.Kind] = true
	}
	for _, kind := range []record.Kind{"text", "code", "file", "event", "conference", "mail", "system", "other"} {
		if !kinds[string(kind)] {
			t.Errorf("no message of kind %s", kind)
		}
	}
	if full := s.want([]int{ok}, "dump").stdout; !strings.Contains(full, `"depth":3`) {
		t.Error("a message of an unknown kind is not kept as it was received")
	}
}

func emptyChannels(t *testing.T) {
	s := scenarioSite(t, "user ann Ann\nchannel empty ann\nchannel nobody\nchannel flat ann\npost flat ann One\n", teamchattest.ServerOptions{})
	s.sync(ok)
	s.wantWorld()
	status := s.want([]int{ok}, "status", "--json").stdout
	for _, name := range []string{"empty", "nobody", "flat"} {
		s.channel(name)
		if !strings.Contains(status, `"name":"`+name+`"`) {
			t.Errorf("status does not show %s: %s", name, status)
		}
	}
}
