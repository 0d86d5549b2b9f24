// Between HTTP, verifier and resolvers: who calls, and the recording of the call.

package service

import (
	"context"
	"slices"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

type queryKey struct{}

// withCaller hands the caller to the resolvers in their own words, and keeps
// what the use is verified from for uses.
func withCaller(ctx context.Context, c httpd.Call) context.Context {
	s := c.Subject
	caller := graphql.Caller{
		Principal: s.Principal(), Role: s.Role, Organizations: s.Organizations, Operator: s.Operator,
		Address: c.Query.Address, Agent: c.Query.Agent, RequestID: c.Query.RequestID,
		IdempotencyKey: c.IdempotencyKey, Seen: c.Seen, AsOf: c.AsOf, Trace: c.Query.Trace,
		Until: c.Until,
	}
	if s.Kind == events.OrganizationKind {
		caller.Organizations = []uuid.UUID{s.Organization}
	}
	if asked := c.Query.Organization; asked != uuid.Nil {
		caller.Organization = asked
	}
	ctx = context.WithValue(context.WithValue(ctx, queryKey{}, c.Query), callerKey{}, caller)
	return graphql.WithCaller(ctx, caller)
}

type callerKey struct{}

// callerOf is the authenticated caller of a request that is not one of GraphQL.
func callerOf(ctx context.Context) graphql.Caller {
	caller, _ := ctx.Value(callerKey{}).(graphql.Caller)
	return caller
}

// uses records what tokens are used for at the ledger's own interface.
type uses struct{ verifier *verifier.Verifier }

// Record implements [graphql.Uses].
func (u uses) Record(ctx context.Context, c graphql.Caller, action, resource string) error {
	q := query(ctx, c)
	q.Action, q.Resource, q.Scope = action, resource, scopesOf(action)
	d, err := u.verifier.Verify(ctx, q)
	return outcome(d, err)
}

// Count implements [graphql.Uses].
func (u uses) Count(ctx context.Context, c graphql.Caller) error {
	q := query(ctx, c)
	q.Action = "authenticate"
	d, err := u.verifier.Authenticated(ctx, q)
	return outcome(d, err)
}

// query is what the HTTP layer verified the caller from.
func query(ctx context.Context, c graphql.Caller) verifier.Query {
	q, _ := ctx.Value(queryKey{}).(verifier.Query)
	q.Organization, q.Ledger = c.Organization, true
	return q
}

// scopesOf lists what the root fields of an operation take. One that the
// registry does not have is refused by the resolvers.
func scopesOf(action string) string {
	var scopes []string
	for name := range strings.SplitSeq(action, ",") {
		if object, verb, ok := (aggregate.Registry{}).ActionScope(name); ok {
			if scope := object + ":" + verb; !slices.Contains(scopes, scope) {
				scopes = append(scopes, scope)
			}
		}
	}
	return strings.Join(scopes, " ")
}

// outcome is a decision about the caller's own token, as the caller is told it.
func outcome(d verifier.Decision, err error) error {
	if err != nil || d.Allowed {
		return err
	}
	r := &aggregate.Refusal{Code: aggregate.CodeUnauthenticated, Policy: d.Policy, Message: "This token is not valid."}
	switch d.Code {
	case verifier.SSORequired:
		r.Code, r.Message = aggregate.CodeSSORequired, "This organization demands that the token is authorized through single sign-on."
	case verifier.ScopeInsufficient:
		r.Code, r.Message = aggregate.CodeForbidden, "This needs "+d.ScopeNeeded+", which the token lacks."
	case verifier.SourceUnknown, verifier.SourceForbidden:
		r.Code, r.Message = aggregate.CodeForbidden, "The organization does not accept uses from where this one comes from."
	case verifier.AboveCeiling:
		r.Code, r.Message = aggregate.CodeForbidden, "This needs "+d.ScopeNeeded+", which the organization's policy allows no token."
	case verifier.OtherOrganization, verifier.NotGranted, verifier.NotMember:
		r.Code, r.Message = aggregate.CodeNotFound, "There is no such organization."
	case verifier.OrganizationRequired:
		r.Code, r.Field = aggregate.CodeBadUserInput, "X-Organization-ID"
		r.Message = "This token is granted to several organizations; name one of them in the header X-Organization-ID."
	}
	return r
}
