package sync

import (
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

func TestFirstSyncEqualsTheWorld(t *testing.T) {
	for name, world := range map[string]*teamchattest.World{
		"small":     small(t),
		"empty":     teamchattest.NewWorld(teamchattest.WorldOptions{}),
		"generated": teamchattest.Generate(teamchattest.GenerateOptions{Seed: 1, Messages: 3000, Channels: 7}),
	} {
		t.Run(name, func(t *testing.T) {
			r := newRig(t, world, teamchattest.ServerOptions{})
			res := r.complete(Options{PageSize: 100})
			r.wantWorld(false)
			r.wantNoDebts()
			t.Logf("%+v", res)
			before, change := r.dump(), r.archive.Change()
			asked := r.server.TotalRequests()
			r.reopen()
			r.complete(Options{})
			if r.archive.Change() != change || r.dump() != before {
				t.Errorf("second sync added %d entries", r.archive.Change()-change)
			}
			most := 3*int64(len(world.Channels())) + 10
			if n := r.server.TotalRequests() - asked; n > most {
				t.Errorf("second sync made %d requests, want at most %d: %v", n, most, r.server.RequestCounts())
			}
		})
	}
}
