// Policies, approvals, reviews, previews and the end of many tokens, as a client sees them.

package graphql_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"strings"
	"testing"

	"github.com/tokenledger/tokenledger/events"
)

const verifyFrom = `mutation($token: String!, $from: String) {
	verifyToken(input: {token: $token, action: "createEvidence", sourceIP: $from, userAgent: "uploader/1"}) { allowed code }
}`

func TestPolicyDemandsAndPreviews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gate := w.usable(w.apiToken("gate", "token:introspect"))
	a := w.ask(`mutation { updateOrganizationPolicy(input: {rotationAge: 3600, memberScopes: ["evidence:read"]}) {
		organization { policy { rotationAge rotationEnforced allowedSources memberScopes maxLifetime } } receipt { events { type } } } }`, nil)
	for path, want := range map[string]string{"rotationAge": "3600", "rotationEnforced": "false", "maxLifetime": "0", "memberScopes.0": "evidence:read"} {
		if got := a.at("updateOrganizationPolicy.organization.policy." + path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
	a = w.ask(`mutation { updateOrganizationPolicy(input: {descriptionRequired: true}) { organization { policy { rotationAge descriptionRequired memberScopes } } } }`, nil)
	if a.at("updateOrganizationPolicy.organization.policy.rotationAge") != "3600" || a.at("updateOrganizationPolicy.organization.policy.memberScopes.0") != "evidence:read" {
		t.Errorf("what is left out does not stay: %s", a.body)
	}
	w.send(w.admin, `mutation { createAPIToken(input: {name: "x", scopes: ["read"]}) { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "description")
	w.send(w.admin, `mutation { updateOrganizationPolicy(input: {allowedSources: ["everywhere"]}) { receipt { position } } }`, nil).refuses("BAD_USER_INPUT", "allowedSources")
	w.send(w.admin, `mutation { updateOrganizationPolicy(input: {expiryRequired: true}) { receipt { position } } }`, nil).refuses("CONFLICT", "expiryRequired")
	w.ask(`mutation { updateOrganizationPolicy(input: {descriptionRequired: false}) { receipt { position } } }`, nil)

	key := w.usable(w.apiToken("uploads", "evidence:write"))
	for _, from := range []any{"192.0.2.1", "192.0.2.1", "198.51.100.1", nil} {
		if a := w.as(gate.value, verifyFrom, vars{"token": key.value, "from": from}); a.at("verifyToken.allowed") != "true" {
			t.Fatalf("%s", a.body)
		}
	}
	const preview = `query($first: Int! = 100, $after: Long) { policyPreview(policy: {allowedSources: ["192.0.2.0/24", "127.0.0.0/8"]}, days: 1, first: $first, after: $after) {
		calls refusedCalls unknownCalls hasMore policy { allowedSources rotationAge } tokens { tokenID name calls refusedCalls reasons { code calls } } refused { position tokenID action code } } }`
	w.settle() // what was recorded a moment ago by another caller
	a = w.ask(preview, nil)
	for path, want := range map[string]string{
		"refusedCalls": "2", "unknownCalls": "0", "hasMore": "false", "policy.rotationAge": "3600", "tokens.0.tokenID": key.id, "tokens.0.name": "uploads",
		"tokens.0.calls": "4", "tokens.0.refusedCalls": "2", "refused.0.code": "SOURCE_FORBIDDEN", "refused.1.code": "SOURCE_UNKNOWN", "refused.1.action": "createEvidence",
	} {
		if got := a.at("policyPreview." + path); got != want {
			t.Errorf("%s: got %q, want %q in %s", path, got, want, a.body)
		}
	}
	first := w.ask(preview, vars{"first": 1})
	if first.at("policyPreview.hasMore") != "true" || len(first.any("policyPreview.refused").([]any)) != 1 || first.at("policyPreview.refusedCalls") != "2" {
		t.Errorf("the first page: %s", first.body)
	}
	second := w.ask(preview, vars{"first": 1, "after": first.any("policyPreview.refused.0.position")})
	if second.at("policyPreview.hasMore") != "false" || second.at("policyPreview.refused.0.code") != "SOURCE_UNKNOWN" {
		t.Errorf("the second page: %s", second.body)
	}
	w.send(w.admin, `{ policyPreview(policy: {}, days: 91) { calls } }`, nil).refuses("BAD_USER_INPUT", "days")
	w.send(w.admin, `{ policyPreview(policy: {maxLifetime: -1}) { calls } }`, nil).refuses("BAD_USER_INPUT", "maxLifetime")
	_, member := w.member("member", events.RoleMember)
	w.send(member, `{ policyPreview(policy: {}) { calls } }`, nil).refuses("FORBIDDEN", "*")
	_, auditor := w.member("auditor", events.RoleAuditor)
	if a := w.as(auditor, preview, nil); a.at("policyPreview.refusedCalls") != "2" {
		t.Errorf("an auditor: %s", a.body)
	}

	// Switched on, it refuses what was foreseen.
	w.ask(`mutation { updateOrganizationPolicy(input: {allowedSources: ["192.0.2.0/24", "127.0.0.0/8"]}) { receipt { position } } }`, nil)
	w.settle()
	for from, want := range map[any]string{"192.0.2.1": "true", "198.51.100.1": "false", nil: "false"} {
		if a := w.as(gate.value, verifyFrom, vars{"token": key.value, "from": from}); a.at("verifyToken.allowed") != want {
			t.Errorf("from %v: %s", from, a.body)
		}
	}
}

func TestApprovalAndReviewThroughTheInterface(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.ask(`mutation($id: ID!) { approveTokenGrant(id: $id) { receipt { position } } }`, vars{"id": w.ownToken()})
	w.ask(`mutation { updateOrganizationPolicy(input: {approvalRequired: true}) { receipt { position } } }`, nil)
	_, value := w.member("waiting", events.RoleAdmin)
	w.settle()
	if a := w.send(value, `{ apiTokens { totalCount } }`, nil); !strings.Contains(string(a.body), "APPROVAL_REQUIRED") {
		t.Errorf("before the approval: %s", a.body)
	}
	a := w.ask(`{ organization { tokenGrants { edges { node { tokenID status approvedAt } } } } }`, nil)
	if a.at("organization.tokenGrants.edges.0.node.approvedAt") == "" || a.at("organization.tokenGrants.edges.1.node.status") != "PENDING" {
		t.Fatalf("%s", a.body)
	}
	id := a.at("organization.tokenGrants.edges.1.node.tokenID")
	a = w.ask(`mutation($id: ID!) { approveTokenGrant(id: $id, reason: "asked for") { tokenGrant { status approvedAt approvedBy } receipt { events { type } } } }`, vars{"id": id})
	if a.at("approveTokenGrant.tokenGrant.status") != "ACTIVE" || a.at("approveTokenGrant.tokenGrant.approvedBy") != w.user.String() {
		t.Errorf("%s", a.body)
	}
	w.settle()
	w.as(value, `{ apiTokens { totalCount } }`, nil)
	a = w.ask(`mutation($id: ID!) { reviewTokenGrant(id: $id, reason: "still needed") { tokenGrant { lastReviewedAt } receipt { events { type } } } }`, vars{"id": id})
	if a.at("reviewTokenGrant.tokenGrant.lastReviewedAt") == "" {
		t.Errorf("%s", a.body)
	}
	key := w.apiToken("reviewed", "read")
	w.ask(`mutation($id: ID!) { reviewAPIToken(id: $id) { apiToken { lastReviewedAt } receipt { position } } }`, vars{"id": key.id})
	if a := w.ask(`query($id: ID!) { apiToken(id: $id) { lastReviewedAt rotationDueAt } }`, vars{"id": key.id}); a.at("apiToken.lastReviewedAt") == "" || a.any("apiToken.rotationDueAt") != nil {
		t.Errorf("%s", a.body)
	}
	w.ask(`mutation($id: ID!) { withdrawTokenGrantApproval(id: $id, reason: "left") { tokenGrant { status endedBecause } receipt { position } } }`, vars{"id": id})
	w.send(w.admin, `mutation($id: ID!) { declineTokenGrant(id: $id, reason: "no") { receipt { position } } }`, vars{"id": id}).refuses("CONFLICT", "*")
	w.ask(`mutation { updateOrganizationPolicy(input: {rotationAge: 60}) { receipt { position } } }`, nil)
	if a := w.ask(`query($id: ID!) { apiToken(id: $id) { rotationDueAt } }`, vars{"id": key.id}); a.at("apiToken.rotationDueAt") == "" {
		t.Errorf("%s", a.body)
	}
}

func TestRevokePreviewAndRevokeTokens(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	gate := w.usable(w.apiToken("gate", "token:introspect"))
	key := w.usable(w.apiToken("uploads", "evidence:write"))
	for range 2 {
		w.as(gate.value, verifyFrom, vars{"token": key.value, "from": "192.0.2.1"})
	}
	w.settle()
	const missed = `query($id: ID!) { revokePreview(id: $id) { status uses refusals callers { agent uses } actions { action uses } sources { address uses } } }`
	a := w.ask(missed, vars{"id": key.id})
	for path, want := range map[string]string{
		"status": "ACTIVE", "uses": "2", "refusals": "0", "actions.0.action": "createEvidence", "actions.0.uses": "2", "sources.0.uses": "2", "callers.0.uses": "2",
	} {
		if got := a.at("revokePreview." + path); got != want {
			t.Errorf("%s: got %q, want %q in %s", path, got, want, a.body)
		}
	}
	_, auditor := w.member("auditor", events.RoleAuditor)
	if a := w.as(auditor, missed, vars{"id": key.id}); a.at("revokePreview.sources.0.address") != "192.0.2.1" || a.at("revokePreview.callers.0.agent") != "uploader/1" {
		t.Errorf("an auditor opens personal values: %s", a.body)
	}
	_, member := w.member("member", events.RoleMember)
	w.send(member, missed, vars{"id": key.id}).refuses("FORBIDDEN", "*")
	_, _, stranger := w.organization("other")
	w.send(stranger, missed, vars{"id": key.id}).refuses("NOT_FOUND", "id")

	wide := w.apiToken("wide", "write")
	other := w.apiToken("other", "risk:read")
	const revoke = `mutation($input: RevokeTokensInput!) { revokeTokens(input: $input) { dryRun revokedIDs notRevoked { id code message } receipts { position } } }`
	a = w.ask(revoke, vars{"input": vars{"scope": "evidence:read", "reason": "cleaning up", "dryRun": true}})
	if got := fmt.Sprint(len(a.any("revokeTokens.revokedIDs").([]any)), a.any("revokeTokens.receipts")); got != "2 []" {
		t.Errorf("who may read evidence: %s", a.body)
	}
	a = w.ask(revoke, vars{"input": vars{"where": vars{"nameHasPrefix": "wi"}, "reason": "cleaning up"}})
	if a.at("revokeTokens.revokedIDs.0") != wide.id || len(a.any("revokeTokens.revokedIDs").([]any)) != 1 || a.at("revokeTokens.receipts.0.position") == "" {
		t.Errorf("by a filter: %s", a.body)
	}
	sum := sha256.Sum256([]byte(key.value))
	a = w.ask(revoke, vars{"input": vars{"leaked": []string{hex.EncodeToString(sum[:]), wide.id, "nonsense"}, "reason": "in a public repository"}})
	if a.at("revokeTokens.revokedIDs.0") != key.id || a.at("revokeTokens.notRevoked.0.id") != "nonsense" || a.at("revokeTokens.notRevoked.1.code") != "CONFLICT" {
		t.Errorf("a list of leaks: %s", a.body)
	}
	user, owned := w.member("leaver", events.RoleAdmin)
	a = w.ask(revoke, vars{"input": vars{"ownerID": user, "reason": "leaves"}})
	if a.at("revokeTokens.revokedIDs.0") == "" {
		t.Errorf("an owner's: %s", a.body)
	}
	w.settle()
	w.send(owned, `{ apiTokens { totalCount } }`, nil).refuses("BAD_USER_INPUT", "X-Organization-ID")
	w.send(w.admin, revoke, vars{"input": vars{"reason": "all"}}).refuses("BAD_USER_INPUT", "input")
	w.send(w.admin, revoke, vars{"input": vars{"scope": "moon:write", "reason": "all"}}).refuses("BAD_USER_INPUT", "scope")
	w.send(w.admin, revoke, vars{"input": vars{"ids": []string{other.id}, "reason": ""}}).refuses("BAD_USER_INPUT", "reason")
	w.send(member, revoke, vars{"input": vars{"scope": "read", "reason": "all"}}).refuses("FORBIDDEN", "*")
	elsewhere, nowhere := sha256.Sum256([]byte(other.value)), sha256.Sum256([]byte("nothing"))
	mine := w.personalToken(w.user, nil, w.org)
	personal := sha256.Sum256([]byte(mine))
	for _, name := range []string{other.id, hex.EncodeToString(elsewhere[:]), base64.StdEncoding.EncodeToString(personal[:]), hex.EncodeToString(nowhere[:])} {
		a := w.as(stranger, revoke, vars{"input": vars{"leaked": []string{name}, "reason": "mine"}})
		if a.at("revokeTokens.notRevoked.0.id") != name || a.at("revokeTokens.notRevoked.0.code") != "NOT_FOUND" || a.at("revokeTokens.notRevoked.0.message") != "There is no such token." {
			t.Errorf("a stranger must learn nothing of %s: %s", name, a.body)
		}
	}
	if a := w.ask(revoke, vars{"input": vars{"ids": []string{other.value}, "reason": "pasted"}}); strings.Contains(string(a.body), other.value[27:63]) ||
		!strings.HasPrefix(fmt.Sprint(a.at("revokeTokens.notRevoked.0.id")), other.value[:27]) {
		t.Errorf("a value that was pasted where an id belongs is shown again: %s", a.body)
	}
	if a := w.ask(revoke, vars{"input": vars{"leaked": []string{hex.EncodeToString(sum[:])}, "reason": "again"}}); a.at("revokeTokens.notRevoked.0.id") != hex.EncodeToString(sum[:]) {
		t.Errorf("what has ended is called as it was asked for: %s", a.body)
	}
}
