// Sign-ins: whose account it is, what is recorded, and what is refused.

package aggregate

import (
	"strings"
	"sync"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

const issuer = "https://id.example.com"

func account(subject string) Identity { return Identity{Issuer: issuer, Subject: subject} }

func TestSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	admin := w.people[events.RoleAdmin]
	first := SignIn{Identity: account("a-1"), Email: "ADMIN@example.com", Once: "1"}

	from := w.head()
	made, err := w.directory.SignIn(t.Context(), Call{}, first)
	if err != nil || made.ID != admin || made.Receipt.Replayed {
		t.Fatalf("the first sign-in: %v, %v", made, err)
	}
	w.recorded(from, "user.identity_linked in admin", "user.signed_in in admin")
	for _, rec := range w.history(events.UserStream(admin)) {
		if _, linked := rec.Event.(events.UserIdentityLinked); linked && rec.Meta.Actor != events.Person(admin) {
			t.Errorf("linked by %+v, want the person", rec.Meta.Actor)
		}
	}

	from = w.head()
	if made, err = w.directory.SignIn(t.Context(), Call{}, first); err != nil || !made.Receipt.Replayed || made.ID != admin {
		t.Errorf("the same sign-in again: %+v, %v", made, err)
	}
	w.recorded(from)

	made, err = w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("a-1"), Once: "2"}) // no address any more
	if err != nil || made.ID != admin {
		t.Errorf("a linked account: %v, %v", made, err)
	}
	w.recorded(from, "user.signed_in in admin")

	from = w.head()
	for name, in := range map[string]SignIn{
		"nobody's account":                 {Identity: account("x"), Email: "nobody@example.com", Once: "3"},
		"no verified address":              {Identity: account("x"), Once: "4"},
		"another account with the address": {Identity: account("a-2"), Email: "admin@example.com", Once: "5"},
		"an empty subject":                 {Identity: account(""), Email: "auditor@example.com", Once: "6"},
		"too long a subject":               {Identity: account(strings.Repeat("x", 256)), Email: "auditor@example.com", Once: "7"},
	} {
		if made, err := w.directory.SignIn(t.Context(), Call{}, in); err == nil {
			t.Errorf("%s came in as %v", name, made.ID)
		}
	}
	w.recorded(from)
	// The same subject at another issuer is another account, and both may be one person's.
	other := SignIn{Identity: Identity{"https://other.example.com", "a-1"}, Email: "admin@example.com", Once: "8"}
	if made, err = w.directory.SignIn(t.Context(), Call{}, other); err != nil || made.ID != admin {
		t.Errorf("an account at another issuer: %v, %v", made, err)
	}
}

func TestSignInOfTheDeactivated(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member := w.people[events.RoleMember]
	in := SignIn{Identity: account("m"), Email: "member@example.com", Once: "1"}
	if _, err := w.directory.SignIn(t.Context(), Call{}, in); err != nil {
		t.Fatal(err)
	}
	if _, err := w.directory.DeactivateUser(t.Context(), w.by(events.RoleOwner), member, "left"); err != nil {
		t.Fatal(err)
	}
	from := w.head()
	in.Once = "2"
	_, err := w.directory.SignIn(t.Context(), Call{}, in)
	mustBe(t, err, CodeForbidden, "")
	w.recorded(from)
}

// TestSignInBehindTheIndex: what the index has yet to learn makes no second link.
func TestSignInBehindTheIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if err := w.index.freeze(t.Context()); err != nil {
		t.Fatal(err)
	}
	in := SignIn{Identity: account("a"), Email: "admin@example.com", Once: "1"}
	if _, err := w.directory.SignIn(t.Context(), Call{}, in); err != nil {
		t.Fatal(err)
	}
	from := w.head()
	in.Once = "2"
	if _, err := w.directory.SignIn(t.Context(), Call{}, in); err != nil {
		t.Fatal(err)
	}
	w.recorded(from, "user.signed_in in admin")
}

// TestOneFlowOneSignIn: however many finish one flow at once, one succeeds.
func TestOneFlowOneSignIn(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.head()
	var wait sync.WaitGroup
	fresh := make(chan bool, 8)
	for range cap(fresh) {
		wait.Go(func() {
			made, err := w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("a"), Email: "admin@example.com", Once: "state"})
			fresh <- err == nil && !made.Receipt.Replayed
		})
	}
	wait.Wait()
	close(fresh)
	won := 0
	for f := range fresh {
		if f {
			won++
		}
	}
	if won != 1 {
		t.Errorf("%d sign-ins of one flow succeeded", won)
	}
	w.recorded(from, "user.identity_linked in admin", "user.signed_in in admin")
}

func TestSignOut(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	from := w.head()
	if _, err := w.directory.SignOut(t.Context(), w.by(events.RoleMember)); err != nil {
		t.Fatal(err)
	}
	w.recorded(from, "user.signed_out in member")
	_, err := w.directory.SignOut(t.Context(), w.through(w.newOrganizationToken(w.by(events.RoleOwner), "admin")))
	mustBe(t, err, CodeForbidden, "")
}
