// The audit trail as it is recorded: a subscription.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// errRightsChanged ends a subscription whose caller may not be what he was.
var errRightsChanged = &aggregate.Refusal{
	Code: aggregate.CodeUnauthenticated, Message: "What you may do has changed; subscribe again.",
}

// AuditEvents implements the subscription auditEvents.
func (s subscriptions) AuditEvents(
	ctx context.Context, organization, token, actor, typeArg *string, trail model.AuditTrail, after *int64,
) (<-chan *model.Event, error) {
	query, err := s.eventQuery(ctx, trail, organization, token, actor, typeArg)
	if err != nil {
		return nil, err
	}
	from := events.Position(value(after))
	if after == nil {
		if from, err = s.log.Head(ctx); err != nil {
			return nil, fmt.Errorf("find the end of the log: %w", err)
		}
	}
	if from < 0 {
		return nil, badInput("after", "after must be a position of the log, 0 or more.")
	}
	out := make(chan *model.Event)
	// The transport ends ctx and reads out until it is closed.
	go s.follow(ctx, query, from, out)
	return out, nil
}

// follow sends what the query means, until ctx ends or the caller's rights change.
func (s subscriptions) follow(ctx context.Context, q projections.EventQuery, after events.Position, out chan<- *model.Event) {
	defer close(out)
	c := callerOf(ctx)
	if !c.ExpiresAt.IsZero() {
		var cancel context.CancelFunc
		ctx, cancel = context.WithDeadlineCause(ctx, c.ExpiresAt, errRightsChanged)
		defer cancel()
	}
	rests := c.restsOn()
	for rec, err := range s.log.Subscribe(ctx, after) {
		if err == nil && rec.Decision() && slices.Contains(rests, rec.Stream) && rec.RecordedAt.After(requestOf(ctx).now) {
			err = errRightsChanged
		}
		if err != nil {
			s.endWith(ctx, err)
			return
		}
		if !concerns(q, rec) {
			continue
		}
		select {
		case out <- &model.Event{Recorded: rec}:
		case <-ctx.Done():
			return
		}
	}
}

// concerns reports whether an event is one of those that are asked for.
func concerns(q projections.EventQuery, rec events.Recorded) bool {
	if q.Token != uuid.Nil {
		first, _, err := rec.Stream.IDs()
		if kind := rec.Stream.Kind(); err != nil || first != q.Token || kind != events.KindToken && kind != events.KindGrant {
			return false
		}
	}
	actor := rec.Meta.Actor
	return rec.Trail == q.Trail &&
		(q.Actor == "" || q.Actor == actor.ID || q.Actor == actor.User) &&
		(len(q.Types) == 0 || slices.Contains(q.Types, rec.Event.Type()))
}

// endWith says why the subscription ends before its time. That nobody listens
// any more is no reason to say anything.
func (s subscriptions) endWith(ctx context.Context, err error) {
	if cause := context.Cause(ctx); errors.Is(cause, errRightsChanged) {
		err = cause
	} else if ctx.Err() != nil {
		return
	}
	requestOf(ctx).end(err)
}

// restsOn are the streams that the caller's rights come from. A decision on any
// of them may change those rights, so what was allowed before is asked anew.
func (c *Caller) restsOn() []events.StreamID {
	var streams []events.StreamID
	if c.Token != uuid.Nil {
		streams = append(streams, events.TokenStream(c.Token), events.GrantStream(c.Token, c.Organization))
	}
	if c.User != uuid.Nil {
		streams = append(streams, events.UserStream(c.User), events.MembershipStream(c.Organization, c.User))
	}
	return append(streams, events.OrganizationStream(c.Organization))
}
