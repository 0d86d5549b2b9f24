// Users: made, found, changed, ended; and what is refused.

package scim_test

import (
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

func TestTheLifeOfAUser(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	a := w.send("POST", "Users", jensen("barbara@example.com")).is(http.StatusCreated, "")
	id := a.at("id")
	for path, want := range map[string]string{
		"userName": "barbara@example.com", "externalId": "ext-barbara@example.com", "displayName": "Barbara Jensen",
		"name.formatted": "Barbara Jensen", "emails.0.value": "barbara@example.com", "emails.0.primary": "true", "active": "true",
		"meta.resourceType": "User", "meta.location": w.server.URL + "/scim/v2/Users/" + id, "meta.version": a.header.Get("ETag"),
		"password": "", "title": "",
	} {
		if got := a.at(path); got != want {
			t.Errorf("%s is %q, want %q", path, got, want)
		}
	}
	if a.header.Get("Location") != a.at("meta.location") || a.at("meta.created") == "" {
		t.Errorf("headers %v, body %s", a.header, a.raw)
	}
	// Retried by the provider, it is recognised.
	w.send("POST", "Users", jensen("Barbara@Example.com")).is(http.StatusConflict, "uniqueness")

	get := w.send("GET", "Users/"+id, nil).is(http.StatusOK, "")
	if get.raw != a.raw {
		t.Errorf("read %s\nmade %s", get.raw, a.raw)
	}
	w.send("GET", "Users/"+id, nil, "If-None-Match: "+get.header.Get("ETag")).is(http.StatusNotModified, "")

	changed := jensen("barbara@example.org")
	delete(changed, "displayName")
	changed["name"] = object{"formatted": "Babs Jensen"}
	put := w.send("PUT", "Users/"+id, changed, "If-Match: "+get.header.Get("ETag")).is(http.StatusOK, "")
	if put.at("displayName") != "Babs Jensen" || put.at("emails.0.value") != "barbara@example.org" || put.header.Get("ETag") == get.header.Get("ETag") {
		t.Errorf("replaced: %s", put.raw)
	}
	w.send("PUT", "Users/"+id, changed, "If-Match: "+get.header.Get("ETag")).is(http.StatusPreconditionFailed, "")
	before := w.head()
	if again := w.send("PUT", "Users/"+id, changed).is(http.StatusOK, ""); again.raw != put.raw {
		t.Errorf("the same again: %s", again.raw)
	}
	if got := w.decided(before); len(got) > 0 {
		t.Errorf("the same again recorded %v", got)
	}

	w.send("DELETE", "Users/"+id, nil).is(http.StatusNoContent, "")
	for _, method := range []string{"GET", "PUT", "PATCH", "DELETE"} {
		w.send(method, "Users/"+id, changed).is(http.StatusNotFound, "")
	}
	if again := w.create("barbara@example.org"); again != id {
		t.Errorf("made anew as %s, want %s", again, id)
	}
}

func (w *world) head() events.Position {
	w.t.Helper()
	head, err := w.log.Head(w.t.Context())
	must(w.t, err)
	return head
}

// decided lists the decisions after a position.
func (w *world) decided(after events.Position) (types []string) {
	w.t.Helper()
	for rec, err := range w.log.ReadAll(w.t.Context(), after) {
		must(w.t, err)
		if rec.Decision() {
			types = append(types, string(rec.Event.Type()))
			if rec.Meta.Actor.Kind != events.ActorOrganizationToken {
				w.t.Errorf("%s by %+v", rec.Event.Type(), rec.Meta.Actor)
			}
		}
	}
	return types
}

// What providers send, each in its own way.
func TestPatch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("p@example.com")
	for _, c := range []struct {
		name, path, want string
		operations       []object
	}{
		{"Okta deactivates", "active", "false", []object{{"op": "replace", "value": object{"active": false}}}},
		{"Okta reactivates", "active", "true", []object{{"op": "replace", "value": object{"active": true}}}},
		{"Entra deactivates", "active", "false", []object{{"op": "Replace", "path": "active", "value": "False"}}},
		{"Entra reactivates", "active", "true", []object{{"op": "Replace", "path": "active", "value": "True"}}},
		{"Entra names", "displayName", "Ann Marie Lee", []object{
			{"op": "Replace", "path": "name.givenName", "value": "Ann Marie"},
			{"op": "Add", "path": "name.familyName", "value": "Lee"},
			{"op": "Add", "path": "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department", "value": "Sales"},
		}},
		{"one part of a name", "displayName", "Ann Marie Smith", []object{{"op": "replace", "path": "name.familyName", "value": "Smith"}}},
		{"the whole name", "displayName", "Dr Lee", []object{{"op": "replace", "path": "name", "value": object{"formatted": "Dr Lee"}}}},
		{"by the URN", "displayName", "Lee", []object{{"op": "replace", "path": "urn:ietf:params:scim:schemas:core:2.0:User:displayName", "value": "Lee"}}},
		{"dotted keys", "displayName", "A B", []object{{"op": "add", "value": object{"name.givenName": "A", "name.familyName": "B"}}}},
		{"the address in brackets", "emails.0.value", "q@example.com", []object{{"op": "replace", "path": `emails[type eq "work"].value`, "value": "q@example.com"}}},
		{"the name stays", "userName", "p@example.com", []object{{"op": "replace", "path": "title", "value": "x"}}},
		{"another name", "userName", "pp", []object{{"op": "replace", "path": "USERNAME", "value": "pp"}}},
		{"the address as a list", "emails.0.value", "r@example.com", []object{{"op": "add", "path": "emails", "value": []object{{"value": "s@example.com"}, {"value": "r@example.com", "primary": true}}}}},
		{"externalId", "externalId", "7", []object{{"op": "add", "path": "externalId", "value": "7"}}},
		{"no externalId", "externalId", "", []object{{"op": "remove", "path": "externalId"}}},
		{"no display name", "displayName", "r@example.com", []object{{"op": "remove", "path": "displayName"}}},
	} {
		a := w.send("PATCH", "Users/"+id, patch(c.operations...)).is(http.StatusOK, "")
		if got := a.at(c.path); got != c.want {
			t.Errorf("%s: %s is %q, want %q", c.name, c.path, got, c.want)
		}
		if got := w.send("GET", "Users/"+id, nil); got.raw != a.raw {
			t.Errorf("%s: read %s, answered %s", c.name, got.raw, a.raw)
		}
	}
	before := w.head()
	for _, c := range []struct {
		scimType   string
		operations []object
	}{
		{"mutability", []object{{"op": "replace", "path": "id", "value": "x"}}},
		{"mutability", []object{{"op": "replace", "path": "meta.version", "value": "x"}}},
		{"invalidPath", []object{{"op": "replace", "path": "shoeSize", "value": 7}}},
		{"invalidPath", []object{{"op": "replace", "path": "active[value eq true]", "value": true}}},
		{"invalidPath", []object{{"op": "replace", "path": "emails[", "value": "x"}}},
		{"invalidPath", []object{{"op": "replace", "path": "urn:example:Group:members", "value": "x"}}},
		{"invalidPath", []object{{"op": "replace", "path": strings.Repeat("a", 1000), "value": "x"}}},
		{"invalidValue", []object{{"op": "replace", "path": "active", "value": "maybe"}}},
		{"invalidValue", []object{{"op": "remove", "path": "userName"}}},
		{"invalidValue", []object{{"op": "replace", "path": "userName", "value": 7}}},
		{"invalidValue", []object{{"op": "replace", "path": "emails", "value": "x"}}},
		{"invalidValue", []object{{"op": "replace", "path": "emails.value", "value": "no address"}}},
		{"invalidValue", []object{{"op": "replace", "value": "active"}}},
		{"noTarget", []object{{"op": "remove"}}},
		{"invalidSyntax", []object{{"op": "move", "path": "active", "value": true}}},
		{"invalidSyntax", []object{{"op": "replace", "value": object{"active": true, "ACTIVE": false}}}},
		{"invalidSyntax", nil},
		// All or nothing: the first would do.
		{"invalidPath", []object{{"op": "replace", "path": "active", "value": false}, {"op": "replace", "path": "shoeSize", "value": 7}}},
	} {
		w.send("PATCH", "Users/"+id, patch(c.operations...)).is(http.StatusBadRequest, c.scimType)
	}
	w.send("PATCH", "Users/"+id, "{").is(http.StatusBadRequest, "invalidSyntax")
	w.send("PATCH", "Users/"+id, "{} {}").is(http.StatusBadRequest, "invalidSyntax")
	w.send("PATCH", "Users/"+id, patch(), "Content-Type: text/plain").is(http.StatusUnsupportedMediaType, "")
	w.send("PATCH", "Users/"+id, `{"x":"`+strings.Repeat("x", 300<<10)+`"}`).is(http.StatusRequestEntityTooLarge, "")
	if got := w.decided(before); len(got) > 0 {
		t.Errorf("refused requests recorded %v", got)
	}
}

