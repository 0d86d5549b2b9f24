// Commands that make a token and change it, one for each intent.

package aggregate

import (
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// MaxOrganizations is the number of organizations that one personal token can be granted to.
const MaxOrganizations = 100

// Limits is what a caller may hand on to a token: never more than he has.
type Limits struct {
	By       Principal // whose limits they are
	Scopes   Scopes    // the most that the token's scopes may allow
	Unscoped bool      // no limit on scopes; a personal token may be without any
	Until    time.Time // the latest deadline, if not zero: that of the caller's own token
	// Organizations are those that a personal token may be granted to, unless
	// Unscoped: those of the caller's own token.
	Organizations []uuid.UUID
}

// What a new token would have more than its maker; the policies ask for it.
const (
	beyondScopes        = "scopes"
	beyondDeadline      = "deadline"
	beyondOrganizations = "organizations"
)

// mayHandOn asks the policies whether the caller may hand on what he has not,
// and says in these words that he may not.
func (l Limits) mayHandOn(beyond, field, format string, args ...any) error {
	ruling, _ := policies().rule(question{principal: l.By, operation: opHandOn, beyond: beyond})
	if ruling.Allowed {
		return nil
	}
	r := refuse(CodeForbidden, field, format, args...)
	r.Policy = ruling.Policy
	return r
}

// checkScopes canonicalises scopes and says whether a token of this kind may have them.
func (l Limits) checkScopes(kind events.TokenKind, known Registry, in []string, ceiling Scopes) (Scopes, error) {
	scopes, err := known.Parse("scopes", in)
	switch {
	case err != nil:
		return nil, err
	case len(scopes) == 0 && kind == events.OrganizationKind:
		return nil, refuse(CodeBadUserInput, "scopes", "An organization token needs scopes: nobody stands behind it whose rights it could have.")
	case len(scopes) == 0 && !l.Unscoped:
		return scopes, l.mayHandOn(beyondScopes, "scopes", "A token with scopes cannot hand on more than it has: name scopes for the new one.")
	}
	beyond := scopes.Beyond(ceiling)
	if !l.Unscoped {
		beyond = append(beyond, scopes.Beyond(l.Scopes)...)
	}
	if len(beyond) > 0 {
		return scopes, l.mayHandOn(beyondScopes, "scopes", "These scopes are more than you can hand on to this token: %s.",
			strings.Join(canonical(beyond), ", "))
	}
	return scopes, nil
}

func (l Limits) checkDeadline(t, now time.Time) error {
	if err := future("expiresAt", t, now); err != nil {
		return err
	}
	if !l.Until.IsZero() && (t.IsZero() || t.After(l.Until)) {
		return l.mayHandOn(beyondDeadline, "expiresAt", "Your own token ends at %s; it cannot give another one a longer life.",
			l.Until.Format(time.RFC3339))
	}
	return nil
}

func (l Limits) checkOrganizations(ids []uuid.UUID) error {
	if len(ids) > MaxOrganizations {
		return refuse(CodeBadUserInput, "organizationIDs", "A token can be granted to %d organizations; these are %d.",
			MaxOrganizations, len(ids))
	}
	if !l.Unscoped && len(without(ids, l.Organizations)) > 0 {
		return l.mayHandOn(beyondOrganizations, "organizationIDs", "A token with scopes cannot grant what it is not granted itself.")
	}
	return nil
}

// CreateToken begins a token.
type CreateToken struct {
	Kind          events.TokenKind
	Organization  uuid.UUID
	Owner         uuid.UUID
	Organizations []uuid.UUID
	Name          string
	Description   string
	Tags          []string
	Scopes        []string
	Ceiling       Scopes // of an organization token
	ExpiresAt     time.Time
	Fingerprint   string
	RotatedFrom   uuid.UUID
	Known         Registry
	Limits        Limits
}

func (c CreateToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if t.Kind != "" {
		return nil, refuse(CodeConflict, "id", "There is such a token already.")
	}
	if err := nameText("name").check(c.Name); err != nil {
		return nil, err
	}
	if err := descriptionText.check(c.Description); err != nil {
		return nil, err
	}
	tags, err := tagsOf(c.Tags)
	if err != nil {
		return nil, err
	}
	scopes, err := c.Limits.checkScopes(c.Kind, c.Known, c.Scopes, c.ceiling())
	if err != nil {
		return nil, err
	}
	expiresAt, organizations := micro(c.ExpiresAt), sortedIDs(c.Organizations)
	if err := c.Limits.checkDeadline(expiresAt, now); err != nil {
		return nil, err
	}
	if err := c.Limits.checkOrganizations(organizations); err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenCreated{
		Kind: c.Kind, Organization: c.Organization, Owner: c.Owner, Organizations: organizations,
		Name: c.Name, Description: c.Description, Tags: tags, Scopes: scopes, Ceiling: c.Ceiling,
		ExpiresAt: expiresAt, Fingerprint: c.Fingerprint, RotatedFrom: c.RotatedFrom,
	}}, nil
}

