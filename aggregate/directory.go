// The use cases about organizations: founding them and what they demand of tokens.

package aggregate

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Directory are the use cases about organizations, users and memberships. Each
// runs as one decision, and its error is a [Refusal] or one of reading.
type Directory struct {
	Tokens *Tokens // issues the first tokens; its Handler runs everything
	Index  Index
	// Erasures keeps what was erased; nil: nobody does.
	Erasures Erasures

	// turn is taken by an order that rests on the whole directory, see current:
	// orders of other processes can make it decide again, those of this one only
	// wait. What ends somebody's access does not wait, see runAtOnce.
	turn turn
}

// turn is had by one at a time. The zero turn is free.
type turn struct {
	once sync.Once
	slot chan struct{}
}

// take waits for the turn; release gives it back.
func (t *turn) take(ctx context.Context) (release func(), err error) {
	t.once.Do(func() { t.slot = make(chan struct{}, 1) })
	select {
	case t.slot <- struct{}{}:
		return func() { <-t.slot }, nil
	case <-ctx.Done():
		return nil, fmt.Errorf("wait for other changes of the directory: %w", ctx.Err())
	}
}

// Index finds what no single stream tells. It is read from a projection and so
// may be behind the log. Where a decision rests on what is not there, such as
// another user with an address, the index is waited for and the log guards that
// nothing has come since. Else no decision takes its word: what it lists is
// loaded and guarded before it counts, and what it misses is harmless:
//
//   - Of whom all organizations have to be known, such as somebody who is
//     deactivated, the index has to have all of the log.
//   - A grant that it misses when a membership or a user ends, since it was given
//     in that moment, stays open for a while, and no use passes through it: every use and every new grant is
//     guarded by the versions of membership and user. Before either is let in
//     again, Wait has caught the index up with their end, and what was missed
//     ends in the same append, so that nothing comes back to life.
//   - An owner that it misses makes a refusal that the next try does not get.
type Index interface {
	// Wait returns when the index has everything up to the position.
	Wait(ctx context.Context, p events.Position) error
	// GrantsOf lists the user's personal tokens with a live grant to the organization.
	GrantsOf(ctx context.Context, user, organization uuid.UUID) ([]uuid.UUID, error)
	// PersonalTokens lists the user's personal tokens that have not ended.
	PersonalTokens(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error)
	// Owners lists the users who are owners of the organization.
	Owners(ctx context.Context, organization uuid.UUID) ([]uuid.UUID, error)
	// OrganizationsOf lists the organizations of which the user is a member.
	OrganizationsOf(ctx context.Context, user uuid.UUID) ([]uuid.UUID, error)
	// LastUse is when a token was last used in a trail, once the index has
	// everything up to the position.
	LastUse(ctx context.Context, token uuid.UUID, trail events.TrailID, to events.Position) (at time.Time, found bool, err error)
	// UserByEmail finds the user with this address, in whatever case it is
	// written; found is false if there is none.
	UserByEmail(ctx context.Context, email string) (user uuid.UUID, found bool, err error)
	// UserByIdentity finds the user to whom an account at an OpenID provider is linked.
	UserByIdentity(ctx context.Context, issuer, subject string) (user uuid.UUID, found bool, err error)
	// InvitedAddress is the address that an invitation was issued to.
	InvitedAddress(ctx context.Context, invitation uuid.UUID) (email string, found bool, err error)
	// MemberByName finds whom the organization's identity provider knows by this
	// name, in whatever case it is written: a member, or a former one whom it still names.
	MemberByName(ctx context.Context, organization uuid.UUID, name string) (user uuid.UUID, found bool, err error)
}

// Made is an outcome that made or changed the thing with this id.
type Made struct {
	Outcome
	ID uuid.UUID
}

// run is one use case of the directory. Replayed, it names the stream of this
// kind in the receipt as what was made.
func (y *Directory) run(
	ctx context.Context, call Call, command string, input any, kind events.StreamKind,
	decide func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error),
) (Made, error) {
	var made Made
	out, err := y.Tokens.Handler.answer(ctx, call, command, input, func(ctx context.Context, d *Decision, who Principal) (err error) {
		made.ID, err = decide(ctx, d, who)
		return err
	})
	if err != nil {
		return Made{}, err
	}
	if made.Outcome = out; out.Receipt.Replayed {
		made.ID = idIn(out.Receipt, kind)
	}
	return made, nil
}

