// Mutations on personal tokens.

package graphql

import (
	"context"
	"time"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
)

// CreatePersonalAccessToken implements createPersonalAccessToken.
func (m mutations) CreatePersonalAccessToken(ctx context.Context, input model.CreatePersonalAccessTokenInput) (*model.PersonalAccessTokenCreatePayload, error) {
	in, err := newPersonalToken(requestOf(ctx).caller, input)
	if err != nil {
		return nil, err
	}
	out, err := m.tokens.CreatePersonalToken(ctx, requestOf(ctx).call(ctx), in)
	if err != nil {
		return nil, err
	}
	token, err := m.personalToken(ctx, out)
	if err != nil {
		return nil, err
	}
	return &model.PersonalAccessTokenCreatePayload{PersonalAccessToken: token, Receipt: model.NewReceipt(out.Receipt)}, nil
}

func newPersonalToken(c *Caller, in model.CreatePersonalAccessTokenInput) (aggregate.NewPersonalToken, error) {
	if in.OwnerID != nil && (c.User == uuid.Nil || *in.OwnerID != c.User.String()) {
		return aggregate.NewPersonalToken{}, badInput("ownerID", "A personal token belongs to whoever creates it; ownerID can name nobody else.")
	}
	granted, err := grantedTo("organizationIDs", in.OrganizationIDs)
	return aggregate.NewPersonalToken{Organizations: granted, NewToken: aggregate.NewToken{
		Name: in.Name, Description: value(in.Description), Tags: in.Tags, Scopes: in.Scopes, ExpiresAt: value(in.ExpiresAt),
		Reported: aggregate.Reported{
			IsActive: in.IsActive, LastUsedAt: in.LastUsedAt,
			RevokedReason: in.RevokedReason, RevokedBy: in.RevokedBy, RevokedAt: in.RevokedAt,
		},
	}}, err
}

// CreateBulkPersonalAccessToken implements createBulkPersonalAccessToken.
func (m mutations) CreateBulkPersonalAccessToken(ctx context.Context, input []model.CreatePersonalAccessTokenInput) (*model.PersonalAccessTokenBulkCreatePayload, error) {
	all := make([]aggregate.NewPersonalToken, len(input))
	for i, in := range input {
		var err error
		if all[i], err = newPersonalToken(requestOf(ctx).caller, in); err != nil {
			return nil, below("input", i, err)
		}
	}
	return m.createPersonalTokens(ctx, all)
}

// CreateBulkCSVPersonalAccessToken implements createBulkCSVPersonalAccessToken.
func (m mutations) CreateBulkCSVPersonalAccessToken(ctx context.Context, input gql.Upload) (*model.PersonalAccessTokenBulkCreatePayload, error) {
	all, err := readCSV(input, true)
	if err != nil {
		return nil, err
	}
	return m.createPersonalTokens(ctx, all)
}

func (m mutations) createPersonalTokens(ctx context.Context, all []aggregate.NewPersonalToken) (*model.PersonalAccessTokenBulkCreatePayload, error) {
	out, err := m.tokens.CreatePersonalTokens(ctx, requestOf(ctx).call(ctx), all)
	if err != nil {
		return nil, err
	}
	payload := &model.PersonalAccessTokenBulkCreatePayload{Receipt: model.NewReceipt(out.Receipt)}
	for _, issued := range out.Tokens {
		token, err := m.personalToken(ctx, aggregate.TokenOutcome{Outcome: out.Outcome, Issued: issued})
		if err != nil {
			return nil, err
		}
		payload.PersonalAccessTokens = append(payload.PersonalAccessTokens, *token)
	}
	return payload, nil
}

// UpdatePersonalAccessToken implements updatePersonalAccessToken.
func (m mutations) UpdatePersonalAccessToken(ctx context.Context, id string, input model.UpdatePersonalAccessTokenInput) (*model.PersonalAccessTokenUpdatePayload, error) {
	in, err := personalTokenUpdate(input)
	if err != nil {
		return nil, err
	}
	return m.changePersonalToken(ctx, id, func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Update(ctx, call, ref, in)
	})
}