func TestListsAndFilters(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	ids := []string{w.create("a@example.com"), w.create("b@example.com")}
	odd := jensen("odd@example.com")
	odd["userName"] = `o'c"\é@EXAMPLE.com`
	w.send("POST", "Users", odd).is(http.StatusCreated, "")
	w.send("PATCH", "Users/"+ids[1], patch(object{"op": "replace", "path": "active", "value": false})).is(http.StatusOK, "")
	list := func(query string) answer {
		t.Helper()
		return w.send("GET", "Users?"+query, nil)
	}
	for filter, want := range map[string]string{
		``:                            "ada@example.com a@example.com b@example.com " + `o'c"\é@EXAMPLE.com`,
		`userName eq "A@EXAMPLE.com"`: "a@example.com",
		`USERNAME EQ "a@example.com"`: "a@example.com",
		`userName eq "a@example"`:     "",
		`userName eq "o'c\"\\\u00e9@example.com"`:                                          `o'c"\é@EXAMPLE.com`,
		`externalId eq "ext-b@example.com"`:                                                "b@example.com",
		`externalId eq "EXT-b@example.com"`:                                                "",
		`emails.value eq "a@example.com"`:                                                  "a@example.com",
		`emails[type eq "work" and value eq "a@example.com"]`:                              "a@example.com",
		`emails[type eq "home" and value eq "a@example.com"]`:                              "",
		`active eq false`:                                                                  "b@example.com",
		`active eq true and externalId pr`:                                                 `a@example.com o'c"\é@EXAMPLE.com`,
		`not (active eq true)`:                                                             "b@example.com",
		`not (externalId pr)`:                                                              "ada@example.com",
		`externalId ne "ext-a@example.com" and active eq true`:                             `ada@example.com o'c"\é@EXAMPLE.com`,
		`(userName eq "a@example.com" or userName eq "b@example.com") and active eq true`:  "a@example.com",
		`userName eq "a@example.com" or userName eq "b@example.com" and active eq true`:    "a@example.com",
		`userName co "EXAMPLE" and not (userName eq "ada@example.com" or active eq false)`: `a@example.com o'c"\é@EXAMPLE.com`,
		`id eq "` + ids[0] + `"`:                                                           "a@example.com",
		`urn:ietf:params:scim:schemas:core:2.0:User:userName eq "a@example.com"`:           "a@example.com",
		strings.TrimSuffix(strings.Repeat(`userName eq "a@example.com" or `, 40), " or "):  "a@example.com",
	} {
		a := list("filter="+url.QueryEscape(filter)).is(http.StatusOK, "")
		var got []string
		for _, u := range a.body["Resources"].([]any) {
			got = append(got, u.(object)["userName"].(string))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%s: got %q, want %q", filter, got, want)
		}
	}
	for _, filter := range []string{
		`userName`, `userName eq`, `eq "x"`, `userName eq x`, `userName eq 'x'`, `userName eq "x" or 1=1`, `userName eq "x"; DROP TABLE users`,
		`userName eq "x\" or active eq true`, `"x" eq "x"`, `userName like "%"`, `password eq "x"`, `userName gt "a"`, `active eq "perhaps"`,
		`active eq 1`, `userName eq true`, `members[value eq "x"]`, `emails[emails[value eq "x"]]`, `id eq "1 OR 1=1"`, `name.familyName eq "x"`,
		`urn:example:userName eq "x"`, `userName eq "\ud800x" and`, strings.Repeat("(", 3000), strings.Repeat(`not (`, 500) + `active eq true` + strings.Repeat(")", 500),
		strings.Repeat(`userName eq "a" or `, 3000) + `active eq true`, `userName eq "x")`,
	} {
		list("filter="+url.QueryEscape(filter)).is(http.StatusBadRequest, "invalidFilter")
	}
	for query, want := range map[string][4]string{
		"":                        {"4", "1", "4", "ada@example.com"},
		"count=2":                 {"4", "1", "2", "ada@example.com"},
		"startIndex=3&count=2":    {"4", "3", "2", "b@example.com"},
		"startIndex=4":            {"4", "4", "1", `o'c"\é@EXAMPLE.com`},
		"startIndex=9":            {"4", "9", "0", ""},
		"startIndex=-5&count=1":   {"4", "1", "1", "ada@example.com"},
		"count=0":                 {"4", "1", "0", ""},
		"count=-1":                {"4", "1", "0", ""},
		"count=1000000":           {"4", "1", "4", "ada@example.com"},
		"attributes=userName":     {"4", "1", "4", "ada@example.com"},
		"excludedAttributes=meta": {"4", "1", "4", "ada@example.com"},
	} {
		a := list(query).is(http.StatusOK, "")
		if got := [4]string{a.at("totalResults"), a.at("startIndex"), a.at("itemsPerPage"), a.at("Resources.0.userName")}; got != want {
			t.Errorf("%s: got %v, want %v", query, got, want)
		}
		if strings.Contains(query, "ttributes") && a.at("Resources.0.meta") != "" {
			t.Errorf("%s: %s", query, a.raw)
		}
	}
	list("count=x").is(http.StatusBadRequest, "invalidValue")
	a := w.send("POST", "Users/.search", object{"filter": `userName eq "a@example.com"`, "count": 5, "attributes": []string{"id"}}).is(http.StatusOK, "")
	if a.at("totalResults") != "1" || a.at("Resources.0.id") != ids[0] || a.at("Resources.0.userName") != "" {
		t.Errorf("searched: %s", a.raw)
	}
}

