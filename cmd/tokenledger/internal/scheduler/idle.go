// Tokens that nobody uses: ended where the policy says so.

package scheduler

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// idleMargin is more than the rules ask for between the instant at which a token
// has become idle and its end, so that they do not refuse what is listed.
const idleMargin = 15 * time.Second

// LookForIdle ends what has become idle. A use that was still allowed stands in
// the log by then; the head is read after the time, so that none is missed.
func (s *Scheduler) LookForIdle(ctx context.Context) error {
	now, err := s.c.Deadlines.Now(ctx)
	if err != nil {
		return err
	}
	head, err := s.c.Head(ctx)
	if err != nil {
		return err
	}
	directory := s.at(now)
	for after := (projections.IdleToken{}); ; {
		list, err := s.c.Deadlines.Idle(ctx, now, idleMargin, after, batch)
		if err != nil {
			return err
		}
		for _, t := range list {
			if err := s.endIdle(ctx, directory, t, head, now); err != nil {
				return err
			}
		}
		if len(list) < batch {
			return nil
		}
		after = list[len(list)-1]
	}
}

func (s *Scheduler) endIdle(ctx context.Context, y *aggregate.Directory, t projections.IdleToken, head events.Position, now time.Time) error {
	// As what has a deadline by the organization, which no other row of a token has.
	d := projections.Deadline{Subject: t.Token, Organization: t.Organization, Kind: projections.DeadlineOrganizationToken}
	if t.Personal {
		d.Kind = projections.DeadlinePersonalToken
	}
	if s.waits(d, now) {
		return nil
	}
	ref := aggregate.TokenRef{Kind: events.TokenKind(d.Kind), ID: t.Token}
	out, err := y.ExpireIdle(ctx, aggregate.Call{Principal: aggregate.Service("scheduler")}, t.Organization, ref, head)
	var refused *aggregate.Refusal
	switch {
	case err == nil:
		s.recorded(d, out.Receipt.Last())
	case errors.As(err, &refused) && refused.Code != aggregate.CodeUnavailable:
		s.postpone(d, now) // used meanwhile, or it has ended: the read model will know
	default:
		return fmt.Errorf("end the idle token %s: %w", t.Token, err)
	}
	return nil
}
