package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"sync/atomic"
	"time"

	"archiver/internal/storage"
	"archiver/internal/sync"
	"archiver/internal/teamchat"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

func syncCommand() command {
	return command{
		name: "sync", server: true, run: runSync,
		summary: "archive what is new on the server",
		about: `
Makes one incremental run: asks the server what is there, archives every message, comment and file that is not archived
yet, and brings the search index up to date. This is what cron calls. An archive is created if the directory is absent
or empty. A run that is interrupted loses nothing; the next one goes on from there.

Each run ends in a signed checkpoint of the archive's log, against which archiver verify --since proves that nothing was
changed, removed or inserted. With --full an archive that is damaged is repaired: what cannot be read is set aside, and
fetched again if the server still has it. The key is made with the archive; without it a run archives, signs nothing and ends 3.

A run ends 0 only if everything that the account can read, and that was there when it began, is archived.`,
		examples: []string{
			"archiver sync --archive /var/lib/archiver/teamchat --server https://mail.example.com --username archive@example.com",
			"archiver sync                                  all of that comes from archiver.yaml",
			"archiver sync --channel general --channel sales",
			"archiver sync --full                           read everything again: finds edits of any age",
			"archiver sync --max-duration 2h --json         for a nightly window, with the outcome as JSON",
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitIncomplete, exitLogin, exitNoArchive, exitInUse, exitDamage, exitNewer,
			exitTryLater, exitInterrupted, exitTerminated},
		flags: []cli.Flag{
			boolFlag("full", "look for damage, repair it, and read everything again"),
			&cli.StringSliceFlag{Name: "channel", Usage: "sync only the channel `ID_OR_NAME`; repeatable"},
			boolFlag("no-index", "leave the search index alone"),
			&cli.DurationFlag{Name: "max-duration", Usage: "stop asking the server after `D`", DefaultText: "no limit"},
			&cli.Int64Flag{Name: "max-requests", Usage: "stop asking the server after `N` requests, login and channels.list not counted", DefaultText: "no limit"},
		},
	}
}

func runSync(ctx context.Context, e *env, c *cli.Context) (err error) {
	run := &syncRun{env: e, started: e.now()}
	client, err := run.connect(ctx, c)
	if err != nil {
		return err
	}
	archive, err := e.openOrCreate(ctx)
	if err != nil {
		return err
	}
	defer closing(&err, archive.Close)
	if err := checkSpace(archive.Dir()); err != nil {
		return err
	}
	if c.Bool("full") {
		if err := run.repair(ctx, archive); err != nil {
			return err
		}
	}
	o := run.options(c, client, archive)
	stop := e.ui.watch(run.line)
	var follow *follower
	if c.Bool("no-index") {
		limitMemory(softMemoryNoIndex)
	} else {
		follow = followArchive(ctx, e, archive)
		o.Committed = follow.wake
	}
	result, err := sync.Run(ctx, o)
	closeClient(ctx, client)
	if follow != nil {
		run.indexing.Store(follow)
		follow.finish(ctx)
	}
	stop()
	if err == nil {
		run.sign(ctx, archive, result)
	}
	return run.report(ctx, archive, result, err)
}

// leastSpace is the free space, in bytes, without which a run does not begin: a few commits and a page of files.
const leastSpace = 16 << 20

// checkSpace refuses to begin on a full disk. A disk that fills up later ends the run, and nothing is lost either.
func checkSpace(dir string) error {
	free, known, err := storage.FreeSpace(dir)
	if err != nil || !known || free >= leastSpace {
		return err
	}
	return withHint(fmt.Errorf("archive %s: only %s are free on its disk", dir, size(free)), "make room; the next run goes on from there")
}

// connect checks what the command line and the configuration say of the server, before anything is opened or made.
func (r *syncRun) connect(ctx context.Context, c *cli.Context) (*teamchat.Client, error) {
	if c.Duration("max-duration") < 0 || c.Int64("max-requests") < 0 {
		return nil, &usageError{"--max-duration and --max-requests: want more than 0", ""}
	}
	if _, err := r.archiveDir(); err != nil {
		return nil, err
	}
	return r.newClient(ctx, teamchat.Options{MaxRequests: c.Int64("max-requests"), OnWait: r.waiting})
}

