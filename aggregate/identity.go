// How people come in: their accounts at an OpenID provider, sign-ins and sign-outs.

package aggregate

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"fmt"
	"slices"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Identity is an account at an OpenID provider: the issuer, and what the issuer
// calls the account for good.
type Identity struct{ Issuer, Subject string }

// LinkUser ties a user to an account. A user has at most one at each issuer, so
// that whoever gets hold of the user's address there later is somebody else.
type LinkUser struct {
	ID       uuid.UUID
	Identity Identity
}

func (c LinkUser) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustBeReadable(); err != nil {
		return nil, err
	}
	for _, t := range []struct {
		text
		value string
	}{
		{text{field: "issuer", min: 1, max: maxIssuer}, c.Identity.Issuer},
		{text{field: "subject", min: 1, max: 255}, c.Identity.Subject},
	} {
		if err := t.check(t.value); err != nil {
			return nil, err
		}
	}
	if slices.Contains(u.Issuers, c.Identity.Issuer) {
		return nil, refuse(CodeConflict, "subject", "This user has an account at %s already.", c.Identity.Issuer)
	}
	return []events.UserEvent{events.UserIdentityLinked{
		Issuer: c.Identity.Issuer, Subject: events.Personal{Subject: events.UserStream(c.ID), Value: c.Identity.Subject},
	}}, nil
}

// maxIssuer bounds an issuer's URL, in characters.
const maxIssuer = 512

// linkIdentity ties a user to an account as part of a decision, such as that on
// an invitation, which has made sure that both are the same person. An account
// is one user's: nobody can be linked to it meanwhile, which the log guards.
func (y *Directory) linkIdentity(ctx context.Context, d *Decision, user uuid.UUID, a Identity) error {
	if err := y.current(ctx, d, events.KindUser); err != nil {
		return err
	}
	other, linked, err := y.Index.UserByIdentity(ctx, a.Issuer, a.Subject)
	switch {
	case err != nil:
		return fmt.Errorf("look up an account: %w", err)
	case linked && other == user:
		return nil
	case linked:
		return refuse(CodeConflict, "subject", "This account is another user's.")
	}
	return onUser(ctx, d, user, LinkUser{ID: user, Identity: a})
}

// NoteSignIn records that the user came in through a provider.
type NoteSignIn struct{ Issuer string }

func (c NoteSignIn) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustExist(); err != nil {
		return nil, err
	}
	return []events.UserEvent{events.UserSignedIn{Issuer: c.Issuer}}, nil
}

// SignOut ends every session of the user.
type SignOut struct{}

func (SignOut) decide(u User) ([]events.UserEvent, error) {
	if err := u.mustExist(); err != nil {
		return nil, err
	}
	return []events.UserEvent{events.UserSignedOut{}}, nil
}

// SignIn is an account that a provider has vouched for.
type SignIn struct {
	Identity
	Email string // that the provider has verified; empty: none
	// Once names what this sign-in may happen once for, such as the state of the
	// flow. Used again, the outcome is marked as replayed and nothing is recorded.
	Once string
	// Invitation is the secret of an invitation that this sign-in accepts; empty:
	// none. With it, also somebody who is no user yet comes in.
	Invitation string
}

// once makes a key of what may happen once. It holds across processes and
// restarts, and longer than any flow is valid. What it is made of stays untold.
func once(caller, what string) events.Key {
	sum := sha256.Sum256([]byte(caller + "\x00" + what))
	return events.Key{Caller: caller, Key: base64.RawURLEncoding.EncodeToString(sum[:]), Hash: sum}
}

// SignIn finds whose account this is and records that this user came in. An
// account that nobody is linked to becomes, once, that of the active user with
// the verified address. There is no other way in: who has no user is refused.
func (y *Directory) SignIn(ctx context.Context, call Call, in SignIn) (Made, error) {
	_, linked, err := y.Index.UserByIdentity(ctx, in.Issuer, in.Subject)
	if err != nil {
		return Made{}, fmt.Errorf("look up an account: %w", err)
	}
	if !linked {
		release, err := y.turn.take(ctx)
		if err != nil {
			return Made{}, err
		}
		defer release()
	}
	var made Made
	o, err := call.order("SignIn", nil, func(ctx context.Context, d *Decision) (err error) {
		if made.ID, err = y.whose(ctx, d, in); err != nil {
			return err
		}
		d.meta.Actor = events.Person(made.ID)
		if in.Invitation != "" {
			if err := y.accept(ctx, d, in.Invitation, made.ID); err != nil {
				return err
			}
		}
		u, err := Load(ctx, d, UserDecider, events.UserStream(made.ID))
		if err != nil {
			return err
		}
		if !u.Active() {
			return refuse(CodeForbidden, "", "Your user has been deactivated; ask an administrator.")
		}
		if !slices.Contains(u.Issuers, in.Issuer) {
			if err := y.linkIdentity(ctx, d, made.ID, in.Identity); err != nil {
				return err
			}
		}
		return onUser(ctx, d, made.ID, NoteSignIn{Issuer: in.Issuer})
	})
	if err != nil {
		return Made{}, err
	}
	o.Once = once("sign-in", in.Once)
	if made.Outcome, err = y.Tokens.Handler.Handle(ctx, o); err != nil {
		return Made{}, err
	}
	if made.Receipt.Replayed {
		made.ID = idIn(made.Receipt, events.KindUser)
	}
	return made, nil
}

// whose finds the user of an account: the linked one, or the one with the
// address, who then has no other account at this issuer.
func (y *Directory) whose(ctx context.Context, d *Decision, in SignIn) (user uuid.UUID, err error) {
	for _, wait := range []bool{false, true} { // once more with all that the log holds
		if wait {
			if err := y.current(ctx, d, events.KindUser); err != nil {
				return user, err
			}
		}
		user, linked, err := y.Index.UserByIdentity(ctx, in.Issuer, in.Subject)
		if err != nil {
			return user, fmt.Errorf("look up an account: %w", err)
		}
		if linked {
			return user, nil
		}
	}
	found := false
	if in.Email != "" {
		if user, found, err = y.Index.UserByEmail(ctx, in.Email); err != nil {
			return user, fmt.Errorf("look up an account's address: %w", err)
		}
	}
	if !found && in.Invitation != "" {
		return y.newcomer(ctx, d, in)
	}
	if !found {
		return user, refuse(CodeForbidden, "", "This account belongs to no user of the ledger; ask an administrator to invite you, "+
			"with the address that your provider has verified.")
	}
	u, err := Load(ctx, d, UserDecider, events.UserStream(user))
	if err == nil && slices.Contains(u.Issuers, in.Issuer) {
		err = refuse(CodeForbidden, "", "The user with this address is linked to another account at your provider; ask an administrator.")
	}
	return user, err
}

// SignOut ends every session of the caller.
func (y *Directory) SignOut(ctx context.Context, call Call) (Made, error) {
	return y.run(ctx, call, "SignOut", nil, events.KindUser,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if err := Authorize(who, Standing{Own: who.User != uuid.Nil}, OpSignOut); err != nil {
				return who.User, err
			}
			return who.User, onUser(ctx, d, who.User, SignOut{})
		})
}
