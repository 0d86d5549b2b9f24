// What holds after any sequence of use cases, whoever asks for them and however far the index lags.

package aggregate

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

// story is a ledger in memory to which anything may happen.
type story struct {
	*rapid.T
	log       *memory
	index     *index
	tokens    *Tokens
	directory *Directory
	now       time.Time
	users     []uuid.UUID
	orgs      []uuid.UUID
	refs      []TokenRef
	ended     map[uuid.UUID]Ending
}

func newStory(t *rapid.T, p *secret.Peppers) *story {
	s := &story{T: t, log: &memory{}, now: noon, ended: map[uuid.UUID]Ending{}}
	s.index = &index{log: s.log}
	s.tokens = &Tokens{Peppers: p, Handler: &Handler{Log: s.log, Now: func() time.Time { return s.now }}}
	s.directory = &Directory{Tokens: s.tokens, Index: s.index}
	made, err := s.directory.Initialize(t.Context(), Initialization{Organization: "A", Owner: Profile{Email: "o@example.com"}})
	if err != nil {
		t.Fatal(err)
	}
	owner := person(made.User)
	second, err := s.directory.CreateOrganization(t.Context(), owner, NewOrganization{Name: "B"})
	if err != nil {
		t.Fatal(err)
	}
	s.users, s.orgs, s.refs = []uuid.UUID{made.User}, []uuid.UUID{made.Organization, second.ID}, []TokenRef{personalRef(made.Token.ID)}
	for _, role := range []events.Role{events.RoleAdmin, events.RoleMember, events.RoleOwner} {
		user, err := s.directory.CreateUser(t.Context(), owner, NewUser{
			Organization: made.Organization, Profile: Profile{Email: uuid.NewString() + "@example.com"}, Role: role,
		})
		if err != nil {
			t.Fatal(err)
		}
		s.users = append(s.users, user.ID)
	}
	return s
}

// caller is a person, or one of the tokens there are.
func (s *story) caller() Call {
	if rapid.Bool().Draw(s.T, "in person") {
		return person(rapid.SampledFrom(s.users).Draw(s.T, "caller"))
	}
	ref := rapid.SampledFrom(s.refs).Draw(s.T, "credential")
	t := s.token(ref.ID)
	p := Principal{Actor: events.OrganizationToken(ref.ID), Token: ref.ID, Kind: ref.Kind, User: t.Owner}
	if ref.Kind == events.PersonalKind {
		p.Actor = events.PersonalToken(ref.ID, t.Owner)
	}
	return Call{Principal: p}
}

func (s *story) token(id uuid.UUID) Token {
	return read(s, TokenDecider, events.TokenStream(id))
}

func read[S, C any, E events.Event](s *story, dec Decider[S, C, E], stream events.StreamID) (state S) {
	for rec := range s.log.ReadStream(s.Context(), stream, 0) {
		state = dec.Evolve(state, rec.Event.(E))
	}
	return state
}

// step lets one thing happen, or be refused.
func (s *story) step() error {
	ctx, call := s.Context(), s.caller()
	ref, org := rapid.SampledFrom(s.refs).Draw(s.T, "token"), rapid.SampledFrom(s.orgs).Draw(s.T, "organization")
	user := rapid.SampledFrom(s.users).Draw(s.T, "user")
	scopes, at := anyScopes().Draw(s.T, "scopes"), anyTime().Draw(s.T, "at")
	role := rapid.SampledFrom(everyRole).Draw(s.T, "role")
	orgs := rapid.SliceOfN(rapid.SampledFrom(s.orgs), 0, 2).Draw(s.T, "organizations")
	name := rapid.SampledFrom([]string{"a", "b", ""}).Draw(s.T, "name")
	add := func(kind events.TokenKind) func(TokenOutcome, error) error {
		return func(out TokenOutcome, err error) error {
			if err == nil {
				s.refs = append(s.refs, TokenRef{kind, out.ID})
			}
			return err
		}
	}
	one := func(_ TokenOutcome, err error) error { return err }
	made := func(_ Made, err error) error { return err }
	fields := NewToken{Name: "n" + name, Scopes: scopes, ExpiresAt: at}
	return rapid.SampledFrom([]func() error{
		func() error {
			return add(events.PersonalKind)(s.tokens.CreatePersonalToken(ctx, call, NewPersonalToken{orgs, fields}))
		},
		func() error {
			return add(events.OrganizationKind)(s.tokens.CreateOrganizationToken(ctx, call, NewOrganizationToken{org, fields}))
		},
		func() error {
			return one(s.tokens.Update(ctx, call, ref, TokenUpdate{Name: &name, AppendScopes: scopes, ExpiresAt: &at}))
		},
		func() error { return one(s.tokens.Update(ctx, call, ref, TokenUpdate{Organizations: orgs})) },
		func() error { return one(s.tokens.Update(ctx, call, ref, TokenUpdate{}.active(name == ""))) },
		func() error { return one(s.tokens.Suspend(ctx, call, ref, Suspension{Until: at})) },
		func() error { return one(s.tokens.Revoke(ctx, call, ref, "why "+name)) },
		func() error { return one(s.tokens.Delete(ctx, call, ref, "")) },
		func() error {
			return add(ref.Kind)(s.tokens.Rotate(ctx, call, ref, Rotation{EndsAtFirstUse: name == ""}))
		},
		func() error { return one(s.tokens.Expire(ctx, Call{Principal: Service("scheduler")}, ref)) },
		func() error { return supersede(ctx, s.tokens, ref) },
		func() error { return one(s.tokens.EndGrant(ctx, call, org, ref.ID, "why")) },
		func() error { return one(s.tokens.AuthorizeSSO(ctx, call, org, ref)) },
		func() error {
			return made(s.directory.AddMember(ctx, call, NewMember{Organization: org, User: user, Role: role}))
		},
		func() error { return made(s.directory.ChangeRole(ctx, call, Term{org, user, role, time.Time{}})) },
		func() error { return made(s.directory.EndMember(ctx, call, org, user, "")) },
		func() error { return made(s.directory.DeactivateUser(ctx, call, user, "")) },
		func() error { return made(s.directory.ReactivateUser(ctx, call, user, "")) },
	}).Draw(s.T, "what")()
}

