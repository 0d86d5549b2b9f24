// Changes of policy and configuration: before, after, who and why.

package evidence

import (
	"context"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/tokenledger/tokenledger/events"
)

type changes struct{ made []change }

type change struct {
	rec                        events.Recorded
	what, field, before, after string
}

func (c *changes) event(s *State, rec events.Recorded, inside bool) {
	if !inside {
		return
	}
	note := func(what, field, before, after string) {
		c.made = append(c.made, change{slim(rec), what, field, before, after})
	}
	first, second, err := rec.Stream.IDs()
	if err != nil {
		return
	}
	switch e := rec.Event.(type) {
	case events.OrganizationCreated:
		note("organization", "name", "", e.Name)
	case events.OrganizationRenamed:
		if row := s.Organizations[first]; row != nil {
			note("organization", "name", row.Name, e.Name)
			note("organization", "display_name", row.DisplayName, e.DisplayName)
		}
	case events.OrganizationPolicyChanged:
		for _, f := range differences(e.Before, e.After) {
			note("policy", f[0], f[1], f[2])
		}
	case events.OrganizationSSOProviderChanged:
		for _, f := range differences(e.Before, e.After) {
			note("single sign-on", f[0], f[1], f[2])
		}
	case events.OrganizationWebhookAdded:
		note("webhook", e.Webhook.String(), "", strings.Join(append([]string{e.URL}, e.Types...), " "))
	case events.OrganizationWebhookRemoved:
		note("webhook", e.Webhook.String(), "present", "")
	case events.OrganizationObjectRegistered:
		var before map[string]string
		if row := s.Organizations[first]; row != nil {
			before = row.Objects[e.Object]
		}
		note("object", e.Object, actions(before), actions(e.Actions))
	case events.OrganizationNetworkDataErased:
		note("personal data", "network data", "readable", "erased")
	case events.MembershipStarted:
		note("member", e.User.String(), "", string(e.Role))
	case events.MembershipRoleChanged:
		note("member", second.String(), string(e.Before), string(e.Role))
	case events.MembershipEnded:
		before := ""
		if row := s.Members[Pair{first, second}]; row != nil {
			before = string(row.Role)
		}
		note("member", second.String(), before, "")
	}
}

func actions(of map[string]string) string {
	var parts []string
	for _, name := range slices.Sorted(maps.Keys(of)) {
		parts = append(parts, name+"="+of[name])
	}
	return strings.Join(parts, " ")
}

// differences are the fields of two values that differ, as name, before, after.
func differences(before, after any) [][3]string {
	a, b := fields(before), fields(after)
	names := map[string]bool{}
	for name := range a {
		names[name] = true
	}
	for name := range b {
		names[name] = true
	}
	var out [][3]string
	for _, name := range slices.Sorted(maps.Keys(names)) {
		if string(a[name]) != string(b[name]) {
			out = append(out, [3]string{name, string(a[name]), string(b[name])})
		}
	}
	return out
}

// fields are a value's fields as JSON; those that say nothing are left out.
func fields(v any) map[string]json.RawMessage {
	var out map[string]json.RawMessage
	if text, err := json.Marshal(v); err == nil {
		_ = json.Unmarshal(text, &out) // a struct always is an object
	}
	return out
}

func (c *changes) finish(_ context.Context, _ *period, t *Table) error {
	t.Columns = columns("at", "At", "position", "Position", "what", "What", "field", "Field", "before", "Before", "after", "After",
		"by", "By", "by_kind", "By what", "reason", "Reason")
	for _, m := range c.made {
		t.row(m.rec.RecordedAt, m.rec.Position, m.what, m.field, m.before, m.after, m.rec.Meta.Actor.Name(), string(m.rec.Meta.Actor.Kind), m.rec.Meta.Reason)
	}
	return none(t, "neither policy nor configuration changed in the period")
}
