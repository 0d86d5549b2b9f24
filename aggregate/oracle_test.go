// A naive oracle of who may do what, written from the design's table in plain Go
// and sharing no code with the policies, against a million random decisions.

package aggregate_test

import (
	"math/rand/v2"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// world is everything that one decision can depend on, in the oracle's own words.
type world struct {
	caller    string // "person", "personal token", "organization token", "service"
	role      string // in the organization at hand; "": none
	operator  bool
	own       bool
	signIn    bool
	foreign   bool // the thing is another organization's than the organization token
	scopes    []string
	operation string
	member    string // role of the membership at hand

	use bool // in an organization's systems, and no operation of the ledger

	need    []string
	listed  []string // for members
	ceiling []string
	ledger  bool
}

// holds says whether a scope holds what another one stands for: spelled out for
// each form that a scope can have.
func holds(have, need string) bool {
	if have == need {
		return true
	}
	needObject, needVerb, _ := strings.Cut(need, ":")
	if needVerb == "introspect" {
		return false
	}
	switch have {
	case "admin":
		return true
	case "write":
		return needVerb == "write" || needVerb == "read" || need == "read"
	case "read":
		return needVerb == "read"
	}
	haveObject, haveVerb, _ := strings.Cut(have, ":")
	return haveObject == needObject && haveVerb == "write" && needVerb == "read"
}

func anyHolds(have []string, need string) bool {
	return slices.ContainsFunc(have, func(h string) bool { return holds(h, need) })
}

var (
	// What each line of the design gives, with the scope that it takes of a token.
	reads = map[string]string{
		"organization-token.read": "token:read", "grant.read": "token:read", "token.preview-revoke": "token:read",
		"organization.read": "organization:read", "webhook.read": "organization:read", "policy.read": "policy:read",
		"member.read": "user:read", "user.read": "user:read", "event.read": "event:read", "finding.read": "event:read",
		"token.report-leak": "event:read",
		"report.read":       "report:read", "report.export-evidence": "report:read", "review.read": "report:read",
		"policy.preview": "report:read",
	}
	manages = map[string]string{ // owner and admin, also by their organization's tokens
		"organization-token.create": "token:write", "organization-token.change": "token:write",
		"organization-token.rotate": "token:write", "organization-token.revoke": "token:write",
		"organization-token.delete": "token:delete", "grant.end": "token:write", "token.verify": "token:introspect",
	}
	governs = []string{ // owner and admin, never by narrow tokens or an organization's
		"organization.rename", "organization.register-object", "webhook.manage", "member.add", "member.change-role",
		"member.end", "user.create", "user.update", "user.deactivate",
	}
	people = []string{ // owner and admin, never by tokens where people can sign in
		"member.invite", "member.withdraw-invitation", "grant.approve", "grant.decline", "review.open", "review.decide",
		"review.close", "token.review", "finding.triage", "policy.change", "sso.authorize", "sso.withdraw",
		"sso.set-provider", "sso.stamp-organization-token", "organization.erase-network-data",
	}
	mine = map[string]string{ // everybody, of what is his own
		"personal-token.read": "token:read", "personal-token.create": "token:write", "personal-token.change": "token:write",
		"personal-token.rotate": "token:write", "personal-token.revoke": "token:write", "personal-token.delete": "token:delete",
		"organization-token.read": "token:read", "token.preview-revoke": "token:read", "token.report-leak": "event:read",
		"event.read": "event:read", "event.open-personal-values": "event:read",
		"user.read": "user:read", "user.update": "admin", "sso.stamp-personal-token": "admin", "session.sign-out": "admin",
	}
)

// may is the oracle for the ledger's own operations.
func (w world) may() bool {
	managing := w.role == "owner" || w.role == "admin"
	scope, allowed := "admin", false
	if s, is := reads[w.operation]; is {
		scope, allowed = s, managing || w.role == "auditor" || w.operation == "organization.read" && w.role == "member"
	}
	if s, is := manages[w.operation]; is {
		scope, allowed = s, managing
	}
	if slices.Contains(governs, w.operation) || slices.Contains(people, w.operation) {
		allowed = managing
	}
	if s, is := mine[w.operation]; is {
		scope, allowed = s, allowed || w.own
	}
	switch w.operation {
	case "event.open-personal-values":
		allowed = allowed || w.role == "auditor"
	case "member.appoint-owner":
		allowed = w.role == "owner"
	case "organization.create":
		allowed = w.operator
	case "installation.read-events":
		scope, allowed = "event:read", w.operator
	}
	switch w.caller {
	case "service":
		return w.operation == "token.expire" || w.operation == "organization-token.revoke" || w.operation == "personal-token.revoke"
	case "organization token":
		return w.automated(scope)
	case "personal token":
		neverByToken := slices.Contains(people, w.operation) || slices.Contains([]string{
			"member.appoint-owner", "sso.stamp-personal-token",
		}, w.operation)
		if w.signIn && neverByToken || w.operation == "session.sign-out" {
			return false
		}
		return allowed && (len(w.scopes) == 0 || anyHolds(w.scopes, scope))
	}
	return allowed
}

func (w world) automated(scope string) bool {
	_, isRead := reads[w.operation]
	_, isManaged := manages[w.operation]
	switch w.operation {
	case "provisioning.read":
		scope = "user:read"
	case "provisioning.write":
		if w.member != "member" {
			return false
		}
		scope = "user:write"
	default:
		if !isRead && !isManaged {
			return false
		}
	}
	return !w.foreign && anyHolds(w.scopes, scope)
}

// mayUse is the oracle for uses: every scope that is needed must be the token's,
// its owner's by his role, and below the organization's ceiling.
func (w world) mayUse() bool {
	if w.caller == "organization token" && w.foreign {
		return false
	}
	for _, need := range w.need {
		if (w.caller == "organization token" || len(w.scopes) > 0) && !anyHolds(w.scopes, need) {
			return false
		}
		if len(w.ceiling) > 0 && !anyHolds(w.ceiling, need) {
			return false
		}
		if w.ledger || w.caller == "organization token" {
			continue
		}
		switch w.role {
		case "owner", "admin":
		case "auditor":
			if !holds("read", need) {
				return false
			}
		case "member":
			if !slices.ContainsFunc(w.listed, func(l string) bool {
				object, _, ofOne := strings.Cut(l, ":")
				ours := slices.Contains([]string{"token", "organization", "user", "policy", "report", "event"}, object)
				return ofOne && !ours && holds(l, need)
			}) {
				return false
			}
		default:
			return false
		}
	}
	return true
}

var everyScope = []string{
	"read", "write", "admin", "token:read", "token:write", "token:delete", "token:introspect", "organization:read",
	"organization:write", "user:read", "user:write", "user:delete", "policy:read", "policy:write", "report:read",
	"report:write", "event:read", "event:write", "evidence:read", "evidence:write", "evidence:delete", "control:read",
	"risk:write", "task:write", "scan:delete", "rocket:read", "rocket:write",
}

func pick[T any](r *rand.Rand, from ...T) T { return from[r.IntN(len(from))] }

func some(r *rand.Rand, most int, from []string) []string {
	out := make([]string, r.IntN(most+1))
	for i := range out {
		out[i] = pick(r, from...)
	}
	return out
}

func randomWorld(r *rand.Rand, operations []aggregate.Operation) world {
	w := world{
		caller: pick(r, "person", "personal token", "personal token", "organization token", "organization token", "service"),
		role:   pick(r, "owner", "admin", "auditor", "member", ""), operator: r.IntN(4) == 0, own: r.IntN(2) == 0,
		signIn: r.IntN(2) == 0, foreign: r.IntN(8) == 0, operation: string(pick(r, operations...)),
		member: pick(r, "member", "member", "owner", "admin", "auditor", ""), ledger: r.IntN(4) == 0,
		use: r.IntN(2) == 0, need: some(r, 2, everyScope), listed: some(r, 3, everyScope),
	}
	if strings.HasSuffix(w.caller, "token") {
		w.scopes = some(r, 4, everyScope)
	} else {
		w.use = false
	}
	if r.IntN(3) == 0 {
		w.ceiling = some(r, 3, everyScope)
	}
	return w
}

var here, token, user = uuid.New(), uuid.New(), uuid.New()

func (w world) principal() aggregate.Principal {
	p := aggregate.Principal{Scopes: w.scopes, SignIn: w.signIn}
	switch w.caller {
	case "service":
		return aggregate.Service("scheduler")
	case "person":
		p.Actor, p.User = events.Person(user), user
	case "personal token":
		p.Actor, p.User, p.Token, p.Kind = events.PersonalToken(token, user), user, token, events.PersonalKind
	case "organization token":
		p.Actor, p.Token, p.Kind, p.Organization = events.OrganizationToken(token), token, events.OrganizationKind, here
		if w.foreign {
			p.Organization = uuid.UUID{1}
		}
	}
	return p
}

// check puts one decision to the policies and to the oracle, and gives what differs.
func (w world) check() (allowed bool, wrong string) {
	want, got := false, aggregate.Ruling{}
	if w.use {
		want, got = w.mayUse(), aggregate.Authority{
			Principal: w.principal(), Role: events.Role(w.role), Organization: here, Ledger: w.ledger,
			Policy: events.Policy{MemberScopes: w.listed, ScopeCeiling: w.ceiling},
		}.Use(w.need)
	} else {
		want, got = w.may(), aggregate.Rule(w.principal(), aggregate.Standing{
			Role: events.Role(w.role), Operator: w.operator, Own: w.own, Organization: here, Member: events.Role(w.member),
		}, aggregate.Operation(w.operation))
	}
	switch {
	case got.Policy == "":
		return want, "decided by no policy"
	case got.Allowed && !want:
		return want, "allowed by " + got.Policy + ", and the design does not"
	case want && !got.Allowed:
		return want, "denied by " + got.Policy + ", and the design allows it"
	}
	return want, ""
}

func TestNoWrongAllowInAMillionDecisions(t *testing.T) {
	t.Parallel()
	operations := append(aggregate.Operations(), "token.forge", "use", "token.hand-on", "reading", "")
	const workers = 4
	var wg sync.WaitGroup
	for worker := range workers {
		wg.Go(func() {
			r := rand.New(rand.NewPCG(20260101, uint64(worker)))
			allowed := 0
			for range randomDecisions / workers {
				w := randomWorld(r, operations)
				may, wrong := w.check()
				if wrong != "" {
					t.Errorf("%s: %+v", wrong, w)
					return
				}
				if may {
					allowed++
				}
			}
			if allowed < randomDecisions/workers/20 {
				t.Errorf("%d of %d decisions were to allow: too few to tell", allowed, randomDecisions/workers)
			}
		})
	}
	wg.Wait()
}

// The oracle knows every operation, and no other.
func TestTheOracleIsComplete(t *testing.T) {
	t.Parallel()
	callers := []string{"person", "personal token", "organization token", "service"}
	for _, op := range aggregate.Operations() {
		allowed := false
		for _, caller := range callers {
			for _, role := range []string{"owner", "admin", "auditor", "member", ""} {
				w := world{
					caller: caller, role: role, operator: true, own: true, operation: string(op), member: "member",
				}
				if caller == "organization token" {
					w.scopes = []string{"admin", "token:introspect"}
				}
				allowed = allowed || w.may()
			}
		}
		if !allowed {
			t.Errorf("the oracle lets nobody do %s", op)
		}
	}
}
