// Findings as they are raised: a subscription.

package graphql

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

const (
	// findingsLook is how long a subscription waits before it asks whether there is
	// anything new.
	findingsLook = 500 * time.Millisecond
	// findingsAnyway is how long it goes without looking while there is not. Some
	// findings come with time alone, days after what they are about; nothing announces them.
	findingsAnyway = 10 * time.Second
	// findingsAtOnce is about how many are read at a time.
	findingsAtOnce = 100
)

// Findings implements the subscription findings.
func (s subscriptions) Findings(
	ctx context.Context, organizationID *string, rules []string, token, after *string,
) (<-chan *model.NewFinding, error) {
	organization, err := s.within(ctx, organizationID, aggregate.OpReadFindings)
	if err != nil {
		return nil, err
	}
	f := followingFindings{organization: organization}
	for _, name := range rules {
		r, err := ruleOf(name)
		if err != nil {
			return nil, err
		}
		f.rules = append(f.rules, r)
	}
	if token != nil {
		if f.token, err = s.tokenID(ctx, "token", *token, ""); err != nil {
			return nil, err
		}
	}
	head, err := s.log.Head(ctx)
	if err != nil {
		return nil, fmt.Errorf("find the end of the log: %w", err)
	}
	if after != nil {
		f.place, err = projections.NewFindingsBehind("after", *after)
	} else if now, failed := s.views.Now(ctx); failed != nil {
		err = failed
	} else {
		f.place = projections.FromNowOn(head, now)
	}
	if err != nil {
		return nil, err
	}
	f.known = cmp.Or(callerOf(ctx).AsOf, head)
	if f.until, err = s.rightsUntil(ctx); err != nil {
		return nil, err
	}
	out := make(chan *model.NewFinding)
	// The transport ends ctx and reads out until it is closed.
	go s.followFindings(ctx, f, out)
	return out, nil
}

// followingFindings is what a subscription follows, and as long as what.
type followingFindings struct {
	organization uuid.UUID
	rules        []projections.Rule // none: all
	token        uuid.UUID          // zero: all
	place        projections.NewFindings
	known        events.Position // the caller's rights are those of this position
	until        time.Time       // the clock ends them then; zero: never

	mark   projections.FindingsMark // what there was when it was last looked
	looked time.Time                // zero: never
}

// lookout asks for all subscriptions at once whether any of them has to look.
type lookout struct {
	mu   sync.Mutex // guards all below, and lets one ask for all
	at   time.Time
	mark projections.FindingsMark
}

// now is the mark of at most half a look ago.
func (l *lookout) now(ctx context.Context, ask func(context.Context) (projections.FindingsMark, error)) (projections.FindingsMark, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if time.Since(l.at) < findingsLook/2 {
		return l.mark, nil
	}
	mark, err := ask(ctx)
	if err == nil {
		l.at, l.mark = time.Now(), mark
	}
	return mark, err
}

func (f followingFindings) concerns(row projections.FindingRow) bool {
	return (len(f.rules) == 0 || slices.Contains(f.rules, row.Rule)) &&
		(f.token == uuid.Nil || value(row.Token) == f.token || slices.Contains(row.Tokens, f.token))
}

// followFindings sends what is asked for, until ctx ends or the caller's rights change.
func (s subscriptions) followFindings(ctx context.Context, f followingFindings, out chan<- *model.NewFinding) {
	defer close(out)
	ctx, cancel := rightsEnd(ctx, f.until)
	defer cancel()
	look := time.NewTicker(findingsLook)
	defer look.Stop()
	for {
		more, err := s.lookForFindings(ctx, &f, out)
		if err != nil {
			s.endWith(ctx, err)
			return
		}
		if more {
			continue
		}
		select {
		case <-look.C:
		case <-ctx.Done():
			s.endWith(ctx, ctx.Err())
			return
		}
	}
}

// lookForFindings sends what is new, if there may be anything.
func (s subscriptions) lookForFindings(ctx context.Context, f *followingFindings, out chan<- *model.NewFinding) (more bool, err error) {
	mark, err := s.lookout.now(ctx, s.views.FindingsMark)
	if err != nil || mark == f.mark && time.Since(f.looked) < findingsAnyway {
		return false, err
	}
	looked := time.Now()
	if more, err = s.sendFindings(ctx, f, out); err == nil && !more {
		f.mark, f.looked = mark, looked
	}
	return more, err
}

// sendFindings sends what is new. The rights are asked for after it was read, so
// that nothing is sent that was raised after they changed.
func (s subscriptions) sendFindings(ctx context.Context, f *followingFindings, out chan<- *model.NewFinding) (more bool, err error) {
	now, err := s.views.Now(ctx)
	if err != nil {
		return false, err
	}
	found, place, err := s.views.FindingsAfter(ctx, f.organization, f.place, now, findingsAtOnce)
	if err != nil {
		return false, err
	}
	changed, err := s.views.DecidedSince(ctx, callerOf(ctx).restsOn(), f.known)
	if err != nil {
		return false, err
	}
	if changed {
		return false, errRightsChanged
	}
	for _, one := range found {
		if !f.concerns(one.FindingRow) {
			continue
		}
		select {
		case out <- &model.NewFinding{Finding: &model.Finding{FindingRow: one.FindingRow}, Cursor: one.Behind.Cursor()}:
		case <-ctx.Done():
			return false, ctx.Err()
		}
	}
	f.place = place
	return len(found) >= findingsAtOnce, nil
}
