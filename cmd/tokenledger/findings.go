// tokenledger findings: what is unusual about tokens, and what became of it.

package main

import (
	"encoding/json"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

const findingFields = `rule position raisedAt token tokens detail resolvedAt status triagedAt triagedBy note`

type findingView struct {
	Rule       string          `json:"rule"`
	Position   int64           `json:"position"`
	RaisedAt   string          `json:"raisedAt"`
	Token      *string         `json:"token"`
	Tokens     []string        `json:"tokens"`
	Detail     json.RawMessage `json:"detail"`
	ResolvedAt *string         `json:"resolvedAt"`
	Status     string          `json:"status"`
	TriagedAt  *string         `json:"triagedAt"`
	TriagedBy  *string         `json:"triagedBy"`
	Note       *string         `json:"note"`
}

func (f findingView) record() record {
	return record{
		{"rule", f.Rule},
		{"position", f.Position},
		{"raisedAt", f.RaisedAt},
		{"token", f.Token},
		{"tokens", f.Tokens},
		{"detail", f.Detail},
		{"status", strings.ToLower(f.Status)},
		{"resolvedAt", f.ResolvedAt},
		{"triagedAt", f.TriagedAt},
		{"triagedBy", f.TriagedBy},
		{"note", f.Note},
	}
}

const findingsQuery = `query($rule: String, $status: FindingStatus, $token: ID, $resolved: Boolean, $from: Time, $first: Int, $after: Cursor) {
	findings(rule: $rule, status: $status, token: $token, resolved: $resolved, from: $from, first: $first, after: $after) {
		edges { node { ` + findingFields + ` } } ` + pageInfoFields + ` } }`

// findingStatuses are what a finding can be.
var findingStatuses = []string{"open", "acknowledged", "closed", "false_positive"}

func (a app) findingsCommand() *cobra.Command {
	return group("findings", "What is unusual about tokens, and what became of it", a.findingsList(), a.findingsTriage())
}

func statusOf(status string) (string, error) {
	for _, s := range findingStatuses {
		if strings.EqualFold(s, strings.ReplaceAll(status, "-", "_")) {
			return strings.ToUpper(s), nil
		}
	}
	return "", usage("%s is no status of a finding; there are %s", status, strings.Join(findingStatuses, ", "))
}

func (a app) findingsList() *cobra.Command {
	var p pages
	var rule, status, token, from string
	var unresolved bool
	c := &cobra.Command{
		Use: "list", Short: "List findings, the newest first",
		Example: "  tokenledger findings list --status open --rule new_network",
	}
	c.Flags().StringVar(&rule, "rule", "", "only this rule, such as new_source")
	c.Flags().StringVar(&status, "status", "", "only with this status: "+strings.Join(findingStatuses, ", "))
	c.Flags().StringVar(&token, "token", "", "only about this token")
	c.Flags().StringVar(&from, "from", "", "only those raised at this time or later")
	c.Flags().BoolVar(&unresolved, "unresolved", false, "only those that nothing has resolved by itself")
	completes(c, "rule", ruleNames()...)
	completes(c, "status", findingStatuses...)
	p.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		variables := p.variables()
		for name, value := range map[string]string{"rule": rule, "token": token, "from": from} {
			if value != "" {
				variables[name] = value
			}
		}
		if status != "" {
			as, err := statusOf(status)
			if err != nil {
				return err
			}
			variables["status"] = as
		}
		if unresolved {
			variables["resolved"] = false
		}
		var answer struct{ Findings connection[findingView] }
		if err := a.ask(c, findingsQuery, variables, &answer); err != nil {
			return err
		}
		return printPage(a, answer.Findings, *out, "No findings.", findingView.record)
	}
	return c
}

func (a app) findingsTriage() *cobra.Command {
	var status, note string
	c := &cobra.Command{
		Use: "triage RULE POSITION --status STATUS", Short: "Say what became of a finding", Args: cobra.ExactArgs(2), ValidArgs: ruleNames(),
		Example: `  tokenledger findings triage new_source 4711 --status closed --note "the new build machine"`,
	}
	c.Flags().StringVar(&status, "status", "", "what became of it: "+strings.Join(findingStatuses, ", "))
	c.Flags().StringVar(&note, "note", "", "why; it stands in clear in the audit trail")
	completes(c, "status", findingStatuses...)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		position, err := strconv.ParseInt(args[1], 10, 64)
		if err != nil || position < 1 {
			return usage("%s is no position of the log", args[1])
		}
		as, err := statusOf(status)
		if err != nil {
			return err
		}
		variables := map[string]any{"rule": args[0], "position": position, "status": as}
		if note != "" {
			variables["note"] = note
		}
		var answer struct{ TriageFinding struct{ Finding findingView } }
		if err := a.ask(c, `mutation($rule: String!, $position: Long!, $status: FindingStatus!, $note: String) {
			triageFinding(rule: $rule, position: $position, status: $status, note: $note) { finding { `+findingFields+` } } }`,
			variables, &answer); err != nil {
			return err
		}
		return a.showRecord(answer.TriageFinding.Finding.record(), *out)
	}
	return c
}
