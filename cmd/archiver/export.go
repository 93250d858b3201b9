package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"archiver/internal/export"
	"archiver/internal/loadfile"
	"archiver/internal/merkle"
	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

func exportCommand() command {
	return command{
		name: "export", args: "[QUERY]", reader: true, run: runExport,
		summary: "hand over a selection of the archive as a bundle",
		about: `
Writes the messages that a query and the flags select, with their channels, people and files, into a new directory: one
folder a format, every file once, reports, and a custody record. The directory is a BagIt bag with the digests of everything,
and signed with the archive's key; archiver verify checks it without the archive. Without a query and flags it is the
whole archive. The selection is frozen at one change number, also while a sync goes on. Each export gets a number, which
is kept beside the archive.

Without the archive's key (signing.key_file) the bundle is whole, but not signed; the export then says so and ends 3.

reports/statistics.csv is the search-term report: what the query hits in messages, in slices, and in slices with their files,
in all, by custodian and by channel. With --terms it has that for each query of a file, and what only that one hits.

--duplicates compares with earlier exports and names in reports/duplicates.csv what they hold as well; --exclude-duplicates
leaves it out. What the archive has learnt more of since stays.

--preview counts what would be exported, with the search-term report and the comparison, and writes nothing.`,
		examples: []string{
			"archiver export --preview --since 2016-01-01 --until 2017-01-01",
			"archiver export --output case-7 --user ann@example.com '\"quarterly report\" OR turnover'",
			"archiver export --format ndjson --channel general --output general",
			"archiver export --terms terms.txt --output case-8 --since 2018-01-01 'merger OR acquisition'",
			"archiver export --exclude-duplicates --output case-7-new 'turnover'",
			"archiver export --reproduce EXP-2026-000001 --output again",
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitIncomplete, exitNoArchive, exitInUse, exitDamage, exitNewer, exitInterrupted, exitTerminated},
		flags: slices.Concat(selectionFlags(), duplicateFlags(), custodyFlags(), deliveryFlags(), []cli.Flag{
			&cli.StringSliceFlag{Name: "format", Usage: "`FORMAT`: " + strings.Join(export.Formats(), ", ") + "; repeatable", DefaultText: strings.Join(export.DefaultFormats(), ", ")},
			&cli.StringFlag{Name: "output", Usage: "make the directory `PATH`, which must not exist yet", DefaultText: "the export's number"},
			boolFlag("preview", "count what would be exported"),
			&cli.StringFlag{Name: "reproduce", Usage: "make the export with the number `ID` again"},
			&cli.StringFlag{Name: "context", Usage: "export what stands around each hit as well, marked as context: its `thread`, its day, or N messages before and after"},
			&cli.StringFlag{Name: "terms", Usage: "count in reports/statistics.csv what every query in `FILE` hits, one a line; - is standard input"},
			&cli.StringFlag{Name: "slice", Usage: "`UNIT` of a conversation that becomes one document: " + units(), Value: string(export.UnitDay)},
			&cli.StringFlag{Name: "mail", Usage: "what becomes one mail of format eml: each `message`, or each slice", Value: export.MailMessage},
			&cli.StringFlag{Name: "bates", Usage: "begin the numbers of a production with `PREFIX`", Value: export.DefaultBates},
			&cli.StringFlag{Name: "fields", Usage: "a production's load file has the fields of `PROFILE`: " + strings.Join(loadfile.Builtin(), ", ") + ", or a file of your own", Value: export.DefaultFields},
			&cli.StringFlag{Name: "volume-size", Usage: "divide the bundle into volumes, each a bag, of at most `SIZE`, as in 4GiB", DefaultText: "one bag"},
			&cli.StringFlag{Name: "rsmf-version", Usage: "`VERSION` of format rsmf: 2, or 1 for platforms that know no other", Value: export.RSMFVersion2},
			boolFlag("rsmf-raw-utf8-headers", "names in headers of RSMF as UTF-8 (RFC 6532) instead of encoded words"),
		}),
	}
}

func runExport(ctx context.Context, e *env, c *cli.Context) (err error) {
	job, err := e.newExportJob(c)
	if err != nil {
		return err
	}
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	if err := e.fillJob(ctx, c, a, &job); err != nil {
		return err
	}
	source, err := e.sourceOf(ctx, c, a, &job)
	if err != nil {
		return err
	}
	if c.Bool("preview") {
		return e.previewExport(ctx, job, source)
	}
	public, err := a.PublicKey(ctx)
	if err != nil {
		return err
	}
	limitMemory(softMemoryExport)
	if job.state, err = source.State(ctx); err != nil {
		return err
	}
	custody, key, why := e.handover(c, public)
	job.custody, job.key = custody, key
	if err := e.writeExport(ctx, job, source); err != nil || why == nil {
		return err
	}
	return unsigned(why)
}

