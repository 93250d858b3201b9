package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"

	"github.com/go-json-experiment/json/jsontext"
	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/urfave/cli/v2"
)

// shownRuns is how many of the last runs status shows.
const shownRuns = 10

func statusCommand() command {
	return command{
		name: "status", reader: true, run: runStatus,
		summary: "say what is archived, what is missing, and how the last runs went",
		about: `
Lists each channel with what is archived of it, from when to when, its known gaps, its debts (threads and files that are
still to be read) and when it was last read again as a whole; the files that could not be had, and those whose text search
does not find, or not all of it; the last runs; the state of the search index; sizes. Reads the archive only, never the server.`,
		examples: []string{
			"archiver status",
			`archiver status --json | jq '.channels[] | select(.debts > 0 or .gaps != [])'`,
		},
		exits: readerExits,
	}
}

// statusReport is `status --json`.
type statusReport struct {
	Archive  archiveStatus   `json:"archive"`
	Channels []channelStatus `json:"channels"`
	Files    fileStatus      `json:"files"`
	Runs     []runLine       `json:"runs"`
	Index    indexStatus     `json:"index"`
	Texts    textStatus      `json:"texts"` // inside files

	Repairs []storage.Repaired `json:"repairs,omitzero"` // damage that was met, oldest first
}

type archiveStatus struct {
	Dir      string           `json:"dir"`
	ID       string           `json:"id"`
	Change   uint64           `json:"change"` // number of the newest entry
	FileSize int64            `json:"file_size"`
	InUse    int64            `json:"in_use"` // bytes of archive.db that hold data
	Blobs    int64            `json:"blobs"`  // bytes of file contents
	Buckets  []storage.Bucket `json:"buckets"`
	Log      storage.Log      `json:"log"`
}

type channelStatus struct {
	ID       string                 `json:"id"`
	Name     string                 `json:"name"`
	State    record.ChannelPresence `json:"state"`
	Messages int                    `json:"messages"`
	Comments int                    `json:"comments"`
	Deleted  int                    `json:"deleted"`
	First    record.TS              `json:"first"` // of main messages
	Last     record.TS              `json:"last"`
	Gaps     []record.Interval      `json:"gaps"`
	Debts    int                    `json:"debts"`
	Audited  string                 `json:"audited"` // since when all of it was read again: RFC 3339, "" for never
	Missing  int                    `json:"missing"` // messages that the last read did not show, not proven gone yet
}

type fileStatus struct {
	Stored  int           `json:"stored"`
	Pending int           `json:"pending"`
	Gone    int           `json:"gone"`
	Refused int           `json:"refused"`
	Missing []missingFile `json:"missing"` // those that are not stored
}

type missingFile struct {
	Channel   string              `json:"channel"`
	ID        string              `json:"id"`
	Name      string              `json:"name"`
	State     record.FilePresence `json:"state"`
	Reason    string              `json:"reason"`
	Tries     int                 `json:"tries,omitzero"`      // of a pending one, failed
	NotBefore string              `json:"not_before,omitzero"` // likewise: not asked for again earlier
}

type runLine struct {
	ID       uint64         `json:"id"`
	Started  string         `json:"started"`
	Finished string         `json:"finished"` // "" while it runs, and when it was killed
	Outcome  string         `json:"outcome"`
	Summary  jsontext.Value `json:"summary,omitzero"` // the outcome object of sync
}

type indexStatus struct {
	State  string `json:"state"` // current, behind, none, damaged, another version, in use
	Behind uint64 `json:"behind"`
	index.Status
}

// gatherStatus asks the archive and the index for all that status shows.
func gatherStatus(ctx context.Context, e *env, a *storage.Archive, c *cli.Context) (*statusReport, error) {
	stats, err := a.Stats(ctx)
	if err != nil {
		return nil, err
	}
	s := &statusReport{
		Archive: archiveStatus{Dir: a.Dir(), ID: a.ID(), Change: a.Change(), FileSize: stats.FileSize, InUse: stats.InUse,
			Blobs: stats.Blobs, Buckets: stats.Buckets},
	}
	if s.Archive.Log, err = a.Log(ctx); err != nil && !errors.Is(err, storage.ErrDamaged) {
		return nil, err
	}
	if s.Repairs, err = a.Repairs(ctx); err != nil {
		return nil, err
	}
	return s, errors.Join(s.addChannels(ctx, a), s.addRuns(ctx, a), s.addIndex(ctx, e, c), s.addTexts(ctx, e, a, c))
}

