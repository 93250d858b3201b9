package storage

import (
	"math/rand/v2"
	"slices"
	"testing"

	"archiver/internal/merkle"
)

// TestIncludeProvesWhatIsGiven proves all entries, some, and one of an archive, part of which no checkpoint covers, as
// somebody does who has nothing but those entries.
func TestIncludeProvesWhatIsGiven(t *testing.T) {
	dir, _ := fullArchive(t)
	a, err := Open(t.Context(), dir, testOptions())
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	signed := a.Change()
	put(t, a, Page{Channel: "alpha", Messages: messages(9000, 9010)})
	entries, err := a.Changes(t.Context(), 0, int(a.Change()))
	if err != nil {
		t.Fatal(err)
	}
	random := rand.New(rand.NewPCG(1, 2))
	chosen := make([]bool, a.Change()+1)
	for i := range chosen {
		chosen[i] = random.IntN(50) == 0
	}
	for name, wanted := range map[string]func(uint64) bool{
		"all": func(uint64) bool { return true }, "one": func(c uint64) bool { return c == signed/2 },
		"some": func(c uint64) bool { return chosen[c] }, "none": func(uint64) bool { return false },
	} {
		t.Run(name, func(t *testing.T) {
			var given []Changed
			for _, e := range entries {
				if wanted(e.Change) {
					given = append(given, e)
				}
			}
			var batches []*merkle.Batch
			in, err := a.Include(t.Context(), a.Change(), wanted, func(b *merkle.Batch) error { batches = append(batches, b); return nil })
			if err != nil {
				t.Fatal(err)
			}
			if in.Proven+in.Newer != int64(len(given)) || in.Lost != 0 || (name == "all") != (in.Newer == 10) {
				t.Errorf("%d proven, %d newer, %d lost of %d", in.Proven, in.Newer, in.Lost, len(given))
			}
			if name == "all" && (len(in.Hashes) > 0 || slices.ContainsFunc(batches, func(b *merkle.Batch) bool { return b.Salt == nil })) {
				t.Error("a proof of everything holds more than salts of commits")
			}
			checkIncluded(t, in, batches, given)
		})
	}
}

func checkIncluded(t *testing.T, in *Included, batches []*merkle.Batch, given []Changed) {
	t.Helper()
	records := map[uint64][]byte{}
	for i := range given {
		records[given[i].Change] = given[i].hashed().Append(nil)
	}
	roots, leaves := map[int64]merkle.Hash{}, []int64{}
	for _, b := range batches {
		root, err := b.Root(func(position int64) (merkle.Hash, error) {
			salt := merkle.Salt{}
			if b.Salt != nil {
				salt = merkle.NewCommitter(merkle.Salt(*b.Salt)).Salt(uint64(position))
			} else if i, ok := slices.BinarySearch(b.At, position); ok {
				salt = merkle.Salt(b.Salts[i])
			}
			return merkle.CommitmentTo(records[b.First+uint64(position)], salt), nil
		})
		if err != nil {
			t.Fatal(err)
		}
		roots[b.Leaf], leaves = root, append(leaves, b.Leaf)
	}
	c, err := merkle.ParseCheckpoint(in.Checkpoint, in.PublicKey)
	if err != nil {
		t.Fatal(err)
	}
	tree, err := merkle.Uncover(in.Size, merkle.Known(leaves, in.Sizes), func(i int64) (merkle.Hash, error) { return roots[i], nil }, in.Hashes)
	if err != nil {
		t.Fatal(err)
	}
	if root, err := tree.Root(c.Size); err != nil || root != c.Root {
		t.Errorf("root %v, %v, the checkpoint has %v", root, err, c.Root)
	}
}

func TestIncludeWithoutACheckpointProvesNothing(t *testing.T) {
	a := newArchive(t)
	put(t, a, Page{Channel: "alpha", Messages: messages(0, 10)})
	in, err := a.Include(t.Context(), a.Change(), func(uint64) bool { return true }, nil)
	if err != nil || in.Checkpoint != nil || in.Proven != 0 {
		t.Errorf("%+v, %v", in, err)
	}
}
