package main

import (
	"context"
	"fmt"
	"iter"
	"os"
	"os/user"

	"archiver/internal/export"
	"archiver/internal/merkle"
	"archiver/internal/storage"

	"github.com/urfave/cli/v2"
)

// custodyFlags say who an export is made for.
func custodyFlags() []cli.Flag {
	return []cli.Flag{
		&cli.StringFlag{Name: "matter", Usage: "`NUMBER` of the case or request, for the custody record"},
		&cli.StringFlag{Name: "description", Usage: "what the export is for, in a `SENTENCE`"},
		&cli.StringFlag{Name: "requested-by", Usage: "`WHO` asked for the export"},
		&cli.StringFlag{Name: "approved-by", Usage: "`WHO` approved it"},
		&cli.StringFlag{Name: "organization", Usage: "`NAME` of the organization that hands over"},
		&cli.StringFlag{Name: "contact", Usage: "`NAME` of a person to ask"},
	}
}

// handover is what an export needs beside its selection: who makes it, and the key.
func (e *env) handover(c *cli.Context, public string) (export.Custody, *merkle.Key, error) {
	b := buildInfo()
	host, _ := os.Hostname() // "" if it has none
	custody := export.Custody{
		Matter: c.String("matter"), Description: c.String("description"), RequestedBy: c.String("requested-by"),
		ApprovedBy: c.String("approved-by"), Organization: c.String("organization"), Contact: c.String("contact"),
		RunBy: accountName(), Host: host,
		Source: export.Origin{Product: "IceWarp TeamChat", Server: e.cfg.Server.URL, API: "the TeamChat HTTP API", Account: e.cfg.Server.Username},
		Tool:   export.Tool{Name: programName, Version: b.Version, Commit: b.Commit, Go: b.Go},
	}
	key, err := merkle.LoadKey(e.cfg.keyFile())
	if err == nil && key.Public() != public {
		err = fmt.Errorf("%s: %w", e.cfg.keyFile(), storage.ErrKey)
	}
	if err != nil {
		return custody, nil, err
	}
	return custody, key, nil
}

// accountName is the account of the operating system that runs the program.
func accountName() string {
	u, err := user.Current()
	if err != nil {
		return ""
	}
	return u.Username
}

// errUnsigned means that a bundle is whole but nobody signed it.
var errUnsigned = fmt.Errorf("%w: the export is NOT SIGNED", errIncomplete)

// unsigned says why an export is not signed.
func unsigned(why error) error {
	return withHint(fmt.Errorf("%w: %w", errUnsigned, why),
		"run the export as somebody who may read the archive's key (signing.key_file); archiver export --reproduce makes it again")
}

// State says what the archive is now.
func (s *source) State(ctx context.Context) (export.State, error) {
	log, err := s.archive.Log(ctx)
	if err != nil {
		return export.State{}, err
	}
	state := export.State{Size: log.Size, Root: log.Root, Signed: log.Signed, PublicKey: log.PublicKey}
	runs, err := s.archive.Runs(ctx, allRuns)
	if err != nil {
		return state, err
	}
	for _, r := range runs { // the newest first
		state.FirstRun = stamp(r.Started)
		state.LastRun = firstNonEmpty(state.LastRun, stamp(r.Finished))
		if r.Outcome == "complete" {
			state.LastComplete = firstNonEmpty(state.LastComplete, stamp(r.Finished))
		}
	}
	state.Coverage, err = s.coverage(ctx)
	return state, err
}

// allRuns is more runs than an archive keeps.
const allRuns = 100_000

// coverage says how much of the channels in scope is archived.
func (s *source) coverage(ctx context.Context) ([]export.ChannelCoverage, error) {
	states, err := s.channelStates(ctx)
	if err != nil {
		return nil, err
	}
	covered := []export.ChannelCoverage{}
	for _, c := range states {
		covered = append(covered, export.ChannelCoverage{
			ID: c.ID, Name: c.Name, State: c.State, First: c.First, Last: c.Last, Audited: c.Audited, Gaps: c.Gaps, Debts: c.Debts,
		})
	}
	return covered, nil
}

// Held counts the messages of a channel.
func (s *source) Held(ctx context.Context, channel string) (held export.Held, err error) {
	for m, err := range s.archive.Held(ctx, channel, storage.Range{AsOf: s.sel.Change}) {
		switch {
		case err != nil:
			return held, err
		case m.Thread == "":
			held.Messages++
		default:
			held.Comments++
		}
		if m.Deleted {
			held.Deleted++
		}
	}
	return held, nil
}

// Prove proves records to be in the archive's log.
func (s *source) Prove(ctx context.Context, wanted func(uint64) bool, each func(*merkle.Batch) error) (*export.Proof, error) {
	in, err := s.archive.Include(ctx, s.sel.Change, wanted, each)
	if err != nil {
		return nil, err
	}
	return &export.Proof{
		Inclusion: in.Inclusion, Checkpoint: in.Checkpoint, PublicKey: in.PublicKey, Proven: in.Proven, Newer: in.Newer, Lost: in.Lost,
	}, nil
}

// Beside gives the records of events and conferences.
func (s *source) Beside(ctx context.Context) iter.Seq2[*merkle.Record, error] {
	return func(yield func(*merkle.Record, error) bool) {
		for _, class := range []storage.Class{storage.ClassEvent, storage.ClassConference} {
			for entries, err := range s.archive.Entries(ctx, class, s.sel.Change) {
				if err != nil {
					yield(nil, err)
					return
				}
				for i := range *entries {
					if !yield(export.RecordOf(class.String(), "", &(*entries)[i]), nil) {
						return
					}
				}
			}
		}
	}
}
