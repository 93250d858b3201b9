package main

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"archiver/internal/reconcile"
	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

func verifyCommand() command {
	return command{
		name: "verify", args: "[BUNDLE]", server: true, reader: true, run: runVerify,
		summary: "check that the archive is whole, or equal to the live server, or that an export is whole",
		about: `
Checks the structure of the archive and its log. With --data every stored byte is read, decompressed and hashed, and
compared with what the log committed to; with --sample a part of them, another one each time. What is damaged is named,
with what repairs it.

The search index is compared with a whole archive: the checksums of its files, its count of messages in every channel,
and a sample of messages, drawn from both; with --data every message is looked up. Where it differs, archiver index
rebuild makes it anew.

With --since every message is read, and the log is compared with a checkpoint that was kept: if nothing is found, then
nothing that was archived by then has been changed, removed or put in between, whoever could write to the archive. Use a
checkpoint that was kept elsewhere (signing.checkpoint_file, signing.checkpoint_command).

With --live an undamaged archive is then compared with the server, and every difference is explained, channel by channel:
messages, comments and files of the server (the source) against those archived. What is missing is new since the last
sync, in a range that is not archived yet, owed by the next sync, or missing without an explanation. What is archived but
not on the server any more is named; that is no proof that it was deleted, which sync finds out. A random part of the
messages, 1% of each channel or what --sample says, but at least a few, is compared by content: those that differ were
edited since. --seed chooses the same ones again. --csv writes the table for an auditor.

Nothing is changed, on the server or in the archive. All main messages are read once, as in a first sync; servers may
then show them as read for the account. Channels in sync.exclude_channels are left alone.

With BUNDLE the directory of an export is checked, without any archive: every file against the manifests, the signature,
the records against the archive's signed checkpoint, and the formats against each other. Whatever was changed, is
missing or was added is named. --key is the archive's public key as you know it from elsewhere; without it the signature
is checked with the key in the bundle, which shows only that the bundle is as whoever signed it made it. --since compares
the bundle with a checkpoint that you kept.

--live ends 0 if all that is missing is new since the last sync, and 3 if anything else is missing or could not be read.`,
		examples: []string{
			"archiver verify",
			"archiver verify --data",
			"archiver verify --sample 5%",
			"archiver verify --since /mnt/witness/archiver.checkpoint",
			"archiver verify EXP-2026-000001",
			"archiver verify --key minisign.pub --since /mnt/witness/archiver.checkpoint case-7",
			"archiver verify --live",
			"archiver verify --live --sample 10% --csv reconciliation.csv",
			`archiver verify --live --json | jq -r '.live.channels[] | select(.reasons != []) | .channel_name + ": " + .explanation'`,
		},
		exits: []int{exitOK, exitFailed, exitUsage, exitIncomplete, exitLogin, exitNoArchive, exitInUse, exitDamage, exitNewer,
			exitTryLater, exitInterrupted, exitTerminated},
		flags: []cli.Flag{
			boolFlag("data", "read, decompress and hash everything"),
			&cli.StringFlag{Name: "sample", Usage: "read, decompress and hash `P%` of the data; with --live, compare as many of the messages"},
			boolFlag("live", "compare the archive with the live server"),
			&cli.StringFlag{Name: "csv", Usage: "with --live, write the comparison to `FILE`"},
			&cli.Uint64Flag{Name: "seed", Usage: "with --live, choose the sample by `N`", DefaultText: "another one each time"},
			&cli.StringFlag{Name: "since", Usage: "prove that nothing was changed, removed or inserted since the checkpoint in `FILE`"},
			&cli.StringFlag{Name: "key", Usage: "with BUNDLE, the archive's public `KEY`, or a file with it", DefaultText: "the one in the bundle"},
			&cli.StringFlag{Name: "ca", Usage: "with BUNDLE, trust time stamps and X.509 signatures of the authorities in `FILE` (PEM) only"},
		},
	}
}

func runVerify(ctx context.Context, e *env, c *cli.Context) (err error) {
	switch {
	case c.NArg() > 0:
		return e.verifyBundle(ctx, c)
	case c.IsSet("key"), c.IsSet("ca"):
		return &usageError{"--key and --ca belong to verify BUNDLE", "an archive knows its key"}
	case !c.Bool("live") && (c.IsSet("csv") || c.IsSet("seed")):
		return &usageError{"--csv and --seed belong to --live", "as in: archiver verify --live --csv reconciliation.csv"}
	}
	sample, err := percent(c.String("sample"))
	if err != nil {
		return err
	}
	o := storage.VerifyOptions{Data: c.Bool("data"), Sample: sample}
	var l *live
	if c.Bool("live") {
		if l, err = e.newLive(ctx, c, sample); err != nil {
			return err
		}
		defer l.close(ctx)
		o.Sample = 0
	}
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return damageAtOpen(e, err)
	}
	defer closing(&err, a.Close)
	report, err := e.verifySince(ctx, a, o, c.String("since"))
	if err != nil {
		return err
	}
	if o.Data {
		if err := a.NoteVerified(report); err != nil {
			e.ui.logger().Warn("doctor will not know of this verification", "error", err)
		}
	}
	var compared *reconcile.Report
	if l != nil && len(report.Damage) == 0 {
		if compared, err = l.run(ctx, a); err != nil {
			return err
		}
	}
	if len(report.Damage) == 0 {
		if err := e.verifyIndex(ctx, c, a, report); err != nil {
			return err
		}
	}
	return reportVerify(e, report, compared)
}

