// The use cases about an administrator's word on a token: approving a personal
// token's access, declining it, taking the approval back, and reviewing.

package aggregate

import (
	"context"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// ApproveGrant opens a pending grant. A grant that is open already can be
// approved, too: an organization that begins to demand approval refuses it until
// then. While the token is suspended, the grant stays closed.
type ApproveGrant struct{ Token Token }

func (c ApproveGrant) decide(g Grant) ([]events.GrantEvent, error) {
	if err := g.mustBeLive(); err != nil || g.Approved {
		return nil, err
	}
	approved := []events.GrantEvent{events.GrantApproved{}}
	if c.Token.Suspended { // the approval opened the gate
		approved = append(approved, events.GrantSuspended{Until: c.Token.SuspendedUntil})
	}
	return approved, nil
}

// ReviewGrant records that the access was looked at and kept.
type ReviewGrant struct{ Review uuid.UUID }

func (c ReviewGrant) decide(g Grant) ([]events.GrantEvent, error) {
	if err := g.mustBeLive(); err != nil {
		return nil, err
	}
	return []events.GrantEvent{events.GrantReviewed{Review: c.Review}}, nil
}

// ApproveGrant lets a personal token in, where the organization's policy demands
// that an administrator has approved it.
func (t *Tokens) ApproveGrant(ctx context.Context, call Call, organization, token uuid.UUID, reason string) (TokenOutcome, error) {
	return t.within(ctx, call, "ApproveGrant", organization, TokenRef{events.PersonalKind, token}, reason, OpApproveGrant,
		func(ctx context.Context, d *Decision, s *subject) error {
			if err := d.because(reason, ""); err != nil {
				return err
			}
			if err := s.mustBeLive(d.now); err != nil {
				return err
			}
			_, err := onGrant(ctx, d, token, organization, ApproveGrant{Token: s.Token})
			return err
		})
}

// DeclineGrant ends a pending grant. The token's owner cannot ask for it again.
func (t *Tokens) DeclineGrant(ctx context.Context, call Call, organization, token uuid.UUID, reason string) (TokenOutcome, error) {
	return t.endByWord(ctx, call, "DeclineGrant", organization, token, reason, events.CauseDeclined,
		func(g Grant) error {
			if g.Approved {
				return refuse(CodeConflict, "id", "This token's access has been approved; withdraw the approval, or end the access.")
			}
			return nil
		})
}

// WithdrawApproval ends a grant that had been approved, for good.
func (t *Tokens) WithdrawApproval(ctx context.Context, call Call, organization, token uuid.UUID, reason string) (TokenOutcome, error) {
	return t.endByWord(ctx, call, "WithdrawApproval", organization, token, reason, events.CauseApprovalWithdrawn,
		func(g Grant) error {
			if !g.Approved {
				return refuse(CodeConflict, "id", "This token's access has not been approved; decline it.")
			}
			return nil
		})
}

func (t *Tokens) endByWord(
	ctx context.Context, call Call, command string, organization, token uuid.UUID, reason string,
	cause events.GrantCause, fits func(Grant) error,
) (TokenOutcome, error) {
	return t.within(ctx, call, command, organization, TokenRef{events.PersonalKind, token}, reason, OpDeclineGrant,
		func(ctx context.Context, d *Decision, _ *subject) error {
			d.Because(reason)
			if err := reasonText("reason").check(reason); err != nil {
				return err
			}
			g, err := Load(ctx, d, GrantDecider, events.GrantStream(token, organization))
			if err != nil {
				return err
			}
			if err := fits(g); err != nil {
				return err
			}
			return withdraw(ctx, d, token, []uuid.UUID{organization}, cause)
		})
}

// Review records that somebody looked at a token of the organization, or at a
// personal token's access to it, and kept it, outside of an access review; see
// [Tokens.DecideAccessReview] for one.
func (t *Tokens) Review(
	ctx context.Context, call Call, organization uuid.UUID, ref TokenRef, reason string,
) (TokenOutcome, error) {
	return t.within(ctx, call, "ReviewToken", organization, ref, reason, OpReviewToken,
		func(ctx context.Context, d *Decision, s *subject) error {
			if err := d.because(reason, ""); err != nil {
				return err
			}
			if ref.Kind == events.OrganizationKind {
				return s.do(ctx, d, ReviewToken{})
			}
			_, err := onGrant(ctx, d, ref.ID, organization, ReviewGrant{})
			return err
		})
}

// inheritApproval approves a successor's grants where those of its predecessor
// were approved: an administrator approved the token, and the value alone is
// another. What the token may do or how long it lives must not have grown.
func inheritApproval(ctx context.Context, d *Decision, predecessor, successor uuid.UUID) error {
	before, err := Load(ctx, d, TokenDecider, events.TokenStream(predecessor))
	if err != nil {
		return err
	}
	after, err := Load(ctx, d, TokenDecider, events.TokenStream(successor))
	if err != nil || after.exceeds(before) {
		return err
	}
	actor, reason := d.meta.Actor, d.meta.Reason
	defer func() { d.meta.Actor, d.meta.Reason = actor, reason }()
	d.meta.Actor, d.meta.Reason = events.System("rotation"), "its predecessor was approved"
	for _, organization := range after.Organizations {
		g, err := Load(ctx, d, GrantDecider, events.GrantStream(predecessor, organization))
		if err != nil {
			return err
		}
		inTouch := g.Live || g.Cause == events.CauseTokenRevoked // in this decision, as a successor that was never used
		if !inTouch || !g.Approved {
			continue
		}
		if _, err := onGrant(ctx, d, successor, organization, ApproveGrant{Token: after}); err != nil {
			return err
		}
	}
	return nil
}

// keepsApproval refuses to make more of a token than what was approved: that is
// another token, to be approved as such. It is the same where approval is not
// demanded at present: it may be again, and what was said of the token stands.
func (s *subject) keepsApproval(ctx context.Context, d *Decision, before Token) error {
	if !s.exceeds(before) {
		return nil
	}
	for _, organization := range s.Organizations {
		g, err := Load(ctx, d, GrantDecider, events.GrantStream(s.id, organization))
		if err != nil {
			return err
		}
		if g.Live && g.Approved {
			field := "scopes"
			if slices.Equal(s.Scopes, before.Scopes) {
				field = "expiresAt"
			}
			return refuse(CodeConflict, field,
				"The organization %s has approved this token as it was; for more or longer access create another one.", organization)
		}
	}
	return nil
}

// exceeds reports whether a token may do more than it might before, or live longer.
func (t Token) exceeds(before Token) bool {
	wider := len(before.Scopes) > 0 && (len(t.Scopes) == 0 || !t.Scopes.Within(before.Scopes))
	longer := !before.ExpiresAt.IsZero() && (t.ExpiresAt.IsZero() || t.ExpiresAt.After(before.ExpiresAt))
	return wider || longer
}
