// The audit trail as it is recorded: a subscription.

package graphql

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

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
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the end of the log: %w", err)
	}
	behind := head
	if after != nil {
		behind = events.Position(*after)
	}
	if behind < 0 {
		return nil, badInput("after", "after must be a position of the log, 0 or more.")
	}
	until, err := s.rightsUntil(ctx)
	if err != nil {
		return nil, err
	}
	out := make(chan *model.Event)
	// The transport ends ctx and reads out until it is closed.
	go s.follow(ctx, following{query, behind, cmp.Or(callerOf(ctx).AsOf, head), until}, out)
	return out, nil
}

// following is what a subscription follows, and as long as what.
type following struct {
	query projections.EventQuery
	after events.Position // send what comes behind it
	known events.Position // the caller's rights are those of this position
	until time.Time       // the clock ends them then; zero: never
}

// rightsUntil is when the clock ends what the caller may do: at the deadline of
// his token or session, or of his membership.
func (s subscriptions) rightsUntil(ctx context.Context) (until time.Time, err error) {
	c := callerOf(ctx)
	sooner := func(t *time.Time) {
		if t != nil && (until.IsZero() || t.Before(until)) {
			until = *t
		}
	}
	if !c.Until.IsZero() {
		until = c.Until
	}
	if c.Token != uuid.Nil {
		row, _, err := load(ctx, requestOf(ctx).tokenByID, c.Token)
		if err != nil {
			return until, err
		}
		sooner(row.EndsAt)
	}
	if c.User != uuid.Nil {
		m, _, err := s.views.Membership(ctx, c.Organization, c.User)
		if err != nil {
			return until, err
		}
		sooner(m.Until)
	}
	return until, nil
}

// rightsEnd ends the context when the clock ends the caller's rights.
func rightsEnd(ctx context.Context, until time.Time) (context.Context, context.CancelFunc) {
	if until.IsZero() {
		return context.WithCancel(ctx)
	}
	return context.WithDeadlineCause(ctx, until, errRightsChanged)
}

// follow sends what is asked for, until ctx ends or the caller's rights change.
func (s subscriptions) follow(ctx context.Context, f following, out chan<- *model.Event) {
	defer close(out)
	ctx, cancel := rightsEnd(ctx, f.until)
	defer cancel()
	rests := callerOf(ctx).restsOn()
	for rec, err := range s.log.Subscribe(ctx, min(f.after, f.known)) {
		if err == nil && rec.Position > f.known && rec.Decision() && slices.Contains(rests, rec.Stream) {
			err = errRightsChanged
		}
		if err != nil {
			s.endWith(ctx, err)
			return
		}
		if rec.Position <= f.after || !concerns(f.query, rec) {
			continue
		}
		select {
		case out <- &model.Event{Recorded: rec}:
		case <-ctx.Done():
			s.endWith(ctx, ctx.Err())
			return
		}
	}
	s.endWith(ctx, ctx.Err()) // the log ends its sequence when ctx ends
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
	} else if err == nil || ctx.Err() != nil {
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
