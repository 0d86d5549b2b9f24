// The use cases about tokens: making them.

package aggregate

import (
	"context"
	"crypto/rand"
	"fmt"
	"io"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
)

// Tokens are the use cases about tokens and their grants. Each runs as one
// decision, and its error is a [Refusal] or one of reading the log.
type Tokens struct {
	Handler *Handler
	Peppers *secret.Peppers
	Random  io.Reader // nil: crypto/rand
}

// Issued is a token that was made. Value is zero on a replay: it is shown once.
type Issued struct {
	ID    uuid.UUID
	Value secret.Value
}

// TokenOutcome is what happened to one token. Of a personal token the history
// has its grants, too.
type TokenOutcome struct {
	Outcome
	Issued
}

// NewToken is what people say of a new token of either kind.
type NewToken struct {
	Name        string
	Description string
	Tags        []string
	Scopes      []string
	ExpiresAt   time.Time // zero: never
	Reported    Reported
}

// NewOrganizationToken is the input for an organization token.
type NewOrganizationToken struct {
	Organization uuid.UUID
	NewToken
}

// NewPersonalToken is the input for a personal token of the caller's.
type NewPersonalToken struct {
	Organizations []uuid.UUID
	NewToken
}

// CreateOrganizationToken makes a token of an organization.
func (t *Tokens) CreateOrganizationToken(ctx context.Context, call Call, in NewOrganizationToken) (TokenOutcome, error) {
	return t.createOne(ctx, call, "CreateOrganizationToken", in, events.OrganizationKind,
		func(ctx context.Context, d *Decision, who Principal) (Issued, error) {
			return t.createForOrganization(ctx, d, who, in)
		})
}

// CreatePersonalToken makes a personal token of the caller's and grants it to organizations.
func (t *Tokens) CreatePersonalToken(ctx context.Context, call Call, in NewPersonalToken) (TokenOutcome, error) {
	return t.createOne(ctx, call, "CreatePersonalToken", in, events.PersonalKind,
		func(ctx context.Context, d *Decision, who Principal) (Issued, error) {
			return t.createForCaller(ctx, d, who, in)
		})
}

func (t *Tokens) createForCaller(ctx context.Context, d *Decision, who Principal, in NewPersonalToken) (Issued, error) {
	if err := Authorize(who, Standing{Own: true}, OpCreatePersonalToken); err != nil {
		return Issued{}, err
	}
	limits, err := personalLimits(ctx, d, who)
	if err != nil {
		return Issued{}, err
	}
	return t.createForUser(ctx, d, who.User, in, limits)
}

func (t *Tokens) createOne(
	ctx context.Context, call Call, command string, in any, kind events.TokenKind,
	create func(context.Context, *Decision, Principal) (Issued, error),
) (TokenOutcome, error) {
	var made Issued
	out, err := t.Handler.answer(ctx, call, command, in, func(ctx context.Context, d *Decision, who Principal) (err error) {
		made, err = create(ctx, d, who)
		return err
	})
	if err != nil {
		return TokenOutcome{}, err
	}
	if out.Receipt.Replayed {
		made = shownBefore(&out)[0]
	}
	return t.complete(ctx, TokenOutcome{Outcome: out, Issued: made}, kind)
}

// shownBefore lists the tokens that a replayed order made, and warns that their
// values are not among them.
func shownBefore(out *Outcome) []Issued {
	out.Warnings = append(out.Warnings, WarnValueShown)
	return createdIn(out.Receipt)
}

// createdIn lists the tokens that were made, without their values.
func createdIn(r events.Receipt) (made []Issued) {
	for _, p := range r.Placed {
		if p.Type == (events.TokenCreated{}).Type() {
			id, _, _ := p.Stream.IDs()
			made = append(made, Issued{ID: id})
		}
	}
	return made
}

func (t *Tokens) createForOrganization(
	ctx context.Context, d *Decision, who Principal, in NewOrganizationToken,
) (Issued, error) {
	at, err := admit(ctx, d, who, in.Organization, OpCreateOrganizationToken)
	if err != nil {
		return Issued{}, err
	}
	cmd := CreateToken{
		Kind: events.OrganizationKind, Organization: in.Organization,
		Ceiling: at.rights, Known: at.Registry(), Limits: at.limits(),
	}
	issued, err := t.create(ctx, d, events.OrganizationTrail(in.Organization), cmd, in.NewToken)
	if err != nil {
		return Issued{}, err
	}
	return issued, comply(ctx, d, issued.ID)
}

func (t *Tokens) createForUser(
	ctx context.Context, d *Decision, user uuid.UUID, in NewPersonalToken, limits Limits,
) (Issued, error) {
	organizations := sortedIDs(in.Organizations)
	if err := limits.checkOrganizations(organizations); err != nil {
		return Issued{}, err
	}
	if err := mustBeMember(ctx, d, user, organizations); err != nil {
		return Issued{}, err
	}
	known, err := registries(ctx, d, organizations)
	if err != nil {
		return Issued{}, err
	}
	cmd := CreateToken{
		Kind: events.PersonalKind, Owner: user, Organizations: organizations, Known: known, Limits: limits,
	}
	issued, err := t.create(ctx, d, events.UserTrail(user), cmd, in.NewToken)
	if err != nil {
		return Issued{}, err
	}
	if err := comply(ctx, d, issued.ID); err != nil {
		return Issued{}, err
	}
	return issued, giveAll(ctx, d, issued.ID, organizations)
}

