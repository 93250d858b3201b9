package index

import (
	"fmt"
	"time"

	"archiver/internal/record"
)

// span is a range of unix seconds, half-open.
type span struct{ from, to int64 }

// always is the span of everything.
var always = span{0, 1<<(8*keySecond) - 1}

func (s span) and(o span) span { return span{max(s.from, o.from), min(s.to, o.to)} }

func (s span) isEmpty() bool { return s.from >= s.to }

// parseDate reads YYYY-MM-DD; the time is its midnight in UTC.
func parseDate(text string) (time.Time, error) { return time.Parse(time.DateOnly, text) }

// parseBound reads one end of a half-open range: the beginning of a day in loc, or a moment in RFC 3339. Messages
// have whole seconds, so a moment within a second counts from the next one.
func parseBound(text string, loc *time.Location) (int64, error) {
	if day, err := parseDate(text); err == nil {
		return startOfDay(day, loc), nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return 0, fmt.Errorf("%q is no date such as 2016-01-31 or 2016-01-31T15:04:05Z", text)
	}
	if t.Nanosecond() > 0 {
		return t.Unix() + 1, nil
	}
	return t.Unix(), nil
}

// daySpan is the span of a calendar day in loc.
func daySpan(day time.Time, loc *time.Location) span {
	return span{startOfDay(day, loc), startOfDay(day.AddDate(0, 0, 1), loc)}
}

// startOfDay is the first second of a calendar day in loc.
func startOfDay(day time.Time, loc *time.Location) int64 {
	return record.StartOfDay(day.Year(), day.Month(), day.Day(), loc).Unix()
}
