// Trees and proofs against the naive implementation, and what proofs must refuse.

package merkle_test

import (
	"errors"
	"fmt"
	"math"
	"slices"
	"testing"

	"golang.org/x/mod/sumdb/tlog"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// grow makes a tree of n leaves and gives their hashes too.
func grow(n int) (*merkle.Tree, []merkle.Hash) {
	tree := new(merkle.Tree)
	var leaves []merkle.Hash
	for i := range n {
		leaves = append(leaves, merkle.LeafHash(fmt.Appendf(nil, "leaf %d", i)))
		tree.Append(leaves[i])
	}
	return tree, leaves
}

func TestEverySmallTreeAgreesWithTheNaiveOne(t *testing.T) {
	t.Parallel()
	tree := new(merkle.Tree)
	var edge merkle.Frontier
	_, leaves := grow(70)
	for n := range leaves {
		want := naiveRoot(leaves[:n])
		at, err := merkle.RootAt(tree, int64(n))
		if err != nil || tree.Root() != want || edge.Root() != want || at != want {
			t.Fatalf("%d leaves: tree %v, frontier %v, RootAt %v, %v; want %v", n, tree.Root(), edge.Root(), at, err, want)
		}
		if tree.Size() != int64(n) || edge.Size() != int64(n) {
			t.Fatalf("sizes %d and %d, want %d", tree.Size(), edge.Size(), n)
		}
		for i := range n {
			proof, err := merkle.ProveInclusion(tree, int64(i), int64(n))
			if err != nil || !slices.Equal(proof, naivePath(i, leaves[:n])) {
				t.Fatalf("leaf %d of %d: %v, %v", i, n, proof, err)
			}
			if err := merkle.VerifyInclusion(int64(i), int64(n), leaves[i], want, proof); err != nil {
				t.Fatal(err)
			}
		}
		for m := 1; m <= n; m++ {
			proof, err := merkle.ProveConsistency(tree, int64(m), int64(n))
			if err != nil || !slices.Equal(proof, naiveConsistency(m, leaves[:n], true)) {
				t.Fatalf("from %d to %d: %v, %v", m, n, proof, err)
			}
			if err := merkle.VerifyConsistency(int64(m), int64(n), naiveRoot(leaves[:m]), want, proof); err != nil {
				t.Fatal(err)
			}
		}
		tree.Append(leaves[n])
		edge.Append(leaves[n])
	}
}

func TestLeafHashIsThatOfTheRFC(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		data := rapid.SliceOf(rapid.Byte()).Draw(t, "data")
		if merkle.LeafHash(data) != naiveLeaf(data) {
			t.Fatal("another hash")
		}
	})
}

func TestStoredNodesHaveTheOrderOfTlog(t *testing.T) {
	t.Parallel()
	var edge merkle.Frontier
	var nodes, want []merkle.Hash
	reader := tlog.HashReaderFunc(func(indexes []int64) (hashes []tlog.Hash, _ error) {
		for _, at := range indexes {
			hashes = append(hashes, want[at])
		}
		return hashes, nil
	})
	_, leaves := grow(130)
	for n, leaf := range leaves {
		stored, err := tlog.StoredHashesForRecordHash(int64(n), leaf, reader)
		if err != nil {
			t.Fatal(err)
		}
		want = append(want, stored...)
		if nodes = edge.AppendNodes(nodes, leaf); !slices.Equal(nodes, want) {
			t.Fatalf("the nodes differ after leaf %d", n)
		}
	}
}

func TestACopyOfAFrontierGrowsOnItsOwn(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		common := rapid.IntRange(0, 40).Draw(t, "common")
		_, leaves := grow(common + 20)
		var one merkle.Frontier
		for _, leaf := range leaves[:common] {
			one.Append(leaf)
		}
		other := one
		for i := range 10 {
			one.Append(leaves[common+i])
			other.Append(leaves[common+10+i])
		}
		if one.Root() != naiveRoot(leaves[:common+10]) || other.Root() != naiveRoot(append(leaves[:common:common], leaves[common+10:]...)) {
			t.Fatal("the copies disturb each other")
		}
	})
}

