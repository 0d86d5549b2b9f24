// The use cases about members: who belongs to an organization, as what, and
// what ends with it.

package aggregate

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// NewMember is the input for a membership of an existing user, named by id or
// by address.
type NewMember struct {
	Organization uuid.UUID
	User         uuid.UUID
	Email        string
	Role         events.Role
	Until        time.Time // zero: without end
}

// AddMember makes a user a member of an organization.
func (y *Directory) AddMember(ctx context.Context, call Call, in NewMember) (Made, error) {
	return y.run(ctx, call, "AddMember", in, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if err := appoint(ctx, d, who, in.Organization, OpAddMember, in.Role); err != nil {
				return uuid.Nil, err
			}
			user, err := y.userOf(ctx, in)
			if err != nil {
				return uuid.Nil, err
			}
			if err := mustBeActive(ctx, d, user, "userID"); err != nil {
				return uuid.Nil, err
			}
			if err := y.endLeftovers(ctx, d, in.Organization, user); err != nil {
				return uuid.Nil, err
			}
			return user, start(ctx, d, StartMembership{
				Organization: in.Organization, User: user, Role: in.Role, Until: in.Until,
			})
		})
}

func (y *Directory) userOf(ctx context.Context, in NewMember) (uuid.UUID, error) {
	if in.Email == "" {
		return in.User, nil
	}
	if in.User != uuid.Nil {
		return uuid.Nil, refuse(CodeBadUserInput, "email", "The user is named twice, by id and by address; only one is possible.")
	}
	user, known, err := y.Index.UserByEmail(ctx, in.Email)
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up the user: %w", err)
	}
	if !known {
		return uuid.Nil, refuse(CodeNotFound, "email", "There is no user with this address; create one.")
	}
	return user, nil
}

// endLeftovers ends what the index had missed when this membership ended
// before. No grant can have been given since, so the index knows them all once
// it has come as far as that end.
func (y *Directory) endLeftovers(ctx context.Context, d *Decision, organization, user uuid.UUID) error {
	stream := events.MembershipStream(organization, user)
	m, err := Load(ctx, d, MembershipDecider, stream)
	if err != nil || m.Role != "" || d.Version(stream) == 0 {
		return err
	}
	if err := y.reach(ctx, d.lastPosition(stream)); err != nil {
		return err
	}
	return y.endGrants(ctx, d, organization, user)
}

// endGrants ends the grants to the organization that the user's tokens have.
func (y *Directory) endGrants(ctx context.Context, d *Decision, organization, user uuid.UUID) error {
	if _, err := y.soon(ctx, d); err != nil {
		return err
	}
	tokens, err := y.Index.GrantsOf(ctx, user, organization)
	if err != nil {
		return fmt.Errorf("look up the user's grants: %w", err)
	}
	for _, token := range tokens {
		if err := withdraw(ctx, d, token, []uuid.UUID{organization}, events.CauseMembershipEnded); err != nil {
			return err
		}
	}
	return nil
}

// lastPosition is the place of the last decision that was loaded of a stream.
func (d *Decision) lastPosition(stream events.StreamID) events.Position {
	history := d.streams[stream].history
	return history[len(history)-1].Position
}

// Term is the input for another role, or another end.
type Term struct {
	Organization uuid.UUID
	User         uuid.UUID
	Role         events.Role
	Until        time.Time // zero: without end
}

// ChangeRole gives a member another role. Grants depend on the membership and
// not on the role, so they stay; what they allow is limited by the role at
// every use, from the next one on.
func (y *Directory) ChangeRole(ctx context.Context, call Call, in Term) (Made, error) {
	return y.run(ctx, call, "ChangeRole", in, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(in.Organization, in.User))
			if err != nil {
				return in.User, err
			}
			if err := appoint(ctx, d, who, in.Organization, OpChangeRole, m.Role, in.Role); err != nil {
				return in.User, err
			}
			if err := call.expect(d, events.MembershipStream(in.Organization, in.User)); err != nil {
				return in.User, err
			}
			if err := onMembership(ctx, d, in.Organization, in.User, ChangeMembership{Role: in.Role, Until: in.Until}); err != nil {
				return in.User, err
			}
			return in.User, y.keepOwner(ctx, d, in.Organization, in.User, m.Role, in.Role)
		})
}

// EndMember takes a user out of an organization; the grants that the user's
// tokens have to it end in the same append.
func (y *Directory) EndMember(ctx context.Context, call Call, organization, user uuid.UUID, reason string) (Made, error) {
	return y.run(ctx, call, "EndMember", []any{organization, user, reason}, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(organization, user))
			if err != nil {
				return user, err
			}
			if err := appoint(ctx, d, who, organization, OpEndMember, m.Role); err != nil {
				return user, err
			}
			if err := call.expect(d, events.MembershipStream(organization, user)); err != nil {
				return user, err
			}
			if err := d.because(reason, ""); err != nil {
				return user, err
			}
			if err := onMembership(ctx, d, organization, user, EndMembership{}); err != nil {
				return user, err
			}
			if err := y.keepOwner(ctx, d, organization, user, m.Role, ""); err != nil {
				return user, err
			}
			return user, y.endGrants(ctx, d, organization, user)
		})
}

// appoint is admit for a change of members; where one of the roles is owner,
// only an owner may make it.
func appoint(ctx context.Context, d *Decision, who Principal, organization uuid.UUID, op Operation, roles ...events.Role) error {
	at, err := admit(ctx, d, who, organization, op)
	if err != nil {
		return err
	}
	for _, role := range roles {
		if role == events.RoleOwner {
			return Authorize(at.who, at.Standing, OpAppointOwner)
		}
	}
	return nil
}

// keepOwner refuses to leave an organization without an active owner, where
// the user is one and will not be. The index names the others; the membership
// and user of one who counts are loaded and so guarded: two owners who leave
// at once cannot each rely on the other.
func (y *Directory) keepOwner(ctx context.Context, d *Decision, organization, user uuid.UUID, before, after events.Role) error {
	if before != events.RoleOwner || after == events.RoleOwner {
		return nil
	}
	owners, err := y.Index.Owners(ctx, organization)
	if err != nil {
		return fmt.Errorf("look up the owners: %w", err)
	}
	for _, other := range owners {
		if other == user {
			continue
		}
		m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(organization, other))
		if err != nil {
			return err
		}
		u, err := Load(ctx, d, UserDecider, events.UserStream(other))
		if err != nil {
			return err
		}
		if m.RoleAt(d.now) == events.RoleOwner && u.Active() {
			return nil
		}
	}
	return refuse(CodeConflict, "userID", "This is the last owner of the organization; make somebody else owner first.")
}

func start(ctx context.Context, d *Decision, cmd StartMembership) error {
	return onMembership(ctx, d, cmd.Organization, cmd.User, cmd)
}

func onMembership(ctx context.Context, d *Decision, organization, user uuid.UUID, cmd MembershipCommand) error {
	_, err := Do(ctx, d, MembershipDecider, events.MembershipStream(organization, user),
		events.OrganizationTrail(organization), cmd)
	return err
}
