// What the oracle knows of policies, in its own words.

package e2e_test

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// byPolicy is what the organization's policy says against a use. Where a use
// comes from is sealed; so the tests say it in the resource, too.
func (j *judge) byPolicy(policy map[string]any, token, grant *standing, l leaf) string {
	address, told := strings.CutPrefix(text(l, "resource"), "from/")
	age := l.RecordedAt.Sub(token.began)
	limit := func(name string) time.Duration {
		seconds, _ := policy[name].(float64)
		return time.Duration(seconds) * time.Second
	}
	sources, _ := policy["allowed_sources"].([]any)
	ceiling, _ := policy["scope_ceiling"].([]any)
	switch {
	case told && len(sources) > 0 && !slices.ContainsFunc(sources, func(network any) bool {
		return netip.MustParsePrefix(network.(string)).Contains(netip.MustParseAddr(address))
	}):
		return "from " + address + ", which is in no network of the policy"
	case text(l, "action") == "createEvidence" && len(ceiling) > 0 &&
		!slices.Contains(ceiling, any("evidence:write")) && !slices.Contains(ceiling, any("write")) && !slices.Contains(ceiling, any("admin")):
		return "above the ceiling of the policy"
	case policy["expiry_required"] == true && token.endless:
		return "without the deadline that is required"
	case limit("max_lifetime") > 0 && age >= limit("max_lifetime"):
		return "older than any token may be"
	case policy["rotation_enforced"] == true && limit("rotation_age") > 0 && age >= limit("rotation_age"):
		return "older than a value may be"
	case policy["approval_required"] == true && token.kind == "personal" && !grant.approved:
		return "without an administrator's approval"
	}
	return ""
}

func TestJudgeOfPolicies(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	event := func(stream, kind string, data map[string]any) leaf {
		return leaf{Stream: stream, Trail: "o", Type: kind, Data: data}
	}
	for name, c := range map[string]struct {
		demand string
		value  any
		age    time.Duration
		guilty bool
	}{
		"from another network": {"allowed_sources", []any{"10.0.0.0/8"}, 0, true},
		"from a network of it": {"allowed_sources", []any{"192.0.2.0/24"}, 0, false},
		"above the ceiling":    {"scope_ceiling", []any{"evidence:read"}, 0, true},
		"below the ceiling":    {"scope_ceiling", []any{"evidence:write"}, 0, false},
		"without a deadline":   {"expiry_required", true, 0, true},
		"not approved":         {"approval_required", true, 0, true},
		"young":                {"max_lifetime", 10.0, 9 * time.Second, false},
		"too old":              {"max_lifetime", 10.0, 10 * time.Second, true},
		"to be rotated":        {"rotation_age", 10.0, 20 * time.Second, false},
	} {
		leaves := []leaf{
			event("user-u", "user.created", nil),
			event("membership-o.u", "membership.started", map[string]any{"role": "admin"}),
			event("token-p", "token.created", map[string]any{"kind": "personal", "owner": "u"}),
			event("grant-p.o", "grant.given", nil),
			event("organization-o", "organization.policy_changed", map[string]any{"after": map[string]any{c.demand: c.value}}),
			event("token-p", "token.used", map[string]any{"action": "createEvidence", "resource": "from/192.0.2.1", "source": 1.0}),
		}
		for i := range leaves {
			leaves[i].RecordedAt = began
		}
		leaves[len(leaves)-1].RecordedAt = began.Add(c.age)
		if found := newJudge().try(leaves).guilty; (len(found) > 0) != c.guilty {
			t.Errorf("%s: %v", name, found)
		}
	}
}
