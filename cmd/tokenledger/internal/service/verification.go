// Verification as the resolvers know it: what the verifier decided, told as far
// as whoever asks may know.

package service

import (
	"context"
	"errors"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/verifyhttp"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// verification implements [graphql.Verifier].
type verification struct {
	verifier *verifier.Verifier
	limits   *failures.Limits
}

// codeInvalid is all that is said of a token that is no good, whatever the reason.
const (
	codeAllowed = "ALLOWED"
	codeInvalid = "TOKEN_INVALID"
	codeLimited = "RATE_LIMITED" // no good, and tried too often from there
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
	case verifier.SSORequired, verifier.ActionUnknown, verifier.ScopeInsufficient,
		verifier.SourceUnknown, verifier.SourceForbidden, verifier.AboveCeiling:
		return graphql.Verdict{Code: string(d.Code), Policy: d.Policy, Token: d.Token, Organization: d.Organization}, nil
	default:
		if u.Address.IsValid() && v.limits.Failed(u.Address, u.Value) > 0 {
			return graphql.Verdict{Code: codeLimited}, nil
		}
		return graphql.Verdict{Code: codeInvalid}, nil
	}
	subject := d.Token
	if d.Kind == events.PersonalKind {
		subject = d.User
	}
	return graphql.Verdict{
		Allowed: true, Code: codeAllowed, Policy: d.Policy, Token: d.Token, Subject: subject.String(), Organization: d.Organization,
		Scopes: d.Scopes, ExpiresAt: d.ExpiresAt, Position: d.Position,
	}, nil
}

// verification is what resource servers, proxies and clusters ask.
func (l *ledger) verification() *verifyhttp.Handler {
	return verifyhttp.New(verifyhttp.Config{
		Verifier: l.verifier, MayVerify: new(askers).may, Revoke: l.revokeByBearer, Proxies: l.config.Proxies,
		Issuer: "urn:tokenledger:" + l.store.Log.Origin(), Limits: l.limits, Refusals: l.rooms.Refusals, Logger: l.logger,
	})
}

// revokeByBearer ends a token because somebody held its value. One that ended
// meanwhile is as good.
func (l *ledger) revokeByBearer(ctx context.Context, s verifier.Subject, requestID string) error {
	call := aggregate.Call{Principal: aggregate.Service("bearer"), Correlation: requestID}
	_, err := l.directory.Tokens.Revoke(ctx, call, aggregate.TokenRef{Kind: s.Kind, ID: s.Token}, "reported by bearer")
	var refused *aggregate.Refusal
	if errors.As(err, &refused) && refused.Code == aggregate.CodeConflict {
		return nil
	}
	return err
}

// trials implements [graphql.PolicyTrials].
type trials struct{ verifier *verifier.Verifier }

// Trial implements [graphql.PolicyTrials].
func (v trials) Trial(organization uuid.UUID, draft events.Policy) (graphql.PolicyTrial, bool) {
	t, ok := v.verifier.Trial(organization, draft)
	return trial{t}, ok
}

// trial implements [graphql.PolicyTrial].
type trial struct{ *verifier.Trial }

// Refuses implements [graphql.PolicyTrial].
func (t trial) Refuses(u graphql.PastUse) string {
	return string(t.Trial.Refuses(verifier.PastUse(u)))
}

// Remember implements [graphql.PolicyTrial].
func (t trial) Remember(u graphql.PastUse) { t.Trial.Remember(verifier.PastUse(u)) }