func (e *env) previewExport(ctx context.Context, job exportJob, source *source) error {
	progress, stop := e.watchExport()
	summary, err := export.Preview(ctx, export.Options{Rendering: job.rendering, Now: e.now, Progress: progress}, job.selection, source)
	stop()
	if err != nil {
		return err
	}
	return e.reportExport(summary, delivered{})
}

// watchExport shows how far an export has come, as it is told, until stop.
func (e *env) watchExport() (progress func(export.Progress), stop func()) {
	var last atomic.Pointer[export.Progress]
	stop = e.ui.watch(func(time.Duration) string { return exportLine(last.Load()) })
	return func(p export.Progress) { last.Store(&p) }, stop
}

// sourceOf gives what the job selects, frozen.
func (e *env) sourceOf(ctx context.Context, c *cli.Context, a *storage.Archive, job *exportJob) (*source, error) {
	_, stop := e.watchExport()
	defer stop()
	if job.frozen != nil {
		return e.reopenSource(ctx, c, a, job)
	}
	s, err := e.openSource(ctx, c, a, job)
	if err != nil {
		return nil, err
	}
	job.frozen, err = s.frozen()
	return s, err
}

// exportJob is an export that is to be made. Its id is given when it begins, unless it is made again.
type exportJob struct {
	id        string
	selection export.Selection
	rendering export.Rendering
	formats   []string
	output    string
	ledger    export.Ledger
	delivery  delivery
	terms     termList
	frozen    []byte // that the ledger keeps
	custody   export.Custody
	state     export.State
	key       *merkle.Key // nil leaves the export unsigned
}

// newExportJob reads what the command line says without looking at an archive.
func (e *env) newExportJob(c *cli.Context) (job exportJob, err error) {
	job.output = c.String("output")
	if job.delivery, err = e.newDelivery(c); err != nil {
		return job, err
	}
	if err := parseContext(c.String("context")); err != nil {
		return job, err
	}
	if job.rendering, err = exportRendering(c); err != nil {
		return job, err
	}
	if job.terms.name = c.String("terms"); job.terms.name != "" {
		if job.terms.list, err = e.readTerms("--terms", job.terms.name); err != nil {
			return job, err
		}
	}
	job.formats, err = exportFormats(c.StringSlice("format"))
	return job, err
}

// fillJob looks up what the job selects.
func (e *env) fillJob(ctx context.Context, c *cli.Context, a *storage.Archive, job *exportJob) (err error) {
	job.ledger = export.Ledger{Path: filepath.Join(a.Dir(), "ledger.db")}
	if id := c.String("reproduce"); id != "" {
		return job.again(c, a, id)
	}
	if job.selection, err = e.exportSelection(ctx, c, a); err != nil {
		return err
	}
	return compareWith(c, job.ledger, &job.selection)
}

// again makes the job that of an earlier export.
func (job *exportJob) again(c *cli.Context, a *storage.Archive, id string) error {
	for _, flag := range []string{"since", "until", "channel", "user", "tz", "format", "context", "terms", "slice", "mail", "rsmf-raw-utf8-headers", "rsmf-version", "bates", "fields", "volume-size", "duplicates", "exclude-duplicates"} {
		if c.IsSet(flag) {
			return errReproduceAlone("--" + flag)
		}
	}
	if c.NArg() > 0 {
		return errReproduceAlone("the query")
	}
	made, kept, err := madeOf(job.ledger, a.ID(), id)
	if err != nil {
		return err
	}
	job.frozen = kept
	job.id, job.selection, job.rendering, job.formats = id, made.Selection, made.Rendering, made.Formats
	return nil
}

func errReproduceAlone(what string) error {
	return &usageError{"--reproduce selects what the export selected, and takes no other selection", "leave out " + what}
}

// writeExport makes the bundle and records it in the ledger.
func (e *env) writeExport(ctx context.Context, job exportJob, source *source) error {
	o := export.Options{
		ID: job.id, Formats: job.formats, Rendering: job.rendering, Highlight: source.highlight,
		Custody: job.custody, State: job.state, Key: job.key, Generator: programName + " " + buildInfo().Version, Now: e.now, Logger: e.ui.logger(),
	}
	made := export.Made{
		Selection: job.selection, Rendering: job.rendering, Formats: job.formats, Generator: o.Generator, Output: job.output, Started: e.now().UTC(),
	}
	if o.ID == "" {
		id, err := job.ledger.Begin(made, job.frozen)
		if err != nil {
			return err
		}
		o.ID = id
	}
	output, err := filepath.Abs(firstNonEmpty(job.output, o.ID))
	if err != nil {
		return err
	}
	o.Output = output
	o.Reserve = func(prefix string, n int64) (int64, error) { return job.ledger.Reserve(prefix, o.ID, n) }
	if job.id == "" {
		o.Keep = func(documents map[string][]export.Document) error { return job.ledger.Keep(o.ID, documents) }
	}
	progress, stop := e.watchExport()
	o.Progress = progress
	summary, err := export.Write(ctx, o, job.selection, source)
	stop()
	switch {
	case errors.Is(err, export.ErrExists):
		return withHint(err, "--output names a directory that does not exist yet")
	case err != nil:
		return err
	}
	if job.id == "" {
		err = job.ledger.Finish(summary.ID, summary.Manifest, summary.Finished)
	}
	done, failed := job.delivery.do(ctx, output)
	return errors.Join(err, failed, e.reportExport(summary, done))
}

