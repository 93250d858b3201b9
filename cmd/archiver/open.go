package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"archiver/internal/index"
	"archiver/internal/storage"
	"archiver/internal/teamchat"

	"github.com/urfave/cli/v2"
)

// defaultLockWait is how long a reading command waits for a process that writes the archive.
const defaultLockWait = time.Second

// archiveDir is where the archive lies.
func (e *env) archiveDir() (string, error) {
	if e.cfg.Archive.Dir == "" {
		return "", &configError{"no archive directory given", "--archive DIR, ARCHIVER_ARCHIVE or archive.dir in archiver.yaml"}
	}
	return e.cfg.Archive.Dir, nil
}

func (e *env) indexDir() string { return filepath.Join(e.cfg.Archive.Dir, "index") }

// openArchive opens the archive for reading.
func (e *env) openArchive(ctx context.Context, c *cli.Context) (*storage.Archive, error) {
	dir, err := e.archiveDir()
	if err != nil {
		return nil, err
	}
	o := storage.Options{Logger: e.ui.logger(), ReadOnly: true, LockWait: c.Duration("lock-wait"), Now: e.now}
	a, err := storage.Open(ctx, dir, o)
	return a, explainOpen(err, dir)
}

// openOrCreate opens the archive for writing. One that is not there yet is created.
func (e *env) openOrCreate(ctx context.Context) (*storage.Archive, error) {
	dir, err := e.archiveDir()
	if err != nil {
		return nil, err
	}
	o := storage.Options{Logger: e.ui.logger(), Now: e.now}
	a, err := storage.Open(ctx, dir, o)
	created := errors.Is(err, storage.ErrNoArchive)
	if created {
		a, err = storage.Create(ctx, dir, o)
		if errors.Is(err, storage.ErrNoArchive) {
			return nil, withHint(err, "a new archive needs a directory that is absent or empty")
		}
	}
	if err != nil {
		return nil, explainOpen(err, dir)
	}
	public, err := giveKey(ctx, a, e.cfg.keyFile())
	if err != nil {
		return nil, errors.Join(err, a.Close())
	}
	if created {
		e.ui.note("new archive in %s", dir)
		e.ui.note("its checkpoints are signed with %s: keep a copy of that file elsewhere, it cannot be made again", e.cfg.keyFile())
		e.ui.note("public key: %s", public)
	}
	return a, nil
}

// explainOpen adds to an error of opening the archive what can be done about it.
func explainOpen(err error, dir string) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, storage.ErrNoArchive):
		return withHint(err, "--archive names the directory; archiver sync makes a new archive")
	case errors.Is(err, storage.ErrInUse):
		return withHint(err, "another archiver works on %s; try later, or let a reading command wait with --lock-wait 10m", dir)
	case errors.Is(err, storage.ErrNewer):
		return withHint(err, "a newer archiver wrote it; use that one")
	case errors.Is(err, storage.ErrDamaged):
		return withHint(err, "keep a copy of the directory before anything else; archiver verify names what is damaged")
	}
	return err
}

// openIndex opens the search index for reading.
func (e *env) openIndex(ctx context.Context, c *cli.Context) (*index.Index, error) {
	o := index.Options{Logger: e.ui.logger(), ReadOnly: true, LockWait: c.Duration("lock-wait")}
	if e.cfg.Search.Extract {
		o.Texts = textsOnDemand{e, c}
	}
	ix, err := index.Open(ctx, e.indexDir(), o)
	return ix, explainIndex(err)
}

// explainIndex adds to an error of the index what can be done about it.
func explainIndex(err error) error {
	const rebuild = "archiver index rebuild makes it anew from the archive"
	switch {
	case err == nil:
		return nil
	case errors.Is(err, index.ErrNone):
		return withHint(fmt.Errorf("no search index: %w", err), rebuild)
	case errors.Is(err, index.ErrDamaged), errors.Is(err, index.ErrMapping):
		return withHint(err, rebuild)
	case errors.Is(err, index.ErrInUse):
		return withHint(err, "another archiver works on the index; try later, or wait with --lock-wait 10m")
	}
	return err
}

// newClient gives a client for the configured server, which it has not talked to yet. o holds what the command wants.
func (e *env) newClient(ctx context.Context, o teamchat.Options) (*teamchat.Client, error) {
	o, err := e.clientOptions(ctx, o)
	if err != nil {
		return nil, err
	}
	client, err := teamchat.New(o)
	if err != nil {
		return nil, &configError{msg: err.Error()}
	}
	return client, nil
}

// clientOptions adds to what the command wants of a client what the configuration says.
func (e *env) clientOptions(ctx context.Context, o teamchat.Options) (teamchat.Options, error) {
	s := e.cfg.Server
	if err := s.check(); err != nil {
		return o, err
	}
	password, err := s.password(ctx, e.getenv)
	if err != nil {
		return o, err
	}
	roots, err := s.authorities()
	if err != nil {
		return o, err
	}
	o.URL, o.AllowHTTP, o.RootCAs = s.URL, s.AllowHTTP, roots
	o.Username, o.Password = s.Username, func(context.Context) (string, error) { return password, nil }
	o.Auth = s.Auth
	o.Connections, o.Rate = e.cfg.Sync.Concurrency, s.RequestsPerSecond
	o.MaxWait, o.GiveUpAfter = e.cfg.Sync.MaxWait, e.cfg.Sync.GiveUpAfter
	o.UserAgent, o.Logger = programName+"/"+buildInfo().Version, e.ui.logger()
	return o, nil
}

// closing closes what a command opened; its error counts when there is no other.
func closing(err *error, close func() error) {
	if cerr := close(); cerr != nil && *err == nil && !errors.Is(cerr, os.ErrClosed) {
		*err = cerr
	}
}
