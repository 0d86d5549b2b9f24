// How events become a token's row: one pure fold, of the projection and of the answers to mutations.

package projections

import (
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// FoldToken folds the decisions of one token: its own stream from the beginning
// and, for a personal token, those of its grants as far as they are known. The
// order of the histories does not matter.
func FoldToken(histories ...[]events.Recorded) (TokenRow, error) {
	all := slices.Concat(histories...)
	slices.SortStableFunc(all, func(a, b events.Recorded) int { return int(a.Position - b.Position) })
	var row TokenRow
	for _, rec := range all {
		if err := row.apply(rec); err != nil {
			return TokenRow{}, err
		}
	}
	if row.ID == uuid.Nil {
		return TokenRow{}, fmt.Errorf("fold a token: %w", errNoBeginning)
	}
	return row, nil
}

// apply folds one event of the token's stream or of one of its grants.
// Observations change nothing.
func (r *TokenRow) apply(rec events.Recorded) error {
	if !rec.Decision() || rec.Position <= r.Position {
		return nil
	}
	id, organization, err := rec.Stream.IDs()
	if err != nil {
		return at(rec, err)
	}
	switch e := rec.Event.(type) {
	case events.TokenCreated:
		r.begin(id, rec, e)
	case events.TokenEvent:
		if r.ID != id {
			return at(rec, errNoBeginning)
		}
		r.change(rec, e)
	case events.GrantEvent:
		if _, given := e.(events.GrantGiven); given && r.ID == uuid.Nil {
			return nil // in the append that creates the token, which names its grants itself
		}
		if r.ID != id {
			return at(rec, errNoBeginning)
		}
		r.granted(rec, organization.String(), e)
	default:
		return at(rec, errForeign)
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Position = rec.Position
	if rec.Stream.Kind() == events.KindToken {
		r.Version = rec.Version
	}
	return nil
}

func (r *TokenRow) begin(id uuid.UUID, rec events.Recorded, e events.TokenCreated) {
	*r = TokenRow{
		ID: id, Kind: e.Kind, Holder: e.Organization,
		Name: text(e.Name), Description: text(e.Description),
		Tags: texts(e.Tags), Scopes: texts(e.Scopes), Ceiling: texts(e.Ceiling),
		Fingerprint: text(e.Fingerprint), RotatedFrom: optionalID(e.RotatedFrom),
		CreatedAt: rec.RecordedAt, CreatedBy: text(rec.Meta.Actor.Name()),
		ExpiresAt: optionalTime(e.ExpiresAt),
	}
	if e.Kind == events.PersonalKind {
		r.Holder = e.Owner
	}
	for _, organization := range e.Organizations {
		r.give(organization.String(), rec.RecordedAt)
	}
	r.limit()
}

// change folds what follows the creation.
func (r *TokenRow) change(rec events.Recorded, e events.TokenEvent) {
	now := rec.RecordedAt
	switch e := e.(type) {
	case events.TokenRenamed:
		r.Name = text(e.Name)
	case events.TokenDescribed:
		r.Description = text(e.Description)
	case events.TokenTagged:
		r.Tags = texts(e.Tags)
	case events.TokenScopesChanged:
		r.Scopes = texts(e.Scopes)
	case events.TokenExpiryChanged:
		r.ExpiresAt = optionalTime(e.ExpiresAt)
		r.limit()
	case events.TokenOrganizationsChanged:
		for _, organization := range e.Added {
			r.give(organization.String(), now)
		}
		for _, organization := range e.Removed {
			r.end(organization.String(), now, events.CauseRemovedByOwner)
		}
	case events.TokenRotated:
		r.RotatedTo, r.RotatedUntil = optionalID(e.Successor), optionalTime(e.Until)
		r.EndsAtFirstUse = e.EndsAtFirstUse
		r.limit()
	case events.TokenSuspended:
		r.Suspended, r.SuspendedUntil = true, optionalTime(e.Until)
	case events.TokenResumed:
		r.Suspended, r.SuspendedUntil = false, nil
	case events.TokenRevoked:
		r.RevokedAt, r.RevokedBy = &now, optionalText(rec.Meta.Actor.Name())
		r.RevokedReason = optionalText(rec.Meta.Reason)
	case events.TokenExpired:
		r.ExpiredAt = optionalTime(e.ExpiresAt)
	case events.TokenDeleted:
		r.DeletedAt = &now
	case events.TokenSSOAuthorized:
		r.stamp(e.Organization.String(), &now)
	case events.TokenSSOAuthorizationWithdrawn:
		r.stamp(e.Organization.String(), nil)
	case events.TokenReviewed:
		r.ReviewedAt, r.ReviewedBy = &now, optionalText(rec.Meta.Actor.Name())
	case events.TokenDelivered:
		r.DeliveredAt = &now
	case events.TokenExpiryWarned, events.TokenCreated, events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
		// begun elsewhere, no decisions, or nothing that a row shows
	}
}

// granted folds an event of one of the token's grants.
func (r *TokenRow) granted(rec events.Recorded, organization string, e events.GrantEvent) {
	now := rec.RecordedAt
	switch e := e.(type) {
	case events.GrantGiven:
		r.give(organization, now)
	case events.GrantEnded:
		r.end(organization, now, e.Cause)
	case events.GrantSSOAuthorized:
		r.stamp(organization, &now)
	case events.GrantSSOAuthorizationWithdrawn:
		r.stamp(organization, nil)
	case events.GrantChanged, events.GrantSuspended, events.GrantResumed, events.GrantApproved, events.GrantReviewed,
		events.GrantExpiryWarned:
		// these follow the token's own events
	}
}

// limit keeps the sooner of the two deadlines.
func (r *TokenRow) limit() {
	r.EndsAt = r.ExpiresAt
	if r.RotatedUntil != nil && (r.EndsAt == nil || r.RotatedUntil.Before(*r.EndsAt)) {
		r.EndsAt = r.RotatedUntil
	}
}

// give opens a grant, unless the other stream that tells of it has done so.
func (r *TokenRow) give(organization string, now time.Time) {
	if g, ok := r.Grants[organization]; ok && g.Live() {
		return
	}
	r.mark(organization, GrantMark{GivenAt: now})
}

// end closes a grant. The grant's own stream knows the cause better than the
// token's; both stand in one append.
func (r *TokenRow) end(organization string, now time.Time, cause events.GrantCause) {
	g, ok := r.Grants[organization]
	if !ok || (!g.Live() && !g.EndedAt.Equal(now)) {
		return
	}
	r.stamp(organization, nil)
	r.mark(organization, GrantMark{GivenAt: g.GivenAt, EndedAt: &now, Cause: cause})
}

// stamp sets or clears the authorization through one organization's sign-on.
func (r *TokenRow) stamp(organization string, when *time.Time) {
	sso := maps.Clone(r.SSO)
	if when == nil {
		delete(sso, organization)
	} else {
		if sso == nil {
			sso = map[string]time.Time{}
		}
		sso[organization] = *when
	}
	if len(sso) == 0 {
		sso = nil
	}
	r.SSO = sso
	if g, ok := r.Grants[organization]; ok {
		g.SSOAt = when
		r.mark(organization, g)
	}
}

func (r *TokenRow) mark(organization string, g GrantMark) {
	grants := maps.Clone(r.Grants)
	if grants == nil {
		grants = map[string]GrantMark{}
	}
	grants[organization] = g
	r.Grants = grants
}
