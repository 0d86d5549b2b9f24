// The two kinds of tokens as GraphQL shows them: a row of the read model, seen at an instant.

package model

import (
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/projections"
)

// tokenView is what both kinds of tokens have in common.
type tokenView struct {
	projections.TokenRow
	value secret.Value // of the answer that shows it, else zero
	now   time.Time    // the instant that the answer speaks of
	past  bool         // the row is of an earlier time
}

// APIToken is an organization's token.
type APIToken struct{ tokenView }

// PersonalAccessToken is a person's token.
type PersonalAccessToken struct{ tokenView }

// NewAPIToken shows a row as it is at the instant now; value is zero but in the
// answer that creates or rotates the token.
func NewAPIToken(row projections.TokenRow, value secret.Value, now time.Time) *APIToken {
	return &APIToken{tokenView{TokenRow: row, value: value, now: now}}
}

// NewAPITokenAsOf shows a row as it was at an earlier instant.
func NewAPITokenAsOf(row projections.TokenRow, then time.Time) *APIToken {
	return &APIToken{tokenView{TokenRow: row, now: then, past: true}}
}

// Past reports whether the row is of an earlier time, so that it knows its last
// use by then itself.
func (t tokenView) Past() bool { return t.past }

// NewPersonalAccessToken shows a row as [NewAPIToken] does.
func NewPersonalAccessToken(row projections.TokenRow, value secret.Value, now time.Time) *PersonalAccessToken {
	return &PersonalAccessToken{tokenView{TokenRow: row, value: value, now: now}}
}

// IsNode marks what has an id of its own.
func (APIToken) IsNode() {}

// IsNode marks what has an id of its own.
func (PersonalAccessToken) IsNode() {}

// OwnerID is the organization that the token belongs to.
func (t APIToken) OwnerID() uuid.UUID { return t.Holder }

// Token is the value where it may be shown, else its masked form.
func (t APIToken) Token() string { return t.shown(secret.Organization) }

// Token is the value where it may be shown, else its masked form.
func (t PersonalAccessToken) Token() string { return t.shown(secret.Personal) }

func (t tokenView) shown(kind secret.Kind) string {
	if t.value.ID() == secret.ID(t.ID) {
		return t.value.Reveal()
	}
	return secret.Masked(kind, secret.ID(t.ID))
}

// Description is null where there is none.
func (t tokenView) Description() *string { return optional(t.TokenRow.Description) }

// CreatedBy is who created the token.
func (t tokenView) CreatedBy() *string { return optional(t.TokenRow.CreatedBy) }

// UpdatedBy is who changed it last.
func (t tokenView) UpdatedBy() *string { return optional(t.TokenRow.UpdatedBy) }

// UpdatedByImpersonator is always null: nobody acts in another's name.
func (t tokenView) UpdatedByImpersonator() *string { return nil }

// IsActive reports whether uses pass at the instant of the answer.
func (t tokenView) IsActive() bool { return t.Active(t.now) }

// Status is the state at the instant of the answer.
func (t tokenView) Status() projections.TokenStatus { return t.TokenRow.Status(t.now) }

// LastReviewedAt is when somebody last looked at it and kept it.
func (t APIToken) LastReviewedAt() *time.Time { return t.ReviewedAt }

// SuspendedUntil is when a suspension ends by itself.
func (t tokenView) SuspendedUntil() *time.Time {
	if t.Status() != projections.StatusSuspended {
		return nil
	}
	return t.TokenRow.SuspendedUntil
}

// SsoAuthorizations are the times by organization.
func (t tokenView) SsoAuthorizations() map[string]time.Time { return t.SSO }

// optional is nil for the empty text.
func optional(s string) *string {
	if s == "" {
		return nil
	}
	return &s
}
