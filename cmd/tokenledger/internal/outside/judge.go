// The oracle: it reads leaves in order, knows the rules in its own words, and names
// every use that stands behind something that would have refused it.

package outside

import (
	"fmt"
	"slices"
	"strings"
	"time"
)

// Judge is what the leaves so far say, by stream.
type Judge struct {
	tokens, grants, users, members map[string]*standing
	required                       map[string]bool           // organizations that require single sign-on
	policies                       map[string]map[string]any // of organizations, as their events tell them
	sources                        map[string]bool           // those that demand to know where a use comes from

	// Guilty is a sentence for each use that should not be there.
	Guilty []string
	// Uses counts the allowed uses by token.
	Uses map[string]int
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

// NewJudge makes one that has heard nothing yet.
func NewJudge() *Judge {
	return &Judge{
		tokens: map[string]*standing{}, grants: map[string]*standing{}, users: map[string]*standing{}, members: map[string]*standing{},
		required: map[string]bool{}, sources: map[string]bool{}, policies: map[string]map[string]any{}, Uses: map[string]int{},
	}
}

// Try hears the whole log.
func (j *Judge) Try(leaves []Leaf) *Judge {
	for _, l := range leaves {
		if l.Type != "token.used" {
			j.learn(l)
			continue
		}
		j.Uses[strings.TrimPrefix(l.Stream, "token-")]++
		if why := j.against(l); why != "" {
			j.Guilty = append(j.Guilty, fmt.Sprintf("position %d uses %s %s", l.Position, l.Stream, why))
		}
	}
	return j
}

func (j *Judge) learn(l Leaf) {
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

func (s *standing) learn(l Leaf) {
	switch _, what, _ := strings.Cut(l.Type, "."); what {
	case "created", "given":
		s.kind, _ = l.Data["kind"].(string)
		s.home = l.Text("organization") + l.Text("owner")
		s.over, s.deadline = "", l.Time("expires_at")
		s.approved, s.endless, s.began = false, s.deadline.IsZero(), l.RecordedAt
	case "approved":
		s.approved = true
	case "expiry_changed", "changed":
		s.deadline = l.Time("expires_at")
		s.endless = s.deadline.IsZero()
	case "rotated":
		s.deadline = earlier(s.deadline, l.Time("until"))
	case "revoked", "expired", "deleted", "ended", "deactivated":
		s.over = l.Type
	case "started", "role_changed":
		s.over, s.role, s.deadline = "", l.Text("role"), l.Time("until")
	case "reactivated":
		s.over = ""
	case "suspended":
		s.stopped, s.stoppedUntil = true, l.Time("until")
	case "resumed":
		s.stopped = false
	case "sso_authorized":
		s.stamped = true
	case "sso_authorization_withdrawn":
		s.stamped = false
	}
}

// against is what speaks against a use, empty for nothing.
func (j *Judge) against(l Leaf) string {
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
		if l.Text("action") == "createEvidence" && !slices.Contains([]string{"owner", "admin"}, member.role) {
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

func earlier(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}
