// What time alone brings about: deadlines that come, and warnings ahead of them.
// The service decides these by itself, each as often as it likes: what is on
// record already is not recorded again.

package aggregate

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// WarnOfExpiry records that a token's deadline is near. Of several warnings that
// are due, only the nearest is recorded; each is recorded once for a deadline. A
// token that has a successor ends because somebody wanted it to, without warning.
type WarnOfExpiry struct{}

func (WarnOfExpiry) decide(t Token, now time.Time) ([]events.TokenEvent, error) {
	days := t.warningDue(now)
	if days == 0 || t.WarnedFor.Equal(t.ExpiresAt) && t.WarnedDays <= days {
		return nil, nil
	}
	return []events.TokenEvent{events.TokenExpiryWarned{ExpiresAt: t.ExpiresAt, Days: days}}, nil
}

// warningDue is the nearest warning whose time has come; 0 if there is none.
func (t Token) warningDue(now time.Time) (days int64) {
	if !t.Live(now) || t.ExpiresAt.IsZero() || t.Successor != uuid.Nil {
		return 0
	}
	for _, ahead := range events.WarningDays {
		if !now.Before(t.ExpiresAt.Add(-time.Duration(ahead) * 24 * time.Hour)) {
			days = ahead
		}
	}
	return days
}

// WarnOfGrantExpiry tells an organization of a personal token's warning, whose own
// stands in its owner's trail.
type WarnOfGrantExpiry struct {
	ExpiresAt time.Time
	Days      int64
}

func (c WarnOfGrantExpiry) decide(g Grant) ([]events.GrantEvent, error) {
	if !g.Live {
		return nil, nil
	}
	return []events.GrantEvent{events.GrantExpiryWarned{ExpiresAt: c.ExpiresAt, Days: c.Days}}, nil
}

// WarnOfExpiry records that a token's deadline is near, if it is and nobody has
// said so yet: for its owner, and in the same append for each organization that it
// is granted to, whose administrators see no more of it. The service calls it.
func (t *Tokens) WarnOfExpiry(ctx context.Context, call Call, ref TokenRef) (TokenOutcome, error) {
	return t.on(ctx, call, "WarnOfExpiry", ref, nil, actExpire,
		func(ctx context.Context, d *Decision, _ Principal, s *subject) error {
			before := s.Token
			if err := s.do(ctx, d, WarnOfExpiry{}); err != nil {
				return err
			}
			if s.WarnedDays == before.WarnedDays && s.WarnedFor.Equal(before.WarnedFor) {
				return nil
			}
			for _, org := range s.Organizations {
				if _, err := onGrant(ctx, d, s.id, org, WarnOfGrantExpiry{ExpiresAt: s.WarnedFor, Days: s.WarnedDays}); err != nil {
					return err
				}
			}
			return nil
		})
}

// LapseMembership ends a membership whose time is over; an ended one stays so.
type LapseMembership struct{}

func (LapseMembership) decide(m Membership, now time.Time) ([]events.MembershipEvent, error) {
	if m.Role == "" {
		return nil, nil
	}
	if m.RoleAt(now) != "" {
		return nil, refuse(CodeConflict, "", "This membership's end has not come.")
	}
	return []events.MembershipEvent{events.MembershipEnded{}}, nil
}

// LapseMember records that a membership's end came; the grants that the user's
// tokens have to the organization end in the same append. The service calls it.
func (y *Directory) LapseMember(ctx context.Context, call Call, organization, user uuid.UUID) (Made, error) {
	return y.run(ctx, call, "LapseMember", []any{organization, user}, events.KindMembership,
		func(ctx context.Context, d *Decision, who Principal) (uuid.UUID, error) {
			if _, err := admit(ctx, d, who, organization, OpExpireTokens); err != nil {
				return user, err
			}
			if err := onMembership(ctx, d, organization, user, LapseMembership{}); err != nil {
				return user, err
			}
			return user, y.endGrants(ctx, d, organization, user)
		})
}
