// The trees and proofs of eventstore/merkle against another implementation of RFC 6962. It stands
// in a module of its own, so that what only judges is no dependency of the product.

package oracles

import (
	"encoding/hex"
	"fmt"
	"testing"

	"github.com/transparency-dev/merkle/compact"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/merkle/testonly"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// pair is one tree in both implementations.
type pair struct {
	ours   merkle.Tree
	theirs *testonly.Tree
}

func grow(n int) *pair {
	p := &pair{theirs: testonly.New(rfc6962.DefaultHasher)}
	for i := range n {
		leaf := fmt.Appendf(nil, "leaf %d", i)
		p.ours.Append(merkle.LeafHash(leaf))
		p.theirs.AppendData(leaf)
	}
	return p
}

func ours(raw []byte) merkle.Hash { return merkle.Hash(raw) }

func raw(hashes merkle.Proof) (out [][]byte) {
	for _, h := range hashes {
		out = append(out, h[:])
	}
	return out
}

func same(a merkle.Proof, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != ours(b[i]) {
			return false
		}
	}
	return true
}

// The known answers that come with the other implementation.
func TestKnownAnswers(t *testing.T) {
	t.Parallel()
	var tree merkle.Tree
	roots := testonly.RootHashes()
	for i, leaf := range testonly.LeafInputs() {
		if got := tree.Root(); got != ours(roots[i]) {
			t.Errorf("%d leaves: %x, want %x", i, got, roots[i])
		}
		tree.Append(merkle.LeafHash(leaf))
	}
	if got := tree.Root(); got != ours(roots[tree.Size()]) {
		t.Errorf("all leaves: %s", hex.EncodeToString(got[:]))
	}
}

func TestRootsAgreeAtEverySize(t *testing.T) {
	t.Parallel()
	const n = 1100
	p := grow(n)
	for size := range uint64(n + 1) {
		got, err := merkle.RootAt(&p.ours, int64(size))
		if err != nil || got != ours(p.theirs.HashAt(size)) {
			t.Fatalf("%d leaves: %v, %v", size, got, err)
		}
	}
}

// A frontier is what the other implementation calls a compact range from 0.
func TestFrontiersAgree(t *testing.T) {
	t.Parallel()
	theirs := (&compact.RangeFactory{Hash: rfc6962.DefaultHasher.HashChildren}).NewEmptyRange(0)
	var edge merkle.Frontier
	for i := range 600 {
		leaf := rfc6962.DefaultHasher.HashLeaf([]byte{byte(i), byte(i >> 8)})
		edge.Append(ours(leaf))
		if err := theirs.Append(leaf, nil); err != nil {
			t.Fatal(err)
		}
		root, err := theirs.GetRootHash(nil)
		if err != nil || edge.Root() != ours(root) {
			t.Fatalf("%d leaves: %v, want %x, %v", i+1, edge.Root(), root, err)
		}
		text, _ := edge.MarshalText()
		want := fmt.Sprintln(i + 1)
		for _, h := range theirs.Hashes() {
			want += ours(h).String() + "\n"
		}
		if string(text) != want {
			t.Fatalf("frontier %s, want %s", text, want)
		}
	}
}

func TestProofsAgree(t *testing.T) {
	t.Parallel()
	const n = 700
	p := grow(n)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, n).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		older := rapid.Uint64Range(0, size).Draw(t, "older")
		root, oldRoot, leaf := p.theirs.HashAt(size), p.theirs.HashAt(older), p.theirs.LeafHash(index)

		mine, err := merkle.ProveInclusion(&p.ours, int64(index), int64(size))
		other, err2 := p.theirs.InclusionProof(index, size)
		if err != nil || err2 != nil || !same(mine, other) {
			t.Fatalf("leaf %d of %d: %v, %v", index, size, err, err2)
		}
		if err := proof.VerifyInclusion(rfc6962.DefaultHasher, index, size, leaf, raw(mine), root); err != nil {
			t.Fatal(err)
		}
		if err := merkle.VerifyInclusion(int64(index), int64(size), ours(leaf), ours(root), mine); err != nil {
			t.Fatal(err)
		}

		mine, err = merkle.ProveConsistency(&p.ours, int64(older), int64(size))
		other, err2 = p.theirs.ConsistencyProof(older, size)
		if err != nil || err2 != nil || !same(mine, other) {
			t.Fatalf("from %d to %d: %v, %v", older, size, err, err2)
		}
		if err := proof.VerifyConsistency(rfc6962.DefaultHasher, older, size, raw(mine), oldRoot, root); err != nil {
			t.Fatal(err)
		}
		if err := merkle.VerifyConsistency(int64(older), int64(size), ours(oldRoot), ours(root), mine); err != nil {
			t.Fatal(err)
		}
	})
}

// Both verifiers must say the same of proofs that may be wrong.
func TestRefusalsAgree(t *testing.T) {
	t.Parallel()
	p := grow(64)
	small := rapid.Uint64Range(0, 66)
	rapid.Check(t, func(t *rapid.T) {
		size := rapid.Uint64Range(1, 64).Draw(t, "size")
		index := rapid.Uint64Range(0, size-1).Draw(t, "index")
		older := rapid.Uint64Range(1, size).Draw(t, "older")
		root := p.theirs.HashAt(size)

		// A right proof for one place, checked at another that may be the same.
		inclusion, _ := merkle.ProveInclusion(&p.ours, int64(index), int64(size))
		i, n := small.Draw(t, "claimed index"), small.Draw(t, "claimed size")
		leaf := p.theirs.LeafHash(index)
		theirs := proof.VerifyInclusion(rfc6962.DefaultHasher, i, n, leaf, raw(inclusion), root)
		mine := merkle.VerifyInclusion(int64(i), int64(n), ours(leaf), ours(root), inclusion)
		if (theirs == nil) != (mine == nil) {
			t.Fatalf("leaf %d of %d as %d of %d: %v, but the oracle says %v", index, size, i, n, mine, theirs)
		}

		consistency, _ := merkle.ProveConsistency(&p.ours, int64(older), int64(size))
		m := rapid.Uint64Range(1, 66).Draw(t, "claimed older")
		theirs = proof.VerifyConsistency(rfc6962.DefaultHasher, m, n, raw(consistency), p.theirs.HashAt(older), root)
		mine = merkle.VerifyConsistency(int64(m), int64(n), ours(p.theirs.HashAt(older)), ours(root), consistency)
		if (theirs == nil) != (mine == nil) {
			t.Fatalf("from %d to %d as %d to %d: %v, but the oracle says %v", older, size, m, n, mine, theirs)
		}
	})
}
