package sync

import (
	"context"

	"archiver/internal/record"
)

// fewRequests is the budget below which a run does nothing but to go on from where the last one ended: no window is read
// again, and channels are read one after the other.
const fewRequests = 100

func (o *Options) fewRequests() bool { return o.MaxRequests > 0 && o.MaxRequests < fewRequests }

// findWindow finds where the recent window begins, by the server's clock: what time.now says or else the header that
// came with the list of channels. Local time bounds nothing.
func (r *run) findWindow(ctx context.Context) error {
	if r.RecentWindow <= 0 || r.newest == 0 || r.fewRequests() {
		return nil
	}
	now := r.started
	_, told, err := r.Client.Now(ctx)
	switch {
	case err == nil && told.Unix() > 0:
		now = told
	case err != nil && r.halts(ctx, err) && !r.overBudget.Load():
		return errHalt
	}
	if !now.IsZero() {
		r.recent = record.MakeTS(max(now.Add(-r.RecentWindow).Unix(), 0), 0)
	}
	return nil
}
