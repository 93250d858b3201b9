package main

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"archiver/internal/extract"
	"archiver/internal/filetext"
	"archiver/internal/index"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// workerCommand is the command, not shown to anybody, by which the program reads files in processes of its own.
const workerCommand = "extract-worker"

// maxReaders is how many files are read at once.
const maxReaders = 4

func (e *env) textFile() string { return filepath.Join(e.indexDir(), "text.db") }

// fileTexts is what reads files for an index that is written; nil where the configuration wants none read.
type fileTexts struct {
	store  *filetext.Store
	pool   *extract.Pool
	source *filetext.Source
}

// writeTexts opens the texts of files for writing. retry reads again what could not be read.
func (e *env) writeTexts(a *storage.Archive, retry bool) (*fileTexts, error) {
	if !e.cfg.Search.Extract {
		return nil, nil
	}
	self, err := os.Executable()
	if err != nil {
		return nil, err
	}
	store, err := filetext.Open(e.textFile(), false, time.Second)
	if err != nil {
		return nil, err
	}
	limits := extract.DefaultLimits()
	limits.Input, limits.Time = e.cfg.Search.MaxExtractSize, e.cfg.Search.ExtractTimeout
	limits.Memory = max(limits.Memory, 8*limits.Input)
	workers := min(runtime.NumCPU(), maxReaders)
	pool := extract.NewPool(extract.PoolOptions{
		Command: []string{self, workerCommand}, Limits: limits, Cache: filepath.Join(e.indexDir(), "pdfium"), Workers: workers,
	})
	source := &filetext.Source{
		Store: store, Pool: pool, Blobs: a.Blobs(), MaxSize: limits.Input, Workers: workers, Retry: retry, Logger: e.ui.logger(),
	}
	return &fileTexts{store, pool, source}, nil
}

func (t *fileTexts) close() error {
	if t == nil {
		return nil
	}
	return errors.Join(t.pool.Close(), t.store.Close())
}

// asTexts is what the index takes texts from, nil for none.
func (t *fileTexts) asTexts() index.Texts {
	if t == nil {
		return nil
	}
	return t.source
}

func (t *fileTexts) line() string {
	if t == nil {
		return "index: writing"
	}
	return "text of files: " + counted(int(t.source.Read()), "file") + " read"
}

// textsOnDemand opens the texts of files when a search first shows one.
type textsOnDemand struct {
	env *env
	c   *cli.Context
}

func (textsOnDemand) Prepare(context.Context, []index.Content) error { return nil }

func (t textsOnDemand) Text(sha256 string) (text string, err error) {
	store, err := filetext.Open(t.env.textFile(), true, t.c.Duration("lock-wait"))
	if err != nil { // the hit counts, whether or not its text can be shown
		t.env.ui.logger().Warn("text of files cannot be shown", "error", err)
		return "", nil
	}
	defer closing(&err, store.Close)
	return store.Text(sha256)
}