func TestDiscovery(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	if a := w.send("GET", "ServiceProviderConfig", nil).is(http.StatusOK, ""); a.at("patch.supported") != "true" || a.at("bulk.supported") != "false" || a.at("etag.supported") != "true" {
		t.Error(a.raw)
	}
	if a := w.send("GET", "ResourceTypes", nil).is(http.StatusOK, ""); a.at("totalResults") != "1" || a.at("Resources.0.endpoint") != "/Users" {
		t.Error(a.raw)
	}
	w.send("GET", "ResourceTypes/User", nil).is(http.StatusOK, "")
	w.send("GET", "ResourceTypes/Group", nil).is(http.StatusNotFound, "")
	if a := w.send("GET", "Schemas", nil).is(http.StatusOK, ""); a.at("Resources.0.attributes.0.name") != "userName" {
		t.Error(a.raw)
	}
	w.send("GET", "Schemas/urn:ietf:params:scim:schemas:core:2.0:User", nil).is(http.StatusOK, "")
	w.send("GET", "Schemas/urn:example", nil).is(http.StatusNotFound, "")
	w.send("GET", "Groups", nil).is(http.StatusNotFound, "")
	w.send("POST", "Bulk", object{}).is(http.StatusNotImplemented, "")
	w.send("GET", "Me", nil).is(http.StatusNotImplemented, "")
	w.send("DELETE", "Users", nil).is(http.StatusMethodNotAllowed, "")
	w.send("POST", "Schemas", object{}).is(http.StatusMethodNotAllowed, "")
}

