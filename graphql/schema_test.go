// The schema itself: what it says, that every part of it is described, and who may read it.

package graphql_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/graphql"
)

var update = flag.Bool("update", false, "write golden files anew")

func schema(t *testing.T) *ast.Schema {
	t.Helper()
	s, err := gqlparser.LoadSchema(&ast.Source{Name: "schema", Input: graphql.SDL()})
	if err != nil {
		t.Fatalf("the schema that is printed is none: %v", err)
	}
	return s
}

// own are the types that the schema's files define.
func own(s *ast.Schema) []*ast.Definition {
	var types []*ast.Definition
	for _, def := range s.Types {
		if !def.BuiltIn {
			types = append(types, def)
		}
	}
	slices.SortFunc(types, func(a, b *ast.Definition) int { return strings.Compare(a.Name, b.Name) })
	return types
}

func TestSchemaIsTheOneOnRecord(t *testing.T) {
	t.Parallel()
	golden := filepath.Join("testdata", "schema.graphql")
	got := graphql.SDL()
	if *update {
		must(t, os.WriteFile(golden, []byte(got), 0o644))
	}
	want, err := os.ReadFile(golden)
	must(t, err)
	if got != string(want) {
		t.Error("the schema differs from testdata/schema.graphql; if that is meant, run go test ./graphql -run TestSchema -update")
	}
}

func TestEverythingInTheSchemaIsDescribed(t *testing.T) {
	t.Parallel()
	check := func(name, description string) {
		if len(description) < 4 || !strings.ContainsAny(description[len(description)-1:], ".;`") {
			t.Errorf("%s has no description that is a sentence: %q", name, description)
		}
	}
	for _, def := range own(schema(t)) {
		check(def.Name, def.Description)
		for _, f := range def.Fields {
			if strings.HasPrefix(f.Name, "__") {
				continue
			}
			check(def.Name+"."+f.Name, f.Description)
			for _, a := range f.Arguments {
				check(def.Name+"."+f.Name+"("+a.Name+")", a.Description)
			}
		}
		for _, v := range def.EnumValues {
			check(def.Name+"."+v.Name, v.Description)
		}
	}
}

// The contract's names, types and nullability.
func TestSchemaKeepsItsNames(t *testing.T) {
	t.Parallel()
	s := schema(t)
	for typeName, fields := range map[string]map[string]string{
		"Query": {
			"apiTokens": "APITokenConnection!", "apiToken": "APIToken!", "personalAccessTokens": "PersonalAccessTokenConnection!",
			"personalAccessToken": "PersonalAccessToken!", "node": "Node", "nodes": "[Node]!",
		},
		"APIToken": {
			"id": "ID!", "createdAt": "Time", "updatedAt": "Time", "createdBy": "String", "updatedBy": "String", "tags": "[String!]",
			"ownerID": "ID", "name": "String!", "token": "String!", "expiresAt": "Time", "description": "String", "scopes": "[String!]",
			"lastUsedAt": "Time", "isActive": "Boolean", "revokedReason": "String", "revokedBy": "String", "revokedAt": "Time",
			"ssoAuthorizations": "SSOAuthorizationMap", "owner": "Organization", "updatedByImpersonator": "String",
		},
		"PersonalAccessToken": {
			"owner": "User!", "organizations": "OrganizationConnection!", "events": "EventConnection!", "token": "String!",
			"updatedByImpersonator": "String",
		},
		"Organization":              {"id": "ID!", "name": "String!", "displayName": "String!", "apiTokens": "APITokenConnection!", "tokenGrants": "TokenGrantConnection!"},
		"User":                      {"id": "ID!", "displayName": "String!", "email": "String", "personalAccessTokens": "PersonalAccessTokenConnection!"},
		"APITokenConnection":        {"edges": "[APITokenEdge]", "pageInfo": "PageInfo!", "totalCount": "Int!"},
		"APITokenEdge":              {"node": "APIToken", "cursor": "Cursor!"},
		"PageInfo":                  {"hasNextPage": "Boolean!", "hasPreviousPage": "Boolean!", "startCursor": "Cursor", "endCursor": "Cursor"},
		"APITokenCreatePayload":     {"apiToken": "APIToken!"},
		"APITokenBulkCreatePayload": {"apiTokens": "[APIToken!]"},
		"APITokenDeletePayload":     {"deletedID": "ID!"},
		"APITokenOrder":             {"direction": "OrderDirection!", "field": "APITokenOrderField!"},
	} {
		for name, want := range fields {
			f := s.Types[typeName].Fields.ForName(name)
			if f == nil || f.Type.String() != want {
				t.Errorf("%s.%s: got %v, want %s", typeName, name, f, want)
			}
		}
	}
	args := map[string]string{"after": "Cursor", "first": "Int", "before": "Cursor", "last": "Int", "orderBy": "[APITokenOrder!]", "where": "APITokenWhereInput"}
	for name, want := range args {
		if a := s.Query.Fields.ForName("apiTokens").Arguments.ForName(name); a == nil || a.Type.String() != want {
			t.Errorf("apiTokens(%s): got %v, want %s", name, a, want)
		}
	}
	var fields []string
	for _, v := range s.Types["APITokenOrderField"].EnumValues {
		fields = append(fields, v.Name)
	}
	if want := []string{"created_at", "updated_at", "name", "expires_at", "last_used_at", "is_active"}; !slices.Equal(fields, want) {
		t.Errorf("APITokenOrderField: got %v, want %v", fields, want)
	}
	if s.Types["Evidence"] != nil || s.Mutation.Fields.ForName("createEvidence") != nil {
		t.Error("evidence lives in other systems")
	}
}

