package doctor

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"time"

	"archiver/internal/index"
	"archiver/internal/record"
	"archiver/internal/storage"
)

// ArchiveOptions say which archive is examined.
type ArchiveOptions struct {
	Dir        string
	LockWait   time.Duration    // for a process that writes
	AuditDays  int              // within which everything is to be read again; 0 is no aim
	VerifyDays int              // within which all data is to be verified; 0 is no aim
	Now        func() time.Time // nil is time.Now
}

const (
	staleAfter = 48 * time.Hour // a complete run is due sooner
	lowSpace   = 2 << 30        // bytes left, or a tenth of what the archive takes where that is more
	noSpace    = 64 << 20       // bytes
	shownRuns  = 1000           // that are searched for a complete one
)

// Archive examines an archive directory, its index and the disk below, and passes on what it finds. The error is the
// context's.
func Archive(ctx context.Context, o ArchiveOptions, found func(Finding)) error {
	if o.Now == nil {
		o.Now = time.Now
	}
	x := &archive{findings: findings{found}, o: o}
	x.examine(ctx)
	return ctx.Err()
}

// archive is an examination under way.
type archive struct {
	findings
	o ArchiveOptions
	a *storage.Archive
}

func (x *archive) examine(ctx context.Context) {
	defer x.disk()
	if !x.open(ctx) {
		return
	}
	defer x.a.Close()
	for _, check := range []func(context.Context) error{x.channels, x.runs, x.audits, x.debts, x.signing, x.verified, x.index} {
		if err := check(ctx); err != nil && ctx.Err() == nil {
			x.fail("archive", err, "archiver verify names what is damaged")
			return
		}
	}
}

// open opens the archive. What storage warns of meanwhile, as of an unreadable anchor, is part of the finding.
func (x *archive) open(ctx context.Context) bool {
	const name = "archive"
	warnings := &collector{}
	a, err := storage.Open(ctx, x.o.Dir, storage.Options{
		ReadOnly: true, LockWait: x.o.LockWait, Logger: slog.New(warnings), Now: x.o.Now,
	})
	switch {
	case errors.Is(err, storage.ErrNoArchive):
		x.absent(name, err)
		return false
	case errors.Is(err, storage.ErrInUse):
		x.warn(name, err.Error(), "a sync is at work: run archiver doctor again when it has ended, or wait for it with --lock-wait 10m")
		return false
	case errors.Is(err, storage.ErrNewer):
		x.fail(name, err, "a newer archiver wrote it; use that one")
		return false
	case err != nil:
		x.fail(name, err, "keep a copy of the directory before anything else; archiver verify names what is damaged")
		return false
	}
	x.a = a
	detail := fmt.Sprintf("%s opens; it holds %d changes", x.o.Dir, a.Change())
	switch exposed, err := x.exposed(); {
	case err != nil:
		x.fail(name, err, "the directory has to be readable for the account that archives")
	case len(warnings.messages) > 0:
		x.warn(name, detail+"; "+strings.Join(warnings.messages, "; "), "the next sync writes it anew; if this comes back, check the disk, and whether something else writes into the directory")
	case exposed:
		x.warn(name, detail+"; other users of this machine may read it", "chmod -R go-rwx "+x.o.Dir)
	default:
		x.ok(name, "%s", detail)
	}
	return true
}

// absent says why there is no archive: not yet, or because something else is in its place.
func (x *archive) absent(name string, err error) {
	if storage.Vacant(x.o.Dir) {
		x.warn(name, "there is none yet in "+x.o.Dir, "archiver init or the first archiver sync makes it")
		return
	}
	x.fail(name, fmt.Errorf("%w, and the directory is not empty", err), "name a directory that is absent or empty, or the right one, with --archive or archive.dir")
}

// exposed tells whether others than the owner may look into the archive.
func (x *archive) exposed() (bool, error) {
	info, err := os.Stat(x.o.Dir)
	if err != nil {
		return false, err
	}
	return isExposed(info), nil
}

// collector gathers the messages of a log, from warnings on.
type collector struct{ messages []string }

func (*collector) Enabled(_ context.Context, level slog.Level) bool { return level >= slog.LevelWarn }

