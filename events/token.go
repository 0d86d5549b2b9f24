// The life of a token, of either kind: its decisions and what is observed of it.

package events

import (
	"time"

	"github.com/google/uuid"
)

// TokenEvent is a fact about one token.
//
//sumtype:decl
type TokenEvent interface {
	Event
	tokenEvent()
}

type tokenFact struct{}

func (tokenFact) sealed()     {}
func (tokenFact) tokenEvent() {}

// TokenKind tells an organization's token from a person's.
type TokenKind string

// The kinds of tokens.
const (
	OrganizationKind TokenKind = "organization"
	PersonalKind     TokenKind = "personal"
)

// TokenCreated begins a token's life. An organization token names its
// Organization, a personal one its Owner and the Organizations that it was
// granted to in the same append.
type TokenCreated struct {
	tokenFact
	Kind          TokenKind   `json:"kind"`
	Organization  uuid.UUID   `json:"organization,omitzero"`
	Owner         uuid.UUID   `json:"owner,omitzero"`
	Organizations []uuid.UUID `json:"organizations,omitempty"`
	Name          string      `json:"name"`
	Description   string      `json:"description,omitempty"`
	Tags          []string    `json:"tags,omitempty"`
	Scopes        []string    `json:"scopes,omitempty"`
	Ceiling       []string    `json:"ceiling,omitempty"` // the creator's rights at that time, as scopes
	ExpiresAt     time.Time   `json:"expires_at,omitzero"`
	Fingerprint   string      `json:"fingerprint"` // base64(SHA-256(value)), for search only
	RotatedFrom   uuid.UUID   `json:"rotated_from,omitzero"`
}

// TokenRenamed gives a token another name.
type TokenRenamed struct {
	tokenFact
	Name string `json:"name"`
}

// TokenDescribed gives a token another description; empty clears it.
type TokenDescribed struct {
	tokenFact
	Description string `json:"description,omitempty"`
}

// TokenTagged replaces a token's tags.
type TokenTagged struct {
	tokenFact
	Tags []string `json:"tags,omitempty"`
}

// TokenScopesChanged replaces a token's scopes.
type TokenScopesChanged struct {
	tokenFact
	Before []string `json:"before,omitempty"`
	Scopes []string `json:"scopes,omitempty"`
}

// TokenExpiryChanged moves the deadline; a zero ExpiresAt means none.
type TokenExpiryChanged struct {
	tokenFact
	Before    time.Time `json:"before,omitzero"`
	ExpiresAt time.Time `json:"expires_at,omitzero"`
}

// TokenOrganizationsChanged tells which organizations a personal token was
// granted to or withdrawn from; the grants themselves change in the same append.
type TokenOrganizationsChanged struct {
	tokenFact
	Added   []uuid.UUID `json:"added,omitempty"`
	Removed []uuid.UUID `json:"removed,omitempty"`
}

// TokenRotated names the successor. Both work until Until, or until the
// successor is first used where EndsAtFirstUse is set.
type TokenRotated struct {
	tokenFact
	Successor      uuid.UUID `json:"successor"`
	Until          time.Time `json:"until"`
	EndsAtFirstUse bool      `json:"ends_at_first_use,omitempty"`
}

// TokenDelivered records that a successor was used for the first time, and so
// that its value has arrived: from then on no other can take its place. It is a
// decision, so that the two cannot cross.
type TokenDelivered struct{ tokenFact }

// TokenSuspended refuses every use until Until, or until it is resumed.
type TokenSuspended struct {
	tokenFact
	Until time.Time `json:"until,omitzero"`
}

func (e TokenSuspended) gate() Gate { return Gate{Closed: true, Until: e.Until} }

// TokenResumed ends a suspension.
type TokenResumed struct{ tokenFact }

func (TokenResumed) gate() Gate { return Gate{} }

// TokenRevoked ends a token for good; the reason stands in the envelope.
type TokenRevoked struct{ tokenFact }

func (TokenRevoked) gate() Gate { return Gate{Closed: true} }

// TokenExpired records that the deadline came.
type TokenExpired struct {
	tokenFact
	ExpiresAt time.Time `json:"expires_at"`
}

func (TokenExpired) gate() Gate { return Gate{Closed: true} }

