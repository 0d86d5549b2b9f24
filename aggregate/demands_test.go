// What each demand of a policy refuses, and from when.

package aggregate

import (
	"net/netip"
	"slices"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

const hour = events.Seconds(3600)

func TestJudge(t *testing.T) {
	t.Parallel()
	inside, outside := netip.MustParseAddr("192.0.2.7"), netip.MustParseAddr("198.51.100.1")
	made := noon.Add(-10 * time.Hour)
	plain := Bearer{CreatedAt: made, LastUsed: made, Source: inside}
	with := func(change func(*Bearer)) Bearer {
		b := plain
		change(&b)
		return b
	}
	sources := events.Policy{AllowedSources: []string{"192.0.2.0/24", "2001:db8::/32"}}
	for name, c := range map[string]struct {
		policy events.Policy
		bearer Bearer
		want   Breach
		until  time.Duration // after made; 0: none
	}{
		"no policy":                        {events.Policy{}, plain, "", 0},
		"a deadline is there":              {events.Policy{ExpiryRequired: true}, with(func(b *Bearer) { b.ExpiresAt = noon.Add(time.Hour) }), "", 0},
		"no deadline":                      {events.Policy{ExpiryRequired: true}, plain, ExpiryRequired, 0},
		"young enough":                     {events.Policy{MaxLifetime: 11 * hour}, plain, "", 11 * time.Hour},
		"too old":                          {events.Policy{MaxLifetime: 10 * hour}, plain, LifetimeExceeded, 10 * time.Hour},
		"to be rotated, not enforced":      {events.Policy{RotationAge: hour}, plain, "", 0},
		"to be rotated, enforced":          {events.Policy{RotationAge: hour, RotationEnforced: true}, plain, RotationOverdue, time.Hour},
		"rotated lately":                   {events.Policy{RotationAge: 12 * hour, RotationEnforced: true}, plain, "", 12 * time.Hour},
		"never used, and idle since":       {events.Policy{IdleExpiry: 10 * hour}, plain, IdleTooLong, 10 * time.Hour},
		"used since":                       {events.Policy{IdleExpiry: 3 * hour}, with(func(b *Bearer) { b.LastUsed = made.Add(8 * time.Hour) }), "", 11 * time.Hour},
		"the soonest deadline":             {events.Policy{MaxLifetime: 12 * hour, IdleExpiry: 11 * hour}, plain, "", 11 * time.Hour},
		"a personal token, not approved":   {events.Policy{ApprovalRequired: true}, with(func(b *Bearer) { b.Personal = true }), ApprovalRequired, 0},
		"a personal token, approved":       {events.Policy{ApprovalRequired: true}, with(func(b *Bearer) { b.Personal, b.Approved = true, true }), "", 0},
		"an organization token needs none": {events.Policy{ApprovalRequired: true}, plain, "", 0},
		"from inside":                      {sources, plain, "", 0},
		"from outside":                     {sources, with(func(b *Bearer) { b.Source = outside }), SourceForbidden, 0},
		"from nowhere":                     {sources, with(func(b *Bearer) { b.Source = netip.Addr{} }), SourceUnknown, 0},
		"from inside, mapped to IPv6":      {sources, with(func(b *Bearer) { b.Source = netip.MustParseAddr("::ffff:192.0.2.7") }), "", 0},
		"from inside, by IPv6":             {sources, with(func(b *Bearer) { b.Source = netip.MustParseAddr("2001:db8::1%eth0") }), "", 0},
	} {
		got, until := DemandsOf(c.policy).Judge(c.bearer, noon)
		var want time.Time
		if c.until > 0 {
			want = made.Add(c.until)
		}
		if got != c.want || !until.Equal(want) {
			t.Errorf("%s: %q until %v, want %q until %v", name, got, until, c.want, want)
		}
		if got != "" && (got.sentence() == Breach("").sentence() || got.field() == "") {
			t.Errorf("%s has no sentence or no field", got)
		}
	}
}

func TestAccepts(t *testing.T) {
	t.Parallel()
	token := Token{Kind: events.OrganizationKind, Scopes: Scopes{"evidence:write"}, Description: "uploads", ExpiresAt: noon.Add(time.Hour)}
	with := func(change func(*Token)) Token {
		t := token
		change(&t)
		return t
	}
	for name, c := range map[string]struct {
		policy events.Policy
		token  Token
		field  string // at fault; empty: accepted
	}{
		"no policy":                {events.Policy{}, Token{}, ""},
		"described":                {events.Policy{DescriptionRequired: true}, token, ""},
		"not described":            {events.Policy{DescriptionRequired: true}, with(func(t *Token) { t.Description = " " }), "description"},
		"with a deadline":          {events.Policy{ExpiryRequired: true}, token, ""},
		"without a deadline":       {events.Policy{ExpiryRequired: true}, with(func(t *Token) { t.ExpiresAt = time.Time{} }), "expiresAt"},
		"short-lived":              {events.Policy{MaxLifetime: hour}, token, ""},
		"too long":                 {events.Policy{MaxLifetime: hour / 2}, token, "expiresAt"},
		"for ever":                 {events.Policy{MaxLifetime: hour}, with(func(t *Token) { t.ExpiresAt = time.Time{} }), "expiresAt"},
		"below the ceiling":        {events.Policy{ScopeCeiling: []string{"evidence:write"}}, token, ""},
		"above the ceiling":        {events.Policy{ScopeCeiling: []string{"evidence:read"}}, token, "scopes"},
		"without scopes":           {events.Policy{ScopeCeiling: []string{"write"}}, with(func(t *Token) { t.Scopes = nil }), "scopes"},
		"without scopes, no limit": {events.Policy{ScopeCeiling: []string{"admin"}}, with(func(t *Token) { t.Scopes = nil }), ""},
	} {
		err := DemandsOf(c.policy).Accepts(c.token, noon)
		if c.field == "" {
			if err != nil {
				t.Errorf("%s: %v", name, err)
			}
			continue
		}
		mustBe(t, err, CodeBadUserInput, c.field)
	}
}

// A personal token whose scopes the ceiling leaves nothing of must not pass for
// one without scopes, which has everything.
func TestBelowLeavesNothingForEverything(t *testing.T) {
	t.Parallel()
	p := DemandsOf(events.Policy{ScopeCeiling: []string{"evidence:read"}})
	for _, c := range []struct {
		scopes   Scopes
		personal bool
		want     Scopes
		ok       bool
	}{
		{nil, true, Scopes{"evidence:read"}, true},
		{nil, false, nil, false},
		{Scopes{"risk:write"}, true, nil, false},
		{Scopes{"read"}, true, Scopes{"evidence:read"}, true},
		{Scopes{"evidence:write"}, false, Scopes{"evidence:read"}, true},
	} {
		if got, ok := p.Below(c.scopes, c.personal); ok != c.ok || !slices.Equal(got, c.want) {
			t.Errorf("%v, personal %v: %v %v", c.scopes, c.personal, got, ok)
		}
	}
	if got, ok := (Demands{}).Below(nil, true); !ok || got != nil {
		t.Errorf("without a ceiling: %v %v", got, ok)
	}
}

func TestPolicyIsRecordedInOneForm(t *testing.T) {
	t.Parallel()
	org := OrganizationDecider.Fold(Organization{}, events.OrganizationCreated{Name: "acme", DisplayName: "Acme"})
	decided, err := OrganizationDecider.Decide(org, SetPolicy{events.Policy{
		AllowedSources: []string{"192.0.2.9", "10.1.2.3/8", "2001:db8::1/32", "10.0.0.0/8"}, ScopeCeiling: []string{"write", "read", "write"},
	}}, noon)
	if err != nil || len(decided) != 1 {
		t.Fatal(decided, err)
	}
	after := decided[0].(events.OrganizationPolicyChanged).After
	if want := []string{"10.0.0.0/8", "192.0.2.9/32", "2001:db8::/32"}; !slices.Equal(after.AllowedSources, want) {
		t.Errorf("sources %v, want %v", after.AllowedSources, want)
	}
	if want := []string{"read", "write"}; !slices.Equal(after.ScopeCeiling, want) {
		t.Errorf("ceiling %v, want %v", after.ScopeCeiling, want)
	}
	org = OrganizationDecider.Fold(org, decided...)
	if again, err := OrganizationDecider.Decide(org, SetPolicy{after}, noon); err != nil || len(again) > 0 {
		t.Errorf("the same policy again: %v %v", again, err)
	}
	for field, p := range map[string]events.Policy{
		"allowedSources":   {AllowedSources: []string{"everywhere"}},
		"maxLifetime":      {MaxLifetime: -1},
		"idleExpiry":       {IdleExpiry: maxSpan + 1},
		"rotationEnforced": {RotationEnforced: true},
		"scopeCeiling":     {ScopeCeiling: []string{"moon:write"}},
	} {
		_, err := OrganizationDecider.Decide(org, SetPolicy{p}, noon)
		mustBe(t, err, CodeBadUserInput, field)
	}
	for _, network := range []string{"::ffff:192.0.2.0/120", "::ffff:192.0.2.1", "fe80::1%eth0", "192.0.2.0/33", ""} {
		_, err := OrganizationDecider.Decide(org, SetPolicy{events.Policy{AllowedSources: []string{network}}}, noon)
		mustBe(t, err, CodeBadUserInput, "allowedSources")
	}
	_, err = OrganizationDecider.Decide(org, SetPolicy{events.Policy{AllowedSources: make([]string, maxSources+1)}}, noon)
	mustBe(t, err, CodeBadUserInput, "allowedSources")
}

func TestPolicyChangeKeepsWhatItDoesNotName(t *testing.T) {
	t.Parallel()
	before := events.Policy{SSORequired: true, MaxLifetime: hour, AllowedSources: []string{"10.0.0.0/8"}, MemberScopes: []string{"evidence:read"}}
	yes, zero := true, events.Seconds(0)
	after := PolicyChange{ExpiryRequired: &yes, MaxLifetime: &zero, AllowedSources: []string{}}.To(before)
	if !after.SSORequired || !after.ExpiryRequired || after.MaxLifetime != 0 || len(after.AllowedSources) != 0 || len(after.MemberScopes) != 1 {
		t.Errorf("%+v", after)
	}
}
