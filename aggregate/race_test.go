// Decisions that race each other, on the real log.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// racing is the real log; before its first append it lets somebody else go first.
type racing struct {
	Log
	once  sync.Once
	first func()
}

func (r *racing) Append(ctx context.Context, q events.Request) (events.Receipt, error) {
	r.once.Do(r.first)
	return r.Log.Append(ctx, q)
}

func TestTwoHandlersOnOneToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := w.newOrganizationToken(w.by(events.RoleOwner), "read")
	slow := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: &racing{Log: w.log, first: func() {
		if _, err := w.tokens.Revoke(context.Background(), w.by(events.RoleAdmin), ref, "leaked"); err != nil {
			t.Error(err)
		}
	}}}}
	name := "too late"
	_, err := slow.Update(t.Context(), w.by(events.RoleOwner), ref, TokenUpdate{Name: &name})
	mustBe(t, err, CodeConflict, "")
	if got := w.token(ref.ID); got.Ended != Revoked || got.Name == name {
		t.Fatalf("%+v", got)
	}
}

// An order rests on the caller's own rights as much as on the thing it changes.
func TestRightsAreThoseAtTheAppend(t *testing.T) {
	t.Parallel()
	for name, loses := range map[string]func(w *world, credential TokenRef) error{
		"the token is revoked": func(w *world, credential TokenRef) error {
			_, err := w.tokens.Revoke(w.Context(), w.by(events.RoleAdmin), credential, "lost")
			return err
		},
		"the role is lost": func(w *world, _ TokenRef) error {
			_, err := w.directory.ChangeRole(w.Context(), w.by(events.RoleOwner), Term{
				Organization: w.org, User: w.people[events.RoleAdmin], Role: events.RoleMember,
			})
			return err
		},
		"the membership ends": func(w *world, _ TokenRef) error {
			_, err := w.directory.EndMember(w.Context(), w.by(events.RoleOwner), w.org, w.people[events.RoleAdmin], "left")
			return err
		},
		"the organization ends the grant": func(w *world, credential TokenRef) error {
			_, err := w.tokens.EndGrant(w.Context(), w.by(events.RoleOwner), w.org, credential.ID, "not here")
			return err
		},
		"the user is deactivated": func(w *world, _ TokenRef) error {
			_, err := w.directory.DeactivateUser(w.Context(), w.by(events.RoleOwner), w.people[events.RoleAdmin], "")
			return err
		},
		"single sign-on is required": func(w *world, _ TokenRef) error {
			return w.wants(w.by(events.RoleOwner), events.Policy{SSORequired: true})
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			w := newWorld(t)
			credential := w.newPersonalToken(w.by(events.RoleAdmin), []uuid.UUID{w.org})
			call := w.through(credential)
			before := events.Position(0)
			slow := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: &racing{Log: w.log, first: func() {
				if err := loses(w, credential); err != nil {
					t.Error(err)
				}
				before = w.head()
			}}}}
			_, err := slow.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{
				Organization: w.org, NewToken: NewToken{Name: "late", Scopes: []string{"read"}},
			})
			if r := (*Refusal)(nil); !errors.As(err, &r) {
				t.Fatalf("%v is no refusal", err)
			}
			w.recorded(before)
		})
	}
}

// watching is a log that shows what is asked of it.
type watching struct {
	Log
	asked events.Request
}

func (l *watching) Append(ctx context.Context, r events.Request) (events.Receipt, error) {
	l.asked = r
	return l.Log.Append(ctx, r)
}

// What a caller decides is recorded before his rights run out, or not at all.
func TestOrdersEndWithTheCallersRights(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	log := &watching{Log: w.log}
	tokens := &Tokens{Peppers: w.tokens.Peppers, Handler: &Handler{Log: log}}
	in := NewOrganizationToken{Organization: w.org, NewToken: NewToken{
		Name: "ci", Scopes: []string{"read"}, ExpiresAt: time.Now().Add(time.Minute),
	}}
	soon, later := micro(time.Now().Add(time.Hour)), micro(time.Now().Add(2*time.Hour))
	for _, c := range []struct{ membership, token, want time.Time }{
		{want: time.Time{}},
		{membership: soon, want: soon},
		{token: soon, want: soon},
		{membership: soon, token: later, want: soon},
		{membership: later, token: soon, want: soon},
	} {
		if _, err := w.directory.ChangeRole(t.Context(), w.by(events.RoleOwner), Term{
			Organization: w.org, User: w.people[events.RoleAdmin], Role: events.RoleAdmin, Until: c.membership,
		}); err != nil {
			t.Fatal(err)
		}
		made, err := tokens.CreatePersonalToken(t.Context(), w.by(events.RoleAdmin), NewPersonalToken{
			Organizations: []uuid.UUID{w.org}, NewToken: NewToken{Name: "mine", ExpiresAt: c.token},
		})
		if err != nil {
			t.Fatal(err)
		}
		if got := log.asked.NotAfter; c.membership.IsZero() != got.IsZero() || got.After(c.membership) {
			t.Errorf("%+v: granted not after %s", c, got)
		}
		if _, err := tokens.CreateOrganizationToken(t.Context(), w.through(personalRef(made.ID)), in); err != nil {
			t.Fatal(err)
		}
		if got := log.asked.NotAfter; c.want.IsZero() != got.IsZero() || !got.IsZero() && !got.Equal(c.want.Add(-time.Microsecond)) {
			t.Errorf("%+v: not after %s", c, got)
		}
	}
}

