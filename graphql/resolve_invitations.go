// Invitations: offered, listed, taken back and accepted.

package graphql

import (
	"context"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// invitationPath is where a link leads. What stands behind its # stays in the
// browser and reaches no log on the way.
const invitationPath = "/v1/invitation#"

// InviteMember implements inviteMember.
func (m mutations) InviteMember(ctx context.Context, in model.InviteMemberInput) (*model.InvitationPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", in.OrganizationID)
	if err != nil {
		return nil, err
	}
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	out, err := m.directory.Invite(ctx, call, aggregate.NewInvitation{
		Organization: organization, Email: in.Email, Role: in.Role, Until: value(in.Until),
	})
	payload, err := m.invitationPayload(ctx, out.Made, err)
	if err != nil {
		return nil, err
	}
	if out.Secret != "" {
		link := m.publicURL + invitationPath + out.Secret
		payload.Link = &link
	}
	return payload, nil
}

// WithdrawInvitation implements withdrawInvitation.
func (m mutations) WithdrawInvitation(ctx context.Context, id string, organizationID, reason *string) (*model.InvitationPayload, error) {
	organization, err := callerOf(ctx).organization("organizationID", organizationID)
	if err != nil {
		return nil, err
	}
	invitation, err := model.UnmarshalUUID(id)
	if err != nil {
		return nil, badInput("id", "%v.", err)
	}
	made, err := m.directory.WithdrawInvitation(ctx, requestOf(ctx).call(ctx), organization, invitation, value(reason))
	return m.invitationPayload(ctx, made, err)
}

// invitationPayload answers from what was decided.
func (m mutations) invitationPayload(ctx context.Context, made aggregate.Made, err error) (*model.InvitationPayload, error) {
	row, err := folded(ctx, m, made, err, events.InvitationStream(made.ID), projections.FoldInvitation)
	if err != nil {
		return nil, err
	}
	return &model.InvitationPayload{
		Invitation: &model.Invitation{InvitationRow: row, Now: requestOf(ctx).now}, Receipt: model.NewReceipt(made.Receipt),
	}, nil
}

// AcceptInvitation implements acceptInvitation. The organization is that of the
// invitation, of which the caller is no member yet.
func (m mutations) AcceptInvitation(ctx context.Context, secret string) (*model.MembershipPayload, error) {
	call, err := m.settled(ctx)
	if err != nil {
		return nil, err
	}
	made, err := m.directory.AcceptInvitation(ctx, call, secret)
	if err != nil {
		return nil, err
	}
	for stream := range made.History {
		if organization, user, err := stream.IDs(); err == nil && stream.Kind() == events.KindMembership && user == made.ID &&
			started(made.History[stream], made.Receipt) {
			return m.membershipPayload(ctx, organization)(made, nil)
		}
	}
	return nil, notFound("secret", "There is no such invitation.")
}

// started reports whether the receipt's events are among these.
func started(history []events.Recorded, r events.Receipt) bool {
	return len(history) > 0 && history[len(history)-1].Position >= r.Placed[0].Position
}

// Invitations implements Organization.invitations.
func (o organizations) Invitations(ctx context.Context, obj *model.Organization, after *string, first *int, before *string, last *int) (*model.InvitationConnection, error) {
	if err := inside(ctx, obj, aggregate.OpReadMembers); err != nil {
		return nil, err
	}
	if err := o.catchUp(ctx); err != nil {
		return nil, err
	}
	p, err := o.views.OpenInvitations(ctx, obj.ID, pageArgs(after, first, before, last), counting(ctx))
	if err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	return &model.InvitationConnection{
		Edges: edges(p, func(row projections.InvitationRow, cursor string) *model.InvitationEdge {
			return &model.InvitationEdge{Node: &model.Invitation{InvitationRow: row, Now: now}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}
