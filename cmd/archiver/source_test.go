package main

import (
	"testing"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/google/go-cmp/cmp"
)

// TestTimeSpan: from the beginning of the first day on, up to the beginning of the second, in the zone; also on days
// that begin at one o'clock.
func TestTimeSpan(t *testing.T) {
	for _, test := range []struct {
		zone, since, until string
		from, to           string // RFC 3339, "" for open; to is the first second after the span
	}{
		{"UTC", "", "", "", ""},
		{"UTC", "2016-01-31", "2016-02-01", "2016-01-31T00:00:00Z", "2016-02-01T00:00:00Z"},
		{"Europe/Prague", "2016-03-27", "2016-03-28", "2016-03-26T23:00:00Z", "2016-03-27T22:00:00Z"},
		{"Asia/Tokyo", "", "2016-01-31", "", "2016-01-30T15:00:00Z"},
		{"America/Santiago", "2022-09-11", "", "2022-09-11T04:00:00Z", ""},
		{"Asia/Tokyo", "2016-01-31T08:00:00Z", "2016-01-31T08:00:00.5Z", "2016-01-31T08:00:00Z", "2016-01-31T08:00:01Z"},
	} {
		loc, err := time.LoadLocation(test.zone)
		if err != nil {
			t.Fatal(err)
		}
		var want storage.Range
		if at, err := time.Parse(time.RFC3339, test.from); err == nil {
			want.From = record.MakeTS(at.Unix(), 0)
		}
		if at, err := time.Parse(time.RFC3339, test.to); err == nil {
			want.To = record.MakeTS(at.Unix()-1, 999999)
		}
		if diff := cmp.Diff(want, timeSpan(test.since, test.until, loc)); diff != "" {
			t.Errorf("%s to %s in %s (-want +got):\n%s", test.since, test.until, test.zone, diff)
		}
	}
}

func TestSplitMessageID(t *testing.T) {
	for in, want := range map[string][2]string{
		"general/1516195206.000463":   {"general", "1516195206.000463"},
		"a/b/c==/1516195206.000463":   {"a/b/c", "1516195206.000463"},
		"x/1516195206":                {"x", "1516195206.000000"},
		"general":                     {},
		"/1516195206.000463":          {},
		"general/":                    {},
		"general/1516195206.000463/x": {},
	} {
		channel, ts, err := splitMessageID(in)
		if channel != want[0] || string(ts) != want[1] || (err == nil) != (want[0] != "") {
			t.Errorf("%s: %s, %s, %v", in, channel, ts, err)
		}
	}
}