func runStatus(ctx context.Context, e *env, c *cli.Context) (err error) {
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	s, err := gatherStatus(ctx, e, a, c)
	if err != nil {
		return err
	}
	if e.ui.json {
		return e.ui.object(s)
	}
	return s.print(e.ui)
}

func (s *statusReport) addChannels(ctx context.Context, a *storage.Archive) error {
	debts, err := a.Debts(ctx, "")
	if err != nil {
		return err
	}
	byChannel := make(map[string][]storage.Debt)
	for _, d := range debts {
		byChannel[d.Channel] = append(byChannel[d.Channel], d)
	}
	for c, err := range a.Channels(ctx, 0) {
		if err != nil {
			return err
		}
		status, err := channelState(ctx, a, c)
		if err != nil {
			return err
		}
		status.Debts = len(byChannel[c.ID])
		s.Channels = append(s.Channels, status)
		if err := s.Files.add(ctx, a, c.ID, byChannel[c.ID]); err != nil {
			return err
		}
	}
	return nil
}

func channelState(ctx context.Context, a *storage.Archive, c *record.Channel) (channelStatus, error) {
	totals, err := a.Totals(ctx, c.ID)
	if err != nil {
		return channelStatus{}, err
	}
	coverage, err := a.Coverage(ctx, c.ID)
	if err != nil {
		return channelStatus{}, err
	}
	marks, err := a.Missing(ctx, c.ID)
	if err != nil {
		return channelStatus{}, err
	}
	return channelStatus{
		ID: c.ID, Name: c.Name, State: c.State,
		Messages: totals.Messages, Comments: totals.Comments, Deleted: totals.Deleted, First: totals.First, Last: totals.Last,
		Gaps: gaps(c.State, coverage.Proven), Audited: stamp(coverage.Audited()), Missing: len(marks[c.ID]),
	}, nil
}

// add counts the files of a channel. One that is owed is pending, whatever else is known of it.
func (f *fileStatus) add(ctx context.Context, a *storage.Archive, channel string, debts []storage.Debt) error {
	owed := make(map[string]storage.Debt)
	for _, d := range debts {
		if d.Kind == storage.DebtFile {
			owed[d.Key] = d
		}
	}
	for file, err := range a.Files(ctx, channel, 0) {
		if err != nil {
			return err
		}
		if debt, owes := owed[file.ID]; owes {
			f.addPending(file.Name, debt)
			delete(owed, file.ID)
			continue
		}
		f.addKnown(channel, file)
	}
	for _, id := range slices.Sorted(maps.Keys(owed)) {
		f.addPending("", owed[id])
	}
	return nil
}

// addKnown counts a file that is not owed.
func (f *fileStatus) addKnown(channel string, file *record.File) {
	switch file.State {
	case record.FileStored:
		f.Stored++
		return
	case record.FilePending:
		f.Pending++
	case record.FileGone:
		f.Gone++
	case record.FileRefused:
		f.Refused++
	}
	f.Missing = append(f.Missing, missingFile{Channel: channel, ID: file.ID, Name: file.Name, State: file.State, Reason: file.Reason})
}

func (f *fileStatus) addPending(name string, d storage.Debt) {
	f.Pending++
	f.Missing = append(f.Missing, missingFile{
		Channel: d.Channel, ID: d.Key, Name: name, State: record.FilePending,
		Reason: firstNonEmpty(d.Reason, "not fetched yet"), Tries: d.Tries, NotBefore: stamp(d.NotBefore),
	})
}

func (s *statusReport) addRuns(ctx context.Context, a *storage.Archive) error {
	runs, err := a.Runs(ctx, shownRuns)
	for _, r := range runs {
		s.Runs = append(s.Runs, runLine{r.ID, stamp(r.Started), stamp(r.Finished), r.Outcome, jsontext.Value(r.Summary)})
	}
	return err
}

// stamp is a time in JSON, "" for none.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// addIndex describes the search index. That there is none, or that it is broken, is an answer.
func (s *statusReport) addIndex(ctx context.Context, e *env, c *cli.Context) error {
	ix, err := e.openIndex(ctx, c)
	if err == nil {
		s.Index.Status, err = ix.Status(ctx)
		err = errors.Join(err, ix.Close())
	}
	s.Index.Behind = s.Archive.Change - min(s.Index.Change, s.Archive.Change)
	switch {
	case err == nil && s.Index.Behind == 0:
		s.Index.State = "current"
	case err == nil:
		s.Index.State = "behind"
	case errors.Is(err, index.ErrNone):
		s.Index.State = "none"
	case errors.Is(err, index.ErrMapping):
		s.Index.State = "another version"
	case errors.Is(err, index.ErrInUse):
		s.Index.State = "in use"
	case errors.Is(err, index.ErrDamaged):
		s.Index.State = "damaged"
	default:
		return err
	}
	return nil
}

