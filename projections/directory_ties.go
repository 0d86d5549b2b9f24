// Memberships and grants: who belongs to which organization, and which personal tokens reach it.

package projections

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// MembershipRow is one user's membership of one organization, the last one
// where it began anew.
type MembershipRow struct {
	Organization uuid.UUID       `json:"organization"`
	User         uuid.UUID       `json:"user_id" db:"user_id"`
	Role         events.Role     `json:"role"`
	Until        *time.Time      `json:"until"`
	StartedAt    time.Time       `json:"started_at"`
	StartedBy    string          `json:"started_by"`
	EndedAt      *time.Time      `json:"ended_at"`
	EndedBy      *string         `json:"ended_by"`
	UserName     *string         `json:"user_name"`   // of the identity provider; a personal value
	ExternalID   *string         `json:"external_id"` // likewise
	UpdatedAt    time.Time       `json:"updated_at"`
	UpdatedBy    string          `json:"updated_by"`
	Version      events.Version  `json:"version"`
	Position     events.Position `json:"position"`
}

// RoleAt is the role at an instant, empty when the membership has ended.
func (r MembershipRow) RoleAt(now time.Time) events.Role {
	if r.EndedAt != nil || (r.Until != nil && !r.Until.After(now)) {
		return ""
	}
	return r.Role
}

type membershipRecord struct {
	MembershipRow
	NameFold *string `json:"name_fold"`
}

var memberships = entity[MembershipRow, membershipRecord]{
	part: "memberships", key: []string{"organization", "user_id"},
	route: ofStream(events.KindMembership),
	apply: (*MembershipRow).apply,
	ids:   func(r MembershipRow) ids { return ids{r.Organization, r.User} },
	write: func(r MembershipRow) membershipRecord { return membershipRecord{r, folded(r.UserName)} },
}

func (r *MembershipRow) apply(_ ids, rec events.Recorded) error {
	if rec.Position <= r.Position {
		return nil
	}
	actor := text(rec.Meta.Actor.Name())
	switch e := rec.Event.(type) {
	case events.MembershipStarted:
		*r = MembershipRow{
			Organization: e.Organization, User: e.User, Role: e.Role, Until: optionalTime(e.Until),
			StartedAt: rec.RecordedAt, StartedBy: actor, UserName: r.UserName, ExternalID: r.ExternalID,
		}
	case events.MembershipRoleChanged:
		r.Role, r.Until = e.Role, optionalTime(e.Until)
	case events.MembershipProvisioned:
		r.UserName, r.ExternalID = optionalText(e.UserName.Value), optionalText(e.ExternalID.Value)
	case events.MembershipEnded:
		r.EndedAt, r.EndedBy = &rec.RecordedAt, &actor
	default:
		return errForeign
	}
	if r.User == uuid.Nil {
		return errNoBeginning
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, actor
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

// FoldMembership folds the decisions of one membership from the beginning.
func FoldMembership(history []events.Recorded) (MembershipRow, error) {
	return foldOne(history, (*MembershipRow).apply)
}

// GrantRow is a personal token's access to one organization, as that
// organization may know it.
type GrantRow struct {
	Token          uuid.UUID          `json:"token"`
	Organization   uuid.UUID          `json:"organization"`
	User           uuid.UUID          `json:"user_id" db:"user_id"`
	Name           string             `json:"name"`
	Scopes         []string           `json:"scopes"`
	ExpiresAt      *time.Time         `json:"expires_at"`
	Suspended      bool               `json:"suspended"`
	SuspendedUntil *time.Time         `json:"suspended_until"`
	GivenAt        time.Time          `json:"given_at"`
	GivenBy        string             `json:"given_by"`
	SSOAt          *time.Time         `json:"sso_at" db:"sso_at"`
	SSOBy          *string            `json:"sso_by" db:"sso_by"`
	Pending        bool               `json:"pending"` // closed until an administrator approves it
	ApprovedAt     *time.Time         `json:"approved_at"`
	ApprovedBy     *string            `json:"approved_by"`
	ReviewedAt     *time.Time         `json:"reviewed_at"` // last
	ReviewedBy     *string            `json:"reviewed_by"`
	EndedAt        *time.Time         `json:"ended_at"`
	EndedBy        *string            `json:"ended_by"`
	EndedReason    *string            `json:"ended_reason"`
	Cause          *events.GrantCause `json:"cause"`
	UpdatedAt      time.Time          `json:"updated_at"`
	UpdatedBy      string             `json:"updated_by"`
	Version        events.Version     `json:"version"`
	Position       events.Position    `json:"position"`
}

var grants = entity[GrantRow, GrantRow]{
	part: "grants", key: []string{"token", "organization"},
	route: ofStream(events.KindGrant),
	apply: (*GrantRow).apply,
	ids:   func(r GrantRow) ids { return ids{r.Token, r.Organization} },
	write: func(r GrantRow) GrantRow { return r },
}

func (r *GrantRow) apply(_ ids, rec events.Recorded) error {
	if rec.Position <= r.Position {
		return nil
	}
	actor := text(rec.Meta.Actor.Name())
	switch e := rec.Event.(type) {
	case events.GrantGiven:
		*r = GrantRow{
			Token: e.Token, Organization: e.Organization, User: e.User,
			Name: text(e.Name), Scopes: texts(e.Scopes), ExpiresAt: optionalTime(e.ExpiresAt),
			GivenAt: rec.RecordedAt, GivenBy: actor, Pending: e.Pending,
		}
	case events.GrantChanged:
		r.Name, r.Scopes, r.ExpiresAt = text(e.Name), texts(e.Scopes), optionalTime(e.ExpiresAt)
	case events.GrantSuspended:
		r.Suspended, r.SuspendedUntil = true, optionalTime(e.Until)
	case events.GrantResumed:
		r.Suspended, r.SuspendedUntil = false, nil
	case events.GrantEnded:
		r.EndedAt, r.EndedBy, r.EndedReason = &rec.RecordedAt, &actor, optionalText(rec.Meta.Reason)
		r.Cause, r.SSOAt, r.SSOBy = &e.Cause, nil, nil
	case events.GrantSSOAuthorized:
		r.SSOAt, r.SSOBy = &rec.RecordedAt, &actor
	case events.GrantSSOAuthorizationWithdrawn:
		r.SSOAt, r.SSOBy = nil, nil
	case events.GrantApproved:
		r.Pending, r.ApprovedAt, r.ApprovedBy = false, &rec.RecordedAt, &actor
	case events.GrantReviewed:
		r.ReviewedAt, r.ReviewedBy = &rec.RecordedAt, &actor
	case events.GrantExpiryWarned:
		// The row has the deadline itself.
	default:
		return errForeign
	}
	if r.Token == uuid.Nil {
		return errNoBeginning
	}
	r.UpdatedAt, r.UpdatedBy = rec.RecordedAt, actor
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

// FoldGrant folds the decisions of one grant from the beginning.
func FoldGrant(history []events.Recorded) (GrantRow, error) {
	return foldOne(history, (*GrantRow).apply)
}
