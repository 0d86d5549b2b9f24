// What the organization's policy refuses at a use, and from when.

package verifier_test

import (
	"context"
	"net/netip"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func (w *world) demand(p events.Policy) {
	w.t.Helper()
	w.append(events.OrganizationStream(w.org), w.trail(), events.OrganizationPolicyChanged{After: p})
}

func TestPolicyAtAUse(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	_, robot := w.organizationToken("evidence:write", "risk:write")
	dated := w.now().Add(time.Hour)
	_, limited := w.token(events.TokenCreated{
		Kind: events.OrganizationKind, Organization: w.org, Name: "dated", Scopes: []string{"evidence:write"}, ExpiresAt: dated,
	})
	mineID, mine := w.personalToken()
	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.1")
	sources := events.Policy{AllowedSources: []string{"192.0.2.0/24"}}
	for _, c := range []struct {
		name   string
		policy events.Policy
		q      verifier.Query
		want   verifier.Code
	}{
		{"no policy", events.Policy{}, verifier.Query{Value: robot}, ""},
		{"no deadline", events.Policy{ExpiryRequired: true}, verifier.Query{Value: robot}, verifier.ExpiryRequired},
		{"a deadline", events.Policy{ExpiryRequired: true}, verifier.Query{Value: limited}, ""},
		{"from inside", sources, verifier.Query{Value: robot, Address: inside}, ""},
		{"from outside", sources, verifier.Query{Value: robot, Address: outside}, verifier.SourceForbidden},
		{"from nowhere", sources, verifier.Query{Value: robot}, verifier.SourceUnknown},
		{"a personal token from outside", sources, verifier.Query{Value: mine, Address: outside}, verifier.SourceForbidden},
		{"within the ceiling", events.Policy{ScopeCeiling: []string{"evidence:write"}}, verifier.Query{Value: robot, Action: "createEvidence"}, ""},
		{"above the ceiling", events.Policy{ScopeCeiling: []string{"evidence:read"}}, verifier.Query{Value: robot, Action: "createEvidence"}, verifier.AboveCeiling},
		{"lacking anyway", events.Policy{ScopeCeiling: []string{"evidence:read"}}, verifier.Query{Value: limited, Action: "createTask"}, verifier.ScopeInsufficient},
		{"nothing left", events.Policy{ScopeCeiling: []string{"task:read"}}, verifier.Query{Value: robot}, verifier.AboveCeiling},
		{"a personal token below the ceiling", events.Policy{ScopeCeiling: []string{"evidence:write"}}, verifier.Query{Value: mine, Action: "createRisk"}, verifier.AboveCeiling},
		{"the ledger itself", events.Policy{ScopeCeiling: []string{"evidence:write"}}, verifier.Query{Value: mine, Ledger: true, Scope: "token:write"}, verifier.AboveCeiling},
		{"not approved", events.Policy{ApprovalRequired: true}, verifier.Query{Value: mine}, verifier.ApprovalRequired},
		{"an organization token needs no approval", events.Policy{ApprovalRequired: true}, verifier.Query{Value: robot}, ""},
		{"young", events.Policy{MaxLifetime: 3600, RotationAge: 3600, RotationEnforced: true, IdleExpiry: 3600}, verifier.Query{Value: robot}, ""},
	} {
		w.demand(c.policy)
		w.caughtUp(v)
		if c.q.Action == "" && c.q.Scope == "" {
			c.q.Action = "createEvidence"
		}
		if d := w.verify(v, c.q); d.Code != c.want || d.Allowed != (c.want == "") {
			t.Errorf("%s: %q, want %q", c.name, d.Code, c.want)
		}
	}
	w.append(events.GrantStream(mineID, w.org), w.trail(), events.GrantApproved{})
	w.demand(events.Policy{ApprovalRequired: true, ScopeCeiling: []string{"evidence:write", "token:read"}})
	w.caughtUp(v)
	d := w.verify(v, verifier.Query{Value: mine, Ledger: true, Scope: "token:read"})
	if !d.Allowed || len(d.OwnScopes) != 2 || len(d.Scopes) != 2 {
		t.Errorf("approved, below a ceiling: %q with %v, its own %v", d.Code, d.Scopes, d.OwnScopes)
	}
}

func TestAPendingGrantIsNotSuspended(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	id, value := w.personalToken()
	w.append(events.GrantStream(id, w.org), w.trail(), events.GrantEnded{Cause: events.CauseRemovedByOwner},
		events.GrantGiven{Token: id, Organization: w.org, User: w.user, Name: "mine", Pending: true})
	w.caughtUp(v)
	if d := w.verify(v, verifier.Query{Value: value, Action: "createEvidence"}); d.Code != verifier.ApprovalRequired {
		t.Errorf("pending: %q", d.Code)
	}
	w.append(events.GrantStream(id, w.org), w.trail(), events.GrantApproved{})
	w.caughtUp(v)
	if d := w.verify(v, verifier.Query{Value: value, Action: "createEvidence"}); !d.Allowed {
		t.Errorf("approved: %q", d.Code)
	}
}

// remembered are sources that know when tokens were last used.
type remembered struct {
	noSources
	at time.Time
}

func (r remembered) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return r.at, !r.at.IsZero(), nil
}

