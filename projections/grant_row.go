// The row of a grant: a personal token's access to one organization, as that organization may know it.

package projections

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// GrantStatus is what a grant is at an instant.
type GrantStatus string

// The states of a grant. Only the first lets uses pass.
const (
	GrantActive    GrantStatus = "ACTIVE"
	GrantSuspended GrantStatus = "SUSPENDED"
	GrantExpired   GrantStatus = "EXPIRED"
	GrantEnded     GrantStatus = "ENDED"
)

// GrantRow is one grant, also after its end.
type GrantRow struct {
	Token          uuid.UUID          `json:"token"`
	Organization   uuid.UUID          `json:"organization"`
	User           uuid.UUID          `json:"user_id" db:"user_id"`
	Name           string             `json:"name"` // of the token, like scopes and expiry
	Scopes         []string           `json:"scopes"`
	ExpiresAt      *time.Time         `json:"expires_at"`
	Suspended      bool               `json:"suspended"`
	SuspendedUntil *time.Time         `json:"suspended_until"`
	GivenAt        time.Time          `json:"given_at"`
	GivenBy        string             `json:"given_by"`
	SSOAt          *time.Time         `json:"sso_at"`
	SSOBy          *string            `json:"sso_by"`
	EndedAt        *time.Time         `json:"ended_at"`
	EndedBy        *string            `json:"ended_by"`
	EndedReason    *string            `json:"ended_reason"`
	Cause          *events.GrantCause `json:"cause"`
	UpdatedAt      time.Time          `json:"updated_at"`
	UpdatedBy      string             `json:"updated_by"`
	Version        events.Version     `json:"version"`
	Position       events.Position    `json:"position"`
}

// Status is what the grant is at the instant.
func (r GrantRow) Status(now time.Time) GrantStatus {
	switch {
	case r.EndedAt != nil:
		return GrantEnded
	case r.ExpiresAt != nil && !r.ExpiresAt.After(now):
		return GrantExpired
	case r.Suspended && (r.SuspendedUntil == nil || r.SuspendedUntil.After(now)):
		return GrantSuspended
	}
	return GrantActive
}

var grants = entity[GrantRow, GrantRow]{
	part: "grants", key: []string{"token", "organization"},
	route:  ofStream(events.KindGrant),
	ids:    func(r GrantRow) ids { return ids{r.Token, r.Organization} },
	apply:  func(r *GrantRow, of ids, rec events.Recorded) error { return r.apply(of, rec) },
	record: asRead[GrantRow],
}

func (r *GrantRow) apply(of ids, rec events.Recorded) error {
	e, ok := rec.Event.(events.GrantEvent)
	if !ok {
		return errForeign
	}
	given, begins := e.(events.GrantGiven)
	if !begins && r.Version == 0 {
		return errNoBeginning
	}
	if begins {
		*r = GrantRow{
			Token: of[0], Organization: of[1], User: given.User,
			Name: text(given.Name), Scopes: texts(given.Scopes), ExpiresAt: optionalTime(given.ExpiresAt),
			GivenAt: rec.RecordedAt, GivenBy: text(rec.Meta.Actor.Name()),
		}
	}
	r.change(rec, e)
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, text(rec.Meta.Actor.Name())
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

func (r *GrantRow) change(rec events.Recorded, e events.GrantEvent) {
	now, actor := rec.RecordedAt, text(rec.Meta.Actor.Name())
	switch e := e.(type) {
	case events.GrantGiven:
		// begun by apply
	case events.GrantChanged:
		r.Name, r.Scopes, r.ExpiresAt = text(e.Name), texts(e.Scopes), optionalTime(e.ExpiresAt)
	case events.GrantSuspended:
		r.Suspended, r.SuspendedUntil = true, optionalTime(e.Until)
	case events.GrantResumed:
		r.Suspended, r.SuspendedUntil = false, nil
	case events.GrantEnded:
		cause := events.GrantCause(text(string(e.Cause)))
		r.EndedAt, r.EndedBy, r.EndedReason, r.Cause = &now, &actor, optionalText(rec.Meta.Reason), &cause
		r.SSOAt, r.SSOBy = nil, nil
	case events.GrantSSOAuthorized:
		r.SSOAt, r.SSOBy = &now, &actor
	case events.GrantSSOAuthorizationWithdrawn:
		r.SSOAt, r.SSOBy = nil, nil
	}
}
