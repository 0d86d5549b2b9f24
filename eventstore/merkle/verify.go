// The completeness check: that a sequence of leaves is all of a trail between two checkpoints.

package merkle

import (
	"errors"
	"iter"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// Evidence is what a pack holds beside the events themselves.
type Evidence struct {
	Start, End  time.Time // the period, its start included, its end not
	Opening     *Bound    // nil: the events begin with the trail's first
	Closing     Bound
	Consistency Proof    // from the opening checkpoint to the closing one
	Frontier    Frontier // of the trail tree at the opening head

	// First is the trail's first leaf, which says whose trail it is and carries the index of the
	// heads; FirstProof shows that it stands first in the closing head's tree.
	First      []byte
	FirstProof Proof
}

// Bound is one end of the evidence: a checkpoint, an epoch of its log, and the organization's head in it.
type Bound struct {
	Checkpoint []byte // a signed note
	Epoch      []byte // the epoch's line
	EpochProof Proof
	Head       []byte // the head's line; empty in an opening epoch that does not have the organization yet
	HeadProof  Proof
}

// Leaf is one event of the pack.
type Leaf struct {
	Line          int64 // in the file, from 1
	TrailPosition int64 // as the event itself says
	Bytes         []byte
	// Listed is the hash that the pack lists for this place, or zero. Lists prove nothing, but if
	// the listed hashes lead to the signed root, they prove which line was altered.
	Listed Hash
}

// Auditor is what a verification must not take from the evidence.
type Auditor struct {
	Keys   []note.Verifier // of the log
	Pinned bool            // the keys came from elsewhere, not with the evidence

	// Index reads the organization's index from the trail's first leaf, and refuses a leaf that is
	// of another organization than the one that the audit is about, or does not found one.
	// It is required.
	Index func(first []byte) (int64, error)
}

// Proven is what a verification has shown.
type Proven struct {
	Opening, Closing                     Epoch // the zero Epoch as opening: the trail's beginning
	OpeningCheckpoint, ClosingCheckpoint Checkpoint
	After, Through                       int64 // trail positions: the events after the one, up to the other
}

// bound is a Bound that was opened and checked by itself.
type bound struct {
	checkpoint Checkpoint
	epoch      Epoch
	head       Head
}

// Verify shows that the leaves are exactly those of the trail after the opening epoch and up to the
// closing one, or gives a [*Failure]. It reads them once, in memory logarithmic in their number. With
// verdict [Unpinned] alone, what it returns is proven by keys of unknown origin.
func (a Auditor) Verify(e Evidence, leaves iter.Seq2[Leaf, error]) (Proven, error) {
	if len(a.Keys) == 0 {
		return Proven{}, fail(Unpinned, "there is no key to check the signatures with")
	}
	index, err := a.Index(e.First)
	if err != nil {
		return Proven{}, as(Malformed, err)
	}
	var opening bound
	if e.Opening != nil {
		if opening, err = a.open(*e.Opening, index); err != nil {
			return Proven{}, err
		}
	}
	closing, err := a.open(e.Closing, index)
	if err != nil {
		return Proven{}, err
	}
	if err := e.checkBounds(opening, closing); err != nil {
		return Proven{}, err
	}
	if err := VerifyInclusion(0, closing.head.Size, LeafHash(e.First), closing.head.Root, e.FirstProof); err != nil {
		return Proven{}, fail(Altered, "the trail does not begin with the event that the evidence gives as its first: %w", err)
	}
	if err := checkLeaves(e.Frontier, closing.head, leaves); err != nil {
		return Proven{}, err
	}
	proven := Proven{
		Opening: opening.epoch, Closing: closing.epoch,
		OpeningCheckpoint: opening.checkpoint, ClosingCheckpoint: closing.checkpoint,
		After: opening.head.Size, Through: closing.head.Size,
	}
	if !a.Pinned {
		return proven, fail(Unpinned, "all agrees, but the keys came with the evidence: get the key from the log's operator and give it yourself")
	}
	return proven, nil
}

// open checks one end by itself: signature, the epoch at its own number in the log, the head at the
// organization's index in the epoch.
func (a Auditor) open(b Bound, index int64) (bound, error) {
	checkpoint, err := OpenCheckpoint(b.Checkpoint, a.Keys...)
	if errors.Is(err, ErrSignature) {
		return bound{}, as(Unsigned, err)
	} else if err != nil {
		return bound{}, as(Malformed, err)
	}
	epoch, err := ParseEpoch(b.Epoch)
	if err != nil {
		return bound{}, as(Malformed, err)
	}
	if err := VerifyInclusion(epoch.Number, checkpoint.Size, LeafHash(b.Epoch), checkpoint.Root, b.EpochProof); err != nil {
		return bound{}, fail(Altered, "epoch %d is not in the signed log: %w", epoch.Number, err)
	}
	opened := bound{checkpoint: checkpoint, epoch: epoch}
	if len(b.Head) == 0 && index >= epoch.Organizations {
		opened.head = Head{Index: index, Root: EmptyRoot}
		return opened, nil
	}
	if opened.head, err = ParseHead(b.Head); err != nil {
		return bound{}, as(Malformed, err)
	}
	if opened.head.Index != index {
		return bound{}, fail(Altered, "the head in epoch %d is that of organization %d, not %d", epoch.Number, opened.head.Index, index)
	}
	if err := VerifyInclusion(index, epoch.Organizations, LeafHash(b.Head), epoch.Heads, b.HeadProof); err != nil {
		return bound{}, fail(Altered, "the organization's head is not in epoch %d: %w", epoch.Number, err)
	}
	if opened.head.Size > epoch.Size {
		return bound{}, fail(Forked, "epoch %d counts more events in one trail than in the whole log", epoch.Number)
	}
	return opened, nil
}

// checkBounds checks the two ends against each other, the period and the frontier.
func (e Evidence) checkBounds(opening, closing bound) error {
	if !e.Start.Before(e.End) {
		return fail(Malformed, "the period ends before it starts")
	}
	if closing.epoch.Time.Before(e.End) {
		return fail(Incomplete, "the closing epoch is of %s, before the end of the period: later events could be missing", closing.epoch.Time.Format(timeLayout))
	}
	if e.Opening == nil {
		if e.Frontier.Size() != 0 {
			return fail(Incomplete, "the evidence begins after trail position %d without an opening checkpoint", e.Frontier.Size())
		}
		return nil
	}
	if opening.epoch.Time.After(e.Start) {
		return fail(Incomplete, "the opening epoch is of %s, after the start of the period: earlier events could be missing", opening.epoch.Time.Format(timeLayout))
	}
	if err := closing.checkpoint.Extends(opening.checkpoint, e.Consistency); err != nil {
		return as(Forked, err)
	}
	from, to := opening.epoch, closing.epoch
	if from.Number > to.Number || from.Size > to.Size || from.Organizations > to.Organizations || opening.head.Size > closing.head.Size {
		return fail(Forked, "the log went backwards between the epochs %d and %d", from.Number, to.Number)
	}
	if e.Frontier.Size() != opening.head.Size || e.Frontier.Root() != opening.head.Root {
		return fail(Altered, "the frontier is not that of the trail at the opening checkpoint")
	}
	return nil
}
