// Invitations: a membership that is offered to an address, by a link that works once.

package aggregate

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// InvitationLife is how long an invitation can be accepted.
const InvitationLife = 7 * 24 * time.Hour

// Invitation is what the rules need to know of one. The zero Invitation does
// not exist.
type Invitation struct {
	Organization uuid.UUID
	User         uuid.UUID // who has the address, or who whoever accepts will be
	Role         events.Role
	Until        time.Time // of the membership; zero: without end
	ExpiresAt    time.Time
	Digest       string
	Over         bool // accepted, or withdrawn
}

// InvitationDecider holds the rules of invitation streams.
var InvitationDecider = Decider[Invitation, InvitationCommand, events.InvitationEvent]{
	Kind: events.KindInvitation,
	Decide: func(i Invitation, c InvitationCommand, now time.Time) ([]events.InvitationEvent, error) {
		return c.decide(i, now)
	},
	Evolve: evolveInvitation,
}

// InvitationCommand is something to be decided on one invitation.
type InvitationCommand interface {
	decide(i Invitation, now time.Time) ([]events.InvitationEvent, error)
}

func evolveInvitation(i Invitation, e events.InvitationEvent) Invitation {
	switch e := e.(type) {
	case events.InvitationIssued:
		return Invitation{
			Organization: e.Organization, User: e.User, Role: e.Role, Until: e.Until, ExpiresAt: e.ExpiresAt, Digest: e.Digest,
		}
	case events.InvitationAccepted, events.InvitationWithdrawn:
		i.Over = true
	}
	return i
}

// openAt refuses an invitation that is not to be had. To whoever does not know
// its secret it is the same whether there is one.
func (i Invitation) openAt(now time.Time) error {
	switch {
	case i.Organization == uuid.Nil:
		return errNoInvitation
	case i.Over:
		return refuse(CodeConflict, "", "This invitation has been accepted or withdrawn.")
	case !now.Before(i.ExpiresAt):
		return refuse(CodeConflict, "", "This invitation ran out at %s; ask for another.", i.ExpiresAt.Format(time.RFC3339))
	}
	return nil
}

var errNoInvitation = refuse(CodeNotFound, "secret", "There is no such invitation.")

// IssueInvitation offers a membership.
type IssueInvitation struct {
	Organization, User uuid.UUID
	Email              string
	Role               events.Role
	Until              time.Time
	Digest             string
}

func (c IssueInvitation) decide(i Invitation, now time.Time) ([]events.InvitationEvent, error) {
	if i.Organization != uuid.Nil {
		return nil, refuse(CodeConflict, "id", "There is such an invitation already.")
	}
	if err := emailText("email", c.Email); err != nil {
		return nil, err
	}
	until, err := termOf(c.Role, c.Until, now)
	if err != nil {
		return nil, err
	}
	return []events.InvitationEvent{events.InvitationIssued{
		Organization: c.Organization, User: c.User, Email: events.Personal{Subject: events.UserStream(c.User), Value: c.Email},
		Role: c.Role, Until: until, ExpiresAt: now.Add(InvitationLife), Digest: c.Digest,
	}}, nil
}

// AcceptInvitation takes an offer, once, by whoever holds its secret.
type AcceptInvitation struct {
	User   uuid.UUID
	Digest string
}

func (c AcceptInvitation) decide(i Invitation, now time.Time) ([]events.InvitationEvent, error) {
	if subtle.ConstantTimeCompare([]byte(c.Digest), []byte(i.Digest)) != 1 {
		return nil, errNoInvitation
	}
	if err := i.openAt(now); err != nil {
		return nil, err
	}
	return []events.InvitationEvent{events.InvitationAccepted{User: c.User}}, nil
}

// WithdrawInvitation takes an offer back, also one that has run out.
type WithdrawInvitation struct{}

func (WithdrawInvitation) decide(i Invitation, now time.Time) ([]events.InvitationEvent, error) {
	if err := i.openAt(now); err != nil && (i.Over || i.Organization == uuid.Nil) {
		return nil, err
	}
	return []events.InvitationEvent{events.InvitationWithdrawn{}}, nil
}

// The secret of a link is the invitation's id and 256 random bits, so that the
// invitation is found by it and known by it alone.
const (
	secretBytes = 32
	secretText  = 64 // characters of base64url
)

