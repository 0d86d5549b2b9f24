// The first administrator, and the way back when the last token is lost.

package aggregate

import (
	"context"
	"fmt"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// The name of the first administrator's token.
const adminToken = "admin"

// Initialization is the input for the beginning of a log.
type Initialization struct {
	Origin       string // the log's
	Organization string // the name of the first organization
	DisplayName  string // of the organization; empty: its name
	Owner        Profile
}

// Initialized is what the beginning made.
type Initialized struct {
	Outcome
	Organization uuid.UUID
	User         uuid.UUID
	Token        Issued
}

// Initialize begins a log: an organization, its owner who is the operator, too,
// and the owner's personal token without scopes and deadline, in one append. It
// is done once; whoever calls it has the database's credentials.
func (y *Directory) Initialize(ctx context.Context, in Initialization) (Initialized, error) {
	var made Initialized
	o := Order{
		Meta: events.Meta{Actor: events.System("init")},
		Decide: func(ctx context.Context, d *Decision) error {
			var err error
			made, err = y.initialize(ctx, d, in)
			return err
		},
	}
	out, err := y.Tokens.Handler.Handle(ctx, o)
	if err != nil {
		return Initialized{}, err
	}
	made.Outcome = out
	return made, nil
}

func (y *Directory) initialize(ctx context.Context, d *Decision, in Initialization) (made Initialized, err error) {
	if _, err = onInstallation(ctx, d, InitializeInstallation{Origin: in.Origin}); err != nil {
		return made, err
	}
	// The user's events stand behind the organization's, whose name may be refused.
	if made.Organization, err = found(ctx, d, in.Organization, in.DisplayName); err != nil {
		return made, err
	}
	if made.User, err = newUser(ctx, d, in.Owner); err != nil {
		return made, err
	}
	if _, err = onInstallation(ctx, d, AppointOperator{User: made.User}); err != nil {
		return made, err
	}
	owner := StartMembership{Organization: made.Organization, User: made.User, Role: events.RoleOwner}
	if err = start(ctx, d, owner); err != nil {
		return made, err
	}
	made.Token, err = y.administrate(ctx, d, made.User, []uuid.UUID{made.Organization})
	return made, err
}

// administrate issues a personal token with all that its owner may.
func (y *Directory) administrate(ctx context.Context, d *Decision, user uuid.UUID, organizations []uuid.UUID) (Issued, error) {
	in := NewPersonalToken{Organizations: organizations, NewToken: NewToken{Name: adminToken}}
	return y.Tokens.createForUser(ctx, d, user, in, Limits{Unscoped: true})
}

// Recovery says whose token to issue again; with neither User nor Email it is
// the first operator's.
type Recovery struct {
	User  uuid.UUID
	Email string
}

// Recover issues another personal token to somebody who owns an organization,
// with access to each that he is an owner of, and records that it was done with
// the database's credentials. Where such an organization requires single
// sign-on, the token is stamped as well: otherwise nobody could come back in
// to stamp one.
func (y *Directory) Recover(ctx context.Context, in Recovery) (Initialized, error) {
	made := Initialized{User: in.User}
	if in.Email != "" {
		user, known, err := y.Index.UserByEmail(ctx, in.Email)
		if err != nil {
			return made, fmt.Errorf("look up the user: %w", err)
		}
		if !known {
			return made, refuse(CodeNotFound, "email", "There is no user with this address.")
		}
		made.User = user
	}
	o := Order{
		Meta: events.Meta{Actor: events.System("init"), Reason: "administrator recovered with database credentials"},
		Decide: func(ctx context.Context, d *Decision) error {
			return y.recover(ctx, d, in, &made)
		},
	}
	out, err := y.Tokens.Handler.Handle(ctx, o)
	if err != nil {
		return Initialized{}, err
	}
	made.Outcome = out
	return made, nil
}

func (y *Directory) recover(ctx context.Context, d *Decision, in Recovery, made *Initialized) error {
	inst, err := Load(ctx, d, InstallationDecider, events.InstallationStream)
	if err != nil {
		return err
	}
	if err := inst.mustBeInitialized(); err != nil {
		return err
	}
	if in.User == uuid.Nil && in.Email == "" {
		made.User = inst.Operators[0]
	}
	if err := mustBeActive(ctx, d, made.User, "user"); err != nil {
		return err
	}
	organizations, err := y.owned(ctx, d, made.User)
	if err != nil {
		return err
	}
	if len(organizations) == 0 {
		return refuse(CodeConflict, "user", "This user owns no organization; name an owner.")
	}
	made.Organization = organizations[0]
	if made.Token, err = y.administrate(ctx, d, made.User, organizations); err != nil {
		return err
	}
	for _, org := range organizations {
		state, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(org))
		if err != nil {
			return err
		}
		if !state.Policy.SSORequired {
			continue
		}
		if _, err := onGrant(ctx, d, made.Token.ID, org, StampGrant{}); err != nil {
			return err
		}
	}
	_, err = onInstallation(ctx, d, RecordRecovery{User: made.User, Token: made.Token.ID})
	return err
}

// owned lists the organizations that the user is an owner of, by the log's word.
func (y *Directory) owned(ctx context.Context, d *Decision, user uuid.UUID) ([]uuid.UUID, error) {
	candidates, err := y.Index.OrganizationsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("look up the user's organizations: %w", err)
	}
	var out []uuid.UUID
	for _, org := range candidates {
		m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(org, user))
		if err != nil {
			return nil, err
		}
		if m.RoleAt(d.now) == events.RoleOwner {
			out = append(out, org)
		}
	}
	return out, nil
}
