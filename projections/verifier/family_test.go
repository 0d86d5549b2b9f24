// The first use of a successor as a decision, and what the use of a value that was rotated away leads to.

package verifier_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// rotated makes a token and its successor, whose overlap is over.
func (w *world) rotated(kind events.TokenKind) (old, next uuid.UUID, oldValue, value string) {
	w.t.Helper()
	created := events.TokenCreated{Kind: kind, Organization: w.org, Name: "ci", Scopes: []string{"evidence:write"}}
	trail := w.trail()
	if kind == events.PersonalKind {
		created.Organization, created.Owner, created.Organizations = uuid.Nil, w.user, []uuid.UUID{w.org}
		trail = events.UserTrail(w.user)
	}
	old, oldValue = w.token(created)
	created.RotatedFrom = old
	next, value = w.token(created)
	w.append(events.TokenStream(old), trail, events.TokenRotated{Successor: next, Until: time.Now().Add(-time.Second)})
	return old, next, oldValue, value
}

func TestTheFirstUseOfASuccessorIsADecision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	for _, kind := range []events.TokenKind{events.OrganizationKind, events.PersonalKind} {
		_, next, _, value := w.rotated(kind)
		w.caughtUp(v)
		q := verifier.Query{Value: value, Organization: w.org, Action: "createEvidence"}
		first, second := w.verify(v, q), w.verify(v, q)
		if !first.Allowed || !second.Allowed {
			t.Fatalf("%s: %q, %q", kind, first.Code, second.Code)
		}
		delivered := 0
		for rec, err := range w.log.ReadStream(t.Context(), events.TokenStream(next), 0) {
			if err != nil {
				t.Fatal(err)
			}
			if _, ok := rec.Event.(events.TokenDelivered); ok {
				if delivered++; rec.Position != first.Position+1 {
					t.Errorf("%s: delivered at %d, first used at %d", kind, rec.Position, first.Position)
				}
			}
		}
		if delivered != 1 {
			t.Errorf("%s: delivered %d times", kind, delivered)
		}
	}
}

func TestAReusedValueIsRefusedRecordedAndEndsItsFamily(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	for _, c := range []struct {
		kind events.TokenKind
		on   bool
	}{
		{events.OrganizationKind, false}, {events.PersonalKind, false}, {events.OrganizationKind, true}, {events.PersonalKind, true},
	} {
		old, _, oldValue, value := w.rotated(c.kind)
		if c.kind == events.OrganizationKind { // also once the end is on record
			w.append(events.TokenStream(old), w.trail(), events.TokenExpired{ExpiresAt: time.Now()})
		}
		w.demand(events.Policy{EndFamilyOnReuse: c.on})
		w.caughtUp(v)
		ask := func(value string) verifier.Decision {
			return w.verify(v, verifier.Query{Value: value, Organization: w.org, Action: "createEvidence"})
		}
		if d := ask(value); !d.Allowed {
			t.Fatalf("%+v: the successor is refused: %s", c, d.Code)
		}
		if d := ask(oldValue); d.Code != verifier.Replaced {
			t.Fatalf("%+v: the old value is answered %q", c, d.Code)
		}
		w.awaitRefusal(old, verifier.Replaced)
		if !c.on {
			if d := ask(value); !d.Allowed {
				t.Errorf("%+v: the successor ended with it: %s", c, d.Code)
			}
			continue
		}
		for deadline := time.Now().Add(time.Minute); ask(value).Allowed; {
			if time.Now().After(deadline) {
				t.Fatalf("%+v: the successor is still allowed", c)
			}
		}
	}
}

// awaitRefusal waits until a refusal with this code stands in the log.
func (w *world) awaitRefusal(token uuid.UUID, code verifier.Code) {
	w.t.Helper()
	for rec, err := range w.log.Subscribe(w.t.Context(), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		if e, ok := rec.Event.(events.TokenUseRefused); ok && rec.Stream == events.TokenStream(token) && e.Code == string(code) {
			return
		}
	}
}