func personalTokenUpdate(in model.UpdatePersonalAccessTokenInput) (aggregate.TokenUpdate, error) {
	update := aggregate.TokenUpdate{
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
	for _, list := range []struct {
		field string
		names []string
		to    *[]uuid.UUID
	}{
		{"organizationIDs", in.OrganizationIDs, &update.Organizations},
		{"addOrganizationIDs", in.AddOrganizationIDs, &update.AddOrganizations},
		{"removeOrganizationIDs", in.RemoveOrganizationIDs, &update.RemoveOrganizations},
	} {
		if list.names == nil {
			continue
		}
		var err error
		if *list.to, err = grantedTo(list.field, list.names); err != nil {
			return update, err
		}
	}
	return update, nil
}

// RevokePersonalAccessToken implements revokePersonalAccessToken.
func (m mutations) RevokePersonalAccessToken(ctx context.Context, id, reason string, expectedVersion *int) (*model.PersonalAccessTokenUpdatePayload, error) {
	return m.changePersonalToken(ctx, id, expecting(expectedVersion, m.revocation(ctx, reason)))
}

// SuspendPersonalAccessToken implements suspendPersonalAccessToken.
func (m mutations) SuspendPersonalAccessToken(ctx context.Context, id string, until *time.Time, reason *string, expectedVersion *int) (*model.PersonalAccessTokenUpdatePayload, error) {
	return m.changePersonalToken(ctx, id, expecting(expectedVersion, m.suspension(ctx, until, reason)))
}

// ResumePersonalAccessToken implements resumePersonalAccessToken.
func (m mutations) ResumePersonalAccessToken(ctx context.Context, id string, reason *string, expectedVersion *int) (*model.PersonalAccessTokenUpdatePayload, error) {
	return m.changePersonalToken(ctx, id, expecting(expectedVersion, m.resumption(ctx, reason)))
}

func (m mutations) changePersonalToken(ctx context.Context, id string, do change) (*model.PersonalAccessTokenUpdatePayload, error) {
	out, err := m.change(ctx, id, events.PersonalKind, do)
	if err != nil {
		return nil, err
	}
	token, err := m.personalToken(ctx, out)
	if err != nil {
		return nil, err
	}
	return &model.PersonalAccessTokenUpdatePayload{PersonalAccessToken: token, Receipt: model.NewReceipt(out.Receipt)}, nil
}

// UpdateBulkPersonalAccessToken implements updateBulkPersonalAccessToken.
func (m mutations) UpdateBulkPersonalAccessToken(ctx context.Context, ids []string, input model.UpdatePersonalAccessTokenInput) (*model.PersonalAccessTokenBulkUpdatePayload, error) {
	in, err := personalTokenUpdate(input)
	if err != nil {
		return nil, err
	}
	done, err := m.updateEach(ctx, ids, events.PersonalKind, in)
	if err != nil {
		return nil, err
	}
	payload := &model.PersonalAccessTokenBulkUpdatePayload{
		UpdatedIDs: done.ids, NotUpdatedIDs: done.notIDs, Error: done.error(), Receipt: done.receipt(),
	}
	for _, out := range done.outcomes {
		token, err := m.personalToken(ctx, out)
		if err != nil {
			return nil, err
		}
		payload.PersonalAccessTokens = append(payload.PersonalAccessTokens, *token)
	}
	return payload, nil
}

// DeletePersonalAccessToken implements deletePersonalAccessToken.
func (m mutations) DeletePersonalAccessToken(ctx context.Context, id string) (*model.PersonalAccessTokenDeletePayload, error) {
	out, err := m.change(ctx, id, events.PersonalKind, m.deletion(ctx))
	if err != nil {
		return nil, err
	}
	return &model.PersonalAccessTokenDeletePayload{DeletedID: out.ID.String(), Receipt: model.NewReceipt(out.Receipt)}, nil
}

// DeleteBulkPersonalAccessToken implements deleteBulkPersonalAccessToken.
func (m mutations) DeleteBulkPersonalAccessToken(ctx context.Context, ids []string) (*model.PersonalAccessTokenBulkDeletePayload, error) {
	done, err := m.deleteEach(ctx, ids, events.PersonalKind)
	if err != nil {
		return nil, err
	}
	return &model.PersonalAccessTokenBulkDeletePayload{
		DeletedIDs: done.ids, NotDeletedIDs: done.notIDs, Error: done.error(), Receipt: done.receipt(),
	}, nil
}

// RotatePersonalAccessToken implements rotatePersonalAccessToken.
func (m mutations) RotatePersonalAccessToken(ctx context.Context, id string, input *model.RotateTokenInput) (*model.PersonalAccessTokenRotatePayload, error) {
	out, predecessor, err := m.rotate(ctx, id, events.PersonalKind, input)
	if err != nil {
		return nil, err
	}
	token, err := m.personalToken(ctx, out)
	if err != nil {
		return nil, err
	}
	old, err := tokenRow(out.Outcome, predecessor)
	if err != nil {
		return nil, err
	}
	return &model.PersonalAccessTokenRotatePayload{
		PersonalAccessToken: token, Rotated: model.NewPersonalAccessToken(old, secret.Value{}, requestOf(ctx).now), Receipt: model.NewReceipt(out.Receipt),
	}, nil
}

// personalToken is a token as the outcome of a command leaves it.
func (m mutations) personalToken(ctx context.Context, out aggregate.TokenOutcome) (*model.PersonalAccessToken, error) {
	row, err := m.outcome(ctx, out)
	if err != nil {
		return nil, err
	}
	return model.NewPersonalAccessToken(row, out.Value, requestOf(ctx).now), nil
}
