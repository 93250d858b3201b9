package main

import (
	"context"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"sync/atomic"
	"time"

	"archiver/internal/reconcile"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

// live is the part of `verify --live` that talks to the server.
type live struct {
	*env
	client   *teamchat.Client
	options  reconcile.Options
	path     string // of --csv, "" without it
	csv      *os.File
	progress atomic.Pointer[reconcile.Progress]
}

// newLive checks what the comparison needs, before anything is read.
func (e *env) newLive(ctx context.Context, c *cli.Context, sample float64) (*live, error) {
	if _, err := e.archiveDir(); err != nil {
		return nil, err
	}
	l := &live{env: e, path: c.String("csv")}
	client, err := e.newClient(ctx, teamchat.Options{})
	if err != nil {
		return nil, err
	}
	l.client = client
	seed := c.Uint64("seed")
	if !c.IsSet("seed") {
		seed = uint64(uint32(e.now().UnixNano()))
	}
	l.options = reconcile.Options{
		Client: client, Exclude: e.cfg.Sync.ExcludeChannels, Sample: sample, Seed: seed,
		PageSize: e.cfg.Sync.PageSize, Concurrency: e.cfg.Sync.Concurrency,
		Progress: func(p reconcile.Progress) { l.progress.Store(&p) },
	}
	if l.path == "" {
		return l, nil
	}
	if l.csv, err = os.CreateTemp(filepath.Dir(l.path), ".archiver-*.csv"); err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	return l, nil
}

// close removes what was not finished, and logs out.
func (l *live) close(ctx context.Context) {
	if l.csv != nil {
		l.csv.Close()
		os.Remove(l.csv.Name())
	}
	closeClient(ctx, l.client)
}

// run compares the archive with the server.
func (l *live) run(ctx context.Context, a *storage.Archive) (*reconcile.Report, error) {
	l.options.Archive = a
	stop := l.ui.watch(l.line)
	report, err := reconcile.Run(ctx, l.options)
	stop()
	if err != nil || l.csv == nil {
		return report, err
	}
	if err := errors.Join(writeReconciliation(l.csv, report), l.csv.Sync(), l.csv.Close()); err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	if err := os.Rename(l.csv.Name(), l.path); err != nil {
		return nil, fmt.Errorf("--csv: %w", err)
	}
	l.csv = nil
	return report, nil
}

// line is the progress line.
func (l *live) line(time.Duration) string {
	p := l.progress.Load()
	if p == nil {
		return "verify: asking the server"
	}
	return fmt.Sprintf("verify: %s of %s compared, %s", count(p.ChannelsDone), counted(p.ChannelsTotal, "channel"), counted(p.Messages, "message"))
}

// incompleteLive is the error of a comparison that found something missing that is not new.
func incompleteLive(r *reconcile.Report) error {
	if r == nil || r.Complete {
		return nil
	}
	return withHint(fmt.Errorf("%w: %s of which something is missing, or could not be read", errIncomplete, counted(r.Totals.Incomplete, "channel")),
		"archiver sync fetches what is missing, archiver sync --full also what the archive takes for complete")
}

// writeReconciliation writes the report as CSV (RFC 4180). A number that is not known is an empty cell.
func writeReconciliation(w io.Writer, r *reconcile.Report) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true
	err := out.Write([]string{"channel_id", "channel_name", "source_messages", "archived_messages", "difference",
		"source_comments", "archived_comments", "source_files", "archived_files", "sampled", "differing", "explanation"})
	for _, row := range r.Channels {
		err = errors.Join(err, out.Write([]string{
			row.ChannelID, row.ChannelName, known(row.SourceMessages), strconv.Itoa(row.ArchivedMessages), differenceCell(row, ""),
			known(row.SourceComments), strconv.Itoa(row.ArchivedComments), known(row.SourceFiles), strconv.Itoa(row.ArchivedFiles),
			strconv.Itoa(row.Sampled), strconv.Itoa(row.Differing), row.Explanation,
		}))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

// known is a number, or nothing where it is not known.
func known(n int) string {
	if n < 0 {
		return ""
	}
	return strconv.Itoa(n)
}

// differenceCell is that of a row, or unknown where the server was not counted.
func differenceCell(row reconcile.Row, unknown string) string {
	if row.SourceMessages < 0 {
		return unknown
	}
	return strconv.Itoa(row.Difference)
}

// printLive shows the comparison to people: a row a channel, source against archived.
func printLive(u *ui, r *reconcile.Report) error {
	against := func(source, archived int) string {
		if source < 0 {
			return "? / " + count(archived)
		}
		return count(source) + " / " + count(archived)
	}
	rows := make([]table.Row, 0, len(r.Channels))
	for _, c := range r.Channels {
		rows = append(rows, table.Row{
			printable(firstNonEmpty(c.ChannelName, c.ChannelID)), against(c.SourceMessages, c.ArchivedMessages), differenceCell(c, "?"),
			against(c.SourceComments, c.ArchivedComments), against(c.SourceFiles, c.ArchivedFiles),
			fmt.Sprintf("%d / %d", c.Sampled, c.Differing), printable(firstNonEmpty(c.Explanation, "equal")),
		})
	}
	err := u.printf("\nlive server / archive, as of %s; sample / differing, seed %d\n", r.Began.Format(time.RFC3339), r.Seed)
	err = errors.Join(err, u.table(table.Row{"channel", "messages", "difference", "comments", "files", "sample", "explanation"}, rows))
	return errors.Join(err, u.printf("\n%s compared; %s\n", counted(len(r.Channels), "channel"), verdict(r)))
}

// verdict is the comparison in a sentence.
func verdict(r *reconcile.Report) string {
	isNew := func(s reconcile.Reason) bool { return s.Kind == reconcile.New }
	switch {
	case !r.Complete:
		return "something is missing that is not new, or could not be read"
	case slices.ContainsFunc(r.Channels, func(c reconcile.Row) bool { return slices.ContainsFunc(c.Reasons, isNew) }):
		return "everything that is missing is new since the last sync"
	}
	return "nothing is missing"
}
