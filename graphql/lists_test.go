// Lists: pages in both directions, orders, filters, and what is wrong with a question.

package graphql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
)

// names makes tokens and gives their ids by name.
func (w *world) named(names ...string) map[string]string {
	w.t.Helper()
	ids := map[string]string{}
	for _, name := range names {
		ids[name] = w.apiToken(name, "read").id
	}
	return ids
}

const listTokens = `query($first: Int, $after: Cursor, $last: Int, $before: Cursor, $orderBy: [APITokenOrder!], $where: APITokenWhereInput) {
	apiTokens(first: $first, after: $after, last: $last, before: $before, orderBy: $orderBy, where: $where) {
		totalCount pageInfo { hasNextPage hasPreviousPage startCursor endCursor } edges { cursor node { id name } } } }`

func TestPaging(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	want := []string{"a", "b", "c", "d", "e", "f", "g"}
	w.named("c", "a", "g", "e", "b", "f", "d")
	order := []vars{{"field": "name"}}

	var forward []string
	page := vars{"first": 3, "orderBy": order}
	for pages := 1; ; pages++ {
		a := w.ask(listTokens, page)
		forward = append(forward, a.each("apiTokens", "name")...)
		if got := a.at("apiTokens.pageInfo.hasPreviousPage"); got != fmt.Sprint(pages > 1) {
			t.Errorf("page %d: hasPreviousPage is %s", pages, got)
		}
		if a.at("apiTokens.totalCount") != "7" {
			t.Errorf("page %d: totalCount is %s", pages, a.at("apiTokens.totalCount"))
		}
		if a.at("apiTokens.pageInfo.hasNextPage") == "false" {
			break
		}
		page["after"] = a.at("apiTokens.pageInfo.endCursor")
	}
	if !slices.Equal(forward, want) {
		t.Errorf("forward: %v", forward)
	}

	var backward []string
	page = vars{"last": 3, "orderBy": order}
	for {
		a := w.ask(listTokens, page)
		backward = append(a.each("apiTokens", "name"), backward...)
		if a.at("apiTokens.pageInfo.hasPreviousPage") == "false" {
			break
		}
		page["before"] = a.at("apiTokens.pageInfo.startCursor")
	}
	if !slices.Equal(backward, want) {
		t.Errorf("backward: %v", backward)
	}
	if a := w.ask(listTokens, vars{"orderBy": []vars{{"field": "name", "direction": "DESC"}}, "first": 2}); !slices.Equal(a.each("apiTokens", "name"), []string{"g", "f"}) {
		t.Errorf("descending: %s", a.body)
	}
	if a := w.ask(listTokens, vars{"where": vars{"name": "nobody"}}); a.at("apiTokens.pageInfo.startCursor") != "" || len(a.each("apiTokens", "id")) != 0 {
		t.Errorf("an empty page: %s", a.body)
	}
	for range 20 {
		w.apiToken("more", "read")
	}
	if n := len(w.ask(listTokens, nil).each("apiTokens", "id")); n != 20 {
		t.Errorf("a page has %d entries by default, want 20", n)
	}
}

func TestBadPages(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.named("a", "b")
	cursor := w.ask(listTokens, vars{"first": 1, "orderBy": []vars{{"field": "name"}}}).at("apiTokens.pageInfo.endCursor")
	for field, page := range map[string]vars{
		"first": {"first": 0}, "last": {"last": 101}, "after": {"after": "nonsense"}, "before": {"before": "AAAA"}, "orderBy[1].field": {"orderBy": []vars{{"field": "name"}, {"field": "name"}}},
	} {
		w.send(w.admin, listTokens, page).refuses("BAD_USER_INPUT", field)
	}
	w.send(w.admin, listTokens, vars{"first": 101}).refuses("BAD_USER_INPUT", "first")
	w.send(w.admin, listTokens, vars{"first": -1}).refuses("BAD_USER_INPUT", "first")
	w.send(w.admin, listTokens, vars{"first": 1, "last": 1}).refuses("BAD_USER_INPUT", "last")
	w.send(w.admin, listTokens, vars{"after": cursor, "orderBy": []vars{{"field": "created_at"}}}).refuses("BAD_USER_INPUT", "after")
	w.send(w.admin, `query($c: Cursor) { personalAccessTokens(after: $c) { totalCount } }`, vars{"c": cursor}).refuses("BAD_USER_INPUT", "after")
	w.send(w.admin, listTokens, vars{"first": 1 << 40}).refuses("BAD_USER_INPUT", "*")
	w.send(w.admin, listTokens, vars{"first": "3"}).refuses("BAD_USER_INPUT", "*")
	w.send(w.admin, listTokens, vars{"orderBy": []vars{{"field": "token"}}}).refuses("BAD_USER_INPUT", "*")
}

func TestFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := w.named("alpha", "Beta", "gamma")
	a := w.ask(createAPIToken, vars{"input": vars{"name": "delta", "scopes": []string{"evidence:write"}, "tags": []string{"ci"}, "expiresAt": soon()}})
	ids["delta"] = a.at("createAPIToken.apiToken.id")
	w.ask(`mutation($id: ID!) { revokeAPIToken(id: $id, reason: "Leaked in a log") { receipt { position } } }`, vars{"id": ids["gamma"]})
	w.as(w.tokenOf("user", "read"), `{ organization { id } }`, nil)
	w.settle()
	created := w.ask(`query($id: ID!) { apiToken(id: $id) { createdAt } }`, vars{"id": ids["Beta"]}).at("apiToken.createdAt")
	all := []string{"Beta", "alpha", "delta", "gamma", "user"}
	for name, c := range map[string]struct {
		where vars
		want  []string
	}{
		"everything":        {vars{}, all},
		"id":                {vars{"id": ids["Beta"]}, []string{"Beta"}},
		"idIn":              {vars{"idIn": []string{ids["Beta"], ids["alpha"]}}, []string{"Beta", "alpha"}},
		"a list of one":     {vars{"idIn": ids["Beta"]}, []string{"Beta"}},
		"idNotIn":           {vars{"idNotIn": []string{ids["Beta"], ids["alpha"]}}, []string{"delta", "gamma", "user"}},
		"name":              {vars{"name": "alpha"}, []string{"alpha"}},
		"nameNEQ":           {vars{"nameNEQ": "alpha"}, []string{"Beta", "delta", "gamma", "user"}},
		"nameGT":            {vars{"nameGT": "delta"}, []string{"gamma", "user"}},
		"nameGTE":           {vars{"nameGTE": "delta"}, []string{"delta", "gamma", "user"}},
		"nameContains":      {vars{"nameContains": "elt"}, []string{"delta"}},
		"nameHasPrefix":     {vars{"nameHasPrefix": "al"}, []string{"alpha"}},
		"nameHasSuffix":     {vars{"nameHasSuffix": "ta"}, []string{"Beta", "delta"}},
		"nameEqualFold":     {vars{"nameEqualFold": "BETA"}, []string{"Beta"}},
		"nameContainsFold":  {vars{"nameContainsFold": "BET"}, []string{"Beta"}},
		"createdAtGTE":      {vars{"createdAtGTE": created, "createdAtLTE": created}, []string{"Beta"}},
		"createdBy":         {vars{"createdBy": w.user, "nameLT": "b"}, []string{"Beta", "alpha"}},
		"expiresAtNotNil":   {vars{"expiresAtNotNil": true}, []string{"delta"}},
		"expiresAtIsNil":    {vars{"expiresAtIsNil": false}, []string{"delta"}},
		"lastUsedAtNotNil":  {vars{"lastUsedAtNotNil": true}, []string{"user"}},
		"isActive":          {vars{"isActive": false}, []string{"gamma"}},
		"isActiveNEQ":       {vars{"isActiveNEQ": true}, []string{"gamma"}},
		"status":            {vars{"status": "REVOKED"}, []string{"gamma"}},
		"statusIn":          {vars{"statusIn": []string{"REVOKED", "EXPIRED"}}, []string{"gamma"}},
		"revokedReason":     {vars{"revokedReasonContainsFold": "LEAKED"}, []string{"gamma"}},
		"revokedBy":         {vars{"revokedBy": w.user}, []string{"gamma"}},
		"tagsHas":           {vars{"tagsHas": "ci"}, []string{"delta"}},
		"scopesHas":         {vars{"scopesHas": "evidence:write"}, []string{"delta"}},
		"ownerID":           {vars{"ownerID": w.org}, all},
		"hasOwner":          {vars{"hasOwner": false}, nil},
		"hasOwnerWith":      {vars{"hasOwnerWith": []vars{{"nameHasPrefix": "ac"}, {"displayName": "Acme"}}}, all},
		"not":               {vars{"not": vars{"name": "alpha"}}, []string{"Beta", "delta", "gamma", "user"}},
		"or":                {vars{"or": []vars{{"name": "alpha"}, {"tagsHas": "ci"}}}, []string{"alpha", "delta"}},
		"and":               {vars{"and": []vars{{"nameGT": "a"}, {"nameLT": "e"}}}, []string{"alpha", "delta"}},
		"quotes are no SQL": {vars{"name": `'; DROP TABLE tokens; --`}, nil},
	} {
		a := w.ask(listTokens, vars{"where": c.where, "orderBy": []vars{{"field": "name"}}})
		if got := a.each("apiTokens", "name"); !slices.Equal(got, c.want) {
			t.Errorf("%s: got %v, want %v", name, got, c.want)
		}
	}
	if got := w.ask(`{ apiTokens(where: {or: [{name: "alpha"}, {status: REVOKED}]}, orderBy: {field: name}) { edges { node { name } } } }`, nil).each("apiTokens", "name"); !slices.Equal(got, []string{"alpha", "gamma"}) {
		t.Errorf("as literals: %v", got)
	}
}

