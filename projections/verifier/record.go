// Recording uses: the append that must be durable before an answer leaves.

package verifier

import (
	"context"
	"net/netip"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// record appends the use with everything that it was decided on as guards.
func (v *Verifier) record(ctx context.Context, q Query, d decided) (events.Position, error) {
	key := sourceKey{d.token, d.trail, q.Address, q.Agent}
	source, err := v.sources.lookup(ctx, key, d.watched)
	if err != nil {
		return 0, err
	}
	use := events.TokenUsed{Source: source, Action: q.Action, Resource: q.Resource, Via: q.Via}
	facts := []events.Event{use}
	introduces := source == 0 && key.known()
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

func seen(k sourceKey, subject events.SubjectID) events.TokenSourceSeen {
	var e events.TokenSourceSeen
	if k.address.IsValid() {
		e.Address = events.Personal{Subject: subject, Value: k.address.String()}
	}
	if k.agent != "" {
		e.Agent = events.Personal{Subject: subject, Value: k.agent}
	}
	return e
}

// sourceKey is what makes a source: it is introduced once in each trail.
type sourceKey struct {
	token   uuid.UUID
	trail   events.TrailID
	address netip.Addr
	agent   string
}

func (k sourceKey) known() bool { return k.address.IsValid() || k.agent != "" }

// sourcesKept bounds each of the two generations of remembered sources; a source
// takes some 200 bytes.
const sourcesKept = 1 << 17

// sourceBook remembers where sources were introduced: the newest generation and
// the one before it, so that what is in use stays and memory is bounded.
type sourceBook struct {
	find Sources
	kept int // in each generation

	mu       sync.Mutex // guards all below
	new, old map[sourceKey]events.Position
	forgot   bool // something was dropped
}

// lookup gives the source's position, or 0 if it was never seen. Of a token that
// was watched since it was made, what is not remembered was never seen, as long
// as nothing was forgotten; of others the read model is asked. A source that is
// not yet followed or projected is introduced again, which is harmless: the log
// then holds two introductions of one source.
func (b *sourceBook) lookup(ctx context.Context, k sourceKey, watched bool) (events.Position, error) {
	if !k.known() {
		return 0, nil
	}
	b.mu.Lock()
	at, ok := b.new[k]
	aged := false
	if !ok {
		at, aged = b.old[k]
	}
	watched = watched && !b.forgot
	b.mu.Unlock()
	if aged {
		b.remember(k, at)
	}
	if ok || aged || watched {
		return at, nil
	}
	address := ""
	if k.address.IsValid() {
		address = k.address.String()
	}
	at, found, err := b.find.Source(ctx, k.token, k.trail, address, k.agent)
	if err != nil || !found {
		return 0, err
	}
	b.remember(k, at)
	return at, nil
}

func (b *sourceBook) remember(k sourceKey, at events.Position) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if _, ok := b.new[k]; ok {
		return
	}
	if b.new == nil || len(b.new) >= b.kept {
		b.forgot = b.forgot || len(b.old) > 0
		b.old, b.new = b.new, map[sourceKey]events.Position{}
	}
	b.new[k] = at
}

// learn remembers the sources that a block introduced, here or by another process.
func (b *sourceBook) learn(recorded []events.Recorded) {
	for _, r := range recorded {
		e, ok := r.Event.(events.TokenSourceSeen)
		if !ok {
			continue
		}
		id, _, err := r.Stream.IDs()
		if err != nil {
			continue
		}
		address, err := netip.ParseAddr(e.Address.Value)
		k := sourceKey{id, r.Trail, address, e.Agent.Value}
		// What was erased cannot be read, and is nobody's source any more.
		if k.known() && (err == nil || e.Address.Value == "") {
			b.remember(k, r.Position)
		}
	}
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
