package export

import (
	"slices"
	"time"

	"archiver/internal/record"
)

// channelChange is something that happened to a channel: its name changed, somebody joined or left. Its time is that of
// the run that saw it; the change came after the run before.
type channelChange struct {
	at   time.Time
	what changeKind
	who  string // of joins and leaves, the user's id
	name string // of renames, the new name
}

type changeKind string

const (
	changeJoin   changeKind = "join"
	changeLeave  changeKind = "leave"
	changeRename changeKind = "rename"
)

// changesOf gives a channel's changes by time. How it was when it was first seen is no change.
func changesOf(c *record.Channel) []channelChange {
	var changes []channelChange
	for _, m := range c.History.Members {
		if m.From.After(c.Since) {
			changes = append(changes, channelChange{at: m.From, what: changeJoin, who: m.Value})
		}
		if !m.To.IsZero() {
			changes = append(changes, channelChange{at: m.To, what: changeLeave, who: m.Value})
		}
	}
	for i, n := range c.History.Names {
		if i > 0 {
			changes = append(changes, channelChange{at: n.From, what: changeRename, name: n.Value})
		}
	}
	slices.SortStableFunc(changes, func(a, b channelChange) int { return a.at.Compare(b.at) })
	return changes
}

// membersAt gives who could read the channel at a time, sorted. Before the archive first saw the channel it is those whom
// it saw first.
func membersAt(c *record.Channel, at time.Time) []string {
	var members []string
	for _, m := range c.History.Members {
		began := !m.From.After(c.Since) || !m.From.After(at)
		if began && (m.To.IsZero() || m.To.After(at)) {
			members = append(members, m.Value)
		}
	}
	slices.Sort(members)
	return slices.Compact(members)
}
