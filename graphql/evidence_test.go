// The state at a moment, who could do what, and reports, through the interface.

package graphql_test

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

func (w *world) head() events.Position {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	must(w.t, err)
	return head
}

const revokeToken = `mutation($id: ID!) { revokeAPIToken(id: $id, reason: "no longer needed") { apiToken { id } receipt { recordedAt position } } }`

func TestTokensAsOf(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	start := w.head()
	ids := w.named("a", "b", "c")
	then := w.head()
	at := w.ask(`mutation($id: ID!) { updateAPIToken(id: $id, input: {name: "renamed"}) { receipt { recordedAt } } }`, vars{"id": ids["b"]}).at("updateAPIToken.receipt.recordedAt")
	w.ask(revokeToken, vars{"id": ids["a"]})
	w.ask(`mutation($id: ID!) { deleteAPIToken(id: $id) { deletedID } }`, vars{"id": ids["c"]})

	const list = `query($asOf: AsOf, $where: APITokenWhereInput) { apiTokens(asOf: $asOf, where: $where, orderBy: [{field: name}], first: 2) {
		totalCount pageInfo { hasNextPage endCursor } edges { node { name status lastUsedAt } } } }`
	old := w.ask(list, vars{"asOf": vars{"position": then}})
	if got := old.each("apiTokens", "name"); !slices.Equal(got, []string{"a", "b"}) || old.at("apiTokens.totalCount") != "3" || old.at("apiTokens.pageInfo.hasNextPage") != "true" {
		t.Errorf("as of %d: %s", then, old.body)
	}
	if got := old.each("apiTokens", "status"); !slices.Equal(got, []string{"ACTIVE", "ACTIVE"}) {
		t.Errorf("as of %d: %v", then, got)
	}
	old = w.ask(list, vars{"asOf": vars{"time": at}, "where": vars{"nameHasPrefix": "ren"}})
	if got := old.each("apiTokens", "name"); !slices.Equal(got, []string{"renamed"}) {
		t.Errorf("as of %s: %v", at, got)
	}
	now := w.ask(`query($asOf: AsOf) { apiTokens(asOf: $asOf, includeDeleted: true, orderBy: [{field: name}]) { edges { node { id name status isActive revokedReason position } } } }`,
		vars{"asOf": vars{"position": w.head()}})
	live := w.ask(`{ apiTokens(includeDeleted: true, orderBy: [{field: name}]) { edges { node { id name status isActive revokedReason position } } } }`, nil)
	if string(now.body) != string(live.body) {
		t.Errorf("as of the head\n%s, live\n%s", now.body, live.body)
	}
	one := `query($id: ID!, $asOf: AsOf) { apiToken(id: $id, asOf: $asOf) { name status } }`
	if got := w.ask(one, vars{"id": ids["b"], "asOf": vars{"position": then}}).at("apiToken.name"); got != "b" {
		t.Errorf("the token was called %s", got)
	}
	w.send(w.admin, one, vars{"id": ids["b"], "asOf": vars{"position": start}}).refuses("NOT_FOUND", "id")
	w.send(w.admin, one, vars{"id": ids["b"], "asOf": vars{"position": 1}}).refuses("NOT_FOUND", "asOf")
	w.send(w.admin, one, vars{"id": ids["b"], "asOf": vars{"position": 1 << 40}}).refuses("BAD_USER_INPUT", "asOf.position")
	w.send(w.admin, one, vars{"id": ids["b"], "asOf": vars{"time": "2999-01-01T00:00:00Z"}}).refuses("BAD_USER_INPUT", "asOf.time")
	w.send(w.admin, one, vars{"id": ids["b"], "asOf": vars{}}).refuses("BAD_USER_INPUT", "asOf")
	_, member := w.member("grace", events.RoleMember)
	w.send(member, list, vars{"asOf": vars{"position": then}}).refuses("FORBIDDEN", "")
}

