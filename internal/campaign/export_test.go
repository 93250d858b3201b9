package campaign

import (
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"
)

// TestExportKilledAtAnyMoment kills exports. What has the name of an export must be whole, and the next export with the
// same output must succeed and leave nothing of the killed one.
func TestExportKilledAtAnyMoment(t *testing.T) {
	s := newSite(t, teamchattest.Generate(teamchattest.GenerateOptions{Seed: 5, Messages: 3000}), teamchattest.ServerOptions{})
	s.configure("sync:\n  page_size: 1000\n")
	s.want([]int{ok}, "sync")
	took := s.want([]int{ok}, "export", "--output", "unbroken").took
	random := rand.New(rand.NewPCG(50, 5))
	whole := 0
	for range share(50, 5) {
		r := s.start("export", "--output", "out")
		time.Sleep(time.Duration(random.Int64N(int64(took))))
		_ = r.cmd.Process.Kill() // it may have ended
		if o := s.wait(r); o.code != killed && o.code != ok {
			t.Fatalf("exit code %d\n%s", o.code, o.stderr)
		}
		if _, err := os.Stat(filepath.Join(s.dir, "out")); err == nil {
			whole++
			s.wantBundle("out")
			s.remove("out")
			continue
		}
		s.want([]int{ok}, "export", "--output", "out")
		s.wantBundle("out")
		s.remove("out")
		s.wantNothingPartial()
	}
	t.Logf("an export takes %v; %d were complete when they were killed", took, whole)
}

func (s *site) wantBundle(name string) {
	s.t.Helper()
	s.want([]int{ok}, "verify", filepath.Join(s.dir, name))
}

func (s *site) remove(name string) {
	s.t.Helper()
	if err := os.RemoveAll(filepath.Join(s.dir, name)); err != nil {
		s.t.Fatal(err)
	}
}

// wantNothingPartial checks that no directory is left of exports that were killed.
func (s *site) wantNothingPartial() {
	s.t.Helper()
	entries, err := os.ReadDir(s.dir)
	if err != nil {
		s.t.Fatal(err)
	}
	for _, e := range entries {
		if strings.Contains(e.Name(), ".partial-") {
			s.t.Errorf("%s is left", e.Name())
		}
	}
}
