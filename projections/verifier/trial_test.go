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

// ahead is how far the clock of the verifier, and of a trial, is ahead of the
// log's: so old is everything that the tests made a moment ago.
const ahead = 24 * time.Hour

const hours = events.Seconds(3600)

// present is the policy that is on while the traffic is recorded.
var present = events.Policy{MemberScopes: []string{"evidence:write", "risk:write"}}

// traffic makes random calls by several tokens from several places.
func (w *world) traffic(v *verifier.Verifier, n int) map[events.Position]call {
	w.t.Helper()
	w.demand(present)
	var values []call
	add := func(id uuid.UUID, value string) { values = append(values, call{id, verifier.Query{Value: value}}) }
	add(w.organizationToken("evidence:write", "risk:write"))
	stamped, value := w.organizationToken("evidence:read", "control:read")
	w.append(events.TokenStream(stamped), w.trail(), events.TokenSSOAuthorized{})
	add(stamped, value)
	add(w.token(events.TokenCreated{
		Kind: events.OrganizationKind, Organization: w.org, Name: "dated", Scopes: []string{"write"}, ExpiresAt: time.Now().Add(3 * ahead),
	}))
	add(w.personalToken())
	approved, value := w.personalToken("evidence:write")
	w.append(events.GrantStream(approved, w.org), w.trail(), events.GrantApproved{}, events.GrantSSOAuthorized{})
	add(approved, value)
	member, owner := newID(), w.user
	w.append(events.UserStream(member), events.UserTrail(member), events.UserCreated{})
	w.append(events.MembershipStream(w.org, member), w.trail(), events.MembershipStarted{Organization: w.org, User: member, Role: events.RoleMember})
	w.user = member
	add(w.personalToken())
	w.user = owner
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
				Token: id, At: rec.RecordedAt.Add(ahead), Action: e.Action, Resource: e.Resource, Via: e.Via, Address: addresses[e.Source],
			}); code != "" {
				refused[rec.Position] = code
			}
		}
	}
	return refused
}

// drafts are one for each code under which a policy refuses, and, with none,
// those that stop short of it.
var drafts = []struct {
	name string
	set  func(p *events.Policy)
	code verifier.Code // that some of the traffic meets; empty: nothing is refused
}{
	{"no demand", func(*events.Policy) {}, ""},
	{"a deadline", func(p *events.Policy) { p.ExpiryRequired = true }, verifier.ExpiryRequired},
	{"an approval", func(p *events.Policy) { p.ApprovalRequired = true }, verifier.ApprovalRequired},
	{"a life too short", func(p *events.Policy) { p.MaxLifetime = 23 * hours }, verifier.LifetimeExceeded},
	{"a life long enough", func(p *events.Policy) { p.MaxLifetime = 25 * hours }, ""},
	{"a rotation, enforced", func(p *events.Policy) { p.RotationAge, p.RotationEnforced = 23*hours, true }, verifier.RotationOverdue},
	{"a rotation, not due yet", func(p *events.Policy) { p.RotationAge, p.RotationEnforced = 25*hours, true }, ""},
	{"a rotation, not enforced", func(p *events.Policy) { p.RotationAge = hours }, ""},
	{"no rest for so long", func(p *events.Policy) { p.IdleExpiry = 23 * hours }, verifier.IdleTooLong},
	{"no rest for longer", func(p *events.Policy) { p.IdleExpiry = 25 * hours }, ""},
	{"a network", func(p *events.Policy) { p.AllowedSources = []string{"192.0.2.0/24"} }, verifier.SourceForbidden},
	{"a network that is told", func(p *events.Policy) { p.AllowedSources = []string{"0.0.0.0/0", "::/0"} }, verifier.SourceUnknown},
	{"a ceiling", func(p *events.Policy) { p.ScopeCeiling = []string{"evidence:read"} }, verifier.AboveCeiling},
	{"less for members", func(p *events.Policy) { p.MemberScopes = []string{"evidence:read"} }, verifier.ScopeInsufficient},
	{"a sign-on", func(p *events.Policy) { p.SSORequired = true }, verifier.SSORequired},
	{"a sign-on that ages", func(p *events.Policy) { p.SSORequired, p.SSOMaxAge, p.OrganizationSSOMaxAge = true, 23*hours, 23*hours }, verifier.SSORequired},
	{"a sign-on that ages later", func(p *events.Policy) { p.SSORequired, p.SSOMaxAge, p.OrganizationSSOMaxAge = true, 25*hours, 25*hours }, verifier.SSORequired},
}

// randomDraft puts several demands together.
func randomDraft() events.Policy {
	p := present
	for range 3 {
		drafts[rand.IntN(len(drafts))].set(&p)
	}
	return p
}

// trying is a draft's way from the preview to the policy and back: what is
// foreseen must be what is met.
func (w *world) trying(v *verifier.Verifier, calls map[events.Position]call, name string, p events.Policy) map[events.Position]verifier.Code {
	w.t.Helper()
	foreseen := w.refusedIn(v, p)
	w.demand(p)
	w.caughtUp(v)
	met := map[events.Position]verifier.Code{}
	for at, c := range calls {
		if d := w.verify(v, c.q); !d.Allowed {
			met[at] = d.Code
		}
	}
	w.demand(present)
	w.caughtUp(v)
	for at := range foreseen { // what was recorded while other drafts were on is traffic, too
		if _, first := calls[at]; !first {
			delete(foreseen, at)
		}
	}
	if !maps.Equal(foreseen, met) {
		w.t.Fatalf("%s, %+v: %s", name, p, differ(foreseen, met, calls))
	}
	return met
}

func TestATrialRefusesWhatThePolicyWill(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.now = func() time.Time { return time.Now().Add(ahead) }
	v := w.verifier()
	calls := w.traffic(v, 150)
	refusedBy := map[string]int{}
	for _, d := range drafts {
		p := present
		d.set(&p)
		met := w.trying(v, calls, d.name, p)
		codes := map[verifier.Code]int{}
		for _, code := range met {
			codes[code]++
		}
		if refusedBy[d.name] = len(met); d.code == "" && len(met) > 0 || d.code != "" && codes[d.code] == 0 {
			t.Errorf("%s refused with %v, want %q", d.name, codes, d.code)
		}
	}
	if young, old := refusedBy["a sign-on that ages later"], refusedBy["a sign-on that ages"]; young >= old {
		t.Errorf("of the stamped tokens, %d calls are refused before their stamps have aged, %d after", young, old)
	}
	for i := range 10 {
		w.trying(v, calls, fmt.Sprint("random draft ", i), randomDraft())
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
