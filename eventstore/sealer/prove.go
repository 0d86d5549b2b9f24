// The whole proof of one event.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Prove shows that an event stands in the newest epoch, which it waits for if the
// event was recorded just now. The error wraps [ErrNotSealed] when ctx ends first.
func (r *Reader) Prove(ctx context.Context, event events.Recorded) (merkle.EventProof, error) {
	p := merkle.EventProof{
		Leaf: string(event.Leaf), Position: int64(event.Position), TrailPosition: int64(event.TrailPosition),
	}
	epoch, err := r.awaitHolding(ctx, event.Position)
	if err != nil {
		return p, err
	}
	p.Epoch = string(epoch.Record)
	cosigned, err := r.Cosigned(ctx, epoch)
	if err != nil {
		return p, err
	}
	p.Checkpoint = string(cosigned)
	inclusion, err := r.EpochInclusion(ctx, epoch, epoch)
	if err != nil {
		return p, err
	}
	p.EpochInclusion = inclusion
	if inclusion, err = r.EventInclusion(ctx, epoch, event.Position); err != nil {
		return p, err
	}
	p.EventInclusion = inclusion
	if _, ok := event.Trail.Organization(); !ok {
		return p, nil
	}
	head, err := r.Head(ctx, epoch, event.Trail)
	if err != nil {
		return p, err
	}
	p.Head, p.HeadInclusion = string(head.Line), head.Proof
	if inclusion, err = r.TrailInclusion(ctx, epoch, event.Trail, event.TrailPosition); err != nil {
		return p, err
	}
	p.TrailInclusion = inclusion
	return p, nil
}

// awaitHolding is the newest epoch once it holds a position.
func (r *Reader) awaitHolding(ctx context.Context, p events.Position) (Sealed, error) {
	for {
		newest, err := r.Latest(ctx)
		switch {
		case err == nil && newest.Epoch.Size >= int64(p):
			return newest, nil
		case err != nil && !errors.Is(err, ErrNotSealed):
			return Sealed{}, err
		}
		if sleep(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return Sealed{}, fmt.Errorf("position %d: %w yet: %w", p, ErrNotSealed, ctx.Err())
		}
	}
}
