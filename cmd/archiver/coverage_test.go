package main

import (
	"testing"

	"archiver/internal/record"

	"github.com/google/go-cmp/cmp"
)

// TestGaps: what lies before, between and not behind proven intervals.
func TestGaps(t *testing.T) {
	const a, b, c, d = record.TS("1000000001.000000"), record.TS("1000000002.000000"), record.TS("1000000003.000000"), record.TS("1000000004.000000")
	for name, test := range map[string]struct {
		state        record.ChannelPresence
		proven, want []record.Interval
	}{
		"nothing proven":        {record.ChannelPresent, nil, []record.Interval{{}}},
		"forbidden":             {record.ChannelForbidden, nil, nil},
		"all proven":            {record.ChannelPresent, []record.Interval{{From: "", To: d}}, nil},
		"a hole":                {record.ChannelPresent, []record.Interval{{From: "", To: b}, {From: c, To: d}}, []record.Interval{{From: b, To: c}}},
		"the beginning missing": {record.ChannelPresent, []record.Interval{{From: a, To: d}}, []record.Interval{{From: "", To: a}}},
	} {
		if diff := cmp.Diff(test.want, gaps(test.state, test.proven)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}
