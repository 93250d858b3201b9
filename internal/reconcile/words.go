package reconcile

import (
	"fmt"
	"slices"
	"strings"
)

// finish puts the row's reasons into words.
func (c *channel) finish() {
	order := []Kind{Unread, Forbidden, Unexplained, Unknown, Gap, Debt, New, Absent, Edited, Refused, Gone, Excluded}
	slices.SortStableFunc(c.row.Reasons, func(a, b Reason) int {
		return slices.Index(order, a.Kind) - slices.Index(order, b.Kind)
	})
	words := make([]string, len(c.row.Reasons))
	for i, r := range c.row.Reasons {
		words[i] = r.String()
	}
	c.row.Explanation = strings.Join(words, "; ")
}

// String says the reason in words.
func (r Reason) String() string {
	switch r.Kind {
	case Unread:
		return "could not be read: " + r.What
	case Forbidden:
		return "the account may not read it"
	case Gone:
		return "not on the server any more"
	case Excluded:
		return "left out by sync.exclude_channels"
	}
	what := r.What + "s"
	if r.Count == 1 {
		what = r.What
	}
	text := fmt.Sprintf("%d %s %s", r.Count, what, meanings[r.Kind])
	if r.Kind == New || len(r.Items) == 0 {
		return text
	}
	text += " (" + strings.Join(r.Items, ", ")
	if r.Count > len(r.Items) {
		text += ", ..."
	}
	return text + ")"
}

// meanings are the kinds of reasons in words, after what they are counted of.
var meanings = map[Kind]string{
	New:         "new since the last sync",
	Edited:      "edited since",
	Absent:      "archived but not on the server any more, which is not proven yet",
	Refused:     "not to be had, as status says",
	Gap:         "in a range that is not archived yet",
	Debt:        "still to be fetched",
	Unknown:     "of a channel that is not archived",
	Unexplained: "missing without an explanation",
}
