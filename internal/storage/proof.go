package storage

import (
	"context"
	"encoding/binary"
	"errors"
	"fmt"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"golang.org/x/mod/sumdb/tlog"
)

// ErrUnsigned means that no checkpoint covers what is to be proven.
var ErrUnsigned = errors.New("not covered by a signed checkpoint yet")

// Prove gives a proof for every entry of a message, oldest first, that it is in the log of the newest checkpoint.
// Errors are ErrNotFound, ErrUnsigned or ErrDamaged.
func (a *Archive) Prove(ctx context.Context, channel string, ts record.TS) ([]merkle.Proof, error) {
	signed, err := a.Checkpoint(ctx)
	if err != nil {
		return nil, fmt.Errorf("prove %s/%s: %w", channel, ts, err)
	}
	var proofs []merkle.Proof
	err = a.view(ctx, func(s *snapshot) error {
		p := prover{snapshot: s, signed: string(signed)}
		if p.public, err = s.publicKey(); err != nil {
			return err
		}
		proofs, err = p.prove(channel, ts)
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("prove %s/%s: %w", channel, ts, err)
	}
	return proofs, nil
}

// prover makes proofs from one view of the database.
type prover struct {
	*snapshot
	public, signed string
	checkpoint     merkle.Checkpoint
	channels       []string
}

func (p *prover) prove(channel string, ts record.TS) (proofs []merkle.Proof, err error) {
	n, ok, err := p.number(channel)
	if err != nil {
		return nil, err
	}
	if !ok {
		return nil, ErrNotFound
	}
	o, err := p.load(messagesOf(n))
	if err != nil {
		return nil, err
	}
	entries, err := o.earlier(p.snapshot, string(ts))
	if err != nil {
		return nil, err
	}
	if len(entries) == 0 {
		return nil, ErrNotFound
	}
	if p.signed == "" {
		return nil, ErrUnsigned
	}
	if p.checkpoint, err = merkle.ParseCheckpoint([]byte(p.signed), p.public); err != nil {
		return nil, err
	}
	if p.channels, _, err = p.snapshot.channels(); err != nil {
		return nil, err
	}
	for _, e := range entries {
		proof, err := p.entry(messagesOf(n), e)
		if err != nil {
			return nil, err
		}
		proofs = append(proofs, proof)
	}
	return proofs, nil
}

// entry proves one entry of a stream.
func (p *prover) entry(id stream, e record.Entry) (proof merkle.Proof, err error) {
	w, err := p.commitOf(e.Change)
	if err != nil {
		return proof, err
	}
	c := w.commits[0]
	if int64(c.leaf) >= p.checkpoint.Size {
		return proof, fmt.Errorf("change %d: %w", e.Change, ErrUnsigned)
	}
	if err := p.commitments(w); err != nil {
		return proof, err
	}
	position := e.Change - c.first
	made := merkle.NewCommitter(c.salt)
	salt := made.Salt(position)
	proof = merkle.Proof{Record: hashed(id.class(), p.channels[id.channel()], &e).Append(nil), Salt: salt[:], Checkpoint: p.signed}
	if proof.Batch, err = merkle.PathTo(w.commitments, int(position)); err != nil {
		return proof, err
	}
	hashes, err := tlog.ProveRecord(p.checkpoint.Size, int64(c.leaf), logReader{s: p.snapshot})
	proof.Log = merkle.Path{Index: int64(c.leaf), Size: p.checkpoint.Size, Hashes: hashes}
	if err != nil {
		return proof, err
	}
	return proof, proof.Check(p.public)
}

// commitOf gives the stretch of the one commit that holds a change.
func (p *prover) commitOf(change uint64) (*stretch, error) {
	key, stored := p.bucket(bucketCommits).Cursor().Seek(uint64Key(change))
	if key == nil {
		return nil, damaged(string(bucketCommits), "no commit holds change %d", change)
	}
	value, err := unseal(bucketCommits, key, stored)
	if err != nil {
		return nil, err
	}
	r, err := parseCommit(value)
	if err != nil {
		return nil, damagedAt(bucketCommits, key, "%v", err)
	}
	first := binary.BigEndian.Uint64(key) - r.total() + 1
	return &stretch{
		first: first, commits: []*stretchCommit{{commitRecord: r, first: first}}, commitments: make([]merkle.Hash, r.total()),
	}, nil
}

// commitments reads the entries of a stretch and hashes them.
func (p *prover) commitments(w *stretch) error {
	f := follower{snapshot: p.snapshot, channels: p.channels, after: w.first - 1, limit: len(w.commitments)}
	if err := f.commit(w.first, w.commits[0].segments); err != nil {
		return err
	}
	if n := len(w.commitments) - len(f.found); n > 0 {
		return damaged("log", "%d entries of the same commit were lost, so that none of them can be proven", n)
	}
	made := merkle.NewCommitter(w.commits[0].salt)
	for i, e := range f.found {
		w.commitments[i] = made.Commitment(uint64(i), e.hashed())
	}
	return nil
}

// hashed gives what is hashed of an entry.
func (c *Changed) hashed() *merkle.Record { return hashed(c.Class, c.Channel, &c.Entry) }
