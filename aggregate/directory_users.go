// The use cases about users.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// NewUser is the input for a user, who becomes a member in the same append.
type NewUser struct {
	Organization uuid.UUID
	Profile      Profile
	Role         events.Role
	Until        time.Time // of the membership; zero: without end
}

// CreateUser makes a user who is a member of the caller's organization.
func (y *Directory) CreateUser(ctx context.Context, call Call, in NewUser) (Made, error) {
	return y.runInTurn(ctx, call, "CreateUser", in, events.KindUser,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if err := appoint(ctx, d, who, in.Organization, OpCreateUser, in.Role); err != nil {
				return uuid.Nil, err
			}
			if err := y.freeAddress(ctx, d, in.Profile.Email, uuid.Nil); err != nil {
				return uuid.Nil, err
			}
			user, err := newUser(ctx, d, in.Profile)
			if err != nil {
				return uuid.Nil, err
			}
			return user, start(ctx, d, StartMembership{
				Organization: in.Organization, User: user, Role: in.Role, Until: in.Until,
			})
		})
}

// freeAddress refuses an address that belongs to another user than this one.
// Addresses stand in no leaf, so the index is asked, with all of the log in it.
func (y *Directory) freeAddress(ctx context.Context, d *Decision, email string, user uuid.UUID) error {
	if err := y.current(ctx, d, events.KindUser); err != nil {
		return err
	}
	other, known, err := y.Index.UserByEmail(ctx, email)
	if err != nil {
		return fmt.Errorf("look up the address: %w", err)
	}
	if known && other != user {
		return refuse(CodeConflict, "email", "There is a user with this address already.")
	}
	return nil
}

func newUser(ctx context.Context, d *Decision, p Profile) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make a user's id: %w", err)
	}
	return id, onUser(ctx, d, id, CreateUser{ID: id, Profile: p})
}

// UpdateUser replaces a user's address and name. Users may change their own,
// and whoever manages every organization that the user belongs to.
func (y *Directory) UpdateUser(ctx context.Context, call Call, user uuid.UUID, p Profile) (Made, error) {
	return y.runInTurn(ctx, call, "UpdateUser", []any{user, p}, events.KindUser,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			err := Authorize(who, Standing{Own: who.User == user && user != uuid.Nil}, OpUpdateUser)
			if err != nil && who.User != user {
				_, err = y.manage(ctx, d, who, user, OpUpdateUser)
			}
			if err != nil {
				return user, err
			}
			if err := onUser(ctx, d, user, UpdateUser{ID: user, Profile: p}); err != nil {
				return user, err
			}
			if err := call.expect(d, events.UserStream(user)); err != nil {
				return user, err
			}
			return user, y.freeAddress(ctx, d, p.Email, user)
		})
}

// DeactivateUser ends all that a user may do. The user's personal tokens lose
// every organization in the same append.
func (y *Directory) DeactivateUser(ctx context.Context, call Call, user uuid.UUID, reason string) (Made, error) {
	return y.runAtOnce(ctx, call, "DeactivateUser", []any{user, reason}, events.KindUser,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			roles, err := y.manage(ctx, d, who, user, OpSwitchUser)
			if err != nil {
				return user, err
			}
			if err := d.because(reason, ""); err != nil {
				return user, err
			}
			for _, r := range roles {
				if err := y.keepOwner(ctx, d, r.organization, user, r.role, ""); err != nil {
					return user, err
				}
			}
			if err := onUser(ctx, d, user, DeactivateUser{}); err != nil {
				return user, err
			}
			if err := call.expect(d, events.UserStream(user)); err != nil {
				return user, err
			}
			return user, y.endAllGrants(ctx, d, user)
		})
}

