// Reading organizations, users, memberships and grants.

package graphql

import (
	"context"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// Organizations implements organizations.
func (q queries) Organizations(ctx context.Context, after *string, first *int, before *string, last *int) (*model.OrganizationConnection, error) {
	return q.organizationPage(ctx, callerOf(ctx).Organizations, pageArgs(after, first, before, last))
}

// organizationPage lists organizations that the caller's credential reaches, or
// that a token of his own is granted to.
func (h *handler) organizationPage(ctx context.Context, among []uuid.UUID, args projections.PageArgs) (*model.OrganizationConnection, error) {
	if err := h.catchUp(ctx); err != nil {
		return nil, err
	}
	p, err := h.views.Organizations(ctx, among, args, counting(ctx))
	if err != nil {
		return nil, err
	}
	return &model.OrganizationConnection{
		Edges: edges(p, func(row projections.OrganizationRow, cursor string) *model.OrganizationEdge {
			return &model.OrganizationEdge{Node: &model.Organization{OrganizationRow: row}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// Organization implements organization.
func (q queries) Organization(ctx context.Context, id *string) (*model.Organization, error) {
	c := callerOf(ctx)
	organization, err := c.organization("id", id)
	if err != nil {
		return nil, err
	}
	if err := c.may(aggregate.OpReadOrganization, false); err != nil {
		return nil, err
	}
	return q.organization(ctx, organization)
}

func (h *handler) organization(ctx context.Context, id uuid.UUID) (*model.Organization, error) {
	row, found, err := load(ctx, requestOf(ctx).organizationByID, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("id", "There is no such organization.")
	}
	return &model.Organization{OrganizationRow: row}, nil
}

// inside checks what hangs on an organization: that it is the one that the
// request is for, and that the caller may do this there.
func inside(ctx context.Context, o *model.Organization, op aggregate.Operation) error {
	c := callerOf(ctx)
	if err := c.within("", o.ID); err != nil {
		return err
	}
	return c.may(op, false)
}

// Policy implements Organization.policy.
func (o organizations) Policy(ctx context.Context, obj *model.Organization) (*model.OrganizationPolicy, error) {
	if err := inside(ctx, obj, aggregate.OpReadPolicy); err != nil {
		return nil, err
	}
	return policyShown(obj.OrganizationRow.Policy), nil
}

// ViewerRole implements Organization.viewerRole.
func (o organizations) ViewerRole(ctx context.Context, obj *model.Organization) (*events.Role, error) {
	c := callerOf(ctx)
	role := c.Role
	if obj.ID != c.Organization {
		if err := o.catchUp(ctx); err != nil {
			return nil, err
		}
		m, _, err := o.views.Membership(ctx, obj.ID, c.User)
		if err != nil {
			return nil, err
		}
		role = m.RoleAt(requestOf(ctx).now)
	}
	if role == "" {
		return nil, nil
	}
	return &role, nil
}

// APITokens implements Organization.apiTokens.
func (o organizations) APITokens(ctx context.Context, obj *model.Organization, after *string, first *int, before *string, last *int, orderBy []model.Order, _ map[string]any, includeDeleted bool) (*model.APITokenConnection, error) {
	if err := callerOf(ctx).within("", obj.ID); err != nil {
		return nil, err
	}
	return o.apiTokensOf(ctx, obj.ID, tokenList{pageArgs(after, first, before, last), orderBy, filter(ctx), includeDeleted, counting(ctx)})
}

// TokenGrants implements Organization.tokenGrants.
func (o organizations) TokenGrants(ctx context.Context, obj *model.Organization, after *string, first *int, before *string, last *int) (*model.TokenGrantConnection, error) {
	if err := inside(ctx, obj, aggregate.OpReadGrants); err != nil {
		return nil, err
	}
	if err := o.catchUp(ctx); err != nil {
		return nil, err
	}
	p, err := o.views.Grants(ctx, obj.ID, pageArgs(after, first, before, last), counting(ctx))
	if err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	return &model.TokenGrantConnection{
		Edges: edges(p, func(row projections.GrantRow, cursor string) *model.TokenGrantEdge {
			return &model.TokenGrantEdge{Node: &model.TokenGrant{GrantRow: row, Now: now}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// Members implements Organization.members.
func (o organizations) Members(ctx context.Context, obj *model.Organization, after *string, first *int, before *string, last *int) (*model.MembershipConnection, error) {
	if err := inside(ctx, obj, aggregate.OpReadMembers); err != nil {
		return nil, err
	}
	if err := o.catchUp(ctx); err != nil {
		return nil, err
	}
	return membershipPage(ctx, o.views.Members, obj.ID, pageArgs(after, first, before, last))
}

func membershipPage(
	ctx context.Context, list func(context.Context, uuid.UUID, projections.PageArgs, bool) (projections.Page[projections.MembershipRow], error),
	of uuid.UUID, args projections.PageArgs,
) (*model.MembershipConnection, error) {
	p, err := list(ctx, of, args, counting(ctx))
	if err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	return &model.MembershipConnection{
		Edges: edges(p, func(row projections.MembershipRow, cursor string) *model.MembershipEdge {
			return &model.MembershipEdge{Node: &model.Membership{MembershipRow: row, Now: now}, Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// User implements user.
func (q queries) User(ctx context.Context, id string) (*model.User, error) {
	user, err := model.UnmarshalUUID(id)
	if err != nil {
		return nil, badInput("id", "%v.", err)
	}
	if err := q.maySeeUser(ctx, user); err != nil {
		return nil, err
	}
	return q.user(ctx, user)
}

// maySeeUser says whether a user is there for the caller: himself, or a member,
// also a former one, of his organization.
func (h *handler) maySeeUser(ctx context.Context, user uuid.UUID) error {
	c := callerOf(ctx)
	if user == c.User && user != uuid.Nil {
		return c.may(aggregate.OpReadUser, true)
	}
	if err := h.catchUp(ctx); err != nil {
		return err
	}
	_, found, err := h.views.Membership(ctx, c.Organization, user)
	switch {
	case err != nil:
		return err
	case !found:
		return notFound("id", "There is no such user.")
	}
	return c.may(aggregate.OpReadUser, false)
}

func (h *handler) user(ctx context.Context, id uuid.UUID) (*model.User, error) {
	row, found, err := load(ctx, requestOf(ctx).userByID, id)
	if err != nil {
		return nil, err
	}
	if !found {
		return nil, notFound("id", "There is no such user.")
	}
	return &model.User{UserRow: row}, nil
}

// Me implements me.
func (q queries) Me(ctx context.Context) (*model.User, error) {
	c := callerOf(ctx)
	if c.User == uuid.Nil {
		return nil, nil
	}
	if err := c.may(aggregate.OpReadUser, true); err != nil {
		return nil, err
	}
	return q.user(ctx, c.User)
}

// own refuses what is for the user alone.
func own(ctx context.Context, u *model.User) error {
	if c := callerOf(ctx); c.User == uuid.Nil || u.ID != c.User {
		return refusal(aggregate.CodeForbidden, "", "This is for the user alone.")
	}
	return nil
}

// Memberships implements User.memberships.
func (u users) Memberships(ctx context.Context, obj *model.User, after *string, first *int, before *string, last *int) (*model.MembershipConnection, error) {
	if err := own(ctx, obj); err != nil {
		return nil, err
	}
	if err := u.catchUp(ctx); err != nil {
		return nil, err
	}
	return membershipPage(ctx, u.views.MembershipsOf, obj.ID, pageArgs(after, first, before, last))
}

// PersonalAccessTokens implements User.personalAccessTokens.
func (u users) PersonalAccessTokens(ctx context.Context, obj *model.User, after *string, first *int, before *string, last *int, orderBy []model.Order, _ map[string]any, includeDeleted bool) (*model.PersonalAccessTokenConnection, error) {
	if err := own(ctx, obj); err != nil {
		return nil, err
	}
	return u.ownTokens(ctx, tokenList{pageArgs(after, first, before, last), orderBy, filter(ctx), includeDeleted, counting(ctx)})
}

// Organization implements Membership.organization.
func (m memberships) Organization(ctx context.Context, obj *model.Membership) (*model.Organization, error) {
	return m.organization(ctx, obj.MembershipRow.Organization)
}

// User implements Membership.user. Whoever reads the membership may read the user.
func (m memberships) User(ctx context.Context, obj *model.Membership) (*model.User, error) {
	return m.user(ctx, obj.MembershipRow.User)
}

// Organization implements TokenGrant.organization.
func (g tokenGrants) Organization(ctx context.Context, obj *model.TokenGrant) (*model.Organization, error) {
	return g.organization(ctx, obj.GrantRow.Organization)
}

// User implements TokenGrant.user. Whoever reads the grant may read its user.
func (g tokenGrants) User(ctx context.Context, obj *model.TokenGrant) (*model.User, error) {
	return g.user(ctx, obj.GrantRow.User)
}
