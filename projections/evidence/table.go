// A report as data: columns, rows, what was asked and what it cannot know. Every form of output is made of it.

package evidence

import (
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Table is one report. The same events, request and erasures give the same Table,
// down to the order of its rows.
type Table struct {
	Report       string          `json:"report"`
	Title        string          `json:"title"`
	Criteria     []string        `json:"criteria"`
	Organization uuid.UUID       `json:"organization"`
	From         time.Time       `json:"from"`
	To           time.Time       `json:"to"`
	Position     events.Position `json:"position"`       // of the last event that was folded
	TrailLength  events.Position `json:"trail_position"` // the same event's, in its trail
	Parameters   []Parameter     `json:"parameters"`
	Columns      []Column        `json:"columns"`
	Rows         [][]any         `json:"rows"` // string, int64, bool, time.Time, []string or nil
	Charts       []Chart         `json:"charts,omitempty"`
	Limits       []string        `json:"limits"`
}

// Parameter is something that was asked for besides the period.
type Parameter struct {
	Name  string `json:"name"`
	Value string `json:"value"`
}

// Column is one column of a table: its name for programs and its title for people.
type Column struct {
	Name  string `json:"name"`
	Title string `json:"title"`
}

// Chart is a drawing of some numbers of the table.
type Chart struct {
	Title  string    `json:"title"`
	Kind   ChartKind `json:"kind"`
	Labels []string  `json:"labels"`
	Series []Series  `json:"series"`
}

// ChartKind is how numbers are drawn.
type ChartKind string

// The kinds of charts.
const (
	Bars  ChartKind = "bars"
	Lines ChartKind = "lines"
)

// Series is one line or one colour of bars.
type Series struct {
	Name   string  `json:"name"`
	Values []int64 `json:"values"`
}

func columns(pairs ...string) []Column {
	out := make([]Column, 0, len(pairs)/2)
	for i := 0; i+1 < len(pairs); i += 2 {
		out = append(out, Column{pairs[i], pairs[i+1]})
	}
	return out
}

// row makes the cells of a row: texts of named types, numbers and optional times
// become the few types that a Table has.
func (t *Table) row(cells ...any) {
	out := make([]any, len(cells))
	for i, c := range cells {
		out[i] = cell(c)
	}
	t.Rows = append(t.Rows, out)
}

func cell(c any) any {
	switch c := c.(type) {
	case nil, string, int64, bool:
		return c
	case int:
		return int64(c)
	case events.Position:
		return int64(c)
	case uuid.UUID:
		if c == uuid.Nil {
			return nil
		}
		return c.String()
	case time.Time:
		if c.IsZero() {
			return nil
		}
		return c.UTC()
	case *time.Time:
		if c == nil {
			return nil
		}
		return c.UTC()
	case *string:
		if c == nil {
			return nil
		}
		return *c
	case []string:
		if c == nil {
			return []string{}
		}
		return c
	case interface{ String() string }:
		return c.String()
	}
	return textOf(c)
}

// Text is a cell as it stands in CSV, HTML and PDF.
func Text(cell any) string {
	switch c := cell.(type) {
	case nil:
		return ""
	case string:
		return c
	case int64:
		return strconv.FormatInt(c, 10)
	case bool:
		return strconv.FormatBool(c)
	case time.Time:
		return c.Format(timeLayout)
	case []string:
		return strings.Join(c, " ")
	}
	return textOf(cell)
}

const timeLayout = "2006-01-02T15:04:05.000000Z07:00"

// micros is a whole number of microseconds in UTC, as the log has times.
func micros(t time.Time) time.Time { return t.UTC().Truncate(time.Microsecond) }
