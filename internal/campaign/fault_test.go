package campaign

import (
	"maps"
	"net/url"
	"slices"
	"testing"

	"archiver/internal/teamchat/teamchattest"
)

// TestFaultAtAnyRequest lets one answer go wrong. The run overcomes that or says that it is incomplete; the next one
// makes good whatever is missing.
func TestFaultAtAnyRequest(t *testing.T) {
	want, requests := unbroken(t)
	faults := teamchattest.Faults()
	for i, name := range slices.Sorted(maps.Keys(faults)) {
		if testing.Short() && i%6 != 0 {
			continue
		}
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for _, n := range sample(requests, 1, uint64(i)) {
				s := scenarioSite(t, company, teamchattest.ServerOptions{})
				fault := faults[name]
				fault.At = n
				if fault.BOM { // would be a part of a file's content
					fault.Match = func(form url.Values) bool { return !form.Has("ticket") }
				}
				s.server.Fault(fault)
				first := s.want([]int{ok, incomplete}, "sync", "--no-index")
				if first.code != ok {
					t.Logf("at request %d the run ends %d: %s", n, first.code, first.stderr)
				}
				s.sync(ok)
				s.wantDump(want)
			}
		})
	}
}
