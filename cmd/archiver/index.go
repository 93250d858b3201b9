package main

import (
	"context"
	"sync/atomic"
	"time"

	"archiver/internal/index"

	"github.com/urfave/cli/v2"
)

func indexCommand() command {
	return command{
		name:    "index",
		summary: "rebuild the search index, or say what state it is in",
		about: `
The search index holds nothing that the archive does not hold. It can be deleted and rebuilt at any time.`,
		examples: []string{"archiver index status", "archiver index rebuild"},
		subs: []command{
			{
				name: "rebuild", reader: true, run: runIndexRebuild,
				summary:  "make the search index anew from the archive",
				about:    "Builds a new index beside the old one, which answers until it is replaced.",
				examples: []string{"archiver index rebuild"},
				exits:    readerExits,
			},
			{
				name: "status", reader: true, run: runIndexStatus,
				summary:  "say what the search index holds",
				examples: []string{"archiver index status", "archiver index status --json"},
				exits:    readerExits,
			},
		},
	}
}

func runIndexRebuild(ctx context.Context, e *env, c *cli.Context) (err error) {
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	texts, err := e.writeTexts(a, true)
	if err != nil {
		return explainIndex(err)
	}
	defer closing(&err, texts.close)
	var done, total atomic.Uint64
	m := meter{what: "index", format: count[int64], begun: true}
	stop := e.ui.watch(func(elapsed time.Duration) string {
		if done.Load() == total.Load() && total.Load() > 0 {
			return texts.line()
		}
		return m.line(int64(done.Load()), int64(total.Load()), elapsed)
	})
	err = index.Rebuild(ctx, e.indexDir(), a, index.Options{Logger: e.ui.logger(), LockWait: c.Duration("lock-wait"), Texts: texts.asTexts()},
		func(d, t uint64) { done.Store(d); total.Store(t) })
	stop()
	if err != nil {
		return explainIndex(err)
	}
	return printIndexStatus(ctx, e, c, a.Change())
}

func runIndexStatus(ctx context.Context, e *env, c *cli.Context) (err error) {
	a, err := e.openArchive(ctx, c)
	if err != nil {
		return err
	}
	defer closing(&err, a.Close)
	return printIndexStatus(ctx, e, c, a.Change())
}

// printIndexStatus says what the index holds of an archive whose newest entry has the given change number.
func printIndexStatus(ctx context.Context, e *env, c *cli.Context, change uint64) error {
	s := statusReport{Archive: archiveStatus{Change: change}}
	if err := s.addIndex(ctx, e, c); err != nil {
		return err
	}
	if e.ui.json {
		return e.ui.object(s.Index)
	}
	return e.ui.printf("index    %s\n", s.Index.describe())
}
