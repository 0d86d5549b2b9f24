// Mutations on tokens of both kinds, and the rules that make them differ from updates of rows.

package graphql_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
)

// kindOfToken is a kind of token, as its operations are named.
type kindOfToken struct{ Type, field string }

var bothKinds = []kindOfToken{{"APIToken", "apiToken"}, {"PersonalAccessToken", "personalAccessToken"}}

// each runs a test for both kinds of tokens, which follow the same rules.
func each(t *testing.T, w *world, test func(t *testing.T, k kit)) {
	for _, kind := range bothKinds {
		t.Run(kind.Type, func(t *testing.T) {
			t.Parallel()
			mine := *w
			mine.t = t
			test(t, kit{&mine, kind})
		})
	}
}

// kit does things with tokens of one kind.
type kit struct {
	*world
	kindOfToken
}

const tokenView = `id name description tags scopes expiresAt isActive status revokedReason revokedBy revokedAt token version position
	createdBy updatedBy createdAt updatedAt lastUsedAt suspendedUntil ssoAuthorizations updatedByImpersonator fingerprint`

// mutate runs an operation, and gives the answer whether it succeeded or not.
func (k kit) mutate(operation, args, selection string, v vars, headers ...string) answer {
	k.t.Helper()
	types := map[string]string{
		"id": "ID!", "ids": "[ID!]!", "reason": "String", "why": "String!", "until": "Time", "rotation": "RotateTokenInput",
		"create": "Create" + k.Type + "Input!", "creates": "[Create" + k.Type + "Input!]", "update": "Update" + k.Type + "Input!",
	}
	var params []string
	for name := range v {
		params = append(params, "$"+name+": "+types[name])
	}
	slices.Sort(params)
	return k.send(k.admin, fmt.Sprintf("mutation(%s) { %s(%s) { %s } }", strings.Join(params, ", "), operation, args, selection), v, headers...)
}

func (k kit) create(input vars, headers ...string) answer {
	k.t.Helper()
	return k.mutate("create"+k.Type, "input: $create", k.field+" { "+tokenView+" } receipt { position recordedAt leafHash replayed events { type stream version leafHash } }",
		vars{"create": input}, headers...)
}

// made creates a token that must succeed.
func (k kit) made(name string) token {
	k.t.Helper()
	a := k.create(vars{"name": name, "scopes": []string{"read"}})
	if len(a.Errors) > 0 {
		k.t.Fatal(string(a.body))
	}
	return k.usable(token{a.at("create" + k.Type + "." + k.field + ".id"), a.at("create" + k.Type + "." + k.field + ".token")})
}

func (k kit) update(id string, input vars, headers ...string) answer {
	k.t.Helper()
	return k.mutate("update"+k.Type, "id: $id, input: $update", k.field+" { "+tokenView+" } receipt { position events { type } }",
		vars{"id": id, "update": input}, headers...)
}

// changed is a field of the token that an update answered.
func (k kit) changed(a answer, field string) string {
	k.t.Helper()
	if len(a.Errors) > 0 {
		k.t.Fatalf("the change failed: %s", a.body)
	}
	return a.at("update" + k.Type + "." + k.field + "." + field)
}

// types lists the events of a mutation.
func (a answer) types(operation string) string {
	a.t.Helper()
	if len(a.Errors) > 0 {
		a.t.Fatalf("failed: %s", a.body)
	}
	if a.any(operation+".receipt") == nil {
		return ""
	}
	var types []string
	for _, e := range a.any(operation + ".receipt.events").([]any) {
		types = append(types, value(e.(map[string]any)["type"]))
	}
	return strings.Join(types, " ")
}

// read is the token as the read model has it.
func (k kit) read(id, field string) string {
	k.t.Helper()
	a := k.ask(fmt.Sprintf(`query($id: ID!) { %s(id: $id) { %s } }`, k.field, tokenView), vars{"id": id})
	return a.at(k.field + "." + field)
}

