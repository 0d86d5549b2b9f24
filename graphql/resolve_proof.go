// The proof of an event, for whoever may read the event.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// Proofs proves events from what was sealed.
type Proofs interface {
	// Prove waits until the event is sealed, as long as ctx lasts.
	Prove(ctx context.Context, event events.Recorded) (*model.EventProof, error)
}

// proofWait is how long a proof may wait for its epoch, of which there is one a second.
const proofWait = 5 * time.Second

// EventProof implements the query eventProof.
func (q queries) EventProof(ctx context.Context, position int64) (*model.EventProof, error) {
	event, err := q.event(ctx, events.Position(position))
	if err != nil {
		return nil, err
	}
	if q.proofs == nil {
		return nil, refusal(aggregate.CodeUnavailable, "", "Nothing is sealed here.")
	}
	limited, cancel := context.WithTimeout(ctx, proofWait)
	defer cancel()
	proof, err := q.proofs.Prove(limited, event)
	if err != nil && errors.Is(limited.Err(), context.DeadlineExceeded) {
		return nil, refusal(aggregate.CodeUnavailable, "", "The event is not sealed yet; try again in a moment.")
	}
	return proof, err
}

// event is one that the caller may read. Any other is not there for him, whether it
// exists or not.
func (q queries) event(ctx context.Context, position events.Position) (events.Recorded, error) {
	head, err := q.log.Head(ctx)
	if err != nil {
		return events.Recorded{}, err
	}
	none := notFound("position", "There is no event at position %d for you.", position)
	if position < 1 || position > head {
		return events.Recorded{}, none
	}
	for event, err := range q.log.Subscribe(ctx, position-1) {
		if err != nil {
			return event, fmt.Errorf("read the event at position %d: %w", position, err)
		}
		ok, err := q.mayRead(ctx, event)
		if err == nil && !ok {
			err = none
		}
		return event, err
	}
	return events.Recorded{}, none
}

// mayRead says whether the caller may read the event: as auditEvents has it, and as
// the lists of a token's events have it.
func (q queries) mayRead(ctx context.Context, event events.Recorded) (bool, error) {
	c := callerOf(ctx)
	if _, ok := event.Trail.User(); ok {
		return c.owns(event.Trail) && c.may(aggregate.OpReadEvents, true) == nil, nil
	}
	organization, ok := event.Trail.Organization()
	if !ok {
		return c.may(aggregate.OpReadInstallation, false) == nil, nil
	}
	if err := c.within("position", organization); err != nil {
		var refused *aggregate.Refusal
		if errors.As(err, &refused) && refused.Code == aggregate.CodeNotFound {
			return false, nil
		}
		return false, err // it names the header that is missing
	}
	if c.may(aggregate.OpReadEvents, false) == nil {
		return true, nil
	}
	token, _, err := event.Stream.IDs()
	if err != nil || event.Stream.Kind() != events.KindToken {
		return false, nil
	}
	if err := q.catchUp(ctx); err != nil {
		return false, err
	}
	rows, err := q.views.TokensByID(ctx, []uuid.UUID{token})
	if err != nil {
		return false, err
	}
	row, known := rows[token]
	return known && c.may(aggregate.OpReadEvents, c.created(row)) == nil, nil
}
