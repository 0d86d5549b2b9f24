// What every use of a token for one organization rests on, made once and kept as long as it is the same.

package verifier

import (
	"slices"
	"sync"

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

// groundOf gives the ground of a token's uses for an organization, or, if that is
// zero, for none. The caller holds the state.
func (s *state) groundOf(id uuid.UUID, t *token, organization uuid.UUID) *ground {
	now := versions{basis: basis{token: t.version}}
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
	if g := s.grounds.lookup(key); g != nil && g.of == now {
		return g
	}
	g := &ground{of: now}
	g.name(id, t, organization)
	g.guard(id, t, organization)
	if o != nil {
		g.allow(t, o, m)
	}
	s.grounds.remember(key, g)
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

func (g *ground) allow(t *token, o *organization, m *member) {
	g.scopes = t.ownScopes()
	if t.personal {
		var rights aggregate.Scopes
		if m != nil {
			rights = aggregate.RoleScopes(m.role, o.policy)
		}
		g.scopes = aggregate.Effective(t.ownScopes(), rights, true)
	}
	if len(o.policy.ScopeCeiling) > 0 {
		g.ceiling.own, g.ceiling.leaves = o.demands.Below(t.ownScopes(), t.personal)
		g.ceiling.scopes = g.scopes.Intersect(aggregate.Scopes(o.policy.ScopeCeiling))
	}
}

const (
	groundShards = 64
	// groundsKept bounds each of the two generations of each shard. One generation
	// holds 100,000 tokens in turn with room to spare; both are some 260,000 grounds,
	// about 160 MB if all of them are used.
	groundsKept = 2048
)

// groundBook remembers grounds: the newest generation and the one before it, so
// that what is in use stays and memory is bounded.
type groundBook struct {
	shards [groundShards]struct {
		mu       sync.Mutex // guards both generations
		new, old map[pair]*ground
	}
}

func (b *groundBook) lookup(k pair) *ground {
	s := &b.shards[k[0][15]%groundShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.new[k]; g != nil {
		return g
	}
	g := s.old[k]
	if g != nil {
		b.keep(k, g)
	}
	return g
}

func (b *groundBook) remember(k pair, g *ground) {
	s := &b.shards[k[0][15]%groundShards]
	s.mu.Lock()
	defer s.mu.Unlock()
	b.keep(k, g)
}

// keep is remember for who holds the shard's mutex.
func (b *groundBook) keep(k pair, g *ground) {
	s := &b.shards[k[0][15]%groundShards]
	if s.new == nil || len(s.new) >= groundsKept {
		s.old, s.new = s.new, make(map[pair]*ground, min(len(s.new), groundsKept))
	}
	s.new[k] = g
}
