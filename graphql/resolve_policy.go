// An organization's policy, and what people decide on tokens by it.

package graphql

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

func policyShown(p events.Policy) *model.OrganizationPolicy {
	return &model.OrganizationPolicy{
		SsoRequired: p.SSORequired, SsoMaxAge: int64(p.SSOMaxAge), OrganizationSSOMaxAge: int64(p.OrganizationSSOMaxAge),
		MemberScopes: listed(p.MemberScopes), ScopeCeiling: listed(p.ScopeCeiling), AllowedSources: listed(p.AllowedSources),
		MaxLifetime: int64(p.MaxLifetime), ExpiryRequired: p.ExpiryRequired, IdleExpiry: int64(p.IdleExpiry),
		DescriptionRequired: p.DescriptionRequired, RotationAge: int64(p.RotationAge), RotationEnforced: p.RotationEnforced,
		ApprovalRequired: p.ApprovalRequired, ReviewEvery: int64(p.ReviewEvery), EndFamilyOnReuse: p.EndFamilyOnReuse,
	}
}

// listed is never null.
func listed(list []string) []string {
	if list == nil {
		return []string{}
	}
	return list
}

func policyChange(in model.UpdateOrganizationPolicyInput) aggregate.PolicyChange {
	return aggregate.PolicyChange{
		SSORequired: in.SsoRequired, SSOMaxAge: span(in.SsoMaxAge), OrganizationSSOMaxAge: span(in.OrganizationSSOMaxAge),
		MemberScopes: in.MemberScopes, ScopeCeiling: in.ScopeCeiling, AllowedSources: in.AllowedSources,
		MaxLifetime: span(in.MaxLifetime), ExpiryRequired: in.ExpiryRequired, IdleExpiry: span(in.IdleExpiry),
		DescriptionRequired: in.DescriptionRequired, RotationAge: span(in.RotationAge), RotationEnforced: in.RotationEnforced,
		ApprovalRequired: in.ApprovalRequired, ReviewEvery: span(in.ReviewEvery), EndFamilyOnReuse: in.EndFamilyOnReuse,
	}
}

func span(seconds *int64) *events.Seconds { return (*events.Seconds)(seconds) }

// onGrant is a decision of an organization about a personal token's access to it.
type onGrant func(ctx context.Context, call aggregate.Call, organization, token uuid.UUID, reason string) (aggregate.TokenOutcome, error)

// ApproveTokenGrant implements approveTokenGrant.
func (m mutations) ApproveTokenGrant(ctx context.Context, id string, organizationID, reason *string) (*model.TokenGrantPayload, error) {
	return m.decideGrant(ctx, id, organizationID, value(reason), m.tokens.ApproveGrant)
}

// DeclineTokenGrant implements declineTokenGrant.
func (m mutations) DeclineTokenGrant(ctx context.Context, id string, organizationID *string, reason string) (*model.TokenGrantPayload, error) {
	return m.decideGrant(ctx, id, organizationID, reason, m.tokens.DeclineGrant)
}

// WithdrawTokenGrantApproval implements withdrawTokenGrantApproval.
func (m mutations) WithdrawTokenGrantApproval(ctx context.Context, id string, organizationID *string, reason string) (*model.TokenGrantPayload, error) {
	return m.decideGrant(ctx, id, organizationID, reason, m.tokens.WithdrawApproval)
}

// ReviewTokenGrant implements reviewTokenGrant.
func (m mutations) ReviewTokenGrant(ctx context.Context, id string, organizationID, reason *string) (*model.TokenGrantPayload, error) {
	return m.decideGrant(ctx, id, organizationID, value(reason), m.reviewed(events.PersonalKind))
}

func (m mutations) reviewed(kind events.TokenKind) onGrant {
	return func(ctx context.Context, call aggregate.Call, organization, token uuid.UUID, reason string) (aggregate.TokenOutcome, error) {
		return m.tokens.Review(ctx, call, organization, aggregate.TokenRef{Kind: kind, ID: token}, reason)
	}
}

func (m mutations) decideGrant(ctx context.Context, id string, organizationID *string, reason string, do onGrant) (*model.TokenGrantPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	token, err := m.tokenID(ctx, "id", id, events.PersonalKind)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, requestOf(ctx).call(ctx), organization, token, reason)
	if err != nil {
		return nil, err
	}
	grant, err := m.tokenGrant(ctx, out, organization)
	if err != nil {
		return nil, err
	}
	return &model.TokenGrantPayload{TokenGrant: grant, Receipt: model.NewReceipt(out.Receipt)}, nil
}

// ReviewAPIToken implements reviewAPIToken.
func (m mutations) ReviewAPIToken(ctx context.Context, id string, reason *string) (*model.APITokenUpdatePayload, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	return m.changeAPIToken(ctx, id, func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.reviewed(ref.Kind)(ctx, call, organization, ref.ID, value(reason))
	})
}

// RotationDueAt implements APIToken.rotationDueAt.
func (a apiTokens) RotationDueAt(ctx context.Context, obj *model.APIToken) (*time.Time, error) {
	return a.rotationDue(ctx, obj.CreatedAt, obj.Holder)
}

// RotationDueAt implements PersonalAccessToken.rotationDueAt: the first date of
// the organizations that the token reaches.
func (p personalTokens) RotationDueAt(ctx context.Context, obj *model.PersonalAccessToken) (*time.Time, error) {
	var reached []uuid.UUID
	for name, grant := range obj.Grants {
		if id, err := uuid.Parse(name); err == nil && grant.Live() {
			reached = append(reached, id)
		}
	}
	return p.rotationDue(ctx, obj.CreatedAt, reached...)
}

func (h *handler) rotationDue(ctx context.Context, created time.Time, organizations ...uuid.UUID) (*time.Time, error) {
	var due *time.Time
	for _, id := range organizations {
		row, found, err := load(ctx, requestOf(ctx).organizationByID, id)
		if err != nil {
			return nil, err
		}
		if !found || row.Policy.RotationAge == 0 {
			continue
		}
		if at := created.Add(row.Policy.RotationAge.Duration()); due == nil || at.Before(*due) {
			due = &at
		}
	}
	return due, nil
}
