// Proofs of RFC 6962, section 2.1: that a leaf stands in a tree, that one tree goes on another.

package merkle

import (
	"errors"
	"fmt"

	"golang.org/x/mod/sumdb/tlog"
)

// Proof is the list of hashes that leads from what is known to a root, nearest to the leaves first.
type Proof []Hash

// ErrProof says that a proof does not prove what it should.
var ErrProof = errors.New("the proof does not lead to the signed root")

// RootAt is the root that the tree had when it had that many leaves.
func RootAt(r tlog.HashReader, size int64) (Hash, error) {
	if err := checkSizes(0, size); err != nil {
		return Hash{}, err
	}
	return tlog.TreeHash(size, r)
}

// ProveInclusion proves that the leaf with this index (from 0) stands in the tree of that size.
func ProveInclusion(r tlog.HashReader, index, size int64) (Proof, error) {
	if err := checkSizes(index+1, size); err != nil {
		return nil, fmt.Errorf("prove leaf %d: %w", index, err)
	}
	proof, err := tlog.ProveRecord(size, index, r)
	return Proof(proof), err
}

// VerifyInclusion checks such a proof, or gives [ErrProof].
func VerifyInclusion(index, size int64, leaf, root Hash, proof Proof) error {
	if err := checkSizes(index+1, size); err != nil {
		return fmt.Errorf("leaf %d: %w: %w", index, ErrProof, err)
	}
	if tlog.CheckRecord(tlog.RecordProof(proof), size, root, index, leaf) != nil {
		return fmt.Errorf("leaf %d of %d: %w", index, size, ErrProof)
	}
	return nil
}

// ProveConsistency proves that the tree of the newer size begins with the tree of the older one.
func ProveConsistency(r tlog.HashReader, older, newer int64) (Proof, error) {
	if err := checkSizes(older, newer); err != nil {
		return nil, fmt.Errorf("prove consistency: %w", err)
	}
	if older == 0 { // nothing to prove, and tlog refuses it
		return Proof{}, nil
	}
	proof, err := tlog.ProveTree(newer, older, r)
	return Proof(proof), err
}

// VerifyConsistency checks such a proof, or gives [ErrProof].
func VerifyConsistency(older, newer int64, olderRoot, newerRoot Hash, proof Proof) error {
	if err := checkSizes(older, newer); err != nil {
		return fmt.Errorf("%w: %w", ErrProof, err)
	}
	if older == 0 {
		if len(proof) != 0 || olderRoot != EmptyRoot || newer == 0 && newerRoot != EmptyRoot {
			return fmt.Errorf("from the empty tree to %d leaves: %w", newer, ErrProof)
		}
		return nil
	}
	if tlog.CheckTree(tlog.TreeProof(proof), newer, newerRoot, older, olderRoot) != nil {
		return fmt.Errorf("from %d to %d leaves: %w", older, newer, ErrProof)
	}
	return nil
}

func checkSizes(part, whole int64) error {
	if part < 0 || part > whole || whole > MaxSize {
		return fmt.Errorf("%d of %d leaves is no part of a tree", part, whole)
	}
	return nil
}
