// Authorizations through single sign-on: what they open, and how they age.

package verifier_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func (w *world) policy(p events.Policy) {
	w.t.Helper()
	w.append(events.OrganizationStream(w.org), w.trail(), events.OrganizationPolicyChanged{After: p})
}

// stampOf authorizes a token and gives the instant that counts.
func (w *world) stampOf(id uuid.UUID, personal bool) time.Time {
	w.t.Helper()
	if personal {
		return w.append(events.GrantStream(id, w.org), w.trail(), events.GrantSSOAuthorized{}).RecordedAt
	}
	return w.append(events.TokenStream(id), w.trail(), events.TokenSSOAuthorized{Organization: w.org}).RecordedAt
}

func TestStampsAge(t *testing.T) {
	t.Parallel()
	for _, personal := range []bool{true, false} {
		w := newWorld(t)
		at := time.Now()
		w.now = func() time.Time { return at }
		id, value := w.organizationToken("evidence:write")
		policy := events.Policy{SSORequired: true, OrganizationSSOMaxAge: 3600}
		if personal {
			id, value = w.personalToken()
			policy = events.Policy{SSORequired: true, SSOMaxAge: 3600}
		}
		v := w.verifier()
		expect := func(what string, want verifier.Code) {
			t.Helper()
			w.caughtUp(v)
			_, code, err := v.Authenticate(t.Context(), verifier.Query{Value: value})
			if err != nil || code != want {
				t.Errorf("personal %v, %s: got %q, %v, want %q", personal, what, code, err, want)
			}
		}
		expect("no demand", "")
		w.policy(policy)
		expect("no stamp", verifier.SSORequired)
		stamped := w.stampOf(id, personal)
		at = stamped.Add(time.Hour - time.Nanosecond)
		expect("before its age", "")
		at = stamped.Add(time.Hour)
		expect("at its age", verifier.SSORequired)
		w.policy(events.Policy{SSORequired: true})
		expect("where stamps do not age", "")
		w.policy(policy)
		again := w.stampOf(id, personal)
		at = again.Add(time.Minute)
		expect("stamped again", "")
		if personal {
			w.append(events.GrantStream(id, w.org), w.trail(), events.GrantSSOAuthorizationWithdrawn{})
		} else {
			w.append(events.TokenStream(id), w.trail(), events.TokenSSOAuthorizationWithdrawn{Organization: w.org})
		}
		expect("withdrawn", verifier.SSORequired)
		w.policy(events.Policy{})
		expect("no demand any more", "")
	}
}

// TestNoUseAfterAStampsAge holds the verifier's clock back: the log, which has
// the time, refuses what the verifier takes for allowed.
func TestNoUseAfterAStampsAge(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id, value := w.organizationToken("evidence:write")
	stamped := w.stampOf(id, false)
	w.policy(events.Policy{SSORequired: true, OrganizationSSOMaxAge: 1})
	w.now = func() time.Time { return stamped }
	v := w.verifier()
	for last := stamped; !last.After(stamped.Add(time.Second)); {
		last = w.append(events.OrganizationStream(w.org), w.trail(), events.OrganizationRenamed{Name: "acme", DisplayName: "Acme"}).RecordedAt
	}
	w.caughtUp(v)
	if d, err := v.Verify(t.Context(), verifier.Query{Value: value}); err == nil && d.Allowed {
		t.Errorf("allowed at %d", d.Position)
	}
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		if _, used := rec.Event.(events.TokenUsed); used {
			t.Errorf("a use stands in the log at %s, after a stamp of %s that was good for a second", rec.RecordedAt, stamped)
		}
	}
}
