// Invitations: memberships that are offered.

package projections

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// InvitationRow is one invitation. Email is a personal value.
type InvitationRow struct {
	ID           uuid.UUID       `json:"id"`
	Organization uuid.UUID       `json:"organization"`
	User         uuid.UUID       `json:"user_id" db:"user_id"` // who has the address, or would
	Email        *string         `json:"email"`
	Role         events.Role     `json:"role"`
	Until        *time.Time      `json:"until"` // of the membership
	IssuedAt     time.Time       `json:"issued_at"`
	IssuedBy     string          `json:"issued_by"`
	ExpiresAt    time.Time       `json:"expires_at"`
	AcceptedAt   *time.Time      `json:"accepted_at"`
	AcceptedBy   *uuid.UUID      `json:"accepted_by"`
	WithdrawnAt  *time.Time      `json:"withdrawn_at"`
	Version      events.Version  `json:"version"`
	Position     events.Position `json:"position"`
}

var invitations = entity[InvitationRow, InvitationRow]{
	part: "invitations", key: []string{"id"},
	route: ofStream(events.KindInvitation),
	apply: (*InvitationRow).apply,
	ids:   func(r InvitationRow) ids { return ids{r.ID} },
	write: func(r InvitationRow) InvitationRow { return r },
}

func (r *InvitationRow) apply(of ids, rec events.Recorded) error {
	if rec.Position <= r.Position {
		return nil
	}
	switch e := rec.Event.(type) {
	case events.InvitationIssued:
		*r = InvitationRow{
			ID: of[0], Organization: e.Organization, User: e.User, Email: optionalText(e.Email.Value), Role: e.Role, Until: optionalTime(e.Until),
			IssuedAt: rec.RecordedAt, IssuedBy: text(rec.Meta.Actor.Name()), ExpiresAt: e.ExpiresAt,
		}
	case events.InvitationAccepted:
		r.AcceptedAt, r.AcceptedBy = &rec.RecordedAt, &e.User
	case events.InvitationWithdrawn:
		r.WithdrawnAt = &rec.RecordedAt
	default:
		return errForeign
	}
	if r.ID == uuid.Nil {
		return errNoBeginning
	}
	r.Version, r.Position = rec.Version, rec.Position
	return nil
}

// FoldInvitation folds the decisions of one invitation from the beginning.
func FoldInvitation(history []events.Recorded) (InvitationRow, error) {
	return foldOne(history, (*InvitationRow).apply)
}

// OpenInvitations gives a page of an organization's invitations that can be
// accepted still, in the order in which they were issued.
func (v *Views) OpenInvitations(ctx context.Context, organization uuid.UUID, args PageArgs, count bool) (Page[InvitationRow], error) {
	return pageOf(ctx, v.db, "directory_invitations", "issued_at", func(r InvitationRow) string { return timeKey(&r.IssuedAt, "") }, keyTime,
		"id", func(r InvitationRow) uuid.UUID { return r.ID },
		"t.organization = $1 AND t.accepted_at IS NULL AND t.withdrawn_at IS NULL AND t.expires_at > now()", organization, args, count)
}

// InvitedAddress is the address that an invitation was issued to; found is
// false where nobody can read it any more.
func (v *Views) InvitedAddress(ctx context.Context, invitation uuid.UUID) (email string, found bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT email FROM directory_invitations WHERE id = $1 AND email IS NOT NULL`, invitation).Scan(&email)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	if err != nil {
		return "", false, fmt.Errorf("read an invitation: %w", err)
	}
	return email, true, nil
}