func (s *statusReport) print(u *ui) error {
	err := u.printf("archive  %s\n         %s in archive.db (%s in use), %s in files, change %s, id %s\nlog      %s\nindex    %s\nfiles    %s stored, %s pending, %s gone, %s refused\n",
		s.Archive.Dir, size(s.Archive.FileSize), size(s.Archive.InUse), size(s.Archive.Blobs), count(s.Archive.Change), s.Archive.ID, describeLog(s.Archive.Log), s.Index.describe(),
		count(s.Files.Stored), count(s.Files.Pending), count(s.Files.Gone), count(s.Files.Refused))
	for _, r := range s.Repairs {
		err = errors.Join(err, u.printf("damage   found on %s: %s\n", stamp(r.Time), damageLine(&r)))
	}
	return errors.Join(err, s.Texts.print(u), s.printChannels(u), s.printMissing(u), s.Texts.printFiles(u), s.printRuns(u))
}

func describeLog(l storage.Log) string {
	switch {
	case l.Signed == 0:
		return counted(l.Size, "commit") + ", no checkpoint signed yet"
	case l.Signed < l.Size:
		return fmt.Sprintf("%s, signed up to %s", counted(l.Size, "commit"), count(l.Signed))
	}
	return counted(l.Size, "commit") + ", all signed"
}

func (i indexStatus) describe() string {
	switch i.State {
	case "current":
		return fmt.Sprintf("current: %s, %s", counted(i.Messages, "message"), size(i.Bytes))
	case "behind":
		return fmt.Sprintf("behind by %s; the next sync catches up", counted(i.Behind, "change"))
	case "in use":
		return "in use by another process"
	}
	return i.State + "; archiver index rebuild makes it anew"
}

func (s *statusReport) printChannels(u *ui) error {
	if len(s.Channels) == 0 {
		return u.printf("\nno channel is archived yet\n")
	}
	rows := make([]table.Row, 0, len(s.Channels))
	for _, c := range s.Channels {
		rows = append(rows, table.Row{
			printable(c.Name), c.State, count(c.Messages), count(c.Comments), day(c.First), day(c.Last),
			len(c.Gaps), c.Debts, firstNonEmpty(c.Audited, "never"), c.ID,
		})
	}
	header := table.Row{"channel", "state", "messages", "comments", "first", "last", "gaps", "debts", "audited", "id"}
	return errors.Join(u.printf("\n"), u.table(header, rows, rightAligned("messages", "comments", "gaps", "debts")...))
}

func rightAligned(columns ...string) []table.ColumnConfig {
	var configs []table.ColumnConfig
	for _, name := range columns {
		configs = append(configs, table.ColumnConfig{Name: name, Align: text.AlignRight, AlignHeader: text.AlignRight})
	}
	return configs
}

func day(ts record.TS) string {
	if ts == "" {
		return ""
	}
	return ts.Time().Format(time.DateOnly)
}

func (s *statusReport) printMissing(u *ui) error {
	if len(s.Files.Missing) == 0 {
		return nil
	}
	rows := make([]table.Row, 0, len(s.Files.Missing))
	for _, f := range s.Files.Missing {
		reason := f.Reason
		if f.NotBefore != "" {
			reason += "; asked for again from " + f.NotBefore + " on"
		}
		rows = append(rows, table.Row{printable(f.Name), f.State, printable(reason), f.Channel + "/" + f.ID})
	}
	return errors.Join(u.printf("\n"), u.table(table.Row{"file not stored", "state", "reason", "id"}, rows))
}

func (s *statusReport) printRuns(u *ui) error {
	if len(s.Runs) == 0 {
		return nil
	}
	rows := make([]table.Row, 0, len(s.Runs))
	for _, r := range s.Runs {
		rows = append(rows, table.Row{r.ID, r.Started, r.Finished, r.Outcome})
	}
	return errors.Join(u.printf("\n"), u.table(table.Row{"run", "started", "finished", "outcome"}, rows))
}
