// A log in memory that tests fill with stories, honest or random, and read as trails.

package evidence_test

import (
	"context"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// tester is what testing.T and rapid.T have in common.
type tester interface {
	Helper()
	Fatal(args ...any)
	Fatalf(format string, args ...any)
}

// ledger is one log with one organization, another one beside it, and a clock.
type ledger struct {
	t        tester
	now      time.Time
	all      []events.Recorded
	trails   map[events.TrailID]events.Position
	versions map[events.StreamID]events.Version
	requests []events.Request // the same, as a real log would be asked for it
	actor    events.Actor

	org, other uuid.UUID
	owner      uuid.UUID
	ids        uint32
}

var dawn = time.Date(2026, 3, 2, 8, 0, 0, 0, time.UTC)

func newLedger(t tester) *ledger {
	l := &ledger{
		t: t, now: dawn, trails: map[events.TrailID]events.Position{}, versions: map[events.StreamID]events.Version{},
	}
	l.org, l.other, l.owner = l.id(), l.id(), l.id()
	l.actor = events.Person(l.owner)
	for i, org := range []uuid.UUID{l.other, l.org} {
		l.add(events.OrganizationStream(org), events.OrganizationTrail(org),
			events.OrganizationCreated{Index: int64(i), Name: fmt.Sprintf("org-%d", i), DisplayName: "An organization"})
	}
	l.add(events.UserStream(l.owner), events.UserTrail(l.owner), events.UserCreated{})
	l.member(l.owner, events.RoleOwner)
	return l
}

// id makes ids that are the same in every run.
func (l *ledger) id() uuid.UUID {
	l.ids++
	return uuid.MustParse(fmt.Sprintf("01960000-0000-7000-8000-%012x", l.ids))
}

func (l *ledger) trail() events.TrailID { return events.OrganizationTrail(l.org) }

func (l *ledger) wait(d time.Duration) { l.now = l.now.Add(d) }

// add records one event now. The next one comes a microsecond later at least.
func (l *ledger) add(stream events.StreamID, trail events.TrailID, e events.Event, reason ...string) events.Recorded {
	l.t.Helper()
	m := events.Meta{Actor: l.actor}
	if len(reason) > 0 {
		m.Reason = reason[0]
	}
	kind, _ := events.KindOf(e.Type())
	l.requests = append(l.requests, events.Request{Batches: []events.Batch{{Stream: stream, Trail: trail, Meta: m, Events: []events.Event{e}}}})
	draft, err := events.NewDraft(stream, trail, m, e)
	if err != nil {
		l.t.Fatal(err)
	}
	l.trails[trail]++
	at := events.Place{Position: events.Position(len(l.all) + 1), TrailPosition: l.trails[trail], RecordedAt: l.now}
	if !kind.Observation {
		l.versions[stream]++
		at.Version = l.versions[stream]
	}
	leaf, err := draft.AppendLeaf(nil, at, func(events.SubjectID, events.Position, string, string) (events.Commitment, error) {
		return events.Commitment{1}, nil
	})
	if err != nil {
		l.t.Fatal(err)
	}
	rec, err := events.Decode(leaf)
	if err != nil {
		l.t.Fatal(err)
	}
	l.all = append(l.all, rec)
	l.now = l.now.Add(time.Microsecond)
	return rec
}

// Trail makes a ledger a source.
func (l *ledger) Trail(_ context.Context, trail events.TrailID, after, through events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for _, rec := range l.all {
			if through > 0 && rec.Position > through {
				return
			}
			if rec.Trail == trail && rec.TrailPosition > after && !yield(rec, nil) {
				return
			}
		}
	}
}

// FindingsAsOf makes a ledger a source.
func (l *ledger) FindingsAsOf(ctx context.Context, organization uuid.UUID, through events.Position, before time.Time) ([]projections.FindingRow, error) {
	return projections.FoldFindings(func(yield func(events.Recorded, error) bool) {
		for _, rec := range l.all {
			if through > 0 && rec.Position > through || !yield(rec, nil) {
				return
			}
		}
	}, organization, before)
}

func (l *ledger) member(user uuid.UUID, role events.Role) {
	l.add(events.MembershipStream(l.org, user), l.trail(), events.MembershipStarted{Organization: l.org, User: user, Role: role})
}

func (l *ledger) leave(user uuid.UUID) {
	l.add(events.MembershipStream(l.org, user), l.trail(), events.MembershipEnded{}, "left the company")
}

// token creates an organization token.
func (l *ledger) token(name string, scopes ...string) uuid.UUID {
	id := l.id()
	l.add(events.TokenStream(id), l.trail(), events.TokenCreated{
		Kind: events.OrganizationKind, Organization: l.org, Name: name, Scopes: scopes, Ceiling: []string{"admin"}, Fingerprint: "print of " + name,
	})
	return id
}

