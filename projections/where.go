// The one compiler from a where input to SQL: every value becomes a parameter, every name is looked up in a table.
//
// The logic has two values. A comparison with an empty field is false, and a
// negative predicate is the complement of its positive twin: nameNEQ holds for
// a token without the name. SQL's third value is kept out by moving every "not"
// down to the single comparisons, where it becomes IS NOT TRUE; what is not
// negated stays in a form that indexes serve.

package projections

import (
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Limits of one where input.
const (
	maxWhereDepth = 8   // not, and, or, …With within each other
	maxPredicates = 100 // all together
	maxListLength = 1000
)

// compiler collects the parameters of one statement.
type compiler struct {
	args       []any
	now        time.Time
	nowAt      string // its placeholder, once it is used
	predicates int
}

// arg adds a parameter and gives its placeholder.
func (c *compiler) arg(v any) string {
	c.args = append(c.args, v)
	return "$" + strconv.Itoa(len(c.args))
}

// expr puts the instant of the question into an expression.
func (c *compiler) expr(sql string) string {
	if !strings.Contains(sql, "$now") {
		return sql
	}
	if c.nowAt == "" {
		c.nowAt = c.arg(c.now) + "::timestamptz"
	}
	return strings.ReplaceAll(sql, "$now", c.nowAt)
}

// where compiles a whole input; an empty one is TRUE.
func (c *compiler) where(t *table, in map[string]any) (string, error) {
	return c.all(t, in, place{path: "where"})
}

// place is where in the input the compiler stands.
type place struct {
	path    string
	depth   int
	negated bool
}

func (p place) field(name string) place {
	p.path += "." + name
	return p
}

// deeper is the place one level down.
func (p place) deeper() (place, error) {
	if p.depth++; p.depth > maxWhereDepth {
		return p, badFilter(p.path, "is nested more than %d levels deep", maxWhereDepth)
	}
	return p, nil
}

// join combines conditions that all have to hold, or, under a negation, any.
func join(parts []string, negated bool) string {
	switch {
	case len(parts) == 0 && negated:
		return "FALSE"
	case len(parts) == 0:
		return "TRUE"
	case len(parts) == 1:
		return parts[0]
	case negated:
		return "(" + strings.Join(parts, " OR ") + ")"
	}
	return "(" + strings.Join(parts, " AND ") + ")"
}

// all compiles the members of one input object, which all have to hold. Keys
// are taken in order, so that equal inputs are equal statements.
func (c *compiler) all(t *table, in map[string]any, at place) (string, error) {
	var parts []string
	for _, key := range slices.Sorted(maps.Keys(in)) {
		if in[key] == nil {
			continue // as if left out
		}
		if c.predicates++; c.predicates > maxPredicates {
			return "", badFilter(at.path, "has more than %d predicates in all", maxPredicates)
		}
		part, err := c.member(t, key, in[key], at.field(key))
		if err != nil {
			return "", err
		}
		parts = append(parts, part)
	}
	return join(parts, at.negated), nil
}

func (c *compiler) member(t *table, key string, value any, at place) (string, error) {
	switch key {
	case "not":
		in, ok := value.(map[string]any)
		if !ok {
			return "", badFilter(at.path, "must be an object")
		}
		at, err := at.deeper()
		if err != nil {
			return "", err
		}
		at.negated = !at.negated
		return c.all(t, in, at)
	case "and":
		return c.each(t, value, at, at.negated)
	case "or":
		return c.each(t, value, at, !at.negated)
	}
	if name, ok := strings.CutPrefix(key, "has"); ok {
		name, with := strings.CutSuffix(name, "With")
		if e, ok := t.edges[name]; ok {
			return c.edge(e, value, with, at)
		}
	}
	col, op, ok := t.predicate(key)
	if !ok {
		return "", badFilter(at.path, "is no predicate of this type")
	}
	return c.predicate(col, op, value, at)
}

// each compiles a list of inputs; anyOf tells how they combine. An empty list
// says nothing, like an empty object.
func (c *compiler) each(t *table, value any, at place, anyOf bool) (string, error) {
	inputs, ok := objects(value)
	if !ok {
		return "", badFilter(at.path, "must be a list of objects")
	}
	if len(inputs) == 0 {
		return join(nil, at.negated), nil
	}
	at, err := at.deeper()
	if err != nil {
		return "", err
	}
	parts := make([]string, len(inputs))
	for i, in := range inputs {
		item := at
		item.path = fmt.Sprintf("%s[%d]", at.path, i)
		if c.predicates++; c.predicates > maxPredicates {
			return "", badFilter(item.path, "is more than %d predicates in all", maxPredicates)
		}
		if parts[i], err = c.all(t, in, item); err != nil {
			return "", err
		}
	}
	return join(parts, anyOf), nil
}

// edge compiles hasOwner (a boolean) and hasOwnerWith (inputs that must all
// hold of the owner).
func (c *compiler) edge(e edge, value any, with bool, at place) (string, error) {
	conditions := []string{e.on}
	negated := at.negated
	if with {
		inner, err := at.deeper()
		if err != nil {
			return "", err
		}
		inner.negated = false // EXISTS takes the negation
		condition, err := c.each(e.table, value, inner, false)
		if err != nil {
			return "", err
		}
		conditions = append(conditions, condition)
	} else {
		has, ok := value.(bool)
		if !ok {
			return "", badFilter(at.path, "must be true or false")
		}
		negated = negated != !has
	}
	exists := "EXISTS (SELECT FROM " + e.from + " WHERE " + strings.Join(conditions, " AND ") + ")"
	if negated {
		exists = "NOT " + exists
	}
	return exists, nil
}

func (c *compiler) predicate(col column, op operator, value any, at place) (string, error) {
	negated := at.negated != op.negated
	if op.compare == "nil" {
		is, ok := value.(bool)
		if !ok {
			return "", badFilter(at.path, "must be true or false")
		}
		if negated != !is {
			return c.expr(col.sql) + " IS NOT NULL", nil
		}
		return c.expr(col.sql) + " IS NULL", nil
	}
	atom, err := c.atom(col, op, value, at)
	if err != nil {
		return "", err
	}
	if negated {
		return "(" + atom + ") IS NOT TRUE", nil
	}
	return atom, nil
}

// atom is one comparison; it may be NULL where the column is.
func (c *compiler) atom(col column, op operator, value any, at place) (string, error) {
	sql := c.expr(col.sql)
	if op.compare == "in" {
		list, err := col.list(value, at.path)
		if err != nil {
			return "", err
		}
		if col.cases != nil {
			return c.anyCase(col, list.([]string)), nil
		}
		return sql + " = ANY(" + c.arg(list) + ")", nil
	}
	v, err := col.value(value, at.path)
	if err != nil {
		return "", err
	}
	if col.cases != nil {
		return c.anyCase(col, []string{v.(string)}), nil
	}
	switch op.compare {
	case "has":
		return sql + " @> ARRAY[" + c.arg(v) + "::text]", nil
	case "contains":
		return "strpos(" + sql + ", " + c.arg(v) + ") > 0", nil
	case "suffix":
		p := c.arg(v)
		return "right(" + sql + ", length(" + p + "::text)) = " + p, nil
	case "prefix":
		return c.prefix(sql, v.(string)), nil
	case "equalfold", "containsfold":
		return c.folded(col, op.compare, v.(string)), nil
	}
	return sql + " " + op.compare + " " + c.arg(v), nil
}

// anyCase is the condition that an enum has one of the values.
func (c *compiler) anyCase(col column, values []string) string {
	parts := make([]string, len(values))
	for i, v := range values {
		parts[i] = "(" + c.expr(col.cases[v]) + ")"
	}
	return join(parts, true)
}

// prefix is a range, since an index serves that with any parameter; LIKE's
// pattern it serves only while it plans.
func (c *compiler) prefix(sql, prefix string) string {
	condition := sql + " >= " + c.arg(prefix)
	if end, ok := prefixEnd(prefix); ok {
		condition = "(" + condition + " AND " + sql + " < " + c.arg(end) + ")"
	}
	return condition
}

// prefixEnd is the least text, by code points, above all that begin with the
// prefix; ok is false if there is none.
func prefixEnd(prefix string) (end string, ok bool) {
	runes := []rune(prefix)
	for i := len(runes) - 1; i >= 0; i-- {
		switch next := runes[i] + 1; {
		case next == 0xD800: // surrogates are no characters
			return string(runes[:i]) + "\uE000", true
		case next <= 0x10FFFF:
			return string(runes[:i]) + string(next), true
		}
	}
	return "", false
}

func (c *compiler) folded(col column, compare, v string) string {
	sql := c.expr(col.sql)
	if col.fold != "" {
		sql, v = col.fold, foldText(v)
	} else {
		sql, v = "lower("+sql+")", foldASCII(v)
	}
	if compare == "equalfold" {
		return sql + " = " + c.arg(v)
	}
	return "strpos(" + sql + ", " + c.arg(v) + ") > 0"
}

// clone is a compiler for another statement that begins with the same parameters.
func (c *compiler) clone() *compiler {
	d := *c
	d.args = slices.Clip(c.args)
	return &d
}
