package storage

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"iter"

	"archiver/internal/merkle"
	"archiver/internal/record"

	"golang.org/x/mod/sumdb/tlog"
)

// Included says what Include proves.
type Included struct {
	merkle.Inclusion
	Checkpoint []byte // signed; nil when there is none, and nothing is proven
	PublicKey  string // that it is checked with
	Proven     int64  // entries
	Newer      int64  // entries that the checkpoint does not cover
	Lost       int64  // entries of commits that damage took others from, so that they cannot be proven
}

// Include proves entries to be in the log of the newest checkpoint, to somebody who is given them. wanted tells of a
// change number whether its entry is among them; it is asked up to the change asOf. each gets the commits that hold some,
// in order. A commit of which all entries are wanted costs nothing; of others all entries are read.
func (a *Archive) Include(ctx context.Context, asOf uint64, wanted func(uint64) bool, each func(*merkle.Batch) error) (*Included, error) {
	in := &includer{wanted: wanted, asOf: asOf, each: each}
	var err error
	if in.Checkpoint, err = a.Checkpoint(ctx); err != nil || in.Checkpoint == nil {
		return &in.Included, err
	}
	if in.PublicKey, err = a.PublicKey(ctx); err != nil {
		return nil, err
	}
	c, err := merkle.ParseCheckpoint(in.Checkpoint, in.PublicKey)
	if err != nil {
		return nil, err
	}
	in.Size = c.Size
	for more := true; more; {
		err := a.view(ctx, func(s *snapshot) (err error) { more, err = in.window(s); return err })
		if err != nil {
			return nil, err
		}
	}
	return &in.Included, a.view(ctx, in.cover)
}

// includer makes the proofs of Include.
type includer struct {
	Included
	wanted func(uint64) bool
	asOf   uint64
	each   func(*merkle.Batch) error
	after  uint64  // change
	leaves []int64 // of the commits that hold wanted entries
}

// commitsTogether is how many commits are looked at in one view of the database.
const commitsTogether = 256

// window looks at the next commits.
func (in *includer) window(s *snapshot) (more bool, err error) {
	p := prover{snapshot: s}
	if p.channels, _, err = s.channels(); err != nil {
		return false, err
	}
	c := s.bucket(bucketCommits).Cursor()
	key, stored := c.Seek(uint64Key(in.after + 1))
	for n := 0; key != nil && in.after < in.asOf; key, stored = c.Next() {
		if n++; n > commitsTogether {
			return true, nil
		}
		value, err := unseal(bucketCommits, key, stored)
		if err != nil {
			return false, err
		}
		r, err := parseCommit(value)
		if err != nil || len(key) != 8 || r.total() == 0 {
			return false, damagedAt(bucketCommits, key, "%v", err)
		}
		last := binary.BigEndian.Uint64(key)
		read, err := in.commit(&p, &stretchCommit{commitRecord: r, first: last - r.total() + 1})
		if err != nil {
			return false, err
		}
		in.after = last
		if read { // which may take long
			n = commitsTogether
		}
	}
	return false, nil
}

// commit proves what is wanted of a commit. read tells whether its entries had to be read.
func (in *includer) commit(p *prover, c *stretchCommit) (read bool, err error) {
	var positions []int64
	for i := range c.total() {
		if change := c.first + i; change <= in.asOf && in.wanted(change) {
			positions = append(positions, int64(i))
		}
	}
	n := int64(len(positions))
	switch {
	case n == 0:
		return false, nil
	case int64(c.leaf) >= in.Size:
		in.Newer += n
		return false, nil
	}
	b := &merkle.Batch{Leaf: int64(c.leaf), First: c.first, Entries: int64(c.total())}
	if n == b.Entries {
		salt := merkle.Hash(c.salt)
		b.Salt = &salt
	} else if err := in.partial(p, c, b, positions); errors.Is(err, ErrDamaged) {
		in.Lost += n
		return true, nil
	} else if err != nil {
		return true, err
	}
	in.Proven += n
	in.leaves = append(in.leaves, b.Leaf)
	return b.Salt == nil, in.each(b)
}

// partial proves some entries of a commit.
func (in *includer) partial(p *prover, c *stretchCommit, b *merkle.Batch, positions []int64) (err error) {
	w := &stretch{first: c.first, commits: []*stretchCommit{c}, commitments: make([]merkle.Hash, c.total())}
	if err := p.commitments(w); err != nil {
		return err
	}
	made := merkle.NewCommitter(c.salt)
	b.At = positions
	for _, i := range positions {
		b.Salts = append(b.Salts, merkle.Hash(made.Salt(uint64(i))))
	}
	b.Hashes, err = merkle.Cover(b.Entries, merkle.Known(positions, nil), func(from, to int64) (merkle.Hash, error) {
		return merkle.Over(w.commitments[from:to]), nil
	})
	return err
}

// cover proves the commits.
func (in *includer) cover(s *snapshot) (err error) {
	c := s.bucket(bucketNotes).Cursor()
	in.Sizes = []int64{}
	for key, _ := c.First(); len(key) == 8 && bytes.Compare(key, uint64Key(uint64(in.Size))) < 0; key, _ = c.Next() {
		in.Sizes = append(in.Sizes, int64(binary.BigEndian.Uint64(key)))
	}
	var r tlog.HashReader = logReader{s: s}
	in.Hashes, err = merkle.Cover(in.Size, merkle.Known(in.leaves, in.Sizes), func(from, to int64) (merkle.Hash, error) {
		return merkle.NodeOf(r, from, to)
	})
	return err
}

// Entries gives the entries of all objects of a class that belongs to the whole server, as of change number asOf, object
// by object.
func (a *Archive) Entries(ctx context.Context, class Class, asOf uint64) iter.Seq2[*[]record.Entry, error] {
	return read(ctx, a, scope{class: class, asOf: asOf}, func(entries []record.Entry) (*[]record.Entry, error) { return &entries, nil })
}
