package record

import "time"

// StartOfDay gives the first moment of a calendar day in a zone: midnight; the first of two where clocks go back over it;
// the moment of the change where clocks skip it. Days and months beyond their ranges are counted on, as in time.Date.
func StartOfDay(year int, month time.Month, day int, zone *time.Location) time.Time {
	t := time.Date(year, month, day, 0, 0, 0, 0, zone)
	year, month, day = time.Date(year, month, day, 0, 0, 0, 0, time.UTC).Date()
	begin, end := t.ZoneBounds()
	if !sameDay(t, year, month, day) {
		return end // t lies before the gap
	}
	if hour, minute, second := t.Clock(); hour+minute+second > 0 {
		return begin // t lies behind the gap
	}
	if begin.IsZero() {
		return t
	}
	_, now := t.Zone()
	_, before := begin.Add(-time.Second).Zone()
	earlier := t.Add(time.Duration(now-before) * time.Second)
	if earlier.Before(begin) && earlier.Before(t) && sameDay(earlier, year, month, day) {
		return earlier
	}
	return t
}

func sameDay(t time.Time, year int, month time.Month, day int) bool {
	y, m, d := t.Date()
	return y == year && m == month && d == day
}
