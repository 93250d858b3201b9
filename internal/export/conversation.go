package export

import (
	"slices"
	"time"

	"archiver/internal/lenient"
	"archiver/internal/record"
)

// conversation is a channel with what all its slices need, which is found out once.
type conversation struct {
	*record.Channel
	folder  string // a name that is safe and its own
	team    string // group that the channel belongs to
	changes []channelChange

	members []string // who could read it after the first passed changes
	passed  int      // -1 as long as nobody asked
}

func newConversation(c *record.Channel) *conversation {
	return &conversation{Channel: c, folder: channelFolder(c), team: teamOf(c), changes: changesOf(c), passed: -1}
}

// teamOf is the group that a channel belongs to.
func teamOf(c *record.Channel) string {
	var w struct {
		Group lenient.String `json:"group_email"`
	}
	_ = lenient.Unmarshal(c.Raw, &w) // an object that can't be read names none
	return string(w.Group)
}

// changesUntil counts the changes up to a moment.
func (c *conversation) changesUntil(at time.Time) int {
	n, _ := slices.BinarySearchFunc(c.changes, at, func(change channelChange, at time.Time) int {
		if change.at.After(at) {
			return 1
		}
		return -1
	})
	return n
}

// changesDuring counts the changes within a period. Those of a thread are not shown.
func (c *conversation) changesDuring(p period) int {
	switch {
	case p.key == "all":
		return len(c.changes)
	case p.begin.IsZero():
		return 0
	}
	n := 0
	for _, change := range c.changes {
		if !change.at.Before(p.begin) && change.at.Before(p.end) {
			n++
		}
	}
	return n
}

// membersAt is membersAt of the channel, which is the same until something changes. Callers leave the list as it is.
func (c *conversation) membersAt(at time.Time) []string {
	if passed := c.changesUntil(at); passed != c.passed {
		c.passed, c.members = passed, membersAt(c.Channel, at)
	}
	return c.members
}