func TestCreate(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		deadline := time.Now().Add(time.Hour).UTC().Truncate(time.Microsecond).Format(time.RFC3339Nano)
		a := k.create(vars{"name": "Ünïcode ✓", "description": "two\nlines", "tags": []string{"b", "a", "b"}, "scopes": []string{"write", "read"}, "expiresAt": deadline, "isActive": true})
		made := "create" + k.Type + "." + k.field + "."
		for field, want := range map[string]string{
			"name": "Ünïcode ✓", "description": "two\nlines", "tags": "[b a]", "scopes": "[read write]", "expiresAt": deadline,
			"isActive": "true", "status": "ACTIVE", "version": "1", "createdBy": k.user.String(), "updatedBy": k.user.String(),
			"revokedAt": "", "lastUsedAt": "", "ssoAuthorizations": "", "updatedByImpersonator": "",
		} {
			if got := a.at(made + field); got != want {
				t.Errorf("%s: got %q, want %q", field, got, want)
			}
		}
		id, value := a.at(made+"id"), a.at(made+"token")
		if k.read(id, "token") == value || !strings.HasSuffix(k.read(id, "token"), "…") || k.read(id, "token")[:27] != value[:27] {
			t.Errorf("the value %s is shown again as %s", value[:27], k.read(id, "token"))
		}
		for _, same := range []string{"name", "tags", "scopes", "expiresAt", "createdAt", "updatedAt", "status", "version", "position", "fingerprint"} {
			if got := k.read(id, same); got != a.at(made+same) {
				t.Errorf("%s: the read model has %q, the answer had %q", same, got, a.at(made+same))
			}
		}
		receipt := "create" + k.Type + ".receipt."
		if a.at(receipt+"events.0.type") != "token.created" || len(a.at(receipt+"leafHash")) != 64 || a.at(receipt+"replayed") != "false" {
			t.Errorf("the receipt: %s", a.body)
		}
		for _, form := range []string{value[5:27], k.read(id, "token"), value[:27] + "...", k.read(id, "fingerprint")} {
			if got := k.ask(fmt.Sprintf(`query($id: ID!) { %s(id: $id) { id } }`, k.field), vars{"id": form}).at(k.field + ".id"); got != id {
				t.Errorf("%s found %s, want %s", form, got, id)
			}
		}
	})
}

func TestCreateRefuses(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		head, err := k.log.Head(t.Context())
		must(t, err)
		good := vars{"name": "x", "scopes": []string{"read"}}
		for _, c := range []struct {
			field string
			value any
			code  string
			at    string
		}{
			{"name", "", "BAD_USER_INPUT", "name"},
			{"name", "  ", "BAD_USER_INPUT", "name"},
			{"name", strings.Repeat("x", 10_000), "BAD_USER_INPUT", "name"},
			{"name", "a\x00b", "BAD_USER_INPUT", "name"},
			{"name", "a\nb", "BAD_USER_INPUT", "name"},
			{"name", "a\u202eb", "BAD_USER_INPUT", "name"},
			{"name", nil, "BAD_USER_INPUT", "name"},
			{"name", 7, "BAD_USER_INPUT", "name"},
			{"name", true, "BAD_USER_INPUT", "name"},
			{"isActive", "true", "BAD_USER_INPUT", "isActive"},
			{"description", strings.Repeat("x", 10_000), "BAD_USER_INPUT", "description"},
			{"description", "\x07", "BAD_USER_INPUT", "description"},
			{"tags", []string{""}, "BAD_USER_INPUT", "tags"},
			{"tags", 7, "BAD_USER_INPUT", "tags[0]"},
			{"scopes", []string{"read", "fly:high"}, "BAD_USER_INPUT", "scopes"},
			{"scopes", []string{""}, "BAD_USER_INPUT", "scopes"},
			{"expiresAt", "2001-01-01T00:00:00Z", "BAD_USER_INPUT", "expiresAt"},
			{"expiresAt", "tomorrow", "BAD_USER_INPUT", "expiresAt"},
			{"expiresAt", 7, "BAD_USER_INPUT", "expiresAt"},
			{"lastUsedAt", soon(), "BAD_USER_INPUT", "lastUsedAt"},
			{"revokedReason", "x", "BAD_USER_INPUT", "revokedReason"},
			{"revokedBy", k.user, "BAD_USER_INPUT", "revokedBy"},
			{"revokedAt", soon(), "BAD_USER_INPUT", "revokedAt"},
			{"colour", "red", "BAD_USER_INPUT", "colour"},
			{"ownerID", uuid.NewString(), "*", "ownerID"},
			{"ownerID", "x", "BAD_USER_INPUT", "ownerID"},
		} {
			input := vars{}
			for k, v := range good {
				input[k] = v
			}
			input[c.field] = c.value
			a := k.create(input)
			if code := c.code; code == "*" {
				if len(a.Errors) == 0 {
					t.Errorf("%s = %v was not refused", c.field, c.value)
				}
			} else {
				a.refuses(code, c.at)
			}
		}
		if now, _ := k.log.Head(t.Context()); now-head > 200 {
			t.Errorf("refusals moved the log by %d", now-head)
		}
	})
	w := newWorld(t)
	w.send(w.admin, createAPIToken, vars{"input": vars{"name": "x"}}).refuses("BAD_USER_INPUT", "scopes")
	if n := w.events("token.created"); n != 1 {
		t.Errorf("%d tokens, want that of the administrator alone", n)
	}
}

