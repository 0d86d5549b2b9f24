// Access reviews: each campaign over its frozen snapshot, who decided what, how late, and what nobody decided.

package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

type reviews struct {
	all  []*Review
	byID map[uuid.UUID]*Review
}

// Review is one access review as the log tells it.
type Review struct {
	ID        uuid.UUID
	Name      string
	At        events.Position // of the snapshot
	Due       time.Time
	Reviewers []uuid.UUID
	OpenedAt  time.Time
	OpenedBy  string
	ClosedAt  *time.Time
	ClosedBy  string
	Decisions map[uuid.UUID]Decision // the last one on each token
	Snapshot  []Credential           // what could reach the organization at At
	frozen    bool                   // Snapshot is known
}

// Decision is what a reviewer decided on one token.
type Decision struct {
	Decision events.ReviewDecision
	By       string
	At       time.Time
	Position events.Position
	Reason   string
}

func (r *reviews) event(s *State, rec events.Recorded, _ bool) {
	id, _, err := rec.Stream.IDs()
	if err != nil || rec.Stream.Kind() != events.KindReview {
		return
	}
	switch e := rec.Event.(type) {
	case events.ReviewOpened:
		one := &Review{
			ID: id, Name: e.Name, At: events.Position(e.At), Due: e.Due, Reviewers: e.Reviewers,
			OpenedAt: rec.RecordedAt, OpenedBy: rec.Meta.Actor.Name(), Decisions: map[uuid.UUID]Decision{},
		}
		if s.Position <= one.At { // nothing came between the snapshot and the opening
			one.Snapshot, one.frozen = s.standing(), true
		}
		r.all, r.byID[id] = append(r.all, one), one
	case events.ReviewDecided:
		if one := r.byID[id]; one != nil {
			one.Decisions[e.Token] = Decision{e.Decision, rec.Meta.Actor.Name(), rec.RecordedAt, rec.Position, rec.Meta.Reason}
		}
	case events.ReviewClosed:
		if one := r.byID[id]; one != nil {
			at := rec.RecordedAt
			one.ClosedAt, one.ClosedBy = &at, rec.Meta.Actor.Name()
		}
	}
}

// ReviewsOf gives the access reviews of an organization up to a point, with
// their snapshots.
func ReviewsOf(ctx context.Context, from Source, organization uuid.UUID, p Point) ([]*Review, error) {
	r, s := reviews{byID: map[uuid.UUID]*Review{}}, NewState()
	for rec, err := range from.Trail(ctx, events.OrganizationTrail(organization), 0, p.Position) {
		if err != nil {
			return nil, fmt.Errorf("read the trail: %w", err)
		}
		if p.before(rec) {
			break
		}
		r.event(s, rec, true)
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	return r.all, r.freeze(ctx, from, organization)
}

// freeze folds the snapshots that are older than what stands before their openings.
func (r *reviews) freeze(ctx context.Context, from Source, organization uuid.UUID) error {
	for _, one := range r.all {
		if one.frozen {
			continue
		}
		s, err := At(ctx, from, events.OrganizationTrail(organization), Point{Position: one.At})
		if err != nil {
			return fmt.Errorf("the snapshot of review %s: %w", one.ID, err)
		}
		one.Snapshot, one.frozen = s.standing(), true
	}
	return nil
}

func (r *reviews) finish(ctx context.Context, p *period, t *Table) error {
	t.Columns = columns("review", "Review", "name", "Name", "snapshot", "Snapshot at position", "due", "Due", "token", "Token", "kind", "Kind",
		"token_name", "Name of the token", "owner", "Owner", "decision", "Decision", "by", "Reviewer", "decided_at", "Decided at",
		"hours", "Hours from opening", "late", "Late", "reason", "Reason", "closed_at", "Review closed at")
	if err := r.freeze(ctx, p.source, p.Organization); err != nil {
		return err
	}
	for _, one := range r.all {
		if one.ClosedAt != nil && one.ClosedAt.Before(p.From) {
			continue
		}
		for _, c := range one.Snapshot {
			owner := c.User.String()
			if c.Kind == organizationToken {
				owner = c.CreatedBy
			}
			d, decided := one.Decisions[c.ID]
			var hours any
			late := p.To.After(one.Due)
			if decided {
				hours, late = int64(d.At.Sub(one.OpenedAt)/time.Hour), d.At.After(one.Due)
			} else {
				d.Decision = "none"
			}
			t.row(one.ID, one.Name, one.At, one.Due, c.ID, c.Kind, c.Name, owner, string(d.Decision), d.By, d.At, hours, late, d.Reason, one.ClosedAt)
		}
		if len(one.Snapshot) == 0 {
			t.row(one.ID, one.Name, one.At, one.Due, nil, "", "no token could reach the organization", nil, "", "", nil, nil, false, "", one.ClosedAt)
		}
	}
	return none(t, "no access review was under way in the period")
}
