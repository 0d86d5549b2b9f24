// Requests with a key: found again for a day, so that a repeated one is answered
// and not appended.

package eventstore

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// answerKey is whose key it is and the key.
type answerKey struct{ caller, key string }

// answered is how a request with a key was answered: its events stand from First
// to Last, none if Last is smaller.
type answered struct {
	answerKey
	Hash        [32]byte
	First, Last events.Position
	At          time.Time
}

// Keys that are a day old count as unused, whether or not they are gone yet.
const selectAnswers = `
	SELECT caller, key, hash, coalesce(first_position, 1), coalesce(last_position, 0), created_at
	FROM idempotency
	WHERE (caller, key) IN (SELECT * FROM unnest($1::text[], $2::text[]))
	  AND created_at > clock_timestamp() - interval '24 hours'`

func scanAnswered(row pgx.CollectableRow) (answered, error) {
	var a answered
	var hash []byte
	err := row.Scan(&a.caller, &a.key, &hash, &a.First, &a.Last, &a.At)
	copy(a.Hash[:], hash)
	a.At = a.At.UTC()
	return a, err
}

// Replayed answers a request again whose key was used before, without deciding it
// again; found is false for a key that is new or not set. The error wraps
// [events.ErrKeyReused] when the key came with another command.
func (l *Log) Replayed(ctx context.Context, k events.Key) (r events.Receipt, found bool, err error) {
	if !k.Set() {
		return r, false, nil
	}
	rows, _ := l.pool.Query(ctx, selectAnswers, []string{k.Caller}, []string{k.Key}) // its error comes out of the rows
	before, err := pgx.CollectRows(rows, scanAnswered)
	switch {
	case err != nil:
		return r, false, fmt.Errorf("look up an idempotency key: %w: %w", events.ErrUnavailable, err)
	case len(before) == 0:
		return r, false, nil
	case before[0].Hash != k.Hash:
		return r, true, events.ErrKeyReused
	}
	r, err = l.receiptOf(ctx, before[0])
	return r, true, err
}

// receiptOf makes the receipt of then from the events themselves, which stand in this
// server's log; whoever asked then may have been told nothing since its standbys lack them.
func (l *Log) receiptOf(ctx context.Context, a answered) (events.Receipt, error) {
	if err := l.awaitStandbys(ctx); err != nil {
		return events.Receipt{}, fmt.Errorf("%w: %w", events.ErrUnavailable, err)
	}
	r := events.Receipt{RecordedAt: a.At, Replayed: true}
	if a.Last < a.First {
		return r, nil
	}
	for rec, err := range l.ReadAll(ctx, a.First-1) {
		if err != nil {
			return events.Receipt{}, fmt.Errorf("read the events of an earlier request: %w", err)
		}
		r.RecordedAt = rec.RecordedAt
		r.Placed = append(r.Placed, events.Placed{
			Position: rec.Position, TrailPosition: rec.TrailPosition, Stream: rec.Stream,
			Version: rec.Version, Type: rec.Event.Type(), LeafHash: rec.LeafHash,
		})
		if rec.Position == a.Last {
			return r, nil
		}
	}
	return events.Receipt{}, fmt.Errorf("%w: the events %d to %d of an earlier request are gone", ErrCorrupt, a.First, a.Last)
}