func exportLine(p *export.Progress) string {
	if p == nil {
		return "export: selecting"
	}
	line := "export: " + counted(p.Messages, "message")
	if p.Files > 0 {
		line += fmt.Sprintf(", %s (%s)", counted(p.Files, "file"), size(p.Bytes))
	}
	if rate := int64(p.Rate()); rate > 0 {
		line += ", " + counted(rate, "message") + "/s"
	}
	if left := timeLeft(p.Messages, p.Total, p.Elapsed); left > 0 {
		line += ", about " + about(left) + " left"
	}
	return line
}

func (e *env) reportExport(s *export.Summary, done delivered) error {
	if e.ui.json {
		e.answered = true
		return e.ui.object(struct {
			*export.Summary
			delivered
		}{s, done})
	}
	return errors.Join(printExport(e.ui, s), done.print(e.ui))
}

// printExport says what an export holds.
func printExport(u *ui, s *export.Summary) error {
	where := "preview, nothing was written\n"
	if s.Output != "" {
		where = fmt.Sprintf("export   %s, %s\nin       %s (%s)\nbag      sha256 %s of %s\nsigned   %s\n", s.ID, strings.Join(s.Formats, ", "),
			s.Output, size(s.Written), s.Manifest, filepath.Base(export.Signed(s.Output)), firstNonEmpty(s.PublicKey, "NO"))
	}
	if s.Volumes > 0 {
		where += fmt.Sprintf("volumes  %d, each a bag\n", s.Volumes)
	}
	n := s.Counts
	err := u.printf("%sholds    %s, %s, %s, %s (%s), as of change %s\n", where, counted(n.Messages, "message"), counted(n.Comments, "comment"),
		counted(n.Versions, "version"), counted(n.Contents, "file"), size(n.Bytes), count(s.Selection.Change))
	if d := s.Duplicates; d != nil {
		err = errors.Join(err, u.printf("earlier  %s left out, %s here are in %s as well, %s in an older state\n", counted(d.LeftOut, "message"),
			count(d.Messages), counted(len(d.Exports), "earlier export"), count(d.Older)))
	}
	if s.First != "" {
		err = errors.Join(err, u.printf("from     %s to %s\n", s.First, s.Last))
	}
	return errors.Join(err, printExportCounts(u, s), printTerms(u, s.Terms), printNotes(u, "known to be missing from the archive", s.Notes),
		printNotes(u, "not exported", s.Exceptions))
}

// shownCounts is how many channels and people are listed for people; JSON has all of them.
const shownCounts = 20

func printExportCounts(u *ui, s *export.Summary) error {
	var channels, people []table.Row
	for _, c := range s.Channels[:min(len(s.Channels), shownCounts)] {
		channels = append(channels, table.Row{printable(c.Name), count(c.Messages), count(c.Comments), day(c.First), day(c.Last)})
	}
	busiest := slices.SortedStableFunc(slices.Values(s.Custodians), func(a, b export.UserCount) int { return cmp.Compare(b.Messages, a.Messages) })
	for _, p := range busiest[:min(len(busiest), shownCounts)] {
		people = append(people, table.Row{printable(p.Name), count(p.Messages), printable(p.ID)})
	}
	var err error
	if len(channels) > 0 {
		err = errors.Join(u.printf("\n"), u.table(table.Row{"channel", "messages", "comments", "first", "last"}, channels, rightAligned("messages", "comments")...),
			andMore(u, len(s.Channels)))
	}
	if len(people) > 0 {
		err = errors.Join(err, u.printf("\n"), u.table(table.Row{"custodian", "messages", "id"}, people, rightAligned("messages")...),
			andMore(u, len(s.Custodians)))
	}
	return err
}

func andMore(u *ui, n int) error {
	if n <= shownCounts {
		return nil
	}
	return u.printf("and %s more; --json lists all\n", count(n-shownCounts))
}

func printNotes(u *ui, title string, notes []export.Note) error {
	if len(notes) == 0 {
		return nil
	}
	rows := make([]table.Row, 0, len(notes))
	for _, n := range notes {
		rows = append(rows, table.Row{printable(n.Where), printable(n.What)})
	}
	return errors.Join(u.printf("\n"), u.table(table.Row{"where", title}, rows))
}
