// The registry: which objects there are, which scopes they make possible, and
// which scope an action needs.

package aggregate

import (
	"maps"
	"regexp"
	"slices"
	"strings"
)

// The objects that are the ledger's own; members have no scope on them.
var ledgerObjects = []string{"event", "organization", "policy", "report", "token", "user"}

// The objects of the systems that tokens are used against, known everywhere.
var outsideObjects = []string{"control", "evidence", "risk", "scan", "task"}

// builtinActions maps actions to scopes: those of the systems around the
// ledger, and every operation of its own GraphQL interface.
var builtinActions = map[string]string{
	"controls": "control:read", "control": "control:read",
	"createEvidence": "evidence:write",
	"createRisk":     "risk:write",
	"createScan":     "scan:write",
	"createTask":     "task:write", "updateTask": "task:write",

	"apiTokens": "token:read", "apiToken": "token:read", "node": "token:read", "nodes": "token:read",
	"personalAccessTokens": "token:read", "personalAccessToken": "token:read",
	"createAPIToken": "token:write", "createBulkAPIToken": "token:write", "createBulkCSVAPIToken": "token:write",
	"updateAPIToken": "token:write", "updateBulkAPIToken": "token:write", "revokeAPIToken": "token:write",
	"suspendAPIToken": "token:write", "resumeAPIToken": "token:write", "rotateAPIToken": "token:write",
	"deleteAPIToken": "token:delete", "deleteBulkAPIToken": "token:delete",
	"createPersonalAccessToken": "token:write", "createBulkPersonalAccessToken": "token:write",
	"createBulkCSVPersonalAccessToken": "token:write", "updatePersonalAccessToken": "token:write",
	"updateBulkPersonalAccessToken": "token:write", "revokePersonalAccessToken": "token:write",
	"suspendPersonalAccessToken": "token:write", "resumePersonalAccessToken": "token:write",
	"rotatePersonalAccessToken": "token:write", "deletePersonalAccessToken": "token:delete",
	"deleteBulkPersonalAccessToken": "token:delete", "endTokenGrant": "token:write",
	"approveTokenGrant": "token:write", "declineTokenGrant": "token:write", "withdrawTokenGrantApproval": "token:write",
	"revokeTokens": "token:write", "revokePreview": "token:read", "policyPreview": "report:read",
	"reviewAPIToken": "token:write", "reviewTokenGrant": "token:write",
	"authorizeTokenSSO": "token:write", "withdrawTokenSSO": "token:write",
	"verifyToken": "token:introspect", "verifyTokens": "token:introspect",

	"organization": "organization:read", "organizations": "organization:read",
	"createOrganization": "organization:write", "updateOrganization": "organization:write",
	"registerObject": "organization:write", "updateOrganizationPolicy": "policy:write",
	"updateOrganizationSSOProvider": "policy:write",
	"me":                            "user:read", "user": "user:read", "createUser": "user:write", "updateUser": "user:write",
	"deactivateUser": "user:write", "reactivateUser": "user:write",
	"addMember": "user:write", "updateMember": "user:write", "removeMember": "user:write",
	"inviteMember": "user:write", "withdrawInvitation": "user:write", "acceptInvitation": "user:write",
	"findings": "event:read", "finding": "event:read", "triageFinding": "event:write",
	"webhooks": "organization:read", "addWebhook": "organization:write", "removeWebhook": "organization:write",
	"replayWebhookDelivery": "organization:write", "replayWebhookDeliveries": "organization:write",
	"eraseOrganizationNetworkData": "organization:write",
	"event":                        "event:read", "auditEvents": "event:read", "eventProof": "event:read",
	"report": "report:read", "reports": "report:read", "accessDiff": "report:read", "whoCould": "report:read",
	"exportEvidence": "report:read", "accessReviews": "report:read", "openAccessReview": "report:write", "decideAccessReview": "report:write",
	"closeAccessReview": "report:write",
}

// Registry is what scopes and actions an organization knows: the built-in ones
// and those of the objects that it registered. The zero Registry is the
// built-in one. It is immutable.
type Registry struct {
	objects map[string]map[string]string // registered: object → action → verb
}

// With is the registry of an organization with these registered objects, each
// with its actions and their verbs.
func With(objects map[string]map[string]string) Registry { return Registry{objects: objects} }

// Join knows what r or o knows.
func (r Registry) Join(o Registry) Registry {
	if len(r.objects) == 0 {
		return o
	}
	all := maps.Clone(r.objects)
	maps.Copy(all, o.objects)
	return Registry{objects: all}
}

