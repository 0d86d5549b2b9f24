// The use of a value that was rotated away, where the policy ends its family for it.

package verifier

import (
	"context"
	"errors"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// endsFamily reports whether a refusal is one for which the organization in
// whose trail it stands ends the token's family. Only who holds the value gets
// that far.
func (v *Verifier) endsFamily(r refusal) bool {
	organization, ok := r.trail.Organization()
	if r.code != Replaced || !ok {
		return false
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	o := v.state.orgs[organization]
	return o != nil && o.policy.EndFamilyOnReuse
}

// endFamily lets the rules decide what ends, in one append.
func (v *Verifier) endFamily(ctx context.Context, r refusal) {
	organization, _ := r.trail.Organization()
	kind := events.OrganizationKind
	if r.actor.Kind == events.ActorPersonalToken {
		kind = events.PersonalKind
	}
	call := aggregate.Call{Principal: aggregate.Service("verifier"), Correlation: r.query.RequestID, Trace: r.query.Trace}
	tokens := aggregate.Tokens{Handler: &aggregate.Handler{Log: withoutKeys{v.log}, Now: v.now}}
	_, err := tokens.EndFamily(ctx, call, organization, aggregate.TokenRef{Kind: kind, ID: r.token})
	if err != nil && !errors.Is(err, context.Canceled) {
		v.logger.WarnContext(ctx, "the successors of a token whose old value was used could not be ended", "token", r.token, "error", err)
	}
}

// withoutKeys is the log for orders that have no idempotency key.
type withoutKeys struct{ Log }

// Replayed implements [aggregate.Log].
func (withoutKeys) Replayed(context.Context, events.Key) (events.Receipt, bool, error) {
	return events.Receipt{}, false, nil
}
