// What is wrong with a question: one error type for filters, orders, pages and cursors.

package projections

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"
)

// What can be wrong with a question. Each comes as an [InputError] that names
// the field.
var (
	// ErrBadFilter: a where input that names no predicate, or gives it a value of the wrong form.
	ErrBadFilter = errors.New("not a valid filter")
	// ErrBadOrder: an order by something that has none.
	ErrBadOrder = errors.New("not a valid order")
	// ErrBadPage: a page size out of range, or first and last together.
	ErrBadPage = errors.New("not a valid page")
	// ErrBadCursor: a cursor that was not made here, or for another list or order.
	ErrBadCursor = errors.New("not a valid cursor")
)

// InputError is a fault of the question, told to whoever asked.
type InputError struct {
	Field  string // path of the input field, such as "where.or[1].createdAtGT"
	Reason string // a sentence without the field
	Kind   error  // ErrBadFilter, ErrBadOrder, ErrBadPage or ErrBadCursor
}

// Error implements error.
func (e *InputError) Error() string { return fmt.Sprintf("%s: %s", e.Field, e.Reason) }

// Unwrap makes errors.Is find the kind.
func (e *InputError) Unwrap() error { return e.Kind }

func badFilter(field, reason string, args ...any) error {
	return &InputError{Field: field, Reason: fmt.Sprintf(reason, args...), Kind: ErrBadFilter}
}

// maxInputText bounds a text in a filter or a cursor, in bytes.
const maxInputText = 4096

// plainText reports why a text cannot be compared with a column, "" if it can.
// Postgres keeps no U+0000 and nothing but UTF-8.
func plainText(s string) string {
	switch {
	case len(s) > maxInputText:
		return fmt.Sprintf("is longer than %d bytes", maxInputText)
	case !utf8.ValidString(s):
		return "is not UTF-8"
	case strings.IndexByte(s, 0) >= 0:
		return "contains the character U+0000"
	}
	return ""
}
