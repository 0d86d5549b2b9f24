// What anyone can send is read without a panic, and what comes out of it keeps its promises.

package graphql

import (
	"context"
	"strings"
	"testing"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/aggregate"
)

func FuzzSchemaOnly(f *testing.F) {
	f.Add([]byte(`{"query": "{ __schema { types { name } } }"}`))
	f.Add([]byte(`{"query": "{ ...F } fragment F on Query { ...F me { id } }"}`))
	f.Fuzz(func(t *testing.T, body []byte) {
		if SchemaOnly(body) && !strings.Contains(strings.ToLower(string(body)), "query") {
			t.Errorf("%q asks for nothing at all", body)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add(`{ organization { ...A } } fragment A on Organization { ...A ...B } fragment B on Organization { id }`)
	f.Add(`query($first: Int = 3) { apiTokens(first: $first) { edges { node { id } } } }`)
	f.Add(`{ a: me { id } ... @include(if: true) { b: me { id } } }`)
	h := &handler{open: true}
	exec := h.newExecutor(Limits{}.withDefaults(), true)
	f.Fuzz(func(t *testing.T, query string) {
		ctx := gql.StartOperationTrace(t.Context())
		op, errs := exec.CreateOperationContext(ctx, &gql.RawParams{Query: query})
		if errs != nil {
			for _, err := range errs {
				if r, ok := outward(err); !ok || r.Message == "" {
					t.Errorf("%q: the refusal %v has no words", query, err)
				}
			}
			return
		}
		if total := cost(op.Operation.SelectionSet, op.Variables); total > (Limits{}).withDefaults().Cost {
			t.Errorf("%q costs %d and was let through", query, total)
		}
	})
}

func FuzzReadCSV(f *testing.F) {
	f.Add("name,scopes,tags,expiresAt\none,read;write,a;b,2099-01-01T00:00:00Z\n", false)
	f.Add("\uFEFFname,organizationIDs\n\"a\nb\",01890a5d-ac96-774b-bcce-b302099a8057\n", true)
	f.Fuzz(func(t *testing.T, text string, personal bool) {
		tokens, err := readCSV(gql.Upload{File: strings.NewReader(text), Size: int64(len(text))}, personal)
		if err != nil {
			if r, ok := outward(err); !ok || r.Code != aggregate.CodeBadUserInput {
				t.Errorf("%q: %v is not the client's fault", text, err)
			}
			return
		}
		if len(tokens) == 0 || len(tokens) > aggregate.MaxBulk {
			t.Errorf("%q gives %d tokens", text, len(tokens))
		}
		for _, token := range tokens {
			if !personal && len(token.Organizations) > 0 {
				t.Errorf("%q grants an organization token", text)
			}
		}
	})
}

func FuzzAccepted(f *testing.F) {
	f.Add("application/json;q=0.5, */*;q=0.1")
	f.Add("text/event-stream")
	f.Fuzz(func(t *testing.T, header string) {
		switch got := accepted([]string{header}); got {
		case "", typeJSON, typeResponse, typeStream:
		default:
			t.Errorf("%q leads to %q", header, got)
		}
	})
}

// What is kept was validated, is bounded, and holds no token.
func TestDocuments(t *testing.T) {
	t.Parallel()
	d := &documents{kept: map[string]*ast.QueryDocument{}}
	ctx := context.Background()
	const value = "tola_0353NEzWepIxqmbF5nK6jFAL3zuHUfRgIxRz3cgpkoA8Y88822h3f5CqVB4RdORT"
	for _, text := range []string{strings.Repeat("x", maxKept+1), `mutation { verifyToken(input: {token: "` + value + `"}) { allowed } }`} {
		d.Add(ctx, text, &ast.QueryDocument{})
		if _, ok := d.Get(ctx, text); ok {
			t.Errorf("%.60s was kept", text)
		}
	}
	for i := range 3 * maxDocuments {
		d.Add(ctx, strings.Repeat("x", i), &ast.QueryDocument{})
		if len(d.kept) > maxDocuments {
			t.Fatalf("%d documents are kept", len(d.kept))
		}
	}
	if _, ok := d.Get(ctx, strings.Repeat("x", 3*maxDocuments-1)); !ok {
		t.Error("the last document was forgotten")
	}
}