// grant opens the organization to a personal token of a user.
func (l *ledger) grant(user uuid.UUID, name string, scopes ...string) uuid.UUID {
	id := l.id()
	l.add(events.TokenStream(id), events.UserTrail(user), events.TokenCreated{
		Kind: events.PersonalKind, Owner: user, Organizations: []uuid.UUID{l.org}, Name: name, Scopes: scopes, Fingerprint: "print of " + name,
	})
	l.add(events.GrantStream(id, l.org), l.trail(), events.GrantGiven{Token: id, Organization: l.org, User: user, Name: name, Scopes: scopes})
	return id
}

func (l *ledger) tell(token uuid.UUID, e events.Event, reason ...string) events.Recorded {
	return l.add(events.TokenStream(token), l.trail(), e, reason...)
}

func (l *ledger) endGrant(token uuid.UUID, cause events.GrantCause) {
	l.add(events.GrantStream(token, l.org), l.trail(), events.GrantEnded{Cause: cause})
}

// source introduces an address and agent.
func (l *ledger) source(token uuid.UUID) events.Position { return l.from(token, "192.0.2.1") }

func (l *ledger) from(token uuid.UUID, address string) events.Position {
	subject := events.OrganizationStream(l.org)
	return l.tell(token, events.TokenSourceSeen{Address: events.Personal{Subject: subject, Value: address}}).Position
}

func (l *ledger) use(token uuid.UUID, source events.Position, action string) {
	l.tell(token, events.TokenUsed{Source: source, Action: action, Resource: "evidence/1", Via: "graphql"})
}

// life adds a random history that keeps to the rules: what has ended stays so.
func life(t *rapid.T, l *ledger, steps int) {
	type alive struct {
		id      uuid.UUID
		user    uuid.UUID // of a grant
		source  events.Position
		expires time.Time
		ended   bool
		deleted bool
	}
	var tokens, grants []*alive
	users := []uuid.UUID{l.id(), l.id()}
	for _, u := range users {
		l.add(events.UserStream(u), events.UserTrail(u), events.UserCreated{})
		l.member(u, events.RoleMember)
	}
	pick := func(from []*alive) *alive {
		if len(from) == 0 {
			return nil
		}
		a := from[rapid.IntRange(0, len(from)-1).Draw(t, "token")]
		if !a.expires.IsZero() && !a.expires.After(l.now) {
			a.ended = true
		}
		return a
	}
	for range steps {
		if rapid.Bool().Draw(t, "later") {
			l.wait(time.Duration(rapid.IntRange(1, 72).Draw(t, "hours")) * time.Hour)
		}
		a := pick(tokens)
		switch op := rapid.IntRange(0, 14).Draw(t, "op"); {
		case op < 3 || a == nil:
			tokens = append(tokens, &alive{id: l.token(fmt.Sprint("token ", len(tokens)), "evidence:write")})
		case op == 3:
			user := users[len(grants)%2]
			grants = append(grants, &alive{id: l.grant(user, fmt.Sprint("grant ", len(grants)), "risk:write"), user: user})
		case op == 4:
			if g := pick(grants); g != nil && !g.ended {
				g.ended = true
				l.endGrant(g.id, events.CauseRemovedByOwner)
			} else if g != nil { // and given again, which begins another life
				g.ended = false
				l.add(events.GrantStream(g.id, l.org), l.trail(), events.GrantGiven{Token: g.id, Organization: l.org, User: g.user, Name: "again"})
			}
		case op == 5 && !a.deleted && a.ended:
			a.deleted = true
			l.tell(a.id, events.TokenDeleted{})
		case a.ended:
			l.tell(a.id, events.TokenUseRefused{Code: "TOKEN_ENDED", Action: "createEvidence"})
		case op == 5:
			a.ended, a.deleted = true, true
			at := l.now
			l.tell(a.id, events.TokenRevoked{}, "no longer needed")
			l.now = at // one append has one time
			l.tell(a.id, events.TokenDeleted{})
		case op == 6:
			a.ended = true
			l.tell(a.id, events.TokenRevoked{}, "leaked")
		case op == 7:
			a.expires = l.now.Add(time.Duration(rapid.IntRange(1, 200).Draw(t, "life")) * time.Hour).Truncate(time.Microsecond)
			l.tell(a.id, events.TokenExpiryChanged{ExpiresAt: a.expires})
		case op == 8:
			l.tell(a.id, events.TokenSuspended{})
		case op == 9:
			l.tell(a.id, events.TokenResumed{})
		case op == 10:
			l.tell(a.id, events.TokenScopesChanged{Before: []string{"evidence:write"}, Scopes: []string{"risk:read"}})
		case op == 11:
			l.tell(a.id, events.TokenRenamed{Name: fmt.Sprint("renamed ", l.now.Unix())})
		default:
			if a.source == 0 {
				a.source = l.source(a.id)
			}
			l.use(a.id, a.source, "createEvidence")
		}
	}
}
