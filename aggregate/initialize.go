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
// that of the first operator who owns an organization.
type Recovery struct {
	User  uuid.UUID
	Email string // found with the index; everything else needs the log alone
}

// Recover issues another personal token to somebody who owns an organization,
// with access to each that he is an owner of, and records that it was done with
// the database's credentials. Where such an organization requires single
// sign-on, the token is stamped as well: otherwise nobody could come back in
// to stamp one.
func (y *Directory) Recover(ctx context.Context, in Recovery) (Initialized, error) {
	if in.Email != "" {
		user, known, err := y.Index.UserByEmail(ctx, in.Email)
		if err != nil {
			return Initialized{}, fmt.Errorf("look up the user: %w", err)
		}
		if !known {
			return Initialized{}, refuse(CodeNotFound, "email", "There is no user with this address.")
		}
		in.User = user
	}
	var made Initialized
	o := Order{
		Meta: events.Meta{Actor: events.System("init"), Reason: "administrator recovered with database credentials"},
		Decide: func(ctx context.Context, d *Decision) error {
			var err error
			made, err = y.recover(ctx, d, in.User)
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

func (y *Directory) recover(ctx context.Context, d *Decision, named uuid.UUID) (made Initialized, err error) {
	inst, err := Load(ctx, d, InstallationDecider, events.InstallationStream)
	if err != nil {
		return made, err
	}
	if err := inst.mustBeInitialized(); err != nil {
		return made, err
	}
	candidates := inst.Operators
	if named != uuid.Nil {
		candidates = []uuid.UUID{named}
	}
	var organizations []uuid.UUID
	for _, made.User = range candidates {
		if organizations, err = owned(ctx, d, made.User); err != nil || len(organizations) > 0 {
			break
		}
	}
	if err != nil {
		return made, err
	}
	if len(organizations) == 0 {
		return made, refuse(CodeConflict, "user", "No active owner of an organization is meant by this; name one.")
	}
	made.Organization = organizations[0]
	if made.Token, err = y.administrate(ctx, d, made.User, organizations); err != nil {
		return made, err
	}
	if err := stampRequired(ctx, d, made.Token.ID, organizations); err != nil {
		return made, err
	}
	_, err = onInstallation(ctx, d, RecordRecovery{User: made.User, Token: made.Token.ID})
	return made, err
}

func stampRequired(ctx context.Context, d *Decision, token uuid.UUID, organizations []uuid.UUID) error {
	for _, org := range organizations {
		state, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(org))
		if err != nil {
			return err
		}
		if !state.Policy.SSORequired {
			continue
		}
		if _, err := onGrant(ctx, d, token, org, StampGrant{}); err != nil {
			return err
		}
	}
	return nil
}

// owned lists the organizations that an active user owns, out of all that the
// installation's own stream names; no index is there while a ledger is being
// recovered.
func owned(ctx context.Context, d *Decision, user uuid.UUID) ([]uuid.UUID, error) {
	u, err := Load(ctx, d, UserDecider, events.UserStream(user))
	if err != nil || !u.Active() {
		return nil, err
	}
	var out []uuid.UUID
	for _, rec := range d.streams[events.InstallationStream].history {
		e, ok := rec.Event.(events.InstallationOrganizationRegistered)
		if !ok || len(out) == MaxOrganizations {
			continue
		}
		m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(e.Organization, user))
		if err != nil {
			return nil, err
		}
		if m.RoleAt(d.now) == events.RoleOwner {
			out = append(out, e.Organization)
		}
	}
	return out, nil
}

// RecordKeyRotation records a rotation that was done in the key file.
func (y *Directory) RecordKeyRotation(ctx context.Context, rotation RecordKeyRotation, reason string) (Outcome, error) {
	return y.Tokens.Handler.Handle(ctx, Order{
		Meta: events.Meta{Actor: events.System("keys"), Reason: reason},
		Decide: func(ctx context.Context, d *Decision) error {
			_, err := onInstallation(ctx, d, rotation)
			return err
		},
	})
}
