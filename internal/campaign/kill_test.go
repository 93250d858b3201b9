package campaign

import (
	"fmt"
	"math/rand/v2"
	ossignal "os/signal"
	"strings"
	"syscall"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"

	gocmp "github.com/google/go-cmp/cmp"
)

// company is a small world with a bit of everything: a channel of several pages, threads, files, edits.
const company = `
user ann Ann Example
user bob Bob Example
channel general ann bob
channel empty ann
channel projects ann bob carol
m1 = post general ann Good morning
m2 = post general bob Hello
post general ann The turnover is in
post general bob Which turnover?
post general ann Of the first quarter
c1 = comment m1 bob Hello, Ann
c2 = comment m1 carol And from me
time +1h
code general ann go fmt.Println("turnover")
f1 = upload general ann notes.txt What is in the file
f2 = upload projects bob empty.bin
f3 = upload projects bob plan.txt The plan
m3 = post projects bob Status?
c3 = comment m3 ann Green
event projects ann 30 Standup
mail projects ann offer.eml Subject: offer\n\nHello
join general carol
react m1 bob thumbsup
m4 = post general ann Bye
edit m2 bob Hello, all
revise f3 The new plan
`

// unbroken gives the dump after a run that nothing disturbs, and how many requests it makes.
func unbroken(t *testing.T) (dump string, requests int64) {
	t.Helper()
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	s.wantWorld()
	return s.dump(), s.arrived.Load()
}

// sample gives some of the numbers 1 to n, in order; all of them when the campaigns are run in full.
func sample(n int64, some int, seed uint64) (list []int64) {
	random := rand.New(rand.NewPCG(seed, 0xca3))
	for i := int64(1); i <= n; i++ {
		if left := n - i + 1; inFull() || random.Int64N(left) < int64(some-len(list)) {
			list = append(list, i)
		}
	}
	return list
}

// share is how many of so many a sample takes.
func share(usual, short int) int {
	if testing.Short() {
		return short
	}
	return usual
}

func TestKilledAtAnyRequest(t *testing.T) {
	want, requests := unbroken(t)
	t.Logf("a run makes %d requests", requests)
	moments := map[string]time.Duration{
		"before the answer": -1, "after the answer": 0, "a moment later": 2 * time.Millisecond, "after the commit": 70 * time.Millisecond,
	}
	for name, after := range moments {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			some := share(7, 1)
			if after < 0 && !testing.Short() {
				some = int(requests)
			}
			for _, n := range sample(requests, some, uint64(after)) {
				s := scenarioSite(t, company, teamchattest.ServerOptions{})
				s.strike.Store(&strike{request: n, after: after})
				if o := s.run("sync", "--no-index"); o.code != killed && n < requests-1 && after <= 0 {
					t.Errorf("at request %d of %d: exit code %d", n, requests, o.code)
				}
				s.sync(ok)
				s.wantDump(want)
			}
		})
	}
}

// hits gives what a search for a word finds, and fails if it is something twice.
func (s *site) hits(word string) (found []string) {
	s.t.Helper()
	seen := make(map[string]bool)
	for text := range strings.Lines(s.want([]int{ok}, "search", "--json", "--sort", "time", "--limit", "0", word).stdout) {
		hit := decode[struct {
			Channel string `json:"channel"`
			TS      string `json:"ts"`
			Total   *int   `json:"total"`
		}](s.t, text)
		if hit.Total != nil {
			if *hit.Total != len(found) {
				s.t.Errorf("%d hits of %d", len(found), *hit.Total)
			}
			continue
		}
		key := hit.Channel + "/" + hit.TS
		if seen[key] {
			s.t.Errorf("%s is found twice", key)
		}
		seen[key] = true
		found = append(found, key)
	}
	return found
}

// wantIndex checks that the index covers the archive.
func (s *site) wantIndex() {
	s.t.Helper()
	status := decode[struct {
		State  string `json:"state"`
		Behind int    `json:"behind"`
	}](s.t, s.want([]int{ok}, "index", "status", "--json").stdout)
	if status.State != "current" || status.Behind != 0 {
		s.t.Errorf("index %+v", status)
	}
}

