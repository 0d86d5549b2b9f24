// What the verifier remembers, and how events change it.

package verifier

import (
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

type state struct {
	tokens  map[uuid.UUID]*token
	grants  map[pair]*grant // token, organization
	users   map[uuid.UUID]*user
	members map[pair]*member // organization, user
	orgs    map[uuid.UUID]*organization
	lists   map[string][]string // scopes, one copy of equal lists
	rulings *rulingBook
	grounds *groundBook
	signIn  bool // people can sign in at this installation

	following bool                    // what is applied now, is seen with all its observations
	tried     map[uuid.UUID]time.Time // in a [Trial], the last uses instead of the tokens' own; else nil
}

type pair [2]uuid.UUID

type token struct {
	version     events.Version
	gate        events.Gate
	end         Code // why it is over for good, or empty
	personal    bool
	home        uuid.UUID // organization, or owner of a personal token
	grantedTo   []uuid.UUID
	name        string
	scopes      []string
	expiresAt   time.Time
	createdAt   time.Time
	stampedAt   time.Time // authorized through single sign-on; organization tokens
	replacedAt  time.Time // end of a rotation's overlap
	firstUse    bool      // its overlap ends when the successor is first used
	successorOf uuid.UUID
	watched     bool    // followed from its first event, with all its sources
	delivered   bool    // as a successor, it was used
	used        lastUse // of an organization token
	pepper      int
	mac         [32]byte
}

type grant struct {
	version   events.Version
	gate      events.Gate
	ended     bool
	pending   bool // closed until an administrator approves it
	approved  bool
	givenAt   time.Time
	stampedAt time.Time
	used      lastUse
}

type user struct {
	version  events.Version
	active   bool
	operator bool // of the installation

	memberOf    []uuid.UUID     // organizations, also former ones
	sessionsEnd events.Position // sessions that began up to here are over
}

type member struct {
	version events.Version
	role    events.Role
	until   time.Time
	ended   bool
}

type organization struct {
	version events.Version
	policy  events.Policy
	demands aggregate.Demands            // the policy, made ready
	objects map[string]map[string]string // object → action → verb
}

func newState() state {
	return state{
		tokens: map[uuid.UUID]*token{}, grants: map[pair]*grant{}, users: map[uuid.UUID]*user{},
		members: map[pair]*member{}, orgs: map[uuid.UUID]*organization{}, lists: map[string][]string{},
		rulings: &rulingBook{}, grounds: &groundBook{},
	}
}

func (s *state) credential(c events.Credential) {
	if t := s.tokens[c.Token]; t != nil {
		t.pepper, t.mac = c.Pepper, c.MAC
	}
}

// apply takes one event in. Of observations only uses count, as the last one; a decision that was
// taken in before is skipped, so that filling and following may overlap.
func (s *state) apply(r events.Recorded) error {
	if !r.Decision() {
		if _, used := r.Event.(events.TokenUsed); used {
			s.used(r)
		}
		return nil
	}
	if u, ok := r.Event.(events.Unknown); ok {
		return fmt.Errorf("position %d: %s version %d needs a newer program", r.Position, u.Name, u.Version)
	}
	first, second, err := r.Stream.IDs()
	if err != nil {
		return fmt.Errorf("position %d: %w", r.Position, err)
	}
	switch e := r.Event.(type) {
	case events.TokenEvent:
		s.applyToken(first, e, r)
	case events.GrantEvent:
		s.applyGrant(pair{first, second}, e, r)
	case events.UserEvent:
		s.applyUser(first, e, r)
	case events.MembershipEvent:
		s.applyMember(pair{first, second}, e, r)
	case events.OrganizationEvent:
		s.applyOrganization(first, e, r)
	case events.InstallationOperatorAppointed:
		entry(s.users, e.User).operator = true
	}
	return nil
}

func entry[K comparable, V any](m map[K]*V, k K) *V {
	v := m[k]
	if v == nil {
		v = new(V)
		m[k] = v
	}
	return v
}

func (s *state) applyToken(id uuid.UUID, e events.TokenEvent, r events.Recorded) {
	t := entry(s.tokens, id)
	if r.Version <= t.version {
		return
	}
	t.version = r.Version
	if g, changed := events.GateAfter(e); changed {
		t.gate = g
	}
	switch e := e.(type) {
	case events.TokenCreated:
		s.created(t, e, r.RecordedAt)
	case events.TokenRenamed:
		t.name = e.Name
	case events.TokenScopesChanged:
		t.scopes = s.list(e.Scopes)
	case events.TokenExpiryChanged:
		t.expiresAt = e.ExpiresAt
	case events.TokenOrganizationsChanged:
		t.regrant(e)
	case events.TokenRotated:
		t.replacedAt, t.firstUse = e.Until, e.EndsAtFirstUse
	case events.TokenDelivered:
		t.delivered = true
	case events.TokenRevoked:
		t.end = Revoked
	case events.TokenExpired:
		if t.end = Expired; !t.replacedAt.IsZero() {
			t.end = Replaced
		}
	case events.TokenDeleted:
		t.end = Deleted
	case events.TokenSSOAuthorized:
		t.stampedAt = r.RecordedAt
	case events.TokenSSOAuthorizationWithdrawn:
		t.stampedAt = time.Time{}
	case events.TokenDescribed, events.TokenTagged, events.TokenSuspended, events.TokenResumed,
		events.TokenExpiryWarned, events.TokenReviewed, events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
	}
}

func (s *state) created(t *token, e events.TokenCreated, at time.Time) {
	t.personal, t.watched = e.Kind == events.PersonalKind, s.following
	t.home = e.Organization
	if t.personal {
		t.home = e.Owner
	}
	t.grantedTo = e.Organizations
	t.name, t.scopes = e.Name, s.list(e.Scopes)
	t.expiresAt, t.createdAt, t.successorOf = e.ExpiresAt, at, e.RotatedFrom
}

func (t *token) regrant(e events.TokenOrganizationsChanged) {
	kept := make([]uuid.UUID, 0, len(t.grantedTo)+len(e.Added))
	for _, o := range append(append([]uuid.UUID{}, t.grantedTo...), e.Added...) {
		if !contains(e.Removed, o) && !contains(kept, o) {
			kept = append(kept, o)
		}
	}
	t.grantedTo = kept
}

func contains(ids []uuid.UUID, id uuid.UUID) bool {
	for _, i := range ids {
		if i == id {
			return true
		}
	}
	return false
}

// list shares one copy among the many tokens with the same scopes.
func (s *state) list(scopes []string) []string {
	if len(scopes) == 0 {
		return nil
	}
	key := fmt.Sprint(scopes)
	if l, ok := s.lists[key]; ok {
		return l
	}
	s.lists[key] = scopes
	return scopes
}

func (s *state) applyGrant(id pair, e events.GrantEvent, r events.Recorded) {
	g := entry(s.grants, id)
	if r.Version <= g.version {
		return
	}
	g.version = r.Version
	if gate, changed := events.GateAfter(e); changed {
		g.gate = gate
	}
	switch e := e.(type) {
	case events.GrantGiven:
		*g = grant{version: g.version, gate: g.gate, pending: e.Pending, givenAt: r.RecordedAt}
	case events.GrantEnded:
		g.ended = true
	case events.GrantSSOAuthorized:
		g.stampedAt = r.RecordedAt
	case events.GrantSSOAuthorizationWithdrawn:
		g.stampedAt = time.Time{}
	case events.GrantApproved:
		g.pending, g.approved = false, true
	case events.GrantChanged, events.GrantSuspended, events.GrantResumed, events.GrantReviewed:
	}
}

func (s *state) applyUser(id uuid.UUID, e events.UserEvent, r events.Recorded) {
	u := entry(s.users, id)
	if r.Version <= u.version {
		return
	}
	u.version = r.Version
	switch e.(type) {
	case events.UserCreated, events.UserReactivated:
		u.active = true
	case events.UserDeactivated:
		u.active, u.sessionsEnd = false, r.Position
	case events.UserSignedOut, events.UserErased:
		u.sessionsEnd = r.Position
	case events.UserUpdated, events.UserIdentityLinked, events.UserSignedIn:
	}
}

func (s *state) applyMember(id pair, e events.MembershipEvent, r events.Recorded) {
	m := entry(s.members, id)
	if r.Version <= m.version {
		return
	}
	m.version = r.Version
	switch e := e.(type) {
	case events.MembershipStarted:
		*m = member{version: r.Version, role: e.Role, until: e.Until}
		entry(s.users, id[1]).belongs(id[0])
	case events.MembershipRoleChanged:
		m.role, m.until = e.Role, e.Until
	case events.MembershipEnded:
		m.ended = true
	case events.MembershipProvisioned:
	}
}

func (s *state) applyOrganization(id uuid.UUID, e events.OrganizationEvent, r events.Recorded) {
	o := entry(s.orgs, id)
	if r.Version <= o.version {
		return
	}
	o.version = r.Version
	switch e := e.(type) {
	case events.OrganizationObjectRegistered:
		objects := make(map[string]map[string]string, len(o.objects)+1)
		for k, v := range o.objects {
			objects[k] = v
		}
		objects[e.Object] = e.Actions
		o.objects = objects
	case events.OrganizationPolicyChanged:
		o.policy, o.demands = e.After, aggregate.DemandsOf(e.After)
	case events.OrganizationCreated, events.OrganizationRenamed, events.OrganizationSSOProviderChanged,
		events.OrganizationWebhookAdded, events.OrganizationWebhookRemoved, events.OrganizationNetworkDataErased,
		events.OrganizationFindingTriaged:
	}
}