// ceiling is no limit for a personal token, whose owner's rights are one at each use.
func (c CreateToken) ceiling() Scopes {
	if c.Kind == events.OrganizationKind {
		return c.Ceiling
	}
	return AllScopes()
}

// RenameToken gives a token another name.
type RenameToken struct{ Name string }

func (c RenameToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	if err := nameText("name").check(c.Name); err != nil || c.Name == t.Name {
		return nil, err
	}
	return []events.TokenEvent{events.TokenRenamed{Name: c.Name}}, nil
}

// DescribeToken gives a token another description; the empty one clears it.
type DescribeToken struct{ Description string }

func (c DescribeToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	if err := descriptionText.check(c.Description); err != nil || c.Description == t.Description {
		return nil, err
	}
	return []events.TokenEvent{events.TokenDescribed{Description: c.Description}}, nil
}

// TagToken replaces a token's tags.
type TagToken struct{ Tags []string }

func (c TagToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	tags, err := tagsOf(c.Tags)
	if err != nil || slices.Equal(tags, t.Tags) {
		return nil, err
	}
	return []events.TokenEvent{events.TokenTagged{Tags: tags}}, nil
}

// ChangeTokenScopes replaces a token's scopes.
type ChangeTokenScopes struct {
	Scopes []string
	Known  Registry
	Limits Limits
}

func (c ChangeTokenScopes) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	ceiling := AllScopes()
	if t.Kind == events.OrganizationKind {
		ceiling = t.Ceiling
	}
	if same := canonical(c.Scopes); slices.Equal(same, t.Scopes) {
		return nil, nil
	}
	scopes, err := c.Limits.checkScopes(t.Kind, c.Known.Join(registryOf(t.Scopes)), c.Scopes, ceiling)
	if err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenScopesChanged{Before: t.Scopes, Scopes: scopes}}, nil
}

// ChangeTokenExpiry moves a token's deadline; the zero time means none.
type ChangeTokenExpiry struct {
	ExpiresAt time.Time
	Limits    Limits
}

func (c ChangeTokenExpiry) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	expiresAt := micro(c.ExpiresAt)
	if expiresAt.Equal(t.ExpiresAt) {
		return nil, nil
	}
	if err := c.Limits.checkDeadline(expiresAt, now); err != nil {
		return nil, err
	}
	return []events.TokenEvent{events.TokenExpiryChanged{Before: t.ExpiresAt, ExpiresAt: expiresAt}}, nil
}

// ChangeTokenOrganizations grants a personal token to organizations and
// withdraws it from others. Adding what is there and removing what is not is
// no change.
type ChangeTokenOrganizations struct {
	Add, Remove []uuid.UUID
	Limits      Limits
}

func (c ChangeTokenOrganizations) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustBeLive(now); err != nil {
		return nil, err
	}
	if t.Kind != events.PersonalKind {
		return nil, refuse(CodeBadUserInput, "organizationIDs", "An organization token belongs to its organization alone.")
	}
	added := without(sortedIDs(c.Add), t.Organizations)
	removed := without(t.Organizations, without(t.Organizations, c.Remove))
	if err := c.Limits.checkOrganizations(added); err != nil {
		return nil, err
	}
	if n := len(t.Organizations) + len(added) - len(removed); n > MaxOrganizations {
		return nil, refuse(CodeBadUserInput, "organizationIDs", "A token can be granted to %d organizations; this would be %d.",
			MaxOrganizations, n)
	}
	if len(added)+len(removed) == 0 {
		return nil, nil
	}
	return []events.TokenEvent{events.TokenOrganizationsChanged{Added: added, Removed: removed}}, nil
}
