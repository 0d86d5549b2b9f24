// When something is due, as the events of tokens and memberships move it.

package projections_test

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestDeadlines(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	const day = 24 * time.Hour
	until := time.Date(2031, 3, 1, 12, 0, 0, 0, time.UTC)
	id := newID()
	stream := events.TokenStream(id)
	due := func(of uuid.UUID, at time.Time) (found projections.Deadline) {
		t.Helper()
		w.caughtUp(r)
		list, err := r.views.Due(t.Context(), at, projections.Deadline{}, 100)
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range list {
			if d.Subject == of {
				return d
			}
		}
		return found
	}
	expect := func(what string, of uuid.UUID, at time.Time) {
		t.Helper()
		if early := due(of, at.Add(-time.Microsecond)); early.Subject != uuid.Nil {
			t.Errorf("%s: due at %s, want %s", what, early.Due, at)
		}
		if d := due(of, at); d.Subject == uuid.Nil || !d.Due.Equal(at) {
			t.Errorf("%s: not due at %s: %+v", what, at, d)
		}
	}
	nothing := func(what string, of uuid.UUID) {
		t.Helper()
		if d := due(of, until.Add(1000*day)); d.Subject != uuid.Nil {
			t.Errorf("%s: still due: %+v", what, d)
		}
	}

	w.append(stream, w.trail(), events.TokenCreated{Kind: events.OrganizationKind, Organization: w.orgs[0], Name: "a"})
	nothing("a token that never ends", id)
	w.append(stream, w.trail(), events.TokenExpiryChanged{ExpiresAt: until})
	expect("the first warning", id, until.Add(-30*day))
	w.append(stream, w.trail(), events.TokenExpiryWarned{ExpiresAt: until, Days: 14})
	expect("after one that came late", id, until.Add(-7*day))
	w.append(stream, w.trail(), events.TokenExpiryWarned{ExpiresAt: until, Days: 1})
	expect("the end, after the last warning", id, until)
	later := until.Add(90 * day)
	w.append(stream, w.trail(), events.TokenExpiryChanged{Before: until, ExpiresAt: later})
	expect("another deadline has warnings of its own", id, later.Add(-30*day))
	w.append(stream, w.trail(), events.TokenRotated{Successor: newID(), Until: until})
	expect("a rotated token ends without a warning", id, until)
	w.append(stream, w.trail(), events.TokenExpired{ExpiresAt: until})
	nothing("an ended token", id)

	user := newID()
	member := events.MembershipStream(w.orgs[0], user)
	w.append(member, w.trail(), events.MembershipStarted{Organization: w.orgs[0], User: user, Role: events.RoleAuditor, Until: until})
	expect("a membership", user, until)
	if d := due(user, until); d.Organization != w.orgs[0] || d.Kind != projections.DeadlineMembership {
		t.Errorf("got %+v", d)
	}
	w.append(member, w.trail(), events.MembershipRoleChanged{Before: events.RoleAuditor, Role: events.RoleMember})
	nothing("a membership without an end", user)
	w.append(member, w.trail(), events.MembershipRoleChanged{Before: events.RoleMember, Role: events.RoleMember, Until: later})
	expect("a membership that got one", user, later)
	w.append(member, w.trail(), events.MembershipEnded{})
	nothing("an ended membership", user)

	before := w.dump(r)
	if err := r.runner.Rebuild(t.Context(), "deadlines", nil); err != nil {
		t.Fatal(err)
	}
	compareDumps(t, before, w.dump(r))
}
