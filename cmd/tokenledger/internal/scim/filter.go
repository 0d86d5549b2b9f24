// Filters: from RFC 7644, section 3.4.2.2, to the one compiler that the read
// models have. Every value becomes a parameter there, every name is looked up.

package scim

import (
	"bytes"
	"encoding/json"
	"regexp"
	"strings"

	filter "github.com/scim2/filter-parser/v2"
)

// maxFilter bounds what is parsed, and with it the depth of what comes out.
const maxFilter = 4 << 10

// escapes matches what a backslash stands before. The parser knows the digits of
// \u00E9 in upper case only, and JSON in both.
var escapes = regexp.MustCompile(`\\(u[0-9A-Fa-f]{4}|.)`)

func upper(escape []byte) []byte {
	if len(escape) < 6 {
		return escape
	}
	return append([]byte(`\u`), bytes.ToUpper(escape[2:])...)
}

// attributes that can be asked for: what the compiler calls them, and whether
// upper and lower case are one.
var attributes = map[string]struct {
	column string
	fold   bool
	bool   bool
}{
	"id":           {column: "id"},
	"username":     {column: "userName", fold: true},
	"externalid":   {column: "externalId"},
	"emails":       {column: "email", fold: true},
	"emails.value": {column: "email", fold: true},
	"active":       {column: "active", bool: true},
}

// compile makes a where input of a filter; an empty one asks for everything.
func compile(text string) (map[string]any, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > maxFilter {
		return nil, bad(invalidFilter, "The filter is longer than 4 KiB.")
	}
	e, err := filter.ParseFilter(escapes.ReplaceAllFunc([]byte(text), upper))
	if err != nil {
		return nil, bad(invalidFilter, "The filter cannot be read.")
	}
	return where(e, "")
}

// where translates an expression. within is the attribute whose values it is
// about, for the part of a filter that stands in brackets.
func where(e filter.Expression, within string) (map[string]any, error) {
	switch e := e.(type) {
	case *filter.LogicalExpression:
		operator := strings.ToLower(string(e.Operator))
		operands, err := chain(nil, e, operator, within)
		return map[string]any{operator: operands}, err
	case *filter.NotExpression:
		in, err := where(e.Expression, within)
		return map[string]any{"not": in}, err
	case *filter.ValuePath:
		if within != "" || !strings.EqualFold(e.AttributePath.AttributeName, "emails") {
			return nil, bad(invalidFilter, "Only emails can have a filter in brackets.")
		}
		return where(e.ValueFilter, "emails.")
	case *filter.AttributeExpression:
		return comparison(e, within)
	}
	return nil, bad(invalidFilter, "The filter cannot be read.")
}

// chain collects what one operator combines, so that a long list of equal
// operators is no deep tree.
func chain(to []any, e filter.Expression, operator, within string) ([]any, error) {
	if l, ok := e.(*filter.LogicalExpression); ok && strings.EqualFold(string(l.Operator), operator) {
		to, err := chain(to, l.Left, operator, within)
		if err != nil {
			return nil, err
		}
		return chain(to, l.Right, operator, within)
	}
	in, err := where(e, within)
	return append(to, in), err
}

func comparison(e *filter.AttributeExpression, within string) (map[string]any, error) {
	if uri := e.AttributePath.URI(); uri != "" && !strings.EqualFold(uri, schemaUser) {
		return nil, bad(invalidFilter, "The filter names a schema that users do not have.")
	}
	name := within + strings.ToLower(e.AttributePath.AttributeName)
	if sub := e.AttributePath.SubAttributeName(); sub != "" {
		name += "." + strings.ToLower(sub)
	}
	if name == "emails.type" || name == "emails.primary" { // every address here is the primary one for work
		return constant(e)
	}
	a, ok := attributes[name]
	if !ok {
		return nil, bad(invalidFilter, "Users can be asked for by id, userName, externalId, emails.value and active.")
	}
	operator := filter.CompareOperator(strings.ToLower(string(e.Operator)))
	if operator == filter.PR {
		return present(a.column), nil
	}
	v, err := compareValue(e.CompareValue, a.bool)
	if err != nil {
		return nil, err
	}
	key := a.column
	if a.fold {
		key += "EqualFold"
	}
	switch {
	case operator == filter.EQ:
		return map[string]any{key: v}, nil
	case operator == filter.NE:
		return map[string]any{"not": map[string]any{key: v}}, nil
	case operator == filter.CO && a.fold:
		return map[string]any{a.column + "ContainsFold": v}, nil
	}
	return nil, bad(invalidFilter, "The operators are eq, ne and pr, and co for userName and emails.value.")
}

func present(column string) map[string]any {
	if column == "id" || column == "active" {
		return map[string]any{} // always there
	}
	return map[string]any{column + "NotNil": true}
}

// constant answers what is the same for every address.
func constant(e *filter.AttributeExpression) (map[string]any, error) {
	holds := e.CompareValue == true || e.CompareValue == "work"
	switch filter.CompareOperator(strings.ToLower(string(e.Operator))) {
	case filter.PR:
		holds = true
	case filter.EQ:
	case filter.NE:
		holds = !holds
	default:
		return nil, bad(invalidFilter, "The operators are eq, ne and pr.")
	}
	if holds {
		return map[string]any{}, nil
	}
	return map[string]any{"not": map[string]any{}}, nil
}

// compareValue is a boolean, or a text as JSON writes it: the parser gives it
// with its escapes.
func compareValue(v any, boolean bool) (any, error) {
	switch v := v.(type) {
	case bool:
		if boolean {
			return v, nil
		}
	case string:
		var s string
		if err := json.Unmarshal([]byte(`"`+v+`"`), &s); err == nil {
			if !boolean {
				return s, nil
			}
			if lower := strings.ToLower(s); lower == "true" || lower == "false" {
				return lower == "true", nil
			}
		}
	}
	return nil, bad(invalidFilter, "The filter compares an attribute with a value of another kind.")
}
