// The use case of rotation: a successor with another value takes a token's place.

package aggregate

import (
	"context"
	"errors"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// Rotation says how a successor takes over.
type Rotation struct {
	Overlap         *time.Duration // how long both work; nil: [DefaultOverlap], 0: the predecessor ends now
	EndsAtFirstUse  bool           // the predecessor ends when the successor is first used, if that is earlier
	ExpiresAt       *time.Time     // the successor's deadline; nil: the predecessor's
	ClearExpiresAt  bool           // the successor has no deadline
	Reason          string         // may be empty
	ExpectedVersion *events.Version
}

func (in Rotation) check() error {
	if in.ExpiresAt != nil && in.ClearExpiresAt {
		return refuse(CodeBadUserInput, "expiresAt", "expiresAt is both given and cleared; only one is possible.")
	}
	return nil
}

// Rotate gives a token a successor with the same name, scopes, owner and
// grants, and a value of its own. Both work during the overlap. Authorizations
// through single sign-on are not handed on: they were given to the value that
// is being replaced.
//
// Rotating again while the successor was never used replaces the successor, and
// the overlap stays as it was: so a lost answer costs nothing. Under the same
// Idempotency-Key that is done without asking for the version again.
func (t *Tokens) Rotate(ctx context.Context, call Call, ref TokenRef, in Rotation) (TokenOutcome, error) {
	call, again, err := t.repeated(ctx, call, ref, in)
	if err != nil {
		return TokenOutcome{}, err
	}
	var made Issued
	var stamped, instead bool
	out, err := t.on(ctx, call, commandRotate, ref, in, actRotate,
		func(ctx context.Context, d *Decision, who Principal, s *subject) error {
			expected := in.ExpectedVersion
			if again {
				expected = nil // of the rotation whose answer was lost
			}
			for _, check := range []error{in.check(), s.expect(d, expected), d.because(in.Reason, "")} {
				if check != nil {
					return check
				}
			}
			instead = s.Successor != uuid.Nil
			var err error
			if stamped, err = s.stamped(ctx, d); err != nil {
				return err
			}
			made, err = t.succeed(ctx, d, s, in)
			return err
		})
	if err != nil {
		return out, err
	}
	if out.Receipt.Replayed {
		made = shownBefore(&out.Outcome)[0]
	} else {
		if instead {
			out.Warnings = append(out.Warnings, WarnSuccessorReplaced)
		}
		if stamped {
			out.Warnings = append(out.Warnings, WarnSSONeeded)
		}
	}
	out.Issued = made
	return t.complete(ctx, out, ref.Kind)
}

// succeed decides the rotation, the successor and its grants.
func (t *Tokens) succeed(ctx context.Context, d *Decision, s *subject, in Rotation) (Issued, error) {
	made, err := t.issue(d, s.Kind)
	if err != nil {
		return made, err
	}
	like, approved := s, s.id
	if s.Successor != uuid.Nil {
		former, err := t.replaced(ctx, d, s, made)
		if err != nil {
			return made, err
		}
		approved = former.id
		like = &subject{Token: former.Token, id: s.id, trail: s.trail, at: s.at, limits: s.limits}
	} else if err := s.do(ctx, d, in.command(made.ID)); err != nil {
		return made, err
	}
	create := like.successor(made, in)
	if create.Organizations, err = like.reachable(ctx, d); err != nil {
		return made, err
	}
	if _, err := onToken(ctx, d, made.ID, s.trail, create); err != nil {
		return made, err
	}
	if err := in.asConflict(comply(ctx, d, made.ID)); err != nil {
		return made, err
	}
	if err := giveAll(ctx, d, made.ID, create.Organizations); err != nil {
		return made, err
	}
	return made, inheritApproval(ctx, d, approved, made.ID)
}

// asConflict says of what a policy demands of the successor whether the input is
// at fault, or what the predecessor hands on: that has to be changed first.
func (in Rotation) asConflict(err error) error {
	var r *Refusal
	if !errors.As(err, &r) || r.Code != CodeBadUserInput || r.Field == "expiresAt" && (in.ExpiresAt != nil || in.ClearExpiresAt) {
		return err
	}
	at := *r
	at.Code = CodeConflict
	return &at
}

func (in Rotation) command(successor uuid.UUID) RotateToken {
	rotate := RotateToken{Successor: successor, Overlap: DefaultOverlap, EndsAtFirstUse: in.EndsAtFirstUse}
	if in.Overlap != nil {
		rotate.Overlap = *in.Overlap
	}
	return rotate
}

const commandRotate = "RotateToken"

func (s *subject) successor(made Issued, in Rotation) CreateToken {
	create := CreateToken{
		Kind: s.Kind, Organization: s.Organization, Owner: s.Owner,
		Name: s.Name, Description: s.Description, Tags: s.Tags,
		Scopes: s.Scopes, Ceiling: s.Ceiling.Intersect(s.at.rights), ExpiresAt: s.ExpiresAt,
		Fingerprint: made.Value.Fingerprint(), RotatedFrom: s.id,
		Known: registryOf(s.Scopes), Limits: s.limits,
	}
	switch {
	case in.ClearExpiresAt:
		create.ExpiresAt = time.Time{}
	case in.ExpiresAt != nil:
		create.ExpiresAt = *in.ExpiresAt
	}
	return create
}

// reachable lists those of the token's organizations of which its owner still
// is a member; a grant to another one only waits for its end.
func (s *subject) reachable(ctx context.Context, d *Decision) ([]uuid.UUID, error) {
	var out []uuid.UUID
	for _, org := range s.Organizations {
		member, err := isMember(ctx, d, s.Owner, org)
		if err != nil {
			return nil, err
		}
		if member {
			out = append(out, org)
		}
	}
	return out, nil
}

// stamped reports whether the token is authorized anywhere through single sign-on.
func (s *subject) stamped(ctx context.Context, d *Decision) (bool, error) {
	stamped := s.Stamped
	for _, org := range s.Organizations {
		g, err := Load(ctx, d, GrantDecider, events.GrantStream(s.id, org))
		if err != nil {
			return false, err
		}
		stamped = stamped || g.Live && g.Stamped
	}
	return stamped, nil
}