func TestAccessDiffAndWhoCould(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	before := w.head()
	writer := w.apiToken("writer", "evidence:write")
	w.apiToken("reader", "evidence:read")
	_, auditor := w.member("grace", events.RoleAuditor)
	between := w.head()
	w.ask(revokeToken, vars{"id": writer.id})
	w.settle() // the auditor is another caller

	diff := w.as(auditor, `query($from: AsOf!, $to: AsOf) { accessDiff(from: $from, to: $to) { from { position } changes { kind name change field } } }`,
		vars{"from": vars{"position": before}, "to": vars{"position": between}})
	for _, want := range []string{`"kind":"organization token","name":"writer","change":"added"`, `"kind":"member","name":"","change":"added"`, `"kind":"personal token"`} {
		if !strings.Contains(string(diff.body), want) {
			t.Errorf("no %s in %s", want, diff.body)
		}
	}
	same := w.as(auditor, `query($at: AsOf!) { accessDiff(from: $at, to: $at) { changes { kind } } }`, vars{"at": vars{"position": between}})
	if got := len(same.any("accessDiff.changes").([]any)); got != 0 {
		t.Errorf("%d changes between a moment and itself", got)
	}
	const who = `query($asOf: AsOf, $action: String!) { whoCould(action: $action, asOf: $asOf) { scope allowed { kind name role policy } } }`
	names := func(a answer) (out []string) {
		for _, one := range a.any("whoCould.allowed").([]any) {
			one := one.(map[string]any)
			out = append(out, value(one["kind"])+" "+value(one["name"])+value(one["role"]))
		}
		return out
	}
	then := names(w.as(auditor, who, vars{"action": "createEvidence", "asOf": vars{"position": between}}))
	if !slices.Contains(then, "organization token writer") || slices.Contains(then, "organization token reader") || !slices.Contains(then, "member owner") || slices.Contains(then, "member auditor") {
		t.Errorf("then: %v", then)
	}
	if now := names(w.as(auditor, who, vars{"action": "createEvidence"})); slices.Contains(now, "organization token writer") {
		t.Errorf("now: %v", now)
	}
	w.send(auditor, who, vars{"action": "flyToTheMoon"}).refuses("BAD_USER_INPUT", "action")

	// Who is deactivated could do nothing in the meantime.
	leaver, _ := w.member("hopper", events.RoleAdmin)
	could := map[events.Position]bool{w.head(): true} // as of each of these
	for _, c := range []struct {
		mutation string
		could    bool
	}{
		{`mutation($id: ID!) { deactivateUser(id: $id, reason: "leave") { receipt { position } } }`, false},
		{`mutation($id: ID!) { reactivateUser(id: $id, reason: "back") { receipt { position } } }`, true},
	} {
		w.ask(c.mutation, vars{"id": leaver})
		w.settle()
		if now := names(w.as(auditor, who, vars{"action": "createEvidence"})); slices.Contains(now, "member admin") != c.could {
			t.Errorf("after %s: %v", c.mutation, now)
		}
		could[w.head()] = c.could
		for at, want := range could {
			then := names(w.as(auditor, who, vars{"action": "createEvidence", "asOf": vars{"position": at}}))
			if slices.Contains(then, "member admin") != want {
				t.Errorf("after %s, as of %d: %v", c.mutation, at, then)
			}
		}
	}
	w.ask(`mutation($id: ID!) { removeMember(userID: $id, reason: "left") { receipt { position } } }`, vars{"id": leaver})

	w.ask(`mutation { updateOrganizationPolicy(input: {maxLifetime: 3600, allowedSources: ["192.0.2.0/24"]}) { receipt { position } } }`, nil)
	w.settle()
	demanded := w.as(auditor, `{ whoCould(action: "createEvidence") { allowed { kind id conditions } } }`, nil)
	made := w.ask(`{ personalAccessTokens { edges { node { id createdAt } } } }`, nil)
	tokens := 0
	for _, one := range demanded.any("whoCould.allowed").([]any) {
		one := one.(map[string]any)
		conditions := one["conditions"].([]any)
		if one["kind"] == "member" {
			if len(conditions) != 0 {
				t.Errorf("a member: %v", one)
			}
			continue
		}
		tokens++
		if len(conditions) != 2 || conditions[0] != "from the networks 192.0.2.0/24" || one["id"] != made.at("personalAccessTokens.edges.0.node.id") {
			t.Fatalf("under the policy: %v", one)
		}
		created, err := time.Parse(time.RFC3339Nano, made.at("personalAccessTokens.edges.0.node.createdAt"))
		must(t, err)
		end, err := time.Parse(time.RFC3339Nano, strings.TrimPrefix(value(conditions[1]), "before "))
		if must(t, err); !end.Equal(created.Add(time.Hour)) {
			t.Errorf("a token that was made at %s: %v", created, one)
		}
	}
	if tokens != 1 {
		t.Errorf("%d tokens under the policy: %s", tokens, demanded.body)
	}
}

