package sync

import (
	"context"
	"errors"
	"fmt"
	"hash/maphash"
	"sync/atomic"
	"time"

	"archiver/internal/record"
	"archiver/internal/storage"
	"archiver/internal/teamchat"
)

// run is the state of one run. It is shared by the goroutines that read channels.
type run struct {
	Options

	end      context.CancelCauseFunc // ends the run; the cause is an *ending
	slots    chan struct{}           // one element for each task beside the walks
	problems chan []Problem          // holds the list when nobody uses it
	totals   totals

	lacks       map[string]*atomic.Bool // methods that the server does not have
	conferences conferences

	durable    atomic.Bool // the archive has grown, or a channel was read to its end
	overBudget atomic.Bool // the client's request budget is used up
	unbounded  atomic.Bool // the server does not honour the bounds or the order asked for of history
	promised   atomic.Bool // all that the run promises is done: only the audit is left
	newest     uint64      // the archive's change number when the run began
	harm       harm        // damage of the archive
	progress   progress    // of this and earlier runs, where requests are few
	requests   int64       // of the client before the run
	bytes      int64       // of the client before the run
	seed       maphash.Seed
	started    time.Time // by the server's clock, zero if it does not tell
	recent     record.TS // where the recent window begins, "" when there is none
}

// totals add up what commits report, and channels.
type totals struct {
	messages, comments, versions, deletions, files atomic.Int64
	channels, done, completed                      atomic.Int64
}

// ending is why a run ends before its time.
type ending struct {
	outcome string
	err     error
}

func (e *ending) Error() string { return e.err.Error() }
func (e *ending) Unwrap() error { return e.err }

var (
	// errHalt ends the work on a channel without another word: the reason is known to the run.
	errHalt   = errors.New("run ends")
	errTimeUp = errors.New("the time given for the run is used up; the next run goes on from here")
	errBudget = errors.New("the requests given for the run are used up; the next run goes on from here")
)

func newRun(o Options, end context.CancelCauseFunc) *run {
	r := &run{
		Options:  o,
		end:      end,
		slots:    make(chan struct{}, o.Concurrency),
		problems: make(chan []Problem, 1),
		seed:     maphash.MakeSeed(),
		lacks:    newLacks(),

		conferences: newConferences(),
		newest:      o.Archive.Change(),
		requests:    o.Client.Requests(),
		bytes:       o.Client.BytesDownloaded(),
	}
	r.problems <- []Problem{}
	return r
}

// problem notes what could not be archived.
func (r *run) problem(where, what string) {
	r.Logger.Debug("sync problem", "where", where, "what", what)
	r.problems <- append(<-r.problems, Problem{where, what})
}

// halts tells whether err ends more than the thing it was met at, and sees to it that the run knows.
func (r *run) halts(ctx context.Context, err error) bool {
	var refusal *teamchat.Error
	switch {
	case errors.Is(err, errHalt), ctx.Err() != nil:
	case errors.Is(err, teamchat.ErrBudget):
		r.overBudget.Store(true)
	case errors.Is(err, teamchat.ErrGaveUp), errors.Is(err, teamchat.ErrWait):
		r.end(&ending{Incomplete, err})
	case errors.Is(err, context.DeadlineExceeded):
		r.end(&ending{Incomplete, errTimeUp})
	case errors.As(err, &refusal) && refusal.LoginRefused():
		r.end(&ending{Failed, err})
	default:
		return false
	}
	return true
}

// put queues a page. An answer that arrived is kept even if the run was cancelled meanwhile.
func (r *run) put(ctx context.Context, p *storage.Page) error {
	p.Done = func(n storage.Counts, err error) { r.committed(p.Channel, n, err) }
	if err := r.Archive.Put(context.WithoutCancel(ctx), p); err != nil {
		return r.broken("put page", err)
	}
	return nil
}

// broken ends the run because of an error of the archive.
func (r *run) broken(what string, err error) error {
	r.end(&ending{Failed, fmt.Errorf("archive: %s: %w", what, err)})
	return errHalt
}

func (r *run) committed(channel string, n storage.Counts, err error) {
	if errors.Is(err, storage.ErrDamaged) && channel != "" {
		r.harmed(channel, err)
		return
	}
	if err != nil {
		_ = r.broken("commit", err)
		return
	}
	if channel != "" && n.Entries > 0 {
		r.durable.Store(true)
	}
	t := &r.totals
	t.messages.Add(int64(n.Messages))
	t.comments.Add(int64(n.Comments))
	t.versions.Add(int64(n.Versions))
	t.deletions.Add(int64(n.Deletions))
	t.files.Add(int64(n.Files))
	if r.Committed != nil {
		r.Committed()
	}
}

// report tells the caller how far the run is. channel is the name of the one that was worked on.
func (r *run) report(channel string) {
	if r.Progress == nil {
		return
	}
	r.Progress(Progress{
		ChannelsDone:  int(r.totals.done.Load()),
		ChannelsTotal: int(r.totals.channels.Load()),
		Messages:      r.totals.messages.Load(),
		Comments:      r.totals.comments.Load(),
		Files:         r.totals.files.Load(),
		Bytes:         r.Client.BytesDownloaded() - r.bytes,
		Requests:      r.Client.Requests() - r.requests,
		Channel:       channel,
	})
}
