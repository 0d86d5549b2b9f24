// What the commands about organizations, users and members have in common: the
// organization that they are about, and how a record of the directory is shown.

package main

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/spf13/cobra"
)

// group is a command that has sub-commands and does nothing by itself.
func group(use, short string, sub ...*cobra.Command) *cobra.Command {
	c := &cobra.Command{
		Use: use, Short: short,
		RunE: func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	c.PersistentFlags().String("organization", "", "id of the organization; needed where the token reaches several")
	c.AddCommand(sub...)
	return c
}

// ask runs an operation for the organization that the command is about.
func (a app) ask(c *cobra.Command, query string, variables map[string]any, out any) error {
	client, err := a.client()
	if err != nil {
		return err
	}
	client.organization, _ = c.Flags().GetString("organization")
	return client.do(c.Context(), query, variables, out)
}

// record is one thing of the directory as it is shown: names and values in the
// order of a table's columns.
type record []cell

type cell struct {
	name  string
	value any // string, *string, []string, bool, or what else JSON has
}

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

func (c cell) text() string {
	switch v := c.value.(type) {
	case *string:
		return plainCell(orDash(v))
	case string:
		return plainCell(orDash(&v))
	case []string:
		return plainCell(orDash(ptr(strings.Join(v, " "))))
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

// showRecord shows one record: a table of two columns, or an object.
func (a app) showRecord(r record, form string) error {
	switch form {
	case "json":
		return json.NewEncoder(a.out).Encode(r)
	case "csv":
		return a.printRecords([]record{r}, form)
	}
	w := a.table()
	for _, c := range r {
		w.AppendRow(table.Row{c.name, c.text()})
	}
	w.Render()
	return nil
}

// printRecords shows a list: a table, CSV, or an object a line.
func (a app) printRecords(rs []record, form string) error {
	if form == "json" {
		lines := json.NewEncoder(a.out)
		for _, r := range rs {
			if err := lines.Encode(r); err != nil {
				return err
			}
		}
		return nil
	}
	var header []any
	if len(rs) > 0 {
		for _, c := range rs[0] {
			header = append(header, heading(c.name))
		}
	}
	w := a.table(header...)
	for _, r := range rs {
		var row table.Row
		for _, c := range r {
			row = append(row, c.text())
		}
		w.AppendRow(row)
	}
	if form == "csv" {
		w.RenderCSV()
	} else {
		w.Render()
	}
	return nil
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

// pages are the flags of a list.
type pages struct {
	first int
	after string
}

func (p *pages) flags(c *cobra.Command) {
	c.Flags().IntVar(&p.first, "first", 100, "how many at most, 1 to 100")
	c.Flags().StringVar(&p.after, "after", "", "cursor to go on from")
}

func (p *pages) variables() map[string]any {
	v := map[string]any{"first": p.first}
	if p.after != "" {
		v["after"] = p.after
	}
	return v
}

// connection is a page as it is answered.
type connection[T any] struct {
	Edges    []struct{ Node T }
	PageInfo struct {
		HasNextPage bool
		EndCursor   string
	}
}

const pageInfoFields = `pageInfo { hasNextPage endCursor }`

// printPage shows the entries of a page, and where the next begins.
func printPage[T any](a app, page connection[T], form, none string, show func(T) record) error {
	var rs []record
	for _, e := range page.Edges {
		rs = append(rs, show(e.Node))
	}
	if err := a.printRecords(rs, form); err != nil {
		return err
	}
	if len(rs) == 0 && form == "table" {
		fmt.Fprintln(a.err, none)
	}
	if page.PageInfo.HasNextPage {
		fmt.Fprintln(a.err, "There are more: --after", page.PageInfo.EndCursor)
	}
	return nil
}

var roles = []string{"owner", "admin", "auditor", "member"}

// roleFlag adds --role with completion of the roles.
func roleFlag(c *cobra.Command, role *string, byDefault string) {
	c.Flags().StringVar(role, "role", byDefault, "what the member is to be: "+strings.Join(roles, ", "))
	// The error of a flag that was not defined cannot be.
	_ = c.RegisterFlagCompletionFunc("role", cobra.FixedCompletions(roles, cobra.ShellCompDirectiveNoFileComp))
}

// roleOf is a role as the schema writes it.
func roleOf(role string) (string, error) {
	if !slices.Contains(roles, role) {
		return "", usage("--role %q: want one of %s", role, strings.Join(roles, ", "))
	}
	return strings.ToUpper(role), nil
}

// setUntil reads --until into an input: 30d, 12h or a time.
func setUntil(input map[string]any, until string) error {
	if until == "" {
		return nil
	}
	at, err := instant("--until", until, time.Now())
	if err != nil {
		return err
	}
	input["until"] = at.UTC().Format(time.RFC3339)
	return nil
}