func TestUpdateIsOneEventForEachIntent(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		id := k.made("before").id
		op := "update" + k.Type
		a := k.update(id, vars{
			"name": "after", "description": "d", "tags": []string{"a"}, "appendTags": []string{"b"}, "appendScopes": []string{"evidence:write"}, "expiresAt": soon(),
		})
		if got := a.types(op); got != "token.renamed token.described token.tagged token.scopes_changed token.expiry_changed" {
			t.Errorf("events: %s", got)
		}
		for field, want := range map[string]string{"name": "after", "description": "d", "tags": "[a b]", "scopes": "[evidence:write read]", "version": "6"} {
			if got := k.changed(a, field); got != want {
				t.Errorf("%s: got %q, want %q", field, got, want)
			}
		}
		a = k.update(id, vars{"clearDescription": true, "clearTags": true, "clearExpiresAt": true, "scopes": []string{"write"}})
		for field, want := range map[string]string{"description": "", "tags": "[]", "expiresAt": "", "scopes": "[write]"} {
			if got := k.changed(a, field); got != want {
				t.Errorf("%s after clearing: got %q, want %q", field, got, want)
			}
		}
		if a := k.update(id, vars{"name": "after"}); a.types(op) != "" || k.changed(a, "version") != k.read(id, "version") {
			t.Errorf("nothing changed, and yet: %s", a.body)
		}
		k.update(id, vars{"name": "x", "expectedVersion": 3}).refuses("CONFLICT", "expectedVersion")
		version := k.read(id, "version")
		var n int
		fmt.Sscan(version, &n)
		if got := k.changed(k.update(id, vars{"name": "expected", "expectedVersion": n}), "name"); got != "expected" {
			t.Errorf("with the right version: %s", got)
		}
		for field, input := range map[string]vars{
			"expiresAt": {"expiresAt": "2001-01-01T00:00:00Z"}, "scopes": {"scopes": []string{"fly:high"}}, "name": {"name": ""},
			"description": {"description": "x", "clearDescription": true}, "lastUsedAt": {"lastUsedAt": soon()},
			"revokedReason": {"revokedAt": time.Now().UTC()}, "revokedBy": {"revokedReason": "x", "revokedBy": uuid.New()},
			"revokedAt": {"revokedReason": "x", "revokedAt": "2001-01-01T00:00:00Z"}, "isActive": {"revokedReason": "x", "isActive": true},
		} {
			k.update(id, input).refuses("BAD_USER_INPUT", field)
		}
		if got := k.read(id, "name"); got != "expected" {
			t.Errorf("a refused update changed the name to %s", got)
		}
	})
}

func TestSuspendIsNotRevoke(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		id := k.made("x").id
		a := k.update(id, vars{"isActive": false})
		if k.changed(a, "status") != "SUSPENDED" || k.changed(a, "isActive") != "false" || fmt.Sprint(a.Extensions["warnings"]) != "[SUSPENDED_NOT_REVOKED]" {
			t.Errorf("isActive: false alone: %s", a.body)
		}
		if a := k.update(id, vars{"isActive": true}); k.changed(a, "status") != "ACTIVE" || a.Extensions["warnings"] != nil {
			t.Errorf("isActive: true: %s", a.body)
		}
		until := soon()
		a = k.mutate("suspend"+k.Type, "id: $id, until: $until, reason: $reason", k.field+" { status suspendedUntil } receipt { events { type } }",
			vars{"id": id, "until": until, "reason": "leave"})
		if a.at("suspend"+k.Type+"."+k.field+".status") != "SUSPENDED" || a.at("suspend" + k.Type + "." + k.field + ".suspendedUntil")[:19] != until[:19] {
			t.Errorf("suspended: %s", a.body)
		}
		a = k.mutate("resume"+k.Type, "id: $id", k.field+" { status suspendedUntil }", vars{"id": id})
		if a.at("resume"+k.Type+"."+k.field+".status") != "ACTIVE" {
			t.Errorf("resumed: %s", a.body)
		}
		k.mutate("suspend"+k.Type, "id: $id, until: $until", k.field+" { id }", vars{"id": id, "until": "2001-01-01T00:00:00Z"}).refuses("BAD_USER_INPUT", "until")
	})
}

