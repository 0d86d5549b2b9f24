// What mutations on both kinds of tokens have in common.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// change is one command about one token.
type change func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error)

// change runs a command about the token that id names.
func (m mutations) change(ctx context.Context, id string, kind events.TokenKind, do change) (aggregate.TokenOutcome, error) {
	token, err := m.tokenID(ctx, "id", id, kind)
	if err != nil {
		return aggregate.TokenOutcome{}, err
	}
	out, err := do(requestOf(ctx).call(ctx), aggregate.TokenRef{Kind: kind, ID: token})
	if err == nil {
		m.recorded(ctx, out.Outcome)
	}
	return out, err
}

func (m mutations) revocation(ctx context.Context, reason string) change {
	return func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Revoke(ctx, call, ref, reason)
	}
}

func (m mutations) suspension(ctx context.Context, until *time.Time, reason *string) change {
	return func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Suspend(ctx, call, ref, aggregate.Suspension{Until: value(until), Reason: value(reason)})
	}
}

func (m mutations) resumption(ctx context.Context, reason *string) change {
	return func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Resume(ctx, call, ref, value(reason))
	}
}

func (m mutations) deletion(ctx context.Context) change {
	return func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return m.tokens.Delete(ctx, call, ref, "")
	}
}

// rotate gives the token that id names a successor, which is the outcome's; the
// predecessor is the other id.
func (m mutations) rotate(
	ctx context.Context, id string, kind events.TokenKind, input *model.RotateTokenInput,
) (out aggregate.TokenOutcome, predecessor uuid.UUID, err error) {
	in := value(input)
	rotation := aggregate.Rotation{
		EndsAtFirstUse: value(in.EndsAtFirstUse), ExpiresAt: in.ExpiresAt, ClearExpiresAt: value(in.ClearExpiresAt),
		Reason: value(in.Reason), ExpectedVersion: version(in.ExpectedVersion),
	}
	if in.OverlapSeconds != nil {
		overlap := time.Duration(*in.OverlapSeconds) * time.Second
		rotation.Overlap = &overlap
	}
	out, err = m.change(ctx, id, kind, func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		predecessor = ref.ID
		return m.tokens.Rotate(ctx, call, ref, rotation)
	})
	return out, predecessor, renamed(err, "overlap", "overlapSeconds")
}

// expecting is a change of the version that the caller knows.
func expecting(v *int, do change) change {
	return func(call aggregate.Call, ref aggregate.TokenRef) (aggregate.TokenOutcome, error) {
		return do(expected(call, v), ref)
	}
}

// expected is the call with the version that the caller knows.
func expected(call aggregate.Call, v *int) aggregate.Call {
	call.Expected = version(v)
	return call
}

// recorded remembers where the caller's change stands, and passes warnings on.
func (m mutations) recorded(ctx context.Context, out aggregate.Outcome) {
	r := requestOf(ctx)
	r.warn(out.Warnings...)
	if at := out.Receipt.Last(); at > 0 {
		m.writes.wrote(r.caller.Actor, at)
	}
}

// outcome is the token that a command was about, as it is now.
func (m mutations) outcome(ctx context.Context, out aggregate.TokenOutcome) (projections.TokenRow, error) {
	m.recorded(ctx, out.Outcome)
	return tokenRow(out.Outcome, out.ID)
}

// tokenRow folds a token from the events that a command loaded and decided.
func tokenRow(out aggregate.Outcome, id uuid.UUID) (projections.TokenRow, error) {
	var histories [][]events.Recorded
	for stream, history := range out.History {
		if first, _, err := stream.IDs(); err == nil && first == id &&
			(stream.Kind() == events.KindToken || stream.Kind() == events.KindGrant) {
			histories = append(histories, history)
		}
	}
	row, err := projections.FoldToken(histories...)
	if err != nil {
		return row, fmt.Errorf("answer from the events of token %s: %w", id, err)
	}
	return row, nil
}

