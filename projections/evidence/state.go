// The state at a point: rows folded from events alone, by the folds of the read models.

package evidence

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

// State is what stands after some events. Of one organization's trail it has that
// organization, its tokens, members and grants; of the whole log it has everything.
type State struct {
	Position      events.Position // of the last event
	TrailPosition events.Position // of the last event, in its trail
	At            time.Time       // the instant that the state is told for

	Organizations map[uuid.UUID]*projections.OrganizationRow
	Users         map[uuid.UUID]*projections.UserRow
	Tokens        map[uuid.UUID]*projections.TokenRow
	Members       map[Pair]*projections.MembershipRow // organization, user
	Grants        map[Pair]*projections.GrantRow      // token, organization
	GrantUses     map[Pair]time.Time                  // the last one of a personal token, by token and organization
}

// Pair is the two ids of which a membership's or a grant's stream is named.
type Pair [2]uuid.UUID

// NewState is the state before the first event.
func NewState() *State {
	return &State{
		Organizations: map[uuid.UUID]*projections.OrganizationRow{}, Users: map[uuid.UUID]*projections.UserRow{},
		Tokens: map[uuid.UUID]*projections.TokenRow{}, Members: map[Pair]*projections.MembershipRow{},
		Grants: map[Pair]*projections.GrantRow{}, GrantUses: map[Pair]time.Time{},
	}
}

// At folds the state of a trail at a point. Where the point is a time, that is
// the instant of the state; else it is when the last event was recorded.
func At(ctx context.Context, from Source, trail events.TrailID, p Point) (*State, error) {
	s := NewState()
	for rec, err := range from.Trail(ctx, trail, 0, p.Position) {
		if err != nil {
			return nil, fmt.Errorf("fold trail %s: %w", trail, err)
		}
		if p.before(rec) {
			break
		}
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	if s.Position == 0 {
		return nil, ErrTooEarly
	}
	if !p.Time.IsZero() {
		s.At = p.Time
	}
	return s, nil
}

// Replay folds the whole log up to a point.
func Replay(ctx context.Context, log Log, p Point) (*State, error) {
	s := NewState()
	for rec, err := range log.All(ctx, p.Position) {
		if err != nil {
			return nil, fmt.Errorf("replay: %w", err)
		}
		if p.before(rec) {
			break
		}
		if err := s.Apply(rec); err != nil {
			return nil, err
		}
	}
	if !p.Time.IsZero() {
		s.At = p.Time
	}
	return s, nil
}

// Apply folds the next event.
func (s *State) Apply(rec events.Recorded) error {
	if rec.Position <= s.Position {
		return fmt.Errorf("fold: position %d comes after %d", rec.Position, s.Position)
	}
	s.Position, s.TrailPosition, s.At = rec.Position, rec.TrailPosition, rec.RecordedAt
	if unknown, ok := rec.Event.(events.Unknown); ok {
		return fmt.Errorf("fold position %d (%s): %w", rec.Position, unknown.Name, projections.ErrUnknownEvent)
	}
	first, second, err := rec.Stream.IDs()
	if err != nil {
		return fmt.Errorf("fold position %d: %w", rec.Position, err)
	}
	switch rec.Stream.Kind() {
	case events.KindToken:
		return s.token(first, rec)
	case events.KindGrant:
		if row := s.Tokens[first]; row != nil {
			if err := row.Fold(rec); err != nil {
				return err
			}
		}
		return entry(s.Grants, Pair{first, second}).Fold(rec)
	case events.KindOrganization:
		return entry(s.Organizations, first).Fold(rec)
	case events.KindUser:
		return entry(s.Users, first).Fold(rec)
	case events.KindMembership:
		return entry(s.Members, Pair{first, second}).Fold(rec)
	case events.KindInstallation:
		if e, ok := rec.Event.(events.InstallationOperatorAppointed); ok {
			return entry(s.Users, e.User).Fold(rec)
		}
	}
	return nil
}

// token folds an event of a token's stream. In an organization's trail there are
// uses of personal tokens, whose own life stands elsewhere.
func (s *State) token(id uuid.UUID, rec events.Recorded) error {
	if _, ok := rec.Event.(events.TokenUsed); ok {
		s.used(id, rec)
	}
	if !rec.Decision() {
		return nil
	}
	return entry(s.Tokens, id).Fold(rec)
}

func (s *State) used(id uuid.UUID, rec events.Recorded) {
	if row := s.Tokens[id]; row != nil {
		at := rec.RecordedAt
		row.LastUsedAt = &at
	}
	if organization, ok := rec.Trail.Organization(); ok && s.Grants[Pair{id, organization}] != nil {
		s.GrantUses[Pair{id, organization}] = rec.RecordedAt
	}
}

// entry is the row of a key, made where there is none.
func entry[K comparable, T any](m map[K]*T, key K) *T {
	row := m[key]
	if row == nil {
		row = new(T)
		m[key] = row
	}
	return row
}
