package doctor

import (
	"context"
	"fmt"
	"time"

	"archiver/internal/storage"
)

// signing says whether the log is signed.
func (x *archive) signing(ctx context.Context) error {
	const name = "signing"
	public, err := x.a.PublicKey(ctx)
	if err != nil {
		return err
	}
	signed, err := x.a.Checkpoint(ctx)
	switch {
	case err != nil:
		return err
	case public == "" || signed == nil:
		x.warn(name, "no checkpoint of the log was signed yet", "archiver sync ends with one")
	default:
		x.ok(name, "checkpoints are signed with %s", public)
	}
	return nil
}

// verified says when all data was last verified.
func (x *archive) verified(ctx context.Context) error {
	const name, hint = "verification", "archiver verify --data"
	last, err := storage.LastVerified(x.o.Dir)
	if err == nil && (last == nil || last.Archive != x.a.ID()) {
		return x.unverified(ctx, name, hint)
	}
	aim := x.verifyAim()
	switch {
	case err != nil:
		x.warn(name, err.Error(), hint)
	case last.Damage > 0:
		x.fail(name, fmt.Errorf("the last one, on %s, found damage: %d", last.Time.Format(time.DateOnly), last.Damage), hint)
	case aim > 0 && x.o.Now().Sub(last.Time) > aim:
		x.warn(name, fmt.Sprintf("the last one was on %s, more than %d days ago", last.Time.Format(time.DateOnly), x.o.VerifyDays), hint)
	default:
		x.ok(name, "all data was verified on %s", last.Time.Format(time.DateOnly))
	}
	return nil
}

func (x *archive) verifyAim() time.Duration { return time.Duration(x.o.VerifyDays) * 24 * time.Hour }

// unverified judges an archive that was never verified by its age.
func (x *archive) unverified(ctx context.Context, name, hint string) error {
	created, err := x.a.Created(ctx)
	if err != nil {
		return err
	}
	if aim := x.verifyAim(); aim > 0 && x.o.Now().Sub(created) > aim {
		x.warn(name, "the data was never verified", hint)
		return nil
	}
	x.ok(name, "the data was not verified yet")
	return nil
}
