// Several tokens at once, and mutations that are sent again.

package graphql_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/google/uuid"
)

func TestBulk(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		selection := k.field + "s { id name token } receipt { events { type } }"
		a := k.mutate("createBulk"+k.Type, "input: $creates", selection, vars{"creates": []vars{{"name": "a", "scopes": []string{"read"}}, {"name": "b", "scopes": []string{"read"}}}})
		op := "createBulk" + k.Type
		if a.types(op) != "token.created token.created" || len(a.at(op+"."+k.field+"s.1.token")) != 69 {
			t.Errorf("created: %s", a.body)
		}
		first, second := a.at(op+"."+k.field+"s.0.id"), a.at(op+"."+k.field+"s.1.id")
		k.mutate(op, "input: $creates", selection, vars{"creates": []vars{{"name": "half done", "scopes": []string{"read"}}, {"name": "", "scopes": []string{"read"}}}}).
			refuses("BAD_USER_INPUT", "input[1].name")
		if n := k.ask(fmt.Sprintf(`{ %ss(where: {name: "half done"}) { totalCount } }`, k.field), nil).at(k.field + "s.totalCount"); n != "0" {
			t.Errorf("a refused bulk left %s tokens", n)
		}
		k.mutate(op, "input: $creates", selection, vars{"creates": []vars{}}).refuses("BAD_USER_INPUT", "input")

		stranger := uuid.Must(uuid.NewV7()).String()
		a = k.mutate("updateBulk"+k.Type, "ids: $ids, input: $update", k.field+"s { name } updatedIDs notUpdatedIDs error receipt { events { type } }",
			vars{"ids": []string{first, stranger, "nonsense", second}, "update": vars{"name": "both"}})
		op = "updateBulk" + k.Type + "."
		for path, want := range map[string]string{
			k.field + "s.0.name": "both", k.field + "s.1.name": "both", "updatedIDs": fmt.Sprint([]string{first, second}),
			"notUpdatedIDs": fmt.Sprint([]string{"nonsense", stranger}),
		} {
			if got := a.at(op + path); got != want {
				t.Errorf("%s: got %q, want %q", path, got, want)
			}
		}
		if !strings.Contains(a.at(op+"error"), "There is no such token.") {
			t.Errorf("the reason: %s", a.at(op+"error"))
		}
		a = k.mutate("deleteBulk"+k.Type, "ids: $ids", "deletedIDs notDeletedIDs error", vars{"ids": []string{first, stranger, second}})
		op = "deleteBulk" + k.Type + "."
		if a.at(op+"deletedIDs") != fmt.Sprint([]string{first, second}) || a.at(op+"notDeletedIDs") != fmt.Sprint([]string{stranger}) {
			t.Errorf("deleted: %s", a.body)
		}
	})
}

func TestIdempotencyKey(t *testing.T) {
	t.Parallel()
	each(t, newWorld(t), func(t *testing.T, k kit) {
		input := vars{"name": "once", "scopes": []string{"read"}}
		key := []string{"Idempotency-Key", "key-of-" + k.Type}
		first := k.create(input, key...)
		again := k.create(input, key...)
		op := "create" + k.Type + "."
		if again.at(op+k.field+".id") != first.at(op+k.field+".id") || again.at(op+"receipt.position") != first.at(op+"receipt.position") || again.at(op+"receipt.replayed") != "true" {
			t.Errorf("a replay answered\n%s\nafter\n%s", again.body, first.body)
		}
		if len(again.at(op+k.field+".token")) > 40 || fmt.Sprint(again.Extensions["warnings"]) != "[VALUE_ALREADY_SHOWN]" {
			t.Errorf("a replay shows the value, or does not warn: %s", again.body)
		}
		k.create(vars{"name": "other", "scopes": []string{"read"}}, key...).refuses("CONFLICT", "*")
		k.create(input, "Idempotency-Key", strings.Repeat("k", 5000)).refuses("BAD_USER_INPUT", "Idempotency-Key")
		id := first.at(op + k.field + ".id")
		key = []string{"Idempotency-Key", "update-of-" + k.Type}
		if a, b := k.update(id, vars{"name": "new"}, key...), k.update(id, vars{"name": "new"}, key...); a.at("update"+k.Type+".receipt.position") != b.at("update"+k.Type+".receipt.position") {
			t.Errorf("an update was done twice: %s", b.body)
		}
	})
	w := newWorld(t)
	two := `mutation { a: createAPIToken(input: {name: "a", scopes: ["read"]}) { apiToken { id } } b: createAPIToken(input: {name: "b", scopes: ["read"]}) { apiToken { id } } }`
	first, again := w.ask(two, nil, "Idempotency-Key", "two"), w.ask(two, nil, "Idempotency-Key", "two")
	if first.at("a.apiToken.id") == first.at("b.apiToken.id") || first.at("a.apiToken.id") != again.at("a.apiToken.id") || first.at("b.apiToken.id") != again.at("b.apiToken.id") {
		t.Errorf("two mutations under one key: %s, then %s", first.body, again.body)
	}
}
