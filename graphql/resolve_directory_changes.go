// Mutations on organizations, users, memberships and grants.

package graphql

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// CreateOrganization implements createOrganization.
func (m mutations) CreateOrganization(ctx context.Context, in model.CreateOrganizationInput) (*model.OrganizationPayload, error) {
	owner, err := optionalID("ownerID", in.OwnerID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	return m.organizationPayload(ctx)(m.directory.CreateOrganization(ctx, call, aggregate.NewOrganization{
		Name: in.Name, DisplayName: value(in.DisplayName), Owner: owner,
		OwnerProfile: aggregate.Profile{Email: value(in.OwnerEmail), DisplayName: value(in.OwnerDisplayName)},
	}))
}

// UpdateOrganization implements updateOrganization.
func (m mutations) UpdateOrganization(ctx context.Context, id *string, in model.UpdateOrganizationInput) (*model.OrganizationPayload, error) {
	organization, err := callerOf(ctx).organization("id", id)
	if err != nil {
		return nil, err
	}
	return m.organizationPayload(ctx)(m.directory.RenameOrganization(ctx, expected(requestOf(ctx).call(ctx), in.ExpectedVersion), organization, in.Name, value(in.DisplayName)))
}

// UpdateOrganizationPolicy implements updateOrganizationPolicy.
func (m mutations) UpdateOrganizationPolicy(ctx context.Context, id *string, in model.UpdateOrganizationPolicyInput) (*model.OrganizationPayload, error) {
	organization, err := callerOf(ctx).organization("id", id)
	if err != nil {
		return nil, err
	}
	return m.organizationPayload(ctx)(m.directory.ChangePolicy(ctx, expected(requestOf(ctx).call(ctx), in.ExpectedVersion), organization, policyChange(in)))
}

// RegisterObject implements registerObject.
func (m mutations) RegisterObject(ctx context.Context, name string, actions map[string]string, organizationID *string) (*model.OrganizationPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	return m.organizationPayload(ctx)(m.directory.RegisterObject(ctx, requestOf(ctx).call(ctx), organization, name, actions))
}

// settled is the call of a command that looks things up in the read model, such
// as a user by address: that has to know what the same caller did before.
func (m mutations) settled(ctx context.Context) (aggregate.Call, error) {
	return requestOf(ctx).call(ctx), m.catchUp(ctx)
}

// organizationPayload answers from what was decided.
func (m mutations) organizationPayload(ctx context.Context) func(aggregate.Made, error) (*model.OrganizationPayload, error) {
	return func(made aggregate.Made, err error) (*model.OrganizationPayload, error) {
		row, err := folded(ctx, m, made, err, events.OrganizationStream(made.ID), projections.FoldOrganization)
		if err != nil {
			return nil, err
		}
		return &model.OrganizationPayload{Organization: &model.Organization{OrganizationRow: row}, Receipt: model.NewReceipt(made.Receipt)}, nil
	}
}

// folded makes the row that a command was about from the events that it loaded and decided.
func folded[T any](
	ctx context.Context, m mutations, made aggregate.Made, failed error, of events.StreamID, fold func([]events.Recorded) (T, error),
) (row T, err error) {
	if failed != nil {
		return row, failed
	}
	m.recorded(ctx, made.Outcome)
	if row, err = fold(made.History[of]); err != nil {
		return row, fmt.Errorf("answer from the events of %s: %w", of, err)
	}
	return row, nil
}

// CreateUser implements createUser.
func (m mutations) CreateUser(ctx context.Context, in model.CreateUserInput) (*model.UserPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", in.OrganizationID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	profile := aggregate.Profile{Email: in.Email, DisplayName: value(in.DisplayName)}
	return m.userPayload(ctx)(m.directory.CreateUser(ctx, call, aggregate.NewUser{
		Organization: organization, Profile: profile, Role: in.Role, Until: value(in.Until),
	}))
}

// UpdateUser implements updateUser.
func (m mutations) UpdateUser(ctx context.Context, id string, in model.UpdateUserInput) (*model.UserPayload, error) {
	return m.changeUser(ctx, id, func(call aggregate.Call, user uuid.UUID) (aggregate.Made, error) {
		return m.directory.UpdateUser(ctx, expected(call, in.ExpectedVersion), user, aggregate.Profile{Email: in.Email, DisplayName: in.DisplayName})
	})
}

// DeactivateUser implements deactivateUser.
func (m mutations) DeactivateUser(ctx context.Context, id, reason string, expectedVersion *int) (*model.UserPayload, error) {
	return m.changeUser(ctx, id, func(call aggregate.Call, user uuid.UUID) (aggregate.Made, error) {
		return m.directory.DeactivateUser(ctx, expected(call, expectedVersion), user, reason)
	})
}

// ReactivateUser implements reactivateUser.
func (m mutations) ReactivateUser(ctx context.Context, id string, reason *string, expectedVersion *int) (*model.UserPayload, error) {
	return m.changeUser(ctx, id, func(call aggregate.Call, user uuid.UUID) (aggregate.Made, error) {
		return m.directory.ReactivateUser(ctx, expected(call, expectedVersion), user, value(reason))
	})
}

func (m mutations) changeUser(ctx context.Context, id string, do func(aggregate.Call, uuid.UUID) (aggregate.Made, error)) (*model.UserPayload, error) {
	user, err := model.UnmarshalUUID(id)
	if err != nil {
		return nil, badInput("id", "%v.", err)
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	return m.userPayload(ctx)(do(call, user))
}

// userPayload answers from what was decided. Personal values that the command
// did not change are sealed there; the read model has them.
func (m mutations) userPayload(ctx context.Context) func(aggregate.Made, error) (*model.UserPayload, error) {
	return func(made aggregate.Made, err error) (*model.UserPayload, error) {
		row, err := folded(ctx, m, made, err, events.UserStream(made.ID), projections.FoldUser)
		if err != nil {
			return nil, err
		}
		if row.Email == nil {
			if known, found, err := load(ctx, requestOf(ctx).userByID, made.ID); err == nil && found {
				row.Email, row.DisplayName = known.Email, known.DisplayName
			}
		}
		return &model.UserPayload{User: &model.User{UserRow: row}, Receipt: model.NewReceipt(made.Receipt)}, nil
	}
}

// AddMember implements addMember.
func (m mutations) AddMember(ctx context.Context, in model.AddMemberInput) (*model.MembershipPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", in.OrganizationID)
	if err != nil {
		return nil, err
	}
	user, err := optionalID("userID", in.UserID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	return m.membershipPayload(ctx, organization)(m.directory.AddMember(ctx, call, aggregate.NewMember{
		Organization: organization, User: user, Email: value(in.Email), Role: in.Role, Until: value(in.Until),
	}))
}

// UpdateMember implements updateMember.
func (m mutations) UpdateMember(ctx context.Context, in model.UpdateMemberInput) (*model.MembershipPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", in.OrganizationID)
	if err != nil {
		return nil, err
	}
	user, err := optionalID("userID", &in.UserID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	return m.membershipPayload(ctx, organization)(m.directory.ChangeRole(ctx, expected(call, in.ExpectedVersion), aggregate.Term{
		Organization: organization, User: user, Role: in.Role, Until: value(in.Until),
	}))
}

// RemoveMember implements removeMember.
func (m mutations) RemoveMember(ctx context.Context, userID string, organizationID, reason *string, expectedVersion *int) (*model.MembershipPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	user, err := optionalID("userID", &userID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	return m.membershipPayload(ctx, organization)(m.directory.EndMember(ctx, expected(call, expectedVersion), organization, user, value(reason)))
}

func (m mutations) membershipPayload(ctx context.Context, organization uuid.UUID) func(aggregate.Made, error) (*model.MembershipPayload, error) {
	return func(made aggregate.Made, err error) (*model.MembershipPayload, error) {
		row, err := folded(ctx, m, made, err, events.MembershipStream(organization, made.ID), projections.FoldMembership)
		if err != nil {
			return nil, err
		}
		return &model.MembershipPayload{
			Membership: &model.Membership{MembershipRow: row, Now: requestOf(ctx).now}, Receipt: model.NewReceipt(made.Receipt),
		}, nil
	}
}

// AuthorizeTokenSso implements authorizeTokenSSO.
func (m mutations) AuthorizeTokenSso(ctx context.Context, id string, organizationID *string) (*model.TokenSSOPayload, error) {
	return m.stamp(ctx, id, organizationID, m.tokens.AuthorizeSSO)
}

// WithdrawTokenSso implements withdrawTokenSSO.
func (m mutations) WithdrawTokenSso(ctx context.Context, id string, organizationID *string) (*model.TokenSSOPayload, error) {
	return m.stamp(ctx, id, organizationID, m.tokens.WithdrawSSO)
}

func (m mutations) stamp(
	ctx context.Context, id string, organizationID *string,
	do func(context.Context, aggregate.Call, uuid.UUID, aggregate.TokenRef) (aggregate.TokenOutcome, error),
) (*model.TokenSSOPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	ref, err := m.eitherKind(ctx, id)
	if err != nil {
		return nil, err
	}
	out, err := do(ctx, requestOf(ctx).call(ctx), organization, ref)
	if err != nil {
		return nil, err
	}
	payload := &model.TokenSSOPayload{Receipt: model.NewReceipt(out.Receipt)}
	if ref.Kind == events.PersonalKind {
		payload.TokenGrant, err = m.tokenGrant(ctx, out, organization)
		return payload, err
	}
	row, err := m.outcome(ctx, out)
	payload.APIToken = model.NewAPIToken(row, secret.Value{}, requestOf(ctx).now)
	return payload, err
}

// eitherKind finds out what kind of token an argument names. Whether there is one, and
// whether the caller may do anything with it, is decided afterwards, on the log: who may
// not hears the same about a token that is not there and one of another organization.
func (m mutations) eitherKind(ctx context.Context, name string) (aggregate.TokenRef, error) {
	id, err := m.tokenID(ctx, "id", name, "")
	if err != nil {
		return aggregate.TokenRef{}, err
	}
	row, found, err := load(ctx, requestOf(ctx).tokenByID, id)
	if !found {
		row.Kind = events.OrganizationKind
	}
	return aggregate.TokenRef{Kind: row.Kind, ID: id}, err
}

// EndTokenGrant implements endTokenGrant.
func (m mutations) EndTokenGrant(ctx context.Context, id string, organizationID *string, reason string) (*model.TokenGrantEndPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	token, err := m.tokenID(ctx, "id", id, events.PersonalKind)
	if err != nil {
		return nil, err
	}
	out, err := m.tokens.EndGrant(ctx, requestOf(ctx).call(ctx), organization, token, reason)
	if err != nil {
		return nil, err
	}
	grant, err := m.tokenGrant(ctx, out, organization)
	if err != nil {
		return nil, err
	}
	return &model.TokenGrantEndPayload{TokenGrant: grant, Receipt: model.NewReceipt(out.Receipt)}, nil
}

// tokenGrant answers with as much of the token as the organization may know.
func (m mutations) tokenGrant(ctx context.Context, out aggregate.TokenOutcome, organization uuid.UUID) (*model.TokenGrant, error) {
	made := aggregate.Made{Outcome: out.Outcome, ID: out.ID}
	row, err := folded(ctx, m, made, nil, events.GrantStream(out.ID, organization), projections.FoldGrant)
	if err != nil {
		return nil, err
	}
	return &model.TokenGrant{GrantRow: row, Now: requestOf(ctx).now}, nil
}

func optionalID(field string, text *string) (uuid.UUID, error) {
	if text == nil {
		return uuid.Nil, nil
	}
	id, err := model.UnmarshalUUID(*text)
	if err != nil {
		return uuid.Nil, badInput(field, "%v.", err)
	}
	return id, nil
}
