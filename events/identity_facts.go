// How people come in: sign-ins, invitations, and how a person is erased.

package events

import (
	"time"

	"github.com/google/uuid"
)

// UserIdentityLinked ties a user to an account at an OpenID provider.
type UserIdentityLinked struct {
	userFact
	Issuer  string   `json:"issuer"`
	Subject Personal `json:"subject,omitzero"`
}

// UserSignedIn records that the user came in through a provider.
type UserSignedIn struct {
	userFact
	Issuer string `json:"issuer"`
}

// UserSignedOut ends every session of the user that began before it.
type UserSignedOut struct{ userFact }

// UserErased records that the key of the user's personal values is destroyed.
type UserErased struct{ userFact }

// InvitationEvent is a fact about one invitation.
//
//sumtype:decl
type InvitationEvent interface {
	Event
	invitationEvent()
}

type invitationFact struct{}

func (invitationFact) sealed()          {}
func (invitationFact) invitationEvent() {}

// InvitationIssued offers somebody a membership. User is the one who has the
// address, or the id that whoever accepts will get. Digest is the base64 of
// SHA-256 of the link's secret, which itself stands nowhere.
type InvitationIssued struct {
	invitationFact
	Organization uuid.UUID `json:"organization"`
	User         uuid.UUID `json:"user"`
	Email        Personal  `json:"email,omitzero"`
	Role         Role      `json:"role"`
	Until        time.Time `json:"until,omitzero"` // of the membership
	ExpiresAt    time.Time `json:"expires_at"`     // of the invitation
	Digest       string    `json:"digest"`
}

// InvitationAccepted uses the link up; the membership starts in the same append.
type InvitationAccepted struct {
	invitationFact
	User uuid.UUID `json:"user"`
}

// InvitationWithdrawn takes the offer back.
type InvitationWithdrawn struct{ invitationFact }

// Type implements [Event].
func (UserIdentityLinked) Type() Type { return "user.identity_linked" }

// Type implements [Event].
func (UserSignedIn) Type() Type { return "user.signed_in" }

// Type implements [Event].
func (UserSignedOut) Type() Type { return "user.signed_out" }

// Type implements [Event].
func (UserErased) Type() Type { return "user.erased" }

// Type implements [Event].
func (InvitationIssued) Type() Type { return "invitation.issued" }

// Type implements [Event].
func (InvitationAccepted) Type() Type { return "invitation.accepted" }

// Type implements [Event].
func (InvitationWithdrawn) Type() Type { return "invitation.withdrawn" }
