// How tokens look on the terminal.

package main

import (
	"encoding/json"
	"strings"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

func (a app) printTokens(tokens []tokenView, form string) error {
	if form == "json" {
		lines := json.NewEncoder(a.out)
		for _, t := range tokens {
			if err := lines.Encode(t); err != nil {
				return err
			}
		}
		return nil
	}
	w := a.table("ID", "NAME", "STATUS", "SCOPES", "EXPIRES", "LAST USED")
	for _, t := range tokens {
		w.AppendRow(table.Row{t.ID, plainCell(t.Name), t.Status, strings.Join(t.Scopes, " "), orDash(t.ExpiresAt), orDash(t.LastUsedAt)})
	}
	if form == "csv" {
		w.RenderCSV()
	} else {
		w.Render()
	}
	return nil
}

func (a app) showToken(t tokenView, form string) error {
	if form == "json" {
		return json.NewEncoder(a.out).Encode(t)
	}
	if form == "csv" {
		return a.printTokens([]tokenView{t}, form)
	}
	w := a.table()
	for _, row := range []table.Row{
		{"id", t.ID},
		{"name", t.Name},
		{"token", t.Token},
		{"description", orDash(t.Description)},
		{"scopes", strings.Join(t.Scopes, " ")},
		{"status", t.Status},
		{"created", orDash(t.CreatedAt) + " by " + orDash(t.CreatedBy)},
		{"expires", orDash(t.ExpiresAt)},
		{"last used", orDash(t.LastUsedAt)},
	} {
		w.AppendRow(row)
	}
	if t.RevokedAt != nil {
		w.AppendRow(table.Row{"revoked", *t.RevokedAt + " by " + orDash(t.RevokedBy) + ": " + orDash(t.RevokedReason)})
	}
	w.Render()
	return nil
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

// plainCell keeps a spreadsheet from taking a cell for a formula.
func plainCell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}
