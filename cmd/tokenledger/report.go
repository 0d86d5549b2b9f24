// tokenledger report: the reports of an audit, asked of a running service.

package main

import (
	"encoding/base64"
	"fmt"
	"io"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// reportAsked is what the flags of the command say.
type reportAsked struct {
	from, to, token, valueFile, file string
	value                            string // of the file, where it was read already
	position                         int64
	dormant, overAge                 int
}

func (a app) reportCommand() *cobra.Command {
	var in reportAsked
	c := &cobra.Command{
		Use: "report [NAME]", Short: "A report over an organization's trail; without a name, the list of reports",
		Example: `  tokenledger report roll-forward --from 2026-01-01 --to 2026-07-01
  tokenledger report leak --token 2Xn… --output pdf --output-file leak.pdf`,
		Args: cobra.MaximumNArgs(1), ValidArgs: reportNames(),
	}
	f := c.Flags()
	f.String("organization", "", "id of the organization; needed where the token reaches several")
	f.StringVar(&in.from, "from", "", "the period's first instant: 2026-01-31, which is its midnight UTC, or 2026-01-31T09:30:00Z; by default the beginning")
	f.StringVar(&in.to, "to", "", "the instant at which the period ends; by default now")
	f.Int64Var(&in.position, "position", 0, "leave out what stands behind this position of the log")
	f.StringVar(&in.token, "token", "", "of the leak report: id, masked value, or SHA-256 of the value")
	f.StringVar(&in.valueFile, "value-file", "", "of the leak report: file with the token's value; - is the standard input")
	f.IntVar(&in.dormant, "dormant-days", 0, "of the report dormant: days without a use")
	f.IntVar(&in.overAge, "over-age-days", 0, "of the report dormant: age in days")
	f.StringVar(&in.file, "output-file", "", "write to this file instead of the standard output")
	out := outputFlag(c, "table", "json", "csv", "html", "pdf", "ocsf")
	c.RunE = func(c *cobra.Command, args []string) error {
		if len(args) == 0 {
			return a.listReports(c, *out)
		}
		return a.report(c, args[0], in, *out)
	}
	return c
}

type reportKind struct {
	Name, Title string
	Criteria    []string
}

func (r reportKind) record() record {
	return record{{"name", r.Name}, {"title", r.Title}, {"criteria", r.Criteria}}
}

func (a app) listReports(c *cobra.Command, form string) error {
	if !slices.Contains([]string{"table", "json", "csv"}, form) {
		return usage("--output %s: the list of reports comes as table, json or csv; name a report", form)
	}
	var answer struct{ Reports []reportKind }
	if err := a.ask(c, `{ reports { name title criteria } }`, nil, &answer); err != nil {
		return err
	}
	return printList(a, answer.Reports, form, "", reportKind.record)
}

const reportQuery = `query($name: String!, $from: Time, $to: Time, $position: Long, $token: ID, $value: String, $dormantDays: Int, $overAgeDays: Int,
	$form: ReportForm!, $table: Boolean!) {
	report(name: $name, from: $from, to: $to, position: $position, token: $token, value: $value, dormantDays: $dormantDays, overAgeDays: $overAgeDays) {
		columns @include(if: $table) { title } rows @include(if: $table) limits @include(if: $table) content(form: $form) @skip(if: $table) } }`

func (a app) report(c *cobra.Command, name string, in reportAsked, form string) error {
	variables := map[string]any{"name": name, "table": form == "table", "form": "JSON"}
	if form != "table" {
		variables["form"] = strings.ToUpper(form)
	}
	for variable, text := range map[string]string{"from": in.from, "to": in.to} {
		if text == "" {
			continue
		}
		at, err := moment("--"+variable, text)
		if err != nil {
			return err
		}
		variables[variable] = at.Format(time.RFC3339Nano)
	}
	if in.token != "" {
		variables["token"] = in.token
	}
	for variable, n := range map[string]int64{"position": in.position, "dormantDays": int64(in.dormant), "overAgeDays": int64(in.overAge)} {
		if n != 0 {
			variables[variable] = n
		}
	}
	if in.valueFile != "" {
		value, err := a.secretFile(in.valueFile)
		if err != nil {
			return err
		}
		in.value = value
	}
	setIf(variables, "value", in.value)
	var answer struct{ Report reportView }
	if err := a.ask(c, reportQuery, variables, &answer); err != nil {
		return err
	}
	return a.toFile(in.file, func(w io.Writer) error { return a.printReport(w, answer.Report, form) })
}

type reportView struct {
	Columns []struct{ Title string }
	Rows    [][]any
	Limits  []string
	Content string
}

func (a app) printReport(w io.Writer, r reportView, form string) error {
	switch form {
	case "pdf":
		content, err := base64.StdEncoding.DecodeString(r.Content)
		if err != nil {
			return fmt.Errorf("the service's PDF: %w", err)
		}
		_, err = w.Write(content)
		return err
	case "table":
		t := a.table()
		t.SetOutputMirror(w)
		var header []any
		for _, c := range r.Columns {
			header = append(header, strings.ToUpper(c.Title))
		}
		t.AppendHeader(header)
		for _, row := range r.Rows {
			t.AppendRow(shown(row))
		}
		t.Render()
		for _, limit := range r.Limits {
			fmt.Fprintln(a.err, "limit:", limit)
		}
		return nil
	}
	_, err := io.WriteString(w, r.Content)
	return err
}

// shown is a row as a terminal shows it.
func shown(row []any) []any {
	out := make([]any, len(row))
	for i, c := range row {
		switch c := c.(type) {
		case nil:
			out[i] = "-"
		case string:
			out[i] = plainCell(c)
		case []any:
			parts := make([]string, len(c))
			for j, p := range c {
				parts[j] = fmt.Sprint(p)
			}
			out[i] = strings.Join(parts, " ")
		default:
			out[i] = c
		}
	}
	return out
}

// secretFile reads a secret from a file, or from the standard input for "-":
// never from the command line, which other users can see.
func (a app) secretFile(name string) (string, error) {
	var raw []byte
	var err error
	if name == "-" {
		raw, err = io.ReadAll(io.LimitReader(a.in, 1<<16))
	} else {
		raw, err = os.ReadFile(name)
	}
	if err != nil {
		return "", fmt.Errorf("read %s: %w", name, err)
	}
	return strings.TrimSpace(string(raw)), nil
}