func TestAnythingMayHappen(t *testing.T) {
	t.Parallel()
	p := peppers(t)
	rapid.Check(t, func(t *rapid.T) {
		s := newStory(t, p)
		for range rapid.IntRange(1, 40).Draw(t, "length") {
			s.now = s.now.Add(time.Duration(rapid.IntRange(0, 120).Draw(t, "minutes")) * time.Minute)
			s.index.frozen = rapid.Bool().Draw(t, "the index lags")
			err := s.step()
			var r *Refusal
			if err != nil && !errors.As(err, &r) {
				t.Fatalf("no refusal but %v", err)
			}
			s.noTokenComesBack()
			s.grantsMirrorTokens()
			s.everyOrganizationHasAnOwner()
		}
		s.versionsCountByOne()
	})
}

func (s *story) noTokenComesBack() {
	for _, ref := range s.refs {
		t := s.token(ref.ID)
		if before := s.ended[ref.ID]; before != NotEnded && t.Ended != before {
			s.Fatalf("token %s was %s and is %q", ref.ID, before, t.Ended)
		}
		s.ended[ref.ID] = t.Ended
	}
}

func (s *story) grantsMirrorTokens() {
	for _, ref := range s.refs {
		t := s.token(ref.ID)
		for _, org := range s.orgs {
			g := read(s, GrantDecider, events.GrantStream(ref.ID, org))
			if listed := slices.Contains(t.Organizations, org); t.Ended == NotEnded && listed != g.Live {
				// Past its deadline a token lists what it reached at the time.
				if t.Live(s.now) || g.Live {
					s.Fatalf("token %s lists the organization: %v, its grant is live: %v", ref.ID, listed, g.Live)
				}
			}
			if !g.Live {
				continue
			}
			if t.Ended != NotEnded {
				s.Fatalf("a live grant of a token that is %s", t.Ended)
			}
			if g.Name != t.Name || !slices.Equal(g.Scopes, t.Scopes) || !g.ExpiresAt.Equal(t.ExpiresAt) || g.Suspended != t.Suspended {
				s.Fatalf("the grant %+v does not mirror %+v", g, t)
			}
			s.givenSinceItCould(ref.ID, t.Owner, org)
		}
	}
}

// givenSinceItCould checks a live grant that can be used: it was given after its
// owner's membership began and after the user was last let in, so nothing that
// ended with either has come back.
func (s *story) givenSinceItCould(token, owner, org uuid.UUID) {
	m, u := read(s, MembershipDecider, events.MembershipStream(org, owner)), read(s, UserDecider, events.UserStream(owner))
	if m.RoleAt(s.now) == "" || !u.Active() {
		return
	}
	given := s.last(events.GrantStream(token, org), events.GrantGiven{}.Type())
	if given < s.last(events.MembershipStream(org, owner), events.MembershipStarted{}.Type()) ||
		given < s.last(events.UserStream(owner), events.UserReactivated{}.Type()) {
		s.Fatalf("the grant of %s to %s came back to life", token, org)
	}
}

func (s *story) last(stream events.StreamID, is events.Type) (p events.Position) {
	for rec := range s.log.ReadStream(s.Context(), stream, 0) {
		if rec.Event.Type() == is {
			p = rec.Position
		}
	}
	return p
}

func (s *story) everyOrganizationHasAnOwner() {
	for _, org := range s.orgs {
		if !slices.ContainsFunc(s.users, func(user uuid.UUID) bool {
			m, u := read(s, MembershipDecider, events.MembershipStream(org, user)), read(s, UserDecider, events.UserStream(user))
			return m.RoleAt(s.now) == events.RoleOwner && u.Active()
		}) {
			s.Fatalf("organization %s has no owner", org)
		}
	}
}

func (s *story) versionsCountByOne() {
	versions := map[events.StreamID]events.Version{}
	for _, rec := range s.log.recorded {
		versions[rec.Stream]++
		if rec.Version != versions[rec.Stream] {
			s.Fatalf("%s: version %d comes as number %d", rec.Stream, rec.Version, versions[rec.Stream])
		}
		if _, err := events.NewDraft(rec.Stream, rec.Trail, rec.Meta, rec.Event); err != nil {
			s.Fatalf("the log would refuse %s: %v", rec.Event.Type(), err)
		}
	}
}
