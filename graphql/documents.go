// Parsed and validated documents, kept for clients that send the same ones again.

package graphql

import (
	"context"
	"sync"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// The bounds of the memory. Longer documents are rarely sent twice.
const (
	maxDocuments = 1000
	maxKept      = 8 << 10 // bytes of one
)

// documents keep what passed every check that does not depend on variables.
type documents struct {
	mu   sync.RWMutex // guards kept
	kept map[string]*ast.QueryDocument
}

var _ gql.Cache[*ast.QueryDocument] = (*documents)(nil)

// Get implements [gql.Cache].
func (d *documents) Get(_ context.Context, text string) (*ast.QueryDocument, bool) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	doc, ok := d.kept[text]
	return doc, ok
}

// Add implements [gql.Cache]. A document with a token's value in it is forgotten
// with its request.
func (d *documents) Add(_ context.Context, text string, doc *ast.QueryDocument) {
	if len(text) > maxKept || secret.RedactString(text) != text {
		return
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.kept) >= maxDocuments {
		clear(d.kept) // what is in use comes back at once
	}
	d.kept[text] = doc
}
