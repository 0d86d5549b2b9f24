// The rules of findings, on stories with a time of their own; the same findings however the log is cut.

package projections_test

import (
	"context"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
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

// stories tell what is found, and where.
var stories = []struct {
	name string
	tell func(s *story) (want []string)
}{
	{"the first sources are the token's own", func(s *story) []string {
		s.from("192.0.2.1")
		s.from("198.51.100.1")
		s.use("createEvidence")
		return nil
	}},
	{"a new source in a known network, and one in a new network", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("192.0.2.77")
		b := s.from("198.51.100.1")
		c := s.from("198.51.100.2")
		return []string{at("new_source", a), at("new_network", b), at("new_source", b), at("new_source", c)}
	}},
	{"the network of IPv6 is a /48", func(s *story) []string {
		s.from("2001:db8:1:2::1")
		s.use("createEvidence")
		a := s.from("2001:db8:1:ffff::9")
		b := s.from("2001:db8:2::1")
		return []string{at("new_source", a), at("new_network", b), at("new_source", b)}
	}},
	{"findings about sources are twenty a day", func(s *story) (want []string) {
		s.use("createEvidence")
		for i := range 30 {
			if p := s.about(events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(s.org), Value: fmt.Sprint(i)}}); i < 20 {
				want = append(want, at("new_source", p))
			}
		}
		return want
	}},
	{"a token that rested for a month", func(s *story) []string {
		s.use("createEvidence")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(30 * day)
		return []string{at("dormant_woken", s.use("createEvidence"))}
	}},
	{"one that was never used before", func(s *story) []string {
		s.wait(31 * day)
		return []string{at("dormant_woken", s.use("createEvidence"))}
	}},
	{"a burst against its own history", func(s *story) (want []string) {
		for range 6 {
			s.use("createEvidence")
			s.wait(time.Minute)
		}
		for i := range 200 {
			if p := s.use("createEvidence"); i == 59 {
				want = append(want, at("burst", p))
			}
		}
		return want
	}},
	{"many uses are no burst where that is usual", func(s *story) []string {
		for range 8 {
			s.about(events.TokenUsed{Action: "createEvidence", Count: 500})
			s.wait(time.Minute)
		}
		s.about(events.TokenUsed{Action: "createEvidence", Count: 4000})
		return nil
	}},
	{"an hour in which it is never used", func(s *story) []string {
		s.habit(3)
		s.wait(time.Hour + 30*time.Minute) // the hour beside the habit is no finding
		s.use("createEvidence")
		s.wait(15 * time.Hour)
		return []string{at("off_hours", s.use("createEvidence"))}
	}},
	{"refusals in a storm", func(s *story) []string {
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 8})
		s.wait(6 * time.Minute)
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 8})
		s.wait(time.Minute)
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT"})
		p := s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT"})
		s.about(events.TokenUseRefused{Code: "SCOPE_INSUFFICIENT", Count: 100})
		return []string{at("refused_storm", p)}
	}},
	{"a value that was rotated away", func(s *story) []string {
		s.about(events.TokenUseRefused{Code: "EXPIRED"})
		s.about(events.TokenRotated{Successor: newID(), Until: s.at})
		p := s.about(events.TokenUseRefused{Code: "REPLACED"})
		s.about(events.TokenUseRefused{Code: "REPLACED"})
		s.wait(time.Hour)
		s.about(events.TokenExpired{ExpiresAt: s.at})
		return []string{at("rotated_value_used", p), at("rotated_value_used", s.about(events.TokenUseRefused{Code: "EXPIRED"}))}
	}},
	{"a personal token's, too, in every organization", func(s *story) []string {
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenCreated{Kind: events.PersonalKind, Owner: s.user, Name: "p"})
		s.tell(events.GrantStream(s.user, s.org), s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p"})
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenRotated{Successor: newID(), Until: s.at})
		return []string{at("rotated_value_used", s.tell(events.TokenStream(s.user), s.trail(), events.TokenUseRefused{Code: "REPLACED"}))}
	}},
	{"scopes that are never exercised", func(s *story) []string {
		s.use("createEvidence")
		s.wait(10 * day)
		s.use("createEvidence")
		s.wait(20 * day)
		s.use("createEvidence,nobodyKnows")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(29 * day)
		s.use("createEvidence")
		s.wait(2 * day)
		return []string{at("unused_scopes", 2)}
	}},
	{"scopes that are all exercised in time, or end", func(s *story) []string {
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationObjectRegistered{Object: "ticket", Actions: map[string]string{"look": "read"}})
		s.about(events.TokenScopesChanged{Scopes: []string{"ticket:read"}})
		other := newID()
		s.created(other, "evidence:write")
		s.wait(20 * day)
		s.use("look")
		s.tell(events.TokenStream(other), s.trail(), events.TokenRevoked{})
		s.wait(80 * day)
		return nil
	}},
	{"and resolved when they are exercised at last", func(s *story) []string {
		s.about(events.TokenScopesChanged{Scopes: []string{"evidence:write"}})
		s.wait(91 * day)
		return []string{"unused_scopes 3 resolved", at("dormant_woken", s.use("createEvidence"))}
	}},
	{"a review that is overdue, and done", func(s *story) []string {
		s.policy(events.Policy{ReviewEvery: events.Seconds(10 * day / time.Second)})
		s.wait(11 * day)
		r := s.about(events.TokenReviewed{})
		s.wait(9 * day)
		r2 := s.about(events.TokenReviewed{})
		s.wait(11 * day)
		_ = r
		return []string{"review_overdue 2 resolved", at("review_overdue", r2)}
	}},
	{"a policy that becomes strict, and lenient", func(s *story) []string {
		s.wait(20 * day)
		s.policy(events.Policy{RotationAge: events.Seconds(10 * day / time.Second), ReviewEvery: events.Seconds(30 * day / time.Second)})
		s.wait(day)
		s.policy(events.Policy{})
		s.wait(60 * day)
		return []string{"rotation_due 2 resolved"}
	}},
	{"rotation due, and done", func(s *story) []string {
		s.policy(events.Policy{RotationAge: events.Seconds(10 * day / time.Second)})
		s.wait(11 * day)
		s.about(events.TokenRotated{Successor: newID(), Until: s.at.Add(day)})
		return []string{"rotation_due 2 resolved"}
	}},
	{"a deadline that is near, and moved", func(s *story) []string {
		until := s.at.Add(30 * day)
		s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 30})
		s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 7})
		p := s.about(events.TokenExpiryWarned{ExpiresAt: until, Days: 1})
		s.about(events.TokenExpiryChanged{ExpiresAt: until.Add(day)})
		return []string{"expiry_near 4 resolved", at("expiry_near", p) + " resolved"}
	}},
	{"a personal token's deadline, told to the organization", func(s *story) []string {
		stream, until := events.GrantStream(s.user, s.org), s.at.Add(30*day)
		given := s.tell(stream, s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p", ExpiresAt: until})
		s.wait(24 * day)
		s.tell(stream, s.trail(), events.GrantChanged{Name: "q", ExpiresAt: until})
		moved := s.tell(stream, s.trail(), events.GrantChanged{Name: "q", ExpiresAt: until.Add(day)})
		s.wait(day)
		s.tell(stream, s.trail(), events.GrantEnded{Cause: events.CauseTokenRevoked})
		return []string{at("expiry_near", given) + " resolved", at("expiry_near", moved) + " resolved"}
	}},
	{"a creator who left the organization, and one who was deactivated", func(s *story) []string {
		other := newID()
		s.created(other)
		a := s.tell(events.MembershipStream(s.org, s.user), s.trail(), events.MembershipEnded{})
		s.tell(events.MembershipStream(s.org, newID()), s.trail(), events.MembershipEnded{})
		b := s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserDeactivated{})
		return []string{at("creator_left", a), at("creator_left", b)}
	}},
	{"triage is only an event", func(s *story) []string {
		s.use("createEvidence")
		p := s.from("192.0.2.1")
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationFindingTriaged{Rule: "new_source", At: int64(p), Status: events.FindingClosed})
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationFindingTriaged{Rule: "burst", At: int64(p), Status: events.FindingClosed})
		return []string{at("new_source", p) + " closed"}
	}},
	{"erased networks are not known any more, nor what only they could show", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("198.51.100.1") // was a new network
		s.tell(events.OrganizationStream(s.org), s.trail(), events.OrganizationNetworkDataErased{})
		b := s.from("192.0.2.2") // the first one that is known again
		c := s.from("203.0.113.1")
		return []string{at("new_source", a), at("new_source", b), at("new_network", c), at("new_source", c)}
	}},
	{"an erasure is the holder's own", func(s *story) []string {
		s.from("192.0.2.1")
		s.use("createEvidence")
		a := s.from("198.51.100.1")
		s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserErased{})
		return []string{at("new_network", a), at("new_source", a)}
	}},
	{"an erased user's networks, in every organization", func(s *story) []string {
		s.tell(events.TokenStream(s.user), events.UserTrail(s.user), events.TokenCreated{Kind: events.PersonalKind, Owner: s.user, Name: "p"})
		s.tell(events.GrantStream(s.user, s.org), s.trail(), events.GrantGiven{Token: s.user, Organization: s.org, User: s.user, Name: "p"})
		seen := func(address string) events.Position {
			return s.tell(events.TokenStream(s.user), s.trail(), events.TokenSourceSeen{Address: events.Personal{Subject: events.UserStream(s.user), Value: address}})
		}
		seen("192.0.2.1")
		s.tell(events.TokenStream(s.user), s.trail(), events.TokenUsed{Action: "createEvidence"})
		a := seen("198.51.100.1")
		s.tell(events.UserStream(s.user), events.UserTrail(s.user), events.UserErased{})
		return []string{at("new_source", a)}
	}},
}

