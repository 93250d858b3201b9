package index

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"archiver/internal/storage"
)

// Rebuild builds the index of an archive anew, in a generation of its own beside the one in use, and swaps them when
// it is complete. Until then searches answer from the old one; a rebuild that fails or is killed leaves it in use, and
// the next writer removes the unfinished one. It is what helps after ErrMapping and ErrDamaged.
func Rebuild(ctx context.Context, dir string, a *storage.Archive, o Options, progress func(done, total uint64)) error {
	o.ReadOnly = false
	lock, err := lockWriter(ctx, dir, o.LockWait)
	if err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	err = swap(ctx, dir, a, o, progress)
	if err = errors.Join(err, lock.Close()); err != nil {
		return fmt.Errorf("rebuild index: %w", err)
	}
	return nil
}

func swap(ctx context.Context, dir string, a *storage.Archive, o Options, progress func(done, total uint64)) error {
	g, err := build(ctx, dir, a, o, progress)
	if err != nil {
		if g.number > 0 {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, g.String())))
		}
		return err
	}
	if err := setCurrent(dir, g); err != nil {
		return err
	}
	return removeOthers(dir, g)
}

// build makes a generation that holds everything the archive holds, and closes it.
func build(ctx context.Context, dir string, a *storage.Archive, o Options, progress func(done, total uint64)) (generation, error) {
	if err := removeUnfinished(dir); err != nil {
		return generation{}, err
	}
	ix, err := createGeneration(dir, o, nil)
	if err != nil {
		return generation{}, err
	}
	if err = ix.CatchUp(ctx, a, progress); err == nil {
		err = ix.CatchUpFiles(ctx, a, nil)
	}
	return ix.generation, errors.Join(err, ix.Close(), syncGeneration(dir, ix.generation))
}

// removeUnfinished removes what earlier rebuilds left that did not come to an end. Without a readable pointer to the
// one in use nothing is removed: somebody may still want to look at it.
func removeUnfinished(dir string) error {
	g, err := currentGeneration(dir)
	if err != nil && !errors.Is(err, ErrMapping) {
		return nil
	}
	return removeOthers(dir, g)
}
