// tokenledger org policy: what an organization demands of tokens; to look at, to try and to change.

package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"strings"

	"github.com/spf13/cobra"
)

// demands are all parts of a policy: the field of the schema, which the input of
// a change has, too, and the flag that sets it.
var demands = []struct {
	field, flag string
	kind        any // of the value
	help        string
}{
	{"ssoRequired", "sso-required", false, "refuse tokens that are not authorized through single sign-on"},
	{"ssoMaxAge", "sso-max-age", seconds(0), "how old the authorization of a personal token may be"},
	{"organizationSSOMaxAge", "organization-sso-max-age", seconds(0), "how old that of an organization token may be"},
	{"memberScopes", "member-scopes", []string(nil), "what members may do in the organization's systems"},
	{"scopeCeiling", "scope-ceiling", []string(nil), "the most that any token may do"},
	{"allowedSources", "allowed-sources", []string(nil), "networks that uses may come from, for example 192.0.2.0/24"},
	{"maxLifetime", "max-lifetime", seconds(0), "how long a token may live"},
	{"expiryRequired", "expiry-required", false, "demand a deadline of every token"},
	{"idleExpiry", "idle-expiry", seconds(0), "end a token that was not used for so long"},
	{"descriptionRequired", "description-required", false, "demand a description of every token that is made or changed"},
	{"rotationAge", "rotation-age", seconds(0), "how old a token may get before it is to be rotated"},
	{"rotationEnforced", "rotation-enforced", false, "refuse a token that is older than that"},
	{"approvalRequired", "approval-required", false, "let personal tokens in only once an administrator has approved them"},
	{"reviewEvery", "review-every", seconds(0), "how often a token is to be reviewed"},
	{"endFamilyOnReuse", "end-family-on-reuse", false, "end a token's successors when its value is used after it was rotated away"},
}

// policyFields are the demands as a query asks for them.
func policyFields() string {
	var names []string
	for _, d := range demands {
		names = append(names, d.field)
	}
	return strings.Join(names, " ")
}

// policyFlags adds the flags of all demands, and gives what turns those that were
// set into the input of a change.
func policyFlags(c *cobra.Command) func() (map[string]any, error) {
	f := c.Flags()
	for _, d := range demands {
		switch d.kind.(type) {
		case bool:
			f.Bool(d.flag, false, d.help+"; =false: no more")
		case seconds:
			f.String(d.flag, "", d.help+": 90d, 12h; 0: no limit")
		default:
			f.StringSlice(d.flag, nil, d.help+"; empty: none")
		}
	}
	completesList(c, "member-scopes", scopeNames()...)
	completesList(c, "scope-ceiling", scopeNames()...)
	return func() (map[string]any, error) {
		change := map[string]any{}
		for _, d := range demands {
			if !f.Changed(d.flag) {
				continue
			}
			var err error
			switch d.kind.(type) {
			case bool:
				change[d.field], err = f.GetBool(d.flag)
			case seconds:
				text, _ := f.GetString(d.flag)
				change[d.field], err = secondsOf("--"+d.flag, text)
			default:
				change[d.field], err = f.GetStringSlice(d.flag)
			}
			if err != nil {
				return nil, err
			}
		}
		return change, nil
	}
}

type policyAnswer struct {
	Organization struct {
		ID      string
		Version int64
		Policy  policyView
	}
}

// policyView are the values of the demands, by field.
type policyView map[string]any

func (p policyView) record() (r record) {
	for _, d := range demands {
		value := p[d.field]
		if n, ok := value.(float64); ok {
			value = seconds(n)
		}
		r = append(r, cell{d.field, value})
	}
	return r
}

func (a app) orgPolicy() *cobra.Command {
	var set string
	var preview bool
	var try policyTry
	c := &cobra.Command{
		Use: "policy [ID]", Short: "Show what an organization demands of tokens, change parts of it, or try a change",
		Long: `Show what an organization demands of tokens. With flags, change what they name; the other demands stay.

With --preview nothing is changed: the uses of the last days are judged as if the change were on, and the tokens
and calls that it would have refused are listed.`,
		Example: `  tokenledger org policy --max-lifetime 90d --expiry-required --preview
  tokenledger org policy --max-lifetime 90d --expiry-required
  tokenledger org policy --allowed-sources 192.0.2.0/24,2001:db8::/32 --preview --calls
  tokenledger org policy --expiry-required=false --allowed-sources=`,
		Args: cobra.MaximumNArgs(1),
	}
	changed := policyFlags(c)
	f := c.Flags()
	f.StringVar(&set, "set", "", "the parts to change as a JSON object, as the schema has them")
	f.BoolVar(&preview, "preview", false, "change nothing; list the tokens of which the change would have refused uses")
	try.flags(c)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		change, err := changed()
		if err != nil {
			return err
		}
		if set != "" {
			var parts map[string]any
			if err := json.Unmarshal([]byte(set), &parts); err != nil || parts == nil {
				return usage("--set: want a JSON object such as {\"ssoRequired\":true}")
			}
			maps.Copy(change, parts)
		}
		variables := idOf(args)
		switch {
		case preview && len(change) == 0:
			return usage("--preview tries a change: name what is to change, for example --max-lifetime 90d")
		case preview:
			return a.previewPolicy(c, variables, change, try, *out)
		case try.given(c):
			return usage("--days, --calls, --first and --after belong to --preview")
		case len(change) > 0:
			return a.setPolicy(c, variables, change, *out)
		}
		var now policyAnswer
		if err := a.ask(c, `query($id: ID) { organization(id: $id) { policy { `+policyFields()+` } } }`, variables, &now); err != nil {
			return err
		}
		return a.showRecord(now.Organization.Policy.record(), *out)
	}
	return c
}