func TestIndexOfKilledRunIsWhole(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.want([]int{ok}, "sync")
	wantDump, want, requests := s.dump(), s.hits("turnover"), s.arrived.Load()
	if len(want) != 3 {
		t.Fatalf("hits %v", want)
	}
	for _, n := range sample(requests, share(8, 1), 3) {
		s := scenarioSite(t, company, teamchattest.ServerOptions{})
		s.strike.Store(&strike{request: n, after: time.Duration(n%4) * 30 * time.Millisecond})
		s.run("sync")
		s.want([]int{ok}, "sync")
		s.wantDump(wantDump)
		s.wantIndex()
		if diff := gocmp.Diff(want, s.hits("turnover")); diff != "" {
			t.Errorf("killed at request %d of %d: hits differ:\n%s", n, requests, diff)
		}
	}
}

// TestKilledAtAnyInstant kills runs over a larger world, which goes on growing, at random instants.
func TestKilledAtAnyInstant(t *testing.T) {
	rounds := share(10, 1)
	if inFull() {
		rounds = 300
	}
	random := rand.New(rand.NewPCG(5, 0xca3))
	world := teamchattest.Generate(teamchattest.GenerateOptions{Seed: 7, Messages: share(6000, 600)})
	s := newSite(t, world, teamchattest.ServerOptions{})
	s.configure("sync:\n  concurrency: 4\n  page_size: 200\n")
	for round := range rounds {
		args := []string{"sync"}
		if round%2 == 0 {
			args = append(args, "--no-index")
		}
		r := s.start(args...)
		time.Sleep(time.Duration(random.Int64N(int64(700 * time.Millisecond))))
		s.signal(syscall.SIGKILL)
		if o := s.wait(r); o.code != killed && o.code != ok {
			t.Fatalf("round %d: exit code %d\n%s", round, o.code, o.stderr)
		}
		s.want([]int{ok, noArchive}, "verify", "--data") // none yet, if it was killed early
		s.grow(random, 100)
	}
	s.want([]int{ok}, "sync")
	s.want([]int{ok}, "verify", "--data")
	s.wantWorld()
	s.wantIndex()
}

// grow adds messages and comments all over the world, and files.
func (s *site) grow(random *rand.Rand, messages int) {
	channels := s.world.Channels()
	for i := range messages {
		c := channels[random.IntN(len(channels))]
		ts := s.world.Post(c.ID, c.Members[0], fmt.Sprint("message ", i))
		switch i % 10 {
		case 0:
			s.world.Comment(c.ID, ts, c.Members[0], "a comment")
		case 1:
			s.world.Upload(c.ID, c.Members[0], "new.txt", fmt.Append(nil, "content ", random.Uint64()))
		}
	}
}

// Signals that the program handles leave an archive that the next run completes, and so do those it does not.
func TestSignalledRunGoesOn(t *testing.T) {
	want, _ := unbroken(t)
	for signal, codes := range map[syscall.Signal][]int{
		syscall.SIGINT: {interrupted}, syscall.SIGTERM: {143}, syscall.SIGHUP: {killed, 1, 129, 143},
	} {
		t.Run(signal.String(), func(t *testing.T) {
			if ossignal.Ignored(signal) {
				t.Skip("the tests were started so that they, and all that they start, ignore it")
			}
			s := scenarioSite(t, company, teamchattest.ServerOptions{})
			s.server.OnMethod("threads.list", 2, func(*teamchattest.World) { s.signal(signal) })
			s.server.Fault(teamchattest.Fault{Method: "threads.list", At: 2, Delay: 10 * time.Second})
			s.want(codes, "sync", "--no-index")
			s.want([]int{ok}, "verify", "--data")
			s.server.ClearFaults()
			s.sync(ok)
			s.wantDump(want)
		})
	}
}
