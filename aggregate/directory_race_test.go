// What rests on the whole directory holds also where the index lags and two processes act at once.

package aggregate

import (
	"errors"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"
	"github.com/tokenledger/tokenledger/events"
)

// processes are directories that share a log and nothing else, as those of two
// processes do.
func (w *world) processes(n int) []*Directory {
	out := make([]*Directory, n)
	for i := range out {
		x := &index{log: w.log}
		if err := x.freeze(w.Context()); err != nil {
			w.Fatal(err)
		}
		out[i] = &Directory{Tokens: w.tokens, Index: x}
	}
	return out
}

func TestAnAddressHasOneUserAtMost(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ways := []func(y *Directory, email string) error{
		func(y *Directory, email string) error {
			_, err := y.CreateUser(t.Context(), w.by(events.RoleOwner), NewUser{Organization: w.org, Profile: Profile{Email: email}, Role: events.RoleMember})
			return err
		},
		func(y *Directory, email string) error {
			user := w.people[events.RoleMember]
			_, err := y.UpdateUser(t.Context(), person(user), user, Profile{Email: email, DisplayName: "M"})
			return err
		},
		func(y *Directory, email string) error { // finds the user, if there is one
			_, err := y.CreateOrganization(t.Context(), w.by(events.RoleOwner), NewOrganization{
				Name: "org-" + uuid.NewString(), OwnerProfile: Profile{Email: email},
			})
			return err
		},
	}
	for round := range 4 {
		email := strings.Repeat("x", round+1) + "@example.com"
		var group sync.WaitGroup
		for i, y := range w.processes(6) {
			group.Go(func() {
				address := email
				if i%2 == 0 {
					address = strings.ToUpper(email)
				}
				var r *Refusal
				if err := ways[(i+round)%len(ways)](y, address); err != nil && (!errors.As(err, &r) || r.Code != CodeConflict) {
					t.Error(err)
				}
			})
		}
		group.Wait()
		holders := map[uuid.UUID]bool{}
		for rec, err := range w.log.ReadAll(t.Context(), 0) {
			if err != nil {
				t.Fatal(err)
			}
			id, _, _ := rec.Stream.IDs()
			switch e := rec.Event.(type) {
			case events.UserCreated:
				if strings.EqualFold(e.Email.Value, email) {
					holders[id] = true
				}
			case events.UserUpdated:
				delete(holders, id)
				if strings.EqualFold(e.Email.Value, email) {
					holders[id] = true
				}
			}
		}
		if len(holders) != 1 {
			t.Fatalf("%d users have the address %s", len(holders), email)
		}
	}
}

// Nobody deactivates a user whom another organization has just taken in.
func TestDeactivationSeesEveryOrganization(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	for range 8 {
		user := w.join(w.org, events.RoleMember, uuid.NewString()+"@example.com")
		ys := w.processes(2)
		var deactivated, added error
		var group sync.WaitGroup
		group.Go(func() { _, deactivated = ys[0].DeactivateUser(t.Context(), w.by(events.RoleAdmin), user, "left") })
		group.Go(func() {
			_, added = ys[1].AddMember(t.Context(), w.by(events.RoleOwner), NewMember{Organization: other, User: user, Role: events.RoleMember})
		})
		group.Wait()
		if (deactivated == nil) == (added == nil) {
			t.Fatalf("deactivated: %v; added elsewhere: %v", deactivated, added)
		}
	}
}
