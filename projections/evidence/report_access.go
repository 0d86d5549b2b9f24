// Access as of an instant, and the difference between two.

package evidence

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Access is one way to reach an organization: a token of its own, a granted
// personal token, or a membership.
type Access struct {
	Kind   string
	ID     uuid.UUID // of the token, or of the member
	Name   string
	Holder uuid.UUID // the user behind it; none behind an organization's token
	Role   events.Role
	Scopes []string
	Status string
	Since  time.Time
	Until  *time.Time
	SSO    *time.Time

	// What a policy asks besides, and no report shows.
	CreatedAt  time.Time  // of a token; of a personal one, whose creation stands in its owner's trail, when it was given access
	ExpiresAt  *time.Time // of a token; Until may be sooner, while it is being replaced
	LastUsedAt time.Time  // of a token, in this organization; zero: never
	Approved   bool       // a personal token's access, by an administrator
	RoleUntil  *time.Time // when the membership ends by itself
}

// Access are all ways that are open at the state's instant, suspended ones too.
func (s *State) Access(organization uuid.UUID) []Access {
	var all []Access
	for _, pair := range sortedPairs(s.Members) {
		row := s.Members[pair]
		if role := row.RoleAt(s.At); pair[0] == organization && role != "" {
			all = append(all, Access{
				Kind: memberKind, ID: row.User, Holder: row.User, Role: role, Status: "ACTIVE", Since: row.StartedAt, Until: row.Until,
				RoleUntil: row.Until,
			})
		}
	}
	for _, c := range s.standing() {
		a := Access{
			Kind: c.Kind, ID: c.ID, Name: c.Name, Holder: c.User, Scopes: c.Scopes, Status: c.Status, Since: c.Begun, Until: c.Deadline,
			CreatedAt: c.Begun,
		}
		if c.Kind == organizationToken {
			s.ofToken(&a, organization)
		} else {
			s.ofGrant(&a, organization)
		}
		all = append(all, a)
	}
	return all
}

func (s *State) ofToken(a *Access, organization uuid.UUID) {
	row := s.Tokens[a.ID]
	if at, ok := row.SSO[organization.String()]; ok {
		a.SSO = &at
	}
	a.ExpiresAt = row.ExpiresAt
	if row.LastUsedAt != nil {
		a.LastUsedAt = *row.LastUsedAt
	}
}

func (s *State) ofGrant(a *Access, organization uuid.UUID) {
	key := Pair{a.ID, organization}
	row := s.Grants[key]
	a.SSO, a.ExpiresAt, a.Approved, a.LastUsedAt = row.SSOAt, row.ExpiresAt, row.ApprovedAt != nil, s.GrantUses[key]
	if m := s.Members[Pair{organization, a.Holder}]; m != nil {
		a.Role, a.RoleUntil = m.RoleAt(s.At), m.Until
	}
}

// nothing is a report that asks the states alone.
type nothing struct{}

func (nothing) event(*State, events.Recorded, bool) {}

type access struct{ nothing }

func (access) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("kind", "Kind", "id", "Id", "name", "Name", "user", "User", "role", "Role", "scopes", "Scopes",
		"status", "Status", "since", "Since", "until", "Until", "sso_at", "Authorized by single sign-on")
	for _, a := range p.closing.Access(p.Organization) {
		t.row(a.Kind, a.ID, a.Name, a.Holder, string(a.Role), a.Scopes, a.Status, a.Since, a.Until, a.SSO)
	}
	t.Parameters = append(t.Parameters, Parameter{"as_of", p.To.Format(timeLayout)})
	return none(t, "nobody and nothing could reach the organization")
}

// Change is one thing that differs between two states.
type Change struct {
	Kind   string // of access
	ID     uuid.UUID
	Name   string
	Change string // added, ended or changed
	Field  string // where it changed
	Before string
	After  string
}

// Diff tells how access differs between two states of an organization.
func Diff(before, after *State, organization uuid.UUID) []Change {
	type key struct {
		kind string
		id   uuid.UUID
	}
	old, now := map[key]Access{}, map[key]Access{}
	var keys []key
	for _, a := range before.Access(organization) {
		old[key{a.Kind, a.ID}] = a
		keys = append(keys, key{a.Kind, a.ID})
	}
	for _, a := range after.Access(organization) {
		k := key{a.Kind, a.ID}
		now[k] = a
		if _, was := old[k]; !was {
			keys = append(keys, k)
		}
	}
	slices.SortFunc(keys, func(a, b key) int {
		if c := strings.Compare(a.kind, b.kind); c != 0 {
			return c
		}
		return compareIDs(a.id, b.id)
	})
	var changes []Change
	for _, k := range keys {
		a, was := old[k]
		b, is := now[k]
		switch {
		case !was:
			changes = append(changes, Change{Kind: k.kind, ID: k.id, Name: b.Name, Change: "added", After: b.summary()})
		case !is:
			changes = append(changes, Change{Kind: k.kind, ID: k.id, Name: a.Name, Change: "ended", Before: a.summary()})
		default:
			changes = append(changes, a.changes(b)...)
		}
	}
	return changes
}

func (a Access) summary() string {
	if a.Kind == memberKind {
		return string(a.Role)
	}
	return strings.Join(a.Scopes, " ")
}

func (a Access) changes(b Access) []Change {
	var out []Change
	for _, f := range []struct{ field, before, after string }{
		{"name", a.Name, b.Name},
		{"role", string(a.Role), string(b.Role)},
		{"scopes", strings.Join(a.Scopes, " "), strings.Join(b.Scopes, " ")},
		{"status", a.Status, b.Status},
		{"since", Text(cell(a.Since)), Text(cell(b.Since))},
		{"until", Text(cell(a.Until)), Text(cell(b.Until))},
		{"sso_at", Text(cell(a.SSO)), Text(cell(b.SSO))},
	} {
		if f.before != f.after {
			out = append(out, Change{Kind: a.Kind, ID: a.ID, Name: b.Name, Change: "changed", Field: f.field, Before: f.before, After: f.after})
		}
	}
	return out
}

type accessDifference struct{ nothing }

func (accessDifference) finish(_ context.Context, p *period, t *Table) error {
	t.Columns = columns("kind", "Kind", "id", "Id", "name", "Name", "change", "Change", "field", "Field", "before", "Before", "after", "After")
	for _, c := range Diff(p.opening, p.closing, p.Organization) {
		t.row(c.Kind, c.ID, c.Name, c.Change, c.Field, c.Before, c.After)
	}
	return none(t, "access at the end was what it was at the beginning")
}