// TokenDeleted takes a token, which has ended, out of the lists.
type TokenDeleted struct{ tokenFact }

func (TokenDeleted) gate() Gate { return Gate{Closed: true} }

// TokenSSOAuthorized stamps an organization token as authorized through its
// organization's single sign-on.
type TokenSSOAuthorized struct {
	tokenFact
	Organization uuid.UUID `json:"organization"`
	Issuer       string    `json:"issuer,omitempty"` // the provider; empty: by an administrator's word
}

// TokenSSOAuthorizationWithdrawn takes the stamp back.
type TokenSSOAuthorizationWithdrawn struct {
	tokenFact
	Organization uuid.UUID `json:"organization"`
}

// TokenExpiryWarned records that the token's deadline is less than so many days away.
type TokenExpiryWarned struct {
	tokenFact
	ExpiresAt time.Time `json:"expires_at"`
	Days      int64     `json:"days"`
}

// TokenReviewed records that somebody looked at an organization token and kept it.
type TokenReviewed struct {
	tokenFact
	Review uuid.UUID `json:"review,omitzero"` // the access review, if it was part of one
}

// TokenUsed records one allowed use, or Count of them. Source is the position
// of the TokenSourceSeen that introduced where it came from.
type TokenUsed struct {
	tokenFact
	Source   Position `json:"source,omitempty"`
	Action   string   `json:"action,omitempty"`
	Resource string   `json:"resource,omitempty"`
	Via      string   `json:"via,omitempty"` // the interface that asked
	Count    int64    `json:"count,omitempty"`
}

// TokenUseRefused records a refused use of a known token, or Count of them.
type TokenUseRefused struct {
	tokenFact
	Code     string   `json:"code"`
	Source   Position `json:"source,omitempty"`
	Action   string   `json:"action,omitempty"`
	Resource string   `json:"resource,omitempty"`
	Via      string   `json:"via,omitempty"`
	Count    int64    `json:"count,omitempty"`
}

// TokenSourceSeen introduces an address and agent that a token is used from.
type TokenSourceSeen struct {
	tokenFact
	Address Personal `json:"address,omitzero"`
	Agent   Personal `json:"agent,omitzero"`
}

// Type implements [Event].
func (TokenCreated) Type() Type { return "token.created" }

// Type implements [Event].
func (TokenRenamed) Type() Type { return "token.renamed" }

// Type implements [Event].
func (TokenDescribed) Type() Type { return "token.described" }

// Type implements [Event].
func (TokenTagged) Type() Type { return "token.tagged" }

// Type implements [Event].
func (TokenScopesChanged) Type() Type { return "token.scopes_changed" }

// Type implements [Event].
func (TokenExpiryChanged) Type() Type { return "token.expiry_changed" }

// Type implements [Event].
func (TokenOrganizationsChanged) Type() Type { return "token.organizations_changed" }

// Type implements [Event].
func (TokenRotated) Type() Type { return "token.rotated" }

// Type implements [Event].
func (TokenDelivered) Type() Type { return "token.delivered" }

// Type implements [Event].
func (TokenSuspended) Type() Type { return "token.suspended" }

// Type implements [Event].
func (TokenResumed) Type() Type { return "token.resumed" }

// Type implements [Event].
func (TokenRevoked) Type() Type { return "token.revoked" }

// Type implements [Event].
func (TokenExpired) Type() Type { return "token.expired" }

// Type implements [Event].
func (TokenDeleted) Type() Type { return "token.deleted" }

// Type implements [Event].
func (TokenSSOAuthorized) Type() Type { return "token.sso_authorized" }

// Type implements [Event].
func (TokenSSOAuthorizationWithdrawn) Type() Type { return "token.sso_authorization_withdrawn" }

// Type implements [Event].
func (TokenExpiryWarned) Type() Type { return "token.expiry_warned" }

// Type implements [Event].
func (TokenReviewed) Type() Type { return "token.reviewed" }

// Type implements [Event].
func (TokenUsed) Type() Type { return "token.used" }

// Type implements [Event].
func (TokenUseRefused) Type() Type { return "token.use_refused" }

// Type implements [Event].
func (TokenSourceSeen) Type() Type { return "token.source_seen" }