// Whoever asks, and be it the service: a grant is given to an active member only.
func TestGrantsAreGivenToActiveMembers(t *testing.T) {
	t.Parallel()
	log, org, user := &memory{}, uuid.New(), uuid.New()
	give := func(ctx context.Context, d *Decision) error {
		return mustBeMember(ctx, d, user, []uuid.UUID{org})
	}
	run := func(decide func(ctx context.Context, d *Decision) error) error {
		_, err := (&Handler{Log: log}).Handle(t.Context(), Order{Meta: events.Meta{Actor: events.System("test")}, Decide: decide})
		return err
	}
	mustBe(t, run(give), CodeNotFound, "organizationIDs")
	if err := run(func(ctx context.Context, d *Decision) error {
		return errors.Join(onUser(ctx, d, user, CreateUser{user, Profile{Email: "a@example.com"}}),
			start(ctx, d, StartMembership{Organization: org, User: user, Role: events.RoleMember}))
	}); err != nil {
		t.Fatal(err)
	}
	if err := run(give); err != nil {
		t.Fatal(err)
	}
	if err := run(func(ctx context.Context, d *Decision) error { return onUser(ctx, d, user, DeactivateUser{}) }); err != nil {
		t.Fatal(err)
	}
	mustBe(t, run(give), CodeNotFound, "organizationIDs")
}

func TestCredentialsThatAreNoGood(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	owner, admin := w.by(events.RoleOwner), w.by(events.RoleAdmin)
	suspended, revoked := w.newOrganizationToken(owner, "token:write"), w.newOrganizationToken(owner, "token:write")
	rotated := w.newPersonalToken(admin, nil)
	if _, err := w.tokens.Suspend(t.Context(), owner, suspended, Suspension{}); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tokens.Revoke(t.Context(), owner, revoked, "leaked"); err != nil {
		t.Fatal(err)
	}
	if _, err := w.tokens.Rotate(t.Context(), admin, rotated, Rotation{Overlap: new(time.Duration)}); err != nil {
		t.Fatal(err)
	}
	forged := w.through(revoked)
	forged.Principal.Token = uuid.New()
	for _, call := range []Call{w.through(suspended), w.through(revoked), w.through(rotated), forged} {
		_, err := w.tokens.CreateOrganizationToken(t.Context(), call, NewOrganizationToken{Organization: w.org})
		mustBe(t, err, CodeUnauthenticated, "")
	}
}

func TestManyHandlersOnOneToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ref := w.newOrganizationToken(w.by(events.RoleOwner), "read")
	const callers = 8
	var group sync.WaitGroup
	for i := range callers {
		group.Go(func() {
			h := &Handler{Log: w.log}
			name := fmt.Sprintf("name %d", i)
			out, err := (&Tokens{Handler: h, Peppers: w.tokens.Peppers}).Update(t.Context(), w.by(events.RoleOwner), ref, TokenUpdate{Name: &name})
			if err != nil {
				t.Error(err)
				return
			}
			history := out.History[events.TokenStream(ref.ID)]
			if last := history[len(history)-1]; fold(TokenDecider, history).Name != name || int(last.Version) != len(history) {
				t.Errorf("the answer to %q ends at version %d with %+v", name, last.Version, last.Event)
			}
		})
	}
	group.Wait()
	for i, rec := range w.history(events.TokenStream(ref.ID)) {
		if rec.Version != events.Version(i+1) {
			t.Fatalf("version %d comes after %d decisions", rec.Version, i)
		}
	}
	if n := len(w.history(events.TokenStream(ref.ID))); n != callers+1 {
		t.Fatalf("%d decisions", n)
	}
}

func TestOneKeyFromManyCallersMakesOneToken(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	call := w.by(events.RoleOwner)
	call.Once = "deploy-42"
	in := NewOrganizationToken{Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: []string{"read"}}}
	const callers = 8
	answers := make(chan TokenOutcome, callers)
	var group sync.WaitGroup
	for range callers {
		group.Go(func() {
			out, err := w.tokens.CreateOrganizationToken(t.Context(), call, in)
			if err != nil {
				t.Error(err)
			}
			answers <- out
		})
	}
	group.Wait()
	close(answers)
	var id uuid.UUID
	shown := 0
	for out := range answers {
		if id == uuid.Nil {
			id = out.ID
		}
		if out.ID != id || len(out.History[events.TokenStream(id)]) != 1 {
			t.Errorf("answers differ: %s and %s", out.ID, id)
		}
		value := out.Value.Reveal() != ""
		if value {
			shown++
		}
		if warned := slices.Contains(out.Warnings, WarnValueShown); warned == value || out.Receipt.Replayed == value {
			t.Errorf("value %v, warned %v, replayed %v", value, warned, out.Receipt.Replayed)
		}
	}
	if shown != 1 {
		t.Errorf("the value was shown %d times", shown)
	}
	in.Name = "another"
	_, err := w.tokens.CreateOrganizationToken(t.Context(), call, in)
	mustBe(t, err, CodeConflict, "")
	if !errors.Is(err, events.ErrKeyReused) {
		t.Error(err)
	}
	stranger := w.by(events.RoleAdmin)
	stranger.Once = call.Once
	if out, err := w.tokens.CreateOrganizationToken(t.Context(), stranger, in); err != nil || out.ID == id {
		t.Errorf("another caller's key is not his own: %v", err)
	}
}
