package campaign

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// TestQuietChannels is F7, with the program and its configuration; internal/sync counts requests of 10,000 channels.
func TestQuietChannels(t *testing.T) {
	runScenarios(t, []scenario{
		{"F7", "left out, and told when for too long", quietChannelsLeftOut},
		{"F7", "threads that were not read", quietChannelOfUnreadThreads},
	})
}

// restful is company some time after the last message, so that its channels are quiet.
func restful(t *testing.T) *site {
	t.Helper()
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.do("time +1h")
	return s
}

// leaveOut configures runs that read nothing of quiet channels which were read within maxAge.
func (s *site) leaveOut(skip bool, maxAge string) {
	s.t.Helper()
	s.configure(fmt.Sprintf("sync:\n  recent_window: 0s\n  audit_days: 0\n  skip_quiet: %v\n  quiet_max_age: %s\n", skip, maxAge))
}

// most is how many requests a run makes that reads no channel but the empty one.
const most = 10

func quietChannelsLeftOut(t *testing.T) {
	s := restful(t)
	s.leaveOut(true, "1h")
	s.sync(ok)
	if r := s.sync(ok); r.Requests > most {
		t.Errorf("%d requests though nothing happened", r.Requests)
	}
	s.leaveOut(true, "1ms")
	late := s.sync(incomplete)
	if late.Requests > most {
		t.Errorf("%d requests of a run that leaves all out", late.Requests)
	}
	want := []string{s.channel("general").ID, s.channel("projects").ID} // an empty one has no activity, and is read always
	slices.Sort(want)
	if got := late.places(); !slices.Equal(got, want) {
		t.Errorf("problems of %v, want one of each channel: %v", got, want)
	}
	s.leaveOut(false, "1ms")
	s.sync(ok)
	s.leaveOut(true, "1h")
	if r := s.sync(ok); r.Requests > most {
		t.Errorf("%d requests though all was read just now", r.Requests)
	}
	s.wantWorld()
}

// quietChannelOfUnreadThreads lets a run read all of a channel but its threads. The next one must not take the channel
// for one that was read.
func quietChannelOfUnreadThreads(t *testing.T) {
	s := restful(t)
	s.leaveOut(true, "1h")
	s.server.Fault(teamchattest.Fault{Method: "threads.list", Error: "gw_error e_access", Match: s.asksFor("projects")})
	s.sync(incomplete)
	before := s.server.Requests("threads.list")
	s.sync(ok)
	if n := s.server.Requests("threads.list") - before; n != 2 { // of the empty channel, too
		t.Errorf("%d requests for threads, want 2", n)
	}
	s.wantWorld()
}

// asksFor tells requests for a channel from others.
func (s *site) asksFor(name string) func(url.Values) bool {
	return func(form url.Values) bool {
		asked := strings.TrimRight(form.Get("channel"), "=")
		return slices.ContainsFunc(s.world.Channels(), func(c teamchattest.ChannelState) bool {
			return c.Name == name && strings.TrimRight(c.ID, "=") == asked
		})
	}
}

// places are where the problems of a run were met, sorted.
func (r report) places() (list []string) {
	for _, p := range r.Problems {
		list = append(list, p.Where)
	}
	slices.Sort(list)
	return list
}