func at(rule string, p events.Position) string { return fmt.Sprint(rule, " ", p) }

func TestFindingsTellStories(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	for _, c := range stories {
		s := newStory(t)
		want := c.tell(s)
		rows, got := g.fold(s, whole)
		if !slices.Equal(got, want) {
			t.Errorf("%s: found %q, want %q", c.name, got, want)
		}
		for _, row := range rows {
			if strings.Contains(row, "192.0.2.1") { // an address itself stands nowhere
				t.Errorf("%s: %s", c.name, row)
			}
		}
		random := rand.New(rand.NewPCG(1, 2))
		for _, cut := range []func() int{func() int { return 1 }, func() int { return 1 + random.IntN(7) }} {
			if cutRows, _ := g.fold(s, cut); !slices.Equal(cutRows, rows) {
				t.Errorf("%s: otherwise cut:\n%s\nin one:\n%s", c.name, strings.Join(cutRows, "\n"), strings.Join(rows, "\n"))
			}
		}
	}
}

// What a proposal says is enough for all that was done, and less than there was.
func TestUnusedScopesProposeLess(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	s := newStory(t)
	s.about(events.TokenScopesChanged{Scopes: []string{"write", "token:read"}})
	s.use("createEvidence,apiTokens,controls")
	s.wait(29 * day)
	s.use("controls")
	rows, _ := g.fold(s, whole)
	if !slices.ContainsFunc(rows, func(row string) bool {
		return strings.Contains(row, `""unused"": [""write""]`) && strings.Contains(row, `""proposed"": [""control:read"", ""evidence:write"", ""token:read""]`)
	}) {
		t.Errorf("no such proposal in\n%s", strings.Join(rows, "\n"))
	}
}

