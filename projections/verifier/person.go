// How a signed-in person stands: the same memory, asked without a token.

package verifier

import (
	"context"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// SignedOut says that a session is over because its user has signed out, or was
// deactivated, after it began.
const SignedOut Code = "SIGNED_OUT"

// PersonQuery asks how a person stands.
type PersonQuery struct {
	User         uuid.UUID
	Session      events.Position // of the sign-in that began the session; 0: no session is asked about
	Organization uuid.UUID       // that the request is for; zero: the person's only one, if there is one
}

// Person tells how a person stands, as of now. The code is empty if the person
// may come in; in the organization that is asked for they may still be no member.
func (v *Verifier) Person(ctx context.Context, q PersonQuery) (Subject, Code, error) {
	if !v.Ready() {
		return Subject{}, "", ErrNotReady
	}
	// Another process may have begun the session a moment ago.
	if err := v.Wait(ctx, q.Session); err != nil {
		return Subject{}, "", err
	}
	v.mu.RLock()
	defer v.mu.RUnlock()
	s, code := v.state.person(q, v.now())
	return s, code, nil
}

func (s *state) person(q PersonQuery, now time.Time) (Subject, Code) {
	u := s.users[q.User]
	switch {
	case u == nil || !u.active:
		return Subject{}, UserDeactivated
	case q.Session != 0 && q.Session <= u.sessionsEnd:
		return Subject{}, SignedOut
	}
	subject := Subject{User: q.User, Operator: u.operator, SignIn: s.signIn}
	for _, org := range u.memberOf {
		if m := s.members[pair{org, q.User}]; m != nil && !m.ended && !past(m.until, now) {
			subject.Organizations = append(subject.Organizations, org)
		}
	}
	switch {
	case q.Organization != uuid.Nil && !slices.Contains(subject.Organizations, q.Organization):
		return subject, NotMember
	case q.Organization != uuid.Nil:
		subject.Organization = q.Organization
	case len(subject.Organizations) == 1:
		subject.Organization = subject.Organizations[0]
	default:
		return subject, ""
	}
	subject.Role = s.members[pair{subject.Organization, q.User}].role
	var policy events.Policy
	if o := s.orgs[subject.Organization]; o != nil {
		policy = o.policy
	}
	subject.Scopes = aggregate.RoleScopes(subject.Role, policy)
	return subject, ""
}

// belongs notes an organization that the user is, or once was, a member of.
func (u *user) belongs(org uuid.UUID) {
	if !slices.Contains(u.memberOf, org) {
		u.memberOf = append(u.memberOf, org)
	}
}
