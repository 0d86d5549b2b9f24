// Mutations on organization tokens.

package graphql

import (
	"context"
	"time"

	gql "github.com/99designs/gqlgen/graphql"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// CreateAPIToken implements createAPIToken.
func (m mutations) CreateAPIToken(ctx context.Context, input model.CreateAPITokenInput) (*model.APITokenCreatePayload, error) {
	in, err := newAPIToken(requestOf(ctx).caller, input)
	if err != nil {
		return nil, err
	}
	out, err := m.tokens.CreateOrganizationToken(ctx, requestOf(ctx).call(ctx), in)
	if err != nil {
		return nil, err
	}
	token, err := m.apiToken(ctx, out)
	if err != nil {
		return nil, err
	}
	return &model.APITokenCreatePayload{APIToken: token, Receipt: model.NewReceipt(out.Receipt)}, nil
}

func newAPIToken(c *Caller, in model.CreateAPITokenInput) (aggregate.NewOrganizationToken, error) {
	organization, err := c.organization("ownerID", in.OwnerID)
	return aggregate.NewOrganizationToken{Organization: organization, NewToken: aggregate.NewToken{
		Name: in.Name, Description: value(in.Description), Tags: in.Tags, Scopes: in.Scopes, ExpiresAt: value(in.ExpiresAt),
		Reported: aggregate.Reported{
			IsActive: in.IsActive, LastUsedAt: in.LastUsedAt,
			RevokedReason: in.RevokedReason, RevokedBy: in.RevokedBy, RevokedAt: in.RevokedAt,
		},
	}}, err
}

// CreateBulkAPIToken implements createBulkAPIToken.
func (m mutations) CreateBulkAPIToken(ctx context.Context, input []model.CreateAPITokenInput) (*model.APITokenBulkCreatePayload, error) {
	all := make([]aggregate.NewOrganizationToken, len(input))
	for i, in := range input {
		var err error
		if all[i], err = newAPIToken(requestOf(ctx).caller, in); err != nil {
			return nil, below("input", i, err)
		}
	}
	return m.createAPITokens(ctx, all)
}

// CreateBulkCSVAPIToken implements createBulkCSVAPIToken.
func (m mutations) CreateBulkCSVAPIToken(ctx context.Context, input gql.Upload) (*model.APITokenBulkCreatePayload, error) {
	organization, err := requestOf(ctx).caller.organization("", nil)
	if err != nil {
		return nil, err
	}
	rows, err := readCSV(input, false)
	if err != nil {
		return nil, err
	}
	all := make([]aggregate.NewOrganizationToken, len(rows))
	for i, row := range rows {
		all[i] = aggregate.NewOrganizationToken{Organization: organization, NewToken: row.NewToken}
	}
	return m.createAPITokens(ctx, all)
}

func (m mutations) createAPITokens(ctx context.Context, all []aggregate.NewOrganizationToken) (*model.APITokenBulkCreatePayload, error) {
	out, err := m.tokens.CreateOrganizationTokens(ctx, requestOf(ctx).call(ctx), all)
	if err != nil {
		return nil, err
	}
	payload := &model.APITokenBulkCreatePayload{Receipt: model.NewReceipt(out.Receipt)}
	for _, issued := range out.Tokens {
		token, err := m.apiToken(ctx, aggregate.TokenOutcome{Outcome: out.Outcome, Issued: issued})
		if err != nil {
			return nil, err
		}
		payload.APITokens = append(payload.APITokens, *token)
	}
	return payload, nil
}

// UpdateAPIToken implements updateAPIToken.
func (m mutations) UpdateAPIToken(ctx context.Context, id string, input model.UpdateAPITokenInput) (*model.APITokenUpdatePayload, error) {
	return m.changeAPIToken(ctx, id, func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Update(ctx, call, ref, apiTokenUpdate(input))
	})
}

func apiTokenUpdate(in model.UpdateAPITokenInput) aggregate.TokenUpdate {
	return aggregate.TokenUpdate{
		Name: in.Name, Description: in.Description, ClearDescription: value(in.ClearDescription),
		Tags: in.Tags, AppendTags: in.AppendTags, ClearTags: value(in.ClearTags),
		Scopes: in.Scopes, AppendScopes: in.AppendScopes, ClearScopes: value(in.ClearScopes),
		ExpiresAt: in.ExpiresAt, ClearExpiresAt: value(in.ClearExpiresAt),
		Reported: aggregate.Reported{
			IsActive: in.IsActive, LastUsedAt: in.LastUsedAt,
			RevokedReason: in.RevokedReason, RevokedBy: in.RevokedBy, RevokedAt: in.RevokedAt,
		},
		ExpectedVersion: version(in.ExpectedVersion),
	}
}

