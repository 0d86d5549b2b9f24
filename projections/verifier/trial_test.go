// A draft refuses in a trial exactly what it refuses once it is the policy.

package verifier_test

import (
	"fmt"
	"maps"
	"math/rand/v2"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// call is one use of the traffic, which can be made again.
type call struct {
	token uuid.UUID
	q     verifier.Query
}

// traffic makes random calls by several tokens from several places.
func (w *world) traffic(v *verifier.Verifier, n int) map[events.Position]call {
	w.t.Helper()
	var values []call
	add := func(id uuid.UUID, value string) { values = append(values, call{id, verifier.Query{Value: value}}) }
	add(w.organizationToken("evidence:write", "risk:write"))
	add(w.organizationToken("evidence:read", "control:read"))
	add(w.token(events.TokenCreated{
		Kind: events.OrganizationKind, Organization: w.org, Name: "dated", Scopes: []string{"write"}, ExpiresAt: time.Now().Add(time.Hour),
	}))
	add(w.personalToken())
	approved, value := w.personalToken("evidence:write")
	w.append(events.GrantStream(approved, w.org), w.trail(), events.GrantApproved{})
	add(approved, value)
	w.caughtUp(v)
	actions := []string{"createEvidence", "createRisk", "controls", "createTask", ""}
	places := []netip.Addr{netip.MustParseAddr("192.0.2.1"), netip.MustParseAddr("198.51.100.7"), netip.MustParseAddr("2001:db8::1"), {}}
	made := map[events.Position]call{}
	for len(made) < n {
		c := values[rand.IntN(len(values))]
		c.q.Organization, c.q.Action = w.org, actions[rand.IntN(len(actions))]
		c.q.Address, c.q.Via = places[rand.IntN(len(places))], "test"
		if rand.IntN(4) == 0 && c.q.Action != "" { // the ledger's own interface
			c.q.Ledger, c.q.Action, c.q.Scope, c.q.Resource, c.q.Via = true, "apiTokens", "token:read", "ledger", "graphql"
		}
		if d := w.verify(v, c.q); d.Allowed {
			made[d.Position] = c
		}
	}
	return made
}

// refusedIn gives what a trial of the draft refuses of the recorded uses.
func (w *world) refusedIn(v *verifier.Verifier, draft events.Policy) map[events.Position]verifier.Code {
	w.t.Helper()
	trial, ok := v.Trial(w.org, draft)
	if !ok {
		w.t.Fatal("the organization is not known")
	}
	refused := map[events.Position]verifier.Code{}
	addresses := map[events.Position]netip.Addr{}
	for rec, err := range w.log.ReadAll(w.t.Context(), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		id, _, _ := rec.Stream.IDs()
		switch e := rec.Event.(type) {
		case events.TokenSourceSeen:
			if e.Address.Value != "" {
				addresses[rec.Position] = netip.MustParseAddr(e.Address.Value)
			}
		case events.TokenUsed:
			if code := trial.Refuses(verifier.PastUse{
				Token: id, At: rec.RecordedAt, Action: e.Action, Resource: e.Resource, Via: e.Via, Address: addresses[e.Source],
			}); code != "" {
				refused[rec.Position] = code
			}
		}
	}
	return refused
}

func TestATrialRefusesWhatThePolicyWill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	calls := w.traffic(v, 150)
	draft := func() events.Policy {
		p := events.Policy{
			ExpiryRequired: rand.IntN(3) == 0, ApprovalRequired: rand.IntN(3) == 0, SSORequired: rand.IntN(6) == 0,
			MaxLifetime: events.Seconds(rand.IntN(2) * 86400), IdleExpiry: events.Seconds(rand.IntN(2) * 86400),
		}
		if rand.IntN(2) == 0 {
			p.AllowedSources = [][]string{{"192.0.2.0/24"}, {"2001:db8::/32", "198.51.100.7/32"}}[rand.IntN(2)]
		}
		if rand.IntN(2) == 0 {
			p.ScopeCeiling = [][]string{{"evidence:write"}, {"read"}, {"write", "token:read"}, {"task:write"}}[rand.IntN(4)]
		}
		return p
	}
	codes := map[verifier.Code]int{}
	for i := range 25 {
		p := draft()
		foreseen := w.refusedIn(v, p)
		w.demand(p)
		w.caughtUp(v)
		met := map[events.Position]verifier.Code{}
		for at, c := range calls {
			if d := w.verify(v, c.q); !d.Allowed {
				met[at] = d.Code
				codes[d.Code]++
			}
		}
		w.demand(events.Policy{})
		w.caughtUp(v)
		for at := range foreseen { // what was recorded while other drafts were on is traffic, too
			if _, first := calls[at]; !first {
				delete(foreseen, at)
			}
		}
		if !maps.Equal(foreseen, met) {
			t.Fatalf("draft %d, %+v: %s", i, p, differ(foreseen, met, calls))
		}
	}
	for _, code := range []verifier.Code{
		verifier.SourceForbidden, verifier.SourceUnknown, verifier.AboveCeiling, verifier.ExpiryRequired, verifier.ApprovalRequired, verifier.SSORequired,
	} {
		if codes[code] == 0 {
			t.Logf("no draft refused with %s", code)
		}
	}
	if len(codes) < 3 {
		t.Errorf("the drafts refused with %v only: nothing was compared", codes)
	}
}

func differ(foreseen, met map[events.Position]verifier.Code, calls map[events.Position]call) string {
	for at, c := range calls {
		if foreseen[at] != met[at] {
			return fmt.Sprintf("%s of %s from %s: foreseen %q, met %q", c.q.Action, c.token, c.q.Address, foreseen[at], met[at])
		}
	}
	return "nothing differs"
}

func TestATrialKnowsIdleness(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	id, _ := w.organizationToken("evidence:write")
	w.caughtUp(v)
	trial, _ := v.Trial(w.org, events.Policy{IdleExpiry: 3600})
	at := time.Now()
	use := func(after time.Duration) verifier.Code {
		at = at.Add(after)
		return trial.Refuses(verifier.PastUse{Token: id, At: at, Action: "createEvidence"})
	}
	trial.Remember(verifier.PastUse{Token: id, At: at.Add(2 * time.Hour)})
	at = at.Add(2 * time.Hour)
	for i, c := range []struct {
		after time.Duration
		want  verifier.Code
	}{{time.Minute, ""}, {59 * time.Minute, ""}, {time.Hour, verifier.IdleTooLong}, {time.Minute, verifier.IdleTooLong}} {
		if got := use(c.after); got != c.want {
			t.Errorf("use %d: %q, want %q", i, got, c.want)
		}
	}
	w.append(events.TokenStream(id), w.trail(), events.TokenRevoked{})
	w.caughtUp(v)
	if got := use(time.Minute); got != "" {
		t.Errorf("a token that has ended: %q", got)
	}
	if _, ok := v.Trial(newID(), events.Policy{}); ok {
		t.Error("a trial for an organization that is not there")
	}
}
