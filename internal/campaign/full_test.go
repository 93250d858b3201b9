package campaign

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"archiver/internal/disktest"
	"archiver/internal/teamchat/teamchattest"
)

// failed is the exit code of a run that failed for another reason than the ones that have a code.
const failed = 1

// TestDiskFullAtAnyRequest fills the disk while a run waits for an answer. The run ends and says so; what it acknowledged
// is there, and when there is room again the next run completes the archive.
func TestDiskFullAtAnyRequest(t *testing.T) {
	want, requests := unbroken(t)
	disk := disktest.Tmpfs(t, 40<<10)
	ballast := filepath.Join(disk.Dir, "ballast")
	for _, n := range sample(requests, share(4, 1), 13) {
		s := scenarioSite(t, company, teamchattest.ServerOptions{})
		s.disk = disk.Dir
		left := []int64{0, 4, 12, 24}[n%4]
		s.strike.Store(&strike{request: n, act: func() { fill(t, ballast, left) }})
		o := s.want([]int{ok, failed, incomplete}, "sync", "--no-index")
		t.Logf("%d KiB left at request %d: exit code %d", left, n, o.code)
		s.wantFull(o)
		if err := os.Remove(ballast); err != nil {
			t.Fatal(err)
		}
		s.sync(ok)
		s.wantDump(want)
		s.want([]int{ok}, "verify", "--data")
		disk.Clear()
	}
}

// fill takes all room of a disk but so many KiB.
func fill(t *testing.T, path string, left int64) {
	f, err := os.Create(path)
	if err != nil {
		t.Error(err)
		return
	}
	block, size := make([]byte, 4096), int64(0)
	for err == nil {
		var n int
		n, err = f.Write(block)
		size += int64(n)
	}
	if err := f.Truncate(max(size-left<<10, 0)); err != nil {
		t.Error(err)
	}
	_ = f.Close() // the disk is full
}

// wantFull checks what a run on a full disk says and leaves.
func (s *site) wantFull(o outcome) {
	s.t.Helper()
	if o.code != ok && (!strings.Contains(o.stderr, "no space left") || !strings.Contains(o.stderr, "make room")) {
		s.t.Errorf("exit code %d without a word on the disk and a hint:\n%s%s", o.code, o.stdout, o.stderr)
	}
	s.want([]int{ok, noArchive}, "verify", "--data")
}

// TestDiskTooSmall lets runs meet the end of disks of different sizes, amid files and their index.
func TestDiskTooSmall(t *testing.T) {
	world := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 11, Messages: 2000})
	addRandomFiles(world, 26)
	reference := newSite(t, world, teamchattest.ServerOptions{})
	reference.sync(ok)
	want := reference.dump()
	moments := share(2, 1)
	if inFull() {
		moments = 25
	}
	for n := range moments {
		kib := 17<<10 + n*(8<<10)/moments
		disk := disktest.Tmpfs(t, kib)
		s := newSite(t, world, teamchattest.ServerOptions{})
		s.disk = disk.Dir
		args := []string{"sync", "--no-index"}[:1+n%2]
		o := s.want([]int{failed, incomplete}, args...)
		t.Logf("%d KiB: exit code %d", kib, o.code)
		s.wantFull(o)
		disk.Resize(128 << 10)
		s.want([]int{ok}, "sync")
		s.wantDump(want)
		s.wantIndex()
		s.want([]int{ok}, "verify", "--data")
	}
}

// addRandomFiles adds files of 1 MB that cannot be compressed.
func addRandomFiles(world *teamchattest.World, count int) {
	random := rand.New(rand.NewPCG(12, 13))
	channels := world.Channels()
	for n := range count {
		data := make([]byte, 1<<20)
		for i := range data {
			data[i] = byte(random.Uint32())
		}
		c := channels[n%len(channels)]
		world.Upload(c.ID, c.Members[0], fmt.Sprintf("random%d.bin", n), data)
	}
}