// runAtOnce is run for what ends somebody's access. It waits for its turn only
// where others change the directory so fast that it is never decided in time, and
// then for as long as it takes: a conflict is another's success, and they get fewer.
func (y *Directory) runAtOnce(
	ctx context.Context, call Call, command string, input any, kind events.StreamKind,
	decide func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error),
) (Made, error) {
	made, err := y.run(ctx, call, command, input, kind, decide)
	for errors.Is(err, events.ErrConflict) && ctx.Err() == nil {
		made, err = y.runInTurn(ctx, call, command, input, kind, decide)
	}
	return made, err
}

// runInTurn is run for what rests on the whole directory.
func (y *Directory) runInTurn(
	ctx context.Context, call Call, command string, input any, kind events.StreamKind,
	decide func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error),
) (Made, error) {
	release, err := y.turn.take(ctx)
	if err != nil {
		return Made{}, err
	}
	defer release()
	return y.run(ctx, call, command, input, kind, decide)
}

// current waits until the index has all of the log, and has the log guard that
// no stream of these kinds changes before this is recorded.
func (y *Directory) current(ctx context.Context, d *Decision, kinds ...events.StreamKind) error {
	head, err := d.log.Head(ctx)
	if err != nil {
		return fmt.Errorf("find the end of the log: %w", err)
	}
	if err := y.reach(ctx, head); err != nil {
		return err
	}
	d.quietSince(head, kinds...)
	return nil
}

// reach waits until the index has everything up to the position. Where that takes
// too long the error is a [Refusal], UNAVAILABLE.
func (y *Directory) reach(ctx context.Context, p events.Position) error {
	err := y.Index.Wait(ctx, p)
	switch {
	case err == nil:
		return nil
	case ctx.Err() != nil:
		return fmt.Errorf("wait for the directory: %w", err)
	}
	late := refuse(CodeUnavailable, "", "The directory has not caught up with the log; nothing was recorded, try again in a moment.")
	late.cause = err
	return late
}

// soon is current for what goes on where the index comes too late: a leaver must
// not stay because a read model stands still. It gives the refusal for what cannot
// go on, and then nothing is guarded.
func (y *Directory) soon(ctx context.Context, d *Decision, kinds ...events.StreamKind) (late *Refusal, err error) {
	err = y.current(ctx, d, kinds...)
	if r, refused := asRefusal(err); refused {
		return r, nil
	}
	return nil, err
}

// idIn gives the id of the first stream of a kind; of a membership, its user.
func idIn(r events.Receipt, kind events.StreamKind) uuid.UUID {
	for _, p := range r.Placed {
		if p.Stream.Kind() != kind {
			continue
		}
		first, second, _ := p.Stream.IDs()
		if kind == events.KindMembership {
			return second
		}
		return first
	}
	return uuid.Nil
}

// NewOrganization is the input for an organization. Its first owner is an
// existing user, or, with OwnerProfile, the one with that address, who is
// created if there is none; with neither it is the caller.
type NewOrganization struct {
	Name         string
	DisplayName  string // empty: the name
	Owner        uuid.UUID
	OwnerProfile Profile
}

// CreateOrganization founds an organization. Operators may.
func (y *Directory) CreateOrganization(ctx context.Context, call Call, in NewOrganization) (Made, error) {
	return y.runInTurn(ctx, call, "CreateOrganization", in, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			inst, err := Load(ctx, d, InstallationDecider, events.InstallationStream)
			if err != nil {
				return uuid.Nil, err
			}
			operator := who.User != uuid.Nil && slices.Contains(inst.Operators, who.User)
			if err := Authorize(who, Standing{Operator: operator}, OpCreateOrganization); err != nil {
				return uuid.Nil, err
			}
			id, err := found(ctx, d, in.Name, in.DisplayName)
			if err != nil {
				return uuid.Nil, err
			}
			owner, err := y.firstOwner(ctx, d, who, in)
			if err != nil {
				return uuid.Nil, err
			}
			return id, start(ctx, d, StartMembership{Organization: id, User: owner, Role: events.RoleOwner})
		})
}

