// Invitations: who may make them, who may take them, once, and what the log then has.

package aggregate

import (
	"errors"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func (w *world) invite(email string, role events.Role) Invited {
	w.Helper()
	out, err := w.directory.Invite(w.Context(), w.by(events.RoleOwner), NewInvitation{Organization: w.org, Email: email, Role: role})
	if err != nil {
		w.Fatal(err)
	}
	return out
}

func TestAnInvitationIsAcceptedOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	other := w.found("Other")
	user := w.join(other, events.RoleMember, "grace@example.com")
	w.people["grace"] = user
	until := time.Now().Add(90 * 24 * time.Hour)
	call := w.by(events.RoleOwner)
	call.Once = "invite"
	in := NewInvitation{Organization: w.org, Email: "Grace@example.com", Role: events.RoleAuditor, Until: until}
	before := w.head()
	out, err := w.directory.Invite(t.Context(), call, in)
	if err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "invitation.issued in org")
	issued := w.history(events.InvitationStream(out.ID))[0]
	e := issued.Event.(events.InvitationIssued)
	if e.User != user || !e.ExpiresAt.Equal(e.ExpiresAt.Truncate(time.Microsecond)) || e.ExpiresAt.Sub(issued.RecordedAt).Abs() < InvitationLife-time.Hour {
		t.Errorf("%+v", e)
	}
	if strings.Contains(string(issued.Leaf), out.Secret) || strings.Contains(string(issued.Leaf), "example.com") {
		t.Errorf("the leaf tells: %s", issued.Leaf)
	}
	again, err := w.directory.Invite(t.Context(), call, in)
	if err != nil || again.ID != out.ID || again.Secret != "" || len(again.Warnings) != 1 {
		t.Errorf("again: %+v, %v", again, err)
	}

	before = w.head()
	for _, who := range []Call{w.by(events.RoleMember), w.through(w.newPersonalToken(person(user), []uuid.UUID{other}, "user:write")), w.provider()} {
		before = w.head()
		_, err := w.directory.AcceptInvitation(t.Context(), who, out.Secret)
		mustRefuse(t, err, CodeForbidden)
	}
	for _, wrong := range []string{"", "x", out.Secret[:63], out.Secret + "A", strings.Repeat("A", 64), out.Secret[:60] + "AAAA"} {
		_, err := w.directory.AcceptInvitation(t.Context(), person(user), wrong)
		mustBe(t, err, CodeNotFound, "secret")
	}
	w.recorded(before)
	var group sync.WaitGroup
	var mu sync.Mutex
	accepted := 0
	for range 4 {
		group.Go(func() {
			_, err := w.directory.AcceptInvitation(t.Context(), person(user), out.Secret)
			var r *Refusal
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				accepted++
			} else if !errors.As(err, &r) || r.Code != CodeConflict {
				t.Error(err)
			}
		})
	}
	group.Wait()
	if accepted != 1 {
		t.Errorf("accepted %d times", accepted)
	}
	w.recorded(before, "invitation.accepted in org", "membership.started in org")
	m := fold(MembershipDecider, w.history(events.MembershipStream(w.org, user)))
	if m.Role != events.RoleAuditor || m.RoleAt(until) != "" || m.RoleAt(until.Add(-time.Second)) != events.RoleAuditor {
		t.Errorf("%+v", m)
	}
	_, err = w.directory.Invite(t.Context(), w.by(events.RoleOwner), in)
	mustBe(t, err, CodeConflict, "email")
}

func TestWhoInvites(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	invite := func(call Call, role events.Role) error {
		_, err := w.directory.Invite(t.Context(), call, NewInvitation{Organization: w.org, Email: "x@example.com", Role: role})
		return err
	}
	mustRefuse(t, invite(w.by(events.RoleAuditor), events.RoleMember), CodeForbidden)
	mustRefuse(t, invite(w.by(events.RoleMember), events.RoleMember), CodeForbidden)
	mustRefuse(t, invite(w.by(events.RoleAdmin), events.RoleOwner), CodeForbidden)
	mustRefuse(t, invite(w.through(w.newOrganizationToken(w.by(events.RoleOwner), "admin")), events.RoleMember), CodeForbidden)
	token := w.through(w.newPersonalToken(w.by(events.RoleOwner), []uuid.UUID{w.org}))
	token.Principal.SignIn = true
	mustRefuse(t, invite(token, events.RoleMember), CodeForbidden)
	mustBe(t, invite(w.by(events.RoleOwner), "king"), CodeBadUserInput, "role")
	_, err := w.directory.Invite(t.Context(), w.by(events.RoleOwner), NewInvitation{Organization: w.org, Email: "nobody", Role: events.RoleMember})
	mustBe(t, err, CodeBadUserInput, "email")
	if err := invite(w.by(events.RoleAdmin), events.RoleAdmin); err != nil {
		t.Error(err)
	}

	out := w.invite("y@example.com", events.RoleMember)
	_, err = w.directory.WithdrawInvitation(t.Context(), w.by(events.RoleAuditor), w.org, out.ID, "")
	mustRefuse(t, err, CodeForbidden)
	_, err = w.directory.WithdrawInvitation(t.Context(), w.by(events.RoleOwner), w.found("Other"), out.ID, "")
	mustBe(t, err, CodeNotFound, "id")
	if _, err := w.directory.WithdrawInvitation(t.Context(), w.by(events.RoleAdmin), w.org, out.ID, "a mistake"); err != nil {
		t.Fatal(err)
	}
	_, err = w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("y"), Email: "y@example.com", Once: "1", Invitation: out.Secret})
	mustBe(t, err, CodeConflict, "")
}

