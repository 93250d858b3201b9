package campaign

import (
	"net/http"
	"os"
	"syscall"
	"testing"
	"time"

	"archiver/internal/teamchat/teamchattest"
)

// TestTransport is group H, with what of B and C concerns processes.
func TestTransport(t *testing.T) {
	runScenarios(t, []scenario{
		{"H1", "told waits", toldWaits},
		{"H1", "20 in a row", manyWaits},
		{"H1", "told wait beyond the time given", waitBeyondTheTime},
		{"H2", "errors, resets, slow answers", brokenTransport},
		{"H2", "history is down for all of the run", historyIsDown},
		{"H3", "answers that are none", strangeAnswers},
		{"H4", "dialects", dialects},
		{"H4", "text that is no UTF-8", invalidText},
		{"H7", "run longer than the period; B13: two processes", secondWriter},
		{"C6", "closed stdout", closedStdout},
	})
}

// historyPage is the call that reads a page of a channel.
const historyPage = "channels.historyNoComments"

// overcome makes a run with a fault, which must be as good as one without.
func overcome(t *testing.T, fault teamchattest.Fault) outcome {
	t.Helper()
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.server.Fault(fault)
	o := s.want([]int{ok}, "sync", "--no-index")
	s.wantWorld()
	return o
}

// giveUpSoon configures runs that do not wait long for a server that is down.
func (s *site) giveUpSoon() { s.configure("sync:\n  concurrency: 4\n  give_up_after: 1s\n") }

func toldWaits(t *testing.T) {
	skipIfShort(t)
	for name, after := range map[string]string{
		"seconds": "1", "absent": "", "date": time.Now().Add(2 * time.Second).UTC().Format(http.TimeFormat),
	} {
		t.Run(name, func(t *testing.T) {
			o := overcome(t, teamchattest.Fault{Method: historyPage, At: 2, Status: 429, RetryAfter: after})
			if name == "seconds" && o.took < time.Second {
				t.Errorf("took %v", o.took)
			}
		})
	}
}

func manyWaits(t *testing.T) {
	skipIfShort(t)
	times := 3
	if inFull() {
		times = 20
	}
	overcome(t, teamchattest.Fault{Method: historyPage, At: 2, Times: times, Status: 429, RetryAfter: "1"})
}

func waitBeyondTheTime(t *testing.T) {
	want, _ := unbroken(t)
	for method, codes := range map[string][]int{"channels.list": {tryLater}, "files.list": {incomplete, tryLater}} {
		s := scenarioSite(t, company, teamchattest.ServerOptions{})
		s.server.Fault(teamchattest.Fault{Method: method, At: 1, Times: -1, Status: 429, RetryAfter: "1800"})
		if o := s.want(codes, "sync", "--no-index", "--max-duration", "1m"); o.took > 10*time.Second {
			t.Errorf("%s: took %v", method, o.took)
		}
		s.server.ClearFaults()
		s.sync(ok)
		s.wantDump(want)
	}
}

func brokenTransport(t *testing.T) {
	faults := map[string]teamchattest.Fault{
		"500": {Status: 500}, "502": {Status: 502}, "503": {Status: 503}, "504": {Status: 504},
		"reset": {Reset: true}, "dropped": {Drop: true}, "cut": {Cut: 30}, "cut open": {CutOpen: 30},
		"slow": {Drip: 20 * time.Millisecond},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "reset" {
				t.Skip("one of them will do")
			}
			fault.Method, fault.At, fault.Times = historyPage, 2, 2
			overcome(t, fault)
		})
	}
}

