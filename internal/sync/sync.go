package sync

import (
	"cmp"
	"context"
	"fmt"
	"log/slog"
	"time"

	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"golang.org/x/sync/errgroup"
)

// Options say what a run does. Client and Archive are required.
type Options struct {
	Client  *teamchat.Client
	Archive *storage.Archive // open for writing
	Logger  *slog.Logger     // nil discards
	Now     func() time.Time // nil is time.Now

	Concurrency int      // channels, and calls beside them, at once; 0 is 4
	PageSize    int      // items asked for in one call; 0 is 1000
	Channels    []string // ids (padding optional) or names; empty is every channel. One that matches nothing is a problem
	Exclude     []string // ids or names of channels that are not read

	Full         bool          // re-read everything, and prove in this run what is gone
	MaxDuration  time.Duration // the run ends early after it; 0 is no limit
	MaxRequests  int64         // what Client is limited to, so that the run spends its requests well; 0 is no limit
	MaxFileSize  int64         // bytes; larger files are refused. 0 is no limit
	RecentWindow time.Duration // what is younger is re-read in each run; 0 is nothing
	AuditDays    int           // everything is re-read within so many days, as far as the limits allow; 0 is never

	// What the list of channels says of a channel's last activity may stand for reading it. It tells of new main messages
	// only, as far as is known: not of comments, edits, deletions.
	TrustLatest bool          // where it is unchanged since the last complete read, history and files are not read; with a RecentWindow they are
	SkipQuiet   bool          // where it is unchanged, nothing is read
	QuietMaxAge time.Duration // a channel that SkipQuiet leaves out and that was not read for longer is a problem; 0 is 24 h

	Progress  func(Progress) // called often, from several goroutines; must be cheap
	Committed func()         // called after commits, so that an index can follow; must not block
}

// Progress is how far a run is.
type Progress struct {
	ChannelsDone, ChannelsTotal int
	Messages, Comments, Files   int64 // new ones committed in this run
	Bytes                       int64 // downloaded
	Requests                    int64
	Channel                     string        // name of the channel that was last worked on
	Waiting                     time.Duration // for the caller to fill in: see teamchat.Options.OnWait
}

// Problem is something that could not be archived.
type Problem struct {
	Where string `json:"where"` // channel id, or channel id/ts; "" for the whole run
	What  string `json:"what"`
}

// The outcomes of a run.
const (
	Complete    = "complete"
	Incomplete  = "incomplete"
	Failed      = "failed"
	Interrupted = "interrupted"
)

// Result is what a run did.
type Result struct {
	Outcome         string    `json:"outcome"` // complete, incomplete, failed or interrupted
	Requests        int64     `json:"requests"`
	Channels        int       `json:"channels"`      // channels worked on
	MessagesNew     int       `json:"messages_new"`  // main messages seen for the first time
	CommentsNew     int       `json:"comments_new"`  // comments seen for the first time
	VersionsNew     int       `json:"versions_new"`  // versions after a message's first
	DeletionsNew    int       `json:"deletions_new"` //
	FilesNew        int       `json:"files_new"`     // file revisions stored
	BytesDownloaded int64     `json:"bytes_downloaded"`
	Problems        []Problem `json:"problems"` // never nil

	ChannelsCompleted int `json:"-"` // channels that were read to their end
}

// Run makes one incremental run. The error is not nil only when the run could not be carried out: the login was
// refused, nothing could be reached, or the archive failed. The result is always given.
func Run(ctx context.Context, o Options) (*Result, error) {
	o = o.withDefaults()
	work, end := context.WithCancelCause(ctx)
	defer end(nil)
	r := newRun(o, end)
	record, err := o.Archive.BeginRun(context.WithoutCancel(ctx))
	if err != nil {
		return r.finish(false, fmt.Errorf("archive: begin run: %w", err))
	}
	err = r.work(work)
	if ctx.Err() == nil && err != nil && work.Err() == nil {
		end(err)
	}
	cause := context.Cause(work)
	if err := r.flush(context.WithoutCancel(ctx)); err != nil {
		cause = &ending{Failed, fmt.Errorf("archive: flush: %w", err)}
	}
	res, err := r.finish(ctx.Err() != nil, cause)
	if closing := r.close(context.WithoutCancel(ctx), record, res); closing != nil && err == nil {
		res.Outcome, err = Failed, closing
	}
	return res, err
}

func (o Options) withDefaults() Options {
	o.Concurrency = cmp.Or(max(o.Concurrency, 0), 4)
	if o.fewRequests() {
		o.Concurrency = 1
	}
	o.PageSize = max(cmp.Or(o.PageSize, 1000), minPage)
	o.QuietMaxAge = cmp.Or(o.QuietMaxAge, 24*time.Hour)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	return o
}

// work does the run. Its error is what no part of the run could deal with; errHalt when the run knows already.
func (r *run) work(ctx context.Context) error {
	if r.MaxDuration > 0 {
		ctx = limited{ctx, time.Now().Add(r.MaxDuration)}
		watching, stop := context.WithCancel(ctx)
		var watch errgroup.Group
		watch.Go(func() error { r.watch(watching); return nil })
		defer func() { stop(); _ = watch.Wait() }()
	}
	return r.syncChannels(ctx)
}
