// The token: its state, and how facts change it.

package aggregate

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Token is what the rules need to know of a token, of either kind.
type Token struct {
	Kind           events.TokenKind // empty: there is no such token
	Organization   uuid.UUID        // whose token it is, if an organization's
	Owner          uuid.UUID        // whose token it is, if a person's
	Organizations  []uuid.UUID      // what a personal token is granted to; once it has ended, was
	Name           string
	Description    string
	Tags           []string
	Scopes         Scopes
	Ceiling        Scopes    // what its creator might then, of an organization token
	ExpiresAt      time.Time // zero: never
	Suspended      bool
	SuspendedUntil time.Time // zero: until it is resumed
	Successor      uuid.UUID // set once it is rotated
	RotatesUntil   time.Time // when a rotated token ends
	EndsAtFirstUse bool      // or before that, when its successor is first used
	RotatedFrom    uuid.UUID // whose successor it is
	Delivered      bool      // as a successor, it was used: its value has arrived
	WarnedFor      time.Time // the deadline of which was last warned
	WarnedDays     int64     // how many days ahead that was
	Stamped        bool      // an organization token's authorization through single sign-on
	Ended          Ending
	Deleted        bool
}

// Ending says how a token ended. No ending is ever taken back.
type Ending string

// The endings.
const (
	NotEnded Ending = ""
	Revoked  Ending = "revoked"
	Expired  Ending = "expired"
)

// TokenDecider holds the rules of token streams.
var TokenDecider = Decider[Token, TokenCommand, events.TokenEvent]{
	Kind:   events.KindToken,
	Decide: func(t Token, c TokenCommand, now time.Time) ([]events.TokenEvent, error) { return c.decide(t, now) },
	Evolve: evolveToken,
}

// TokenCommand is something to be decided on one token.
type TokenCommand interface {
	decide(t Token, now time.Time) ([]events.TokenEvent, error)
}

// Deadline is when the token ends by the clock; zero: never.
func (t Token) Deadline() time.Time {
	if !t.RotatesUntil.IsZero() && (t.ExpiresAt.IsZero() || t.RotatesUntil.Before(t.ExpiresAt)) {
		return t.RotatesUntil
	}
	return t.ExpiresAt
}

// Live reports whether the token exists and has not ended, by its events or by
// the clock. A suspended token is live.
func (t Token) Live(now time.Time) bool { return t.mustBeLive(now) == nil }

// SuspendedAt reports whether the token is suspended at that instant.
func (t Token) SuspendedAt(now time.Time) bool {
	return t.Suspended && (t.SuspendedUntil.IsZero() || now.Before(t.SuspendedUntil))
}

// over reports whether the clock has ended the token.
func (t Token) over(now time.Time) bool {
	deadline := t.Deadline()
	return !deadline.IsZero() && !now.Before(deadline)
}

func (t Token) mustExist() error {
	switch {
	case t.Kind == "":
		return refuse(CodeNotFound, "id", "There is no such token.")
	case t.Deleted:
		return refuse(CodeNotFound, "id", "This token has been deleted.")
	}
	return nil
}

func (t Token) mustBeLive(now time.Time) error {
	if err := t.mustExist(); err != nil {
		return err
	}
	switch {
	case t.Ended == Revoked:
		return refuse(CodeConflict, "", "This token has been revoked, which is final; create another one.")
	case t.Ended == Expired || t.over(now):
		return refuse(CodeConflict, "", "This token has expired, which is final; create another one.")
	}
	return nil
}

func evolveToken(t Token, e events.TokenEvent) Token {
	switch e := e.(type) {
	case events.TokenCreated:
		return Token{
			Kind: e.Kind, Organization: e.Organization, Owner: e.Owner,
			Organizations: sortedIDs(e.Organizations),
			Name:          e.Name, Description: e.Description, Tags: slices.Clone(e.Tags),
			Scopes: canonical(e.Scopes), Ceiling: canonical(e.Ceiling), ExpiresAt: e.ExpiresAt,
			RotatedFrom: e.RotatedFrom,
		}
	case events.TokenRenamed:
		t.Name = e.Name
	case events.TokenDescribed:
		t.Description = e.Description
	case events.TokenTagged:
		t.Tags = slices.Clone(e.Tags)
	case events.TokenScopesChanged:
		t.Scopes = canonical(e.Scopes)
	case events.TokenExpiryChanged:
		t.ExpiresAt = e.ExpiresAt
	case events.TokenOrganizationsChanged:
		t.Organizations = without(sortedIDs(t.Organizations, e.Added), e.Removed)
	case events.TokenRotated:
		t.Successor, t.RotatesUntil, t.EndsAtFirstUse = e.Successor, e.Until, e.EndsAtFirstUse
	case events.TokenDelivered:
		t.Delivered = true
	case events.TokenSuspended:
		t.Suspended, t.SuspendedUntil = true, e.Until
	case events.TokenResumed:
		t.Suspended, t.SuspendedUntil = false, time.Time{}
	case events.TokenRevoked:
		t.Ended = Revoked
	case events.TokenExpired:
		t.Ended = Expired
	case events.TokenDeleted:
		t.Deleted = true
	case events.TokenSSOAuthorized:
		t.Stamped = true
	case events.TokenSSOAuthorizationWithdrawn:
		t.Stamped = false
	case events.TokenExpiryWarned:
		t.WarnedFor, t.WarnedDays = e.ExpiresAt, e.Days
	case events.TokenReviewed:
		// When it was is for readers; no rule asks.
	case events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
		// Observations change nothing that a rule asks for.
	}
	return t
}

// sortedIDs joins lists of ids to a new one: sorted, each id once, nil if empty.
func sortedIDs(lists ...[]uuid.UUID) []uuid.UUID {
	all := slices.Concat(lists...)
	slices.SortFunc(all, compareIDs)
	if all = slices.Compact(all); len(all) == 0 {
		return nil
	}
	return all
}

// without gives a new list without the ids of another, nil if empty.
func without(ids, others []uuid.UUID) []uuid.UUID {
	var left []uuid.UUID
	for _, id := range ids {
		if !slices.Contains(others, id) {
			left = append(left, id)
		}
	}
	return left
}

func compareIDs(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) }
