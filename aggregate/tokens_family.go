// The use cases that end tokens because of how they are used, or not used.

package aggregate

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// EndFamily ends the successors of a rotated token, and those of its
// predecessors that still work, because its value was used after its end: who
// has the one may have the others. An organization's tokens are revoked;
// personal ones lose their access to this organization. It is one append, and
// nothing where the organization's policy does not ask for it. The service calls it.
func (t *Tokens) EndFamily(ctx context.Context, call Call, organization uuid.UUID, ref TokenRef) (Outcome, error) {
	return t.Handler.answer(ctx, call, "EndFamily", []any{organization, ref}, func(ctx context.Context, d *Decision, who Principal) error {
		if err := Authorize(who, Standing{}, OpExpireTokens); err != nil {
			return err
		}
		org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(organization))
		if err != nil || !org.Policy.EndFamilyOnReuse {
			return err
		}
		d.Because("the value of a token of this family was used after it had been rotated away")
		family, err := familyOf(ctx, d, ref.ID)
		if err != nil {
			return err
		}
		for _, id := range family {
			if err := endMember(ctx, d, who, organization, TokenRef{ref.Kind, id}, d.meta.Reason); err != nil {
				return err
			}
		}
		return nil
	})
}

// familyOf lists those of a token's predecessors that have not ended, and all
// its successors.
func familyOf(ctx context.Context, d *Decision, id uuid.UUID) ([]uuid.UUID, error) {
	token, err := Load(ctx, d, TokenDecider, events.TokenStream(id))
	if err != nil {
		return nil, err
	}
	var family []uuid.UUID
	for back := token.RotatedFrom; back != uuid.Nil; {
		before, err := Load(ctx, d, TokenDecider, events.TokenStream(back))
		if err != nil {
			return nil, err
		}
		if !before.Live(d.now) {
			break
		}
		family = append(family, back)
		back = before.RotatedFrom
	}
	for next := token.Successor; next != uuid.Nil; {
		after, err := Load(ctx, d, TokenDecider, events.TokenStream(next))
		if err != nil {
			return nil, err
		}
		family = append(family, next)
		next = after.Successor
	}
	return family, nil
}

func endMember(ctx context.Context, d *Decision, who Principal, organization uuid.UUID, ref TokenRef, reason string) error {
	s, err := open(ctx, d, who, ref, actRevoke)
	if err != nil || !s.Live(d.now) {
		return ignoreGone(err)
	}
	if ref.Kind == events.OrganizationKind {
		return s.do(ctx, d, RevokeToken{Reason: reason})
	}
	return withdraw(ctx, d, ref.ID, []uuid.UUID{organization}, events.CausePolicy)
}

// ignoreGone takes a token that has been deleted for one that has ended.
func ignoreGone(err error) error {
	if r, ok := asRefusal(err); ok && r.Code == CodeNotFound {
		return nil
	}
	return err
}

// ExpireIdleToken records that a token was not used for longer than the policy allows.
type ExpireIdleToken struct{ Deadline time.Time }

func (c ExpireIdleToken) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	if err := t.mustExist(); err != nil || t.Ended != NotEnded {
		return nil, err
	}
	return []events.TokenEvent{events.TokenExpired{ExpiresAt: c.Deadline}}, nil
}

// idleMargin keeps the end of an idle token away from the instant at which it
// became idle, by more than the clocks of log and process can differ: then every
// use that was still allowed stands in the log.
const idleMargin = 10 * time.Second

// ExpireIdle ends a token that the organization's policy finds idle: the token of
// an organization expires, a personal one loses its access. It asks the index for
// the last use as far as the position head, which the caller has to read from the
// log after the token has become idle: then no use can be missing. A token that
// is not idle, or only just, is refused as CONFLICT. The service calls it.
func (y *Directory) ExpireIdle(
	ctx context.Context, call Call, organization uuid.UUID, ref TokenRef, head events.Position,
) (TokenOutcome, error) {
	t := y.Tokens
	return t.within(ctx, call, "ExpireIdle", organization, ref, nil, OpExpireTokens,
		func(ctx context.Context, d *Decision, s *subject) error {
			deadline, err := y.idleSince(ctx, d, organization, ref, head)
			if err != nil {
				return err
			}
			if deadline.IsZero() || d.now.Before(deadline.Add(idleMargin)) {
				return refuse(CodeConflict, "", "This token is not idle by the organization's policy, or has been for a moment only.")
			}
			d.Because("not used for longer than the organization's policy allows")
			if ref.Kind == events.OrganizationKind {
				return s.do(ctx, d, ExpireIdleToken{Deadline: deadline})
			}
			return withdraw(ctx, d, ref.ID, []uuid.UUID{organization}, events.CausePolicy)
		})
}

// idleSince is the instant from which the token is idle; zero: the policy has no limit.
func (y *Directory) idleSince(
	ctx context.Context, d *Decision, organization uuid.UUID, ref TokenRef, head events.Position,
) (time.Time, error) {
	org, err := Load(ctx, d, OrganizationDecider, events.OrganizationStream(organization))
	if err != nil || org.Policy.IdleExpiry == 0 {
		return time.Time{}, err
	}
	since := d.began(events.TokenStream(ref.ID))
	if ref.Kind == events.PersonalKind {
		since = d.given(events.GrantStream(ref.ID, organization))
	}
	used, found, err := y.Index.LastUse(ctx, ref.ID, events.OrganizationTrail(organization), head)
	if err != nil {
		return time.Time{}, err
	}
	if found && used.After(since) {
		since = used
	}
	return since.Add(org.Policy.IdleExpiry.Duration()), nil
}

// given is when a grant was last given.
func (d *Decision) given(stream events.StreamID) time.Time {
	at := d.now
	if l := d.streams[stream]; l != nil {
		for _, rec := range l.history {
			if _, ok := rec.Event.(events.GrantGiven); ok {
				at = rec.RecordedAt
			}
		}
	}
	return at
}