// RevokeAPIToken implements revokeAPIToken.
func (m mutations) RevokeAPIToken(ctx context.Context, id, reason string, expectedVersion *int) (*model.APITokenUpdatePayload, error) {
	return m.changeAPIToken(ctx, id, expecting(expectedVersion, m.revocation(ctx, reason)))
}

// SuspendAPIToken implements suspendAPIToken.
func (m mutations) SuspendAPIToken(ctx context.Context, id string, until *time.Time, reason *string, expectedVersion *int) (*model.APITokenUpdatePayload, error) {
	return m.changeAPIToken(ctx, id, expecting(expectedVersion, m.suspension(ctx, until, reason)))
}

// ResumeAPIToken implements resumeAPIToken.
func (m mutations) ResumeAPIToken(ctx context.Context, id string, reason *string, expectedVersion *int) (*model.APITokenUpdatePayload, error) {
	return m.changeAPIToken(ctx, id, expecting(expectedVersion, m.resumption(ctx, reason)))
}

func (m mutations) changeAPIToken(ctx context.Context, id string, do change) (*model.APITokenUpdatePayload, error) {
	out, err := m.change(ctx, id, events.OrganizationKind, do)
	if err != nil {
		return nil, err
	}
	token, err := m.apiToken(ctx, out)
	if err != nil {
		return nil, err
	}
	return &model.APITokenUpdatePayload{APIToken: token, Receipt: model.NewReceipt(out.Receipt)}, nil
}

// UpdateBulkAPIToken implements updateBulkAPIToken.
func (m mutations) UpdateBulkAPIToken(ctx context.Context, ids []string, input model.UpdateAPITokenInput) (*model.APITokenBulkUpdatePayload, error) {
	done, err := m.updateEach(ctx, ids, events.OrganizationKind, apiTokenUpdate(input))
	if err != nil {
		return nil, err
	}
	payload := &model.APITokenBulkUpdatePayload{
		UpdatedIDs: done.ids, NotUpdatedIDs: done.notIDs, Error: done.error(), Receipt: done.receipt(),
	}
	for _, out := range done.outcomes {
		token, err := m.apiToken(ctx, out)
		if err != nil {
			return nil, err
		}
		payload.APITokens = append(payload.APITokens, *token)
	}
	return payload, nil
}

// DeleteAPIToken implements deleteAPIToken.
func (m mutations) DeleteAPIToken(ctx context.Context, id string) (*model.APITokenDeletePayload, error) {
	out, err := m.change(ctx, id, events.OrganizationKind, m.deletion(ctx))
	if err != nil {
		return nil, err
	}
	return &model.APITokenDeletePayload{DeletedID: out.ID.String(), Receipt: model.NewReceipt(out.Receipt)}, nil
}

// DeleteBulkAPIToken implements deleteBulkAPIToken.
func (m mutations) DeleteBulkAPIToken(ctx context.Context, ids []string) (*model.APITokenBulkDeletePayload, error) {
	done, err := m.deleteEach(ctx, ids, events.OrganizationKind)
	if err != nil {
		return nil, err
	}
	return &model.APITokenBulkDeletePayload{
		DeletedIDs: done.ids, NotDeletedIDs: done.notIDs, Error: done.error(), Receipt: done.receipt(),
	}, nil
}

// RotateAPIToken implements rotateAPIToken.
func (m mutations) RotateAPIToken(ctx context.Context, id string, input *model.RotateTokenInput) (*model.APITokenRotatePayload, error) {
	out, predecessor, err := m.rotate(ctx, id, events.OrganizationKind, input)
	if err != nil {
		return nil, err
	}
	token, err := m.apiToken(ctx, out)
	if err != nil {
		return nil, err
	}
	old, err := tokenRow(out.Outcome, predecessor)
	if err != nil {
		return nil, err
	}
	return &model.APITokenRotatePayload{
		APIToken: token, Rotated: model.NewAPIToken(old, secret.Value{}, requestOf(ctx).now), Receipt: model.NewReceipt(out.Receipt),
	}, nil
}

// apiToken is a token as the outcome of a command leaves it.
func (m mutations) apiToken(ctx context.Context, out aggregate.TokenOutcome) (*model.APIToken, error) {
	row, err := m.outcome(ctx, out)
	if err != nil {
		return nil, err
	}
	return model.NewAPIToken(row, out.Value, requestOf(ctx).now), nil
}
