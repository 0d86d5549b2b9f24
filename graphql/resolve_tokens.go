// Reading tokens of both kinds: lists, single ones, and what hangs on them.

package graphql

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// tokenList is what a list of tokens is asked for.
type tokenList struct {
	page    projections.PageArgs
	order   []model.Order
	where   map[string]any
	deleted bool
	count   bool
}

// APITokens implements apiTokens.
func (q queries) APITokens(ctx context.Context, after *string, first *int, before *string, last *int, orderBy []model.Order, _ map[string]any, includeDeleted bool, asOf *model.AsOf) (*model.APITokenConnection, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	l := tokenList{pageArgs(after, first, before, last), orderBy, filter(ctx), includeDeleted, counting(ctx)}
	if asOf != nil {
		return q.apiTokensAsOf(ctx, organization, l, *asOf)
	}
	return q.apiTokensOf(ctx, organization, l)
}

// apiTokensOf lists the tokens of the caller's organization that he may see: all
// of them, or those that he created himself.
func (h *handler) apiTokensOf(ctx context.Context, organization uuid.UUID, l tokenList) (*model.APITokenConnection, error) {
	c := callerOf(ctx)
	visible := projections.Visibility{Holder: organization, IncludeDeleted: l.deleted}
	if err := c.may(aggregate.OpReadOrganizationTokens, false); err != nil {
		if c.may(aggregate.OpReadOrganizationTokens, true) != nil {
			return nil, err
		}
		visible.CreatedBy = c.User.String()
	}
	if l.deleted && !c.seesDeleted() {
		return nil, refusal(aggregate.CodeForbidden, "includeDeleted", "Deleted tokens are for owners, admins and auditors.")
	}
	p, err := h.tokenPage(ctx, events.OrganizationKind, visible, l)
	if err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	return &model.APITokenConnection{
		Edges: edges(p, func(row projections.TokenRow, cursor string) *model.APITokenEdge {
			return &model.APITokenEdge{Node: model.NewAPIToken(row, secret.Value{}, now), Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// seesDeleted reports whether the caller is an owner, admin or auditor.
func (c *Caller) seesDeleted() bool {
	return c.Role == events.RoleOwner || c.Role == events.RoleAdmin || c.Role == events.RoleAuditor
}

func (h *handler) tokenPage(ctx context.Context, kind events.TokenKind, visible projections.Visibility, l tokenList) (projections.Page[projections.TokenRow], error) {
	if err := h.catchUp(ctx); err != nil {
		return projections.Page[projections.TokenRow]{}, err
	}
	return h.views.Tokens(ctx, projections.TokenQuery{
		Kind: kind, Visible: visible, Where: l.where, Order: orders(l.order), Page: l.page, Count: l.count, Now: requestOf(ctx).now,
	})
}

// PersonalAccessTokens implements personalAccessTokens.
func (q queries) PersonalAccessTokens(ctx context.Context, after *string, first *int, before *string, last *int, orderBy []model.Order, _ map[string]any, includeDeleted bool) (*model.PersonalAccessTokenConnection, error) {
	return q.ownTokens(ctx, tokenList{pageArgs(after, first, before, last), orderBy, filter(ctx), includeDeleted, counting(ctx)})
}

// ownTokens lists the caller's personal tokens.
func (h *handler) ownTokens(ctx context.Context, l tokenList) (*model.PersonalAccessTokenConnection, error) {
	c := callerOf(ctx)
	if err := c.may(aggregate.OpReadPersonalTokens, true); err != nil {
		return nil, err
	}
	p, err := h.tokenPage(ctx, events.PersonalKind, projections.Visibility{Holder: c.User, IncludeDeleted: l.deleted}, l)
	if err != nil {
		return nil, err
	}
	now := requestOf(ctx).now
	return &model.PersonalAccessTokenConnection{
		Edges: edges(p, func(row projections.TokenRow, cursor string) *model.PersonalAccessTokenEdge {
			return &model.PersonalAccessTokenEdge{Node: model.NewPersonalAccessToken(row, secret.Value{}, now), Cursor: cursor}
		}),
		PageInfo: pageInfo(p), TotalCount: int(p.Total),
	}, nil
}

// APIToken implements apiToken.
func (q queries) APIToken(ctx context.Context, id string, asOf *model.AsOf) (*model.APIToken, error) {
	organization, err := callerOf(ctx).organization(organizationHeader, nil)
	if err != nil {
		return nil, err
	}
	if asOf != nil {
		return q.apiTokenAsOf(ctx, organization, id, *asOf)
	}
	row, err := q.token(ctx, id, events.OrganizationKind)
	if err != nil {
		return nil, err
	}
	return model.NewAPIToken(row, secret.Value{}, requestOf(ctx).now), nil
}

// PersonalAccessToken implements personalAccessToken.
func (q queries) PersonalAccessToken(ctx context.Context, id string) (*model.PersonalAccessToken, error) {
	row, err := q.token(ctx, id, events.PersonalKind)
	if err != nil {
		return nil, err
	}
	return model.NewPersonalAccessToken(row, secret.Value{}, requestOf(ctx).now), nil
}

// token finds one token that the caller may see.
func (h *handler) token(ctx context.Context, name string, kind events.TokenKind) (projections.TokenRow, error) {
	id, err := h.tokenID(ctx, "id", name, kind)
	if err != nil {
		return projections.TokenRow{}, err
	}
	row, found, err := load(ctx, requestOf(ctx).tokenByID, id)
	if err == nil && (!found || row.Kind != kind) {
		err = notFound("id", "There is no such token.")
	}
	if err != nil {
		return row, err
	}
	return row, callerOf(ctx).maySee(row)
}

// maySee says whether a token is there for the caller. What he has no business
// with, another organization's tokens first of all, is not.
func (c *Caller) maySee(row projections.TokenRow) error {
	nowhere := notFound("id", "There is no such token.")
	if row.Kind == events.PersonalKind {
		if c.User == uuid.Nil || row.Owner() != c.User {
			return nowhere
		}
		return c.may(aggregate.OpReadPersonalTokens, true)
	}
	own := c.created(row)
	switch {
	case row.Organization() != c.Organization:
		return nowhere
	case row.DeletedAt != nil && !own && !c.seesDeleted():
		return nowhere
	case !own && c.may(aggregate.OpReadOrganizationTokens, true) == nil && c.may(aggregate.OpReadOrganizationTokens, false) != nil:
		return nowhere // a member sees those that he created, and not that there are others
	}
	return c.may(aggregate.OpReadOrganizationTokens, own)
}

func (c *Caller) created(row projections.TokenRow) bool {
	return c.User != uuid.Nil && row.CreatedBy == c.User.String()
}

// tokenByFingerprint finds a token that the caller may see.
func (h *handler) tokenByFingerprint(ctx context.Context, field, fingerprint string, kind events.TokenKind) (uuid.UUID, error) {
	if err := h.catchUp(ctx); err != nil {
		return uuid.Nil, err
	}
	row, found, err := h.views.TokenByFingerprint(ctx, fingerprint)
	if err != nil {
		return uuid.Nil, err
	}
	if !found || kind != "" && row.Kind != kind || callerOf(ctx).maySee(row) != nil {
		return uuid.Nil, notFound(field, "There is no such token.")
	}
	return row.ID, nil
}

// Owner implements APIToken.owner. The token is the caller's organization's.
func (a apiTokens) Owner(ctx context.Context, obj *model.APIToken) (*model.Organization, error) {
	row, found, err := load(ctx, requestOf(ctx).organizationByID, obj.Holder)
	if err != nil || !found {
		return nil, err
	}
	return &model.Organization{OrganizationRow: row}, nil
}

// RotatedFrom implements APIToken.rotatedFrom.
func (a apiTokens) RotatedFrom(ctx context.Context, obj *model.APIToken) (*model.APIToken, error) {
	return a.relative(ctx, obj.TokenRow.RotatedFrom)
}

// RotatedTo implements APIToken.rotatedTo.
func (a apiTokens) RotatedTo(ctx context.Context, obj *model.APIToken) (*model.APIToken, error) {
	return a.relative(ctx, obj.TokenRow.RotatedTo)
}

// relative is a token of the same organization.
func (a apiTokens) relative(ctx context.Context, id *uuid.UUID) (*model.APIToken, error) {
	if id == nil {
		return nil, nil
	}
	row, found, err := load(ctx, requestOf(ctx).tokenByID, *id)
	if err != nil || !found || callerOf(ctx).maySee(row) != nil {
		return nil, err
	}
	return model.NewAPIToken(row, secret.Value{}, requestOf(ctx).now), nil
}

// LastUsedAt implements APIToken.lastUsedAt.
func (a apiTokens) LastUsedAt(ctx context.Context, obj *model.APIToken) (*time.Time, error) {
	if obj.Past() {
		return obj.TokenRow.LastUsedAt, nil
	}
	return a.lastUse(ctx, obj.TokenRow)
}

// LastUsedAt implements PersonalAccessToken.lastUsedAt.
func (p personalTokens) LastUsedAt(ctx context.Context, obj *model.PersonalAccessToken) (*time.Time, error) {
	return p.lastUse(ctx, obj.TokenRow)
}

// lastUse is on the row where that was read; a row that was folded for the
// answer to a mutation has none.
func (h *handler) lastUse(ctx context.Context, row projections.TokenRow) (*time.Time, error) {
	if row.LastUsedAt != nil {
		return row.LastUsedAt, nil
	}
	u, _, err := load(ctx, requestOf(ctx).usageByToken, row.ID)
	return u.LastUsedAt, err
}

// Owner implements PersonalAccessToken.owner.
func (p personalTokens) Owner(ctx context.Context, obj *model.PersonalAccessToken) (*model.User, error) {
	return p.user(ctx, obj.Holder)
}

// Organizations implements PersonalAccessToken.organizations.
func (p personalTokens) Organizations(ctx context.Context, obj *model.PersonalAccessToken, after *string, first *int, before *string, last *int) (*model.OrganizationConnection, error) {
	var granted []uuid.UUID
	for text, grant := range obj.Grants {
		if id, err := uuid.Parse(text); err == nil && grant.Live() {
			granted = append(granted, id)
		}
	}
	return p.organizationPage(ctx, granted, pageArgs(after, first, before, last))
}

// RotatedFrom implements PersonalAccessToken.rotatedFrom.
func (p personalTokens) RotatedFrom(ctx context.Context, obj *model.PersonalAccessToken) (*model.PersonalAccessToken, error) {
	return p.relative(ctx, obj.TokenRow.RotatedFrom)
}

// RotatedTo implements PersonalAccessToken.rotatedTo.
func (p personalTokens) RotatedTo(ctx context.Context, obj *model.PersonalAccessToken) (*model.PersonalAccessToken, error) {
	return p.relative(ctx, obj.TokenRow.RotatedTo)
}

// relative is a token of the same owner.
func (p personalTokens) relative(ctx context.Context, id *uuid.UUID) (*model.PersonalAccessToken, error) {
	if id == nil {
		return nil, nil
	}
	row, found, err := load(ctx, requestOf(ctx).tokenByID, *id)
	if err != nil || !found || callerOf(ctx).maySee(row) != nil {
		return nil, err
	}
	return model.NewPersonalAccessToken(row, secret.Value{}, requestOf(ctx).now), nil
}