// create fills in what people said and decides a new token with a new value.
func (t *Tokens) create(
	ctx context.Context, d *Decision, trail events.TrailID, cmd CreateToken, in NewToken,
) (Issued, error) {
	if err := in.Reported.checkNew(); err != nil {
		return Issued{}, err
	}
	issued, err := t.issue(d, cmd.Kind)
	if err != nil {
		return Issued{}, err
	}
	cmd.Name, cmd.Description, cmd.Tags, cmd.Scopes, cmd.ExpiresAt = in.Name, in.Description, in.Tags, in.Scopes, in.ExpiresAt
	cmd.Fingerprint = issued.Value.Fingerprint()
	if _, err = onToken(ctx, d, issued.ID, trail, cmd); err != nil {
		return Issued{}, err
	}
	if in.Reported.suspends() {
		_, err = onToken(ctx, d, issued.ID, trail, SuspendToken{})
	}
	return issued, err
}

// issue makes an id and a value, and hands the value's MAC to the log.
func (t *Tokens) issue(d *Decision, kind events.TokenKind) (Issued, error) {
	random, prefix := t.Random, secret.Organization
	if random == nil {
		random = rand.Reader
	}
	if kind == events.PersonalKind {
		prefix = secret.Personal
	}
	id, err := uuid.NewV7FromReader(random)
	if err != nil {
		return Issued{}, fmt.Errorf("make a token's id: %w", err)
	}
	value, err := secret.New(prefix, secret.ID(id), random)
	if err != nil {
		return Issued{}, fmt.Errorf("make a token: %w", err)
	}
	pepper := t.Peppers.Active()
	mac, err := t.Peppers.Sum(pepper, []byte(value.Reveal()))
	if err != nil {
		return Issued{}, fmt.Errorf("make a token: %w", err)
	}
	d.Credential(events.Credential{Token: id, Pepper: int(pepper), MAC: mac})
	return Issued{ID: id, Value: value}, nil
}

// registries joins what organizations know.
func registries(ctx context.Context, d *Decision, organizations []uuid.UUID) (Registry, error) {
	var known Registry
	for _, id := range organizations {
		org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(id))
		if err != nil {
			return known, err
		}
		known = known.Join(org.Registry())
	}
	return known, nil
}

// giveAll opens organizations to a token, as the token is now. That its owner is
// a member of each has been asked before, which guards user and memberships:
// what would end a grant cannot slip in between.
func giveAll(ctx context.Context, d *Decision, id uuid.UUID, organizations []uuid.UUID) error {
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(id))
	if err != nil {
		return err
	}
	for _, org := range organizations {
		o, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(org))
		if err != nil {
			return err
		}
		give := GiveGrant{ID: id, Organization: org, Token: token, Pending: o.Policy.ApprovalRequired}
		if _, err := onGrant(ctx, d, id, org, give); err != nil {
			return err
		}
	}
	return nil
}

// mustBeMember asks before anything else is told of the organizations.
func mustBeMember(ctx context.Context, d *Decision, user uuid.UUID, organizations []uuid.UUID) error {
	for _, org := range organizations {
		member, err := isMember(ctx, d, user, org)
		if err != nil {
			return err
		}
		if !member {
			return refuse(CodeNotFound, "organizationIDs", "There is no organization %s of which you are a member.", org)
		}
	}
	return nil
}

func isMember(ctx context.Context, d *Decision, user, org uuid.UUID) (bool, error) {
	u, err := Load(ctx, d, UserDecider, events.UserStream(user))
	if err != nil {
		return false, err
	}
	m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(org, user))
	if err != nil || !u.Active() || m.RoleAt(d.now) == "" {
		return false, err
	}
	d.Until(m.Until)
	return true, nil
}

func onToken(ctx context.Context, d *Decision, id uuid.UUID, trail events.TrailID, cmd TokenCommand) (Token, error) {
	return Do(ctx, d, TokenDecider, events.TokenStream(id), trail, cmd)
}

func onGrant(ctx context.Context, d *Decision, token, org uuid.UUID, cmd GrantCommand) (Grant, error) {
	return Do(ctx, d, GrantDecider, events.GrantStream(token, org), events.OrganizationTrail(org), cmd)
}

// complete adds to a replayed outcome what the order had only read: of a
// personal token the grants, from which an answer tells its organizations.
func (t *Tokens) complete(ctx context.Context, out TokenOutcome, kind events.TokenKind) (TokenOutcome, error) {
	if !out.Receipt.Replayed {
		return out, nil
	}
	stream := events.TokenStream(out.ID)
	if err := t.Handler.recallStream(ctx, out.Outcome, stream); err != nil {
		return TokenOutcome{}, err
	}
	if kind != events.PersonalKind {
		return out, nil
	}
	for _, org := range TokenDecider.of(out.History[stream]).Organizations {
		if err := t.Handler.recallStream(ctx, out.Outcome, events.GrantStream(out.ID, org)); err != nil {
			return TokenOutcome{}, err
		}
	}
	return out, nil
}