// Somebody who is no user yet: user, account and membership begin in one append.
func TestAFirstSignInByInvitation(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out := w.invite("new@example.com", events.RoleMember)
	before := w.head()
	for _, in := range []SignIn{
		{Identity: account("n"), Email: "new@example.com", Once: "a"},
		{Identity: account("n"), Email: "other@example.com", Once: "b", Invitation: out.Secret},
		{Identity: account("n"), Once: "c", Invitation: out.Secret},
	} {
		_, err := w.directory.SignIn(t.Context(), Call{}, in)
		mustRefuse(t, err, CodeForbidden)
	}
	w.recorded(before)
	made, err := w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("n"), Email: "New@example.com", Once: "d", Invitation: out.Secret})
	if err != nil {
		t.Fatal(err)
	}
	trail := "user-" + made.ID.String()
	w.recorded(before, "user.created in "+trail, "invitation.accepted in org", "membership.started in org",
		"user.identity_linked in "+trail, "user.signed_in in "+trail)
	if issued := w.history(events.InvitationStream(out.ID))[0].Event.(events.InvitationIssued); issued.User != made.ID {
		t.Errorf("%s came in, %s was invited", made.ID, issued.User)
	}
	for rec, err := range w.log.ReadAll(t.Context(), before) {
		if err != nil || rec.Meta.Actor != events.Person(made.ID) {
			t.Errorf("%s by %+v, %v", rec.Event.Type(), rec.Meta.Actor, err)
		}
	}
	_, err = w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("n"), Email: "new@example.com", Once: "e", Invitation: out.Secret})
	mustBe(t, err, CodeConflict, "")
	if _, err = w.directory.SignIn(t.Context(), Call{}, SignIn{Identity: account("n"), Once: "f"}); err != nil {
		t.Error(err)
	}

	// Made meanwhile by other means, the one with the address may accept.
	late := w.invite("late@example.com", events.RoleAdmin)
	user := w.join(w.found("Elsewhere"), events.RoleMember, "late@example.com")
	if _, err := w.directory.AcceptInvitation(t.Context(), person(user), late.Secret); err != nil {
		t.Error(err)
	}
}

func TestAnInvitationRunsOut(t *testing.T) {
	t.Parallel()
	now := time.Now().UTC().Truncate(time.Microsecond)
	issued := Invitation{Organization: uuid.New(), ExpiresAt: now, Digest: "d"}
	_, err := AcceptInvitation{Digest: "d"}.decide(issued, now)
	mustBe(t, err, CodeConflict, "")
	if es, err := (AcceptInvitation{Digest: "d"}).decide(issued, now.Add(-time.Microsecond)); err != nil || len(es) != 1 {
		t.Errorf("%v, %v", es, err)
	}
	if es, err := (WithdrawInvitation{}).decide(issued, now); err != nil || len(es) != 1 {
		t.Errorf("%v, %v", es, err)
	}
	issued.Over = true
	_, err = WithdrawInvitation{}.decide(issued, now)
	mustBe(t, err, CodeConflict, "")
	_, err = WithdrawInvitation{}.decide(Invitation{}, now)
	mustBe(t, err, CodeNotFound, "secret")
}

// mustRefuse is mustBe for a refusal whose field depends on the reason.
func mustRefuse(t testing.TB, err error, code Code) {
	t.Helper()
	var r *Refusal
	if errors.As(err, &r) {
		mustBe(t, err, code, r.Field)
		return
	}
	mustBe(t, err, code, "")
}