// ReactivateUser lets a user in again; memberships that were not ended go on,
// grants that ended stay ended.
func (y *Directory) ReactivateUser(ctx context.Context, call Call, user uuid.UUID, reason string) (Made, error) {
	return y.runInTurn(ctx, call, "ReactivateUser", []any{user, reason}, events.KindUser,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := y.manage(ctx, d, who, user, OpSwitchUser); err != nil {
				return user, err
			}
			if err := d.because(reason, ""); err != nil {
				return user, err
			}
			u, err := Load(ctx, d, UserDecider, events.UserStream(user))
			if err != nil {
				return user, err
			}
			if err := call.expect(d, events.UserStream(user)); err != nil {
				return user, err
			}
			if !u.Deactivated {
				return user, nil
			}
			return user, y.letIn(ctx, d, user)
		})
}

// letIn reactivates a user, once what the index had missed when he was
// deactivated has ended; see [Index].
func (y *Directory) letIn(ctx context.Context, d *Decision, user uuid.UUID) error {
	if err := y.reach(ctx, d.lastPosition(events.UserStream(user))); err != nil {
		return err
	}
	if err := y.endAllGrants(ctx, d, user); err != nil {
		return err
	}
	return onUser(ctx, d, user, ReactivateUser{})
}

// endAllGrants takes every organization from the user's personal tokens.
func (y *Directory) endAllGrants(ctx context.Context, d *Decision, user uuid.UUID) error {
	tokens, err := y.Index.PersonalTokens(ctx, user)
	if err != nil {
		return fmt.Errorf("look up the user's tokens: %w", err)
	}
	for _, id := range tokens {
		token, err := Load(ctx, d, TokenDecider, events.TokenStream(id))
		if err != nil {
			return err
		}
		if err := withdraw(ctx, d, id, token.Organizations, events.CauseUserDeactivated); err != nil {
			return err
		}
	}
	return nil
}

// belonging is one organization of a user's, and the role there.
type belonging struct {
	organization uuid.UUID
	role         events.Role
}

// manage checks that the caller may do this to a user, and gives where that
// user belongs. What is done to a user reaches into every organization of
// theirs; therefore it takes somebody who manages them all, and an owner where
// the user is an owner. A user who shares none with the caller is not found. Which
// they are has to be known for certain: to end a membership does not take that.
func (y *Directory) manage(ctx context.Context, d *Decision, who Principal, user uuid.UUID, op Operation) ([]belonging, error) {
	if err := y.current(ctx, d, events.KindMembership); err != nil {
		return nil, err
	}
	organizations, err := y.Index.OrganizationsOf(ctx, user)
	if err != nil {
		return nil, fmt.Errorf("look up the user's organizations: %w", err)
	}
	var roles []belonging
	foreign := false
	for _, org := range organizations {
		m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(org, user))
		if err != nil {
			return nil, err
		}
		role := m.RoleAt(d.now)
		if role == "" {
			continue
		}
		err = appoint(ctx, d, who, org, op, role)
		var r *Refusal
		if errors.As(err, &r) && r.Code == CodeNotFound {
			foreign = true
			continue
		}
		if err != nil {
			return nil, err
		}
		roles = append(roles, belonging{org, role})
	}
	switch {
	case len(roles) == 0:
		return nil, User{}.mustExist()
	case foreign:
		return nil, refuse(CodeForbidden, "", "This user belongs to other organizations, too; end the membership of yours instead.")
	}
	return slices.Clip(roles), nil
}

func mustBeActive(ctx context.Context, d *Decision, user uuid.UUID, field string) error {
	u, err := Load(ctx, d, UserDecider, events.UserStream(user))
	switch {
	case err != nil:
		return err
	case !u.Exists:
		return refuse(CodeNotFound, field, "There is no such user.")
	case u.Deactivated:
		return refuse(CodeConflict, field, "This user has been deactivated.")
	}
	return nil
}

func onUser(ctx context.Context, d *Decision, id uuid.UUID, cmd UserCommand) error {
	_, err := Do(ctx, d, UserDecider, events.UserStream(id), events.UserTrail(id), cmd)
	return err
}
