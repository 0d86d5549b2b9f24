// Limits on what a request may ask for, applied before anything is looked up.
//
// The first set is taken from the syntax alone, before validation: some of the
// library's validation rules, and its complexity, take time that grows with the
// number of fields after fragments are put in, which a few fragments that name
// each other can make as large as they like.

package graphql

import (
	"context"
	"math"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"
	"github.com/vektah/gqlparser/v2/parser"

	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// Limits bound a request. Zero values mean the defaults.
type Limits struct {
	Bytes      int // of the document; 256 KiB
	Tokens     int // of the document's syntax; 15,000
	Depth      int // of fields within fields; 15
	Fields     int // after fragments are put in; 500
	Aliases    int // after fragments are put in; 100
	Directives int // in the document; 100
	Cost       int // see the function cost; 20,000
	Streams    int // subscriptions at one time, of this process; 1,000
}

func (l Limits) withDefaults() Limits {
	for _, d := range []struct {
		limit    *int
		standard int
	}{
		{&l.Bytes, 256 << 10},
		{&l.Tokens, 15_000},
		{&l.Depth, 15},
		{&l.Fields, 500},
		{&l.Aliases, 100},
		{&l.Directives, 100},
		{&l.Cost, 20_000},
		{&l.Streams, 1_000},
	} {
		if *d.limit == 0 {
			*d.limit = d.standard
		}
	}
	return l
}

// limiter applies the limits on the way into the executor.
type limiter struct {
	Limits
	seen *documents // they have passed before
}

var _ interface {
	gql.OperationParameterMutator
	gql.OperationContextMutator
} = (*limiter)(nil)

// ExtensionName implements [gql.HandlerExtension].
func (*limiter) ExtensionName() string { return "Limits" }

// Validate implements [gql.HandlerExtension].
func (*limiter) Validate(gql.ExecutableSchema) error { return nil }

// MutateOperationParameters checks the syntax before the executor parses and
// validates the document. What does not parse is left to the executor to tell.
func (l *limiter) MutateOperationParameters(ctx context.Context, p *gql.RawParams) *gqlerror.Error {
	if _, ok := l.seen.Get(ctx, p.Query); ok {
		return nil
	}
	if len(p.Query) > l.Bytes {
		return tooComplex("The request is too large: a document of %d bytes, at most %d; put values into variables.", len(p.Query), l.Bytes)
	}
	doc, err := parser.ParseQueryWithTokenLimit(&ast.Source{Input: p.Query}, l.Tokens)
	if err != nil {
		return nil
	}
	m := measure{fragments: map[string]*size{}, doc: doc}
	var all size
	for _, op := range doc.Operations {
		all.add(m.selection(op.SelectionSet))
	}
	for _, over := range []struct {
		what       string
		got, limit int
	}{
		{"nested", all.depth, l.Depth},
		{"fields", all.fields, l.Fields},
		{"aliases", all.aliases, l.Aliases},
		{"directives", directivesOf(doc), l.Directives},
	} {
		if over.got > over.limit {
			return tooComplex("The request is too large: %s %d, at most %d.", over.what, over.got, over.limit)
		}
	}
	return nil
}

// directivesOf counts the directives where they stand, those of fragments that
// nobody spreads among them: validation has a mistake to tell of each.
func directivesOf(doc *ast.QueryDocument) (n int) {
	for _, op := range doc.Operations {
		n += len(op.Directives) + directivesIn(op.SelectionSet)
		for _, v := range op.VariableDefinitions {
			n += len(v.Directives)
		}
	}
	for _, f := range doc.Fragments {
		n += len(f.Directives) + directivesIn(f.SelectionSet)
	}
	return n
}

func directivesIn(set ast.SelectionSet) (n int) {
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			n += len(s.Directives) + directivesIn(s.SelectionSet)
		case *ast.InlineFragment:
			n += len(s.Directives) + directivesIn(s.SelectionSet)
		case *ast.FragmentSpread:
			n += len(s.Directives)
		}
	}
	return n
}

// MutateOperationContext checks the cost, which depends on variables.
func (l *limiter) MutateOperationContext(_ context.Context, op *gql.OperationContext) *gqlerror.Error {
	if total := cost(op.Operation.SelectionSet, op.Variables); total > l.Cost {
		return tooComplex("The request is too large: it would cost %d, at most %d; ask for fewer entries or fields.", total, l.Cost)
	}
	return nil
}

// cost is 1 for a field, plus that of its children for each entry that it may
// answer: as many as its argument first or last says, or as the list that it is given has.
func cost(set ast.SelectionSet, variables map[string]any) int {
	total := 0
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			total = sum(total, sum(1, product(entries(s, variables), cost(s.SelectionSet, variables))))
		case *ast.InlineFragment:
			total = sum(total, cost(s.SelectionSet, variables))
		case *ast.FragmentSpread:
			total = sum(total, cost(s.Definition.SelectionSet, variables))
		}
	}
	return total
}

func entries(f *ast.Field, variables map[string]any) int {
	if f.Definition.Arguments.ForName("first") == nil && len(f.Arguments) == 0 {
		return 1
	}
	n, asked := 1, false
	for name, value := range f.ArgumentMap(variables) {
		switch value := value.(type) {
		case []any:
			n = max(n, len(value))
		default:
			if size, err := model.UnmarshalInt(value); err == nil && (name == "first" || name == "last") {
				n, asked = max(n, size), true
			}
		}
	}
	if !asked && f.Definition.Arguments.ForName("first") != nil {
		n = max(n, projections.DefaultPage)
	}
	return n
}

func tooComplex(format string, args ...any) *gqlerror.Error {
	return gqlerror.Wrap(refusal(codeTooComplex, "", format, args...))
}

// size is how large a selection is once fragments are put in.
type size struct{ depth, fields, aliases int }

func (s *size) add(o size) {
	s.depth = max(s.depth, o.depth)
	s.fields = sum(s.fields, o.fields)
	s.aliases = sum(s.aliases, o.aliases)
}

// sum and product stay at what certainly is too large, rather than overflow.
func sum(a, b int) int { return min(a+b, math.MaxInt32) }

func product(a, b int) int { return min(a*b, math.MaxInt32) }

// measure sizes each fragment once, so that its time is that of the document's length.
type measure struct {
	doc       *ast.QueryDocument
	fragments map[string]*size
}

func (m measure) selection(set ast.SelectionSet) size {
	var all size
	for _, s := range set {
		switch s := s.(type) {
		case *ast.Field:
			child := m.selection(s.SelectionSet)
			child.depth++
			child.fields = sum(child.fields, 1)
			if s.Alias != s.Name {
				child.aliases = sum(child.aliases, 1)
			}
			all.add(child)
		case *ast.InlineFragment:
			all.add(m.selection(s.SelectionSet))
		case *ast.FragmentSpread:
			all.add(m.fragment(s.Name))
		}
	}
	return all
}

// fragment is the size of a named fragment; one that contains itself, which
// validation refuses, counts once.
func (m measure) fragment(name string) size {
	if known := m.fragments[name]; known != nil {
		return *known
	}
	def := m.doc.Fragments.ForName(name)
	if def == nil {
		return size{}
	}
	m.fragments[name] = &size{}
	s := m.selection(def.SelectionSet)
	m.fragments[name] = &s
	return s
}
