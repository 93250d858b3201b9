package main

import (
	"context"
	"errors"
	"math/rand/v2"
	"path"

	"archiver/internal/index"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// verifyIndex compares the search index with an archive that is whole, and adds to the report what it finds. An index
// that is absent, behind or in use is none of the archive's damage.
func (e *env) verifyIndex(ctx context.Context, c *cli.Context, a *storage.Archive, r *storage.Report) (err error) {
	if _, err := a.Created(ctx); err != nil { // takes the archive up again if a writer was let in, so that none is now
		return err
	}
	ix, err := e.openIndex(ctx, c)
	switch {
	case errors.Is(err, index.ErrNone), errors.Is(err, index.ErrMapping), errors.Is(err, index.ErrInUse):
		e.ui.note("the search index was not verified: %v", err)
		return nil
	case errors.Is(err, index.ErrDamaged):
		r.Damage = append(r.Damage, indexDamage(index.Drift{What: err.Error()}))
		return nil
	case err != nil:
		return err
	}
	defer closing(&err, ix.Close)
	v, err := ix.Verify(ctx, a, index.VerifyOptions{All: c.Bool("data"), Seed: rand.Uint64()})
	if err != nil {
		return err
	}
	if v.Behind > 0 {
		e.ui.note("the search index lacks %s; its documents were not compared", counted(v.Behind, "change"))
	}
	if r.Checked == nil {
		r.Checked = map[string]int64{}
	}
	r.Checked["index_segments"], r.Checked["index_documents"] = v.Segments, v.Documents
	for _, d := range v.Drift {
		r.Damage = append(r.Damage, indexDamage(d))
	}
	return nil
}

func indexDamage(d index.Drift) storage.Damage {
	return storage.Damage{Where: path.Join("index", d.Where), What: "search index: " + d.What, Repair: "archiver index rebuild"}
}
