package sync

import (
	"context"
	"fmt"
	"time"
)

// sameSecond is how many seconds after a channel's last activity a list has to be made for it to tell of all that
// happened in that second.
const sameSecond = 2

// isQuiet tells whether the list of channels says of the last activity what it said when the channel was last read to its
// end.
func (c *room) isQuiet() bool {
	return c.latest > 0 && c.latest == c.coverage.Walked.Latest && !c.again
}

// spares tells whether a part of the channel need not be read because the channel is quiet.
func (c *room) spares(part string) bool {
	switch {
	case !c.isQuiet():
		return false
	case c.leftOut():
		return part != partMembers // which are read only when the list shows a change
	case c.run.TrustLatest && c.run.recent == "":
		return part == partHistory || part == partFiles
	}
	return false
}

// leftOut tells whether the channel is not read because it is quiet.
func (c *room) leftOut() bool { return c.run.SkipQuiet && c.isQuiet() && !c.indebted }

// walked notes that the channel was read to its end, or that it was left out for too long.
func (c *room) walked(ctx context.Context, began time.Time) {
	if c.leftOut() {
		if at := c.coverage.Walked.At; began.Sub(at) > c.run.QuietMaxAge {
			c.run.problem(c.id, fmt.Sprintf("left out as quiet, not read since %s", at.Format(time.RFC3339)))
		}
		return
	}
	c.noteWalk(ctx, began)
}