func newInvitationSecret() (id uuid.UUID, secret, digest string, err error) {
	if id, err = uuid.NewV7(); err != nil {
		return id, "", "", fmt.Errorf("make an invitation's id: %w", err)
	}
	var random [secretBytes]byte
	if _, err = rand.Read(random[:]); err != nil {
		return id, "", "", fmt.Errorf("make an invitation's secret: %w", err)
	}
	secret = base64.RawURLEncoding.EncodeToString(append(slices.Clone(id[:]), random[:]...))
	return id, secret, invitationDigest(secret), nil
}

func invitationDigest(secret string) string {
	sum := sha256.Sum256([]byte(secret))
	return base64.StdEncoding.EncodeToString(sum[:])
}

// invitationOf reads which invitation a secret is of.
func invitationOf(secret string) (uuid.UUID, error) {
	if len(secret) != secretText {
		return uuid.Nil, errNoInvitation
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(secret)
	if err != nil {
		return uuid.Nil, errNoInvitation
	}
	return uuid.UUID(b[:16]), nil
}

// NewInvitation is the input for an invitation.
type NewInvitation struct {
	Organization uuid.UUID
	Email        string
	Role         events.Role
	Until        time.Time // of the membership; zero: without end
}

// Invited is an invitation with its secret, which stands nowhere else; it is
// empty where the command was answered before.
type Invited struct {
	Made
	Secret string
}

// Invite offers a membership to whoever has an address.
func (y *Directory) Invite(ctx context.Context, call Call, in NewInvitation) (Invited, error) {
	var secret string
	made, err := y.run(ctx, call, "Invite", in, events.KindInvitation,
		func(ctx context.Context, d *Decision, who Principal) (id uuid.UUID, err error) {
			if err := appoint(ctx, d, who, in.Organization, OpInviteMember, in.Role); err != nil {
				return id, err
			}
			user, err := y.invitee(ctx, d, in)
			if err != nil {
				return id, err
			}
			var digest string
			if id, secret, digest, err = newInvitationSecret(); err != nil {
				return id, err
			}
			return id, onInvitation(ctx, d, id, in.Organization, IssueInvitation{
				Organization: in.Organization, User: user, Email: in.Email, Role: in.Role, Until: in.Until, Digest: digest,
			})
		})
	if err != nil {
		return Invited{}, err
	}
	if made.Receipt.Replayed {
		secret = ""
		made.Warnings = append(made.Warnings, WarnValueShown)
	}
	return Invited{made, secret}, nil
}

// invitee is the user who has the address, or a new id.
func (y *Directory) invitee(ctx context.Context, d *Decision, in NewInvitation) (uuid.UUID, error) {
	user, known, err := y.Index.UserByEmail(ctx, in.Email)
	if err != nil {
		return user, fmt.Errorf("look up the address: %w", err)
	}
	if known {
		u, err := Load(ctx, d, UserDecider, events.UserStream(user))
		if err != nil {
			return user, err
		}
		known = !u.Erased // whom the index has yet to forget
	}
	if !known {
		if user, err = uuid.NewV7(); err != nil {
			return user, fmt.Errorf("make a user's id: %w", err)
		}
		return user, nil
	}
	m, err := Load(ctx, d, MembershipDecider, events.MembershipStream(in.Organization, user))
	if err == nil && m.RoleAt(d.now) != "" {
		err = refuse(CodeConflict, "email", "Whoever has this address is a member already, as %s.", m.Role)
	}
	return user, err
}

// WithdrawInvitation takes an offer back.
func (y *Directory) WithdrawInvitation(ctx context.Context, call Call, organization, id uuid.UUID, reason string) (Made, error) {
	return y.run(ctx, call, "WithdrawInvitation", []any{organization, id, reason}, events.KindInvitation,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			i, err := Load(ctx, d, InvitationDecider, events.InvitationStream(id))
			if err != nil {
				return id, err
			}
			if err := appoint(ctx, d, who, organization, OpWithdrawInvitation, i.Role); err != nil {
				return id, err
			}
			if i.Organization != organization {
				return id, refuse(CodeNotFound, "id", "There is no such invitation.")
			}
			if err := d.because(reason, ""); err != nil {
				return id, err
			}
			return id, onInvitation(ctx, d, id, organization, WithdrawInvitation{})
		})
}

