package campaign

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"archiver/internal/disktest"
	"archiver/internal/teamchat/teamchattest"
)

// TestPowerCut cuts the power of the archive's disk under runs over a world that goes on growing. What a checkpoint says
// that was kept elsewhere is still there, and the next run completes the archive.
func TestPowerCut(t *testing.T) {
	rounds := share(3, 1)
	if inFull() {
		rounds = 60
	}
	random := rand.New(rand.NewPCG(6, 0xca3))
	s := newSite(t, teamchattest.Generate(teamchattest.GenerateOptions{Seed: 9, Messages: 600}), teamchattest.ServerOptions{})
	disk := disktest.Ext4(t, 256)
	s.disk = disk.Dir
	amid := 0
	checkpoint := filepath.Join(s.dir, "checkpoint")
	s.configure(fmt.Sprintf("signing:\n  checkpoint_file: %s\nsync:\n  concurrency: 4\n  page_size: 100\n", checkpoint))
	for round := range rounds {
		if round%10 == 0 {
			disk.Clear()
			_ = os.Remove(checkpoint) // there is none at first
		}
		after := time.Duration(random.Int64N(int64(300 * time.Millisecond)))
		if s.cutPower(disk, after, []string{"sync", "compact"}[round%5/4]).code != ok {
			amid++
		}
		if _, err := os.Stat(checkpoint); err == nil {
			s.want([]int{ok}, "verify", "--data", "--since", checkpoint)
		} else {
			s.want([]int{ok, noArchive}, "verify", "--data")
		}
		s.want([]int{ok}, "sync")
		s.want([]int{ok}, "verify", "--data", "--since", checkpoint)
		s.wantWorld()
		s.wantIndex()
		s.grow(random, 50)
	}
	t.Logf("%d of %d cuts came before the end of a run", amid, rounds)
}

// cutPower cuts the power of the disk under a run, and kills it.
func (s *site) cutPower(disk *disktest.Disk, after time.Duration, args ...string) outcome {
	s.t.Helper()
	r := s.start(args...)
	time.Sleep(after)
	disk.Cut()
	_ = s.running().Kill() // it may have ended
	o := s.wait(r)
	disk.Restart()
	return o
}
