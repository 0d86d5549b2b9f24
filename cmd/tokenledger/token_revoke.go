// tokenledger token revoke: end one token, or many for one reason, and see before who would miss them.

package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// revocation is what the flags of the command say.
type revocation struct {
	reason, where, owner, scope, leaked string
	preview                             bool
	days                                int
}

func (a app) tokenRevoke() *cobra.Command {
	var in revocation
	c := &cobra.Command{
		Use: "revoke [ID…] --reason WHY", Short: "End tokens for good; --preview tells before who would miss them",
		Long: `End a token for good, or many for one reason: several by their ids, those of a user (--owner), organization tokens
by what they may do (--scope) or by a filter (--where), and found values by a list of them (--leaked).

--leaked names a file with an id, a SHA-256 or a value in each line; - is the standard input. Values are hashed here
and never sent. Of another person's token the access to the organization ends.

With --preview nothing ends: one token's callers, actions and sources are shown, of many what would become of each.
The exit code is 1 when a token that was named could not be ended; one that had ended before is listed and is no failure.`,
		Example: `  tokenledger token revoke 0198… --preview
  tokenledger token revoke 0198… --reason 'found in a build log'
  tokenledger token revoke --scope evidence:write --where '{"nameHasPrefix":"ci-"}' --preview
  tokenledger token revoke --owner 0198… --reason 'left the company'
  grep -o 'tol[ap]_[0-9A-Za-z]*' dump.txt | tokenledger token revoke --leaked - --reason 'in a public dump'`,
		Args: cobra.ArbitraryArgs,
	}
	f := c.Flags()
	reasonFlag(c, &in.reason)
	f.BoolVar(&in.preview, "preview", false, "end nothing; show who would miss the token, or what would be ended")
	f.IntVar(&in.days, "days", 30, "with --preview of one token: how many days to look back, 1 to 90")
	f.StringVar(&in.where, "where", "", `organization tokens that match this GraphQL filter, for example '{"nameHasPrefix":"ci"}'`)
	f.StringVar(&in.owner, "owner", "", "id of a user: his tokens' access to the organization")
	f.StringVar(&in.scope, "scope", "", "organization tokens that may do this, for example evidence:write")
	completes(c, "scope", scopeNames()...)
	f.StringVar(&in.leaked, "leaked", "", "file with found values, their SHA-256, or ids, one a line; - is the standard input")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		many := len(args) > 1 || in.where != "" || in.owner != "" || in.scope != "" || in.leaked != ""
		switch {
		case len(args) == 0 && !many:
			return usage("name the tokens: by ID, --where, --owner, --scope or --leaked")
		case in.reason == "" && !in.preview:
			return errNoReason
		case c.Flags().Changed("days") && (many || !in.preview):
			return usage("--days belongs to --preview of one token")
		case many:
			return a.revokeMany(c, args, in, *out)
		case in.preview:
			return a.previewRevoke(c, args[0], in.days, *out)
		}
		return a.changeToken(c, "revoke", "reason: String!", map[string]any{"id": args[0], "reason": in.reason}, *out)
	}
	return c
}

type previewView struct {
	TokenID, Status, Since string
	Uses, Refusals         int64
	LastUsedAt             *string
	Callers                []struct {
		Agent      *string `json:"agent"`
		Uses       int64   `json:"uses"`
		LastUsedAt *string `json:"lastUsedAt"`
	}
	Actions []struct {
		Action     string  `json:"action"`
		Uses       int64   `json:"uses"`
		LastUsedAt *string `json:"lastUsedAt"`
	}
	Sources []struct {
		Address    *string `json:"address"`
		Agent      *string `json:"agent"`
		Uses       int64   `json:"uses"`
		LastUsedAt *string `json:"lastUsedAt"`
	}
}

// record has one object for JSON; lines shows the same to people.
func (p previewView) record() record {
	return record{
		{"tokenID", p.TokenID},
		{"status", p.Status},
		{"since", p.Since},
		{"uses", p.Uses},
		{"refusals", p.Refusals},
		{"lastUsedAt", p.LastUsedAt},
		{"callers", p.Callers},
		{"actions", p.Actions},
		{"sources", p.Sources},
	}
}

// missed is one thing that would be missed, as a line of a table.
type missed struct {
	kind, name string
	uses       int64
	last       *string
}

func (m missed) record() record {
	return record{{"kind", m.kind}, {"name", m.name}, {"uses", m.uses}, {"lastUsedAt", m.last}}
}

func (p previewView) lines() (all []missed) {
	for _, c := range p.Callers {
		all = append(all, missed{"caller", orDash(c.Agent), c.Uses, c.LastUsedAt})
	}
	for _, c := range p.Actions {
		all = append(all, missed{"action", orDash(&c.Action), c.Uses, c.LastUsedAt})
	}
	for _, c := range p.Sources {
		all = append(all, missed{"source", orDash(c.Address), c.Uses, c.LastUsedAt})
	}
	return all
}

