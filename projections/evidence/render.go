// The forms of a report for programs and spreadsheets: JSON and CSV.

package evidence

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"time"
)

// Form is a form of output.
type Form string

// The forms.
const (
	JSON Form = "json"
	CSV  Form = "csv"
	HTML Form = "html"
	PDF  Form = "pdf"
	OCSF Form = "ocsf" // of the events behind a report; see [WriteOCSF]
)

// ContentType is the form's media type.
func (f Form) ContentType() string {
	switch f {
	case CSV:
		return "text/csv; charset=utf-8"
	case HTML:
		return "text/html; charset=utf-8"
	case PDF:
		return "application/pdf"
	}
	return "application/json"
}

// Render writes reports in a form. CSV takes one report; the others any number.
func Render(w io.Writer, f Form, tables ...Table) error {
	var err error
	switch f {
	case JSON:
		err = writeJSON(w, tables)
	case CSV:
		if len(tables) != 1 {
			return fmt.Errorf("CSV has one report a file, not %d", len(tables))
		}
		err = writeCSV(w, tables[0])
	case HTML:
		err = writeHTML(w, tables)
	case PDF:
		err = writePDF(w, tables)
	default:
		return fmt.Errorf("%q is no form of a report; there are json, csv, html and pdf", f)
	}
	if err != nil {
		return fmt.Errorf("write the report as %s: %w", f, err)
	}
	return nil
}

func writeJSON(w io.Writer, tables []Table) error {
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for _, t := range tables {
		if err := lines.Encode(t.forJSON()); err != nil {
			return err
		}
	}
	return nil
}

// forJSON has times in the one layout that all forms have.
func (t Table) forJSON() Table {
	rows := make([][]any, len(t.Rows))
	for i, row := range t.Rows {
		rows[i] = Cells(row)
	}
	t.Rows = rows
	return t
}

// Cells are a row's cells as JSON has them: times as texts.
func Cells(row []any) []any {
	out := make([]any, len(row))
	for i, c := range row {
		if at, ok := c.(time.Time); ok {
			c = Text(at)
		}
		out[i] = c
	}
	return out
}

func writeCSV(w io.Writer, t Table) error {
	out := csv.NewWriter(w)
	out.UseCRLF = true // RFC 4180
	record := make([]string, len(t.Columns))
	for i, c := range t.Columns {
		record[i] = c.Name
	}
	err := out.Write(record)
	for _, row := range t.Rows {
		for i, c := range row {
			record[i] = Text(c)
			if _, text := c.(int64); !text {
				record[i] = Unformula(record[i])
			}
		}
		if err == nil {
			err = out.Write(record)
		}
	}
	out.Flush()
	if err == nil {
		err = out.Error()
	}
	return err
}

// Unformula keeps a spreadsheet from taking a text for a formula: one that begins
// as formulas do gets an apostrophe in front, which spreadsheets do not show.
func Unformula(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r\n", rune(s[0])) {
		return "'" + s
	}
	return s
}
