// The events of the log in runs: as many as are there, up to a limit, and no waiting for more.

package projections

import (
	"context"
	"errors"
	"math"
	"slices"
	"time"

	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// maxRun is about how many events one transaction applies, if so many wait. Most
// of them are uses, which are summed up before Postgres sees them: the larger the
// run, the fewer rows it has to write for each event.
const maxRun = 50_000

// maxRunBytes is how many bytes of leaves the same holds, where events are longer
// than most: every projection that catches up has a run in memory, and one read ahead.
const maxRunBytes = 32 << 20

// feed reads ahead of the projection, so that reading and applying overlap.
type feed struct {
	blocks chan []events.Recorded
	ended  chan struct{}
	err    error // why blocks was closed; read after that
	cancel context.CancelFunc
	rest   []events.Recorded
}

func newFeed(ctx context.Context, h *hub, after events.Position) *feed {
	ctx, cancel := context.WithCancel(ctx)
	f := &feed{blocks: make(chan []events.Recorded, seatBlocks), ended: make(chan struct{}), cancel: cancel}
	go func() {
		defer close(f.ended)
		defer close(f.blocks)
		f.err = f.read(ctx, h, after)
	}()
	return f
}

// read follows the hub, and reads alone what lies between.
func (f *feed) read(ctx context.Context, h *hub, at events.Position) (err error) {
	for {
		for h.ahead(at) > nearby {
			if at, err = f.alone(ctx, h.log, at, math.MaxInt64); err != nil {
				return err
			}
		}
		s, from := h.join(at)
		at, err = f.follow(ctx, h.log, s, at, from)
		s.leave()
		if err != nil {
			return err
		}
	}
}

// follow takes what the hub hands out, after what it handed out before. Without
// an error it was too slow for the hub.
func (f *feed) follow(ctx context.Context, log Source, s *seat, at, from events.Position) (events.Position, error) {
	at, err := f.alone(ctx, log, at, from)
	if err != nil {
		return at, err
	}
	for {
		select {
		case recorded, ok := <-s.blocks:
			if !ok {
				return at, s.err
			}
			if at, err = f.pass(ctx, recorded, at); err != nil {
				return at, err
			}
		case <-ctx.Done():
			return at, ctx.Err()
		}
	}
}

// alone reads what stands after at, up to a position or the head.
func (f *feed) alone(ctx context.Context, log Source, at, until events.Position) (events.Position, error) {
	if at >= until {
		return at, nil
	}
	for b, err := range log.Blocks(ctx, at, false) {
		if err != nil {
			return at, err
		}
		recorded, err := b.Events()
		if err != nil {
			return at, err
		}
		if at, err = f.pass(ctx, recorded, at); err != nil || at >= until {
			return at, err
		}
	}
	return at, ctx.Err()
}

// pass hands on what stands after at, and gives the last position. What the hub
// gathered may begin before that, and so may a block.
func (f *feed) pass(ctx context.Context, recorded []events.Recorded, at events.Position) (events.Position, error) {
	first, last := recorded[0].Position, recorded[len(recorded)-1].Position
	if last <= at {
		return at, nil
	}
	recorded = recorded[max(0, at+1-first):]
	select {
	case f.blocks <- recorded:
		return last, nil
	case <-ctx.Done():
		return at, ctx.Err()
	}
}

// next waits for an event and gives it with those that are there already, or
// alone; or it gives none, once something else is due.
func (f *feed) next(ctx context.Context, alone bool, due <-chan time.Time) ([]events.Recorded, error) {
	for len(f.rest) == 0 {
		more, err := f.block(ctx, due)
		if err != nil || len(more) == 0 {
			return nil, err
		}
		f.rest = more
	}
	if alone {
		return f.take(1), nil
	}
	parts, n, bytes := [][]events.Recorded{f.rest}, len(f.rest), leafBytes(f.rest)
	for n < maxRun && bytes < maxRunBytes {
		select {
		case more, ok := <-f.blocks:
			if ok {
				parts, n, bytes = append(parts, more), n+len(more), bytes+leafBytes(more)
				continue
			}
			// The error comes with the next call.
		default:
		}
		break
	}
	if len(parts) > 1 {
		f.rest = slices.Concat(parts...)
	}
	return f.take(n), nil
}

func (f *feed) block(ctx context.Context, due <-chan time.Time) ([]events.Recorded, error) {
	select {
	case <-due:
		return nil, nil
	case more, ok := <-f.blocks:
		if !ok {
			return nil, f.err
		}
		return more, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// take holds on to nothing of the last events: a run is large, and the next may be long in coming.
func (f *feed) take(n int) []events.Recorded {
	run := f.rest[:n:n]
	if f.rest = f.rest[n:]; len(f.rest) == 0 {
		f.rest = nil
	}
	return run
}

func leafBytes(recorded []events.Recorded) (n int) {
	for _, rec := range recorded {
		n += len(rec.Leaf)
	}
	return n
}

func (f *feed) stop() {
	f.cancel()
	<-f.ended
}

// poisonous reports whether an error will come again with the same event: what
// neither a lost connection nor another process explains.
func poisonous(err error) bool {
	var server *pgconn.PgError
	switch {
	case err == nil, errors.Is(err, errMoved), errors.Is(err, context.Canceled), errors.Is(err, context.DeadlineExceeded):
		return false
	case errors.Is(err, eventstore.ErrCorrupt):
		return true
	case Away(err):
		return false
	case errors.As(err, &server):
		return true
	}
	return errors.Is(err, ErrUnknownEvent) || errors.Is(err, errNoBeginning) || errors.Is(err, errForeign)
}