// found decides a new organization with the next index.
func found(ctx context.Context, d *Decision, name, display string) (uuid.UUID, error) {
	id, err := uuid.NewV7()
	if err != nil {
		return uuid.Nil, fmt.Errorf("make an organization's id: %w", err)
	}
	inst, err := onInstallation(ctx, d, RegisterOrganization{Organization: id})
	if err != nil {
		return uuid.Nil, err
	}
	create := CreateOrganization{Index: inst.Organizations - 1, Name: name, DisplayName: display}
	return id, onOrganization(ctx, d, id, create)
}

func (y *Directory) firstOwner(ctx context.Context, d *Decision, who Principal, in NewOrganization) (uuid.UUID, error) {
	switch {
	case in.Owner != uuid.Nil && in.OwnerProfile.Email != "":
		return uuid.Nil, refuse(CodeBadUserInput, "ownerID", "The owner is named twice, by id and by address; only one is possible.")
	case in.Owner != uuid.Nil:
		return in.Owner, mustBeActive(ctx, d, in.Owner, "ownerID")
	case in.OwnerProfile.Email == "":
		return who.User, nil
	}
	if err := y.current(ctx, d, events.KindUser); err != nil {
		return uuid.Nil, err
	}
	user, known, err := y.Index.UserByEmail(ctx, in.OwnerProfile.Email)
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up the owner: %w", err)
	}
	if known {
		return user, mustBeActive(ctx, d, user, "ownerEmail")
	}
	return newUser(ctx, d, in.OwnerProfile)
}

// RenameOrganization gives an organization other names.
func (y *Directory) RenameOrganization(ctx context.Context, call Call, organization uuid.UUID, name, display string) (Made, error) {
	input := []any{organization, name, display}
	return y.onOrganization(ctx, call, "RenameOrganization", organization, input, OpRenameOrganization,
		RenameOrganization{Name: name, DisplayName: display})
}

// RegisterObject makes an object of the organization's systems known: its name,
// and for each action the verb that it needs.
func (y *Directory) RegisterObject(
	ctx context.Context, call Call, organization uuid.UUID, name string, actions map[string]string,
) (Made, error) {
	input := []any{organization, name, actions}
	return y.onOrganization(ctx, call, "RegisterObject", organization, input, OpRegisterObject,
		RegisterObject{Name: name, Actions: actions})
}

// onOrganization runs one command on an organization.
func (y *Directory) onOrganization(
	ctx context.Context, call Call, command string, id uuid.UUID, input any, op Operation, cmd OrganizationCommand,
) (Made, error) {
	return y.run(ctx, call, command, input, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, id, op); err != nil {
				return id, err
			}
			if err := call.expect(d, events.OrganizationStream(id)); err != nil {
				return id, err
			}
			return id, onOrganization(ctx, d, id, cmd)
		})
}

// ChangePolicy changes some of what an organization demands of the tokens that
// reach it; the other demands stay. One that the caller's own token would fail is
// refused, so that nobody locks himself out.
func (y *Directory) ChangePolicy(ctx context.Context, call Call, organization uuid.UUID, change PolicyChange) (Made, error) {
	return y.run(ctx, call, "SetPolicy", []any{organization, change}, events.KindOrganization,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			at, err := admit(ctx, d, who, organization, OpChangePolicy)
			if err != nil {
				return organization, err
			}
			if err := call.expect(d, events.OrganizationStream(organization)); err != nil {
				return organization, err
			}
			policy, err := at.policyOf(change.To(at.Policy))
			if err != nil {
				return organization, err
			}
			if err := at.staysIn(d, who, policy); err != nil {
				return organization, err
			}
			return organization, onOrganization(ctx, d, organization, SetPolicy{Policy: policy})
		})
}

func onOrganization(ctx context.Context, d *Decision, id uuid.UUID, cmd OrganizationCommand) error {
	_, err := Do(ctx, d, OrganizationDecider, events.OrganizationStream(id), events.OrganizationTrail(id), cmd)
	return err
}

func onInstallation(ctx context.Context, d *Decision, cmd InstallationCommand) (Installation, error) {
	return Do(ctx, d, InstallationDecider, events.InstallationStream, events.OperatorTrail, cmd)
}