func TestReports(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	leaked := w.apiToken("leaked", "evidence:write")
	_, auditor := w.member("grace", events.RoleAuditor)
	_, member := w.member("linus", events.RoleMember)
	kinds := w.as(auditor, `{ reports { name title criteria onDemand } }`, nil)
	if n := len(kinds.any("reports").([]any)); n < 11 {
		t.Fatalf("%d reports", n)
	}
	const report = `query($name: String!, $token: ID, $value: String, $form: ReportForm!) { report(name: $name, token: $token, value: $value) {
		name from to position trailPosition columns { name title } rows parameters { name value } limits content(form: $form) } }`
	for _, kind := range kinds.any("reports").([]any) {
		name := value(kind.(map[string]any)["name"])
		for _, form := range []string{"JSON", "CSV", "HTML", "PDF"} {
			a := w.as(auditor, report, vars{"name": name, "token": leaked.id, "form": form})
			if len(a.any("report.rows").([]any)) == 0 || len(a.any("report.limits").([]any)) == 0 || len(a.at("report.content")) < 100 {
				t.Errorf("%s as %s: %s", name, form, a.body)
			}
		}
	}
	w.ask(`mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed } }`, vars{"input": vars{"token": leaked.value, "action": "createEvidence"}})
	for name, class := range map[string]string{"usage": `"class_uid":6003`, "leak": `"class_uid":3004`, "population": `"class_uid":3004`, "roll-forward": `"class_uid":3004`, "reviews": ""} {
		a := w.as(auditor, report, vars{"name": name, "token": leaked.id, "form": "OCSF"})
		if content := a.at("report.content"); !strings.Contains(content, class) || class == "" && content != "" || strings.Contains(content, "<nil>") {
			t.Errorf("%s as OCSF: %s", name, a.body)
		}
	}
	w.send(member, report, vars{"name": "population", "form": "CSV"}).refuses("FORBIDDEN", "")
	w.send(auditor, report, vars{"name": "nothing", "form": "CSV"}).refuses("BAD_USER_INPUT", "name")
	w.send(auditor, report, vars{"name": "leak", "form": "CSV"}).refuses("BAD_USER_INPUT", "token")
	w.send(auditor, report, vars{"name": "leak", "value": "tola_x", "form": "CSV"}).refuses("BAD_USER_INPUT", "value")

	sum := sha256.Sum256([]byte(leaked.value))
	for _, name := range []vars{
		{"value": leaked.value}, {"token": leaked.id}, {"token": hex.EncodeToString(sum[:])}, {"token": base64.StdEncoding.EncodeToString(sum[:])},
	} {
		name["name"], name["form"] = "leak", "CSV"
		a := w.as(auditor, report, name)
		if !strings.Contains(a.at("report.content"), "exposure window,"+leaked.id) || strings.Contains(string(a.body), leaked.value) {
			t.Errorf("%v: %s", name, a.body)
		}
	}
	var rows [][]any
	raw, _ := json.Marshal(w.as(auditor, report, vars{"name": "roll-forward", "form": "CSV"}).any("report.rows"))
	must(t, json.Unmarshal(raw, &rows))
	differences := 0
	for _, row := range rows {
		if row[1] == "difference" {
			differences++
			if row[3] != float64(0) {
				t.Errorf("it does not add up: %v", rows)
			}
		}
	}
	if differences == 0 {
		t.Errorf("nothing is reconciled: %v", rows)
	}
	if strings.Contains(w.logged.String(), leaked.value) {
		t.Error("the value was logged")
	}
}

