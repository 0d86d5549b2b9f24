// The tables that questions are asked of: their fields, and the predicates that each kind of field has.

package projections

import (
	"slices"
	"strings"
	"unicode"
)

// kind is what a column holds, which decides its predicates and the form of
// their values.
type kind int

const (
	kindID   kind = iota // uuid
	kindTime             // timestamptz
	kindText             // text collate "C"
	kindBool             // boolean
	kindEnum             // text out of a few
	kindSet              // text[]
)

// column is a field that can be asked for. SQL is an expression over the
// question's FROM clause in which $now stands for the instant of the question.
type column struct {
	sql      string
	kind     kind
	nullable bool
	fold     string   // a text's twin made by foldText; without it only ASCII folds
	values   []string // of an enum
	// cases are an enum's values as conditions. Postgres can estimate those, and
	// serve them with an index, where an expression that yields the value is a
	// riddle to it.
	cases map[string]string
}

// edge leads from a row to one row of another table.
type edge struct {
	from  string // "organizations o"
	on    string // the condition that joins it
	table *table
}

// table is everything that a where input may name.
type table struct {
	columns map[string]column
	edges   map[string]edge
}

// operator is how a predicate compares. A negative one is the complement of its
// positive twin, so that every row satisfies exactly one of the two.
type operator struct {
	suffix  string
	compare string // see compiler.atom
	negated bool
	kinds   []kind // nil: every kind, if the column is nullable
}

var (
	scalar   = []kind{kindID, kindTime, kindText, kindBool, kindEnum}
	listable = []kind{kindID, kindTime, kindText, kindEnum}
	ordered  = []kind{kindTime, kindText}
	textual  = []kind{kindText}
)

var operators = []operator{
	{"", "=", false, scalar},
	{"NEQ", "=", true, scalar},
	{"In", "in", false, listable},
	{"NotIn", "in", true, listable},
	{"GT", ">", false, ordered},
	{"GTE", ">=", false, ordered},
	{"LT", "<", false, ordered},
	{"LTE", "<=", false, ordered},
	{"IsNil", "nil", false, nil},
	{"NotNil", "nil", true, nil},
	{"Contains", "contains", false, textual},
	{"HasPrefix", "prefix", false, textual},
	{"HasSuffix", "suffix", false, textual},
	{"EqualFold", "equalfold", false, textual},
	{"ContainsFold", "containsfold", false, textual},
	{"Has", "has", false, []kind{kindSet}},
}

// predicate finds the column and the operator that a key of a where input names.
func (t *table) predicate(key string) (column, operator, bool) {
	for _, op := range operators {
		name, ok := strings.CutSuffix(key, op.suffix)
		if !ok {
			continue
		}
		c, ok := t.columns[name]
		if !ok {
			continue
		}
		if (op.kinds == nil && c.nullable) || slices.Contains(op.kinds, c.kind) {
			return c, op, true
		}
	}
	return column{}, operator{}, false
}

// foldText maps texts that are equal under Unicode's simple case folding, as
// strings.EqualFold compares them, to one text.
func foldText(s string) string {
	return strings.Map(func(r rune) rune {
		least := r
		for f := unicode.SimpleFold(r); f != r; f = unicode.SimpleFold(f) {
			least = min(least, f)
		}
		return least
	}, s)
}

// foldASCII is what lower() does to a column of collation "C".
func foldASCII(s string) string {
	return strings.Map(func(r rune) rune {
		if 'A' <= r && r <= 'Z' {
			return r + 'a' - 'A'
		}
		return r
	}, s)
}
