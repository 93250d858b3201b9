package main

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"time"

	"archiver/internal/storage"

	"github.com/jedib0t/go-pretty/v6/table"
)

// repair makes the archive whole without what is damaged, before a full run fetches that again.
func (r *syncRun) repair(ctx context.Context, a *storage.Archive) error {
	var done, total atomic.Int64
	m := meter{what: "looking for damage", format: size, begun: true}
	stop := r.ui.watch(func(elapsed time.Duration) string { return m.line(done.Load(), total.Load(), elapsed) })
	repaired, err := a.Repair(ctx, storage.RepairOptions{Progress: func(d, t int64) { done.Store(d); total.Store(t) }})
	stop()
	if err != nil {
		return err
	}
	if !repaired.Nothing() {
		r.repaired = repaired
	}
	return nil
}

// repairError is damage that is left after a repair, nil if there is none.
func (r *syncRun) repairError() error {
	if r.repaired == nil || len(r.repaired.Left) == 0 {
		return nil
	}
	err := fmt.Errorf("%w: %s beyond repair", errDamage, counted(len(r.repaired.Left), "item"))
	return withHint(err, "restore archive.db from a backup; what is new was archived all the same")
}

// printRepair says what was damaged, before the outcome of the run.
func (r *syncRun) printRepair() error {
	if r.repaired == nil {
		return nil
	}
	err := r.ui.printf("the archive was damaged: %s; the server was asked for them again\n", damageLine(r.repaired))
	var rows []table.Row
	for _, l := range r.repaired.Lost {
		rows = append(rows, table.Row{firstNonEmpty(printable(l.Channel), "(the server)"), count(l.Entries) + " lost", l.Class, fmt.Sprintf("changes %d to %d", l.First, l.Last)})
	}
	for _, d := range r.repaired.Left {
		rows = append(rows, table.Row{printable(d.Where), "beyond repair", printable(d.What), printable(d.Repair)})
	}
	if len(rows) == 0 {
		return err
	}
	return errors.Join(err, r.ui.table(table.Row{"where", "outcome", "what", "details"}, rows))
}

// damageLine says in a few words what a repair met.
func damageLine(r *storage.Repaired) string {
	return fmt.Sprintf("%s lost, %s and %s set aside", counted(r.Entries, "archived item"), counted(len(r.Values), "value"), counted(len(r.Blobs), "file content"))
}