// several is what became of several tokens.
type several struct {
	outcomes    []aggregate.TokenOutcome
	ids, notIDs []string
	messages    []string
	recordedAt  time.Time
	placed      []events.Placed
}

// failed notes one that was not changed. What may not leave stays in the log.
func (s *several) failed(id, message string) {
	s.notIDs = append(s.notIDs, id)
	if !slices.Contains(s.messages, message) {
		s.messages = append(s.messages, message)
	}
}

// error joins the reasons, null if there are none.
func (s *several) error() *string {
	if len(s.messages) == 0 {
		return nil
	}
	const most = 5
	if more := len(s.messages) - most; more > 0 {
		s.messages = append(s.messages[:most], fmt.Sprintf("And %d more reasons.", more))
	}
	all := strings.Join(s.messages, " ")
	return &all
}

func (s *several) receipt() *model.Receipt {
	return model.NewReceipt(events.Receipt{RecordedAt: s.recordedAt, Placed: s.placed})
}

func (m mutations) updateEach(ctx context.Context, ids []string, kind events.TokenKind, in aggregate.TokenUpdate) (*several, error) {
	return m.each(ctx, ids, kind, func(call aggregate.Call, ids []uuid.UUID) ([]aggregate.Each, error) {
		return m.tokens.UpdateEach(ctx, call, kind, ids, in)
	})
}

func (m mutations) deleteEach(ctx context.Context, ids []string, kind events.TokenKind) (*several, error) {
	return m.each(ctx, ids, kind, func(call aggregate.Call, ids []uuid.UUID) ([]aggregate.Each, error) {
		return m.tokens.DeleteEach(ctx, call, kind, ids, "")
	})
}

// each runs a command for each of the tokens that are named; one that fails
// keeps no other from being changed.
func (m mutations) each(
	ctx context.Context, names []string, kind events.TokenKind,
	do func(call aggregate.Call, ids []uuid.UUID) ([]aggregate.Each, error),
) (*several, error) {
	done := &several{ids: []string{}, notIDs: []string{}}
	var ids []uuid.UUID
	for i, name := range names {
		id, err := m.tokenID(ctx, fmt.Sprintf("ids[%d]", i), name, kind)
		if err != nil {
			done.failed(name, m.present(ctx, err).Message)
			continue
		}
		ids = append(ids, id)
	}
	if len(ids) == 0 && len(names) > 0 {
		return done, nil
	}
	results, err := do(requestOf(ctx).call(ctx), ids)
	if err != nil {
		return nil, err
	}
	for _, each := range results {
		if each.Err != nil {
			done.failed(each.ID.String(), m.present(ctx, each.Err).Message)
			continue
		}
		m.recorded(ctx, each.Outcome.Outcome)
		done.outcomes = append(done.outcomes, each.Outcome)
		done.ids = append(done.ids, each.ID.String())
		done.recordedAt = each.Outcome.Receipt.RecordedAt
		done.placed = append(done.placed, each.Outcome.Receipt.Placed...)
	}
	return done, nil
}

// value is what an optional input has, or the zero value.
func value[T any](p *T) T {
	if p == nil {
		var zero T
		return zero
	}
	return *p
}

func version(v *int) *events.Version {
	if v == nil {
		return nil
	}
	expected := events.Version(*v)
	return &expected
}

// below says in which element of a list the field at fault stands.
func below(list string, i int, err error) error {
	var r *aggregate.Refusal
	if !errors.As(err, &r) {
		return err
	}
	at := *r
	at.Field = strings.TrimSuffix(fmt.Sprintf("%s[%d].%s", list, i, r.Field), ".")
	return &at
}

// renamed gives a field at fault the name that it has in the schema.
func renamed(err error, from, to string) error {
	var r *aggregate.Refusal
	if !errors.As(err, &r) || r.Field != from {
		return err
	}
	at := *r
	at.Field = to
	return &at
}