// AcceptInvitation makes the caller a member, if the invitation is for him. It
// takes a person; see [SignIn] for one who is no user yet.
func (y *Directory) AcceptInvitation(ctx context.Context, call Call, secret string) (Made, error) {
	hidden := invitationDigest(secret) // the command is remembered, its secret is not
	return y.run(ctx, call, "AcceptInvitation", hidden, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if !who.inPerson() {
				return who.User, refuse(CodeForbidden, "", "Accepting an invitation takes the person who is invited, never a token.")
			}
			return who.User, y.accept(ctx, d, secret, who.User)
		})
}

// inPerson reports whether a person calls: signed in, or, where nobody can sign
// in, with a token that carries all that its owner may.
func (p Principal) inPerson() bool {
	switch p.Kind {
	case "":
		return p.User != uuid.Nil
	case events.PersonalKind:
		return !p.SignIn && (len(p.Scopes) == 0 || slices.Contains(p.Scopes, scopeAdmin))
	}
	return false
}

// accept uses an invitation up and begins the membership, for a user whom it is for.
func (y *Directory) accept(ctx context.Context, d *Decision, secret string, user uuid.UUID) error {
	id, err := invitationOf(secret)
	if err != nil {
		return err
	}
	i, err := Load(ctx, d, InvitationDecider, events.InvitationStream(id))
	if err != nil {
		return err
	}
	if err := onInvitation(ctx, d, id, i.Organization, AcceptInvitation{User: user, Digest: invitationDigest(secret)}); err != nil {
		return err
	}
	if err := y.isFor(ctx, id, i, user); err != nil {
		return err
	}
	if err := mustBeActive(ctx, d, user, "secret"); err != nil {
		return err
	}
	d.Until(i.ExpiresAt)
	if err := y.endLeftovers(ctx, d, i.Organization, user); err != nil {
		return err
	}
	return start(ctx, d, StartMembership{Organization: i.Organization, User: user, Role: i.Role, Until: i.Until})
}

// isFor refuses everybody but the one who was invited: the user of then, or the
// one who has the address now.
func (y *Directory) isFor(ctx context.Context, id uuid.UUID, i Invitation, user uuid.UUID) error {
	if user == i.User {
		return nil
	}
	address, known, err := y.Index.InvitedAddress(ctx, id)
	if err != nil {
		return fmt.Errorf("look up who is invited: %w", err)
	}
	if known {
		holder, found, err := y.Index.UserByEmail(ctx, address)
		if err != nil {
			return fmt.Errorf("look up who is invited: %w", err)
		}
		if found && holder == user {
			return nil
		}
	}
	return refuse(CodeForbidden, "secret", "This invitation is for somebody else.")
}

// newcomer makes the user whom an invitation is for of an account that the
// provider vouches for; it has to have verified the address that was invited.
func (y *Directory) newcomer(ctx context.Context, d *Decision, in SignIn) (uuid.UUID, error) {
	id, err := invitationOf(in.Invitation)
	if err != nil {
		return uuid.Nil, err
	}
	i, err := Load(ctx, d, InvitationDecider, events.InvitationStream(id))
	if err != nil {
		return uuid.Nil, err
	}
	if i.Digest != invitationDigest(in.Invitation) {
		return uuid.Nil, errNoInvitation
	}
	address, known, err := y.Index.InvitedAddress(ctx, id)
	if err != nil {
		return uuid.Nil, fmt.Errorf("look up who is invited: %w", err)
	}
	u, err := Load(ctx, d, UserDecider, events.UserStream(i.User))
	if err != nil {
		return uuid.Nil, err
	}
	if u.Exists || !known || address == "" || !strings.EqualFold(address, in.Email) {
		return uuid.Nil, refuse(CodeForbidden, "secret", "This invitation is for another address than the one that your provider has verified.")
	}
	d.meta.Actor = events.Person(i.User)
	return i.User, onUser(ctx, d, i.User, CreateUser{ID: i.User, Profile: Profile{Email: in.Email}})
}

func onInvitation(ctx context.Context, d *Decision, id, organization uuid.UUID, cmd InvitationCommand) error {
	_, err := Do(ctx, d, InvitationDecider, events.InvitationStream(id), events.OrganizationTrail(organization), cmd)
	return err
}