func TestProofsRefuseAnyChange(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		n := rapid.IntRange(2, 200).Draw(t, "size")
		m := rapid.IntRange(1, n).Draw(t, "older")
		i := rapid.IntRange(0, n-1).Draw(t, "index")
		tree, leaves := grow(n)
		root, older := tree.Root(), naiveRoot(leaves[:m])
		inclusion, _ := merkle.ProveInclusion(tree, int64(i), int64(n))
		consistency, _ := merkle.ProveConsistency(tree, int64(m), int64(n))
		for name, proof := range map[string]merkle.Proof{"inclusion": inclusion, "consistency": consistency} {
			changed := change(t, proof)
			var err error
			if name == "inclusion" {
				err = merkle.VerifyInclusion(int64(i), int64(n), leaves[i], root, changed)
			} else {
				err = merkle.VerifyConsistency(int64(m), int64(n), older, root, changed)
			}
			if !errors.Is(err, merkle.ErrProof) {
				t.Fatalf("%s passes when changed: %v", name, err)
			}
		}
		if other := rapid.IntRange(0, n-1).Draw(t, "other"); other != i {
			if merkle.VerifyInclusion(int64(other), int64(n), leaves[i], root, inclusion) == nil {
				t.Fatal("the leaf passes at another index")
			}
		}
	})
}

// change makes one of the changes that a proof must not survive.
func change(t *rapid.T, proof merkle.Proof) merkle.Proof {
	changed := slices.Clone(proof)
	at := rapid.IntRange(0, len(proof)).Draw(t, "at")
	if at == len(proof) {
		return append(changed, merkle.Hash{byte(at)})
	}
	switch rapid.SampledFrom([]string{"flip", "drop", "double"}).Draw(t, "change") {
	case "flip":
		changed[at][rapid.IntRange(0, 31).Draw(t, "byte")] ^= 1 << rapid.IntRange(0, 7).Draw(t, "bit")
		return changed
	case "drop":
		return slices.Delete(changed, at, at+1)
	default:
		return slices.Insert(changed, at, changed[at])
	}
}

// Sizes from outside must neither pass nor keep the arithmetic of tlog busy for ever.
func TestImpossibleSizesAreRefused(t *testing.T) {
	t.Parallel()
	tree, leaves := grow(4)
	root := tree.Root()
	sizes := []int64{-1, math.MinInt64, merkle.MaxSize + 1, 1<<62 + 1, math.MaxInt64}
	for _, n := range sizes {
		for name, err := range map[string]error{
			"root":        second(merkle.RootAt(tree, n)),
			"inclusion":   second(merkle.ProveInclusion(tree, 0, n)),
			"index":       second(merkle.ProveInclusion(tree, n, 4)),
			"consistency": second(merkle.ProveConsistency(tree, 1, n)),
			"older":       second(merkle.ProveConsistency(tree, n, 4)),
			"tiles":       second(merkle.NewTiles(0, n)),
			"verify 1":    merkle.VerifyInclusion(0, n, leaves[0], root, nil),
			"verify 2":    merkle.VerifyInclusion(n, 4, leaves[0], root, nil),
			"verify 3":    merkle.VerifyConsistency(1, n, root, root, nil),
			"verify 4":    merkle.VerifyConsistency(n, 4, root, root, nil),
			"verify 5":    merkle.VerifyConsistency(0, n, merkle.EmptyRoot, root, nil),
		} {
			if err == nil {
				t.Errorf("%s of size %d passes", name, n)
			}
		}
	}
	for name, err := range map[string]error{
		"leaf behind the end": merkle.VerifyInclusion(4, 4, leaves[3], root, nil),
		"shrinking":           merkle.VerifyConsistency(5, 4, root, root, nil),
		"node behind the end": second(merkle.RootAt(tree, 5)),
	} {
		if err == nil {
			t.Errorf("%s passes", name)
		}
	}
}

func second[T any](_ T, err error) error { return err }

// Package tlog refuses proofs from size 0; here the empty tree is the beginning of every tree, and only it.
func TestConsistencyFromTheEmptyTree(t *testing.T) {
	t.Parallel()
	tree, _ := grow(5)
	proof, err := merkle.ProveConsistency(tree, 0, 5)
	if err != nil || len(proof) != 0 {
		t.Fatalf("%v, %v", proof, err)
	}
	for name, c := range map[string]struct {
		newer       int64
		old, newest merkle.Hash
		proof       merkle.Proof
		good        bool
	}{
		"to five":                {5, merkle.EmptyRoot, tree.Root(), nil, true},
		"to nothing":             {0, merkle.EmptyRoot, merkle.EmptyRoot, nil, true},
		"to a wrong nothing":     {0, merkle.EmptyRoot, tree.Root(), nil, false},
		"from a wrong root":      {5, tree.Root(), tree.Root(), nil, false},
		"with hashes left over":  {5, merkle.EmptyRoot, tree.Root(), merkle.Proof{{}}, false},
		"from wrong and nothing": {0, tree.Root(), tree.Root(), nil, false},
	} {
		err := merkle.VerifyConsistency(0, c.newer, c.old, c.newest, c.proof)
		if c.good != (err == nil) || err != nil && !errors.Is(err, merkle.ErrProof) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