func TestWhoMayProvision(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("m@example.com")
	_, personal := w.personalToken(w.user, w.org)
	reader := w.organizationToken("user:read")
	for name, c := range map[string]struct {
		authorization string
		read, write   int
	}{
		"nobody":               {"", 401, 401},
		"an unknown token":     {"Bearer tola_" + strings.Repeat("0", 64), 401, 401},
		"another scheme":       {"Basic " + w.token, 401, 401},
		"a reader":             {"Bearer " + reader, 200, 403},
		"a token for tokens":   {"Bearer " + w.organizationToken("token:write"), 403, 403},
		"the owner's own":      {"Bearer " + personal, 403, 403},
		"one that may do all":  {"Bearer " + w.organizationToken("admin"), 200, 200},
		"one that may do this": {"Bearer " + w.token, 200, 200},
	} {
		header := "Authorization: " + c.authorization
		if a := w.send("GET", "Users/"+id, nil, header); a.status != c.read {
			t.Errorf("%s reads: %d, want %d", name, a.status, c.read)
		}
		body := patch(object{"op": "replace", "path": "displayName", "value": name})
		if a := w.send("PATCH", "Users/"+id, body, header); a.status != c.write {
			t.Errorf("%s writes: %d, want %d: %s", name, a.status, c.write, a.raw)
		}
	}
	// Owners, administrators and auditors are read and not touched.
	for _, role := range []events.Role{events.RoleOwner, events.RoleAdmin, events.RoleAuditor} {
		user := w.join(role, string(role)+"@example.org").String()
		w.send("GET", "Users/"+user, nil).is(http.StatusOK, "")
		before := w.head()
		w.send("PATCH", "Users/"+user, patch(object{"op": "replace", "path": "active", "value": false})).is(http.StatusForbidden, "")
		w.send("PUT", "Users/"+user, jensen("x@example.org")).is(http.StatusForbidden, "")
		w.send("DELETE", "Users/"+user, nil).is(http.StatusForbidden, "")
		w.send("POST", "Users", jensen(string(role)+"@example.org")).is(http.StatusConflict, "uniqueness")
		if got := w.decided(before); len(got) > 0 {
			t.Errorf("%s: recorded %v", role, got)
		}
	}
	// A role that the provider sends gives none.
	in := jensen("king@example.com")
	in["roles"] = []object{{"value": "owner", "primary": true}}
	king := uuid.MustParse(w.send("POST", "Users", in).is(http.StatusCreated, "").at("id"))
	if _, err := w.directory.RenameOrganization(t.Context(), person(king), w.org, "mine", ""); err == nil {
		t.Error("a provisioned user manages the organization")
	}
	// Another organization's users are not there.
	other, err := w.directory.CreateOrganization(t.Context(), person(w.user), aggregate.NewOrganization{
		Name: "other", OwnerProfile: aggregate.Profile{Email: "o@example.net"},
	})
	must(t, err)
	stranger, _, err := w.views.UserByEmail(t.Context(), "o@example.net")
	must(t, err)
	must(t, w.views.Wait(t.Context(), other.Receipt.Last()))
	if stranger == uuid.Nil {
		stranger, _, _ = w.views.UserByEmail(t.Context(), "o@example.net")
	}
	w.send("GET", "Users/"+stranger.String(), nil).is(http.StatusNotFound, "")
	w.send("DELETE", "Users/"+stranger.String(), nil).is(http.StatusNotFound, "")
	w.send("GET", "Users/nobody", nil).is(http.StatusNotFound, "")
}