// setPolicy changes the policy as it is now; another change in between is a conflict.
func (a app) setPolicy(c *cobra.Command, variables, change map[string]any, form string) error {
	var now policyAnswer
	if err := a.ask(c, `query($id: ID) { organization(id: $id) { version } }`, variables, &now); err != nil {
		return err
	}
	change["expectedVersion"] = now.Organization.Version
	variables["input"] = change
	var answer struct{ UpdateOrganizationPolicy policyAnswer }
	if err := a.ask(c, `mutation($id: ID, $input: UpdateOrganizationPolicyInput!) {
		updateOrganizationPolicy(id: $id, input: $input) { organization { policy { `+policyFields()+` } } } }`, variables, &answer); err != nil {
		return err
	}
	return a.showRecord(answer.UpdateOrganizationPolicy.Organization.Policy.record(), form)
}

// policyTry is how a change is tried.
type policyTry struct {
	days, first int
	after       int64
	calls       bool
}

func (t *policyTry) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&t.days, "days", 30, "with --preview: how many days to look back, 1 to 90")
	f.BoolVar(&t.calls, "calls", false, "with --preview: list the calls instead of the tokens")
	f.IntVar(&t.first, "first", 100, "with --calls: how many at most, 0 to 1000")
	f.Int64Var(&t.after, "after", 0, "with --calls: list those behind this position")
}

func (policyTry) given(c *cobra.Command) bool {
	f := c.Flags()
	return f.Changed("days") || f.Changed("calls") || f.Changed("first") || f.Changed("after")
}

type refusedToken struct {
	TokenID             string
	Name                *string
	Calls, RefusedCalls int64
	Reasons             []struct {
		Code  string
		Calls int64
	}
}

func (t refusedToken) record() record {
	var why []string
	for _, r := range t.Reasons {
		why = append(why, r.Code+"="+strconv.FormatInt(r.Calls, 10))
	}
	return record{{"tokenID", t.TokenID}, {"name", t.Name}, {"calls", t.Calls}, {"refusedCalls", t.RefusedCalls}, {"reasons", why}}
}

type refusedCall struct {
	Position                  int64
	RecordedAt, TokenID, Code string
	Action, Resource          *string
}

func (t refusedCall) record() record {
	return record{
		{"position", t.Position},
		{"recordedAt", t.RecordedAt},
		{"tokenID", t.TokenID},
		{"action", t.Action},
		{"resource", t.Resource},
		{"code", t.Code},
	}
}

const previewQuery = `query($id: ID, $policy: UpdateOrganizationPolicyInput!, $days: Int!, $after: Long, $first: Int!) {
	policyPreview(organizationID: $id, policy: $policy, days: $days, after: $after, first: $first) {
		since calls refusedCalls unknownCalls hasMore
		tokens { tokenID name calls refusedCalls reasons { code calls } }
		refused { position recordedAt tokenID action resource code } } }`

func (a app) previewPolicy(c *cobra.Command, variables, change map[string]any, try policyTry, form string) error {
	variables["policy"], variables["days"], variables["first"] = change, try.days, 0
	if try.calls {
		variables["first"], variables["after"] = try.first, try.after
	}
	var answer struct {
		PolicyPreview struct {
			Since                             string
			Calls, RefusedCalls, UnknownCalls int64
			HasMore                           bool
			Tokens                            []refusedToken
			Refused                           []refusedCall
		}
	}
	if err := a.ask(c, previewQuery, variables, &answer); err != nil {
		return err
	}
	p := answer.PolicyPreview
	fmt.Fprintf(a.err, "Of %d uses since %s the change would have refused %d, by %d tokens.\n", p.Calls, p.Since, p.RefusedCalls, len(p.Tokens))
	if p.UnknownCalls > 0 {
		fmt.Fprintf(a.err, "%d more could not be judged: where they came from has been erased.\n", p.UnknownCalls)
	}
	if !try.calls {
		return printList(a, p.Tokens, form, "", refusedToken.record)
	}
	if err := printList(a, p.Refused, form, "", refusedCall.record); err != nil {
		return err
	}
	if n := len(p.Refused); p.HasMore && n > 0 {
		fmt.Fprintln(a.err, "There are more: --after", p.Refused[n-1].Position)
	}
	return nil
}
