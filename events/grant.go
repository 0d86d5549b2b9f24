// A personal token's access to one organization, told in that organization's trail.

package events

import (
	"time"

	"github.com/google/uuid"
)

// GrantEvent is a fact about one grant.
//
//sumtype:decl
type GrantEvent interface {
	Event
	grantEvent()
}

type grantFact struct{}

func (grantFact) sealed()     {}
func (grantFact) grantEvent() {}

// GrantCause says why a grant ended.
type GrantCause string

// The causes of a grant's end.
const (
	CauseTokenRevoked      GrantCause = "token_revoked"
	CauseTokenExpired      GrantCause = "token_expired"
	CauseTokenDeleted      GrantCause = "token_deleted"
	CauseTokenReplaced     GrantCause = "token_replaced" // a rotation's overlap is over
	CauseRemovedByOwner    GrantCause = "removed_by_owner"
	CauseOrganization      GrantCause = "ended_by_organization"
	CauseMembershipEnded   GrantCause = "membership_ended"
	CauseUserDeactivated   GrantCause = "user_deactivated"
	CauseApprovalWithdrawn GrantCause = "approval_withdrawn"
	CauseDeclined          GrantCause = "declined" // it was never approved
	CausePolicy            GrantCause = "policy"   // such as not being used for too long
	CauseReview            GrantCause = "review"   // an access review decided so
)

// GrantGiven opens an organization to a personal token, with a snapshot of the
// token as the organization may know it.
type GrantGiven struct {
	grantFact
	Token        uuid.UUID `json:"token"`
	Organization uuid.UUID `json:"organization"`
	User         uuid.UUID `json:"user"`
	Name         string    `json:"name"`
	Scopes       []string  `json:"scopes,omitempty"`
	ExpiresAt    time.Time `json:"expires_at,omitzero"`
	Pending      bool      `json:"pending,omitempty"` // closed until it is approved
}

func (e GrantGiven) gate() Gate { return Gate{Closed: e.Pending} }

// GrantApproved opens a pending grant.
type GrantApproved struct{ grantFact }

func (GrantApproved) gate() Gate { return Gate{} }

// GrantChanged is the snapshot after a change of the token.
type GrantChanged struct {
	grantFact
	Name      string    `json:"name"`
	Scopes    []string  `json:"scopes,omitempty"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// GrantSuspended follows the token's suspension.
type GrantSuspended struct {
	grantFact
	Until time.Time `json:"until,omitzero"`
}

func (e GrantSuspended) gate() Gate { return Gate{Closed: true, Until: e.Until} }

// GrantResumed follows the end of a suspension.
type GrantResumed struct{ grantFact }

func (GrantResumed) gate() Gate { return Gate{} }

// GrantEnded closes the organization to the token.
type GrantEnded struct {
	grantFact
	Cause GrantCause `json:"cause"`
}

func (GrantEnded) gate() Gate { return Gate{Closed: true} }

// GrantSSOAuthorized stamps a personal token as authorized through this
// organization's single sign-on.
type GrantSSOAuthorized struct {
	grantFact
	Issuer string `json:"issuer,omitempty"` // the provider; empty: by an administrator's word
}

// GrantSSOAuthorizationWithdrawn takes the stamp back.
type GrantSSOAuthorizationWithdrawn struct{ grantFact }

// GrantReviewed records that somebody looked at a personal token's access and kept it.
type GrantReviewed struct {
	grantFact
	Review uuid.UUID `json:"review,omitzero"` // the access review, if it was part of one
}

// GrantExpiryWarned tells the organization what [TokenExpiryWarned] tells the token's
// owner: its deadline is less than so many days away.
type GrantExpiryWarned struct {
	grantFact
	ExpiresAt time.Time `json:"expires_at"`
	Days      int64     `json:"days"`
}

// Type implements [Event].
func (GrantExpiryWarned) Type() Type { return "grant.expiry_warned" }

// Type implements [Event].
func (GrantApproved) Type() Type { return "grant.approved" }

// Type implements [Event].
func (GrantReviewed) Type() Type { return "grant.reviewed" }

// Type implements [Event].
func (GrantGiven) Type() Type { return "grant.given" }

// Type implements [Event].
func (GrantChanged) Type() Type { return "grant.changed" }

// Type implements [Event].
func (GrantSuspended) Type() Type { return "grant.suspended" }

// Type implements [Event].
func (GrantResumed) Type() Type { return "grant.resumed" }

// Type implements [Event].
func (GrantEnded) Type() Type { return "grant.ended" }

// Type implements [Event].
func (GrantSSOAuthorized) Type() Type { return "grant.sso_authorized" }

// Type implements [Event].
func (GrantSSOAuthorizationWithdrawn) Type() Type { return "grant.sso_authorization_withdrawn" }