// A revocation is final, however it is said.
func TestRevokeIsFinal(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		revoke := func(id string) answer {
			return k.mutate("revoke"+k.Type, "id: $id, reason: $why", k.field+" { "+tokenView+" } receipt { events { type } }", vars{"id": id, "why": "leaked"})
		}
		first, second := k.made("first").id, k.made("second").id
		if a := revoke(first); a.at("revoke"+k.Type+"."+k.field+".status") != "REVOKED" || a.at("revoke"+k.Type+"."+k.field+".revokedBy") != k.user.String() {
			t.Errorf("revoked: %s", a.body)
		}
		a := k.update(second, vars{"name": "renamed", "revokedReason": "leaked", "revokedAt": time.Now().UTC()})
		if k.changed(a, "status") != "REVOKED" || k.changed(a, "revokedReason") != "leaked" || a.Extensions["warnings"] != nil {
			t.Errorf("revoked by an update: %s", a.body)
		}
		for _, id := range []string{first, second} {
			for _, input := range []vars{
				{"isActive": true}, {"isActive": false}, {"name": "x"}, {"expiresAt": soon()}, {"scopes": []string{"write"}}, {"revokedReason": "again"},
			} {
				k.update(id, input).refuses("CONFLICT", "*")
			}
			revoke(id).refuses("CONFLICT", "*")
			k.mutate("resume"+k.Type, "id: $id", k.field+" { id }", vars{"id": id}).refuses("CONFLICT", "*")
			k.mutate("rotate"+k.Type, "id: $id", k.field+" { id }", vars{"id": id}).refuses("CONFLICT", "*")
			if got := k.read(id, "status"); got != "REVOKED" {
				t.Errorf("the token is %s", got)
			}
		}
		id := k.made("third").id
		k.mutate("revoke"+k.Type, "id: $id, reason: $why", k.field+" { id }", vars{"id": id, "why": " "}).refuses("BAD_USER_INPUT", "reason")
		k.mutate("revoke"+k.Type, "id: $id, reason: $why", k.field+" { id }", vars{"id": id, "why": strings.Repeat("x", 10_000)}).refuses("BAD_USER_INPUT", "reason")
	})
}

func TestDelete(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		id := k.made("x").id
		list := func(args string) []string {
			return k.ask(fmt.Sprintf(`{ %ss%s { edges { node { id } } } }`, k.field, args), nil).each(k.field+"s", "id")
		}
		a := k.mutate("delete"+k.Type, "id: $id", "deletedID receipt { events { type } }", vars{"id": id})
		if got := a.types("delete" + k.Type); got != "token.revoked token.deleted" || a.at("delete"+k.Type+".deletedID") != id {
			t.Errorf("deleted: %s", a.body)
		}
		if slices.Contains(list(""), id) || !slices.Contains(list("(includeDeleted: true)"), id) || !slices.Contains(list("(includeDeleted: true, where: {status: DELETED})"), id) {
			t.Error("a deleted token is in the lists, or nowhere")
		}
		if k.read(id, "status") != "DELETED" || k.read(id, "isActive") != "false" {
			t.Errorf("the token is %s", k.read(id, "status"))
		}
		k.mutate("delete"+k.Type, "id: $id", "deletedID", vars{"id": id}).refuses("NOT_FOUND", "id")
		k.update(id, vars{"name": "x"}).refuses("NOT_FOUND", "id")
		a = k.ask(fmt.Sprintf(`query($id: ID!) { %s(id: $id) { events { totalCount edges { node { type reason } } } } }`, k.field), vars{"id": id})
		if a.at(k.field+".events.totalCount") != "3" || a.at(k.field+".events.edges.2.node.type") != "token.deleted" {
			t.Errorf("the events of a deleted token: %s", a.body)
		}
	})
}
