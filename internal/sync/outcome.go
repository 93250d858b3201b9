package sync

import (
	"context"
	"errors"
	"fmt"

	"archiver/internal/storage"

	"github.com/go-json-experiment/json"
)

// finish makes the result. cause is what ended the run early, nil if nothing did.
func (r *run) finish(interrupted bool, cause error) (*Result, error) {
	err := r.judge(interrupted, cause)
	problems := <-r.problems
	res := &Result{
		Requests:          r.Client.Requests() - r.requests,
		Channels:          int(r.totals.channels.Load()),
		MessagesNew:       int(r.totals.messages.Load()),
		CommentsNew:       int(r.totals.comments.Load()),
		VersionsNew:       int(r.totals.versions.Load()),
		DeletionsNew:      int(r.totals.deletions.Load()),
		FilesNew:          int(r.totals.files.Load()),
		BytesDownloaded:   r.Client.BytesDownloaded() - r.bytes,
		Problems:          problems,
		ChannelsCompleted: int(r.totals.completed.Load()),
	}
	switch {
	case err != nil:
		res.Outcome = Failed
	case interrupted:
		res.Outcome = Interrupted
	case len(problems) > 0:
		res.Outcome = Incomplete
	default:
		res.Outcome = Complete
	}
	return res, err
}

// judge gives the error of the run, if any, and names as a problem what else ended it early.
func (r *run) judge(interrupted bool, cause error) error {
	var end *ending
	switch {
	case errors.As(cause, &end) && end.outcome == Failed:
		return end.err
	case interrupted:
		return nil
	case end != nil && r.promised.Load():
		r.Logger.Info("the audit ends early", "err", end.err)
	case end != nil && !errors.Is(end.err, errTimeUp) && r.totals.completed.Load() == 0:
		return end.err
	case end != nil:
		r.problem("", end.err.Error())
	case cause != nil:
		return cause
	case r.overBudget.Load() && !r.promised.Load():
		r.problem("", errBudget.Error())
	}
	return nil
}

// checkDebts names the debts of completed channels that nothing else has named.
func (r *run) checkDebts(ctx context.Context, rooms map[string]*room) error {
	debts, err := r.Archive.Debts(ctx, "")
	if err != nil {
		return r.broken("read debts", err)
	}
	left := make(map[string][]storage.Debt)
	for _, d := range debts {
		left[d.Channel] = append(left[d.Channel], d)
	}
	for id, owed := range left {
		if c := rooms[id]; c != nil && c.completed {
			c.completed = false
			r.totals.completed.Add(-1)
			r.problem(id, fmt.Sprintf("%d things are still to be read, the first is %s %s", len(owed), owed[0].Kind, owed[0].Key))
		}
	}
	return nil
}

// close records how the run ended.
func (r *run) close(ctx context.Context, record storage.Run, res *Result) error {
	record.Finished, record.Outcome = r.Now().UTC(), res.Outcome
	summary, err := json.Marshal(res)
	if err != nil {
		return err
	}
	record.Summary = summary
	if err := r.Archive.EndRun(ctx, record); err != nil {
		return fmt.Errorf("archive: end run: %w", err)
	}
	return nil
}
