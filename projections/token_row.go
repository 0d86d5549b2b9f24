// One token as the read model knows it, and what it is at an instant.

package projections

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// TokenStatus is what a token is at an instant.
type TokenStatus string

// The states of a token. The first two let uses pass.
const (
	StatusActive    TokenStatus = "ACTIVE"
	StatusRotating  TokenStatus = "ROTATING" // has a successor and still works
	StatusSuspended TokenStatus = "SUSPENDED"
	StatusExpired   TokenStatus = "EXPIRED"
	StatusRevoked   TokenStatus = "REVOKED"
	StatusDeleted   TokenStatus = "DELETED"
)

// TokenStatuses are all of them.
var TokenStatuses = []TokenStatus{
	StatusActive, StatusRotating, StatusSuspended, StatusExpired, StatusRevoked, StatusDeleted,
}

// TokenRow is one token of either kind. Nil and zero mean absent. The tags name
// the columns of the tokens table. Slices and maps are replaced, never changed
// in place, so that rows can be copied.
type TokenRow struct {
	ID             uuid.UUID            `json:"id"`
	Kind           events.TokenKind     `json:"kind"`
	Holder         uuid.UUID            `json:"holder"` // the organization of an organization token, the user of a personal one
	Name           string               `json:"name"`
	Description    string               `json:"description"`
	Tags           []string             `json:"tags"`
	Scopes         []string             `json:"scopes"`
	Ceiling        []string             `json:"ceiling"`
	Fingerprint    string               `json:"fingerprint"`
	CreatedAt      time.Time            `json:"created_at"`
	CreatedBy      string               `json:"created_by"`
	UpdatedAt      time.Time            `json:"updated_at"`
	UpdatedBy      string               `json:"updated_by"`
	ExpiresAt      *time.Time           `json:"expires_at"`
	EndsAt         *time.Time           `json:"ends_at"` // ExpiresAt, or the end of a rotation's overlap if that is sooner
	Suspended      bool                 `json:"suspended"`
	SuspendedUntil *time.Time           `json:"suspended_until"`
	ExpiredAt      *time.Time           `json:"expired_at"` // the expiry is on record
	RevokedAt      *time.Time           `json:"revoked_at"`
	RevokedBy      *string              `json:"revoked_by"`
	RevokedReason  *string              `json:"revoked_reason"`
	DeletedAt      *time.Time           `json:"deleted_at"`
	RotatedFrom    *uuid.UUID           `json:"rotated_from"`
	RotatedTo      *uuid.UUID           `json:"rotated_to"`
	RotatedUntil   *time.Time           `json:"rotated_until"`
	EndsAtFirstUse bool                 `json:"ends_at_first_use"`
	DeliveredAt    *time.Time           `json:"delivered_at"` // of a successor: its first use, if it was used
	ReviewedAt     *time.Time           `json:"reviewed_at"`  // last
	ReviewedBy     *string              `json:"reviewed_by"`
	SSO            map[string]time.Time `json:"sso"`    // organization id → when it was authorized
	Grants         map[string]GrantMark `json:"grants"` // of a personal token: organization id → its grant
	Version        events.Version       `json:"version"`
	Position       events.Position      `json:"position"` // of the last event that changed the row

	// LastUsedAt comes from the usage read model; a folded row has none.
	LastUsedAt *time.Time `json:"-"`
}

// GrantMark is what a personal token's row keeps of one grant.
type GrantMark struct {
	GivenAt time.Time         `json:"given_at"`
	EndedAt *time.Time        `json:"ended_at,omitempty"`
	Cause   events.GrantCause `json:"cause,omitempty"`
	SSOAt   *time.Time        `json:"sso_at,omitempty"`
}

// Live reports whether the grant has not ended.
func (g GrantMark) Live() bool { return g.EndedAt == nil }

// Organization is the organization that the token belongs to; the zero UUID for
// a personal token.
func (r TokenRow) Organization() uuid.UUID {
	if r.Kind == events.OrganizationKind {
		return r.Holder
	}
	return uuid.Nil
}

// Owner is the user that the token belongs to; the zero UUID for an
// organization's token.
func (r TokenRow) Owner() uuid.UUID {
	if r.Kind == events.PersonalKind {
		return r.Holder
	}
	return uuid.Nil
}

// Status is what the token is at the instant; [statusCases] say the same.
func (r TokenRow) Status(now time.Time) TokenStatus {
	switch {
	case r.DeletedAt != nil:
		return StatusDeleted
	case r.RevokedAt != nil:
		return StatusRevoked
	case r.ExpiredAt != nil, r.EndsAt != nil && !r.EndsAt.After(now):
		return StatusExpired
	case r.Suspended && (r.SuspendedUntil == nil || r.SuspendedUntil.After(now)):
		return StatusSuspended
	case r.RotatedTo != nil:
		return StatusRotating
	}
	return StatusActive
}

// Parts of statusCases and activeSQL, over a row t of the tokens table.
const (
	endedSQL     = `(t.deleted_at IS NOT NULL OR t.revoked_at IS NOT NULL)`
	expiredSQL   = `(t.expired_at IS NOT NULL OR (t.ends_at IS NOT NULL AND t.ends_at <= $now))`
	suspendedSQL = `(t.suspended AND (t.suspended_until IS NULL OR t.suspended_until > $now))`
)

// statusCases are TokenRow.Status as conditions, of which one holds for each row.
var statusCases = map[string]string{
	string(StatusDeleted):   "t.deleted_at IS NOT NULL",
	string(StatusRevoked):   "t.deleted_at IS NULL AND t.revoked_at IS NOT NULL",
	string(StatusExpired):   "NOT " + endedSQL + " AND " + expiredSQL,
	string(StatusSuspended): "NOT " + endedSQL + " AND NOT " + expiredSQL + " AND " + suspendedSQL,
	string(StatusRotating):  activeSQL + " AND t.rotated_to IS NOT NULL",
	string(StatusActive):    activeSQL + " AND t.rotated_to IS NULL",
}

// activeSQL is the first two states.
const activeSQL = "(NOT " + endedSQL + " AND NOT " + expiredSQL + " AND NOT " + suspendedSQL + ")"

// Active reports whether the token's uses pass, as far as the token alone tells.
func (r TokenRow) Active(now time.Time) bool {
	s := r.Status(now)
	return s == StatusActive || s == StatusRotating
}
