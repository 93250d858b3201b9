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

	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/urfave/cli/v2"
)

func verifyCommand() command {
	return command{
		name: "verify", args: "[BUNDLE]", reader: true, run: runVerify,
		summary: "check that the archive is whole",
		about: `
Checks the structure of the archive. With --data every stored byte is read, decompressed and hashed; with --sample a
part of them, another one each time. What is damaged is named, with what repairs it.`,
		examples: []string{
			"archiver verify",
			"archiver verify --data",
			"archiver verify --sample 5%",
		},
		exits: readerExits,
		flags: []cli.Flag{
			boolFlag("data", "read, decompress and hash everything"),
			&cli.StringFlag{Name: "sample", Usage: "read, decompress and hash `P%` of the data"},
			&cli.BoolFlag{Name: "live", Hidden: true},
			&cli.StringFlag{Name: "since", Hidden: true},
		},
	}
}

func runVerify(ctx context.Context, e *env, c *cli.Context) (err error) {
	switch {
	case c.Bool("live"):
		return notInThisVersion("verify --live")
	case c.IsSet("since"):
		return notInThisVersion("verify --since")
	case c.NArg() > 0:
		return notInThisVersion("verify BUNDLE")
	}
	sample, err := percent(c.String("sample"))
	if err != nil {
		return err
	}
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return damageAtOpen(e, err)
	}
	defer closing(&err, a.Close)
	var done, total atomic.Int64
	m := meter{what: "verify", format: size, begun: true}
	stop := e.ui.watch(func(elapsed time.Duration) string { return m.line(done.Load(), total.Load(), elapsed) })
	report, err := a.Verify(ctx, storage.VerifyOptions{
		Data: c.Bool("data"), Sample: sample, Progress: func(d, t int64) { done.Store(d); total.Store(t) },
	})
	stop()
	if err != nil {
		return err
	}
	return reportVerify(e, report)
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
	return reportVerify(e, &storage.Report{Damage: []storage.Damage{found}})
}

// verifyOutcome is what `verify --json` ends with.
type verifyOutcome struct {
	Outcome string           `json:"outcome"` // ok, damaged; failed when it could not be told
	Checked map[string]int64 `json:"checked"`
	Damage  []storage.Damage `json:"damage"`
	Error   *failure         `json:"error,omitzero"`
}

func verifyFailure(f failure) verifyOutcome {
	return verifyOutcome{Outcome: "failed", Checked: map[string]int64{}, Damage: []storage.Damage{}, Error: &f}
}

func reportVerify(e *env, r *storage.Report) error {
	var err error
	if n := len(r.Damage); n > 0 {
		err = fmt.Errorf("%w: %s", errDamage, counted(n, "item"))
	}
	if !e.ui.json {
		return errors.Join(err, printVerify(e.ui, r))
	}
	e.answered = true
	o := verifyOutcome{Outcome: "ok", Checked: r.Checked, Damage: append([]storage.Damage{}, r.Damage...)}
	if o.Checked == nil {
		o.Checked = map[string]int64{}
	}
	if err != nil {
		o.Outcome, o.Error = "damaged", &failure{exits[exitDamage].name, err.Error()}
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
