// What happens around every operation: who asks is checked, the use is recorded, the request's state is made.

package graphql

import (
	"context"
	"slices"
	"strings"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/aggregate"
)

// Uses records that tokens are used for the ledger's own interface. An error
// refuses the operation; a [aggregate.Refusal] is shown as it is.
type Uses interface {
	// Record decides and records one use by a token, durably, before the
	// operation runs. action is the operation's root fields, joined by commas.
	Record(ctx context.Context, c Caller, action, resource string) error
	// Count decides a use that is recorded once an hour only: of a caller who
	// verifies other tokens or looks at the schema.
	Count(ctx context.Context, c Caller) error
}

// useResource is what a use of the ledger's own interface is of.
const useResource = "ledger"

// around is called once for each operation.
func (h *handler) around(ctx context.Context, next gql.OperationHandler) gql.ResponseHandler {
	caller := callerOf(ctx)
	if err := h.admit(ctx, caller); err != nil {
		return gql.OneShot(&gql.Response{Errors: gqlerror.List{h.present(ctx, err)}})
	}
	r := &request{caller: caller, now: h.now()}
	r.loaders = h.newLoaders()
	return next(context.WithValue(ctx, requestKey{}, r))
}

func (h *handler) admit(ctx context.Context, c *Caller) error {
	names := rootNames(ctx)
	gql.GetOperationContext(ctx).DisableIntrospection = !h.open
	if !h.open && slices.ContainsFunc(names, func(name string) bool { return name == "__schema" || name == "__type" }) {
		return refusal(aggregate.CodeForbidden, "", "The schema cannot be read here.")
	}
	if c == nil {
		return nil // its fields are refused one by one
	}
	if c.Organization != uuid.Nil && !slices.Contains(c.Organizations, c.Organization) {
		return notFound(organizationHeader, "There is no such organization.")
	}
	if c.Kind == "" {
		return nil // a person's reads are no token uses
	}
	if counted(names) {
		return h.uses.Count(ctx, *c)
	}
	return h.uses.Record(ctx, *c, strings.Join(names, ","), useResource)
}

// rootNames lists the operation's root fields, each once.
func rootNames(ctx context.Context) []string {
	var names []string
	for _, f := range rootFields(ctx) {
		if !slices.Contains(names, f.Name) {
			names = append(names, f.Name)
		}
	}
	return names
}

func rootFields(ctx context.Context) []gql.CollectedField {
	op := gql.GetOperationContext(ctx)
	root := map[string]string{"query": "Query", "mutation": "Mutation", "subscription": "Subscription"}
	return gql.CollectFields(op, op.Operation.SelectionSet, []string{root[string(op.Operation.Operation)]})
}

// counted reports whether the operation does nothing but verify and look at the schema.
func counted(names []string) bool {
	return !slices.ContainsFunc(names, func(name string) bool {
		return name != "verifyToken" && name != "verifyTokens" && !strings.HasPrefix(name, "__")
	})
}

// aroundField lets no field be reached without a caller, and no root field by a
// token whose scopes do not allow it.
func aroundField(ctx context.Context, next gql.Resolver) (any, error) {
	f := gql.GetFieldContext(ctx)
	if strings.HasPrefix(f.Field.Name, "__") || strings.HasPrefix(f.Object, "__") {
		return next(ctx)
	}
	caller := callerOf(ctx)
	if caller == nil {
		return nil, errUnauthenticated
	}
	if f.Object == "Query" || f.Object == "Mutation" || f.Object == "Subscription" {
		if err := caller.inScope(f.Field.Name); err != nil {
			return nil, err
		}
	}
	return next(ctx)
}

// inScope asks the registry what scope an operation takes. What the caller's
// role allows is a question of its own.
func (c *Caller) inScope(action string) error {
	if c.Kind == "" {
		return nil
	}
	object, verb, ok := aggregate.Registry{}.ActionScope(action)
	if !ok {
		return refusal(aggregate.CodeForbidden, "", "No scope allows %s.", action)
	}
	scope := object + ":" + verb
	ruling := aggregate.Authority{Principal: c.Principal, Ledger: true}.Use(aggregate.Scopes{scope})
	if ruling.Allowed {
		return nil
	}
	return &aggregate.Refusal{
		Code: aggregate.CodeForbidden, Policy: ruling.Policy,
		Message: action + " needs the scope " + scope + ", which this token lacks.",
	}
}
