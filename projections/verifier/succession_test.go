// The end of a rotated token at its successor's first use.

package verifier_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// TestFirstUseEndsThePredecessor: where a rotation asked for it, the successor's
// first use and the predecessor's end are one append.
func TestFirstUseEndsThePredecessor(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	v := w.verifier()
	for _, kind := range []events.TokenKind{events.OrganizationKind, events.PersonalKind} {
		created := events.TokenCreated{Kind: kind, Organization: w.org, Name: "ci", Scopes: []string{"evidence:write"}}
		trail := w.trail()
		if kind == events.PersonalKind {
			created.Organization, created.Owner, created.Organizations = uuid.Nil, w.user, []uuid.UUID{w.org}
			trail = events.UserTrail(w.user)
		}
		old, oldValue := w.token(created)
		created.RotatedFrom = old
		successor, value := w.token(created)
		w.append(events.TokenStream(old), trail, events.TokenRotated{Successor: successor, Until: time.Now().Add(time.Hour), EndsAtFirstUse: true})
		w.caughtUp(v)
		ask := func(value string) verifier.Decision {
			return w.verify(v, verifier.Query{Value: value, Organization: w.org, Action: "createEvidence"})
		}
		if d := ask(oldValue); !d.Allowed {
			t.Errorf("%s: refused before the successor is used: %s", kind, d.Code)
		}
		first := ask(value)
		if !first.Allowed {
			t.Fatalf("%s: the successor is refused: %s", kind, first.Code)
		}
		w.endedWith(first.Position, kind, old, successor)
		// Not awaited: the log itself must refuse what this memory does not know yet.
		if d := ask(oldValue); d.Allowed {
			t.Errorf("%s: the predecessor is allowed at %d, after the first use", kind, d.Position)
		}
		w.caughtUp(v)
		if again := ask(value); !again.Allowed {
			t.Errorf("%s: the second use is refused: %s", kind, again.Code)
		}
		if n := w.ends(events.TokenStream(old)); n != 1 {
			t.Errorf("%s: the predecessor ended %d times", kind, n)
		}
	}
}

// endedWith checks that the old token and its grants end in the append of the use.
func (w *world) endedWith(use events.Position, kind events.TokenKind, old, successor uuid.UUID) {
	w.t.Helper()
	open := map[events.StreamID]bool{events.TokenStream(old): true}
	if kind == events.PersonalKind {
		open[events.GrantStream(old, w.org)] = true
	}
	at := time.Time{}
	for r, err := range w.log.ReadAll(w.t.Context(), use-1) {
		if err != nil {
			w.t.Fatal(err)
		}
		if r.Position == use {
			if _, used := r.Event.(events.TokenUsed); !used || r.Stream != events.TokenStream(successor) {
				w.t.Errorf("%s: at the answered position stands %T of %s", kind, r.Event, r.Stream)
			}
			at = r.RecordedAt
		} else if gate, changed := events.GateAfter(r.Event); changed && gate.Closed && r.RecordedAt.Equal(at) {
			delete(open, r.Stream)
		}
	}
	if len(open) > 0 {
		w.t.Errorf("%s: not ended with the first use: %v", kind, open)
	}
}

// ends counts how often a stream was closed.
func (w *world) ends(stream events.StreamID) (n int) {
	w.t.Helper()
	for r, err := range w.log.ReadAll(w.t.Context(), 0) {
		if err != nil {
			w.t.Fatal(err)
		}
		if gate, changed := events.GateAfter(r.Event); r.Stream == stream && changed && gate.Closed {
			n++
		}
	}
	return n
}