func (r *syncRun) options(c *cli.Context, client *teamchat.Client, archive *storage.Archive) sync.Options {
	return sync.Options{
		Client: client, Archive: archive, Logger: r.ui.logger(), Now: r.now,
		Concurrency: r.cfg.Sync.Concurrency, PageSize: r.cfg.Sync.PageSize,
		Channels: c.StringSlice("channel"), Exclude: r.cfg.Sync.ExcludeChannels,
		Full: c.Bool("full"), MaxDuration: c.Duration("max-duration"), MaxFileSize: r.cfg.Sync.MaxFileSize,
		MaxRequests: c.Int64("max-requests"), RecentWindow: r.cfg.Sync.RecentWindow, AuditDays: r.cfg.Sync.AuditDays,
		TrustLatest: r.cfg.Sync.TrustLatest, SkipQuiet: r.cfg.Sync.SkipQuiet, QuietMaxAge: r.cfg.Sync.QuietMaxAge,
		Progress: func(p sync.Progress) { r.progress.Store(&p) },
	}
}

// closeClient logs out. A server that does not answer must not hold up the end of the run.
func closeClient(ctx context.Context, client *teamchat.Client) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), 5*time.Second)
	defer cancel()
	_ = client.Close(ctx)
}

// syncRun is what is shown of a run while it goes on and at its end.
type syncRun struct {
	*env
	started  time.Time
	progress atomic.Pointer[sync.Progress]
	quietTo  atomic.Pointer[time.Time] // until when the server asks for quiet
	indexing atomic.Pointer[follower]  // set once only the index is still at work
	repaired *storage.Repaired         // what was damaged, nil if nothing was
}

// waiting notes that the server asks for quiet.
func (r *syncRun) waiting(d time.Duration) {
	until := r.now().Add(d)
	r.quietTo.Store(&until)
}

// line is the progress line.
func (r *syncRun) line(elapsed time.Duration) string {
	if f := r.indexing.Load(); f != nil {
		return f.line(elapsed)
	}
	var p sync.Progress
	if last := r.progress.Load(); last != nil {
		p = *last
	}
	if until := r.quietTo.Load(); until != nil {
		p.Waiting = max(until.Sub(r.now()), 0)
	}
	return syncLine(p, elapsed)
}

// syncLine says how far a run is: what was archived, how fast, how long it will take.
func syncLine(p sync.Progress, elapsed time.Duration) string {
	items := p.Messages + p.Comments
	if p.ChannelsTotal == 0 && p.Waiting == 0 {
		return "sync: asking the server for its channels"
	}
	parts := []string{fmt.Sprintf("sync: %s of %s", count(p.ChannelsDone), counted(p.ChannelsTotal, "channel"))}
	left := timeLeft(int64(p.ChannelsDone), int64(p.ChannelsTotal), elapsed)
	switch {
	case p.Waiting > 0:
		parts = append(parts, "waiting "+about(p.Waiting)+" as the server asks")
	case left > 0:
		parts = append(parts, "about "+about(left)+" left")
	}
	parts = append(parts, counted(items, "message"))
	if rate := perSecond(items, elapsed); rate > 0 && p.Waiting == 0 {
		parts = append(parts, count(rate)+"/s")
	}
	if p.Files > 0 {
		parts = append(parts, counted(p.Files, "file"))
	}
	return strings.Join(append(parts, size(p.Bytes)), ", ")
}

// syncReport is what `sync --json` ends with.
type syncReport struct {
	*sync.Result
	Repaired *storage.Repaired `json:"repaired,omitzero"` // of a full run: what was damaged
	Error    *failure          `json:"error,omitzero"`
}

// syncFailure is the outcome of a run that did not get as far as the server.
func syncFailure(f failure) syncReport {
	outcome := sync.Failed
	if f.Code == exits[exitInterrupted].name {
		outcome = sync.Interrupted
	}
	return syncReport{Result: &sync.Result{Outcome: outcome, Problems: []sync.Problem{}}, Error: &f}
}

