// How the package is used from outside.

package merkle_test

import (
	"crypto/rand"
	"fmt"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// A client of the log keeps its last checkpoint and asks for proof that the next one continues it.
func ExampleCheckpoint_Extends() {
	var log merkle.Tree
	log.Append(merkle.LeafHash([]byte("epoch 0")))
	kept := merkle.Checkpoint{Origin: "ledger.example", Size: log.Size(), Root: log.Root()}
	log.Append(merkle.LeafHash([]byte("epoch 1")))
	next := merkle.Checkpoint{Origin: "ledger.example", Size: log.Size(), Root: log.Root()}

	proof, err := merkle.ProveConsistency(&log, kept.Size, next.Size)
	fmt.Println(next.Extends(kept, proof), err)
	kept.Root[0]++
	fmt.Println(next.Extends(kept, proof))
	// Output:
	// <nil> <nil>
	// the two checkpoints are not of one log: its history was rewritten or there are two: from 1 to 2 leaves: the proof does not lead to the signed root
}

// A whole round: two events of one organization are sealed, and an auditor verifies them offline.
func ExampleAuditor_Verify() {
	lines := []string{"created", "token issued"}
	private, public, _ := note.GenerateKey(rand.Reader, "ledger.example")
	signer, _ := note.NewSigner(private)
	blinder, _ := merkle.NewBlinder(make([]byte, 32))

	var trail merkle.Tree // it is also the events tree: there is no other trail
	for _, line := range lines {
		trail.Append(merkle.LeafHash([]byte(line)))
	}
	heads := []merkle.Head{{Index: 0, Size: trail.Size(), Root: trail.Root()}}
	tree, _ := blinder.HeadsTree(0, heads)
	end := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	record, _ := merkle.Epoch{
		Time: end, Size: trail.Size(), Root: trail.Root(), Organizations: tree.Size(), Heads: tree.Root(),
	}.Line()
	log := merkle.LeafHash(record) // a log of one record is its leaf
	checkpoint, _ := merkle.Checkpoint{Origin: "ledger.example", Size: 1, Root: log}.Sign(signer)

	head, _ := heads[0].Line()
	first, _ := merkle.ProveInclusion(&trail, 0, trail.Size())
	evidence := merkle.Evidence{
		Start: end.AddDate(-1, 0, 0), End: end,
		Closing: merkle.Bound{Checkpoint: checkpoint, Epoch: record, Head: head},
		First:   []byte(lines[0]), FirstProof: first,
	}
	keys, _ := merkle.ParseKeys(public)
	auditor := merkle.Auditor{Keys: keys, Pinned: true, Index: func([]byte) (int64, error) { return 0, nil }}
	proven, err := auditor.Verify(evidence, leavesOf(lines))
	fmt.Println(proven.After, proven.Through, err)
	_, err = auditor.Verify(evidence, leavesOf(lines[:1]))
	fmt.Println(merkle.VerdictOf(err), int(merkle.VerdictOf(err)))
	// Output:
	// 0 2 <nil>
	// incomplete 2
}

func leavesOf(lines []string) iter.Seq2[merkle.Leaf, error] {
	return func(yield func(merkle.Leaf, error) bool) {
		for i, line := range lines {
			at := int64(i) + 1
			if !yield(merkle.Leaf{Line: at, TrailPosition: at, Bytes: []byte(line)}, nil) {
				return
			}
		}
	}
}
