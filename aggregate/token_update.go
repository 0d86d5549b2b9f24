// What an update of a token asks for, as the commands that it means.

package aggregate

import (
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Reported is what a client says about a token's state although the ledger
// keeps it. It is taken as a wish where it can be one and refused where it
// would be a claim; nothing of it is ever stored.
type Reported struct {
	IsActive      *bool
	LastUsedAt    *time.Time
	RevokedReason *string
	RevokedBy     *string
	RevokedAt     *time.Time
}

// clockTolerance is how far a client's "now" may be from the ledger's.
const clockTolerance = time.Minute

func (r Reported) suspends() bool { return r.IsActive != nil && !*r.IsActive && !r.revokes() }

func (r Reported) revokes() bool {
	return r.RevokedReason != nil || r.RevokedBy != nil || r.RevokedAt != nil
}

func (r Reported) checkUse() error {
	if r.LastUsedAt != nil {
		return refuse(CodeBadUserInput, "lastUsedAt", "When a token was last used is what its recorded uses say; it cannot be set.")
	}
	return nil
}

// checkNew is for a token that is being made.
func (r Reported) checkNew() error {
	for _, f := range []struct {
		field string
		given bool
	}{
		{"revokedReason", r.RevokedReason != nil}, {"revokedBy", r.RevokedBy != nil}, {"revokedAt", r.RevokedAt != nil},
	} {
		if f.given {
			return refuse(CodeBadUserInput, f.field, "A token cannot be revoked before it exists; leave %s out.", f.field)
		}
	}
	return r.checkUse()
}

// check is for an update by this caller at this instant.
func (r Reported) check(who Principal, now time.Time) error {
	if err := r.checkUse(); err != nil || !r.revokes() {
		return err
	}
	switch {
	case r.IsActive != nil && *r.IsActive:
		return refuse(CodeBadUserInput, "isActive", "A revocation is final, so isActive cannot be true beside it.")
	case r.RevokedReason == nil:
		return refuse(CodeBadUserInput, "revokedReason", "A revocation needs a reason.")
	case r.RevokedBy != nil && !who.named(*r.RevokedBy):
		return refuse(CodeBadUserInput, "revokedBy", "Who revokes is who calls; revokedBy can name nobody else.")
	case r.RevokedAt != nil && r.RevokedAt.Sub(now).Abs() > clockTolerance:
		return refuse(CodeBadUserInput, "revokedAt", "A revocation is recorded when it is made; revokedAt can only be now.")
	}
	return nil
}

// commands are the stops and ends that are wished for.
func (r Reported) commands() []TokenCommand {
	switch {
	case r.RevokedReason != nil:
		return []TokenCommand{RevokeToken{Reason: *r.RevokedReason}}
	case r.IsActive != nil && *r.IsActive:
		return []TokenCommand{ResumeToken{}}
	case r.IsActive != nil:
		return []TokenCommand{SuspendToken{}}
	}
	return nil
}

// named reports whether the id is the caller's: the user's or the token's.
func (p Principal) named(id string) bool {
	parsed, err := uuid.Parse(id)
	return err == nil && parsed != uuid.Nil && (parsed == p.User || parsed == p.Token)
}

// TokenUpdate is one input that changes a token. Nil is no change, an empty list
// that is not nil clears. Each intent becomes an event of its own, all in one append.
type TokenUpdate struct {
	Name                *string
	Description         *string
	ClearDescription    bool
	Tags                []string
	AppendTags          []string
	ClearTags           bool
	Scopes              []string
	AppendScopes        []string
	ClearScopes         bool
	ExpiresAt           *time.Time
	ClearExpiresAt      bool
	Organizations       []uuid.UUID // of a personal token
	AddOrganizations    []uuid.UUID
	RemoveOrganizations []uuid.UUID
	Reported            Reported
	ExpectedVersion     *events.Version // of the token's stream
}

// contradiction refuses to both set and clear one thing.
func (u TokenUpdate) contradiction() error {
	for _, c := range []struct {
		field      string
		set, clear bool
	}{
		{"description", u.Description != nil, u.ClearDescription},
		{"tags", u.Tags != nil, u.ClearTags},
		{"scopes", u.Scopes != nil, u.ClearScopes},
		{"expiresAt", u.ExpiresAt != nil, u.ClearExpiresAt},
	} {
		if c.set && c.clear {
			return refuse(CodeBadUserInput, c.field, "%s is both given and cleared; only one is possible.", c.field)
		}
	}
	for _, id := range u.AddOrganizations {
		if slices.Contains(u.RemoveOrganizations, id) {
			return refuse(CodeBadUserInput, "removeOrganizationIDs", "The organization %s is both added and removed.", id)
		}
	}
	return nil
}

// commands are the changes of what the token says of itself.
func (u TokenUpdate) commands(t Token, known Registry, limits Limits) []TokenCommand {
	var out []TokenCommand
	if u.Name != nil {
		out = append(out, RenameToken{Name: *u.Name})
	}
	switch {
	case u.ClearDescription:
		out = append(out, DescribeToken{})
	case u.Description != nil:
		out = append(out, DescribeToken{Description: *u.Description})
	}
	if tags, changed := listAfter(t.Tags, u.Tags, u.AppendTags, u.ClearTags); changed {
		out = append(out, TagToken{Tags: tags})
	}
	if scopes, changed := listAfter(t.Scopes, u.Scopes, u.AppendScopes, u.ClearScopes); changed {
		out = append(out, ChangeTokenScopes{Scopes: scopes, Known: known, Limits: limits})
	}
	switch {
	case u.ClearExpiresAt:
		out = append(out, ChangeTokenExpiry{Limits: limits})
	case u.ExpiresAt != nil:
		out = append(out, ChangeTokenExpiry{ExpiresAt: *u.ExpiresAt, Limits: limits})
	}
	return out
}

// listAfter sets or clears a list, then appends to it.
func listAfter(now, set, more []string, clear bool) (after []string, changed bool) {
	switch {
	case clear:
		now = nil
	case set != nil:
		now = set
	}
	return slices.Concat(now, more), clear || set != nil || len(more) > 0
}

// organizations gives what to add and remove; changed is false where the input
// says nothing of organizations.
func (u TokenUpdate) organizations(t Token, limits Limits) (c ChangeTokenOrganizations, changed bool) {
	c = ChangeTokenOrganizations{
		Add: slices.Concat(u.Organizations, u.AddOrganizations), Remove: u.RemoveOrganizations, Limits: limits,
	}
	if u.Organizations != nil {
		c.Remove = slices.Concat(without(t.Organizations, u.Organizations), u.RemoveOrganizations)
	}
	return c, len(c.Add)+len(c.Remove) > 0 || u.Organizations != nil
}