// verifySince checks the archive, also against the checkpoint in a file if one is named.
func (e *env) verifySince(ctx context.Context, a *storage.Archive, o storage.VerifyOptions, file string) (*storage.Report, error) {
	if file == "" {
		return e.verifyArchive(ctx, a, o)
	}
	checkpoint, found, err := readCheckpoint(ctx, a, file)
	if err != nil {
		return nil, err
	}
	o.Since = checkpoint
	report, err := e.verifyArchive(ctx, a, o)
	if err == nil && found != nil {
		report.Damage = append(report.Damage, *found)
	}
	return report, err
}

// verifyArchive checks the archive, and shows how far it is.
func (e *env) verifyArchive(ctx context.Context, a *storage.Archive, o storage.VerifyOptions) (*storage.Report, error) {
	var done, total atomic.Int64
	o.Progress = func(d, t int64) { done.Store(d); total.Store(t) }
	m := meter{what: "verify", format: size, begun: true}
	stop := e.ui.watch(func(elapsed time.Duration) string { return m.line(done.Load(), total.Load(), elapsed) })
	defer stop()
	return a.Verify(ctx, o)
}

// percent reads "5%" or "5".
func percent(s string) (float64, error) {
	if s == "" {
		return 0, nil
	}
	p, err := strconv.ParseFloat(strings.TrimSuffix(s, "%"), 64)
	if err != nil || !(p > 0 && p <= 100) {
		return 0, &usageError{fmt.Sprintf("--sample: want a share of the data, got %q", s), "as in: archiver verify --sample 5%"}
	}
	return p, nil
}

// damageAtOpen reports an archive that is too damaged to be opened as verify reports damage.
func damageAtOpen(e *env, err error) error {
	if !errors.Is(err, storage.ErrDamaged) {
		return err
	}
	found := storage.Damage{Where: "archive.db", What: err.Error(), Repair: "restore archive.db from a backup, then run archiver sync --full"}
	return reportVerify(e, &storage.Report{Damage: []storage.Damage{found}}, nil)
}

// verifyOutcome is what `verify --json` ends with.
type verifyOutcome struct {
	Outcome string            `json:"outcome"` // ok, damaged, incomplete (--live); failed when it could not be told
	Checked map[string]int64  `json:"checked"`
	Damage  []storage.Damage  `json:"damage"`
	Live    *reconcile.Report `json:"live,omitzero"`   // of --live, unless there is damage
	Bundle  *bundleOutcome    `json:"bundle,omitzero"` // of verify BUNDLE
	Error   *failure          `json:"error,omitzero"`
}

func verifyFailure(f failure) verifyOutcome {
	return verifyOutcome{Outcome: "failed", Checked: map[string]int64{}, Damage: []storage.Damage{}, Error: &f}
}

// reportVerify says what was found. compared is nil without --live, or when damage kept from comparing.
func reportVerify(e *env, r *storage.Report, compared *reconcile.Report) error {
	return e.reportVerified(r, compared, nil)
}

func (e *env) reportVerified(r *storage.Report, compared *reconcile.Report, checked *bundleOutcome) error {
	err := incompleteLive(compared)
	if n := len(r.Damage); n > 0 {
		err = fmt.Errorf("%w: %s", errDamage, counted(n, "item"))
	}
	if !e.ui.json {
		shown := printVerify(e.ui, r)
		if compared != nil {
			shown = errors.Join(shown, printLive(e.ui, compared))
		}
		return errors.Join(err, shown)
	}
	e.answered = true
	o := verifyOutcome{Outcome: "ok", Checked: r.Checked, Damage: append([]storage.Damage{}, r.Damage...), Live: compared, Bundle: checked}
	if o.Checked == nil {
		o.Checked = map[string]int64{}
	}
	switch {
	case errors.Is(err, errDamage):
		o.Outcome, o.Error = "damaged", &failure{exits[exitDamage].name, err.Error()}
	case err != nil:
		o.Outcome, o.Error = "incomplete", &failure{exits[exitIncomplete].name, err.Error()}
	}
	return errors.Join(err, e.ui.object(o))
}

func printVerify(u *ui, r *storage.Report) error {
	var checked []string
	for _, what := range slices.Sorted(maps.Keys(r.Checked)) {
		if r.Checked[what] == 0 {
			continue
		}
		checked = append(checked, count(r.Checked[what])+" "+strings.ReplaceAll(what, "_", " "))
	}
	outcome := "ok"
	if len(r.Damage) > 0 {
		outcome = "damaged"
	}
	if err := u.printf("%s; checked %s\n", outcome, firstNonEmpty(strings.Join(checked, ", "), "nothing")); err != nil || len(r.Damage) == 0 {
		return err
	}
	rows := make([]table.Row, 0, len(r.Damage))
	for _, d := range r.Damage {
		rows = append(rows, table.Row{printable(d.Where), printable(d.What), printable(d.Repair)})
	}
	return u.table(table.Row{"where", "what", "what repairs it"}, rows)
}
