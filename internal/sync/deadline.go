package sync

import (
	"context"
	"time"
)

// lookEvery is how often a run whose time is up looks whether it has got anywhere.
const lookEvery = 50 * time.Millisecond

// limited is a context that knows when the run's time is up, so that the client does not begin a longer wait. It is
// not cancelled by that: see [run.watch].
type limited struct {
	context.Context
	deadline time.Time
}

// Deadline implements [context.Context].
func (l limited) Deadline() (time.Time, bool) {
	outer, ok := l.Context.Deadline()
	if ok && outer.Before(l.deadline) || !time.Now().Before(l.deadline) {
		return outer, ok
	}
	return l.deadline, true
}

// watch ends the run when its time is up, but not before it has got anywhere: a limit that is always too short must not
// keep an archive from growing.
func (r *run) watch(ctx context.Context) {
	timer := time.NewTimer(r.MaxDuration)
	defer timer.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-timer.C:
		}
		if r.durable.Load() {
			r.end(&ending{Incomplete, errTimeUp})
			return
		}
		timer.Reset(lookEvery)
	}
}
