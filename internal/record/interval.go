package record

import "slices"

// Interval is a range of a channel's main messages that was read without a gap, both ends included. An empty From is
// the channel's beginning.
type Interval struct {
	From TS `json:"from"`
	To   TS `json:"to"`
}

// Cover adds an interval to sorted, disjoint ones and merges those that share a ts. Intervals that only lie side by
// side stay apart: nothing proves that there is no message between them.
func Cover(covered []Interval, add Interval) []Interval {
	merged := make([]Interval, 0, len(covered)+1)
	for _, c := range covered {
		if c.To < add.From || add.To < c.From {
			merged = append(merged, c)
			continue
		}
		add.From, add.To = min(add.From, c.From), max(add.To, c.To)
	}
	merged = append(merged, add)
	slices.SortFunc(merged, func(a, b Interval) int {
		if a.From < b.From {
			return -1
		}
		return 1
	})
	return merged
}
