// The four documents that the product answers to the letter.

package graphql_test

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func document(t *testing.T, name string) string {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", name+".graphql"))
	must(t, err)
	return string(text)
}

// shape compares an answer with one of which only the keys matter.
func shape(t *testing.T, got any, want string) {
	t.Helper()
	var v any
	must(t, json.Unmarshal([]byte(want), &v))
	compareShape(t, "data", got, v)
}

func compareShape(t *testing.T, path string, got, want any) {
	t.Helper()
	switch want := want.(type) {
	case map[string]any:
		m, ok := got.(map[string]any)
		if !ok || len(m) != len(want) {
			t.Fatalf("%s: got %v, want the keys of %v", path, got, want)
		}
		for key := range want {
			if _, ok := m[key]; !ok {
				t.Fatalf("%s: %s is missing", path, key)
			}
			compareShape(t, path+"."+key, m[key], want[key])
		}
	case []any:
		list, ok := got.([]any)
		if !ok || len(list) != len(want) {
			t.Fatalf("%s: got %v, want %d elements", path, got, len(want))
		}
		for i := range want {
			compareShape(t, path, list[i], want[i])
		}
	}
}

func TestSeedDocuments(t *testing.T) {
	t.Parallel()
	w := newWorld(t)

	created := w.ask(document(t, "seed_create"), vars{"input": vars{
		"name": "ci", "description": "deploys", "scopes": []string{"write", "read"}, "expiresAt": soon(),
	}})
	shape(t, created.Data, `{"createAPIToken": {"apiToken": {"id": 0, "name": 0, "token": 0, "description": 0, "scopes": 0,
		"expiresAt": 0, "isActive": 0, "createdAt": 0}}}`)
	id := created.at("createAPIToken.apiToken.id")
	for path, want := range map[string]string{
		"name": "ci", "description": "deploys", "scopes": "[read write]", "isActive": "true",
	} {
		if got := created.at("createAPIToken.apiToken." + path); got != want {
			t.Errorf("created %s: got %s, want %s", path, got, want)
		}
	}
	if value := created.at("createAPIToken.apiToken.token"); len(value) != 69 || !strings.HasPrefix(value, "tola_") {
		t.Errorf("the value is %q", value)
	}

	query := document(t, "seed_query")
	listed := w.ask(query, vars{"first": 10, "where": vars{"isActive": true}})
	shape(t, listed.Data, `{"apiTokens": {"edges": [{"node": {"id": 0, "name": 0, "description": 0, "scopes": 0, "isActive": 0,
		"expiresAt": 0, "lastUsedAt": 0, "createdAt": 0, "revokedReason": 0, "revokedBy": 0, "owner": {"id": 0, "name": 0}}}],
		"pageInfo": {"hasNextPage": 0, "hasPreviousPage": 0, "startCursor": 0, "endCursor": 0}, "totalCount": 0}}`)
	for path, want := range map[string]string{
		"edges.0.node.id": id, "edges.0.node.owner.id": w.org.String(), "edges.0.node.owner.name": "acme",
		"edges.0.node.lastUsedAt": "", "pageInfo.hasNextPage": "false", "totalCount": "1",
	} {
		if got := listed.at("apiTokens." + path); got != want {
			t.Errorf("listed %s: got %s, want %s", path, got, want)
		}
	}

	revoked := w.ask(document(t, "seed_update"), vars{"id": id, "input": vars{"isActive": false, "revokedReason": "leaked", "revokedBy": w.user}})
	shape(t, revoked.Data, `{"updateAPIToken": {"apiToken": {"id": 0, "name": 0, "isActive": 0, "revokedReason": 0, "revokedBy": 0, "updatedAt": 0}}}`)
	for path, want := range map[string]string{
		"id": id, "isActive": "false", "revokedReason": "leaked", "revokedBy": w.user.String(),
	} {
		if got := revoked.at("updateAPIToken.apiToken." + path); got != want {
			t.Errorf("revoked %s: got %s, want %s", path, got, want)
		}
	}
	if n := w.ask(query, vars{"where": vars{"isActive": true}}).at("apiTokens.totalCount"); n != "0" {
		t.Errorf("%s active tokens after the revocation", n)
	}

	deleted := w.ask(document(t, "seed_delete"), vars{"id": id})
	shape(t, deleted.Data, `{"deleteAPIToken": {"deletedID": 0}}`)
	if got := deleted.at("deleteAPIToken.deletedID"); got != id {
		t.Errorf("deleted %s, want %s", got, id)
	}
	if n := w.ask(query, nil).at("apiTokens.totalCount"); n != "0" {
		t.Errorf("%s tokens in the list after the deletion", n)
	}
}
