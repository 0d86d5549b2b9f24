// Proofs as the resolvers know them.

package service

import (
	"context"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// proofs implements [graphql.Proofs].
type proofs struct{ sealed *sealer.Reader }

// Prove implements [graphql.Proofs].
func (p proofs) Prove(ctx context.Context, event events.Recorded) (*model.EventProof, error) {
	proof, err := p.sealed.Prove(ctx, event)
	if err != nil {
		return nil, err
	}
	shown := &model.EventProof{
		Leaf: proof.Leaf, Position: int64(event.Position), TrailPosition: int64(event.TrailPosition),
		Epoch: proof.Epoch, Checkpoint: proof.Checkpoint,
		EventInclusion: texts(proof.EventInclusion), EpochInclusion: texts(proof.EpochInclusion),
		TrailInclusion: texts(proof.TrailInclusion), HeadInclusion: texts(proof.HeadInclusion),
	}
	if proof.Head != "" {
		shown.Head = &proof.Head
	}
	return shown, nil
}

func texts(hashes []merkle.Hash) []string {
	out := make([]string, len(hashes))
	for i, h := range hashes {
		out[i] = h.String()
	}
	return out
}
