// The oracle: it reads leaves in order, knows the rules in its own words, and names
// every use that stands behind something that would have refused it.

package e2e_test

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"
)

// judge is what the leaves so far say, by stream.
type judge struct {
	tokens, grants, users, members map[string]*standing
	required                       map[string]bool           // organizations that require single sign-on
	policies                       map[string]map[string]any // of organizations, as their events tell them
	sources                        map[string]bool           // those that demand to know where a use comes from
	guilty                         []string
	uses                           map[string]int // by token
}

// standing is what is known of a token, a grant, a user or a membership.
type standing struct {
	kind, home   string // of a token
	over         string // the type of the event that ended it
	stopped      bool
	stoppedUntil time.Time // zero: until it is resumed
	deadline     time.Time // zero: none
	role         string    // of a membership
	stamped      bool
	approved     bool
	endless      bool // it has no deadline
	began        time.Time
}

func newJudge() *judge {
	return &judge{
		tokens: map[string]*standing{}, grants: map[string]*standing{}, users: map[string]*standing{}, members: map[string]*standing{},
		required: map[string]bool{}, sources: map[string]bool{}, policies: map[string]map[string]any{}, uses: map[string]int{},
	}
}

// try hears the whole log.
func (j *judge) try(leaves []leaf) *judge {
	for _, l := range leaves {
		if l.Type != "token.used" {
			j.learn(l)
			continue
		}
		j.uses[strings.TrimPrefix(l.Stream, "token-")]++
		if why := j.against(l); why != "" {
			j.guilty = append(j.guilty, fmt.Sprintf("position %d uses %s %s", l.Position, l.Stream, why))
		}
	}
	return j
}

func (j *judge) learn(l leaf) {
	kind, id, _ := strings.Cut(l.Stream, "-")
	all := map[string]map[string]*standing{"token": j.tokens, "grant": j.grants, "user": j.users, "membership": j.members}[kind]
	if l.Type == "organization.policy_changed" {
		after, _ := l.Data["after"].(map[string]any)
		j.policies[id] = after
		j.required[id] = after["sso_required"] == true
		networks, _ := after["allowed_sources"].([]any)
		j.sources[id] = len(networks) > 0
	}
	if all == nil {
		return
	}
	s := all[id]
	if s == nil {
		s = &standing{}
		all[id] = s
	}
	s.learn(l)
}

func (s *standing) learn(l leaf) {
	switch _, what, _ := strings.Cut(l.Type, "."); what {
	case "created", "given":
		s.kind, _ = l.Data["kind"].(string)
		s.home = text(l, "organization") + text(l, "owner")
		s.over, s.deadline = "", instant(l, "expires_at")
		s.approved, s.endless, s.began = false, s.deadline.IsZero(), l.RecordedAt
	case "approved":
		s.approved = true
	case "expiry_changed", "changed":
		s.deadline = instant(l, "expires_at")
		s.endless = s.deadline.IsZero()
	case "rotated":
		s.deadline = earlier(s.deadline, instant(l, "until"))
	case "revoked", "expired", "deleted", "ended", "deactivated":
		s.over = l.Type
	case "started", "role_changed":
		s.over, s.role, s.deadline = "", text(l, "role"), instant(l, "until")
	case "reactivated":
		s.over = ""
	case "suspended":
		s.stopped, s.stoppedUntil = true, instant(l, "until")
	case "resumed":
		s.stopped = false
	case "sso_authorized":
		s.stamped = true
	case "sso_authorization_withdrawn":
		s.stamped = false
	}
}

// against is what speaks against a use, empty for nothing.
func (j *judge) against(l leaf) string {
	id := strings.TrimPrefix(l.Stream, "token-")
	token := j.tokens[id]
	if why := token.against("the token", l.RecordedAt); why != "" {
		return why
	}
	if strings.HasPrefix(l.Trail, "user-") {
		return j.users[token.home].against("the owner", l.RecordedAt)
	}
	stamped := token.stamped
	if token.kind == "organization" && token.home != l.Trail {
		return "in another organization"
	}
	if token.kind == "personal" {
		grant, member := j.grants[id+"."+l.Trail], j.members[l.Trail+"."+token.home]
		for _, why := range []string{
			j.users[token.home].against("the owner", l.RecordedAt), grant.against("the grant", l.RecordedAt),
			member.against("the membership", l.RecordedAt),
		} {
			if why != "" {
				return why
			}
		}
		if text(l, "action") == "createEvidence" && !slices.Contains([]string{"owner", "admin"}, member.role) {
			return "while the owner's role was " + member.role
		}
		stamped = grant.stamped
	}
	if j.required[l.Trail] && !stamped {
		return "without the single sign-on that is required"
	}
	if _, told := l.Data["source"]; j.sources[l.Trail] && !told {
		return "from nobody knows where, which the policy refuses"
	}
	return j.byPolicy(j.policies[l.Trail], token, j.grants[id+"."+l.Trail], l)
}

func (s *standing) against(what string, at time.Time) string {
	switch {
	case s == nil:
		return "before " + what + " was there"
	case s.over != "":
		return "after " + what + " had " + s.over
	case s.stopped && (s.stoppedUntil.IsZero() || at.Before(s.stoppedUntil)):
		return "while " + what + " was suspended"
	case !s.deadline.IsZero() && at.After(s.deadline):
		return "after the deadline of " + what
	}
	return ""
}

func text(l leaf, name string) string {
	s, _ := l.Data[name].(string)
	return s
}

func instant(l leaf, name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, text(l, name))
	if err != nil {
		return time.Time{}
	}
	return at
}

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// The oracle itself is tried on logs whose verdict is known.
func TestJudge(t *testing.T) {
	t.Parallel()
	began := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
	used := leaf{Stream: "token-p", Trail: "o", Type: "token.used", Data: map[string]any{"action": "createEvidence"}}
	event := func(stream, kind string, data map[string]any) leaf {
		return leaf{Stream: stream, Trail: "o", Type: kind, Data: data}
	}
	innocent := []leaf{
		event("user-u", "user.created", nil),
		event("membership-o.u", "membership.started", map[string]any{"role": "admin"}),
		event("token-p", "token.created", map[string]any{"kind": "personal", "owner": "u", "expires_at": "2026-01-01T00:01:00Z"}),
		event("grant-p.o", "grant.given", map[string]any{"expires_at": "2026-01-01T00:01:00Z"}),
		used,
	}
	for name, c := range map[string]struct {
		between leaf
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
		if found := newJudge().try(leaves).guilty; (len(found) > 0) != c.guilty {
			t.Errorf("%s: %v", name, found)
		}
	}
}
