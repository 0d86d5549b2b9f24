// Recording uses: the append that must be durable before an answer leaves.

package verifier

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// record appends the use with everything that it was decided on as guards.
func (v *Verifier) record(ctx context.Context, q Query, d decided) (events.Position, error) {
	key := sourceKey{d.token, d.trail, q.Address, q.Agent}
	source, introduces, err := v.sources.lookup(ctx, key, d.watched)
	if err != nil {
		return 0, err
	}
	if introduces {
		defer v.sources.introduced(key)
	}
	use := events.TokenUsed{Source: source, Action: q.Action, Resource: q.Resource, Via: q.Via}
	facts := []events.Event{use}
	if introduces {
		use.Source = -1
		facts = []events.Event{seen(key, d.personalSubject), use}
	}
	request := events.Request{
		Guards:   d.guards,
		NotAfter: d.notAfter,
		Batches: []events.Batch{{
			Stream: d.stream, Trail: d.trail,
			Meta:   events.Meta{Actor: d.actor, Correlation: q.RequestID, Trace: q.Trace},
			Events: facts,
		}},
	}
	if d.delivers {
		request.Batches = append(request.Batches, d.delivery(request.Batches[0].Meta))
	}
	if d.predecessor != uuid.Nil {
		if err := v.supersede(ctx, d.predecessor, &request); err != nil {
			return 0, err
		}
	}
	receipt, err := v.log.Append(ctx, request)
	if err != nil {
		return 0, err
	}
	if introduces {
		v.sources.remember(key, receipt.Placed[0].Position)
	}
	return receipt.Placed[len(facts)-1].Position, nil
}

// Authenticated records that a token was used to ask the ledger something that
// is itself recorded as another token's use: once an hour, with every guard, and
// more often where a policy ends tokens that are not used.
func (v *Verifier) Authenticated(ctx context.Context, q Query) (Decision, error) {
	now := v.now()
	d, err := v.decideFresh(ctx, q)
	if err != nil {
		return Decision{}, err
	}
	every := time.Hour
	if d.idle > 0 {
		every = min(every, d.idle/2)
	}
	v.mu.RLock()
	last := v.hourly[pair{d.token, d.subject.Organization}]
	v.mu.RUnlock()
	if d.code == "" && now.Sub(last) < every {
		return Decision{Allowed: true, Policy: d.policy, Subject: d.subject, Until: d.notAfter}, nil
	}
	answer, err := v.Verify(ctx, q)
	if err == nil && answer.Allowed {
		v.authenticated(pair{answer.Token, answer.Organization}, now)
	}
	return answer, err
}

// hourlyKept bounds the callers that are remembered. Where there are more, some
// are recorded more often than once an hour.
const hourlyKept = 1 << 16

func (v *Verifier) authenticated(who pair, now time.Time) {
	v.mu.Lock()
	defer v.mu.Unlock()
	if len(v.hourly) >= hourlyKept {
		clear(v.hourly)
	}
	v.hourly[who] = now
}
