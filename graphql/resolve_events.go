// The audit trail: events that were recorded, and events as they are recorded.

package graphql

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// AuditEvents implements the query auditEvents.
func (q queries) AuditEvents(
	ctx context.Context, after *string, first *int, before *string, last *int,
	organization, token, actor, typeArg *string, types []string, from, to *time.Time, trail model.AuditTrail,
) (*model.EventConnection, error) {
	query, err := q.eventQuery(ctx, trail, organization, token, actor, typeArg)
	if err != nil {
		return nil, err
	}
	for _, t := range types {
		query.Types = append(query.Types, events.Type(t))
	}
	query.From, query.To, query.Page = value(from), value(to), pageArgs(after, first, before, last)
	return q.eventPage(ctx, query)
}

// Event implements the query event.
func (q queries) Event(ctx context.Context, position int64) (*model.Event, error) {
	event, err := q.event(ctx, events.Position(position))
	if err != nil {
		return nil, err
	}
	return &model.Event{Recorded: event}, nil
}

// eventQuery is what the query and the subscription have in common.
func (h *handler) eventQuery(ctx context.Context, trail model.AuditTrail, organization, token, actor, kind *string) (projections.EventQuery, error) {
	q := projections.EventQuery{Actor: value(actor), Types: typesOf(value(kind))}
	var err error
	if q.Trail, err = callerOf(ctx).trail(trail, organization); err != nil {
		return q, err
	}
	if token != nil {
		q.Token, err = h.tokenID(ctx, "token", *token, "")
	}
	return q, err
}

// trail names a trail that the caller may read.
func (c *Caller) trail(which model.AuditTrail, named *string) (events.TrailID, error) {
	switch which {
	case model.AuditTrailOwn:
		if c.User == uuid.Nil {
			return "", badInput("trail", "An organization's token has no trail of its own; its events stand in the organization's.")
		}
		return events.UserTrail(c.User), c.may(aggregate.OpReadEvents, true)
	case model.AuditTrailOperator:
		return events.OperatorTrail, c.may(aggregate.OpReadInstallation, false)
	}
	organization, err := c.organization("organization", named)
	if err != nil {
		return "", err
	}
	return events.OrganizationTrail(organization), c.may(aggregate.OpReadEvents, false)
}

// typesOf are the types that a name means: one, or all of a kind of stream. A
// type that this program does not know may still be in the log.
func typesOf(name string) []events.Type {
	if name == "" {
		return nil
	}
	if strings.Contains(name, ".") {
		return []events.Type{events.Type(name)}
	}
	types := []events.Type{events.Type(name)}
	for _, k := range events.Catalogue() {
		if strings.HasPrefix(string(k.Type), name+".") {
			types = append(types, k.Type)
		}
	}
	return types
}

func (h *handler) eventPage(ctx context.Context, q projections.EventQuery) (*model.EventConnection, error) {
	if err := h.catchUp(ctx); err != nil {
		return nil, err
	}
	q.Count = counting(ctx)
	p, err := h.views.AuditEvents(ctx, q)
	if err != nil {
		return nil, err
	}
	return &model.EventConnection{
		Edges: edges(p, func(rec events.Recorded, cursor string) *model.EventEdge {
			return &model.EventEdge{Node: &model.Event{Recorded: rec}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// Events implements APIToken.events.
func (a apiTokens) Events(ctx context.Context, obj *model.APIToken, after *string, first *int, before *string, last *int) (*model.EventConnection, error) {
	c := callerOf(ctx)
	if err := c.may(aggregate.OpReadEvents, c.created(obj.TokenRow)); err != nil {
		return nil, err
	}
	return a.eventPage(ctx, projections.EventQuery{
		Trail: events.OrganizationTrail(obj.Holder), Token: obj.ID, Page: pageArgs(after, first, before, last),
	})
}

// Events implements PersonalAccessToken.events. The token is the caller's own.
func (p personalTokens) Events(ctx context.Context, obj *model.PersonalAccessToken, after *string, first *int, before *string, last *int) (*model.EventConnection, error) {
	if err := callerOf(ctx).may(aggregate.OpReadEvents, true); err != nil {
		return nil, err
	}
	return p.eventPage(ctx, projections.EventQuery{
		Trail: events.UserTrail(obj.Holder), Token: obj.ID, Page: pageArgs(after, first, before, last),
	})
}

// Personal implements Event.personal. The read model keeps the leaves, in which
// personal values are commitments; the log opens them.
func (a auditEvents) Personal(ctx context.Context, obj *model.Event) (json.RawMessage, error) {
	c := callerOf(ctx)
	sealed := events.Personals(obj.Event)
	if len(sealed) == 0 || c.may(aggregate.OpReadPersonal, c.owns(obj.Recorded.Trail)) != nil {
		return nil, nil
	}
	for rec, err := range a.log.Subscribe(ctx, obj.Position-1) {
		if err != nil {
			return nil, fmt.Errorf("open the event at position %d: %w", obj.Position, err)
		}
		sealed = events.Personals(rec.Event)
		break
	}
	opened := map[string]string{}
	for field, p := range sealed {
		if p.Value != "" {
			opened[field] = p.Value
		}
	}
	if len(opened) == 0 {
		return nil, nil
	}
	return json.Marshal(opened)
}

func (c *Caller) owns(trail events.TrailID) bool {
	user, ok := trail.User()
	return ok && user == c.User
}