func (c *collector) Handle(_ context.Context, r slog.Record) error {
	c.messages = append(c.messages, r.Message)
	return nil
}

func (c *collector) WithAttrs([]slog.Attr) slog.Handler { return c }
func (c *collector) WithGroup(string) slog.Handler      { return c }

// channels says how many channels are archived, and in what state.
func (x *archive) channels(ctx context.Context) error {
	const name = "archived channels"
	states := map[record.ChannelPresence]int{}
	messages := 0
	for c, err := range x.a.Channels(ctx, 0) {
		if err != nil {
			return err
		}
		totals, err := x.a.Totals(ctx, c.ID)
		if err != nil {
			return err
		}
		states[c.State]++
		messages += totals.Messages + totals.Comments
	}
	detail := fmt.Sprintf("%s; %d present", counted(messages, "message"), states[record.ChannelPresent])
	for _, state := range []record.ChannelPresence{record.ChannelForbidden, record.ChannelGone, record.ChannelExcluded} {
		if n := states[state]; n > 0 {
			detail += fmt.Sprintf(", %d %s", n, state)
		}
	}
	if n := states[record.ChannelForbidden]; n > 0 {
		x.warn(name, detail, "the account may no longer read the forbidden ones: archiver status names them")
		return nil
	}
	x.ok(name, "%s", detail)
	return nil
}

// runs says how long ago all was archived.
func (x *archive) runs(ctx context.Context) error {
	const name = "last run"
	const cron = "let cron run archiver sync every hour or every night; archiver status shows how the last runs ended"
	runs, err := x.a.Runs(ctx, shownRuns)
	if err != nil {
		return err
	}
	if len(runs) == 0 {
		x.warn(name, "none yet", "archiver sync makes one")
		return nil
	}
	last := runs[0]
	detail := fmt.Sprintf("%s ago, %s", since(x.o.Now(), last.Started), outcome(last))
	for _, r := range runs {
		if r.Outcome != "complete" {
			continue
		}
		if r.ID != last.ID {
			detail += fmt.Sprintf("; the last complete one %s ago", since(x.o.Now(), r.Started))
		}
		if x.o.Now().Sub(r.Started) > staleAfter {
			x.warn(name, detail, cron)
			return nil
		}
		x.ok(name, "%s", detail)
		return nil
	}
	x.warn(name, detail+"; none was complete", "archiver sync names what it lacks; "+cron)
	return nil
}

func outcome(r storage.Run) string {
	if r.Finished.IsZero() {
		return "not ended: it is under way, or it was killed, which loses nothing"
	}
	return r.Outcome
}

// since is the time that has passed.
func since(now, then time.Time) string { return span(now.Sub(then)) }

// span is a time span to the unit that matters.
func span(d time.Duration) string {
	unit, noun := 24*time.Hour, "day"
	switch {
	case d < 2*time.Minute:
		unit, noun = time.Second, "second"
	case d < 2*time.Hour:
		unit, noun = time.Minute, "minute"
	case d < 48*time.Hour:
		unit, noun = time.Hour, "hour"
	}
	return counted(int(d.Round(unit)/unit), noun)
}

// audits says how long ago the messages were read for the last time that were not read for the longest time: edits and
// deletions of before are known.
func (x *archive) audits(ctx context.Context) error {
	const name = "last reading"
	var oldest time.Time
	var channel string
	for c, err := range x.a.Channels(ctx, 0) {
		if err != nil {
			return err
		}
		coverage, err := x.a.Coverage(ctx, c.ID)
		if err != nil {
			return err
		}
		at := coverage.Audited()
		if c.State == record.ChannelPresent && !at.IsZero() && (oldest.IsZero() || at.Before(oldest)) {
			oldest, channel = at, c.Name
		}
	}
	if oldest.IsZero() {
		return nil
	}
	age := x.o.Now().Sub(oldest)
	detail := fmt.Sprintf("every message was read in the last %s; longest ago those of %s", span(age), channel)
	if days := time.Duration(x.o.AuditDays) * 24 * time.Hour; days > 0 && age > 2*days {
		x.warn(name, detail, "older edits and deletions may not be known: let sync run more often or longer (--max-duration), or run archiver sync --full")
		return nil
	}
	x.ok(name, "%s", detail)
	return nil
}

