// RFC 6962 section 2.1 word for word: slow, recursive, and the judge of everything else.

package merkle_test

import (
	"crypto/sha256"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func naiveLeaf(data []byte) merkle.Hash { return sha256.Sum256(append([]byte{0}, data...)) }

func naiveNode(left, right merkle.Hash) merkle.Hash {
	return sha256.Sum256(append(append([]byte{1}, left[:]...), right[:]...))
}

// naiveSplit is the largest power of two smaller than n.
func naiveSplit(n int) int {
	k := 1
	for k*2 < n {
		k *= 2
	}
	return k
}

func naiveRoot(leaves []merkle.Hash) merkle.Hash {
	switch n := len(leaves); n {
	case 0:
		return sha256.Sum256(nil)
	case 1:
		return leaves[0]
	default:
		k := naiveSplit(n)
		return naiveNode(naiveRoot(leaves[:k]), naiveRoot(leaves[k:]))
	}
}

func naivePath(m int, leaves []merkle.Hash) merkle.Proof {
	if len(leaves) == 1 {
		return merkle.Proof{}
	}
	if k := naiveSplit(len(leaves)); m < k {
		return append(naivePath(m, leaves[:k]), naiveRoot(leaves[k:]))
	} else {
		return append(naivePath(m-k, leaves[k:]), naiveRoot(leaves[:k]))
	}
}

func naiveConsistency(m int, leaves []merkle.Hash, complete bool) merkle.Proof {
	if m == len(leaves) {
		if complete {
			return merkle.Proof{}
		}
		return merkle.Proof{naiveRoot(leaves)}
	}
	if k := naiveSplit(len(leaves)); m <= k {
		return append(naiveConsistency(m, leaves[:k], complete), naiveRoot(leaves[k:]))
	} else {
		return append(naiveConsistency(m-k, leaves[k:], false), naiveRoot(leaves[:k]))
	}
}
