// What the oracle knows of policies, in its own words.

package outside

import (
	"net/netip"
	"slices"
	"strings"
	"time"
)

// byPolicy is what the organization's policy says against a use. Where a use
// comes from is sealed; so the tests say it in the resource, too.
func (j *Judge) byPolicy(policy map[string]any, token, grant *standing, l Leaf) string {
	address, told := strings.CutPrefix(l.Text("resource"), "from/")
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
	case l.Text("action") == "createEvidence" && len(ceiling) > 0 &&
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