func TestAccessReviews(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	one, two := w.apiToken("one", "evidence:write"), w.apiToken("two", "evidence:write")
	_, admin := w.member("grace", events.RoleAdmin)
	_, auditor := w.member("linus", events.RoleAuditor)
	const open = `mutation($due: Time!) { openAccessReview(input: {name: "Q3", due: $due}) { id receipt { position } } }`
	due := vars{"due": "2999-01-01T00:00:00Z"}
	w.send(auditor, open, due).refuses("FORBIDDEN", "")
	id := w.as(admin, open, due).at("openAccessReview.id")

	const decide = `mutation($review: ID!, $token: ID!, $decision: AccessReviewDecision!, $reason: String) {
		decideAccessReview(input: {review: $review, token: $token, decision: $decision, reason: $reason}) { id } }`
	w.send(w.admin, decide, vars{"review": id, "token": one.id, "decision": "KEEP"}).refuses("FORBIDDEN", "token")
	w.as(admin, decide, vars{"review": id, "token": one.id, "decision": "KEEP"})
	w.send(admin, decide, vars{"review": id, "token": two.id, "decision": "REVOKE"}).refuses("BAD_USER_INPUT", "reason")
	w.as(admin, decide, vars{"review": id, "token": two.id, "decision": "REVOKE", "reason": "not needed"})
	w.send(admin, decide, vars{"review": id, "token": two.id, "decision": "KEEP"}).refuses("CONFLICT", "token")
	w.as(admin, `mutation($id: ID!) { closeAccessReview(id: $id) { id } }`, vars{"id": id})

	w.settle() // the auditor sees what others have done
	seen := w.as(auditor, `{ accessReviews { id name closedAt items { token name decision decidedBy reason late } } }`, nil)
	for _, want := range []string{`"name":"one","decision":"KEEP"`, `"name":"two","decision":"REVOKE"`, `"reason":"not needed"`} {
		if !strings.Contains(string(seen.body), want) {
			t.Errorf("no %s in %s", want, seen.body)
		}
	}
	if got := w.as(auditor, `query($id: ID!) { apiToken(id: $id) { status } }`, vars{"id": two.id}).at("apiToken.status"); got != "REVOKED" {
		t.Errorf("two is %s", got)
	}
	report := w.as(auditor, `{ report(name: "reviews") { content(form: CSV) } }`, nil).at("report.content")
	if !strings.Contains(report, ",keep,") || !strings.Contains(report, ",revoke,") || !strings.Contains(report, ",none,") {
		t.Errorf("the report: %s", report)
	}
}

// A position that the log does not have is no place to end a report at, or to look from.
func TestNoReportEndsBehindTheLog(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	for _, position := range []string{"0", "-1", "1099511627776", "9223372036854775807"} {
		w.send(w.admin, `query($p: Long) { report(name: "access", position: $p) { rows } }`, vars{"p": position}).refuses("BAD_USER_INPUT", "position")
		w.send(w.admin, `query($p: Long) { whoCould(action: "createEvidence", asOf: {position: $p}) { __typename } }`, vars{"p": position}).
			refuses("BAD_USER_INPUT", "asOf.position")
	}
}
