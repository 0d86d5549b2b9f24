// The permissions as a table, worked out by asking the policies: for documents and tests.

package aggregate

import (
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Credential is a kind of caller, as far as rules tell them apart.
type Credential string

// The credentials. A scoped token has just the scope that the operation needs.
const (
	CredentialPerson            Credential = "a person who has signed in"
	CredentialFullToken         Credential = "a personal token with all its owner's rights"
	CredentialFullTokenSignIn   Credential = "the same, where people can sign in"
	CredentialScopedToken       Credential = "a personal token with the scope"
	CredentialScopedTokenSignIn Credential = "a personal token with the scope, where people can sign in"
	CredentialOrganizationToken Credential = "an organization token with the scope"
	CredentialService           Credential = "the service by itself"
)

// Credentials lists the kinds of callers. The last two have no role.
func Credentials() []Credential {
	return []Credential{
		CredentialPerson, CredentialFullToken, CredentialFullTokenSignIn, CredentialScopedToken,
		CredentialScopedTokenSignIn, CredentialOrganizationToken, CredentialService,
	}
}

// Stance is how somebody stands to what he asks for, under a name.
type Stance struct {
	Name string
	Standing
}

// Stances lists the ways to stand to a thing: a role in its organization, its
// being one's own, or the office of an operator.
func Stances() []Stance {
	return []Stance{
		{"owner", Standing{Role: events.RoleOwner}},
		{"admin", Standing{Role: events.RoleAdmin}},
		{"auditor", Standing{Role: events.RoleAuditor}},
		{"member", Standing{Role: events.RoleMember}},
		{"own", Standing{Own: true}},
		{"operator", Standing{Operator: true}},
	}
}

// Permission is the ruling for one operation, credential and stance. Who has no
// role takes the zero stance.
func Permission(op Operation, c Credential, at Stance) Ruling {
	ruling, _ := policies().rule(questionOf(op, c, at))
	return ruling
}

// Somebody in some organization: rulings depend on whether ids are the same, and
// never on the ids.
var (
	somebody  = uuid.UUID{15: 1}
	someToken = uuid.UUID{15: 2}
	somewhere = uuid.UUID{15: 3}
)

func questionOf(op Operation, c Credential, at Stance) question {
	q := question{operation: op, standing: at.Standing}
	q.standing.Organization = somewhere
	q.standing.Member = events.RoleMember
	scope := Scopes{ScopeFor(op)}
	personal := Principal{
		Actor: events.PersonalToken(someToken, somebody), User: somebody, Token: someToken, Kind: events.PersonalKind,
		SignIn: c == CredentialFullTokenSignIn || c == CredentialScopedTokenSignIn,
	}
	switch c {
	case CredentialPerson:
		q.principal = Principal{Actor: events.Person(somebody), User: somebody, SignIn: true}
	case CredentialFullToken, CredentialFullTokenSignIn:
		q.principal = personal
	case CredentialScopedToken, CredentialScopedTokenSignIn:
		personal.Scopes = scope
		q.principal = personal
	case CredentialOrganizationToken:
		q.principal = Principal{
			Actor: events.OrganizationToken(someToken), Token: someToken, Organization: somewhere,
			Kind: events.OrganizationKind, Scopes: scope,
		}
	case CredentialService:
		q.principal = Service("service")
	}
	return q
}

// Systems lists what a use in an organization's systems can need, one example of
// each kind, for [UsePermission].
func Systems() []string {
	return []string{"evidence:read", "evidence:write", "evidence:delete", "token:introspect"}
}

// UsePermission is the ruling on a use that needs the scope, in an organization
// that lists these scopes for its members.
func UsePermission(scope string, c Credential, role events.Role, members ...string) Ruling {
	q := questionOf(opUse, c, Stance{Standing: Standing{Role: role}})
	if len(q.principal.Scopes) > 0 {
		q.principal.Scopes = Scopes{scope}
	}
	q.scope, q.members = scope, RoleScopes(events.RoleMember, events.Policy{MemberScopes: slices.Clone(members)})
	ruling, _ := policies().rule(q)
	return ruling
}
