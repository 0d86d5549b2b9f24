// How signed-in people stand, and what ends their sessions.

package verifier_test

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func (w *world) ofUser(facts ...events.Event) events.Position {
	w.t.Helper()
	return w.append(events.UserStream(w.user), events.UserTrail(w.user), facts...).Last()
}

func TestSessions(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	first := w.verifier()
	ask := func(v *verifier.Verifier, session events.Position) verifier.Code {
		t.Helper()
		w.caughtUp(v)
		_, code, err := v.Person(t.Context(), verifier.PersonQuery{User: w.user, Session: session})
		if err != nil {
			t.Fatal(err)
		}
		return code
	}
	// Each verifier is asked: one that followed, and one that has just started.
	want := func(what string, session events.Position, want verifier.Code) {
		t.Helper()
		for _, v := range []*verifier.Verifier{first, w.verifier()} {
			if got := ask(v, session); got != want {
				t.Errorf("%s: got %q, want %q", what, got, want)
			}
		}
	}
	old := w.ofUser(events.UserSignedIn{Issuer: "https://id.example.com"})
	want("a session", old, "")
	w.ofUser(events.UserSignedOut{})
	want("after signing out", old, verifier.SignedOut)
	fresh := w.ofUser(events.UserSignedIn{Issuer: "https://id.example.com"})
	want("a new session", fresh, "")
	want("the old one", old, verifier.SignedOut)
	w.ofUser(events.UserDeactivated{})
	want("deactivated", fresh, verifier.UserDeactivated)
	want("deactivated, no session", 0, verifier.UserDeactivated)
	w.ofUser(events.UserReactivated{})
	want("a session from before", fresh, verifier.SignedOut)
	want("no session", 0, "")
	w.ofUser(events.UserErased{})
	want("erased", w.ofUser(events.UserSignedIn{})-1, verifier.SignedOut)
}

func TestAPersonInOrganizations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	at := time.Now()
	w.now = func() time.Time { return at }
	v := w.verifier()
	ask := func(org uuid.UUID) (verifier.Subject, verifier.Code) {
		t.Helper()
		w.caughtUp(v)
		s, code, err := v.Person(t.Context(), verifier.PersonQuery{User: w.user, Organization: org})
		if err != nil {
			t.Fatal(err)
		}
		return s, code
	}
	s, code := ask(uuid.Nil)
	if code != "" || s.Organization != w.org || s.Role != events.RoleOwner || s.Actor() != events.Person(w.user) || s.Principal().Kind != "" {
		t.Errorf("the only organization: %+v, %q", s, code)
	}
	second, until := newID(), at.Add(time.Hour)
	w.append(events.OrganizationStream(second), events.OrganizationTrail(second), events.OrganizationCreated{Name: "b", DisplayName: "B"})
	w.append(events.MembershipStream(second, w.user), events.OrganizationTrail(second),
		events.MembershipStarted{Organization: second, User: w.user, Role: events.RoleAuditor, Until: until})
	if s, code = ask(uuid.Nil); code != "" || s.Organization != uuid.Nil || len(s.Organizations) != 2 {
		t.Errorf("two organizations: %+v, %q", s, code)
	}
	if s, code = ask(second); code != "" || s.Role != events.RoleAuditor {
		t.Errorf("the second: %+v, %q", s, code)
	}
	if s, code = ask(newID()); code != verifier.NotMember || s.Organization != uuid.Nil || s.Role != "" {
		t.Errorf("another: %+v, %q", s, code)
	}
	at = until
	if s, code = ask(second); code != verifier.NotMember || slices.Contains(s.Organizations, second) {
		t.Errorf("a membership that ran out: %+v, %q", s, code)
	}
	w.append(events.MembershipStream(w.org, w.user), w.trail(), events.MembershipEnded{})
	if s, code = ask(w.org); code != verifier.NotMember || len(s.Organizations) != 0 {
		t.Errorf("a membership that ended: %+v, %q", s, code)
	}
}
