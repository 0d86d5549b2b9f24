// Each demand of a policy, and what whoCould makes of a token that does not meet it.

package graphql

import (
	"slices"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func TestCouldDoAsksEachDemand(t *testing.T) {
	t.Parallel()
	noon := time.Date(2026, 3, 2, 12, 0, 0, 0, time.UTC)
	made, hour := noon.Add(-10*time.Hour), events.Seconds(3600)
	organization, owner := uuid.New(), uuid.New()
	machine := evidence.Access{
		Kind: "organization token", ID: uuid.New(), Scopes: []string{"evidence:write"}, Status: "ACTIVE", Since: made, CreatedAt: made,
	}
	personal := machine
	personal.Kind, personal.Holder, personal.Role = "personal token", owner, events.RoleOwner
	member := evidence.Access{Kind: "member", ID: owner, Holder: owner, Role: events.RoleOwner, Status: "ACTIVE", Since: made}
	with := func(a evidence.Access, change func(*evidence.Access)) evidence.Access {
		change(&a)
		return a
	}
	after := func(h int) *time.Time { return new(made.Add(time.Duration(h) * time.Hour)) }
	expires := func(a *evidence.Access) { a.Until, a.ExpiresAt = after(20), after(20) }
	stamped := func(a *evidence.Access) { a.SSO = after(2) }
	all := func(changes ...func(*evidence.Access)) func(*evidence.Access) {
		return func(a *evidence.Access) {
			for _, c := range changes {
				c(a)
			}
		}
	}
	before := func(h int) string { return "before " + after(h).Format(time.RFC3339) }
	yes := []string{} // without a condition; nil is no
	for name, c := range map[string]struct {
		policy events.Policy
		access evidence.Access
		want   []string
	}{
		"no demand":                   {events.Policy{}, machine, yes},
		"until its deadline":          {events.Policy{}, with(machine, expires), []string{before(20)}},
		"suspended":                   {events.Policy{}, with(machine, func(a *evidence.Access) { a.Status = "SUSPENDED" }), nil},
		"being replaced":              {events.Policy{}, with(machine, func(a *evidence.Access) { a.Status, a.Until = "ROTATING", after(11) }), []string{before(11)}},
		"revoked at that instant":     {events.Policy{}, with(machine, func(a *evidence.Access) { a.Status = "REVOKED" }), nil},
		"waits for an approval":       {events.Policy{}, with(personal, func(a *evidence.Access) { a.Status = "PENDING" }), nil},
		"its owner is no member":      {events.Policy{}, with(personal, func(a *evidence.Access) { a.Role = "" }), nil},
		"its owner is one for a time": {events.Policy{}, with(personal, func(a *evidence.Access) { a.RoleUntil = after(15) }), []string{before(15)}},
		"the scope is another":        {events.Policy{}, with(machine, func(a *evidence.Access) { a.Scopes = []string{"risk:write"} }), nil},

		"not approved":                     {events.Policy{ApprovalRequired: true}, personal, nil},
		"approved":                         {events.Policy{ApprovalRequired: true}, with(personal, func(a *evidence.Access) { a.Approved = true }), yes},
		"an organization token needs none": {events.Policy{ApprovalRequired: true}, machine, yes},
		"no deadline":                      {events.Policy{ExpiryRequired: true}, machine, nil},
		"the end of an overlap is none":    {events.Policy{ExpiryRequired: true}, with(machine, func(a *evidence.Access) { a.Until = after(11) }), nil},
		"a deadline":                       {events.Policy{ExpiryRequired: true}, with(machine, expires), []string{before(20)}},
		"lived too long":                   {events.Policy{MaxLifetime: 10 * hour}, machine, nil},
		"has some life left":               {events.Policy{MaxLifetime: 11 * hour}, machine, []string{before(11)}},
		"a personal one's age is its own":  {events.Policy{MaxLifetime: 10 * hour}, with(personal, func(a *evidence.Access) { a.Since = noon }), nil},
		"rotation overdue":                 {events.Policy{RotationAge: 10 * hour, RotationEnforced: true}, machine, nil},
		"rotation overdue, not enforced":   {events.Policy{RotationAge: 10 * hour}, machine, yes},
		"to be rotated soon":               {events.Policy{RotationAge: 12 * hour, RotationEnforced: true}, machine, []string{before(12)}},
		"idle since it was made":           {events.Policy{IdleExpiry: 10 * hour}, machine, nil},
		"idle since its last use":          {events.Policy{IdleExpiry: 5 * hour}, with(machine, func(a *evidence.Access) { a.LastUsedAt = *after(5) }), nil},
		"used lately":                      {events.Policy{IdleExpiry: 5 * hour}, with(machine, func(a *evidence.Access) { a.LastUsedAt = *after(6) }), []string{before(11)}},
		"given access lately":              {events.Policy{IdleExpiry: 5 * hour}, with(personal, func(a *evidence.Access) { a.Since = *after(7) }), []string{before(12)}},
		"from some networks":               {events.Policy{AllowedSources: []string{"192.0.2.0/24", "2001:db8::/32"}}, machine, []string{"from the networks 192.0.2.0/24, 2001:db8::/32"}},
		"above the ceiling":                {events.Policy{ScopeCeiling: []string{"evidence:read"}}, machine, nil},
		"below the ceiling":                {events.Policy{ScopeCeiling: []string{"write"}}, machine, yes},

		"no sign-on":                       {events.Policy{SSORequired: true}, machine, nil},
		"signed on":                        {events.Policy{SSORequired: true}, with(machine, stamped), yes},
		"signed on, aged away":             {events.Policy{SSORequired: true, SSOMaxAge: 8 * hour}, with(personal, stamped), nil},
		"signed on, to age":                {events.Policy{SSORequired: true, SSOMaxAge: 9 * hour}, with(personal, stamped), []string{before(11)}},
		"an organization token's age":      {events.Policy{SSORequired: true, SSOMaxAge: hour, OrganizationSSOMaxAge: 8 * hour}, with(machine, stamped), nil},
		"an organization token's is apart": {events.Policy{SSORequired: true, SSOMaxAge: hour}, with(machine, stamped), yes},
		"the soonest end, and a network": {
			events.Policy{SSORequired: true, SSOMaxAge: 9 * hour, MaxLifetime: 12 * hour, AllowedSources: []string{"192.0.2.0/24"}},
			with(personal, all(stamped, expires)),
			[]string{"from the networks 192.0.2.0/24", before(11)},
		},

		"a member, whom no demand on tokens meets": {
			events.Policy{SSORequired: true, ExpiryRequired: true, ApprovalRequired: true, MaxLifetime: hour, AllowedSources: []string{"192.0.2.0/24"}}, member, yes,
		},
		"a member for a time": {events.Policy{}, with(member, func(a *evidence.Access) { a.RoleUntil = after(15) }), []string{before(15)}},
	} {
		got, ok := couldDo(organization, c.policy, c.access, "evidence:write", noon)
		if ok != (c.want != nil) || ok && !slices.Equal(got.Conditions, c.want) {
			t.Errorf("%s: %v %v, want %v", name, ok, got.Conditions, c.want)
		}
	}
}