// A leaver: every personal token is refused at the next use.
func TestALeaverIsOutAtOnce(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	id := w.create("leaver@example.com")
	user := uuid.MustParse(id)
	values := make([]string, 3)
	for i := range values {
		_, values[i] = w.personalToken(user, w.org)
	}
	use := func(value string) verifier.Decision {
		d, err := w.verifier.Verify(t.Context(), verifier.Query{Value: value, Organization: w.org, Action: "listEvidence", Told: true, Via: "test"})
		must(t, err)
		return d
	}
	for _, value := range values {
		if d := use(value); !d.Allowed {
			t.Fatalf("before: %s", d.Code)
		}
	}
	before := w.head()
	a := w.send("PATCH", "Users/"+id, patch(object{"op": "replace", "path": "active", "value": false})).is(http.StatusOK, "")
	if a.at("active") != "false" {
		t.Error(a.raw)
	}
	for _, value := range values { // at once: the log itself refuses where this process has not heard yet
		if d := use(value); d.Allowed {
			t.Fatal("a leaver's token was let in")
		}
	}
	want := "membership.ended grant.ended token.organizations_changed grant.ended token.organizations_changed " +
		"grant.ended token.organizations_changed user.deactivated"
	if got := strings.Join(w.decided(before), " "); got != want {
		t.Errorf("recorded %s", got)
	}
	// Back in, the tokens stay out.
	w.send("PATCH", "Users/"+id, patch(object{"op": "replace", "path": "active", "value": true})).is(http.StatusOK, "")
	for _, value := range values {
		if d := use(value); d.Allowed {
			t.Fatal("a grant came back to life")
		}
	}
}
