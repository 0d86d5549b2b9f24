// What every use of a token for one organization rests on, made once and kept as long as it is the same.

package verifier

import (
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// versions are those of all that a ground is made of.
type versions struct {
	basis
	user events.Version
}

// ground is what a decision needs that takes memory to make: names, guards and
// scopes. It is shared by decisions and never changed. Deadlines, gates and
// sources are no part of it; they are looked at each time.
type ground struct {
	of              versions
	trail           events.TrailID
	stream          events.StreamID
	actor           events.Actor
	personalSubject events.SubjectID
	guards          []events.Guard
	scopes          aggregate.Scopes // what the token may do there; none without an organization
	ceiling         struct {         // the same below the organization's ceiling, where it has one
		leaves      bool
		own, scopes aggregate.Scopes
	}
}

// groundBook has grounds by token and organization.
type groundBook = book[pair, *ground]

// groundOf gives the ground of a token's uses for an organization, or, if that is
// zero, for none. The caller holds the state.
func (s *state) groundOf(id uuid.UUID, t *token, organization uuid.UUID) *ground {
	now := versions{basis: basis{token: t.version()}}
	o := s.orgs[organization]
	if o != nil {
		now.organization = o.version
	}
	var m *member
	if t.personal {
		if u := s.users[t.home]; u != nil {
			now.user = u.version
		}
		if g := t.grant(organization); g != nil {
			now.grant = g.version
		}
		if m = s.members[pair{organization, t.home}]; m != nil {
			now.member = m.version
		}
	}
	key := pair{id, organization}
	if g, found := s.grounds.lookup(id, key); found && g.of == now {
		return g
	}
	g := &ground{of: now}
	g.name(id, t, organization)
	g.guard(id, t, organization)
	if o != nil {
		g.allow(t, s.lists.of(t), o, m)
	}
	s.grounds.remember(id, key, g)
	return g
}

func (g *ground) name(id uuid.UUID, t *token, organization uuid.UUID) {
	g.stream = events.TokenStream(id)
	g.trail = events.OrganizationTrail(organization)
	if !t.personal {
		g.actor, g.personalSubject = events.OrganizationToken(id), events.OrganizationStream(t.home)
		return
	}
	g.actor, g.personalSubject = events.PersonalToken(id, t.home), events.UserStream(t.home)
	if organization == uuid.Nil {
		g.trail = events.UserTrail(t.home)
	}
}

// guard makes the log refuse a use after any of what it was decided on has changed.
func (g *ground) guard(id uuid.UUID, t *token, organization uuid.UUID) {
	g.guards = []events.Guard{events.Open(g.stream), events.AtVersion(g.stream, g.of.token)}
	if t.personal {
		g.guards = append(g.guards, events.AtVersion(events.UserStream(t.home), g.of.user))
	}
	if t.personal && organization != uuid.Nil {
		grant := events.GrantStream(id, organization)
		g.guards = append(g.guards, events.Open(grant), events.AtVersion(grant, g.of.grant),
			events.AtVersion(events.MembershipStream(organization, t.home), g.of.member))
	}
	if g.of.organization > 0 {
		g.guards = append(g.guards, events.AtVersion(events.OrganizationStream(organization), g.of.organization))
	}
	g.guards = slices.Clip(g.guards) // whoever adds to them takes a copy
}

func (g *ground) allow(t *token, own []string, o *organization, m *member) {
	g.scopes = own
	if t.personal {
		var rights aggregate.Scopes
		if m != nil {
			rights = aggregate.RoleScopes(m.role, o.policy)
		}
		g.scopes = aggregate.Effective(own, rights, true)
	}
	if len(o.policy.ScopeCeiling) > 0 {
		g.ceiling.own, g.ceiling.leaves = o.demands.Below(own, t.personal)
		g.ceiling.scopes = g.scopes.Intersect(aggregate.Scopes(o.policy.ScopeCeiling))
	}
}
