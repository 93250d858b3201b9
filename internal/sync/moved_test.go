package sync

import (
	"testing"

	"archiver/internal/record"
	"archiver/internal/teamchat/teamchattest"
)

// A16, F1: a channel that moves to another group is two channels that are linked.
func TestChannelsThatMove(t *testing.T) {
	r := newRig(t, small(t), teamchattest.ServerOptions{})
	r.complete(Options{})
	channel := func(id string) *record.Channel {
		t.Helper()
		c, err := r.archive.Channel(t.Context(), id)
		fail(t, err)
		return c
	}
	idOf := func() string {
		l, _ := r.world.Label("m3")
		return record.ChannelID(l.Channel)
	}
	first := record.ChannelID(idOf())
	second := record.ChannelID(r.world.Move("projects", "sales@example.com"))
	r.complete(Options{})
	if a, b := channel(first), channel(second); a.MovedTo != second || a.MovedFrom != "" || a.State != record.ChannelGone ||
		b.MovedFrom != first || b.MovedTo != "" || b.State != record.ChannelPresent {
		t.Errorf("%+v, %+v", a, b)
	}
	r.wantWorld(true)
	change := r.archive.Change()
	r.complete(Options{})
	if r.archive.Change() != change {
		t.Error("one more run adds entries")
	}
	var third string
	r.server.OnMethod("channels.diff", r.server.Requests("channels.diff")+1, func(w *teamchattest.World) {
		third = record.ChannelID(w.Move("projects", "support@example.com"))
	})
	r.run(Options{}) // names the channel that vanished
	r.complete(Options{})
	if a, b := channel(second), channel(third); a.MovedTo != third || a.MovedFrom != first || b.MovedFrom != second || b.State != record.ChannelPresent {
		t.Errorf("%+v, %+v", a, b)
	}
	r.wantWorld(true)
	back := record.ChannelID(r.world.Move("projects", "public-folders@example.com"))
	r.complete(Options{})
	if back != first {
		t.Skip("the world gives another id")
	}
	if c := channel(first); c.MovedTo != "" || c.MovedFrom != third || c.State != record.ChannelPresent {
		t.Errorf("%+v", c)
	}
}
