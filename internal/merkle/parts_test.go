package merkle

import (
	"errors"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"
)

func TestManyLeavesAreProvenTogether(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(1, 70).Draw(t, "n")
		all := leaves(n)
		wanted := distinct(rapid.SliceOfN(rapid.Int64Range(0, int64(n-1)), 1, n).Draw(t, "wanted"))
		borders := distinct(rapid.SliceOfN(rapid.Int64Range(1, int64(n)), 0, 3).Draw(t, "borders"))
		known := Known(wanted, borders)
		hashes, err := Cover(int64(n), known, func(from, to int64) (Hash, error) { return Over(all[from:to]), nil })
		if err != nil {
			t.Fatal(err)
		}
		if len(wanted) == n && len(hashes) > 0 {
			t.Fatalf("%d hashes though all leaves are known", len(hashes))
		}
		leaf := func(i int64) (Hash, error) { return all[i], nil }
		tree, err := Uncover(int64(n), known, leaf, hashes)
		if err != nil {
			t.Fatal(err)
		}
		for _, size := range append(borders, int64(n)) {
			if root, err := tree.Root(size); err != nil || root != referenceRoot(all[:size]) {
				t.Fatalf("root of %d: %v, %v", size, root, err)
			}
		}
		spoilParts(t, all, known, hashes, wanted, n)
	})
}

// spoilParts wants a proof with another leaf, another hash, too few or too many hashes to lead to no root or another one.
func spoilParts(t *rapid.T, all []Hash, known Spans, hashes []Hash, wanted []int64, n int) {
	other := slices.Clone(all)
	spoilt := slices.Clone(hashes)
	switch rapid.IntRange(0, 3).Draw(t, "spoil") {
	case 0:
		other[wanted[rapid.IntRange(0, len(wanted)-1).Draw(t, "leaf")]][7] ^= 1
	case 1:
		if len(spoilt) == 0 {
			return
		}
		spoilt[rapid.IntRange(0, len(spoilt)-1).Draw(t, "hash")][7] ^= 1
	case 2:
		spoilt = append(spoilt, Hash{})
	default:
		if len(spoilt) == 0 {
			return
		}
		spoilt = spoilt[1:]
	}
	tree, err := Uncover(int64(n), known, func(i int64) (Hash, error) { return other[i], nil }, spoilt)
	if err != nil {
		if !errors.Is(err, ErrProof) {
			t.Fatal(err)
		}
		return
	}
	if root, err := tree.Root(int64(n)); err == nil && root == referenceRoot(all) {
		t.Fatal("a spoilt proof leads to the root")
	}
}

func distinct(values []int64) []int64 {
	slices.Sort(values)
	return slices.Compact(values)
}

func TestSizesThatAreNoBorderAreRefused(t *testing.T) {
	all := leaves(8)
	known := Known([]int64{7}, nil)
	hashes, err := Cover(8, known, func(from, to int64) (Hash, error) { return Over(all[from:to]), nil })
	if err != nil {
		t.Fatal(err)
	}
	tree, err := Uncover(8, known, func(i int64) (Hash, error) { return all[i], nil }, hashes)
	if err != nil {
		t.Fatal(err)
	}
	for _, size := range []int64{3, 9} {
		if _, err := tree.Root(size); !errors.Is(err, ErrProof) {
			t.Errorf("size %d: %v", size, err)
		}
	}
}

func TestNodesOfALog(t *testing.T) {
	all := leaves(37)
	var stored []Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (found []Hash, err error) {
		for _, at := range indexes {
			found = append(found, stored[at])
		}
		return found, nil
	})
	for i, leaf := range all {
		more, err := tlog.StoredHashes(int64(i), leaf[:], reader)
		if err != nil {
			t.Fatal(err)
		}
		stored = append(stored, more...)
	}
	for size := int64(1); size <= 37; size++ {
		if got, err := NodeOf(reader, 0, size); err != nil || got != referenceRoot(all[:size]) {
			t.Errorf("%d: %v, %v", size, got, err)
		}
	}
	if got, err := NodeOf(reader, 32, 37); err != nil || got != referenceRoot(all[32:]) {
		t.Errorf("the right edge: %v, %v", got, err)
	}
}
