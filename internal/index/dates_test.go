package index

import (
	"fmt"
	"testing"
	"time"

	"archiver/internal/record"
)

func location(t *testing.T, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestStartOfDay(t *testing.T) {
	for _, tt := range []struct{ zone, day, want string }{
		{"UTC", "2016-01-15", "2016-01-15T00:00:00Z"},
		{"Europe/Prague", "2016-03-27", "2016-03-26T23:00:00Z"}, // clocks change at 2:00
		{"Europe/Prague", "2016-03-28", "2016-03-27T22:00:00Z"},
		{"Asia/Kolkata", "2016-01-15", "2016-01-14T18:30:00Z"},
		{"America/Sao_Paulo", "2017-10-15", "2017-10-15T03:00:00Z"}, // midnight is skipped: the day begins at 1:00
		{"America/Sao_Paulo", "2018-02-18", "2018-02-18T03:00:00Z"}, // midnight comes, the hour before came twice
		{"America/Havana", "2016-11-06", "2016-11-06T04:00:00Z"},    // 0:00 to 1:00 come twice: the first one
		{"America/St_Johns", "2006-10-29", "2006-10-29T02:30:00Z"},  // from 0:01 back to 23:01: the first midnight
		{"Pacific/Apia", "2011-12-30", "2011-12-30T10:00:00Z"},      // a day that never was
		{"Pacific/Apia", "2011-12-31", "2011-12-30T10:00:00Z"},
	} {
		day, err := parseDate(tt.day)
		if err != nil {
			t.Fatal(err)
		}
		got := time.Unix(startOfDay(day, location(t, tt.zone)), 0).UTC().Format(time.RFC3339)
		if got != tt.want {
			t.Errorf("%s in %s begins %s, want %s", tt.day, tt.zone, got, tt.want)
		}
	}
}

func TestDaysOfZonesAreExact(t *testing.T) {
	a := newArchive(t)
	var posts []post
	begin := time.Date(2017, 10, 13, 0, 0, 0, 0, time.UTC)
	for at := begin; at.Before(begin.AddDate(0, 0, 20)); at = at.Add(30*time.Minute - time.Second) {
		posts = append(posts, post{channel: "C", ts: string(record.MakeTS(at.Unix(), 0)), text: "x"})
	}
	put(t, a, posts...)
	ix := openIndex(t, a, Options{})
	catchUp(t, ix, a)
	for _, zone := range []string{"UTC", "Europe/Prague", "America/Sao_Paulo", "Asia/Kathmandu", "Pacific/Kiritimati"} {
		loc := location(t, zone)
		total := 0
		for day := begin.AddDate(0, 0, -1); day.Before(begin.AddDate(0, 0, 22)); day = day.AddDate(0, 0, 1) {
			date := day.Format(time.DateOnly)
			want := 0
			for _, p := range posts {
				if record.TS(p.ts).Time().In(loc).Format(time.DateOnly) == date {
					want++
				}
			}
			total += want
			for _, query := range []string{"on:" + date, fmt.Sprintf("after:%s before:%s", date, day.AddDate(0, 0, 1).Format(time.DateOnly))} {
				if _, answer := find(t, ix, a, query, Request{Location: loc, Limit: 1}); int(answer.Total) != want {
					t.Errorf("%s in %s: %d messages, want %d", query, zone, answer.Total, want)
				}
			}
		}
		if total != len(posts) {
			t.Errorf("%s: days hold %d of %d messages", zone, total, len(posts))
		}
	}
}
