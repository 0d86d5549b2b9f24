// The rules of tokens, one line each.

package aggregate

import (
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

var (
	noon  = time.Date(2026, 3, 1, 12, 0, 0, 0, time.UTC)
	orgA  = uuid.MustParse("01985d2e-0000-7000-8000-00000000000a")
	orgB  = uuid.MustParse("01985d2e-0000-7000-8000-00000000000b")
	user1 = uuid.MustParse("01985d2e-0000-7000-8000-000000000001")
	next  = uuid.MustParse("01985d2e-0000-7000-8000-000000000002")
)

func hours(n int) time.Time { return noon.Add(time.Duration(n) * time.Hour) }

// freely is a caller who may hand on everything.
var freely = Limits{Scopes: AllScopes(), Unscoped: true}

func organizationToken() Token {
	return Token{
		Kind: events.OrganizationKind, Organization: orgA, Name: "ci", Scopes: Scopes{"evidence:write"},
		Ceiling: Scopes{"evidence:write", "read"}, ExpiresAt: hours(24),
	}
}

func personalToken() Token {
	return Token{Kind: events.PersonalKind, Owner: user1, Organizations: []uuid.UUID{orgA}, Name: "laptop"}
}

func with(t Token, es ...events.TokenEvent) Token { return TokenDecider.Fold(t, es...) }

func TestTokenRules(t *testing.T) {
	t.Parallel()
	org, personal := organizationToken(), personalToken()
	revoked := with(org, events.TokenRevoked{})
	rotated := with(org, events.TokenRotated{Successor: next, Until: hours(2), EndsAtFirstUse: true})
	suspended := with(org, events.TokenSuspended{})
	one := func(e events.TokenEvent) []events.TokenEvent { return []events.TokenEvent{e} }

	for _, c := range []struct {
		name  string
		token Token
		cmd   TokenCommand
		at    time.Time // zero: noon
		want  []events.TokenEvent
		code  Code
		field string
	}{
		{name: "rename", token: org, cmd: RenameToken{"new"}, want: one(events.TokenRenamed{Name: "new"})},
		{name: "rename to the same", token: org, cmd: RenameToken{"ci"}},
		{name: "rename to nothing", token: org, cmd: RenameToken{}, code: CodeBadUserInput, field: "name"},
		{name: "rename what does not exist", cmd: RenameToken{"new"}, code: CodeNotFound, field: "id"},
		{name: "rename a revoked one", token: revoked, cmd: RenameToken{"new"}, code: CodeConflict},
		{name: "rename an expired one", token: org, at: hours(24), cmd: RenameToken{"new"}, code: CodeConflict},
		{name: "rename a suspended one", token: suspended, cmd: RenameToken{"new"}, want: one(events.TokenRenamed{Name: "new"})},

		{name: "describe", token: org, cmd: DescribeToken{"what for"}, want: one(events.TokenDescribed{Description: "what for"})},
		{name: "clear what is clear", token: org, cmd: DescribeToken{}},
		{name: "tag", token: org, cmd: TagToken{[]string{"b", "a", "b"}}, want: one(events.TokenTagged{Tags: []string{"b", "a"}})},
		{name: "tag as it is", token: with(org, events.TokenTagged{Tags: []string{"a"}}), cmd: TagToken{[]string{"a", "a"}}},

		{
			name: "narrow scopes", token: org, cmd: ChangeTokenScopes{Scopes: []string{"evidence:read"}, Limits: Limits{Scopes: AllScopes()}},
			want: one(events.TokenScopesChanged{Before: []string{"evidence:write"}, Scopes: []string{"evidence:read"}}),
		},
		{name: "the same scopes in another order", token: with(org, events.TokenScopesChanged{Scopes: []string{"read", "evidence:write"}}), cmd: ChangeTokenScopes{Scopes: []string{"read", "evidence:write", "read"}}},
		{name: "scopes beyond the ceiling", token: org, cmd: ChangeTokenScopes{Scopes: []string{"risk:write"}, Limits: Limits{Scopes: AllScopes()}}, code: CodeForbidden, field: "scopes"},
		{name: "scopes beyond the caller's", token: org, cmd: ChangeTokenScopes{Scopes: []string{"risk:read"}, Limits: Limits{Scopes: Scopes{"evidence:write"}}}, code: CodeForbidden, field: "scopes"},
		{name: "no scopes for an organization's", token: org, cmd: ChangeTokenScopes{Limits: freely}, code: CodeBadUserInput, field: "scopes"},
		{name: "unknown scopes", token: org, cmd: ChangeTokenScopes{Scopes: []string{"moon:read"}, Limits: freely}, code: CodeBadUserInput, field: "scopes"},
		{name: "no scopes for a personal one, by its owner", token: with(personal, events.TokenScopesChanged{Scopes: []string{"read"}}), cmd: ChangeTokenScopes{Limits: freely}, want: one(events.TokenScopesChanged{Before: []string{"read"}})},
		{name: "no scopes for a personal one, by a token with scopes", token: with(personal, events.TokenScopesChanged{Scopes: []string{"read"}}), cmd: ChangeTokenScopes{Limits: Limits{Scopes: Scopes{"write"}}}, code: CodeForbidden, field: "scopes"},
		{name: "a scope that it has although nobody knows it any more", token: with(personal, events.TokenScopesChanged{Scopes: []string{"moon:read"}}), cmd: ChangeTokenScopes{Scopes: []string{"moon:read", "read"}, Limits: freely}, want: one(events.TokenScopesChanged{Before: []string{"moon:read"}, Scopes: []string{"moon:read", "read"}})},

		{name: "shorten", token: org, cmd: ChangeTokenExpiry{ExpiresAt: hours(1)}, want: one(events.TokenExpiryChanged{Before: hours(24), ExpiresAt: hours(1)})},
		{name: "clear the deadline", token: org, cmd: ChangeTokenExpiry{}, want: one(events.TokenExpiryChanged{Before: hours(24)})},
		{name: "the same deadline in another zone", token: org, cmd: ChangeTokenExpiry{ExpiresAt: hours(24).In(time.FixedZone("", 3600))}},
		{name: "a deadline in the past", token: org, cmd: ChangeTokenExpiry{ExpiresAt: hours(-1)}, code: CodeBadUserInput, field: "expiresAt"},
		{name: "a deadline now", token: org, cmd: ChangeTokenExpiry{ExpiresAt: noon}, code: CodeBadUserInput, field: "expiresAt"},
		{name: "a deadline nobody can write", token: org, cmd: ChangeTokenExpiry{ExpiresAt: time.Date(12000, 1, 1, 0, 0, 0, 0, time.UTC)}, code: CodeBadUserInput, field: "expiresAt"},
		{name: "a longer life than the caller's", token: org, cmd: ChangeTokenExpiry{ExpiresAt: hours(3), Limits: Limits{Until: hours(2)}}, code: CodeForbidden, field: "expiresAt"},
		{name: "an endless life by a caller whose ends", token: org, cmd: ChangeTokenExpiry{Limits: Limits{Until: hours(2)}}, code: CodeForbidden, field: "expiresAt"},
		{name: "longer life after the deadline", token: org, at: hours(25), cmd: ChangeTokenExpiry{ExpiresAt: hours(48)}, code: CodeConflict},

		{name: "grant", token: personal, cmd: ChangeTokenOrganizations{Add: []uuid.UUID{orgB, orgA}, Limits: freely}, want: one(events.TokenOrganizationsChanged{Added: []uuid.UUID{orgB}})},
		{name: "withdraw", token: personal, cmd: ChangeTokenOrganizations{Remove: []uuid.UUID{orgA, orgB}, Limits: freely}, want: one(events.TokenOrganizationsChanged{Removed: []uuid.UUID{orgA}})},
		{name: "withdraw what is not granted", token: personal, cmd: ChangeTokenOrganizations{Remove: []uuid.UUID{orgB}, Limits: freely}},
		{name: "grant by a token that reaches less", token: personal, cmd: ChangeTokenOrganizations{Add: []uuid.UUID{orgB}, Limits: Limits{Organizations: []uuid.UUID{orgA}}}, code: CodeForbidden, field: "organizationIDs"},
		{name: "grant an organization's token", token: org, cmd: ChangeTokenOrganizations{Add: []uuid.UUID{orgB}, Limits: freely}, code: CodeBadUserInput, field: "organizationIDs"},

		{name: "suspend", token: org, cmd: SuspendToken{}, want: one(events.TokenSuspended{})},
		{name: "suspend again", token: suspended, cmd: SuspendToken{}},
		{name: "suspend until", token: suspended, cmd: SuspendToken{hours(1)}, want: one(events.TokenSuspended{Until: hours(1)})},
		{name: "suspend until before", token: org, cmd: SuspendToken{hours(-1)}, code: CodeBadUserInput, field: "until"},
		{name: "resume", token: suspended, cmd: ResumeToken{}, want: one(events.TokenResumed{})},
		{name: "resume what works", token: org, cmd: ResumeToken{}},
		{name: "resume what the clock has resumed", token: with(org, events.TokenSuspended{Until: hours(1)}), at: hours(1), cmd: ResumeToken{}},
		{name: "resume a revoked one", token: revoked, cmd: ResumeToken{}, code: CodeConflict},
		{name: "suspend a revoked one", token: revoked, cmd: SuspendToken{}, code: CodeConflict},

		{name: "revoke", token: org, cmd: RevokeToken{"leaked"}, want: one(events.TokenRevoked{})},
		{name: "revoke a suspended one", token: suspended, cmd: RevokeToken{"leaked"}, want: one(events.TokenRevoked{})},
		{name: "revoke without a reason", token: org, cmd: RevokeToken{}, code: CodeBadUserInput, field: "revokedReason"},
		{name: "revoke again", token: revoked, cmd: RevokeToken{"leaked"}, code: CodeConflict},
		{name: "revoke an expired one", token: org, at: hours(25), cmd: RevokeToken{"leaked"}, code: CodeConflict},

		{name: "expire too early", token: org, cmd: ExpireToken{}, code: CodeConflict},
		{name: "expire what never does", token: personal, cmd: ExpireToken{}, code: CodeConflict},
		{name: "expire", token: org, at: hours(24), cmd: ExpireToken{}, want: one(events.TokenExpired{ExpiresAt: hours(24)})},
		{name: "expire again", token: with(org, events.TokenExpired{}), at: hours(25), cmd: ExpireToken{}},
		{name: "expire a revoked one", token: revoked, at: hours(25), cmd: ExpireToken{}},
		{name: "the overlap is over", token: rotated, at: hours(2), cmd: ExpireToken{}, want: one(events.TokenExpired{ExpiresAt: hours(2)})},

		{name: "delete a live one", token: org, cmd: DeleteToken{}, want: []events.TokenEvent{events.TokenRevoked{}, events.TokenDeleted{}}},
		{name: "delete a revoked one", token: revoked, cmd: DeleteToken{}, want: one(events.TokenDeleted{})},
		{name: "delete one that the clock has ended", token: org, at: hours(25), cmd: DeleteToken{}, want: []events.TokenEvent{events.TokenExpired{ExpiresAt: hours(24)}, events.TokenDeleted{}}},
		{name: "delete again", token: with(revoked, events.TokenDeleted{}), cmd: DeleteToken{}, code: CodeNotFound, field: "id"},

		{name: "rotate", token: org, cmd: RotateToken{Successor: next, Overlap: time.Hour}, want: one(events.TokenRotated{Successor: next, Until: hours(1)})},
		{name: "rotate past the deadline", token: org, cmd: RotateToken{Successor: next, Overlap: 48 * time.Hour, EndsAtFirstUse: true}, want: one(events.TokenRotated{Successor: next, Until: hours(24), EndsAtFirstUse: true})},
		{name: "rotate at once", token: org, cmd: RotateToken{Successor: next}, want: one(events.TokenRotated{Successor: next, Until: noon})},
		{name: "rotate again", token: rotated, cmd: RotateToken{Successor: user1}, code: CodeConflict},
		{name: "rotate a suspended one", token: suspended, cmd: RotateToken{Successor: next}, code: CodeConflict},
		{name: "rotate a revoked one", token: revoked, cmd: RotateToken{Successor: next}, code: CodeConflict},
		{name: "rotate after the deadline", token: org, at: hours(24), cmd: RotateToken{Successor: next}, code: CodeConflict},
		{name: "an overlap in the past", token: org, cmd: RotateToken{Successor: next, Overlap: -1}, code: CodeBadUserInput, field: "overlap"},
		{name: "an overlap for ever", token: org, cmd: RotateToken{Successor: next, Overlap: MaxOverlap + 1}, code: CodeBadUserInput, field: "overlap"},
		{name: "rename during the overlap", token: rotated, cmd: RenameToken{"old"}, want: one(events.TokenRenamed{Name: "old"})},
		{name: "rename after the overlap", token: rotated, at: hours(2), cmd: RenameToken{"old"}, code: CodeConflict},
		{name: "the successor is used", token: rotated, cmd: SupersedeToken{}, want: one(events.TokenExpired{ExpiresAt: noon})},
		{name: "the successor is used without effect", token: with(org, events.TokenRotated{Successor: next, Until: hours(2)}), cmd: SupersedeToken{}},

		{name: "stamp", token: org, cmd: StampToken{}, want: one(events.TokenSSOAuthorized{Organization: orgA})},
		{name: "stamp anew", token: with(org, events.TokenSSOAuthorized{}), cmd: StampToken{}, want: one(events.TokenSSOAuthorized{Organization: orgA})},
		{name: "stamp a revoked one", token: revoked, cmd: StampToken{}, code: CodeConflict},
		{name: "withdraw the stamp", token: with(org, events.TokenSSOAuthorized{}), cmd: UnstampToken{}, want: one(events.TokenSSOAuthorizationWithdrawn{Organization: orgA})},
		{name: "withdraw no stamp", token: org, cmd: UnstampToken{}},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			at := c.at
			if at.IsZero() {
				at = noon
			}
			got, err := TokenDecider.Decide(c.token, c.cmd, at)
			if c.code != "" {
				mustBe(t, err, c.code, c.field)
				return
			}
			if err != nil || !slices.EqualFunc(got, c.want, func(a, b events.TokenEvent) bool { return sameEvent(a, b) }) {
				t.Fatalf("%+v, %v; want %+v", got, err, c.want)
			}
		})
	}
}

