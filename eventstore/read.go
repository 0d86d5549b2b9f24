// Reading: blocks, and the events in them, by position and by stream.

package eventstore

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// Blocks gives the blocks that hold the events after a position, in order and
// without a gap; the first may begin before that position. It ends at the head
// that the log has when it is called; with follow it waits there for more, until
// ctx ends. Recent blocks are shared by all readers of the process. The error
// wraps [ErrCorrupt] where a position is missing, and [events.ErrArchived] where it was
// archived and the archive is not at hand.
func (l *Log) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*Block, error] {
	return func(yield func(*Block, error) bool) {
		if err := l.eachBlock(ctx, after, follow, func(b *Block) bool { return yield(b, nil) }); err != nil {
			yield(nil, err)
		}
	}
}

func (l *Log) eachBlock(ctx context.Context, after events.Position, follow bool, yield func(*Block) bool) error {
	until := events.Position(0)
	if !follow {
		var err error
		if until, err = l.Head(ctx); err != nil {
			return err
		}
	}
	for first := true; follow || after < until; {
		blocks, err := l.next(ctx, after, follow)
		if err != nil {
			return err
		}
		if len(blocks) == 0 && !follow {
			return fmt.Errorf("%w: nothing after position %d, with the head at %d", ErrCorrupt, after, until)
		}
		for _, b := range blocks {
			if err := b.follows(after, first); err != nil {
				return err
			}
			if !yield(b) {
				return nil
			}
			after, first = b.Last, false
			if !follow && after >= until {
				return nil
			}
		}
	}
	return nil
}

// next gives some blocks after a position, from memory where they are there. With
// wait it waits for them.
func (l *Log) next(ctx context.Context, after events.Position, wait bool) ([]*Block, error) {
	for {
		if err := ctx.Err(); err != nil {
			return nil, err
		}
		blocks, ok := l.tail.since(after)
		if !ok || (len(blocks) == 0 && !(wait && l.tail.isFollowed())) {
			var err error
			if blocks, err = l.readBlocks(ctx, l.pool, after); err != nil {
				return nil, err
			}
		}
		if len(blocks) > 0 || !wait {
			return blocks, nil
		}
		if err := l.tail.await(ctx, after); err != nil {
			return nil, err
		}
	}
}

// ReadAll gives the events after a position, in order and without a gap. It ends
// at the head that the log has when it is called.
func (l *Log) ReadAll(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	return l.recorded(ctx, after, false)
}

// Subscribe gives the events after a position, in order and without a gap. At the
// head it waits for more, until ctx ends.
func (l *Log) Subscribe(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	return l.recorded(ctx, after, true)
}

func (l *Log) recorded(ctx context.Context, after events.Position, follow bool) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for b, err := range l.Blocks(ctx, after, follow) {
			var recorded []events.Recorded
			if err == nil {
				recorded, err = b.Events()
			}
			if err != nil {
				yield(events.Recorded{}, err)
				return
			}
			for _, r := range recorded {
				if r.Position > after && !yield(r, nil) {
					return
				}
			}
		}
	}
}

// chunkRows is how many decisions are read at once.
const chunkRows = 1000

// ReadStream gives the decisions of a stream after a version, in order and
// without a gap. Personal values are left empty.
func (l *Log) ReadStream(ctx context.Context, id events.StreamID, after events.Version) iter.Seq2[events.Recorded, error] {
	const sql = `SELECT leaf FROM decisions WHERE stream_id = $1 AND version > $2 ORDER BY version LIMIT $3`
	read := func() ([]events.Recorded, error) {
		return l.decode(ctx, sql, string(id), int64(after), chunkRows)
	}
	check := func(r events.Recorded) error {
		if r.Stream != id || r.Version != after+1 {
			return fmt.Errorf("%w: after version %d of stream %s comes version %d of %s",
				ErrCorrupt, after, id, r.Version, r.Stream)
		}
		after = r.Version
		return nil
	}
	return chunked(read, check)
}

// Decisions gives all decisions after a position, in order, up to the head.
// Personal values are left empty.
func (l *Log) Decisions(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	const sql = `SELECT leaf FROM decisions WHERE position > $1 ORDER BY position LIMIT $2`
	read := func() ([]events.Recorded, error) { return l.decode(ctx, sql, int64(after), chunkRows) }
	check := func(r events.Recorded) error {
		if r.Position <= after {
			return fmt.Errorf("%w: after position %d comes %d", ErrCorrupt, after, r.Position)
		}
		after = r.Position
		return nil
	}
	return chunked(read, check)
}

// chunked reads until a chunk is not full. No connection is held while the caller
// looks at what was read.
func chunked(read func() ([]events.Recorded, error), check func(events.Recorded) error) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for {
			chunk, err := read()
			for _, r := range chunk {
				if err == nil {
					err = check(r)
				}
				if err != nil {
					break
				}
				if !yield(r, nil) {
					return
				}
			}
			if err != nil {
				yield(events.Recorded{}, err)
				return
			}
			if len(chunk) < chunkRows {
				return
			}
		}
	}
}

func (l *Log) decode(ctx context.Context, sql string, args ...any) ([]events.Recorded, error) {
	rows, _ := l.pool.Query(ctx, sql, args...) // its error comes out of the rows
	leaves, err := pgx.CollectRows(rows, pgx.RowTo[[]byte])
	if err != nil {
		return nil, fmt.Errorf("read decisions: %w", err)
	}
	recorded := make([]events.Recorded, len(leaves))
	for i, leaf := range leaves {
		if recorded[i], err = events.Decode(leaf); err != nil {
			return nil, fmt.Errorf("%w: a decision: %w", ErrCorrupt, err)
		}
	}
	return recorded, nil
}