// registryOf knows the objects of these scopes: whatever a token has stays
// possible for it and its successor, also where the organization that
// registered the object is no longer one of its own.
func registryOf(scopes Scopes) Registry {
	objects := map[string]map[string]string{}
	for _, scope := range scopes {
		if a := atomOf(scope); a.object != "" {
			objects[a.object] = nil
		}
	}
	return Registry{objects: objects}
}

// Scopes lists every known scope, sorted.
func (r Registry) Scopes() Scopes {
	all := []string{scopeAdmin, VerbRead, VerbWrite, "token:" + VerbIntrospect}
	for _, object := range slices.Concat(ledgerObjects, outsideObjects, slices.Collect(maps.Keys(r.objects))) {
		all = append(all, object+":"+VerbRead, object+":"+VerbWrite, object+":"+VerbDelete)
	}
	return canonical(all)
}

// Knows reports whether the scope is one of [Registry.Scopes].
func (r Registry) Knows(scope string) bool {
	a := atomOf(scope)
	if a.object == "" { // with a colon the verb is cut off, so ":read" is not "read"
		return scope == scopeAdmin || scope == VerbRead || scope == VerbWrite
	}
	switch a.verb {
	case VerbRead, VerbWrite, VerbDelete:
		_, registered := r.objects[a.object]
		return registered || slices.Contains(ledgerObjects, a.object) || slices.Contains(outsideObjects, a.object)
	case VerbIntrospect:
		return a.object == "token"
	}
	return false
}

// Parse reads the scopes of an input field. The refusal lists what is known.
func (r Registry) Parse(field string, in []string) (Scopes, error) {
	for _, scope := range in {
		if r.Knows(scope) {
			continue
		}
		if err := (text{field: field, max: MaxName}).check(scope); err != nil {
			return nil, err
		}
		return nil, refuse(CodeBadUserInput, field, "There is no scope %q. Known scopes: %s.", scope, strings.Join(r.Scopes(), ", "))
	}
	return canonical(in), nil
}

// ActionScope gives the object and verb that an action needs; ok is false for
// an action that nobody has mapped, which is to be refused.
func (r Registry) ActionScope(action string) (object, verb string, ok bool) {
	if scope, found := builtinActions[action]; found {
		a := atomOf(scope)
		return a.object, a.verb, true
	}
	for object, actions := range r.objects {
		if verb, found := actions[action]; found {
			return object, verb, true
		}
	}
	return "", "", false
}

// The most that an organization may register.
const (
	maxObjects = 100
	maxActions = 200
)

var (
	objectName = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
	actionName = regexp.MustCompile(`^[A-Za-z][A-Za-z0-9_.-]{0,127}$`)
)

// check says whether the object with its actions can join the registry.
func (r Registry) check(object string, actions map[string]string) error {
	if err := withoutValue("name", object); err != nil {
		return err
	}
	_, again := r.objects[object]
	switch {
	case !objectName.MatchString(object):
		return refuse(CodeBadUserInput, "name", "An object's name is a small letter, then small letters, digits and underscores, at most 63 in all.")
	case object == scopeAdmin || object == VerbRead || object == VerbWrite || slices.Contains(ledgerObjects, object):
		return refuse(CodeBadUserInput, "name", "%s is the ledger's own and cannot be registered.", object)
	case !again && len(r.objects) >= maxObjects:
		return refuse(CodeBadUserInput, "name", "This organization has registered %d objects; more are not possible.", maxObjects)
	case len(actions) > maxActions:
		return refuse(CodeBadUserInput, "actions", "An object has at most %d actions; these are %d.", maxActions, len(actions))
	}
	for _, action := range slices.Sorted(maps.Keys(actions)) {
		if err := r.checkAction(object, action, actions[action]); err != nil {
			return err
		}
	}
	return nil
}

func (r Registry) checkAction(object, action, verb string) error {
	if err := withoutValue("actions", action); err != nil {
		return err
	}
	if !actionName.MatchString(action) {
		return refuse(CodeBadUserInput, "actions", "An action's name is a letter, then letters, digits, underscores, dots and dashes, at most 128 in all.")
	}
	if verb != VerbRead && verb != VerbWrite && verb != VerbDelete {
		return refuse(CodeBadUserInput, "actions", "The action %s needs read, write or delete.", action)
	}
	if owner, _, taken := r.ActionScope(action); taken && (owner != object || builtinActions[action] != "") {
		return refuse(CodeConflict, "actions", "The action %s is already known, as one on %s.", action, owner)
	}
	return nil
}
