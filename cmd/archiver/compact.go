package main

import (
	"context"
	"fmt"
	"sync/atomic"
	"time"

	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

func compactCommand() command {
	return command{
		name: "compact", run: runCompact,
		summary: "give freed space back",
		about: `
Writes archive.db anew: what was stored in many small blocks by many small runs is packed into larger ones, compressed
better, and space that is free in the file is given back. Nothing is removed: every message, version, number and proof
stays as it is. The new file takes the place of the old one in one step; a run that is interrupted changes nothing. It
needs as much free space as archive.db takes, and keeps other writers out; reading commands wait at its end.`,
		examples: []string{"archiver compact", "archiver compact --json"},
		exits: []int{exitOK, exitFailed, exitUsage, exitNoArchive, exitInUse, exitDamage, exitNewer, exitInterrupted,
			exitTerminated},
	}
}

func runCompact(ctx context.Context, e *env, _ *cli.Context) error {
	dir, err := e.archiveDir()
	if err != nil {
		return err
	}
	var done, total atomic.Int64
	m := meter{what: "compact", format: size, begun: true}
	stop := e.ui.watch(func(elapsed time.Duration) string { return m.line(done.Load(), total.Load(), elapsed) })
	c, err := storage.Compact(ctx, dir, storage.Options{Logger: e.ui.logger(), Now: e.now},
		func(d, t int64) { done.Store(d); total.Store(t) })
	stop()
	if err != nil {
		return explainOpen(err, dir)
	}
	if e.ui.json {
		return e.ui.object(c)
	}
	return e.ui.printf("archive.db: %s, was %s; %s, were %s\n", size(c.BytesAfter), size(c.BytesBefore),
		counted(c.BlocksAfter, "block"), fmt.Sprint(count(c.BlocksBefore)))
}
