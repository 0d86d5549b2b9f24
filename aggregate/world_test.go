// The world of the use-case tests: a real log, an index over it, an organization and its people.

package aggregate

import (
	"bytes"
	"context"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is an initialized ledger with one person in each role.
type world struct {
	testing.TB
	log       *eventstore.Log
	index     *index
	tokens    *Tokens
	directory *Directory
	org       uuid.UUID
	people    map[events.Role]uuid.UUID
	admin     Issued // the owner's first token
}

func peppers(tb testing.TB) *secret.Peppers {
	tb.Helper()
	p, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: bytes.Repeat([]byte{1}, secret.PepperLength)})
	if err != nil {
		tb.Fatal(err)
	}
	return p
}

func newWorld(tb testing.TB) *world {
	tb.Helper()
	log := eventstoretest.Open(tb)
	w := &world{TB: tb, log: log, index: &index{log: log}, people: map[events.Role]uuid.UUID{}}
	w.tokens = &Tokens{Handler: &Handler{Log: log}, Peppers: peppers(tb)}
	w.directory = &Directory{Tokens: w.tokens, Index: w.index}
	made, err := w.directory.Initialize(tb.Context(), Initialization{
		Origin: log.Origin(), Organization: "Demo", Owner: Profile{Email: "owner@example.com"},
	})
	if err != nil {
		tb.Fatal(err)
	}
	w.org, w.people[events.RoleOwner], w.admin = made.Organization, made.User, made.Token
	for _, role := range []events.Role{events.RoleAdmin, events.RoleAuditor, events.RoleMember} {
		w.people[role] = w.join(w.org, role, string(role)+"@example.com")
	}
	return w
}

// join makes a user who is a member.
func (w *world) join(org uuid.UUID, role events.Role, email string) uuid.UUID {
	w.Helper()
	made, err := w.directory.CreateUser(w.Context(), w.by(events.RoleOwner), NewUser{
		Organization: org, Profile: Profile{Email: email}, Role: role,
	})
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

// found makes another organization of the owner's.
func (w *world) found(name string) uuid.UUID {
	w.Helper()
	made, err := w.directory.CreateOrganization(w.Context(), w.by(events.RoleOwner), NewOrganization{Name: name})
	if err != nil {
		w.Fatal(err)
	}
	return made.ID
}

// by is a call of a signed-in person in that role.
func (w *world) by(role events.Role) Call { return person(w.people[role]) }

func person(user uuid.UUID) Call {
	return Call{Principal: Principal{Actor: events.Person(user), User: user}}
}

// through is a call with a token.
func (w *world) through(ref TokenRef) Call {
	w.Helper()
	t := w.token(ref.ID)
	p := Principal{Token: ref.ID, Kind: ref.Kind, User: t.Owner, Organization: t.Organization}
	p.Actor = events.OrganizationToken(ref.ID)
	if ref.Kind == events.PersonalKind {
		p.Actor = events.PersonalToken(ref.ID, t.Owner)
	}
	return Call{Principal: p}
}

func personalRef(id uuid.UUID) TokenRef     { return TokenRef{events.PersonalKind, id} }
func organizationRef(id uuid.UUID) TokenRef { return TokenRef{events.OrganizationKind, id} }

// newOrganizationToken makes a token of the world's organization.
func (w *world) newOrganizationToken(call Call, scopes ...string) TokenRef {
	w.Helper()
	out, err := w.tokens.CreateOrganizationToken(w.Context(), call, NewOrganizationToken{
		Organization: w.org, NewToken: NewToken{Name: "ci", Scopes: scopes},
	})
	if err != nil {
		w.Fatal(err)
	}
	return organizationRef(out.ID)
}

// newPersonalToken makes a token of the caller's that is granted to organizations.
func (w *world) newPersonalToken(call Call, orgs []uuid.UUID, scopes ...string) TokenRef {
	w.Helper()
	out, err := w.tokens.CreatePersonalToken(w.Context(), call, NewPersonalToken{
		Organizations: orgs, NewToken: NewToken{Name: "laptop", Scopes: scopes},
	})
	if err != nil {
		w.Fatal(err)
	}
	return personalRef(out.ID)
}

// history reads a stream's decisions.
func (w *world) history(stream events.StreamID) []events.Recorded {
	w.Helper()
	var out []events.Recorded
	for rec, err := range w.log.ReadStream(context.Background(), stream, 0) {
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, rec)
	}
	return out
}

func fold[S, C any, E events.Event](dec Decider[S, C, E], history []events.Recorded) S {
	var s S
	for _, rec := range history {
		s = dec.Evolve(s, rec.Event.(E))
	}
	return s
}

func (w *world) token(id uuid.UUID) Token {
	w.Helper()
	return fold(TokenDecider, w.history(events.TokenStream(id)))
}

func (w *world) grant(token, org uuid.UUID) Grant {
	w.Helper()
	return fold(GrantDecider, w.history(events.GrantStream(token, org)))
}

// since lists what was recorded after a position, as "type in trail".
func (w *world) since(p events.Position) []string {
	w.Helper()
	var out []string
	for rec, err := range w.log.ReadAll(context.Background(), p) {
		if err != nil {
			w.Fatal(err)
		}
		out = append(out, fmt.Sprintf("%s in %s", rec.Event.Type(), w.nameOf(rec.Trail)))
	}
	return out
}

func (w *world) nameOf(trail events.TrailID) string {
	if id, ok := trail.User(); ok {
		for role, user := range w.people {
			if user == id {
				return string(role)
			}
		}
	}
	if id, ok := trail.Organization(); ok && id == w.org {
		return "org"
	}
	return string(trail)
}

func (w *world) head() events.Position {
	w.Helper()
	p, err := w.log.Head(context.Background())
	if err != nil {
		w.Fatal(err)
	}
	return p
}

// recorded checks that exactly these events came after a position.
func (w *world) recorded(after events.Position, want ...string) {
	w.Helper()
	if got := w.since(after); !slices.Equal(got, want) {
		w.Fatalf("recorded:\n%s\nwant:\n%s", strings.Join(got, "\n"), strings.Join(want, "\n"))
	}
}
