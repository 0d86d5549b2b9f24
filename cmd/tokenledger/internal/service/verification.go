// Verification as the resolvers know it: what the verifier decided, told as far
// as whoever asks may know.

package service

import (
	"context"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// verification implements [graphql.Verifier].
type verification struct{ verifier *verifier.Verifier }

// codeInvalid is all that is said of a token that is no good, whatever the reason.
const (
	codeAllowed = "ALLOWED"
	codeInvalid = "TOKEN_INVALID"
)

// Verify implements [graphql.Verifier].
func (v verification) Verify(ctx context.Context, u graphql.Use) (graphql.Verdict, error) {
	d, err := v.verifier.Verify(ctx, verifier.Query{
		Value: u.Value, Organization: u.Organization, Action: u.Action, Resource: u.Resource, Scope: u.Scope,
		Address: u.Address, Agent: u.Agent, RequestID: u.Correlation, Trace: u.Trace, Via: "graphql",
	})
	if err != nil {
		return graphql.Verdict{}, err
	}
	switch d.Code {
	case "":
	case verifier.SSORequired, verifier.ActionUnknown, verifier.ScopeInsufficient:
		return graphql.Verdict{Code: string(d.Code), Token: d.Token, Organization: d.Organization}, nil
	default:
		return graphql.Verdict{Code: codeInvalid}, nil
	}
	subject := d.Token
	if d.Kind == events.PersonalKind {
		subject = d.User
	}
	return graphql.Verdict{
		Allowed: true, Code: codeAllowed, Token: d.Token, Subject: subject.String(), Organization: d.Organization,
		Scopes: d.Scopes, ExpiresAt: d.ExpiresAt, Position: d.Position,
	}, nil
}
