// A copy of a state stays as it is.

package evidence

import (
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

func TestACopyOfAStateStaysAsItIs(t *testing.T) {
	t.Parallel()
	org, user, token := uuid.New(), uuid.New(), uuid.New()
	at := time.Date(2026, 3, 4, 5, 6, 7, 0, time.UTC)
	s := NewState()
	tell := func(stream events.StreamID, version events.Version, e events.Event) {
		t.Helper()
		err := s.Apply(events.Recorded{
			Position: s.Position + 1, TrailPosition: s.TrailPosition + 1, Trail: events.OrganizationTrail(org), Stream: stream, Version: version,
			RecordedAt: at.Add(time.Duration(s.Position) * time.Second), Meta: events.Meta{Actor: events.Person(user)}, Event: e,
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	tell(events.OrganizationStream(org), 1, events.OrganizationCreated{Name: "acme"})
	tell(events.MembershipStream(org, user), 1, events.MembershipStarted{Organization: org, User: user, Role: events.RoleMember})
	tell(events.GrantStream(token, org), 1, events.GrantGiven{Token: token, Organization: org, User: user, Name: "laptop"})
	tell(events.TokenStream(token), 0, events.TokenUsed{Action: "listRisks"})
	one := s.clone()
	tell(events.OrganizationStream(org), 2, events.OrganizationRenamed{Name: "other"})
	tell(events.GrantStream(token, org), 2, events.GrantApproved{})
	tell(events.TokenStream(token), 0, events.TokenUsed{Action: "listRisks"})
	tell(events.MembershipStream(org, user), 2, events.MembershipEnded{})
	if uses := one.GrantUses[Pair{token, org}]; !uses.Equal(at.Add(3 * time.Second)) {
		t.Errorf("the copy has a use at %s", uses)
	}
	if one.Organizations[org].Name != "acme" || one.Members[Pair{org, user}].EndedAt != nil || one.Grants[Pair{token, org}].ApprovedAt != nil {
		t.Errorf("the copy is %+v", one)
	}
}
