// Stories: events that are recorded at times that a test says, and a database in which they are folded.

package projections_test

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/projections"
)

const day = 24 * time.Hour

// story is events that are recorded at times that the test says.
type story struct {
	*testing.T
	at        time.Time
	began     time.Time
	log       []events.Recorded
	versions  map[events.StreamID]events.Version
	org, user uuid.UUID
	token     uuid.UUID
}

func newStory(t *testing.T) *story {
	s := &story{T: t, began: time.Date(2031, 1, 6, 9, 0, 0, 0, time.UTC), versions: map[events.StreamID]events.Version{}, org: newID(), user: newID(), token: newID()}
	s.at = s.began // a Monday
	s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationCreated{Name: "acme"})
	s.created(s.token, "evidence:write", "risk:read")
	return s
}

func (s *story) trail() events.TrailID { return events.OrganizationTrail(s.org) }

func (s *story) tell(stream events.StreamID, trail events.TrailID, e events.Event) events.Position {
	kind, _ := events.KindOf(e.Type())
	rec := events.Recorded{
		Position: events.Position(len(s.log) + 1), Trail: trail, Stream: stream, RecordedAt: s.at,
		Meta: events.Meta{Actor: events.Person(s.user), Reason: "because"}, Event: e,
	}
	if !kind.Observation {
		s.versions[stream]++
		rec.Version = s.versions[stream]
	}
	s.log = append(s.log, rec)
	return rec.Position
}

func (s *story) created(token uuid.UUID, scopes ...string) events.Position {
	return s.tell(events.TokenStream(token), s.trail(), events.TokenCreated{Kind: events.OrganizationKind, Organization: s.org, Name: "ci", Scopes: scopes})
}

func (s *story) about(e events.Event) events.Position {
	return s.tell(events.TokenStream(s.token), s.trail(), e)
}

func (s *story) use(action string) events.Position {
	return s.about(events.TokenUsed{Action: action})
}

func (s *story) from(address string) events.Position {
	return s.about(events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(s.org), Value: address}})
}

func (s *story) policy(p events.Policy) events.Position {
	return s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationPolicyChanged{After: p})
}

func (s *story) wait(d time.Duration) { s.at = s.at.Add(d) }

// habit is uses on working days, nine to ten, for some weeks.
func (s *story) habit(weeks int) {
	for range weeks {
		for range 5 {
			for range 5 {
				s.use("createEvidence")
				s.wait(10 * time.Minute)
			}
			s.wait(day - 50*time.Minute)
		}
		s.wait(2 * day)
	}
}

// stage is a database in which stories are folded.
type stage struct {
	conn  *pgx.Conn
	build int
}

func newStage(t *testing.T) *stage {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), eventstoretest.Postgres(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = conn.Close(context.WithoutCancel(t.Context())) })
	if _, err := conn.Exec(t.Context(), "SET search_path = "+eventstore.DefaultSchema+"_views"); err != nil {
		t.Fatal(err)
	}
	return &stage{conn: conn}
}

// fold gives all rows that a story leads to, and of the findings those that are
// raised by then, as "rule position".
func (g *stage) fold(s *story, cut func() int) (rows, raised []string) {
	s.Helper()
	i := slices.IndexFunc(projections.All(), func(p projections.Projection) bool { return p.Name() == "findings" })
	p := projections.All()[i]
	g.build++
	tables := projections.Tables{Projection: "findings", Revision: p.Revision(), Build: g.build}
	fatal := func(err error) {
		s.Helper()
		if err != nil {
			s.Fatal(err)
		}
	}
	fatal(pgx.BeginFunc(s.Context(), g.conn, func(tx pgx.Tx) error { return p.Schema(s.Context(), tx, tables) }))
	for rest := s.log; len(rest) > 0; {
		n := min(cut(), len(rest))
		fatal(pgx.BeginFunc(s.Context(), g.conn, func(tx pgx.Tx) error { return p.Apply(s.Context(), tx, tables, rest[:n]) }))
		rest = rest[n:]
	}
	for _, part := range []string{"", "watched", "networks", "organizations", "versions"} {
		list, err := g.conn.Query(s.Context(), "SELECT t::text FROM "+tables.Name(part)+" t ORDER BY 1")
		fatal(err)
		texts, err := pgx.CollectRows(list, pgx.RowTo[string])
		fatal(err)
		rows = append(rows, texts...)
	}
	list, err := g.conn.Query(s.Context(), "SELECT rule || ' ' || position || CASE WHEN resolved_at IS NULL THEN '' ELSE ' resolved' END || CASE status WHEN 'open' THEN '' ELSE ' ' || status END FROM "+
		tables.Name("")+" WHERE raised_at <= $1 ORDER BY position, rule", s.at)
	fatal(err)
	raised, err = pgx.CollectRows(list, pgx.RowTo[string])
	fatal(err)
	return rows, raised
}

func whole() int { return 1 << 30 }
