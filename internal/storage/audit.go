package storage

import (
	"cmp"
	"slices"
	"time"

	"archiver/internal/record"
)

// Coverage is what is proven of a channel's main messages, and when it was last read.
type Coverage struct {
	Channel string            `json:"channel"`
	Proven  []record.Interval `json:"proven"`
	Audits  []Audit           `json:"audits"` // in order; they share ends at most
	Walked  Walked            `json:"walked"`
	Due     time.Time         `json:"due,omitzero"` // when the channel's pins and events are to be read again
}

// Audit says that a range of main messages, both ends included, was read completely at least as recently as At. An
// empty From is the channel's beginning. A first read is an audit, too.
type Audit struct {
	From record.TS `json:"from"`
	To   record.TS `json:"to"`
	At   time.Time `json:"at"` // whole milliseconds
}

// Walked says that the channel was read to its end: its main messages, its list of threads, its files.
type Walked struct {
	Latest int64     `json:"latest"` // what the list of channels said of the channel's last activity, unix seconds; 0 is nothing
	At     time.Time `json:"at"`     // at least as recently as this
}

// AuditRenewal is the age up to which the time of a read is not renewed, so that runs that find nothing new write
// nothing.
const AuditRenewal = 12 * time.Hour

// sameTime is how far apart the times of neighbouring reads may be for them to become one audit, with the older time.
const sameTime = time.Hour

// isDue tells whether the time of a read is to be renewed.
func isDue(known, read time.Time) bool { return read.Sub(known) >= AuditRenewal }

// Audited is when the part of the proven ranges that was not read for the longest time was read; zero when part of
// them has no audit, or nothing is proven.
func (c *Coverage) Audited() time.Time {
	var oldest time.Time
	for _, p := range c.Proven {
		reached := p.From
		for _, a := range c.Audits {
			if a.To < reached || a.From > p.To || a.From == p.To && reached == p.To {
				continue
			}
			if a.From > reached {
				return time.Time{}
			}
			reached = a.To
			if oldest.IsZero() || a.At.Before(oldest) {
				oldest = a.At
			}
		}
		if reached < p.To {
			return time.Time{}
		}
	}
	return oldest
}

// At is when the message with this ts must have been read at the latest, zero if that is unknown.
func (c *Coverage) At(ts record.TS) time.Time {
	var at time.Time
	for _, a := range c.Audits {
		if a.From <= ts && ts <= a.To && a.At.After(at) {
			at = a.At
		}
	}
	return at
}

// audited adds a range that was read at a time. Younger audits stay as they are and older ones give way; neighbours
// of about the same time become one, with the older time.
func audited(audits []Audit, read record.Interval, at time.Time) []Audit {
	var next []Audit
	fresh := []record.Interval{read} // what gets the new time
	for _, a := range audits {
		if isDue(a.At, at) {
			for _, rest := range without(a.interval(), read) {
				next = append(next, Audit{rest.From, rest.To, a.At})
			}
			continue
		}
		next = append(next, a)
		var left []record.Interval
		for _, f := range fresh {
			left = append(left, without(f, a.interval())...)
		}
		fresh = left
	}
	for _, f := range fresh {
		next = append(next, Audit{f.From, f.To, at})
	}
	slices.SortFunc(next, func(x, y Audit) int { return cmp.Or(cmp.Compare(x.From, y.From), cmp.Compare(x.To, y.To)) })
	return joined(next)
}

func (a *Audit) interval() record.Interval { return record.Interval{From: a.From, To: a.To} }

// without gives the parts of i that do not lie in cut. They may share ends with it.
func without(i, cut record.Interval) []record.Interval {
	if cut.To < i.From || i.To < cut.From {
		return []record.Interval{i}
	}
	var rest []record.Interval
	if i.From < cut.From {
		rest = append(rest, record.Interval{From: i.From, To: cut.From})
	}
	if cut.To < i.To {
		rest = append(rest, record.Interval{From: cut.To, To: i.To})
	}
	return rest
}

// joined joins sorted neighbours that share an end and were read at about the same time.
func joined(audits []Audit) []Audit {
	kept := audits[:0]
	for _, a := range audits {
		n := len(kept)
		if n == 0 || kept[n-1].To < a.From || kept[n-1].At.Sub(a.At).Abs() >= sameTime {
			kept = append(kept, a)
			continue
		}
		last := &kept[n-1]
		last.To = max(last.To, a.To)
		if a.At.Before(last.At) {
			last.At = a.At
		}
	}
	return kept
}