// debts says what is still to be fetched.
func (x *archive) debts(ctx context.Context) error {
	const name = "debts"
	debts, err := x.a.Debts(ctx, "")
	if err != nil {
		return err
	}
	if len(debts) == 0 {
		x.ok(name, "none: nothing that was seen is still to be fetched")
		return nil
	}
	kinds := map[storage.DebtKind]int{}
	oldest := debts[0].Since
	for _, d := range debts {
		kinds[d.Kind]++
		if d.Since.Before(oldest) {
			oldest = d.Since
		}
	}
	var parts []string
	for _, kind := range []storage.DebtKind{storage.DebtThread, storage.DebtFile, storage.DebtChannel} {
		if n := kinds[kind]; n > 0 {
			parts = append(parts, counted(n, string(kind)))
		}
	}
	x.warn(name, fmt.Sprintf("still to be fetched: %s; the oldest for %s", strings.Join(parts, ", "), since(x.o.Now(), oldest)),
		"every sync tries them again; archiver status lists them by channel")
	return nil
}

// index says whether the search index is there and up to date.
func (x *archive) index(ctx context.Context) error {
	const name = "index"
	const rebuild = "archiver index rebuild makes it anew from the archive; nothing is lost with it"
	ix, err := index.Open(ctx, filepath.Join(x.o.Dir, "index"), index.Options{ReadOnly: true, LockWait: x.o.LockWait})
	if errors.Is(err, index.ErrNone) && x.a.Change() == 0 {
		x.ok(name, "none yet: there is nothing to search")
		return nil
	}
	if errors.Is(err, index.ErrInUse) {
		x.warn(name, "in use by another process", "run archiver doctor again when that has ended")
		return nil
	}
	if err != nil {
		x.warn(name, err.Error(), rebuild)
		return nil
	}
	status, err := ix.Status(ctx)
	if err = errors.Join(err, ix.Close()); err != nil {
		x.warn(name, err.Error(), rebuild)
		return nil
	}
	if behind := x.a.Change() - min(status.Change, x.a.Change()); behind > 0 {
		x.warn(name, "behind the archive by "+counted(int(behind), "change"), "the next sync catches up")
		return nil
	}
	x.ok(name, "holds all that the archive holds")
	return nil
}

// disk says how much room is left where the archive lies or will lie.
func (x *archive) disk() {
	const name = "disk"
	dir := existing(x.o.Dir)
	free, known, err := storage.FreeSpace(dir)
	if err != nil {
		x.untold(name, err)
		return
	}
	if !known {
		return
	}
	detail := fmt.Sprintf("%s free below %s", sized(free), dir)
	switch {
	case free < noSpace:
		x.fail(name, errors.New(detail), "sync stops before it writes what does not fit: make room")
	case free < max(lowSpace, x.size()/10):
		x.warn(name, detail, "make room: archive and index grow with every message and file, and a rebuilt index needs room beside the old one")
	default:
		x.ok(name, "%s", detail)
	}
}

// size is how many bytes the archive takes, as far as it can be read.
func (x *archive) size() (total int64) {
	_ = filepath.WalkDir(x.o.Dir, func(_ string, entry fs.DirEntry, err error) error {
		if err != nil {
			return nil // what vanishes meanwhile takes no room
		}
		if info, err := entry.Info(); err == nil && info.Mode().IsRegular() {
			total += info.Size()
		}
		return nil
	})
	return total
}

// existing is dir, or else the directory above it that is there.
func existing(dir string) string {
	for {
		if _, err := os.Stat(dir); err == nil || filepath.Dir(dir) == dir {
			return dir
		}
		dir = filepath.Dir(dir)
	}
}

// sized is a number of bytes for people.
func sized(n int64) string {
	const units = "kMGTPE"
	if n < 1000 {
		return fmt.Sprintf("%d B", n)
	}
	f, unit := float64(n)/1000, 0
	for f >= 1000 && unit < len(units)-1 {
		f, unit = f/1000, unit+1
	}
	return fmt.Sprintf("%.1f %cB", f, units[unit])
}
