// The start of a session: from what the tables and the directory outside hold to
// trees that may be signed, or to a refusal.

package sealer

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Origin is the name of a log of epochs: that of the log itself for the first,
// with a number for each that a restore made necessary.
func Origin(log string, number int) string {
	if number == 1 {
		return "tokenledger/" + log
	}
	return fmt.Sprintf("tokenledger/%s/%d", log, number)
}

// recover brings the session to where the last one ended. What stands outside of
// the database and not in it was signed: it is made again from the log, or refused.
// What stands only in the database was not shown to anyone yet, or this is another
// machine: it is added outside.
func (s *session) recover(ctx context.Context) error {
	if err := s.identify(ctx); err != nil {
		return err
	}
	if err := s.load(ctx); err != nil {
		return err
	}
	var err error
	if s.outside, err = openOutside(s.config.Outside, Origin(s.config.Log.Origin(), 1), s.number); err != nil {
		return err
	}
	if err := s.compare(ctx); err != nil {
		return err
	}
	if err := s.copyOut(ctx, s.epochs.Size()); err != nil {
		return err
	}
	if err := s.replay(ctx); err != nil {
		return err
	}
	if err := s.settle(ctx); err != nil {
		return err
	}
	return s.verify(ctx)
}

// settle decides what becomes of an epoch that this machine was about to store when
// its last session ended. Where the tables go on without it, another process sealed
// that epoch in another way, and this one was never seen; copyOut has seen to it that
// what the tables hold was signed. Else it may have been seen, and is stored as it is.
func (s *session) settle(ctx context.Context) error {
	c, err := s.outside.intended()
	if err != nil || c == nil || s.epochs.Size() > c.Epoch.Number {
		return err
	}
	if err := s.again(ctx, *c); err != nil {
		return err
	}
	return s.outside.append(*c)
}

// verify compares the trees, from which the next epoch is made, with what the last
// checkpoint signed. The frontiers in the tables are copies: nothing else would notice
// that one was changed, and the next checkpoint would fork the log. Those of the
// trails are compared with the heads when they are loaded.
func (s *session) verify(ctx context.Context) error {
	reader := newReader(s.config, s.conn).InLog(s.number)
	nodes := reader.tree(ctx, eventsTree)
	root, err := merkle.RootAt(nodes, s.trees.events.Size())
	if err != nil {
		return fmt.Errorf("the events tree: %w", err)
	}
	if root != s.trees.events.Root() {
		return fmt.Errorf("%w: the frontier of the events tree in the tables is not that of its nodes", ErrRefused)
	}
	if s.epochs.Size() == 0 {
		return nil
	}
	last, err := reader.Epoch(ctx, s.epochs.Size()-1)
	if err != nil {
		return err
	}
	checkpoint, err := s.open(last)
	if err != nil {
		return err
	}
	if checkpoint.Root != s.epochs.Root() {
		return fmt.Errorf("%w: the frontier of the log of epochs in the tables is not what was signed in epoch %d", ErrRefused, s.last.Number)
	}
	proof, err := merkle.ProveConsistency(nodes, s.last.Size, s.trees.events.Size())
	if err != nil {
		return fmt.Errorf("the events tree: %w", err)
	}
	if err := merkle.VerifyConsistency(s.last.Size, s.trees.events.Size(), s.last.Root, root, proof); err != nil {
		return fmt.Errorf("%w: the events tree in the tables does not go on that of epoch %d: %w", ErrRefused, s.last.Number, err)
	}
	_, err = reader.heads(ctx, last)
	return err
}

// identify finds the log of epochs that goes on, and begins the first. Tables that
// were lost go on with the newest that is kept outside.
func (s *session) identify(ctx context.Context) error {
	kept, err := newestOutside(s.config.Outside, Origin(s.config.Log.Origin(), 1))
	if err != nil {
		return err
	}
	const newest = `SELECT log FROM seal_logs ORDER BY log DESC LIMIT 1`
	err = s.conn.QueryRow(ctx, newest).Scan(&s.number)
	if errors.Is(err, pgx.ErrNoRows) {
		s.number = max(kept, 1)
		_, err = s.conn.Exec(ctx, `INSERT INTO seal_logs (log, origin, created_at) VALUES ($1, $2, clock_timestamp())`,
			s.number, Origin(s.config.Log.Origin(), s.number))
	}
	if err != nil {
		return fmt.Errorf("read which log is sealed: %w", err)
	}
	if s.number < kept {
		return fmt.Errorf("%w: outside of the database the log %s was begun, which the tables do not know",
			ErrRefused, Origin(s.config.Log.Origin(), kept))
	}
	s.origin = Origin(s.config.Log.Origin(), s.number)
	return nil
}

// load reads the trees as of the last step and the log of epochs.
func (s *session) load(ctx context.Context) error {
	s.trees = trees{trails: map[events.TrailID]*trail{}, touched: map[events.TrailID]*trail{}}
	var step, epochs, record []byte
	const last = `SELECT (SELECT frontier FROM tree_steps ORDER BY position DESC LIMIT 1), e.frontier, e.record
		FROM (VALUES (1)) AS always LEFT JOIN LATERAL
			(SELECT frontier, record FROM epochs WHERE log = $1 ORDER BY number DESC LIMIT 1) AS e ON true`
	if err := s.conn.QueryRow(ctx, last, s.number).Scan(&step, &epochs, &record); err != nil {
		return fmt.Errorf("read the trees: %w", err)
	}
	if step != nil {
		if err := s.trees.events.UnmarshalBinary(step); err != nil {
			return fmt.Errorf("%w: the events tree in the tables: %w", ErrRefused, err)
		}
	}
	if epochs != nil {
		err := s.epochs.UnmarshalBinary(epochs)
		if err == nil {
			s.last, err = merkle.ParseEpoch(record)
		}
		if err == nil && s.epochs.Size() != s.last.Number+1 {
			err = fmt.Errorf("%d epochs, the last is number %d", s.epochs.Size(), s.last.Number)
		}
		if err != nil {
			return fmt.Errorf("%w: the log of epochs in the tables: %w", ErrRefused, err)
		}
		s.sealed = time.Now()
	}
	return s.loadHeads(ctx)
}

