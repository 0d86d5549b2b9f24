// The follower: keeps the tail at the head, whoever appends.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// pollEvery is how long a block of another process may go unnoticed when nobody
// says that the head moved.
const pollEvery = 100 * time.Millisecond

// follow runs until ctx ends. Its error wraps [ErrCorrupt]; all others pass.
func (l *Log) follow(ctx context.Context) error {
	l.tail.setFollowing(true)
	defer l.tail.setFollowing(false)
	tick := time.NewTicker(pollEvery)
	defer tick.Stop()
	away := false
	for {
		err := l.catchUp(ctx)
		switch {
		case errors.Is(err, ErrCorrupt):
			l.tail.fail(err)
			return err
		case ctx.Err() != nil:
			return nil
		case err != nil && !away:
			l.config.Logger.LogAttrs(ctx, slog.LevelWarn, "the log cannot be followed", slog.String("error", err.Error()))
		case err == nil && away:
			l.config.Logger.LogAttrs(ctx, slog.LevelInfo, "the log is followed again")
		}
		away = err != nil
		select {
		case <-tick.C:
		case <-l.nudge:
		case <-ctx.Done():
			return nil
		}
	}
}

// catchUp brings the tail to the head as it is now.
func (l *Log) catchUp(ctx context.Context) error {
	l.catching.Lock()
	defer l.catching.Unlock()
	if err := l.load(ctx); err != nil {
		return err
	}
	at := l.tail.at()
	h, err := l.readHead(ctx, l.pool)
	if err != nil {
		return err
	}
	return l.advance(ctx, l.pool, at, h)
}

func (l *Log) readHead(ctx context.Context, q querier) (head, error) {
	const sql = `SELECT ` + headColumns + ` FROM (VALUES (1)) AS always LEFT JOIN LATERAL (` + lastBlock + `) AS b ON true`
	rows, _ := q.Query(ctx, sql) // its error comes out of the rows
	h, err := pgx.CollectExactlyOneRow(rows, func(row pgx.CollectableRow) (h head, err error) {
		err = row.Scan(&h.last, &h.term, &h.timeline, &h.recordedAt, &h.writer, &h.seq)
		return h, err
	})
	if err != nil {
		return h, fmt.Errorf("read the head of the log: %w", err)
	}
	h.recordedAt = h.recordedAt.UTC()
	return h, nil
}

// advance brings the tail from where it was to a head that was read later.
func (l *Log) advance(ctx context.Context, q querier, at, h head) error {
	if h.last < at.last || (h.last == at.last && (h.writer != at.writer || h.seq != at.seq)) {
		return fmt.Errorf("%w: its head is %d, but this process has seen another position %d; "+
			"the database lost its end, by a restore or a promotion", ErrCorrupt, h.last, at.last)
	}
	if h.term != at.term && at.last > 0 {
		if err := l.recognize(ctx, q, at); err != nil {
			return err
		}
	}
	for {
		if at = l.tail.at(); at.last >= h.last {
			return nil
		}
		blocks, err := l.readBlocks(ctx, q, at.last)
		if err != nil {
			return err
		}
		if len(blocks) == 0 {
			return fmt.Errorf("%w: nothing after position %d, with the head at %d", ErrCorrupt, at.last, h.last)
		}
		for _, b := range blocks {
			changes, err := b.changes(&l.tail.hash)
			if err != nil {
				return err
			}
			if err := l.add(b, changes); err != nil {
				return err
			}
		}
	}
}

// add puts a block that stands in the log at the end of the tail, and before that
// drops what this process has in memory of subjects that the block erases: their keys,
// and the blocks that were decoded with them.
func (l *Log) add(b *Block, changes []change) error {
	if erased := erasedBy(changes); len(erased) > 0 {
		l.subjects.forget(erased)
		l.tail.drop()
	}
	return l.tail.apply(b, changes)
}

// recognize checks, after a promotion, that the server has the block which this
// process takes for the last one: a standby may have been promoted without it.
func (l *Log) recognize(ctx context.Context, q querier, at head) error {
	rows, _ := q.Query(ctx, `SELECT writer, writer_seq FROM blocks WHERE last_position = $1`, int64(at.last))
	var writer uuid.UUID
	var seq int64
	_, err := pgx.ForEachRow(rows, []any{&writer, &seq}, func() error { return nil })
	if err != nil {
		return fmt.Errorf("read a block again: %w", err)
	}
	if writer != at.writer || seq != at.seq {
		return fmt.Errorf("%w: the server was promoted without the block that ended at %d", ErrCorrupt, at.last)
	}
	return nil
}

// readBlocks reads some blocks after a position, the first of which may begin
// before it. Among those beyond the tail may be an erasure that this process does
// not know of yet, and values under the key that came after it.
func (l *Log) readBlocks(ctx context.Context, q querier, after events.Position) ([]*Block, error) {
	rows, _ := q.Query(ctx, selectBlocks, int64(after), chunkBlocks, chunkBytes) // its error comes out of the rows
	blocks, err := pgx.CollectRows(rows, scanBlock)
	if err != nil {
		return nil, fmt.Errorf("read blocks after %d: %w", after, err)
	}
	if len(blocks) == 0 {
		return nil, nil
	}
	if blocks[0].First > after+1 {
		if blocks, err = l.bridge(ctx, q, after, blocks); err != nil {
			return nil, err
		}
	}
	known := l.tail.at().last >= blocks[len(blocks)-1].Last
	return blocks, l.subjects.attach(ctx, q, blocks, known)
}

const (
	chunkBlocks = 256
	chunkBytes  = 4 << 20 // of leaves
)

// One block is always among them, however large; its size is known without
// reading it.
const selectBlocks = `
	SELECT ` + blockColumns + ` FROM (
		SELECT *, sum(octet_length(leaves)) OVER (ORDER BY last_position) - octet_length(leaves) AS before
		FROM (SELECT * FROM blocks WHERE last_position > $1 ORDER BY last_position LIMIT $2) AS next
	) AS sized
	WHERE before < $3 ORDER BY last_position`
