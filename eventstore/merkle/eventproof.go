// One event's proof: from its line to a signed checkpoint, for whoever has the key.

package merkle

import (
	"errors"

	"golang.org/x/mod/sumdb/note"
)

// EventProof shows that one event stands in the log, at its place, since the time of
// an epoch. Its JSON has the names of the GraphQL field eventProof, so that an answer
// of that can be read into it.
type EventProof struct {
	Leaf           string `json:"leaf"`           // the exact line
	Position       int64  `json:"position"`       // in the log, from 1
	EventInclusion []Hash `json:"eventInclusion"` // in the epoch's events tree
	Epoch          string `json:"epoch"`          // the record's line
	EpochInclusion []Hash `json:"epochInclusion"` // in the log of epochs under the checkpoint
	Checkpoint     string `json:"checkpoint"`     // the signed note

	// The event in its organization's trail. Head is empty for an event of a user's or
	// the operator's trail, which have no heads.
	TrailPosition  int64  `json:"trailPosition"`
	TrailInclusion []Hash `json:"trailInclusion"`
	Head           string `json:"head"`
	HeadInclusion  []Hash `json:"headInclusion"`
}

// Verify gives the epoch that holds the event, or a [*Failure]. The keys must come
// from elsewhere than the proof. Whether the leaf says these positions, and whose trail
// has the index of the head, is for who knows events; package events decodes the leaf.
func (p EventProof) Verify(keys ...note.Verifier) (Epoch, error) {
	checkpoint, err := OpenCheckpoint([]byte(p.Checkpoint), keys...)
	if errors.Is(err, ErrSignature) {
		return Epoch{}, as(Unsigned, err)
	} else if err != nil {
		return Epoch{}, as(Malformed, err)
	}
	epoch, err := ParseEpoch([]byte(p.Epoch))
	if err != nil {
		return Epoch{}, as(Malformed, err)
	}
	if err := VerifyInclusion(epoch.Number, checkpoint.Size, LeafHash([]byte(p.Epoch)), checkpoint.Root, p.EpochInclusion); err != nil {
		return Epoch{}, fail(Altered, "epoch %d is not in the signed log: %w", epoch.Number, err)
	}
	leaf := LeafHash([]byte(p.Leaf))
	if err := VerifyInclusion(p.Position-1, epoch.Size, leaf, epoch.Root, p.EventInclusion); err != nil {
		return Epoch{}, fail(Altered, "the event is not at position %d of the log: %w", p.Position, err)
	}
	if p.Head == "" {
		return epoch, nil
	}
	head, err := ParseHead([]byte(p.Head))
	if err != nil {
		return Epoch{}, as(Malformed, err)
	}
	if err := VerifyInclusion(head.Index, epoch.Organizations, LeafHash([]byte(p.Head)), epoch.Heads, p.HeadInclusion); err != nil {
		return Epoch{}, fail(Altered, "the organization's head is not in epoch %d: %w", epoch.Number, err)
	}
	if err := VerifyInclusion(p.TrailPosition-1, head.Size, leaf, head.Root, p.TrailInclusion); err != nil {
		return Epoch{}, fail(Altered, "the event is not at position %d of its trail: %w", p.TrailPosition, err)
	}
	return epoch, nil
}
