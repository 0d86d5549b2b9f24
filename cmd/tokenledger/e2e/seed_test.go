// The four documents of the page that the product implements, unchanged, through curl.

package e2e_test

import (
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"testing"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

func TestSeedDocumentsThroughCurl(t *testing.T) {
	t.Parallel()
	needCurl(t)
	s := start(t)

	created := s.curl(t, "create", map[string]any{"input": map[string]any{
		"name": "ci", "description": "uploads evidence", "scopes": []string{"evidence:write", "control:read"}, "expiresAt": inDays(90),
	}})
	id := created.text(t, "createAPIToken.apiToken.id")
	value := created.text(t, "createAPIToken.apiToken.token")
	if len(value) != 69 || value[:5] != "tola_" {
		t.Error("the value does not have the form of one")
	}
	s.allowed(t, value, "createEvidence")
	await(t, "the use shows", func() bool { // a use is no command that reads would wait for
		return s.ask(t, `query($id: ID!) { apiToken(id: $id) { lastUsedAt } }`, map[string]any{"id": id}).at(t, "apiToken.lastUsedAt") != nil
	})

	listed := s.curl(t, "query", map[string]any{"first": 10, "where": map[string]any{"nameHasPrefix": "ci", "isActive": true}})
	if got := listed.text(t, "apiTokens.edges.0.node.id"); got != id || listed.number(t, "apiTokens.totalCount") != 1 {
		t.Errorf("the list is %s", listed.Body)
	}
	if listed.text(t, "apiTokens.edges.0.node.owner.name") != "Demo" || listed.text(t, "apiTokens.edges.0.node.lastUsedAt") == "" {
		t.Errorf("the list is %s", listed.Body)
	}

	revoked := s.curl(t, "update", map[string]any{"id": id, "input": map[string]any{
		"isActive": false, "revokedReason": "found in a build log",
	}})
	if revoked.at(t, "updateAPIToken.apiToken.isActive") != false ||
		revoked.text(t, "updateAPIToken.apiToken.revokedReason") != "found in a build log" ||
		revoked.text(t, "updateAPIToken.apiToken.revokedBy") == "" {
		t.Errorf("the revocation answers %s", revoked.Body)
	}
	s.denied(t, value, "createEvidence")

	deleted := s.curl(t, "delete", map[string]any{"id": id})
	if deleted.text(t, "deleteAPIToken.deletedID") != id {
		t.Errorf("the deletion answers %s", deleted.Body)
	}
	if after := s.curl(t, "query", map[string]any{"first": 10}); after.number(t, "apiTokens.totalCount") != 0 {
		t.Errorf("a deleted token is still listed: %s", after.Body)
	}
}

// curl sends one of the documents and checks that everything it selects is there.
func (s *service) curl(t *testing.T, document string, variables map[string]any) answer {
	t.Helper()
	text, err := os.ReadFile(filepath.Join("testdata", "seed", document+".graphql"))
	if err != nil {
		t.Fatal(err)
	}
	body, err := json.Marshal(map[string]any{"query": string(text), "variables": variables})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "body.json")
	if err := os.WriteFile(file, body, 0o600); err != nil {
		t.Fatal(err)
	}
	out, err := exec.Command("curl", "--silent", "--show-error", "--fail-with-body", "-X", "POST", s.URL+"/query",
		"-H", "Authorization: Bearer "+s.Token, "-H", "Content-Type: application/json", "-d", "@"+file).Output()
	if err != nil {
		t.Fatalf("curl: %v: %s", err, out)
	}
	a := answer{outside.Answer{Body: out}}
	if err := json.Unmarshal(out, &a); err != nil || len(a.Errors) > 0 {
		t.Fatalf("%s: %v %s", document, err, out)
	}
	parsed, err := parser.ParseQuery(&ast.Source{Input: string(text)})
	if err != nil {
		t.Fatal(err)
	}
	for _, operation := range parsed.Operations {
		hasAll(t, document, operation.SelectionSet, a.Data)
	}
	return a
}

// hasAll checks that a value has every field that was selected of it; null is an
// answer, too.
func hasAll(t *testing.T, path string, selected ast.SelectionSet, value any) {
	t.Helper()
	if list, ok := value.([]any); ok {
		for _, item := range list {
			hasAll(t, path, selected, item)
		}
		return
	}
	object, _ := value.(map[string]any)
	for _, s := range selected {
		field := s.(*ast.Field)
		inner, present := object[field.Alias]
		if !present {
			t.Errorf("%s.%s was selected and is not in the answer", path, field.Alias)
		}
		if inner != nil && len(field.SelectionSet) > 0 {
			hasAll(t, path+"."+field.Alias, field.SelectionSet, inner)
		}
	}
	if len(object) != len(selected) {
		t.Errorf("%s has %d fields, %d were selected", path, len(object), len(selected))
	}
}
