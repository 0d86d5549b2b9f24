// The use cases about tokens: changing, stopping and ending them.

package aggregate

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// TokenRef names a token and the kind that it is taken for; a token of the
// other kind is not found.
type TokenRef struct {
	Kind events.TokenKind
	ID   uuid.UUID
}

// act is one thing to do with a token, as an operation on either kind.
type act struct{ organization, personal Operation }

var (
	actChange = act{OpChangeOrganizationToken, OpChangePersonalToken}
	actRotate = act{OpRotateOrganizationToken, OpRotatePersonalToken}
	actRevoke = act{OpRevokeOrganizationToken, OpRevokePersonalToken}
	actDelete = act{OpDeleteOrganizationToken, OpDeletePersonalToken}
	actExpire = act{OpExpireTokens, OpExpireTokens}
)

// subject is a token that a decision is about, and what the caller may hand on to it.
type subject struct {
	Token
	id     uuid.UUID
	trail  events.TrailID
	at     place // of an organization token
	limits Limits
}

// open gives a token to a caller who may do this with it. To whoever has no
// business with it, it does not exist; what the answer says of it comes after.
func open(ctx context.Context, d *Decision, who Principal, ref TokenRef, a act) (*subject, error) {
	nowhere := Token{}.mustExist()
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(ref.ID))
	if err != nil {
		return nil, err
	}
	if token.Kind == "" || token.Kind != ref.Kind {
		return nil, nowhere
	}
	s := &subject{Token: token, id: ref.ID, trail: events.UserTrail(token.Owner)}
	if token.Kind == events.OrganizationKind {
		s.trail = events.OrganizationTrail(token.Organization)
		s.at, err = admit(ctx, d, who, token.Organization, a.organization)
		s.limits = s.at.limits()
		var r *Refusal
		if errors.As(err, &r) && r.Code == CodeNotFound {
			err = nowhere
		}
	} else {
		err = s.openPersonal(ctx, d, who, a.personal, nowhere)
	}
	if err != nil {
		return nil, err
	}
	return s, token.mustExist()
}

func (s *subject) openPersonal(ctx context.Context, d *Decision, who Principal, op Operation, nowhere error) error {
	own := who.Kind != events.OrganizationKind && who.User == s.Owner
	if !own && who.Actor.Kind != events.ActorSystem {
		return nowhere
	}
	if err := Authorize(who, Standing{Own: own}, op); err != nil || !own {
		return err
	}
	var err error
	s.limits, err = personalLimits(ctx, d, who)
	return err
}

// known is what scopes this token can have.
func (s *subject) known(ctx context.Context, d *Decision) (Registry, error) {
	if s.Kind == events.OrganizationKind {
		return s.at.Registry(), nil
	}
	return registries(ctx, d, s.Organizations)
}

func (s *subject) do(ctx context.Context, d *Decision, commands ...TokenCommand) error {
	for _, c := range commands {
		var err error
		if s.Token, err = onToken(ctx, d, s.id, s.trail, c); err != nil {
			return err
		}
	}
	return nil
}

// follow brings the token's grants up to it.
func (s *subject) follow(ctx context.Context, d *Decision) error {
	for _, org := range s.Organizations {
		if _, err := onGrant(ctx, d, s.id, org, FollowToken{Token: s.Token}); err != nil {
			return err
		}
	}
	return nil
}

// expect compares the version that the caller knows with the token's.
func (s *subject) expect(d *Decision, v *events.Version) error {
	if now := d.Version(events.TokenStream(s.id)); v != nil && *v != now {
		return refuse(CodeConflict, "expectedVersion", "The token is at version %d, not %d; somebody has changed it meanwhile.", now, *v)
	}
	return nil
}

// about is the input of a command about one token, as its hash is taken.
func about(ref TokenRef, input any) any {
	return struct {
		Ref   TokenRef
		Input any
	}{ref, input}
}

// on runs one command about one token: open, do, and its grants follow.
func (t *Tokens) on(
	ctx context.Context, call Call, command string, ref TokenRef, input any, a act,
	do func(ctx context.Context, d *Decision, who Principal, s *subject) error,
) (TokenOutcome, error) {
	out, err := t.Handler.answer(ctx, call, command, about(ref, input), func(ctx context.Context, d *Decision, who Principal) error {
		s, err := open(ctx, d, who, ref, a)
		if err != nil {
			return err
		}
		if err := call.expect(d, events.TokenStream(s.id)); err != nil {
			return err
		}
		if err := do(ctx, d, who, s); err != nil {
			return err
		}
		return s.follow(ctx, d)
	})
	if err != nil {
		return TokenOutcome{}, err
	}
	return t.complete(ctx, TokenOutcome{Outcome: out, Issued: Issued{ID: ref.ID}}, ref.Kind)
}

