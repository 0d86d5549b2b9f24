// The facts of one question, as the policies see them: entities and context.

package aggregate

import (
	"github.com/cedar-policy/cedar-go"
	"github.com/cedar-policy/cedar-go/types"
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// question is all that a ruling depends on.
type question struct {
	principal Principal
	standing  Standing
	operation Operation
	scope     string // empty: the one that the operation needs
	members   Scopes // what members may use in the organization
	ceiling   Scopes // of every token there; nil: none
	beyond    string // what is more than the principal has
}

// The types of entities; the schema has them.
const (
	typeAction            types.EntityType = "Action"
	typeRole              types.EntityType = "Role"
	typeScope             types.EntityType = "Scope"
	typePerson            types.EntityType = "Person"
	typePersonalToken     types.EntityType = "PersonalToken"
	typeOrganizationToken types.EntityType = "OrganizationToken"
	typeService           types.EntityType = "Service"
	typeOrganization      types.EntityType = "Organization"
	typeInstallation      types.EntityType = "Installation"
)

func actionUID(op Operation) types.EntityUID { return cedar.NewEntityUID(typeAction, types.String(op)) }

func roleUID(role events.Role) types.EntityUID {
	return cedar.NewEntityUID(typeRole, types.String(role))
}

func scopeUID(scope string) types.EntityUID {
	return cedar.NewEntityUID(typeScope, types.String(scope))
}

// Roles that nobody is given: everybody with an account has the one, operators of
// the installation the other.
const (
	roleUser     events.Role = "user"
	roleOperator events.Role = "operator"
)

// facts implements [types.EntityGetter] for one question.
type facts struct {
	actions             map[types.EntityUID]types.Entity
	principal, resource types.Entity
	context             types.Record
}

// Get implements [types.EntityGetter]. Scopes are made as they are asked for, so
// that objects which organizations register need no entry.
func (f *facts) Get(uid types.EntityUID) (types.Entity, bool) {
	switch uid.Type {
	case typeAction:
		e, known := f.actions[uid]
		return e, known
	case typeRole:
		if uid.ID == types.String(events.RoleOwner) {
			return types.Entity{UID: uid, Parents: types.NewEntityUIDSet(roleUID(events.RoleAdmin))}, true
		}
		return types.Entity{UID: uid}, true
	case typeScope:
		return types.Entity{UID: uid, Parents: types.NewEntityUIDSet(above(string(uid.ID))...)}, true
	case f.principal.UID.Type:
		return f.principal, uid == f.principal.UID
	case f.resource.UID.Type:
		return f.resource, uid == f.resource.UID
	}
	return types.Entity{}, false
}

// above lists the scopes that hold this one; see [atom].covers.
func above(scope string) []types.EntityUID {
	a := atomOf(scope)
	var out []types.EntityUID
	if a.verb == VerbRead {
		out = append(out, scopeUID(atom{a.object, VerbWrite}.String()))
	}
	if a.object != "" && (a.verb == VerbRead || a.verb == VerbWrite) {
		out = append(out, scopeUID(a.verb))
	}
	if a.verb != VerbIntrospect && scope != scopeAdmin {
		out = append(out, scopeUID(scopeAdmin))
	}
	return out
}

func factsOf(s *policySet, q question) *facts {
	f := &facts{actions: s.actions, principal: q.principalEntity(), resource: q.resourceEntity()}
	scope := q.scope
	if scope == "" {
		scope = s.operations[q.operation]
	}
	context := types.RecordMap{
		"scope":  scopeUID(scope),
		"own":    types.Boolean(q.standing.Own),
		"signIn": types.Boolean(q.principal.SignIn),
	}
	if q.standing.Member != "" {
		context["member"] = roleUID(q.standing.Member)
	}
	if q.beyond != "" {
		context["beyond"] = types.String(q.beyond)
	}
	f.context = types.NewRecord(context)
	return f
}

func (q question) principalEntity() types.Entity {
	p := q.principal
	switch {
	case p.Actor.Kind == events.ActorSystem:
		return types.Entity{UID: cedar.NewEntityUID(typeService, types.String(p.Actor.ID))}
	case p.Kind == events.OrganizationKind:
		return types.Entity{
			UID: entityUID(typeOrganizationToken, p.Token),
			Attributes: types.NewRecord(types.RecordMap{
				"organization": entityUID(typeOrganization, p.Organization), "scopes": scopeSet(p.Scopes),
			}),
		}
	}
	roles := []types.EntityUID{roleUID(roleUser)}
	if q.standing.Role != "" {
		roles = append(roles, roleUID(q.standing.Role))
	}
	if q.standing.Operator {
		roles = append(roles, roleUID(roleOperator))
	}
	e := types.Entity{UID: entityUID(typePerson, p.User), Parents: types.NewEntityUIDSet(roles...)}
	if p.Kind != "" {
		e.UID = entityUID(typePersonalToken, p.Token)
		e.Attributes = types.NewRecord(types.RecordMap{"scopes": scopeSet(p.Scopes)})
	}
	return e
}

// resourceEntity is the organization whose thing it is. Where the question does
// not say, an organization token means its own, anybody else none.
func (q question) resourceEntity() types.Entity {
	organization := q.standing.Organization
	if organization == uuid.Nil && q.principal.Kind == events.OrganizationKind {
		organization = q.principal.Organization
	}
	if organization == uuid.Nil && q.principal.Kind != events.OrganizationKind {
		return types.Entity{UID: cedar.NewEntityUID(typeInstallation, "")}
	}
	attributes := types.RecordMap{"memberScopes": scopeSet(q.members)}
	if q.ceiling != nil {
		attributes["ceiling"] = scopeSet(q.ceiling)
	}
	return types.Entity{UID: entityUID(typeOrganization, organization), Attributes: types.NewRecord(attributes)}
}

func entityUID(t types.EntityType, id uuid.UUID) types.EntityUID {
	return cedar.NewEntityUID(t, types.String(id.String()))
}

func scopeSet(scopes Scopes) types.Set {
	all := make([]types.Value, len(scopes))
	for i, scope := range scopes {
		all[i] = scopeUID(scope)
	}
	return types.NewSet(all...)
}