// Every predicate of the contract's filters is there, and no other.
func TestFiltersHaveTheirPredicates(t *testing.T) {
	t.Parallel()
	predicates := map[string]string{
		"id": " NEQ In NotIn", "ownerID": " NEQ In NotIn IsNil NotNil",
		"createdAt": " NEQ In NotIn GT GTE LT LTE IsNil NotNil", "updatedAt": " NEQ In NotIn GT GTE LT LTE IsNil NotNil",
		"expiresAt": " NEQ In NotIn GT GTE LT LTE IsNil NotNil", "lastUsedAt": " NEQ In NotIn GT GTE LT LTE IsNil NotNil",
		"revokedAt":     " NEQ In NotIn GT GTE LT LTE IsNil NotNil",
		"name":          " NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix EqualFold ContainsFold",
		"createdBy":     " NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix IsNil NotNil EqualFold ContainsFold",
		"updatedBy":     " NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix IsNil NotNil EqualFold ContainsFold",
		"revokedBy":     " NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix IsNil NotNil EqualFold ContainsFold",
		"revokedReason": " NEQ In NotIn GT GTE LT LTE Contains HasPrefix HasSuffix IsNil NotNil EqualFold ContainsFold",
		"isActive":      " NEQ IsNil NotNil", "status": " In", "tags": "Has", "scopes": "Has",
	}
	want := map[string]bool{"not": true, "and": true, "or": true, "hasOwner": true, "hasOwnerWith": true}
	for field, suffixes := range predicates {
		for suffix := range strings.SplitSeq(suffixes, " ") {
			want[field+suffix] = true
		}
	}
	for _, f := range schema(t).Types["APITokenWhereInput"].Fields {
		if !want[f.Name] {
			t.Errorf("the predicate %s is not in the contract", f.Name)
		}
		delete(want, f.Name)
	}
	for name := range want {
		t.Errorf("the predicate %s is missing", name)
	}
}

func TestIntrospection(t *testing.T) {
	t.Parallel()
	open, closed := newWorld(t), newWorld(t, func(c *graphql.Config) { c.Introspection = false })
	const query = `{ __schema { queryType { name } types { name } } }`
	if a := open.send("", query, nil); a.status != 200 || a.at("__schema.queryType.name") != "Query" {
		t.Errorf("the open schema cannot be read without credentials: %d %s", a.status, a.body)
	}
	a := closed.send(closed.admin, query, nil)
	a.refuses("FORBIDDEN", "")
	if a := closed.send(closed.admin, `{ apiTokns { totalCount } }`, nil); strings.Contains(string(a.body), "apiTokens") {
		t.Errorf("the closed schema suggests names: %s", a.body)
	}
	if a := open.send(open.admin, `{ apiTokns { totalCount } }`, nil); !strings.Contains(string(a.body), "apiTokens") {
		t.Errorf("the open schema suggests no names: %s", a.body)
	}
	open.send(open.admin, `{ organization { ... @defer { name } } }`, nil).refuses("BAD_USER_INPUT", "")
	if a := closed.send("", `{ __typename }`, nil); a.at("__typename") != "Query" {
		t.Errorf("__typename: %s", a.body)
	}
}

func TestSchemaOnly(t *testing.T) {
	t.Parallel()
	for body, want := range map[string]bool{
		`{"query": "{ __schema { types { name } } }"}`:                                    true,
		`{"query": "query A { __typename } query B { __type(name: \"User\") { name } }"}`: true,
		`{"query": "query A { __typename } query B { me { id } }"}`:                       false,
		`{"query": "{ ...F } fragment F on Query { me { id } }"}`:                         false,
		`{"query": "{ ...F } fragment F on Query { ...F }"}`:                              true,
		`{"query": "{ ...Nowhere }"}`:                                                     true,
		`{"query": "mutation { __typename }"}`:                                            false,
		`{"query": "subscription { __typename }"}`:                                        false,
		`{"query": "{"}`: false,
		`{"query": ""}`:  false,
		`{}`:             false,
		`[]`:             false,
		`nonsense`:       false,
	} {
		if got := graphql.SchemaOnly([]byte(body)); got != want {
			t.Errorf("%s: got %v, want %v", body, got, want)
		}
	}
}