// Update changes a token as one input says. With a revocation in it, it
// revokes; with isActive alone, it suspends or resumes.
func (t *Tokens) Update(ctx context.Context, call Call, ref TokenRef, in TokenUpdate) (TokenOutcome, error) {
	out, err := t.on(ctx, call, "UpdateToken", ref, in, actChange,
		func(ctx context.Context, d *Decision, who Principal, s *subject) error {
			for _, check := range []error{in.contradiction(), in.Reported.check(who, d.now), s.expect(d, in.ExpectedVersion)} {
				if check != nil {
					return check
				}
			}
			if in.Reported.RevokedReason != nil {
				d.Because(*in.Reported.RevokedReason)
			}
			return s.update(ctx, d, in)
		})
	if err == nil && in.Reported.suspends() {
		out.Warnings = append(out.Warnings, WarnSuspended)
	}
	return out, err
}

// update decides the intents: first which organizations, since they tell which
// scopes there are, then what the token says of itself, so that a new grant
// shows it, and at last what stops or ends it.
func (s *subject) update(ctx context.Context, d *Decision, in TokenUpdate) error {
	var given, ended []uuid.UUID
	if change, changed := in.organizations(s.Token, s.limits); changed {
		given = without(sortedIDs(change.Add), s.Organizations)
		ended = without(s.Organizations, without(s.Organizations, change.Remove))
		if err := s.do(ctx, d, change); err != nil {
			return err
		}
		if err := mustBeMember(ctx, d, s.Owner, given); err != nil {
			return err
		}
	}
	known, err := s.known(ctx, d)
	if err != nil {
		return err
	}
	before, changes := s.Token, in.commands(s.Token, known, s.limits)
	if err := s.do(ctx, d, changes...); err != nil {
		return err
	}
	if len(changes)+len(given) > 0 {
		if err := comply(ctx, d, s.id); err != nil {
			return err
		}
		if err := s.keepsApproval(ctx, d, before); err != nil {
			return err
		}
	}
	for _, org := range ended {
		if _, err := onGrant(ctx, d, s.id, org, EndGrant{Cause: events.CauseRemovedByOwner}); err != nil {
			return err
		}
	}
	if err := giveAll(ctx, d, s.id, given); err != nil {
		return err
	}
	return s.do(ctx, d, in.Reported.commands()...)
}

// Revoke ends a token for good, and says why.
func (t *Tokens) Revoke(ctx context.Context, call Call, ref TokenRef, reason string) (TokenOutcome, error) {
	return t.on(ctx, call, "RevokeToken", ref, reason, actRevoke,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			d.Because(reason)
			return asReason(s.do(ctx, d, RevokeToken{Reason: reason}))
		})
}

// asReason names the field as the commands that ask for nothing but a reason do.
func asReason(err error) error {
	var r *Refusal
	if errors.As(err, &r) && r.Field == "revokedReason" {
		at := *r
		at.Field = "reason"
		return &at
	}
	return err
}

// Suspension says until when a token is refused, and why.
type Suspension struct {
	Until  time.Time // zero: until it is resumed
	Reason string    // may be empty
}

// Suspend refuses a token's uses for now.
func (t *Tokens) Suspend(ctx context.Context, call Call, ref TokenRef, in Suspension) (TokenOutcome, error) {
	return t.on(ctx, call, "SuspendToken", ref, in, actChange,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			if err := d.because(in.Reason, ""); err != nil {
				return err
			}
			return s.do(ctx, d, SuspendToken{Until: in.Until})
		})
}

// Resume ends a suspension. The reason may be empty.
func (t *Tokens) Resume(ctx context.Context, call Call, ref TokenRef, reason string) (TokenOutcome, error) {
	return t.on(ctx, call, "ResumeToken", ref, reason, actChange,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			if err := d.because(reason, ""); err != nil {
				return err
			}
			return s.do(ctx, d, ResumeToken{})
		})
}

// Delete takes a token out of the lists; one that is live is revoked in the
// same append, for the reason given or else "deleted".
func (t *Tokens) Delete(ctx context.Context, call Call, ref TokenRef, reason string) (TokenOutcome, error) {
	return t.on(ctx, call, "DeleteToken", ref, reason, actDelete,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			if err := d.because(reason, "deleted"); err != nil {
				return err
			}
			return s.do(ctx, d, DeleteToken{})
		})
}

// because checks an optional reason and gives it, or else another one.
func (d *Decision) because(reason, otherwise string) error {
	if reason == "" {
		d.Because(otherwise)
		return nil
	}
	d.Because(reason)
	return reasonText("reason").check(reason)
}

// Expire records that a token's deadline came. The service calls it.
func (t *Tokens) Expire(ctx context.Context, call Call, ref TokenRef) (TokenOutcome, error) {
	return t.on(ctx, call, "ExpireToken", ref, nil, actExpire,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			return s.do(ctx, d, ExpireToken{})
		})
}
