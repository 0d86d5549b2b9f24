// The decision: a pure function of the memory, the query and the clock.

package verifier

import (
	"context"
	"net/http"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

// Code says why a use is refused. It stands in the audit trail; outside, the
// codes that Hidden reports all look the same.
type Code string

// The codes, in the order in which they are looked for.
const (
	Malformed            Code = "MALFORMED"
	Unknown              Code = "UNKNOWN"
	WrongValue           Code = "WRONG_VALUE"
	Deleted              Code = "DELETED"
	Revoked              Code = "REVOKED"
	Expired              Code = "EXPIRED"
	Replaced             Code = "REPLACED" // it was rotated, and the overlap is over
	Suspended            Code = "SUSPENDED"
	UserDeactivated      Code = "USER_DEACTIVATED"
	OtherOrganization    Code = "OTHER_ORGANIZATION"
	OrganizationRequired Code = "ORGANIZATION_REQUIRED"
	NotGranted           Code = "NOT_GRANTED"
	NotMember            Code = "NOT_A_MEMBER"
	SSORequired          Code = "SSO_REQUIRED"
	ActionUnknown        Code = "ACTION_UNKNOWN"
	ScopeInsufficient    Code = "SCOPE_INSUFFICIENT"
	AboveCeiling         Code = "SCOPE_ABOVE_CEILING" // of the organization's policy
)

// Status is the HTTP status of the refusal: 401 for a credential that is no
// good, 403 for one that may not do this.
func (c Code) Status() int {
	switch c {
	case "":
		return http.StatusOK
	case SSORequired, ActionUnknown, ScopeInsufficient, OrganizationRequired, SourceUnknown, SourceForbidden, AboveCeiling:
		return http.StatusForbidden
	}
	return http.StatusUnauthorized
}

// Subject is what is known of the token that was shown, or of the person who is
// signed in, who has no Kind.
type Subject struct {
	Token         uuid.UUID
	Kind          events.TokenKind
	User          uuid.UUID        // owner of a personal token
	Organization  uuid.UUID        // that the use is for
	Organizations []uuid.UUID      // that a personal token is granted to
	Role          events.Role      // of the owner, in Organization
	Operator      bool             // the owner is one of the installation
	Scopes        aggregate.Scopes // what it may do there, as of now
	OwnScopes     aggregate.Scopes // as the token itself has them
	ScopeNeeded   string
	ExpiresAt     time.Time
	EndsAt        time.Time // ExpiresAt, or the end of a rotation's overlap if that is sooner; zero: never
	CreatedAt     time.Time
	SignIn        bool // people can sign in here, so that the token never stands for one
}

// Actor is how the token or person stands in the events of what it does.
func (s Subject) Actor() events.Actor {
	if s.Kind == "" {
		return events.Person(s.User)
	}
	if s.Kind == events.PersonalKind {
		return events.PersonalToken(s.Token, s.User)
	}
	return events.OrganizationToken(s.Token)
}

// Principal is the subject as the rules know it.
func (s Subject) Principal() aggregate.Principal {
	return aggregate.Principal{
		Actor: s.Actor(), User: s.User, Token: s.Token, Organization: s.Organization,
		Kind: s.Kind, Scopes: s.OwnScopes, ExpiresAt: s.ExpiresAt,
		SignIn: s.SignIn,
	}
}

// decided is a decision with all that recording it takes. trail is empty where
// nothing may be recorded in the token's name.
type decided struct {
	code        Code
	subject     Subject
	token       uuid.UUID
	trail       events.TrailID
	*ground     // nil where trail is empty
	notAfter    time.Time
	watched     bool      // all sources of the token are known here
	predecessor uuid.UUID // that this use ends, by the way it was rotated
	delivers    bool      // it is the first use of a successor
	policy      string    // that allows it or does not, where it came to that
	basis       basis
	rulings     *rulingBook
	idle        time.Duration // unused for so long, the token is refused; zero: never
	useUnknown  bool          // it is refused as idle, and its last use may not be known
}

// Authenticate tells whose value this is, and records nothing. The code is empty
// if the token is good at this moment.
func (v *Verifier) Authenticate(ctx context.Context, q Query) (Subject, Code, error) {
	q.Action, q.Scope = "", ""
	d, err := v.decideFresh(ctx, q)
	return d.subject, d.code, err
}

// decideFresh decides, and once more after catching up with the log where the
// token may have been made a moment ago, here or by another process.
func (v *Verifier) decideFresh(ctx context.Context, q Query) (decided, error) {
	d, err := v.decide(q)
	if err != nil || !d.useUnknown && (d.code != Unknown || !fresh(d.token, v.now())) {
		return d, err
	}
	if d.useUnknown {
		if err := v.recallUse(ctx, d); err != nil {
			return decided{}, err
		}
	}
	if err := v.settle(ctx); err != nil {
		return decided{}, err
	}
	return v.decide(q)
}

// rooms are for values while they are looked at; nothing of one stays there.
var rooms = sync.Pool{New: func() any { return new([secret.Length]byte) }}

func (v *Verifier) decide(q Query) (decided, error) {
	room := rooms.Get().(*[secret.Length]byte)
	defer func() {
		clear(room[:])
		rooms.Put(room)
	}()
	value := room[:copy(room[:], q.Value)]
	kind, raw, ok := secret.ParseBytes(value)
	ok = ok && len(q.Value) == len(value)
	v.mu.RLock()
	defer v.mu.RUnlock()
	if !v.ready {
		return decided{}, ErrNotReady
	}
	if !ok {
		return decided{code: Malformed}, nil
	}
	id := uuid.UUID(raw)
	t := v.state.tokens.get(id)
	if t == nil || t.pepper == 0 || t.personal != (kind == secret.Personal) {
		v.peppers.DummyVerify(value)
		return decided{code: Unknown, token: id}, nil
	}
	good, err := v.peppers.Verify(secret.PepperVersion(t.pepper), value, t.mac)
	if err != nil {
		return decided{}, err
	}
	d := v.state.decide(id, t, good, q, v.now())
	if d.code == "" {
		v.outdated(id, t, q.Value)
	}
	return d, nil
}

func (s *state) decide(id uuid.UUID, t *token, good bool, q Query, now time.Time) decided {
	d := decided{token: id, subject: Subject{
		Token: id, Kind: events.OrganizationKind, OwnScopes: s.lists.of(t), ExpiresAt: t.expiresAt.time(), EndsAt: t.endsAt(),
		CreatedAt: t.createdAt.time(), SignIn: s.signIn,
	}, basis: basis{token: t.version()}, rulings: s.rulings, watched: t.watched}
	if t.personal {
		d.subject.Kind, d.subject.User, d.subject.Organizations = events.PersonalKind, t.home, t.live()
	}
	if d.place(t, q.Organization) {
		d.ground = s.groundOf(id, t, d.subject.Organization)
		d.trail = d.ground.trail
	}
	if m := t.rest(); m.successorOf != uuid.Nil {
		d.delivers = !m.delivered
		if p := s.tokens.get(m.successorOf); p != nil && p.rest().firstUse && p.end == notOver {
			d.predecessor = m.successorOf
		}
	}
	d.code = s.refusal(&d, t, good, q, now)
	return d
}

// live gives the organizations that a personal token may reach.
func (t *token) live() []uuid.UUID {
	all, reached := t.rest().grantedTo, 0
	for _, o := range all {
		if t.reaches(o) {
			reached++
		}
	}
	switch reached {
	case 0:
		return nil
	case len(all):
		return all // which is replaced and never changed
	}
	out := make([]uuid.UUID, 0, reached)
	for _, o := range all {
		if t.reaches(o) {
			out = append(out, o)
		}
	}
	return out
}

func (t *token) reaches(organization uuid.UUID) bool {
	g := t.grant(organization)
	return g != nil && !g.ended
}

// place says for which organization the use is, if for any, and reports whether
// it may be recorded. A token that is not the asking organization's leaves
// nothing in its trail, and nothing elsewhere.
func (d *decided) place(t *token, asked uuid.UUID) bool {
	switch granted := d.subject.Organizations; {
	case !t.personal:
		if asked != uuid.Nil && asked != t.home {
			return false
		}
		d.subject.Organization = t.home
	case asked != uuid.Nil:
		if t.grant(asked) == nil {
			return false
		}
		d.subject.Organization = asked
	case len(granted) == 1:
		d.subject.Organization = granted[0]
	}
	return true
}

// endsAt is when the clock ends the token; zero: never.
func (t *token) endsAt() time.Time {
	if replaced := t.rest().replacedAt; t.expiresAt == 0 || replaced != 0 && replaced < t.expiresAt {
		return replaced.time()
	}
	return t.expiresAt.time()
}

// until lowers the last instant at which the use may be recorded.
func (d *decided) until(t time.Time) {
	if !t.IsZero() && (d.notAfter.IsZero() || t.Before(d.notAfter)) {
		d.notAfter = t
	}
}

func (s *state) refusal(d *decided, t *token, good bool, q Query, now time.Time) Code {
	m := t.rest()
	switch {
	case !good:
		return WrongValue
	case t.end != notOver:
		return t.end.code()
	case past(m.replacedAt.time(), now): // first, so that the use of a rotated value shows as one
		return Replaced
	case past(t.expiresAt.time(), now):
		return Expired
	case !m.gate.openAt(now):
		return Suspended
	case d.trail == "":
		return OtherOrganization
	}
	d.until(t.endsAt())
	stamped := m.stampedAt
	if t.personal {
		var code Code
		if stamped, code = s.owner(d, t, now); code != "" {
			return code
		}
	}
	o := s.orgs[d.subject.Organization]
	if o == nil {
		return s.withoutOrganization(d, q)
	}
	d.basis.organization = o.version
	d.subject.Scopes = d.scopes
	if code := o.signedOn(d, t.personal, stamped.time(), now); code != "" {
		return code
	}
	if code := s.demanded(d, t, o, q, now); code != "" {
		return code
	}
	return underCeiling(d, o, q)
}

// owner checks who stands behind a personal token: user, grant and membership.
func (s *state) owner(d *decided, t *token, now time.Time) (stamped instant, _ Code) {
	u := s.users[t.home]
	if u == nil || !u.active {
		return stamped, UserDeactivated
	}
	d.subject.Operator = u.operator
	org := d.subject.Organization
	if org == uuid.Nil {
		return stamped, ""
	}
	g := t.grant(org)
	if g == nil || g.ended {
		return stamped, NotGranted
	}
	if g.pending {
		return stamped, ApprovalRequired
	}
	if !g.gate.openAt(now) {
		return stamped, Suspended
	}
	m := s.members[pair{org, t.home}]
	if m == nil || m.ended || past(m.until, now) {
		return stamped, NotMember
	}
	d.basis.grant, d.basis.member = g.version, m.version
	d.until(m.until)
	d.subject.Role = m.role
	return g.stampedAt, ""
}

// withoutOrganization is for a personal token that no one organization is meant
// by: at the ledger it may manage what is its owner's, which the rules see to,
// and elsewhere say who it is.
func (s *state) withoutOrganization(d *decided, q Query) Code {
	if q.Ledger {
		return allowed(d, &organization{}, q)
	}
	if q.Action != "" && !q.Told || q.Scope != "" {
		if len(d.subject.Organizations) > 1 {
			return OrganizationRequired
		}
		return NotGranted
	}
	return ""
}

func past(deadline, now time.Time) bool { return !deadline.IsZero() && !now.Before(deadline) }
