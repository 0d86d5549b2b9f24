// The directory as GraphQL shows it: rows of the read model, seen at an instant.

package model

import (
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/projections"
)

// Organization is one organization.
type Organization struct{ projections.OrganizationRow }

// IsNode marks what has an id of its own.
func (Organization) IsNode() {}

// Objects are those of the organization's own systems, by name.
func (o Organization) Objects() []*RegisteredObject {
	out := make([]*RegisteredObject, 0, len(o.OrganizationRow.Objects))
	for _, name := range slices.Sorted(maps.Keys(o.OrganizationRow.Objects)) {
		out = append(out, &RegisteredObject{Name: name, Actions: o.OrganizationRow.Objects[name]})
	}
	return out
}

// User is one user, with as much of him as the caller may see.
type User struct{ projections.UserRow }

// IsNode marks what has an id of its own.
func (User) IsNode() {}

// DisplayName is empty where it cannot be shown.
func (u User) DisplayName() string {
	if u.UserRow.DisplayName == nil {
		return ""
	}
	return *u.UserRow.DisplayName
}

// IsActive reports whether the user is let in.
func (u User) IsActive() bool { return u.DeactivatedAt == nil }

// Membership is one user's membership of one organization, at the instant Now.
type Membership struct {
	projections.MembershipRow
	Now time.Time
}

// Since is when it began.
func (m Membership) Since() time.Time { return m.StartedAt }

// IsActive reports whether it holds at the instant of the answer.
func (m Membership) IsActive() bool { return m.RoleAt(m.Now) != "" }

// TokenGrant is a personal token's access to one organization, at the instant Now.
type TokenGrant struct {
	projections.GrantRow
	Now time.Time
}

// TokenID is the token's.
func (g TokenGrant) TokenID() uuid.UUID { return g.GrantRow.Token }

// Token is the masked value.
func (g TokenGrant) Token() string {
	return secret.Masked(secret.Personal, secret.ID(g.GrantRow.Token))
}

// SsoAuthorizedAt is when it was authorized through single sign-on.
func (g TokenGrant) SsoAuthorizedAt() *time.Time { return g.SSOAt }

// LastReviewedAt is when somebody last looked at it and kept it.
func (g TokenGrant) LastReviewedAt() *time.Time { return g.ReviewedAt }

// EndedBecause is the cause of the end.
func (g TokenGrant) EndedBecause() *string {
	if g.Cause == nil {
		return nil
	}
	return optional(string(*g.Cause))
}

// Status is what the access is at the instant of the answer.
func (g TokenGrant) Status() TokenGrantStatus {
	switch {
	case g.EndedAt != nil:
		return TokenGrantStatusEnded
	case g.Pending:
		return TokenGrantStatusPending
	case g.ExpiresAt != nil && !g.ExpiresAt.After(g.Now):
		return TokenGrantStatusExpired
	case g.Suspended && (g.SuspendedUntil == nil || g.SuspendedUntil.After(g.Now)):
		return TokenGrantStatusSuspended
	}
	return TokenGrantStatusActive
}

// Invitation is one invitation, at the instant Now.
type Invitation struct {
	projections.InvitationRow
	Now time.Time
}

// IsOpen reports whether it can be accepted at the instant of the answer.
func (i Invitation) IsOpen() bool {
	return i.AcceptedAt == nil && i.WithdrawnAt == nil && i.Now.Before(i.ExpiresAt)
}
