// A trial: recorded uses judged again as if an organization had another policy.

package verifier

import (
	"net/netip"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// Trial judges uses by the same function as [Verifier.Verify], on the present
// state and with a draft in the place of one organization's policy. Nothing is
// recorded. What it remembers is one instant for each token that was used. It is
// for one goroutine, which shows it the uses in the order of the log.
type Trial struct {
	verifier       *Verifier
	organization   uuid.UUID
	draft, present *bench
}

// bench is a policy at which uses are judged, and what they left behind there.
type bench struct {
	policy  events.Policy
	used    map[uuid.UUID]time.Time // the last use that passed, by token
	rulings *rulingBook
	grounds *groundBook
}

// PastUse is a use that the log tells of.
type PastUse struct {
	Token    uuid.UUID
	At       time.Time
	Action   string
	Resource string
	Via      string
	Address  netip.Addr // zero: nobody said where it came from
}

// Trial begins a trial of a draft. It sees the state as it is at each use that it
// is shown; ok is false for an organization that is not known.
func (v *Verifier) Trial(organization uuid.UUID, draft events.Policy) (t *Trial, ok bool) {
	v.mu.RLock()
	defer v.mu.RUnlock()
	o := v.state.orgs[organization]
	if o == nil {
		return nil, false
	}
	return &Trial{v, organization, newBench(draft), newBench(o.policy)}, true
}

func newBench(p events.Policy) *bench {
	return &bench{p, map[uuid.UUID]time.Time{}, newBook[asked, ruling](), newBook[pair, *ground]()}
}

// Remember notes a use that is not judged, as the last one of its token.
func (t *Trial) Remember(u PastUse) {
	t.draft.used[u.Token], t.present.used[u.Token] = u.At, u.At
}

// Refuses gives the reason for which the draft would have refused the use; it is
// empty for a use that it would have allowed, and for one that the organization's
// present policy and the token's present state refuse already.
func (t *Trial) Refuses(u PastUse) Code {
	t.verifier.mu.RLock()
	defer t.verifier.mu.RUnlock()
	q := u.query(t.organization, t.objects())
	now := t.judge(t.present, u, q)
	if now == ActionUnknown || now == ScopeInsufficient {
		// Whoever verified it named a scope of its own, which is not recorded.
		q.Told, q.Scope = true, ""
		now = t.judge(t.present, u, q)
	}
	then := t.judge(t.draft, u, q)
	if now == "" {
		t.present.used[u.Token] = u.At
	}
	if then == "" {
		t.draft.used[u.Token] = u.At
	}
	if now != "" {
		return ""
	}
	return then
}

func (t *Trial) objects() map[string]map[string]string {
	return t.verifier.state.orgs[t.organization].objects
}

// judge decides one use on the state, with the bench's policy; the caller holds the state.
func (t *Trial) judge(b *bench, u PastUse, q Query) Code {
	s := t.verifier.state
	token := s.tokens.get(u.Token)
	if token == nil {
		return Unknown
	}
	o := *s.orgs[t.organization]
	o.policy, o.demands = b.policy, aggregate.DemandsOf(b.policy)
	s.orgs = map[uuid.UUID]*organization{t.organization: &o}
	s.rulings, s.grounds, s.tried = b.rulings, b.grounds, b.used
	return s.decide(u.Token, token, true, q, u.At).code
}

// query asks again what was asked then, as far as the log tells.
func (u PastUse) query(organization uuid.UUID, objects map[string]map[string]string) Query {
	q := Query{Organization: organization, Action: u.Action, Resource: u.Resource, Address: u.Address, Via: u.Via}
	if u.Via != viaLedger || u.Resource != ledgerResource {
		return q
	}
	q.Ledger = true
	var scopes []string
	for name := range strings.SplitSeq(u.Action, ",") {
		if object, verb, ok := aggregate.With(objects).ActionScope(name); ok && !slices.Contains(scopes, object+":"+verb) {
			scopes = append(scopes, object+":"+verb)
		}
	}
	q.Scope = strings.Join(scopes, " ")
	return q
}

// How a token's own requests to the ledger's interface are recorded.
const (
	viaLedger      = "graphql"
	ledgerResource = "ledger"
)
