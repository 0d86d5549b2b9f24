// Package merkle makes the log tamper-evident: RFC 6962 trees over the leaves, epoch records that
// bind all trees to a time, signed checkpoints, proofs, and the check that a set of events is all
// of a trail. It does no I/O and knows nothing of events but their bytes.
//
// Four kinds of tree are built alike. The events tree holds every leaf of the log, a trail tree
// the leaves of one trail, the heads tree of an epoch one [Head] for each organization, and the
// log of epochs one [Epoch] after another. A [Checkpoint] signs the log of epochs, and with it
// everything else.
package merkle

import (
	"fmt"
	"math/bits"

	"golang.org/x/mod/sumdb/tlog"
)

// Hash is the hash of a leaf, a node or a whole tree. It prints as base64.
type Hash = tlog.Hash

// MaxSize is the most leaves that a tree may have: the largest integer that every JSON reader
// keeps exactly. The limit matters for numbers from outside, since the arithmetic of package tlog
// never ends for sizes above 2⁶².
const MaxSize = 1<<53 - 1

// EmptyRoot is the root of a tree without leaves, the SHA-256 of nothing.
var EmptyRoot = Hash{
	0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
	0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
}

// LeafHash is SHA-256(0x00 ‖ leaf), RFC 6962 section 2.1.
func LeafHash(leaf []byte) Hash { return tlog.RecordHash(leaf) }

// Frontier is the right edge of a growing tree: enough to append and to know the root, in memory
// logarithmic in the size. The zero Frontier is the empty tree; a copy grows on its own.
type Frontier struct {
	size int64
	// peaks[k] is the root of a perfect subtree of 2^k leaves, and means something while bit k of
	// size is set. From the highest bit to the lowest they cover the tree from left to right.
	peaks [62]Hash
}

// Size is the number of leaves.
func (f *Frontier) Size() int64 { return f.size }

// Append adds a leaf by its hash.
func (f *Frontier) Append(leaf Hash) {
	for level := range f.peaks {
		if f.size>>level&1 == 0 {
			f.peaks[level] = leaf
			break
		}
		leaf = tlog.NodeHash(f.peaks[level], leaf)
	}
	f.size++
}

// AppendNodes adds a leaf, and to nodes every node that the leaf completes, itself first: the
// order in which package tlog numbers stored hashes, so that nodes[tlog.StoredHashIndex(level, n)]
// is a node if all were kept from the first leaf on.
func (f *Frontier) AppendNodes(nodes []Hash, leaf Hash) []Hash {
	for level := 0; f.size>>level&1 == 1; level++ {
		nodes = append(nodes, leaf)
		leaf = tlog.NodeHash(f.peaks[level], leaf)
	}
	f.peaks[bits.TrailingZeros64(^uint64(f.size))] = leaf
	f.size++
	return append(nodes, leaf)
}

// Root is the root of the tree as it is now.
func (f *Frontier) Root() Hash {
	if f.size == 0 {
		return EmptyRoot
	}
	rest := uint64(f.size)
	root := f.peaks[bits.TrailingZeros64(rest)]
	for rest &= rest - 1; rest != 0; rest &= rest - 1 {
		root = tlog.NodeHash(f.peaks[bits.TrailingZeros64(rest)], root)
	}
	return root
}

// Tree is a tree with all its nodes in memory, able to prove: the heads tree of an epoch, or any
// other small enough. The zero Tree is empty.
type Tree struct {
	edge  Frontier
	nodes []Hash // in the order of tlog.StoredHashIndex
}

// Size is the number of leaves.
func (t *Tree) Size() int64 { return t.edge.size }

// Append adds a leaf by its hash.
func (t *Tree) Append(leaf Hash) { t.nodes = t.edge.AppendNodes(t.nodes, leaf) }

// Root is the root of the tree as it is now.
func (t *Tree) Root() Hash { return t.edge.Root() }

// ReadHashes makes a Tree a [tlog.HashReader].
func (t *Tree) ReadHashes(indexes []int64) ([]Hash, error) {
	hashes := make([]Hash, len(indexes))
	for i, at := range indexes {
		if at < 0 || at >= int64(len(t.nodes)) {
			return nil, fmt.Errorf("a tree of %d leaves has no node %d", t.edge.size, at)
		}
		hashes[i] = t.nodes[at]
	}
	return hashes, nil
}