func historyIsDown(t *testing.T) {
	skipIfShort(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	s.giveUpSoon()
	s.do("post general ann One more", "comment m1 ann And one more")
	s.server.Fault(teamchattest.Fault{Method: historyPage, Status: 500, Times: -1})
	if o := s.want([]int{incomplete, tryLater}, "sync", "--no-index"); o.took > 30*time.Second {
		t.Errorf("took %v", o.took)
	}
	s.server.ClearFaults()
	s.sync(ok)
	s.wantWorld()
}

// strangeAnswers puts what is no answer where a page of a channel is expected, at first once, then always.
func strangeAnswers(t *testing.T) {
	faults := map[string]teamchattest.Fault{
		"HTML": {HTML: true}, "truncated JSON": {Truncate: 60}, "empty": {Empty: true}, "mark": {BOM: true},
		"not ok": {Error: "gw_error e_db"},
	}
	for name, fault := range faults {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "HTML" {
				t.Skip("one of them will do")
			}
			fault.Method, fault.At = historyPage, 2
			overcome(t, fault)
			if !testing.Short() && (name == "HTML" || name == "not ok") || inFull() && name != "mark" {
				neverAnEmptyPage(t, fault)
			}
		})
	}
}

// neverAnEmptyPage shows that a channel whose pages cannot be read is not taken for one without messages.
func neverAnEmptyPage(t *testing.T, fault teamchattest.Fault) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.sync(ok)
	want := s.dump()
	s.giveUpSoon()
	fault.At, fault.Times = 0, -1
	s.server.Fault(fault)
	if o := s.want([]int{incomplete, tryLater}, "sync", "--no-index"); o.took > 30*time.Second {
		t.Errorf("took %v", o.took)
	}
	s.wantDump(want)
}

func dialects(t *testing.T) {
	for name, variant := range map[string]teamchattest.Variant{
		"more fields": {ExtraFields: true}, "null lists": {NullLists: true}, "numbers as text": {NumberText: true},
		"ts as numbers": {NumberTS: true}, "text bools": {Bools: "text"}, "numbers as bools": {Bools: "number"},
		"marks": {BOM: true},
	} {
		t.Run(name, func(t *testing.T) {
			if testing.Short() && name != "numbers as text" {
				t.Skip("one of them will do")
			}
			s := scenarioSite(t, company, teamchattest.ServerOptions{Variant: variant})
			s.sync(ok)
			s.wantWorld()
		})
	}
}

func invalidText(t *testing.T) {
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	ts := s.world.Post("general", "ann@example.com", "caf\xe9 au lait")
	s.sync(ok)
	one(t, s.lines("message"), func(l line) bool { return l.TS == string(ts) })
	s.want([]int{ok}, "verify", "--data")
}

// secondWriter lets a run be slow. A second one must say at once that the archive is in use.
func secondWriter(t *testing.T) {
	want, _ := unbroken(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	s.server.Fault(teamchattest.Fault{Method: historyPage, At: 2, Delay: patience})
	first := s.start("sync", "--no-index")
	for s.server.Requests(historyPage) < 2 {
		time.Sleep(2 * time.Millisecond)
	}
	slow := first.cmd.Process
	if o := s.want([]int{inUse}, "sync", "--no-index"); o.took > 2*time.Second {
		t.Errorf("took %v", o.took)
	}
	s.want([]int{inUse}, "dump")
	if err := slow.Signal(syscall.SIGKILL); err != nil {
		t.Fatal(err)
	}
	s.wait(first)
	s.server.ClearFaults()
	s.sync(ok)
	s.wantDump(want)
}

// closedStdout lets nobody read what the program prints.
func closedStdout(t *testing.T) {
	want, _ := unbroken(t)
	s := scenarioSite(t, company, teamchattest.ServerOptions{})
	read, write, err := os.Pipe()
	if err != nil {
		t.Fatal(err)
	}
	read.Close()
	r := s.prepare("sync", "--no-index", "--json")
	r.cmd.Stdout = write
	s.begin(r)
	write.Close()
	if o := s.wait(r); o.code == ok {
		t.Error("exit code 0, though nobody read the outcome")
	}
	s.sync(ok)
	s.wantDump(want)
}
