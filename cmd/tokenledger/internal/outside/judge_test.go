// The oracle itself is tried on logs whose verdict is known.

package outside

import (
	"slices"
	"testing"
	"time"
)

func TestJudge(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	used := Leaf{Stream: "token-p", Trail: "o", Type: "token.used", Data: map[string]any{"action": "createEvidence"}}
	event := func(stream, kind string, data map[string]any) Leaf {
		return Leaf{Stream: stream, Trail: "o", Type: kind, Data: data}
	}
	innocent := []Leaf{
		event("user-u", "user.created", nil),
		event("membership-o.u", "membership.started", map[string]any{"role": "admin"}),
		event("token-p", "token.created", map[string]any{"kind": "personal", "owner": "u", "expires_at": "2026-01-01T00:01:00Z"}),
		event("grant-p.o", "grant.given", map[string]any{"expires_at": "2026-01-01T00:01:00Z"}),
		used,
	}
	for name, c := range map[string]struct {
		between Leaf
		wait    time.Duration
		guilty  bool
	}{
		"nothing":              {between: event("token-other", "token.revoked", nil)},
		"revoked":              {between: event("token-p", "token.revoked", nil), guilty: true},
		"deleted":              {between: event("token-p", "token.deleted", nil), guilty: true},
		"suspended":            {between: event("token-p", "token.suspended", nil), guilty: true},
		"suspended, now over":  {between: event("token-p", "token.suspended", map[string]any{"until": "2026-01-01T00:00:10Z"}), wait: 20 * time.Second},
		"grant ended":          {between: event("grant-p.o", "grant.ended", map[string]any{"cause": "ended_by_organization"}), guilty: true},
		"role lost":            {between: event("membership-o.u", "membership.role_changed", map[string]any{"role": "auditor"}), guilty: true},
		"role kept":            {between: event("membership-o.u", "membership.role_changed", map[string]any{"role": "owner"})},
		"membership ended":     {between: event("membership-o.u", "membership.ended", nil), guilty: true},
		"user deactivated":     {between: event("user-u", "user.deactivated", nil), guilty: true},
		"sign-on now required": {between: event("organization-o", "organization.policy_changed", map[string]any{"after": map[string]any{"sso_required": true}}), guilty: true},
		"sources demanded":     {between: event("organization-o", "organization.policy_changed", map[string]any{"after": map[string]any{"allowed_sources": []any{"192.0.2.0/24"}}}), guilty: true},
		"before the deadline":  {between: event("token-other", "token.revoked", nil), wait: 59 * time.Second},
		"after the deadline":   {between: event("token-other", "token.revoked", nil), wait: 61 * time.Second, guilty: true},
	} {
		leaves := append(slices.Clone(innocent), c.between, used)
		for i := range leaves {
			leaves[i].RecordedAt = began
		}
		leaves[len(leaves)-1].RecordedAt = began.Add(c.wait)
		if found := NewJudge().Try(leaves).Guilty; (len(found) > 0) != c.guilty {
			t.Errorf("%s: %v", name, found)
		}
	}
}

func TestJudgeOfPolicies(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	event := func(stream, kind string, data map[string]any) Leaf {
		return Leaf{Stream: stream, Trail: "o", Type: kind, Data: data}
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
		leaves := []Leaf{
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
		if found := NewJudge().Try(leaves).Guilty; (len(found) > 0) != c.guilty {
			t.Errorf("%s: %v", name, found)
		}
	}
}
