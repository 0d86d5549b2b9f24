// The use cases about what an organization decides on tokens that reach it:
// single sign-on, and the end of a personal token's access.

package aggregate

import (
	"context"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// AuthorizeSSO stamps a token as authorized through the organization's single
// sign-on, by an administrator's word; see [Tokens.AuthorizeBySignIn] for that of
// the organization's provider, where it has one. Each organization's stamp stands
// in that organization's trail alone.
func (t *Tokens) AuthorizeSSO(ctx context.Context, call Call, organization uuid.UUID, ref TokenRef) (TokenOutcome, error) {
	return t.within(ctx, call, "AuthorizeSSO", organization, ref, nil, OpAuthorizeSSO,
		func(ctx context.Context, d *Decision, s *subject) error {
			org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(organization))
			if err != nil {
				return err
			}
			if err := org.byHand(); err != nil {
				return err
			}
			if err := s.mustBeLive(d.now); err != nil {
				return err
			}
			return s.stamp(ctx, d, organization, "")
		})
}

// WithdrawSSO takes the stamp back.
func (t *Tokens) WithdrawSSO(ctx context.Context, call Call, organization uuid.UUID, ref TokenRef) (TokenOutcome, error) {
	return t.within(ctx, call, "WithdrawSSO", organization, ref, nil, OpWithdrawSSO,
		func(ctx context.Context, d *Decision, s *subject) error {
			if err := s.mustBeLive(d.now); err != nil {
				return err
			}
			if ref.Kind == events.OrganizationKind {
				return s.do(ctx, d, UnstampToken{})
			}
			_, err := onGrant(ctx, d, s.id, organization, UnstampGrant{})
			return err
		})
}

// EndGrant ends a personal token's access to an organization, by that
// organization. The token's owner cannot give it again.
func (t *Tokens) EndGrant(
	ctx context.Context, call Call, organization, token uuid.UUID, reason string,
) (TokenOutcome, error) {
	ref := TokenRef{events.PersonalKind, token}
	return t.within(ctx, call, "EndGrant", organization, ref, reason, OpEndGrants,
		func(ctx context.Context, d *Decision, _ *subject) error {
			d.Because(reason)
			if err := reasonText("reason").check(reason); err != nil {
				return err
			}
			return withdraw(ctx, d, token, []uuid.UUID{organization}, events.CauseOrganization)
		})
}

// within runs a command of an organization about a token that reaches it.
func (t *Tokens) within(
	ctx context.Context, call Call, command string, organization uuid.UUID, ref TokenRef, input any, op Operation,
	do func(ctx context.Context, d *Decision, s *subject) error,
) (TokenOutcome, error) {
	whole := []any{organization, ref, input}
	out, err := t.Handler.answer(ctx, call, command, whole, func(ctx context.Context, d *Decision, who Principal) error {
		if _, err := admit(ctx, d, who, organization, op); err != nil {
			return err
		}
		s, err := reaching(ctx, d, organization, ref)
		if err != nil {
			return err
		}
		return do(ctx, d, s)
	})
	if err != nil {
		return TokenOutcome{}, err
	}
	return t.complete(ctx, TokenOutcome{Outcome: out, Issued: Issued{ID: ref.ID}}, ref.Kind)
}

// reaching gives a token that is the organization's, or has a live grant to it.
func reaching(ctx context.Context, d *Decision, organization uuid.UUID, ref TokenRef) (*subject, error) {
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(ref.ID))
	if err != nil {
		return nil, err
	}
	s := &subject{Token: token, id: ref.ID, trail: events.OrganizationTrail(organization)}
	switch {
	case token.Kind == "" || token.Kind != ref.Kind:
		return nil, Token{}.mustExist()
	case token.Kind == events.OrganizationKind && token.Organization != organization:
		return nil, Token{}.mustExist()
	case token.Kind == events.OrganizationKind:
		return s, token.mustExist()
	}
	g, err := Load(ctx, d, GrantDecider, events.GrantStream(ref.ID, organization))
	if err != nil {
		return nil, err
	}
	return s, g.mustBeLive()
}

// withdraw ends a token's grants to these organizations, and takes them out of
// the token's own list.
func withdraw(ctx context.Context, d *Decision, id uuid.UUID, organizations []uuid.UUID, cause events.GrantCause) error {
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(id))
	if err != nil {
		return err
	}
	for _, org := range organizations {
		if _, err := onGrant(ctx, d, id, org, EndGrant{Cause: cause}); err != nil {
			return err
		}
	}
	if !token.Live(d.now) { // its list is of no consequence any more
		return nil
	}
	remove := ChangeTokenOrganizations{Remove: organizations, Limits: Limits{Unscoped: true}}
	_, err = onToken(ctx, d, id, events.UserTrail(token.Owner), remove)
	return err
}
