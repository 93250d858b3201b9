package sync

import (
	"errors"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// How long a file that can't be had is asked for. The run after the first try tries again; then pauses double.
const (
	firstPause  = time.Hour
	longPause   = 24 * time.Hour
	lastTries   = 5                  // after so many tries
	lastTryFrom = 3 * 24 * time.Hour // over so long, a status without a word of the API is believed
)

// final tells whether a file in this state is not asked for again, but by a full run.
func final(state record.FilePresence) bool {
	return state == record.FileGone || state == record.FileRefused
}

// isBare tells whether a refusal is but an HTTP status, which may come from something in front of the API.
func isBare(err error) bool {
	var e *teamchat.Error
	return errors.As(err, &e) && e.Code == ""
}

// isLastTry tells whether a bare refusal is to be believed now.
func (job *fileJob) isLastTry(now time.Time) bool {
	return job.owed.Tries+1 >= lastTries && now.Sub(job.owed.Since) >= lastTryFrom
}

// postponed is a debt after one more try, which failed.
func postponed(d storage.Debt, err error, now time.Time) storage.Debt {
	d.Tries, d.Reason, d.NotBefore = d.Tries+1, err.Error(), time.Time{}
	if d.Since.After(now) { // by a clock that was wrong
		d.Since = now
	}
	if d.Tries > 1 {
		d.NotBefore = now.Add(min(firstPause<<min(d.Tries-2, 10), longPause))
	}
	return d
}

// isDue tells whether a debt may be tried. A time further off than the longest pause comes from a clock that was wrong.
func (c *room) isDue(d storage.Debt) bool {
	left := d.NotBefore.Sub(c.run.Now())
	return c.run.Full || left <= 0 || left > longPause
}
