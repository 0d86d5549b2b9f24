// Whose account it is: linked once, the first one counts, and nothing is left of who was erased.

package projections_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestIdentities(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	const issuer = "https://id.example.com"
	link := func(user uuid.UUID, subject string) {
		of := events.UserStream(user)
		w.append(of, events.UserTrail(user), events.UserIdentityLinked{Issuer: issuer, Subject: events.Personal{Subject: of, Value: subject}})
	}
	whose := func(views *projections.Views, issuer, subject string) uuid.UUID {
		t.Helper()
		user, found, err := views.UserByIdentity(t.Context(), issuer, subject)
		if err != nil || found != (user != uuid.Nil) {
			t.Fatalf("%s: %v, %v, %v", subject, user, found, err)
		}
		return user
	}
	other := newID()
	w.append(events.UserStream(other), events.UserTrail(other), events.UserCreated{})
	link(w.user, "ada")
	link(other, "ada") // by a race of two programs
	link(other, "bob")
	w.caughtUp(r)
	for subject, want := range map[string]uuid.UUID{"ada": w.user, "bob": other, "ADA": uuid.Nil, "": uuid.Nil} {
		if got := whose(r.views, issuer, subject); got != want {
			t.Errorf("%q is %s's, want %s", subject, got, want)
		}
	}
	if got := whose(r.views, "https://other.example.com", "ada"); got != uuid.Nil {
		t.Errorf("the same subject elsewhere is %s's", got)
	}
	if subject, found, err := r.views.IdentityAt(t.Context(), other, issuer); err != nil || !found || subject != "bob" {
		t.Errorf("the other's account: %q, %v, %v", subject, found, err)
	}

	w.append(events.UserStream(other), events.UserTrail(other), events.UserErased{})
	w.caughtUp(r)
	if got := whose(r.views, issuer, "bob"); got != uuid.Nil {
		t.Errorf("after erasure bob is %s's", got)
	}
	if got := whose(r.views, issuer, "ada"); got != w.user {
		t.Errorf("after another's erasure ada is %s's", got)
	}
}
