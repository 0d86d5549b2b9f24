// Which type resolves which part of the schema, and what the resolvers of lists have in common.

package graphql

import (
	"context"
	"slices"

	gql "github.com/99designs/gqlgen/graphql"

	"github.com/tokenledger/tokenledger/graphql/generated"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// queries resolves the fields of Query, mutations those of Mutation, and so on.
type (
	queries        struct{ *handler }
	mutations      struct{ *handler }
	subscriptions  struct{ *handler }
	apiTokens      struct{ *handler }
	personalTokens struct{ *handler }
	organizations  struct{ *handler }
	users          struct{ *handler }
	memberships    struct{ *handler }
	tokenGrants    struct{ *handler }
	tokenUsages    struct{ *handler }
	auditEvents    struct{ *handler }
	webhooks       struct{ *handler }
	reports        struct{ *handler }
)

// root gives the generated code its resolvers.
type root struct{ h *handler }

// Query implements [generated.ResolverRoot].
func (r root) Query() generated.QueryResolver { return queries{r.h} }

// Mutation implements [generated.ResolverRoot].
func (r root) Mutation() generated.MutationResolver { return mutations{r.h} }

// Subscription implements [generated.ResolverRoot].
func (r root) Subscription() generated.SubscriptionResolver { return subscriptions{r.h} }

// APIToken implements [generated.ResolverRoot].
func (r root) APIToken() generated.APITokenResolver { return apiTokens{r.h} }

// PersonalAccessToken implements [generated.ResolverRoot].
func (r root) PersonalAccessToken() generated.PersonalAccessTokenResolver {
	return personalTokens{r.h}
}

// Organization implements [generated.ResolverRoot].
func (r root) Organization() generated.OrganizationResolver { return organizations{r.h} }

// User implements [generated.ResolverRoot].
func (r root) User() generated.UserResolver { return users{r.h} }

// Membership implements [generated.ResolverRoot].
func (r root) Membership() generated.MembershipResolver { return memberships{r.h} }

// TokenGrant implements [generated.ResolverRoot].
func (r root) TokenGrant() generated.TokenGrantResolver { return tokenGrants{r.h} }

// TokenUsage implements [generated.ResolverRoot].
func (r root) TokenUsage() generated.TokenUsageResolver { return tokenUsages{r.h} }

// Event implements [generated.ResolverRoot].
func (r root) Event() generated.EventResolver { return auditEvents{r.h} }

// Report implements [generated.ResolverRoot].
func (r root) Report() generated.ReportResolver { return reports{r.h} }

// Webhook implements [generated.ResolverRoot].
func (r root) Webhook() generated.WebhookResolver { return webhooks{r.h} }

// pageArgs are the arguments of a connection.
func pageArgs(after *string, first *int, before *string, last *int) projections.PageArgs {
	return projections.PageArgs{After: value(after), First: first, Before: value(before), Last: last}
}

// pageInfo tells where a page stands.
func pageInfo[T any](p projections.Page[T]) *model.PageInfo {
	info := &model.PageInfo{HasNextPage: p.HasNext, HasPreviousPage: p.HasPrevious}
	if n := len(p.Edges); n > 0 {
		info.StartCursor, info.EndCursor = &p.Edges[0].Cursor, &p.Edges[n-1].Cursor
	}
	return info
}

// edges makes the edges of a connection from those of a page.
func edges[T, E any](p projections.Page[T], edge func(node T, cursor string) *E) []*E {
	out := make([]*E, len(p.Edges))
	for i, e := range p.Edges {
		out[i] = edge(e.Node, e.Cursor)
	}
	return out
}

// counting reports whether the connection's total is asked for, which costs a
// statement of its own.
func counting(ctx context.Context) bool {
	return slices.ContainsFunc(gql.CollectFieldsCtx(ctx, nil), func(f gql.CollectedField) bool {
		return f.Name == "totalCount"
	})
}

// filter is the argument where as it was sent. The compiler of filters reads
// that form; what the generated code makes of it has pointers and types of its own.
func filter(ctx context.Context) map[string]any {
	where, _ := gql.GetFieldContext(ctx).Field.ArgumentMap(gql.GetOperationContext(ctx).Variables)["where"].(map[string]any)
	return where
}

func orders(in []model.Order) []projections.Order {
	out := make([]projections.Order, len(in))
	for i, o := range in {
		out[i] = projections.Order{Field: o.Field, Desc: o.Direction == model.OrderDirectionDesc}
	}
	return out
}
