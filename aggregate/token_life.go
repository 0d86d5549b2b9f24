// Commands that stop, replace and end a token.

package aggregate

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// The overlap of a rotation: how long the predecessor works beside its successor.
const (
	DefaultOverlap = 24 * time.Hour
	MaxOverlap     = 30 * 24 * time.Hour
)

// SuspendToken refuses uses until Until, or until the token is resumed.
type SuspendToken struct{ Until time.Time }

func (c SuspendToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	until := micro(c.Until)
	if err := future("until", until, now); err != nil {
		return nil, err
	}
	if t.SuspendedAt(now) && until.Equal(t.SuspendedUntil) {
		return nil, nil
	}
	return []events.TokenEvent{events.TokenSuspended{Until: until}}, nil
}

// ResumeToken ends a suspension.
type ResumeToken struct{}

func (ResumeToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil || !t.SuspendedAt(now) {
		return nil, err
	}
	return []events.TokenEvent{events.TokenResumed{}}, nil
}

// RevokeToken ends a token for good. The reason is recorded in the envelope;
// it is part of the command so that there is no way around it.
type RevokeToken struct{ Reason string }

func (c RevokeToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	if err := reasonText("revokedReason").check(c.Reason); err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenRevoked{}}, nil
}

// ExpireToken records that a token's deadline came.
type ExpireToken struct{}

func (ExpireToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustExist(); err != nil || t.Ended != NotEnded {
		return nil, err
	}
	if !t.over(now) {
		return nil, refuse(CodeConflict, "", "This token's deadline has not come.")
	}
	return []events.TokenEvent{events.TokenExpired{ExpiresAt: t.Deadline()}}, nil
}

// SupersedeToken ends a rotated token because its successor was first used,
// where the rotation asked for that; elsewhere it changes nothing.
type SupersedeToken struct{}

func (SupersedeToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if !t.EndsAtFirstUse || !t.Live(now) {
		return nil, nil
	}
	return []events.TokenEvent{events.TokenExpired{ExpiresAt: now}}, nil
}

// DeleteToken takes a token out of the lists; one that is live ends first.
type DeleteToken struct{}

func (DeleteToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustExist(); err != nil {
		return nil, err
	}
	switch {
	case t.Ended != NotEnded:
		return []events.TokenEvent{events.TokenDeleted{}}, nil
	case t.over(now):
		return []events.TokenEvent{events.TokenExpired{ExpiresAt: t.Deadline()}, events.TokenDeleted{}}, nil
	}
	return []events.TokenEvent{events.TokenRevoked{}, events.TokenDeleted{}}, nil
}

// RotateToken names a token's successor and how long both work.
type RotateToken struct {
	Successor      uuid.UUID
	Overlap        time.Duration // 0: the predecessor ends now
	EndsAtFirstUse bool
}

func (c RotateToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	switch {
	case t.Successor != uuid.Nil:
		return nil, refuse(CodeConflict, "", "This token has been rotated already; rotate its successor %s.", t.Successor)
	case t.SuspendedAt(now):
		return nil, refuse(CodeConflict, "", "This token is suspended, and a successor would not be; resume it first.")
	case c.Overlap < 0 || c.Overlap > MaxOverlap:
		return nil, refuse(CodeBadUserInput, "overlap", "The overlap is between nothing and %d days.", MaxOverlap/(24*time.Hour))
	}
	until := micro(now.Add(c.Overlap))
	if !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(until) {
		until = t.ExpiresAt
	}
	return []events.TokenEvent{events.TokenRotated{Successor: c.Successor, Until: until, EndsAtFirstUse: c.EndsAtFirstUse}}, nil
}

// StampToken authorizes an organization token through its organization's single
// sign-on. Each stamp counts anew, since what it proves ages.
type StampToken struct{ Issuer string } // empty: by an administrator's word

func (c StampToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenSSOAuthorized{Organization: t.Organization, Issuer: c.Issuer}}, nil
}

// UnstampToken takes the authorization back.
type UnstampToken struct{}

func (UnstampToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil || !t.Stamped {
		return nil, err
	}
	return []events.TokenEvent{events.TokenSSOAuthorizationWithdrawn{Organization: t.Organization}}, nil
}

// ReviewToken records that a token was looked at and kept.
type ReviewToken struct{ Review uuid.UUID }

func (c ReviewToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenReviewed{Review: c.Review}}, nil
}