// report prints how the run ended and gives the error that sets the exit code.
func (r *syncRun) report(ctx context.Context, archive *storage.Archive, result *sync.Result, err error) error {
	err = r.classify(result, err)
	if left := r.repairError(); left != nil && (err == nil || errors.Is(err, errIncomplete)) {
		err = left
	}
	if r.ui.json {
		r.answered = true
		o := syncReport{Result: result, Repaired: r.repaired}
		if err != nil {
			f := failureOf(ctx, err)
			o.Error = &f
		}
		return errors.Join(err, r.ui.object(o))
	}
	return errors.Join(err, r.printRepair(), r.print(result), r.printProblems(ctx, archive, result.Problems))
}

// classify turns how the run ended into the error that sets the exit code; nil is a complete run.
func (r *syncRun) classify(result *sync.Result, err error) error {
	var server *teamchat.Error
	if errors.As(err, &server) {
		err = explainServer(err, server)
		if server.Temporary() && result.ChannelsCompleted > 0 {
			return fmt.Errorf("%w: %w", errIncomplete, err)
		}
	}
	switch {
	case errors.Is(err, storage.ErrDamaged):
		return withHint(err, "keep a copy of the directory; archiver sync --full repairs what can be repaired, and fetches again what the server still has")
	case err != nil:
		return err
	case result.Outcome == sync.Interrupted:
		return context.Canceled
	case result.Outcome == sync.Incomplete:
		err := fmt.Errorf("%w: %s", errIncomplete, counted(len(result.Problems), "problem"))
		return withHint(err, "the next run retries what is missing; archiver status lists it")
	case result.Outcome != sync.Complete:
		return errors.New("the run failed")
	}
	return nil
}

// explainServer adds to an error of the server what can be done about it.
func explainServer(err error, server *teamchat.Error) error {
	switch {
	case server.LoginRefused():
		return withHint(err, "check the username and ARCHIVER_PASSWORD, or what the configuration names for the password")
	case errors.Is(err, teamchat.ErrWait):
		return withHint(err, "a run after that time goes on where this one stopped; --max-duration and sync.max_wait say how long a run may wait")
	case server.Status == 0:
		return withHint(err, "is the server's URL right, and the server up? the next run goes on where this one stopped")
	case server.Code == "":
		return withHint(err, "does the server's URL lead to TeamChat? its API is expected at <url>/teamchatapi/")
	}
	return err
}

// print writes the outcome for people, in one line.
func (r *syncRun) print(result *sync.Result) error {
	parts := []string{counted(result.Channels, "channel"), counted(result.MessagesNew, "new message")}
	for _, n := range []struct {
		n    int
		what string
	}{
		{result.CommentsNew, "new comment"}, {result.VersionsNew, "new version"},
		{result.DeletionsNew, "deletion"}, {result.FilesNew, "new file"},
	} {
		if n.n > 0 {
			parts = append(parts, counted(n.n, n.what))
		}
	}
	took := r.now().Sub(r.started).Round(100 * time.Millisecond)
	return r.ui.printf("%s: %s; %s, %s received, %s\n", result.Outcome, strings.Join(parts, ", "),
		counted(result.Requests, "request"), size(result.BytesDownloaded), took)
}

// printProblems lists what is missing.
func (r *syncRun) printProblems(ctx context.Context, archive *storage.Archive, problems []sync.Problem) error {
	if len(problems) == 0 {
		return nil
	}
	rows := make([]table.Row, 0, len(problems))
	for _, p := range problems {
		id, _, _ := strings.Cut(p.Where, "/")
		name := "(the run)"
		if c, err := archive.Channel(context.WithoutCancel(ctx), id); id != "" && err == nil {
			name = c.Name
		}
		rows = append(rows, table.Row{printable(name), printable(p.Where), printable(p.What)})
	}
	return r.ui.table(table.Row{"channel", "where", "what is missing"}, rows)
}
