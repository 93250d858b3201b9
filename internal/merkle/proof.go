package merkle

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Path is the way from a leaf to the root of a tree.
type Path struct {
	Index  int64  `json:"index"`  // of the leaf, from 0
	Size   int64  `json:"size"`   // leaves of the tree
	Hashes []Hash `json:"hashes"` // of the nodes beside the way, the one beside the leaf first (RFC 6962, section 2.1.1)
}

// Proof shows that a record is in the log that a checkpoint describes.
type Proof struct {
	Record     []byte `json:"record"` // in canonical form, base64 in JSON
	Salt       []byte `json:"salt"`
	Batch      Path   `json:"batch"`      // from the commitment to the batch root
	Log        Path   `json:"log"`        // from the batch root to the log's root
	Checkpoint string `json:"checkpoint"` // signed note
}

// ErrProof means that a proof does not hold.
var ErrProof = errors.New("proof does not hold")

// Check checks a proof against the public half of the key that signed its checkpoint.
func (p *Proof) Check(public string) error {
	c, err := ParseCheckpoint([]byte(p.Checkpoint), public)
	if err != nil {
		return err
	}
	if c.Size != p.Log.Size {
		return fmt.Errorf("%w: it is for a log of %d leaves, the checkpoint is of %d", ErrProof, p.Log.Size, c.Size)
	}
	if len(p.Salt) != HashSize {
		return fmt.Errorf("%w: salt of %d bytes", ErrProof, len(p.Salt))
	}
	root, err := p.Batch.root(commitment(p.Salt, p.Record))
	if err != nil {
		return fmt.Errorf("batch: %w", err)
	}
	if root, err = p.Log.root(root); err != nil {
		return fmt.Errorf("log: %w", err)
	}
	if root != c.Root {
		return fmt.Errorf("%w: it leads to another root", ErrProof)
	}
	return nil
}

// root gives the root that a leaf leads to (RFC 9162, section 2.1.3.2).
func (p *Path) root(leaf Hash) (Hash, error) {
	if p.Index < 0 || p.Index >= p.Size {
		return Hash{}, fmt.Errorf("%w: leaf %d of %d", ErrProof, p.Index, p.Size)
	}
	h := tlog.RecordHash(leaf[:])
	index, last, rest := p.Index, p.Size-1, p.Hashes
	for ; last > 0; index, last = index/2, last/2 {
		alone := index == last && index%2 == 0 // the last node of a row may have no neighbour
		if alone {
			continue
		}
		if len(rest) == 0 {
			return Hash{}, fmt.Errorf("%w: the path is too short", ErrProof)
		}
		if index%2 == 1 {
			h = tlog.NodeHash(rest[0], h)
		} else {
			h = tlog.NodeHash(h, rest[0])
		}
		rest = rest[1:]
	}
	if len(rest) > 0 {
		return Hash{}, fmt.Errorf("%w: the path is too long", ErrProof)
	}
	return h, nil
}

// PathTo gives the way to a leaf of the tree over leaves.
func PathTo(leaves []Hash, index int) (Path, error) {
	stored := make([]Hash, 0, 2*len(leaves))
	reader := tlog.HashReaderFunc(func(indexes []int64) ([]Hash, error) {
		found := make([]Hash, len(indexes))
		for i, at := range indexes {
			found[i] = stored[at]
		}
		return found, nil
	})
	for n, leaf := range leaves {
		more, err := tlog.StoredHashes(int64(n), leaf[:], reader)
		if err != nil {
			return Path{}, err
		}
		stored = append(stored, more...)
	}
	hashes, err := tlog.ProveRecord(int64(len(leaves)), int64(index), reader)
	return Path{int64(index), int64(len(leaves)), hashes}, err
}
