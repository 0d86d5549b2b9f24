// Warnings ahead of a deadline, and what ends by the clock alone.

package aggregate

import (
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

const day = 24 * time.Hour

func TestWarningsAreTheNearestAndOnce(t *testing.T) {
	t.Parallel()
	began := time.Date(2030, 1, 1, 0, 0, 0, 0, time.UTC)
	until := began.Add(100 * day)
	live := Token{Kind: events.OrganizationKind, ExpiresAt: until}
	for _, c := range []struct {
		name  string
		token Token
		ahead time.Duration
		want  int64 // 0: none
	}{
		{"far away", live, 31 * day, 0},
		{"a moment too early", live, 30*day + time.Microsecond, 0},
		{"the first", live, 30 * day, 30},
		{"between the first two", live, 15 * day, 30},
		{"several at once: the nearest", live, 3 * day, 7},
		{"the last", live, day, 1},
		{"a moment before the end", live, time.Microsecond, 1},
		{"at the end there is nothing to warn of", live, 0, 0},
		{"said already", Token{Kind: events.OrganizationKind, ExpiresAt: until, WarnedFor: until, WarnedDays: 7}, 3 * day, 0},
		{"said nearer already", Token{Kind: events.OrganizationKind, ExpiresAt: until, WarnedFor: until, WarnedDays: 1}, 3 * day, 0},
		{"the next", Token{Kind: events.OrganizationKind, ExpiresAt: until, WarnedFor: until, WarnedDays: 30}, 14 * day, 14},
		{"said of another deadline", Token{Kind: events.OrganizationKind, ExpiresAt: until, WarnedFor: until.Add(-day), WarnedDays: 1}, 14 * day, 14},
		{"without a deadline", Token{Kind: events.OrganizationKind}, day, 0},
		{"with a successor", Token{Kind: events.OrganizationKind, ExpiresAt: until, Successor: uuid.New(), RotatesUntil: until}, day, 0},
		{"revoked", Token{Kind: events.OrganizationKind, ExpiresAt: until, Ended: Revoked}, day, 0},
		{"suspended tokens end, too", Token{Kind: events.OrganizationKind, ExpiresAt: until, Suspended: true}, day, 1},
	} {
		got, err := WarnOfExpiry{}.decide(c.token, until.Add(-c.ahead))
		var days int64
		if len(got) == 1 {
			days = got[0].(events.TokenExpiryWarned).Days
		}
		if err != nil || days != c.want {
			t.Errorf("%s: warned of %d days, %v; want %d", c.name, days, err, c.want)
			continue
		}
		if again, _ := (WarnOfExpiry{}).decide(TokenDecider.Fold(c.token, got...), until.Add(-c.ahead)); len(again) > 0 {
			t.Errorf("%s: warned twice", c.name)
		}
	}
}

// Two processes that find the same token due record one warning, and one end.
func TestWarningAndExpiryOnceAcrossProcesses(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	out, err := w.tokens.CreatePersonalToken(t.Context(), w.by(events.RoleMember), NewPersonalToken{
		Organizations: []uuid.UUID{w.org}, NewToken: NewToken{Name: "laptop", ExpiresAt: time.Now().Add(10 * day)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ref, call := personalRef(out.ID), Call{Principal: Service("scheduler")}
	race := func(do func() error) {
		t.Helper()
		var all sync.WaitGroup
		failed := make(chan error, 8)
		for range 8 {
			all.Go(func() { failed <- do() })
		}
		all.Wait()
		close(failed)
		for err := range failed {
			if err != nil {
				t.Error(err)
			}
		}
	}
	before := w.head()
	race(func() error { _, err := w.tokens.WarnOfExpiry(t.Context(), call, ref); return err })
	w.recorded(before, "token.expiry_warned in member", "grant.expiry_warned in org")
	own := w.history(events.TokenStream(ref.ID))
	deadline := own[len(own)-1].Event.(events.TokenExpiryWarned)
	granted := w.history(events.GrantStream(ref.ID, w.org))
	if e := granted[len(granted)-1].Event.(events.GrantExpiryWarned); !e.ExpiresAt.Equal(deadline.ExpiresAt) || e.Days != 14 || deadline.Days != 14 {
		t.Errorf("the owner is told %+v, the organization %+v", deadline, e)
	}
	before = w.head()
	race(func() error { _, err := w.ahead(11*day).Expire(t.Context(), call, ref); return err })
	w.recorded(before, "token.expired in member", "grant.ended in org")

	_, err = w.tokens.WarnOfExpiry(t.Context(), w.by(events.RoleOwner), w.newOrganizationToken(w.by(events.RoleOwner), "read"))
	mustBe(t, err, CodeForbidden, "")
}

// An organization that has ended a token's access hears no more of it.
func TestWarningsGoWhereTheTokenIsGranted(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	member, other := w.by(events.RoleMember), w.found("Other")
	if _, err := w.directory.AddMember(t.Context(), w.by(events.RoleOwner), NewMember{Organization: other, User: w.people[events.RoleMember], Role: events.RoleMember}); err != nil {
		t.Fatal(err)
	}
	out, err := w.tokens.CreatePersonalToken(t.Context(), member, NewPersonalToken{
		Organizations: []uuid.UUID{w.org, other}, NewToken: NewToken{Name: "laptop", ExpiresAt: time.Now().Add(20 * day)},
	})
	if err != nil {
		t.Fatal(err)
	}
	ref, call := personalRef(out.ID), Call{Principal: Service("scheduler")}
	if _, err := w.tokens.EndGrant(t.Context(), w.by(events.RoleOwner), w.org, ref.ID, "not here"); err != nil {
		t.Fatal(err)
	}
	before := w.head()
	if _, err := w.tokens.WarnOfExpiry(t.Context(), call, ref); err != nil {
		t.Fatal(err)
	}
	w.recorded(before, "token.expiry_warned in member", "grant.expiry_warned in "+other.String())
	if decided, err := GrantDecider.Decide(w.grant(ref.ID, w.org), WarnOfGrantExpiry{Days: 1}, noon); err != nil || len(decided) > 0 {
		t.Errorf("an ended grant: %v, %v", decided, err)
	}
}

func TestMembershipEndsByTheClock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	user := w.join(w.org, events.RoleAuditor, "visitor@example.com")
	if _, err := w.directory.ChangeRole(t.Context(), w.by(events.RoleOwner), Term{
		Organization: w.org, User: user, Role: events.RoleAuditor, Until: time.Now().Add(time.Hour),
	}); err != nil {
		t.Fatal(err)
	}
	ref := w.newPersonalToken(person(user), []uuid.UUID{w.org})
	call := Call{Principal: Service("scheduler")}
	_, err := w.directory.LapseMember(t.Context(), call, w.org, user)
	mustBe(t, err, CodeConflict, "")
	_, err = w.directory.LapseMember(t.Context(), w.by(events.RoleOwner), w.org, user)
	mustBe(t, err, CodeForbidden, "")

	later := &Directory{Tokens: w.ahead(2 * time.Hour), Index: w.index}
	before := w.head()
	for range 2 {
		if _, err := later.LapseMember(t.Context(), call, w.org, user); err != nil {
			t.Fatal(err)
		}
	}
	got := w.since(before)
	slices.Sort(got)
	if len(got) != 3 || got[0] != "grant.ended in org" || got[1] != "membership.ended in org" {
		t.Errorf("recorded %q", got)
	}
	if g := w.grant(ref.ID, w.org); g.Live || g.Cause != events.CauseMembershipEnded {
		t.Errorf("the grant: %+v", g)
	}
}