// A deadline of a policy is one of the clock of the log: a use is refused from
// the instant on, whatever the process's clock says.
func TestPolicyDeadlinesAreTheLogs(t *testing.T) {
	t.Parallel()
	for name, p := range map[string]events.Policy{
		"lifetime": {MaxLifetime: 1}, "rotation": {RotationAge: 1, RotationEnforced: true}, "idle": {IdleExpiry: 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			began := time.Now()
			w.now = func() time.Time { return began } // it never gets there by itself
			v := w.verifier()
			_, value := w.organizationToken("evidence:write")
			w.demand(p)
			w.caughtUp(v)
			q := verifier.Query{Value: value, Action: "createEvidence"}
			for deadline := time.Now().Add(30 * time.Second); ; {
				d, err := v.Verify(t.Context(), q)
				if err != nil || !d.Allowed { // the log refuses for good, and the memory's clock stands still
					break
				}
				if name == "idle" {
					// Each use is a new beginning, so stop using it.
					time.Sleep(1100 * time.Millisecond)
				}
				if time.Now().After(deadline) {
					t.Fatal("it is still allowed")
				}
			}
			var last, made time.Time
			for rec, err := range w.log.ReadAll(t.Context(), 0) {
				if err != nil {
					t.Fatal(err)
				}
				switch rec.Event.(type) {
				case events.TokenCreated:
					made, last = rec.RecordedAt, rec.RecordedAt
				case events.TokenUsed:
					if age := rec.RecordedAt.Sub(made); name != "idle" && age >= time.Second {
						t.Errorf("used at the age of %v", age)
					}
					if idle := rec.RecordedAt.Sub(last); name == "idle" && idle >= time.Second {
						t.Errorf("used after %v without a use", idle)
					}
					last = rec.RecordedAt
				}
			}
		})
	}
}

func TestIdlenessCountsWhatWasUsedBefore(t *testing.T) {
	t.Parallel()
	for name, c := range map[string]struct {
		used time.Duration // before now; 0: never
		want verifier.Code
	}{
		"used lately": {time.Minute, ""}, "used long ago": {90 * time.Minute, verifier.IdleTooLong}, "never used": {0, verifier.IdleTooLong},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			_, value := w.organizationToken("evidence:write")
			w.demand(events.Policy{IdleExpiry: 3600})
			later := time.Now().Add(2 * time.Hour)
			w.now = func() time.Time { return later }
			known := remembered{}
			if c.used > 0 {
				known.at = later.Add(-c.used)
			}
			v := w.verifierWith(known)
			d := w.verify(v, verifier.Query{Value: value, Action: "createEvidence"})
			if d.Code != c.want {
				t.Errorf("%q, want %q", d.Code, c.want)
			}
		})
	}
}
