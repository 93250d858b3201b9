package merkle

import (
	"fmt"
	"slices"

	"golang.org/x/mod/sumdb/tlog"
)

// Many leaves of a tree are proven together by the hashes of the subtrees that hold none of them, from left to right.
// Whoever knows the leaves computes the root from both. Where all leaves are known no hash is needed.

// Batch proves records of one commit to somebody who has them. Position of a record is its change less First.
type Batch struct {
	Leaf    int64   `json:"leaf"`            // of the log
	First   uint64  `json:"first"`           // change number of the commit's first record
	Entries int64   `json:"entries"`         // records of the commit
	Salt    *Hash   `json:"salt,omitzero"`   // of the commit, if all its records are proven
	At      []int64 `json:"at,omitzero"`     // else the positions of the records that are
	Salts   []Hash  `json:"salts,omitzero"`  // and theirs
	Hashes  []Hash  `json:"hashes,omitzero"` // of the subtrees of commitments that hold none of them
}

// Inclusion proves commits to be in the log of a checkpoint, to somebody who can compute their roots.
type Inclusion struct {
	Size   int64   `json:"size"`   // of the log at the checkpoint
	Sizes  []int64 `json:"sizes"`  // of the log at earlier checkpoints: no hash covers leaves of both sides of one, so that their roots can be computed, too
	Hashes []Hash  `json:"hashes"` // of the subtrees of the log that hold none of the commits
}

// Root gives the root of the commit. commitment gives those of the records that are proven, by position.
func (b *Batch) Root(commitment func(position int64) (Hash, error)) (Hash, error) {
	known := Known(b.At, nil)
	if b.Salt != nil {
		known = func(int64, int64) bool { return true }
	}
	tree, err := Uncover(b.Entries, known, commitment, b.Hashes)
	if err != nil {
		return Hash{}, err
	}
	return tree.Root(b.Entries)
}

// half is where a tree over n leaves, two or more, is split: the greatest power of 2 below n (RFC 6962, section 2.1).
func half(n int64) int64 {
	k := int64(1)
	for k*2 < n {
		k *= 2
	}
	return k
}

// Spans tells of a range of leaves, the last one not included, whether a proof must look into it.
type Spans func(from, to int64) bool

// Known gives a Spans that looks for sorted leaves, and for sorted borders within a range.
func Known(leaves, borders []int64) Spans {
	return func(from, to int64) bool {
		i, _ := slices.BinarySearch(leaves, from)
		j, _ := slices.BinarySearch(borders, from+1)
		return i < len(leaves) && leaves[i] < to || j < len(borders) && borders[j] < to
	}
}

// Cover gives the hashes that prove leaves of a tree of the given size. node gives the hash of the subtree over a range.
func Cover(size int64, known Spans, node func(from, to int64) (Hash, error)) (hashes []Hash, err error) {
	var walk func(from, to int64) error
	walk = func(from, to int64) error {
		if !known(from, to) {
			h, err := node(from, to)
			hashes = append(hashes, h)
			return err
		}
		if to-from == 1 {
			return nil
		}
		mid := from + half(to-from)
		if err := walk(from, mid); err != nil {
			return err
		}
		return walk(mid, to)
	}
	if size > 0 {
		err = walk(0, size)
	}
	return hashes, err
}

// Covered is a tree that leaves and the hashes of Cover describe.
type Covered struct {
	known Spans
	leaf  func(i int64) (Hash, error)
	size  int64
	nodes map[[2]int64]Hash // of the subtrees that hashes were given for
}

// Uncover reverses Cover. leaf gives the leaves that are known: 32 bytes each, before they are hashed.
func Uncover(size int64, known Spans, leaf func(i int64) (Hash, error), hashes []Hash) (*Covered, error) {
	c := &Covered{known, leaf, size, map[[2]int64]Hash{}}
	rest := hashes
	_, err := Cover(size, known, func(from, to int64) (h Hash, err error) {
		if len(rest) == 0 {
			return h, fmt.Errorf("%w: a hash is missing", ErrProof)
		}
		h, rest = rest[0], rest[1:]
		c.nodes[[2]int64{from, to}] = h
		return h, nil
	})
	if err == nil && len(rest) > 0 {
		err = fmt.Errorf("%w: %d hashes too many", ErrProof, len(rest))
	}
	return c, err
}

// Root gives the root that the tree had when it had the given size: its own, or that of a border.
func (c *Covered) Root(size int64) (Hash, error) {
	if size == 0 {
		return (&Tree{}).Root(), nil
	}
	if size > c.size {
		return Hash{}, fmt.Errorf("%w: the tree has %d leaves, not %d", ErrProof, c.size, size)
	}
	return c.node(0, size)
}

func (c *Covered) node(from, to int64) (Hash, error) {
	if h, given := c.nodes[[2]int64{from, to}]; given {
		return h, nil
	}
	if to-from == 1 && !c.known(from, to) {
		return Hash{}, fmt.Errorf("%w: leaf %d is not known apart from others", ErrProof, from)
	}
	if to-from == 1 {
		leaf, err := c.leaf(from)
		return tlog.RecordHash(leaf[:]), err
	}
	mid := from + half(to-from)
	left, err := c.node(from, mid)
	if err != nil {
		return left, err
	}
	right, err := c.node(mid, to)
	return tlog.NodeHash(left, right), err
}

// Over gives the hash of the subtree over a range of leaves.
func Over(leaves []Hash) Hash {
	var t Tree
	for _, leaf := range leaves {
		t.Add(leaf)
	}
	return t.Root()
}

// NodeOf gives the hash of the subtree over a range of the leaves of a log, of which stored hashes are read.
func NodeOf(r tlog.HashReader, from, to int64) (Hash, error) {
	n := to - from
	if level := log2(n); int64(1)<<level == n && from%n == 0 {
		found, err := r.ReadHashes([]int64{tlog.StoredHashIndex(level, from>>level)})
		if err != nil {
			return Hash{}, err
		}
		return found[0], nil
	}
	mid := from + half(n)
	left, err := NodeOf(r, from, mid)
	if err != nil {
		return left, err
	}
	right, err := NodeOf(r, mid, to)
	return tlog.NodeHash(left, right), err
}

// log2 is the greatest power of 2 that is no more than n, as its exponent.
func log2(n int64) int {
	level := 0
	for int64(2)<<level <= n {
		level++
	}
	return level
}
