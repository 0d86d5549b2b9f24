// The grant: a personal token's access to one organization. It follows the token.

package aggregate

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Grant is what the rules need to know of a grant, and the snapshot of its
// token that the organization last saw.
type Grant struct {
	Token          uuid.UUID // nil: it was never given
	Organization   uuid.UUID
	User           uuid.UUID
	Live           bool
	Cause          events.GrantCause // of its last end
	Name           string
	Scopes         Scopes
	ExpiresAt      time.Time
	Suspended      bool
	SuspendedUntil time.Time
	Pending        bool // closed until an administrator approves it
	Approved       bool // by an administrator
	Stamped        bool // authorized through the organization's single sign-on
}

// GrantDecider holds the rules of grant streams.
var GrantDecider = Decider[Grant, GrantCommand, events.GrantEvent]{
	Kind:   events.KindGrant,
	Decide: func(g Grant, c GrantCommand, _ time.Time) ([]events.GrantEvent, error) { return c.decide(g) },
	Evolve: evolveGrant,
}

// GrantCommand is something to be decided on one grant.
type GrantCommand interface {
	decide(g Grant) ([]events.GrantEvent, error)
}

func evolveGrant(g Grant, e events.GrantEvent) Grant {
	switch e := e.(type) {
	case events.GrantGiven:
		return Grant{
			Token: e.Token, Organization: e.Organization, User: e.User, Live: true,
			Name: e.Name, Scopes: canonical(e.Scopes), ExpiresAt: e.ExpiresAt, Pending: e.Pending,
		}
	case events.GrantChanged:
		g.Name, g.Scopes, g.ExpiresAt = e.Name, canonical(e.Scopes), e.ExpiresAt
	case events.GrantSuspended:
		g.Suspended, g.SuspendedUntil = true, e.Until
	case events.GrantResumed:
		g.Suspended, g.SuspendedUntil = false, time.Time{}
	case events.GrantEnded:
		g.Live, g.Cause = false, e.Cause
	case events.GrantSSOAuthorized:
		g.Stamped = true
	case events.GrantSSOAuthorizationWithdrawn:
		g.Stamped = false
	case events.GrantApproved:
		g.Pending, g.Approved = false, true
	case events.GrantReviewed, events.GrantExpiryWarned:
		// When it was is for readers; no rule asks.
	}
	return g
}

// GiveGrant opens an organization to a token, as the token is now. One that is
// open stays as it is; one that somebody else's word or a policy has ended stays
// ended.
type GiveGrant struct {
	ID           uuid.UUID // of the token
	Organization uuid.UUID
	Token        Token
	Pending      bool // closed until it is approved
}

func (c GiveGrant) decide(g Grant) ([]events.GrantEvent, error) {
	switch {
	case g.Live:
		return nil, nil
	case c.Token.Ended != NotEnded:
		return nil, refuse(CodeConflict, "organizationIDs", "This token has ended; only another one can be granted to an organization.")
	case !g.canReturn():
		return nil, refuse(CodeConflict, "organizationIDs",
			"This token's access to the organization %s has been ended for good (%s); only another token can be granted to it.",
			c.Organization, g.Cause)
	}
	given := []events.GrantEvent{events.GrantGiven{
		Token: c.ID, Organization: c.Organization, User: c.Token.Owner,
		Name: c.Token.Name, Scopes: c.Token.Scopes, ExpiresAt: c.Token.ExpiresAt, Pending: c.Pending,
	}}
	if c.Token.Suspended && !c.Pending {
		given = append(given, events.GrantSuspended{Until: c.Token.SuspendedUntil})
	}
	return given, nil
}

// canReturn reports whether an ended grant can be given again: what its owner
// took away, and what ended only because its owner was out. Every other end says
// something of the token itself, and so every cause that is added later does.
func (g Grant) canReturn() bool {
	switch g.Cause {
	case events.CauseRemovedByOwner, events.CauseMembershipEnded, events.CauseUserDeactivated:
		return true
	}
	return g.Token == uuid.Nil // it was never given
}

// FollowToken brings a live grant up to its token: snapshot, suspension, end. A
// pending grant is closed already, and must not open with the token: it is told
// of a suspension when it is approved.
type FollowToken struct{ Token Token }

func (c FollowToken) decide(g Grant) ([]events.GrantEvent, error) {
	if !g.Live {
		return nil, nil
	}
	var out []events.GrantEvent
	if g.Name != c.Token.Name || !slices.Equal(g.Scopes, c.Token.Scopes) || !g.ExpiresAt.Equal(c.Token.ExpiresAt) {
		out = append(out, events.GrantChanged{Name: c.Token.Name, Scopes: c.Token.Scopes, ExpiresAt: c.Token.ExpiresAt})
	}
	if !g.Pending && (g.Suspended != c.Token.Suspended || !g.SuspendedUntil.Equal(c.Token.SuspendedUntil)) {
		if c.Token.Suspended {
			out = append(out, events.GrantSuspended{Until: c.Token.SuspendedUntil})
		} else {
			out = append(out, events.GrantResumed{})
		}
	}
	if cause := c.Token.causeOfEnd(); cause != "" {
		out = append(out, events.GrantEnded{Cause: cause})
	}
	return out, nil
}

// causeOfEnd is what the token's end is called in its grants; empty while it
// has not ended.
func (t Token) causeOfEnd() events.GrantCause {
	switch {
	case t.Ended == Revoked && t.Deleted:
		return events.CauseTokenDeleted
	case t.Ended == Revoked:
		return events.CauseTokenRevoked
	case t.Ended == Expired && t.Successor != uuid.Nil:
		return events.CauseTokenReplaced
	case t.Ended == Expired:
		return events.CauseTokenExpired
	}
	return ""
}

// EndGrant closes the organization to the token; closed, it stays as it is.
type EndGrant struct{ Cause events.GrantCause }

func (c EndGrant) decide(g Grant) ([]events.GrantEvent, error) {
	if !g.Live {
		return nil, nil
	}
	return []events.GrantEvent{events.GrantEnded{Cause: c.Cause}}, nil
}

// StampGrant authorizes a personal token through this organization's single
// sign-on. Each stamp counts anew, since what it proves ages.
type StampGrant struct{ Issuer string } // empty: by an administrator's word

func (c StampGrant) decide(g Grant) ([]events.GrantEvent, error) {
	if err := g.mustBeLive(); err != nil {
		return nil, err
	}
	return []events.GrantEvent{events.GrantSSOAuthorized{Issuer: c.Issuer}}, nil
}

// UnstampGrant takes the authorization back.
type UnstampGrant struct{}

func (UnstampGrant) decide(g Grant) ([]events.GrantEvent, error) {
	if err := g.mustBeLive(); err != nil || !g.Stamped {
		return nil, err
	}
	return []events.GrantEvent{events.GrantSSOAuthorizationWithdrawn{}}, nil
}

func (g Grant) mustBeLive() error {
	switch {
	case g.Token == uuid.Nil:
		return Token{}.mustExist() // whether there is one elsewhere is not for the organization to know
	case !g.Live:
		return refuse(CodeConflict, "id", "This token's access to the organization has ended.")
	}
	return nil
}
