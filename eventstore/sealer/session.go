// A session of the sealer that has the lease: follow the log, close epochs.

package sealer

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// stepEvents is after how many events, at least, the trees are written down even
// without an epoch, so that a long way to the head takes little memory.
const stepEvents = 32_768

// session holds the trees as of the last step. After an error it is thrown away,
// and the next begins with what the tables and the directory outside hold.
type session struct {
	*Sealer
	conn    *pgx.Conn // has the lease
	number  int       // of the log of epochs
	origin  string    // its name
	outside *outside
	trees   trees
	epochs  merkle.Frontier // the log of epochs
	last    merkle.Epoch    // its last record; zero before the first
	sealed  time.Time       // when, by this process's clock
	seen    int64           // of who waits for the lease: the size of the log of epochs
}

func (s *session) close() {
	if s.outside != nil {
		_ = s.outside.close() // all of it is synced
	}
}

// run closes epochs until something fails.
func (s *session) run(ctx context.Context) error {
	for {
		due, err := s.due(ctx)
		if err != nil {
			return err
		}
		if due {
			if err := s.seal(ctx); err != nil {
				return err
			}
		}
		if sleep(ctx, s.config.Every); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// due asks whether there are events after the last epoch, or somebody asked for an
// epoch by a bound, or it is time for one anyway.
func (s *session) due(ctx context.Context) (bool, error) {
	if s.epochs.Size() == 0 || time.Since(s.sealed) >= s.config.Idle {
		return true, nil
	}
	head, err := s.config.Log.Head(ctx)
	if err != nil || head != events.Position(s.last.Size) {
		return err == nil, err
	}
	bound, err := s.config.Log.LastBound(ctx)
	return bound.Time.After(s.last.Time), err
}

// seal closes an epoch over the log as it is now.
func (s *session) seal(ctx context.Context) error {
	bound, err := s.config.Log.Bound(ctx)
	if err != nil {
		return err
	}
	if err := s.advance(ctx, bound.Position); err != nil {
		return err
	}
	record, err := s.epoch(s.epochs.Size(), bound.Time)
	if err != nil {
		return err
	}
	if record.Number == 0 {
		if record.Continues, err = s.continues(); err != nil {
			return err
		}
	}
	sealed, err := s.sign(record)
	if err != nil {
		return err
	}
	// From here on the epoch may become a fact: if nobody knows whether the tables were
	// written, the next session on this machine takes it from outside, unless one
	// elsewhere came first and sealed another.
	if err := s.outside.intend(sealed); err != nil {
		return err
	}
	if err := s.store(ctx, sealed); err != nil {
		return err
	}
	if err := s.outside.append(sealed); err != nil {
		return err
	}
	s.announce(ctx, sealed)
	return nil
}

// advance pushes the leaves up to a position, which must be the end of a block,
// and writes steps on the way.
func (s *session) advance(ctx context.Context, to events.Position) error {
	if s.trees.position() > to {
		return fmt.Errorf("%w: the trees hold %d events, the log ends at %d", ErrRefused, s.trees.position(), to)
	}
	if s.trees.position() == to {
		return nil
	}
	for block, err := range s.config.Log.Blocks(ctx, s.trees.position(), false) {
		if err != nil {
			return err
		}
		if err := s.trees.push(ctx, s.conn, block); err != nil {
			return err
		}
		if s.trees.position() == to {
			return nil
		}
		if s.trees.position() > to {
			return fmt.Errorf("%w: no block ends at position %d", ErrRefused, to)
		}
		if s.trees.unwritten >= stepEvents {
			if err := pgx.BeginFunc(ctx, s.conn, func(tx pgx.Tx) error { return s.trees.write(ctx, tx) }); err != nil {
				return fmt.Errorf("write the trees: %w", err)
			}
			s.trees.written()
		}
	}
	return fmt.Errorf("%w: the log ends at %d, before the epoch of %d", ErrRefused, s.trees.position(), to)
}

// epoch makes the record of the trees as they are.
func (s *session) epoch(number int64, at time.Time) (merkle.Epoch, error) {
	s.trees.settle()
	heads, err := s.blinder.HeadsTree(number, s.trees.heads)
	if err != nil {
		return merkle.Epoch{}, err
	}
	return merkle.Epoch{
		Number: number, Time: at.UTC(), Size: s.trees.events.Size(), Root: s.trees.events.Root(),
		Organizations: heads.Size(), Heads: heads.Root(),
	}, nil
}

// sign makes the checkpoint that ends with a record.
func (s *session) sign(e merkle.Epoch) (Sealed, error) {
	line, err := e.Line()
	if err != nil {
		return Sealed{}, err
	}
	after := s.epochs
	after.Append(merkle.LeafHash(line))
	signer, err := s.config.Signer(s.origin)
	if err != nil {
		return Sealed{}, fmt.Errorf("the signing key: %w", err)
	}
	signed, err := merkle.Checkpoint{Origin: s.origin, Size: after.Size(), Root: after.Root()}.Sign(signer)
	if err != nil {
		return Sealed{}, err
	}
	return Sealed{Log: s.number, Epoch: e, Record: line, Checkpoint: signed}, nil
}

// announce tells of an epoch that stands in the tables. Whoever cannot be reached
// delays nothing: the next checkpoint says all that this one does.
func (s *session) announce(ctx context.Context, c Sealed) {
	var unpublished error
	if s.config.Publish != nil {
		unpublished = s.config.Publish(ctx, c.Checkpoint)
	}
	before := s.Status()
	s.report(func(st *Status) {
		*st = Status{
			Leader: true, Epoch: c.Epoch.Number, Position: events.Position(c.Epoch.Size), Time: c.Epoch.Time,
			Unpublished: unpublished,
		}
	})
	if unpublished != nil && before.Unpublished == nil {
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "a checkpoint was not published", slog.String("error", unpublished.Error()))
	}
}

var _ Source = (*eventstore.Log)(nil)