// tokenOf is the value of a new organization token.
func (w *world) tokenOf(name string, scopes ...string) string {
	return w.apiToken(name, scopes...).value
}

func TestBadFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	deep := vars{"name": "x"}
	for range 20 {
		deep = vars{"not": deep}
	}
	for field, where := range map[string]vars{
		"where.id": {"id": "x"}, "where.idIn[1]": {"idIn": []string{w.org.String(), "x"}}, "where.createdAtGT": {"createdAtGT": "yesterday"},
		"where.isActive": {"isActive": "true"}, "where.name": {"name": "a\x00b"}, "where.or[0].expiresAt": {"or": []vars{{"expiresAt": 7}}},
	} {
		a := w.send(w.admin, listTokens, vars{"where": where})
		if len(a.Errors) == 0 {
			t.Errorf("%s was not refused: %s", field, a.body)
			continue
		}
		a.refuses("BAD_USER_INPUT", "*")
	}
	w.send(w.admin, listTokens, vars{"where": deep}).refuses("BAD_USER_INPUT", "*")
	for _, where := range []string{`{token: "x"}`, `{ssoAuthorizationsIsNil: true}`, `{nameLike: "x"}`, `{status: ON}`, `{name: ["x"]}`, `{expiresAtIsNil: "yes"}`} {
		w.send(w.admin, fmt.Sprintf(`{ apiTokens(where: %s) { totalCount } }`, where), nil).refuses("BAD_USER_INPUT", "*")
	}
	many := strings.Repeat(`{name: "x"},`, 200)
	w.send(w.admin, fmt.Sprintf(`{ apiTokens(where: {or: [%s]}) { totalCount } }`, many), nil).refuses("BAD_USER_INPUT", "*")
}

func TestNestedLists(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.named("a", "b")
	a := w.ask(`{ me { id displayName email isActive personalAccessTokens(where: {nameNEQ: "x"}, orderBy: [{field: last_used_at}]) { totalCount edges { node { name } } } memberships { totalCount edges { node { role isActive since organization { name } user { email } } } } }
		organization { name displayName version viewerRole createdAt policy { ssoRequired memberScopes } objects { name }
			apiTokens(first: 1, where: {nameGT: "a"}) { totalCount edges { node { name owner { id } } } } tokenGrants { totalCount edges { node { tokenID token name scopes status user { email } organization { id } givenAt } } }
			members { totalCount edges { node { role user { id displayName } } } } }
		organizations { totalCount edges { node { name viewerRole } } } }`, nil)
	for path, want := range map[string]string{
		"me.email": "ada@example.com", "me.displayName": "Ada", "me.isActive": "true", "me.personalAccessTokens.edges.0.node.name": "admin",
		"me.memberships.edges.0.node.role": "OWNER", "me.memberships.edges.0.node.organization.name": "acme", "me.memberships.edges.0.node.user.email": "ada@example.com",
		"organization.name": "acme", "organization.displayName": "Acme", "organization.viewerRole": "OWNER", "organization.policy.ssoRequired": "false",
		"organization.policy.memberScopes": "[]", "organization.objects": "[]", "organization.apiTokens.totalCount": "1", "organization.apiTokens.edges.0.node.name": "b",
		"organization.tokenGrants.totalCount": "1", "organization.tokenGrants.edges.0.node.status": "ACTIVE", "organization.tokenGrants.edges.0.node.name": "admin",
		"organization.members.edges.0.node.user.displayName": "Ada", "organizations.totalCount": "1", "organizations.edges.0.node.viewerRole": "OWNER",
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s: got %q, want %q", path, got, want)
		}
	}
}
