// Who and what could do something at a moment: the verifier's questions, asked of what stood then.

package graphql

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// WhoCould implements whoCould.
func (q queries) WhoCould(ctx context.Context, action string, resource *string, asOf *model.AsOf) (*model.WhoCould, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	s, err := q.stateAt(ctx, organization, "asOf", asOf)
	if err != nil {
		return nil, err
	}
	row := s.Organizations[organization]
	object, verb, ok := aggregate.With(row.Objects).ActionScope(action)
	if !ok {
		return nil, badInput("action", "Nobody had registered the action %s; it was refused to everybody.", action)
	}
	at := moment(s)
	answer := &model.WhoCould{AsOf: &at, Action: action, Resource: resource, Scope: object + ":" + verb, Allowed: []model.CouldDo{}}
	access, err := q.accessAt(ctx, s, organization, asOf)
	if err != nil {
		return nil, err
	}
	for _, a := range access {
		if c, ok := couldDo(organization, row.Policy, a, answer.Scope, s.At); ok {
			answer.Allowed = append(answer.Allowed, c)
		}
	}
	return answer, nil
}

// accessAt is the access at the state's instant, with what the organization's own
// trail does not tell: the age of each personal token's value, and which users were
// deactivated. Those had none.
func (h *handler) accessAt(ctx context.Context, s *evidence.State, organization uuid.UUID, asOf *model.AsOf) ([]evidence.Access, error) {
	access := s.Access(organization)
	var personal, users []uuid.UUID
	for _, a := range access {
		if kindOf(a) == events.PersonalKind {
			personal = append(personal, a.ID)
		}
		if a.Holder != uuid.Nil {
			users = append(users, a.Holder)
		}
	}
	out, err := h.deactivated(ctx, users, func(p events.Position, at time.Time) bool {
		if asOf != nil && asOf.Position != nil {
			return p <= events.Position(*asOf.Position)
		}
		return !at.After(s.At)
	})
	if err != nil {
		return nil, err
	}
	access = slices.DeleteFunc(access, func(a evidence.Access) bool { return out[a.Holder] })
	rows, err := h.views.TokensByID(ctx, personal)
	if err != nil {
		return nil, err
	}
	for i, a := range access {
		if row, found := rows[a.ID]; found {
			access[i].CreatedAt = row.CreatedAt
		}
	}
	return access, nil
}

// deactivated tells which of the users were, after what had been recorded by then.
func (h *handler) deactivated(
	ctx context.Context, users []uuid.UUID, hadBeen func(events.Position, time.Time) bool,
) (map[uuid.UUID]bool, error) {
	rows, err := h.views.UsersByID(ctx, users)
	if err != nil {
		return nil, err
	}
	out := map[uuid.UUID]bool{}
	for id, row := range rows {
		if hadBeen(row.Position, row.UpdatedAt) {
			out[id] = row.DeactivatedAt != nil
			continue
		}
		var user aggregate.User // has changed since: as the history has it
		for rec, err := range h.tokens.Handler.Log.ReadStream(ctx, events.UserStream(id), 0) {
			if err != nil {
				return nil, fmt.Errorf("read a user's history: %w", err)
			}
			if !hadBeen(rec.Position, rec.RecordedAt) {
				break
			}
			if e, ok := rec.Event.(events.UserEvent); ok {
				user = aggregate.UserDecider.Evolve(user, e)
			}
		}
		out[id] = user.Deactivated
	}
	return out, nil
}

// kindOf is the kind of token that the access is by; empty for a member.
func kindOf(a evidence.Access) events.TokenKind {
	switch a.Holder {
	case uuid.Nil:
		return events.OrganizationKind
	case a.ID:
		return ""
	}
	return events.PersonalKind
}

// couldDo decides as the verifier does, with the policy of then; by the rules of
// this program, since those of an earlier one are not kept.
func couldDo(organization uuid.UUID, policy events.Policy, a evidence.Access, scope string, at time.Time) (model.CouldDo, bool) {
	c := model.CouldDo{
		Kind: a.Kind, ID: a.ID.String(), Name: a.Name, Role: string(a.Role), Scopes: a.Scopes,
	}
	if c.Scopes == nil {
		c.Scopes = []string{}
	}
	p := aggregate.Principal{
		Kind: kindOf(a), User: a.Holder, Organization: organization, Scopes: aggregate.Scopes(a.Scopes), Actor: events.Person(a.Holder),
	}
	switch p.Kind {
	case events.OrganizationKind:
		p.Token, p.Actor = a.ID, events.OrganizationToken(a.ID)
	case events.PersonalKind:
		p.Token, p.Actor = a.ID, events.PersonalToken(a.ID, a.Holder)
	}
	if a.Holder != uuid.Nil {
		c.User = new(a.Holder.String())
		if a.Role == "" {
			return c, false // its owner is no member
		}
	}
	if a.Status != string(projections.StatusActive) && a.Status != string(projections.StatusRotating) {
		return c, false // suspended, waiting for its approval, or ended at this very instant
	}
	conditions, open := conditionsOf(policy, p.Kind, a, at)
	if c.Conditions = conditions; !open {
		return c, false
	}
	ruling := aggregate.Authority{Principal: p, Role: a.Role, Organization: organization, Policy: policy}.Use(aggregate.Scopes{scope})
	c.Policy = ruling.Policy
	return c, ruling.Allowed
}

// conditionsOf are what a use at that instant had to fulfil besides. It is not
// open where the policy refused each use, whatever it was for and came from.
func conditionsOf(policy events.Policy, kind events.TokenKind, a evidence.Access, at time.Time) (conditions []string, open bool) {
	conditions = []string{}
	var end time.Time
	sooner := func(t time.Time) {
		if !t.IsZero() && (end.IsZero() || t.Before(end)) {
			end = t
		}
	}
	sooner(value(a.Until))
	sooner(value(a.RoleUntil))
	if kind != "" {
		demands := aggregate.DemandsOf(policy)
		good, until := demands.Stamped(kind == events.PersonalKind, value(a.SSO), at)
		sooner(until)
		breach, until := demands.Judge(bearerOf(kind, a), at)
		sooner(until)
		switch {
		case breach == aggregate.SourceUnknown:
			conditions = append(conditions, "from the networks "+strings.Join(policy.AllowedSources, ", "))
		case breach != "":
			good = false
		}
		if !good {
			return conditions, false
		}
	}
	if !end.IsZero() {
		conditions = append(conditions, "before "+end.UTC().Format(time.RFC3339Nano))
	}
	return conditions, true
}

// bearerOf is the token as a policy sees it at a use that came from nowhere.
func bearerOf(kind events.TokenKind, a evidence.Access) aggregate.Bearer {
	b := aggregate.Bearer{
		Personal: kind == events.PersonalKind, CreatedAt: a.CreatedAt, ExpiresAt: value(a.ExpiresAt), Approved: a.Approved, LastUsed: a.Since,
	}
	if a.LastUsedAt.After(b.LastUsed) {
		b.LastUsed = a.LastUsedAt
	}
	return b
}