func (s *session) loadHeads(ctx context.Context) error {
	heads, err := readHeads(ctx, s.conn, s.trees.events.Size(), -1)
	if err != nil {
		return err
	}
	s.trees.heads = heads
	return nil
}

// compare refuses tables that are not of one history with what stands outside, as
// far as both reach.
func (s *session) compare(ctx context.Context) error {
	both := min(s.outside.next, s.epochs.Size())
	if both == 0 {
		return nil
	}
	reader := newReader(s.config, s.conn).InLog(s.number)
	// A chain of records is one history if its newest common record is under one
	// root: the checkpoint outside was signed over exactly these.
	stored, err := reader.Epoch(ctx, both-1)
	if err != nil {
		return err
	}
	for signed, err := range s.outside.after(both - 1) {
		if err != nil {
			return err
		}
		checkpoint, err := s.open(signed)
		if err != nil {
			return err
		}
		root, err := reader.epochsRoot(ctx, s.number, both)
		if err != nil {
			return fmt.Errorf("%w: the log of epochs in the tables: %w", ErrRefused, err)
		}
		if !bytes.Equal(stored.Record, signed.Record) || checkpoint.Root != root {
			return fmt.Errorf("%w: epoch %d in the tables is not the one that was signed", ErrRefused, both-1)
		}
		break
	}
	if s.trees.position() < events.Position(s.last.Size) {
		return fmt.Errorf("%w: epoch %d holds %d events, the trees in the tables %d", ErrRefused, s.last.Number, s.last.Size, s.trees.position())
	}
	return nil
}

// open checks a checkpoint's signature and that it ends with its record.
func (s *session) open(c Sealed) (merkle.Checkpoint, error) {
	keys, err := s.config.Verifiers(s.origin)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	checkpoint, err := merkle.OpenCheckpoint(c.Checkpoint, keys...)
	if err == nil && (checkpoint.Size != c.Size() || checkpoint.Origin != s.origin) {
		err = fmt.Errorf("it is of %s at size %d", checkpoint.Origin, checkpoint.Size)
	}
	if err != nil {
		return checkpoint, fmt.Errorf("%w: the checkpoint of epoch %d: %w", ErrRefused, c.Epoch.Number, err)
	}
	return checkpoint, nil
}

// replay makes the epochs that stand outside and not in the tables again.
func (s *session) replay(ctx context.Context) error {
	for signed, err := range s.outside.after(s.epochs.Size()) {
		if err == nil {
			err = s.again(ctx, signed)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// again makes an epoch that was signed from the log, with the same roots, and stores it.
func (s *session) again(ctx context.Context, signed Sealed) error {
	head, err := s.config.Log.Head(ctx)
	if err != nil {
		return err
	}
	checkpoint, err := s.open(signed)
	if err != nil {
		return err
	}
	if signed.Epoch.Size > int64(head) {
		return fmt.Errorf("%w: epoch %d was signed over %d events, the log has %d; it was restored to an earlier point or lost its end",
			ErrRefused, signed.Epoch.Number, signed.Epoch.Size, head)
	}
	if err := s.advance(ctx, events.Position(signed.Epoch.Size)); err != nil {
		return err
	}
	made, err := s.epoch(signed.Epoch.Number, signed.Epoch.Time)
	if err != nil {
		return err
	}
	made.Continues = signed.Epoch.Continues
	line, err := made.Line()
	if err != nil {
		return err
	}
	after := s.epochs
	after.Append(merkle.LeafHash(line))
	if !bytes.Equal(line, signed.Record) || after.Root() != checkpoint.Root {
		return fmt.Errorf("%w: the log up to position %d is not what was signed in epoch %d", ErrRefused, signed.Epoch.Size, signed.Epoch.Number)
	}
	return s.store(ctx, signed)
}

// copyOut adds to the directory outside what the tables hold beyond it, up to a size.
func (s *session) copyOut(ctx context.Context, size int64) error {
	for s.outside.next < size {
		const sql = `SELECT record, checkpoint FROM epochs WHERE log = $1 AND number >= $2 ORDER BY number LIMIT 1000`
		rows, _ := s.conn.Query(ctx, sql, s.number, s.outside.next) // its error comes out of the rows
		stored, err := pgx.CollectRows(rows, pgx.RowToStructByPos[struct{ Record, Checkpoint []byte }])
		if err != nil {
			return fmt.Errorf("read epochs: %w", err)
		}
		if len(stored) == 0 {
			return fmt.Errorf("%w: epoch %d is missing from the tables", ErrRefused, s.outside.next)
		}
		for _, r := range stored {
			e, err := merkle.ParseEpoch(r.Record)
			if err != nil {
				return fmt.Errorf("%w: %w", ErrRefused, err)
			}
			c := Sealed{Log: s.number, Epoch: e, Record: r.Record, Checkpoint: r.Checkpoint}
			if _, err := s.open(c); err != nil {
				return err
			}
			if err := s.outside.append(c); err != nil {
				return err
			}
		}
	}
	return nil
}
