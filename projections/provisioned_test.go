// What an identity provider and invitations say of a person is forgotten with the person.

package projections_test

import (
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

func TestErasureScrubsMembershipsAndInvitations(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.reader()
	w.history(3, 60)
	org, trail, user := w.orgs[0], w.trail(), uuid.New()
	personal := func(s string) events.Personal {
		return events.Personal{Subject: events.UserStream(user), Value: s}
	}
	stream, invitation := events.MembershipStream(org, user), uuid.New()
	w.append(events.UserStream(user), events.UserTrail(user), events.UserCreated{Email: personal("e@example.com"), DisplayName: personal("E")})
	w.append(stream, trail, events.MembershipStarted{Organization: org, User: user, Role: events.RoleMember})
	w.append(stream, trail, events.MembershipProvisioned{UserName: personal("E.Name"), ExternalID: personal("00u")})
	w.append(events.InvitationStream(invitation), trail, events.InvitationIssued{
		Organization: org, User: user, Email: personal("e@example.com"), Role: events.RoleMember,
	})
	w.caughtUp(before)
	row := func(r reader) projections.ProvisionedRow {
		rows, total, err := r.views.Provisioned(t.Context(), projections.ProvisionedQuery{
			Organization: org, Where: map[string]any{"id": user.String()}, Limit: 5,
		})
		if err != nil || total != 1 || len(rows) != 1 {
			t.Fatalf("%d of %d rows, %v", len(rows), total, err)
		}
		return rows[0]
	}
	if got := row(before); *got.UserName != "E.Name" || *got.ExternalID != "00u" || !got.Named || !got.Active {
		t.Errorf("%+v", got)
	}
	if found, ok, err := before.views.MemberByName(t.Context(), org, "e.NAME"); err != nil || !ok || found != user {
		t.Errorf("by name: %s, %v, %v", found, ok, err)
	}
	w.erase(events.UserStream(user), events.UserTrail(user), events.UserErased{})
	w.caughtUp(before)
	after := w.reader()
	w.caughtUp(after)
	for name, r := range map[string]reader{"built before": before, "built after": after} {
		if got := row(r); got.UserName != nil || got.ExternalID != nil || got.Email != nil || got.Named {
			t.Errorf("%s: %+v", name, got)
		}
		if _, found, err := r.views.InvitedAddress(t.Context(), invitation); err != nil || found {
			t.Errorf("%s: the invitation's address: %v, %v", name, found, err)
		}
	}
}
