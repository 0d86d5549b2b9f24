// A known story, told to a ledger in memory, and how tests read reports of it.

package evidence_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// tale is a ledger in which ten days pass. Days count from the one on which it
// begins; the period that tests ask for is from the second to the tenth.
type tale struct {
	*ledger
	alice, bob, carol                         uuid.UUID
	ci, batch, laptop, spare, fleeting, fresh uuid.UUID
	source                                    events.Position
}

// on is an instant of the story.
func on(day, hour, minute int) time.Time {
	return time.Date(dawn.Year(), dawn.Month(), dawn.Day()+day, hour, minute, 0, 0, time.UTC)
}

var tenDays = evidence.Request{From: on(2, 0, 0), To: on(10, 0, 0)}

// until lets time pass.
func (s *tale) until(day, hour, minute int) { s.now = on(day, hour, minute) }

func (s *tale) join(user uuid.UUID) {
	s.add(events.UserStream(user), events.UserTrail(user), events.UserCreated{})
	s.member(user, events.RoleMember)
}

func tellTale(t tester) *tale {
	s := &tale{ledger: newLedger(t)}
	s.alice, s.bob, s.carol = s.id(), s.id(), s.id()
	s.until(0, 9, 0)
	for _, user := range []uuid.UUID{s.alice, s.bob, s.carol} {
		s.join(user)
	}
	s.until(0, 10, 0)
	s.ci = s.token("ci", "evidence:write")
	s.until(0, 11, 0)
	s.actor = events.Person(s.alice)
	s.batch = s.token("batch", "risk:read")
	s.actor = events.Person(s.owner)
	s.until(1, 9, 0)
	s.laptop = s.grant(s.alice, "laptop", "risk:read")
	s.until(1, 10, 0)
	s.spare = s.token("spare", "task:read")
	s.until(1, 11, 0)
	s.tell(s.spare, events.TokenRevoked{}, "not needed") // before the period

	s.until(2, 9, 0)
	s.fleeting = s.token("fleeting", "task:read")
	s.until(2, 12, 0)
	s.tell(s.fleeting, events.TokenRevoked{}, "a mistake")
	s.until(2, 12, 0) // one append has one time
	s.tell(s.fleeting, events.TokenDeleted{})
	s.until(3, 10, 0)
	s.source = s.ledger.source(s.ci)
	s.use(s.ci, s.source, "createEvidence")
	s.until(3, 11, 0)
	s.use(s.batch, 0, "listRisks")
	s.until(4, 9, 0)
	s.tell(s.ci, events.TokenSuspended{}, "is this ours?")
	s.until(4, 9, 45)
	s.tell(s.ci, events.TokenRevoked{}, "found in a log")
	s.until(4, 10, 0)
	s.tell(s.ci, events.TokenUseRefused{Code: "REVOKED", Source: s.source, Action: "createEvidence", Resource: "evidence/1", Count: 3})
	s.until(5, 8, 0)
	s.leave(s.alice)
	s.until(5, 8, 10)
	s.use(s.laptop, 0, "listRisks")
	s.until(5, 8, 30)
	s.endGrant(s.laptop, events.CauseMembershipEnded)
	s.until(5, 9, 0)
	s.leave(s.bob)
	s.until(6, 9, 0)
	s.tell(s.batch, events.TokenRenamed{Name: "nightly"})
	s.until(7, 9, 0)
	s.fresh = s.token("fresh", "task:write")
	s.until(7, 9, 30)
	s.tell(s.fresh, events.TokenExpiryChanged{ExpiresAt: on(20, 0, 0)})
	return s
}

// text is a table as lines of the columns that a test asks for: ids by the names
// of the story, times by its days.
func (s *tale) text(t *testing.T, table evidence.Table, columns ...string) []string {
	t.Helper()
	names := strings.NewReplacer(
		s.owner.String(), "OWNER", s.alice.String(), "ALICE", s.bob.String(), "BOB", s.carol.String(), "CAROL", s.org.String(), "ORG",
		s.ci.String(), "CI", s.batch.String(), "BATCH", s.laptop.String(), "LAPTOP", s.spare.String(), "SPARE",
		s.fleeting.String(), "FLEETING", s.fresh.String(), "FRESH",
		fmt.Sprint("source ", s.source), "SOURCE",
	)
	var places []int
	for _, want := range columns {
		found := false
		for i, c := range table.Columns {
			if c.Name == want {
				places, found = append(places, i), true
			}
		}
		if !found {
			t.Fatalf("%s has no column %s", table.Report, want)
		}
	}
	var lines []string
	for _, row := range table.Rows {
		cells := make([]string, len(places))
		for i, place := range places {
			if at, ok := row[place].(time.Time); ok {
				cells[i] = fmt.Sprintf("d%d %s", at.Sub(on(0, 0, 0))/(24*time.Hour), at.Format("15:04"))
				continue
			}
			cells[i] = names.Replace(evidence.Text(row[place]))
		}
		lines = append(lines, strings.Join(cells, "|"))
	}
	return lines
}

func wants(t *testing.T, got []string, want ...string) {
	t.Helper()
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("got\n%s\nwant\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