// sameEvent compares events as their leaves would.
func sameEvent(a, b events.Event) bool {
	tidy := func(e events.Event) string {
		d, err := events.NewDraft(events.StreamID(strings.Split(string(e.Type()), ".")[0]+"-x"), "t", events.Meta{Actor: events.System("test")}, e)
		if err != nil {
			return err.Error()
		}
		leaf, err := d.AppendLeaf(nil, events.Place{Position: 1, TrailPosition: 1, Version: 1, RecordedAt: noon}, nil)
		if err != nil {
			return err.Error()
		}
		return string(leaf)
	}
	return reflect.TypeOf(a) == reflect.TypeOf(b) && tidy(a) == tidy(b)
}

func TestCreatingTokens(t *testing.T) {
	t.Parallel()
	org := CreateToken{
		Kind: events.OrganizationKind, Organization: orgA, Name: "ci", Scopes: []string{"risk:read", "evidence:write", "risk:read"},
		Ceiling: AllScopes(), Limits: Limits{Scopes: AllScopes()}, Fingerprint: "f",
	}
	personal := CreateToken{Kind: events.PersonalKind, Owner: user1, Name: "laptop", Limits: freely, Fingerprint: "f"}
	change := func(c CreateToken, f func(*CreateToken)) CreateToken { f(&c); return c }

	got, err := TokenDecider.Decide(Token{}, org, noon)
	if err != nil {
		t.Fatal(err)
	}
	if made := with(Token{}, got...); !slices.Equal(made.Scopes, Scopes{"evidence:write", "risk:read"}) || made.Organization != orgA {
		t.Fatalf("%+v", made)
	}
	if _, err := TokenDecider.Decide(Token{}, personal, noon); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		cmd   CreateToken
		code  Code
		field string
	}{
		"no scopes":               {change(org, func(c *CreateToken) { c.Scopes = nil }), CodeBadUserInput, "scopes"},
		"wider than the creator":  {change(org, func(c *CreateToken) { c.Limits.Scopes = Scopes{"evidence:write"} }), CodeForbidden, "scopes"},
		"wider than the ceiling":  {change(org, func(c *CreateToken) { c.Ceiling = Scopes{"read"} }), CodeForbidden, "scopes"},
		"no name":                 {change(org, func(c *CreateToken) { c.Name = "" }), CodeBadUserInput, "name"},
		"a long description":      {change(org, func(c *CreateToken) { c.Description = strings.Repeat("x", 5000) }), CodeBadUserInput, "description"},
		"a past deadline":         {change(org, func(c *CreateToken) { c.ExpiresAt = hours(-1) }), CodeBadUserInput, "expiresAt"},
		"longer than the creator": {change(org, func(c *CreateToken) { c.Limits.Until = hours(1) }), CodeForbidden, "expiresAt"},
		"an empty tag":            {change(org, func(c *CreateToken) { c.Tags = []string{""} }), CodeBadUserInput, "tags"},
		"a scoped token makes an unscoped one": {
			change(personal, func(c *CreateToken) { c.Limits = Limits{Scopes: AllScopes()} }), CodeForbidden, "scopes",
		},
		"a scoped token makes a wider one": {
			change(personal, func(c *CreateToken) { c.Limits, c.Scopes = Limits{Scopes: Scopes{"token:write"}}, []string{"write"} }),
			CodeForbidden, "scopes",
		},
		"a scoped token makes one that reaches further": {
			change(personal, func(c *CreateToken) {
				c.Limits, c.Scopes = Limits{Scopes: Scopes{"write"}}, []string{"read"}
				c.Organizations = []uuid.UUID{orgA}
			}), CodeForbidden, "organizationIDs",
		},
		"too many organizations": {
			change(personal, func(c *CreateToken) {
				for range MaxOrganizations + 1 {
					c.Organizations = append(c.Organizations, uuid.New())
				}
			}), CodeBadUserInput, "organizationIDs",
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := TokenDecider.Decide(Token{}, c.cmd, noon)
			mustBe(t, err, c.code, c.field)
		})
	}
	_, err = TokenDecider.Decide(organizationToken(), org, noon)
	mustBe(t, err, CodeConflict, "id")
}
