// Whoever leaves is out, whatever the index does and however many change the directory.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// An index that stands still keeps nobody in an organization. Whether somebody
// belongs elsewhere, too, it cannot tell: then nothing is done to the user.
func TestLeaversBehindAStuckIndex(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp, owner, other := w.provider(), w.by(events.RoleOwner), w.found("Other")
	user := w.provision(idp, described("eve@example.com")).ID
	out := w.provision(idp, described("grace@example.com")).ID
	w.provision(idp, Provision{User: out, Active: new(false)})
	w.people["eve"] = user
	ref := w.newPersonalToken(person(user), []uuid.UUID{w.org})
	if err := w.index.stick(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, who := range []uuid.UUID{user, w.people[events.RoleMember]} {
		if _, err := w.directory.AddMember(t.Context(), owner, NewMember{Organization: other, User: who, Role: events.RoleMember}); err != nil {
			t.Fatal(err)
		}
	}
	profile := Profile{Email: "other@example.com"}
	before := w.head()
	for name, attempt := range map[string]func() error{
		"deactivate": func() error {
			_, err := w.directory.DeactivateUser(t.Context(), w.by(events.RoleAdmin), user, "left")
			return err
		},
		"reactivate": func() error {
			_, err := w.directory.ReactivateUser(t.Context(), w.by(events.RoleAdmin), user, "back")
			return err
		},
		"another profile": func() error {
			_, err := w.directory.UpdateUser(t.Context(), w.by(events.RoleAdmin), user, profile)
			return err
		},
		"another profile by the provider": func() error {
			_, err := w.directory.Provision(t.Context(), idp, Provision{Organization: w.org, User: user, Profile: &profile})
			return err
		},
		"let in by the provider": func() error {
			_, err := w.directory.Provision(t.Context(), idp, Provision{Organization: w.org, User: out, Active: new(true)})
			return err
		},
	} {
		if r, ok := asRefusal(attempt()); !ok || r.Code != CodeUnavailable || !errors.Is(r, errStuck) {
			t.Errorf("%s: %v, want %s", name, r, CodeUnavailable)
		}
	}
	w.recorded(before)
	w.provision(idp, Provision{User: user, Active: new(false)})
	w.recorded(before, "membership.ended in org", "grant.ended in org", "token.organizations_changed in eve")
	before = w.head()
	if _, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: w.people[events.RoleMember]}); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "membership.ended in org", "membership.provisioned in org")
	if w.grant(ref.ID, w.org).Live {
		t.Error("a leaver's grant is live")
	}
}

// held is an index whose first Wait does not return until it is let go.
type held struct {
	*index
	later        atomic.Bool
	asked, letGo chan struct{} // asked is closed by the first Wait
}

func (x *held) Wait(ctx context.Context, p events.Position) error {
	if !x.later.Swap(true) {
		close(x.asked)
		<-x.letGo
	}
	return x.index.Wait(ctx, p)
}

// While one waits for the index, others that need it wait as long as they want
// to, and leavers do not.
func TestLeaversWaitForNobody(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp, owner := w.provider(), w.by(events.RoleOwner)
	user, member := w.provision(idp, described("eve@example.com")).ID, w.people[events.RoleMember]
	third := w.provision(idp, described("grace@example.com")).ID
	index := &held{index: w.index, asked: make(chan struct{}), letGo: make(chan struct{})}
	w.directory.Index = index
	create := func(ctx context.Context, email string) error {
		_, err := w.directory.CreateUser(ctx, owner, NewUser{Organization: w.org, Profile: Profile{Email: email}, Role: events.RoleMember})
		return err
	}
	first := make(chan error, 1)
	go func() { first <- create(t.Context(), "first@example.com") }()
	<-index.asked

	done := make(chan struct{})
	go func() {
		defer close(done)
		impatient, stop := context.WithCancel(t.Context())
		stop()
		if err := create(impatient, "second@example.com"); !errors.Is(err, context.Canceled) {
			t.Errorf("who gives up waiting gets %v", err)
		}
		if _, err := w.directory.DeactivateUser(t.Context(), owner, member, "left"); err != nil {
			t.Error(err)
		}
		if _, err := w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: user}); err != nil {
			t.Error(err)
		}
		if _, err := w.directory.Provision(t.Context(), idp, Provision{Organization: w.org, User: third, Active: new(false)}); err != nil {
			t.Error(err)
		}
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Error("a leaver waits for somebody else")
	}
	close(index.letGo)
	<-done
	if err := <-first; err != nil {
		t.Error(err)
	}
}

// However many leave at once, all of them are out.
func TestManyLeaveAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	idp := w.provider()
	var leavers []uuid.UUID
	for i := range 40 {
		leavers = append(leavers, w.provision(idp, described(fmt.Sprintf("leaver-%d@example.com", i))).ID)
	}
	var group sync.WaitGroup
	for i, user := range leavers {
		group.Go(func() {
			var err error
			switch i % 2 {
			case 0:
				_, err = w.directory.Deprovision(t.Context(), idp, Provision{Organization: w.org, User: user})
			case 1:
				_, err = w.directory.Provision(t.Context(), idp, Provision{Organization: w.org, User: user, Active: new(false)})
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	group.Wait()
	for _, user := range leavers {
		if fold(UserDecider, w.history(events.UserStream(user))).Active() {
			t.Errorf("%s is still in", user)
		}
	}
}