func (a app) previewRevoke(c *cobra.Command, id string, days int, form string) error {
	var answer struct{ RevokePreview previewView }
	err := a.ask(c, `query($id: ID!, $days: Int!) { revokePreview(id: $id, days: $days) {
		tokenID status since uses refusals lastUsedAt callers { agent uses lastUsedAt }
		actions { action uses lastUsedAt } sources { address agent uses lastUsedAt } } }`, map[string]any{"id": id, "days": days}, &answer)
	if err != nil {
		return err
	}
	p := answer.RevokePreview
	if form == "json" {
		return a.showRecord(p.record(), form)
	}
	fmt.Fprintf(a.err, "%s is %s. Since %s it was used %d times and refused %d times; it was last used: %s.\n",
		p.TokenID, strings.ToLower(p.Status), p.Since, p.Uses, p.Refusals, orDash(p.LastUsedAt))
	if len(p.Sources) > 0 && p.Sources[0].Address == nil {
		fmt.Fprintln(a.err, "Programs and addresses are shown to auditors alone, and to a personal token's owner.")
	}
	return printList(a, p.lines(), form, "Nobody would miss it.", missed.record)
}

// ended is what became of one of many tokens.
type ended struct {
	id, outcome   string
	code, message *string
}

func (e ended) record() record {
	return record{{"id", e.id}, {"outcome", e.outcome}, {"code", e.code}, {"message", e.message}}
}

func (a app) revokeMany(c *cobra.Command, ids []string, in revocation, form string) error {
	input, err := a.revokeInput(c, ids, in)
	if err != nil {
		return err
	}
	answer, err := a.revokeTokens(c, input)
	if err != nil {
		return err
	}
	outcome, none := "revoked", "No token was named; nothing was ended."
	if in.preview {
		outcome, none = "would be revoked", "No token is named; nothing would be ended."
	}
	var all []ended
	for _, id := range answer.RevokedIDs {
		all = append(all, ended{id: id, outcome: outcome})
	}
	failed := 0
	for _, n := range answer.NotRevoked {
		all = append(all, ended{n.ID, "not " + outcome, &n.Code, &n.Message})
		if n.Code != codeConflict {
			failed++
		}
	}
	if err := printList(a, all, form, none, ended.record); err != nil {
		return err
	}
	if failed > 0 {
		return fmt.Errorf("%d of %d tokens: %s", failed, len(all), "not "+outcome)
	}
	return nil
}

// codeConflict says of a token that it had ended before.
const codeConflict = "CONFLICT"

// revokeInput is what the flags say, as the schema has it.
func (a app) revokeInput(c *cobra.Command, ids []string, in revocation) (map[string]any, error) {
	if personal, _ := c.Flags().GetBool("personal"); personal && (in.where != "" || in.scope != "") {
		return nil, usage("--where and --scope choose organization tokens; of personal ones use --owner, or name them")
	}
	input := map[string]any{"reason": in.reason, "dryRun": in.preview}
	if in.preview && in.reason == "" {
		input["reason"] = "preview"
	}
	setIf(input, "ids", ids)
	setIf(input, "ownerID", in.owner)
	setIf(input, "scope", in.scope)
	if in.where != "" {
		where, err := filterOf(in.where)
		if err != nil {
			return nil, err
		}
		input["where"] = where
	}
	if in.leaked != "" {
		leaked, err := a.leakList(in.leaked)
		if err != nil {
			return nil, err
		}
		input["leaked"] = leaked
	}
	return input, nil
}

// filterOf reads --where.
func filterOf(text string) (filter map[string]any, err error) {
	if err := json.Unmarshal([]byte(text), &filter); err != nil || filter == nil {
		return nil, usage("--where %q: want a JSON object such as {\"nameHasPrefix\":\"ci\"}", text)
	}
	return filter, nil
}

// leakList reads what was found, a name in each line. A whole value is replaced
// by its hash, so that it goes no further.
func (a app) leakList(file string) (list []string, err error) {
	in := io.NopCloser(a.in)
	if file != "-" {
		if in, err = os.Open(file); err != nil {
			return nil, fmt.Errorf("--leaked: %w", err)
		}
	}
	defer in.Close()
	lines := bufio.NewScanner(in)
	for lines.Scan() {
		name := strings.TrimSpace(lines.Text())
		if name == "" {
			continue
		}
		if value, err := secret.Parse(name); err == nil {
			name = value.Fingerprint()
		}
		list = append(list, name)
	}
	if err := lines.Err(); err != nil {
		return nil, fmt.Errorf("--leaked: %w", err)
	}
	if len(list) == 0 {
		return nil, errors.New("--leaked: nothing stands in it")
	}
	return list, nil
}

// revokeAnswer is what became of many tokens.
type revokeAnswer struct {
	RevokedIDs []string
	NotRevoked []struct{ ID, Code, Message string }
}

func (a app) revokeTokens(c *cobra.Command, input map[string]any) (revokeAnswer, error) {
	var answer struct{ RevokeTokens revokeAnswer }
	err := a.ask(c, `mutation($input: RevokeTokensInput!) { revokeTokens(input: $input) { revokedIDs notRevoked { id code message } } }`,
		map[string]any{"input": input}, &answer)
	return answer.RevokeTokens, err
}
