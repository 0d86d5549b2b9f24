// What the verifier remembers, and how events change it.

package verifier

import (
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

type state struct {
	tokens  *tokenTable
	users   map[uuid.UUID]*user
	members map[pair]*member // organization, user
	orgs    map[uuid.UUID]*organization
	lists   *scopeLists
	rulings *rulingBook
	grounds *groundBook
	signIn  bool // people can sign in at this installation

	following bool                    // what is applied now, is seen with all its observations
	tried     map[uuid.UUID]time.Time // in a [Trial], the last uses instead of the tokens' own; else nil
}

type pair [2]uuid.UUID

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
		tokens: newTokenTable(), users: map[uuid.UUID]*user{},
		members: map[pair]*member{}, orgs: map[uuid.UUID]*organization{}, lists: newScopeLists(),
		rulings: newBook[asked, ruling](), grounds: newBook[pair, *ground](),
	}
}

func (s *state) credential(c events.Credential) {
	if t := s.tokens.get(c.Token); t != nil {
		t.pepper, t.mac = int32(c.Pepper), c.MAC
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
		s.applyGrant(first, second, e, r)
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
	t := s.tokens.entry(id)
	if r.Version <= t.version() {
		return
	}
	t.revision = uint32(r.Version)
	if g, changed := events.GateAfter(e); changed && gateOf(g) != t.rest().gate {
		t.own().gate = gateOf(g)
	}
	switch e := e.(type) {
	case events.TokenCreated:
		s.created(t, e, r.RecordedAt)
	case events.TokenScopesChanged:
		t.scopes = s.lists.number(e.Scopes)
	case events.TokenExpiryChanged:
		t.expiresAt = instantOf(e.ExpiresAt)
	case events.TokenOrganizationsChanged:
		t.regrant(e)
	case events.TokenRotated:
		t.own().replacedAt, t.own().firstUse = instantOf(e.Until), e.EndsAtFirstUse
	case events.TokenDelivered:
		t.own().delivered = true
	case events.TokenRevoked:
		t.end = overRevoked
	case events.TokenExpired:
		if t.end = overExpired; t.rest().replacedAt != 0 {
			t.end = overReplaced
		}
	case events.TokenDeleted:
		t.end = overDeleted
	case events.TokenSSOAuthorized:
		t.own().stampedAt = instantOf(r.RecordedAt)
	case events.TokenSSOAuthorizationWithdrawn:
		t.own().stampedAt = 0
	case events.TokenRenamed, events.TokenDescribed, events.TokenTagged, events.TokenSuspended, events.TokenResumed,
		events.TokenExpiryWarned, events.TokenReviewed, events.TokenUsed, events.TokenUseRefused, events.TokenSourceSeen:
	}
}

func (s *state) created(t *token, e events.TokenCreated, at time.Time) {
	t.personal, t.watched = e.Kind == events.PersonalKind, s.following
	t.home = e.Organization
	if t.personal {
		t.home = e.Owner
	}
	t.scopes = s.lists.number(e.Scopes)
	t.expiresAt, t.createdAt = instantOf(e.ExpiresAt), instantOf(at)
	if len(e.Organizations) > 0 || e.RotatedFrom != uuid.Nil {
		t.own().grantedTo, t.own().successorOf = slices.Clone(e.Organizations), e.RotatedFrom
	}
}

func (t *token) regrant(e events.TokenOrganizationsChanged) {
	m := t.own()
	kept := make([]uuid.UUID, 0, len(m.grantedTo)+len(e.Added))
	for _, o := range slices.Concat(m.grantedTo, e.Added) {
		if !slices.Contains(e.Removed, o) && !slices.Contains(kept, o) {
			kept = append(kept, o)
		}
	}
	m.grantedTo = kept
}

func (s *state) applyGrant(id, organization uuid.UUID, e events.GrantEvent, r events.Recorded) {
	g := s.tokens.entry(id).granted(organization)
	if r.Version <= g.version {
		return
	}
	g.version = r.Version
	if gate, changed := events.GateAfter(e); changed {
		g.gate = gateOf(gate)
	}
	switch e := e.(type) {
	case events.GrantGiven:
		*g = grant{version: g.version, gate: g.gate, pending: e.Pending, givenAt: instantOf(r.RecordedAt)}
	case events.GrantEnded:
		g.ended = true
	case events.GrantSSOAuthorized:
		g.stampedAt = instantOf(r.RecordedAt)
	case events.GrantSSOAuthorizationWithdrawn:
		g.stampedAt = 0
	case events.GrantApproved:
		g.pending, g.approved = false, true
	case events.GrantChanged, events.GrantSuspended, events.GrantResumed, events.GrantReviewed, events.GrantExpiryWarned:
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
