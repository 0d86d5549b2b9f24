// How records and lists of them are shown: as a table, as JSON, as CSV.

package main

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/tokenledger/tokenledger/projections/evidence"
)

// record is one thing as it is shown: names and values in the order of a table's columns.
type record []cell

type cell struct {
	name  string
	value any // string, *string, []string, bool, or what else JSON has
}

// detail is a value that a list leaves to JSON, for want of room.
type detail struct{ value any }

// MarshalJSON implements json.Marshaler.
func (d detail) MarshalJSON() ([]byte, error) { return json.Marshal(d.value) }

// MarshalJSON keeps the order.
func (r record) MarshalJSON() ([]byte, error) {
	var b strings.Builder
	for i, c := range r {
		value, err := json.Marshal(c.value)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(&b, "%s%q:%s", map[bool]string{true: "{", false: ","}[i == 0], c.name, value)
	}
	b.WriteByte('}')
	return []byte(b.String()), nil
}

// columns are the cells of a record that a list has room for.
func (r record) columns() (out record) {
	for _, c := range r {
		if _, left := c.value.(detail); !left {
			out = append(out, c)
		}
	}
	return out
}

func (c cell) text() string {
	switch v := c.value.(type) {
	case detail:
		return cell{c.name, v.value}.text()
	case *string:
		return plainCell(orDash(v))
	case string:
		return plainCell(orDash(&v))
	case []string:
		between := " "
		if slices.ContainsFunc(v, func(s string) bool { return strings.Contains(s, " ") }) {
			between = ", "
		}
		return plainCell(orDash(ptr(strings.Join(v, between))))
	case seconds:
		return v.String()
	case []any:
		var parts []string
		for _, p := range v {
			parts = append(parts, fmt.Sprint(p))
		}
		return cell{c.name, parts}.text()
	case bool:
		return map[bool]string{true: "yes", false: "no"}[v]
	}
	text, err := json.Marshal(c.value)
	if err != nil || string(text) == "null" {
		return "-"
	}
	return string(text)
}

func ptr[T any](v T) *T { return &v }

// showRecord shows the whole of one record: a table of two columns, an object,
// or a header and a line.
func (a app) showRecord(r record, form string) error {
	switch form {
	case "json":
		return json.NewEncoder(a.out).Encode(r)
	case "csv":
		return a.writeCSV(r, r)
	}
	w := a.table()
	for _, c := range r {
		w.AppendRow(table.Row{c.name, c.text()})
	}
	w.Render()
	return nil
}

// printList shows a list: a table, CSV, or an object a line. Of an empty one
// people are told what none says.
func printList[T any](a app, list []T, form, none string, show func(T) record) error {
	if form == "json" {
		lines := json.NewEncoder(a.out)
		for _, one := range list {
			if err := lines.Encode(show(one)); err != nil {
				return err
			}
		}
		return nil
	}
	if len(list) == 0 && form == "table" {
		if none != "" {
			fmt.Fprintln(a.err, none)
		}
		return nil
	}
	head := show(*new(T)).columns()
	var rows []record
	for _, one := range list {
		rows = append(rows, show(one).columns())
	}
	if form == "csv" {
		return a.writeCSV(head, rows...)
	}
	w := a.table()
	w.AppendHeader(head.header())
	for _, r := range rows {
		w.AppendRow(r.row())
	}
	w.Render()
	return nil
}

// writeCSV writes the names of the cells, and lines as RFC 4180 quotes them.
func (a app) writeCSV(head record, rows ...record) error {
	out := csv.NewWriter(a.out)
	err := out.Write(texts(head.header()))
	for _, r := range rows {
		err = errors.Join(err, out.Write(texts(r.row())))
	}
	out.Flush()
	return errors.Join(err, out.Error())
}

func texts(row table.Row) (out []string) {
	for _, c := range row {
		out = append(out, fmt.Sprint(c))
	}
	return out
}

// tell says what a command did: in a sentence to people, else as a record.
func (a app) tell(form string, r record, sentence string, args ...any) error {
	if form != "table" {
		return a.showRecord(r, form)
	}
	_, err := fmt.Fprintf(a.out, sentence+"\n", args...)
	return err
}

// recordOf is a value as JSON has it, field by field.
func recordOf(v any) (r record, err error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, err
	}
	fields := json.NewDecoder(bytes.NewReader(raw))
	if _, err := fields.Token(); err != nil { // the brace
		return nil, err
	}
	for fields.More() {
		name, err := fields.Token()
		if err != nil {
			return nil, err
		}
		var value any
		if err := fields.Decode(&value); err != nil {
			return nil, err
		}
		r = append(r, cell{fmt.Sprint(name), value})
	}
	return r, nil
}

// showJSON shows a value whose table is made elsewhere, as JSON or as CSV.
func (a app) showJSON(v any, form string) error {
	if form == "json" {
		return json.NewEncoder(a.out).Encode(v)
	}
	r, err := recordOf(v)
	if err != nil {
		return err
	}
	return a.showRecord(r, form)
}

func (r record) header() (row table.Row) {
	for _, c := range r {
		row = append(row, heading(c.name))
	}
	return row
}

func (r record) row() (row table.Row) {
	for _, c := range r {
		row = append(row, c.text())
	}
	return row
}

// heading is a field's name as the head of a column: createdAt is CREATED AT.
func heading(name string) string {
	var b strings.Builder
	for i, r := range name {
		if i > 0 && r >= 'A' && r <= 'Z' && name[i-1] >= 'a' && name[i-1] <= 'z' {
			b.WriteByte(' ')
		}
		b.WriteRune(r)
	}
	return strings.ToUpper(b.String())
}

// table is a plain one: no lines, so that it is read and cut with ease.
func (a app) table(header ...any) table.Writer {
	w := table.NewWriter()
	w.SetOutputMirror(a.out)
	style := table.StyleDefault
	style.Options = table.OptionsNoBordersAndSeparators
	style.Format.Header = text.FormatDefault
	w.SetStyle(style)
	if len(header) > 0 {
		w.AppendHeader(header)
	}
	return w
}

func orDash(s *string) string {
	if s == nil || *s == "" {
		return "-"
	}
	return *s
}

// plainCell keeps a spreadsheet from taking a cell for a formula; a dash alone is
// what stands for nothing.
func plainCell(s string) string {
	if s == "-" {
		return s
	}
	return evidence.Unformula(s)
}