// Findings are handed out once, those of the clock when it has come, and a list shows no others.
func TestFindingsAreHandedOutOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	id := w.token("ci")
	w.append(events.OrganizationStream(w.orgs[0]), w.trail(), events.OrganizationPolicyChanged{After: events.Policy{ReviewEvery: 3600}})
	used := w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "createEvidence"})
	for range 5 {
		w.append(events.TokenStream(id), w.trail(), events.TokenSourceSeen{Agent: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: "x"}})
	}
	w.caughtUp(r)
	list := func(now time.Time) (out []string) {
		t.Helper()
		p, err := r.views.Findings(t.Context(), projections.FindingQuery{Organization: w.orgs[0], Token: id, Count: true, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range p.Nodes() {
			out = append(out, at(string(f.Rule), f.Position-used))
		}
		return out
	}
	now := time.Now()
	if got := list(now); !slices.Equal(got, []string{"new_source 5", "new_source 4", "new_source 3", "new_source 2", "new_source 1"}) {
		t.Errorf("now: %q", got)
	}
	if got := list(now.Add(2 * time.Hour)); len(got) != 6 || got[0] != at("review_overdue", -2) {
		t.Errorf("two hours later: %q", got)
	}
	var place projections.NewFindings
	var got []string
	for _, ahead := range []time.Duration{0, 0, 0, 0, 2 * time.Hour, 2 * time.Hour, 100 * day, 100 * day} {
		found, next, err := r.views.FindingsAfter(t.Context(), uuid.Nil, place, now.Add(ahead), 2)
		if err != nil {
			t.Fatal(err)
		}
		for _, f := range found {
			got = append(got, at(string(f.Rule), f.Position-used))
		}
		place = next
	}
	follow := func(of uuid.UUID) (got []string) {
		var place projections.NewFindings
		for range 20 { // one at a time, as somebody whose connection breaks after each
			found, _, err := r.views.FindingsAfter(t.Context(), of, place, now.Add(100*day), 2)
			if err != nil {
				t.Fatal(err)
			}
			if len(found) == 0 {
				return got
			}
			got = append(got, at(string(found[0].Rule), found[0].Position-used))
			if place, err = projections.NewFindingsBehind("after", found[0].Behind.Cursor()); err != nil {
				t.Fatal(err)
			}
		}
		return append(got, "and so on")
	}
	if one := follow(w.orgs[0]); !slices.Equal(one, got) {
		t.Errorf("one at a time: %q, want %q", one, got)
	}
	if other := follow(uuid.New()); len(other) != 0 {
		t.Errorf("of another organization: %q", other)
	}
	for _, cursor := range []string{"", "nonsense", projections.NewFindings{}.Cursor()[4:]} {
		if n, err := projections.NewFindingsBehind("after", cursor); err == nil {
			t.Errorf("%q is taken for %+v", cursor, n)
		}
	}
	if want := []string{
		"new_source 1", "new_source 2", "new_source 3", "new_source 4", "new_source 5", at("review_overdue", -2),
	}; !slices.Equal(got, want) {
		t.Errorf("handed out %q, want %q", got, want)
	}
}

// erased is the story as a log tells it whose erased values nobody can read any more.
func (s *story) erased() *story {
	again := *s
	again.log = slices.Clone(s.log)
	for i, rec := range again.log {
		e, ok := rec.Event.(events.TokenSourceSeen)
		if !ok {
			continue
		}
		for _, later := range again.log[i:] {
			if events.ErasedBy(later.Stream, later.Event) == e.Address.Subject {
				e.Address.Value, e.Agent.Value = "", ""
				again.log[i].Event = e
			}
		}
	}
	return &again
}

// What is rebuilt after an erasure has the same findings, and remembers the same.
func TestFindingsAreTheSameAfterAnErasureAndARebuild(t *testing.T) {
	t.Parallel()
	g := newStage(t)
	compared := 0
	for _, c := range stories {
		s := newStory(t)
		c.tell(s)
		again := s.erased()
		if reflect.DeepEqual(s.log, again.log) {
			continue
		}
		compared++
		rows, _ := g.fold(s, whole)
		rebuilt, _ := g.fold(again, whole)
		if !slices.Equal(rows, rebuilt) {
			t.Errorf("%s: rebuilt\n%s\nand before\n%s", c.name, strings.Join(rebuilt, "\n"), strings.Join(rows, "\n"))
		}
	}
	if compared < 2 {
		t.Errorf("%d stories have an erasure", compared)
	}
}

// What is folded in memory, and what the versions of rows tell, is what there was.
func TestFindingsAsTheyWere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	r := w.reader()
	id := w.token("ci")
	policy := func(p events.Policy) {
		w.append(events.OrganizationStream(w.orgs[0]), w.trail(), events.OrganizationPolicyChanged{After: p})
	}
	source := func(value string) {
		w.append(events.TokenStream(id), w.trail(), events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: value}})
	}
	policy(events.Policy{ReviewEvery: 3600, RotationAge: 1})
	source("192.0.2.1")
	w.append(events.TokenStream(id), w.trail(), events.TokenUsed{Action: "createEvidence"})
	source("198.51.100.1")
	policy(events.Policy{ReviewEvery: 7200, RotationAge: 3600}) // a finding that was due is due later
	policy(events.Policy{})
	policy(events.Policy{RotationAge: 1})
	w.append(events.TokenStream(id), w.trail(), events.TokenReviewed{})
	source("203.0.113.1")
	last := w.append(events.TokenStream(id), w.trail(), events.TokenRevoked{})
	w.caughtUp(r)
	var all []events.Recorded
	for rec, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rec)
	}
	found := 0
	for _, ahead := range []time.Duration{time.Microsecond, 2 * time.Hour, 100 * day} {
		for i, rec := range all[:last] {
			before := rec.RecordedAt.Add(ahead)
			want, err := projections.FoldFindings(func(yield func(events.Recorded, error) bool) {
				for _, one := range all[:i+1] {
					if !yield(one, nil) {
						return
					}
				}
			}, w.orgs[0], before)
			if err != nil {
				t.Fatal(err)
			}
			got, err := r.views.FindingsAsOf(t.Context(), w.orgs[0], rec.Position, before)
			if err != nil {
				t.Fatal(err)
			}
			found += len(want)
			if a, b := fmt.Sprint(said(t, got)), fmt.Sprint(said(t, want)); a != b {
				t.Errorf("at %d, %s ahead: kept\n%s\nfolded\n%s", rec.Position, ahead, a, b)
			}
		}
	}
	if found < 20 {
		t.Errorf("only %d findings were compared", found)
	}
}

// said is what findings say, whichever way their JSON is written.
func said(t *testing.T, rows []projections.FindingRow) (out []any) {
	t.Helper()
	for _, row := range rows {
		var one map[string]any
		text, err := json.Marshal(row)
		if err == nil {
			err = json.Unmarshal(text, &one)
		}
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range []string{"raised_at", "resolved_at"} {
			if at, ok := one[name].(string); ok {
				instant, err := time.Parse(time.RFC3339Nano, at)
				if err != nil {
					t.Fatal(err)
				}
				one[name] = instant.UnixMicro()
			}
		}
		out = append(out, one)
	}
	return out
}
