// What has left the database: blocks that were archived and detached, as archives keep them and as the log reads them again.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// StoredBlock is a block as the database has it, for archives. Personal values stay
// sealed: whoever has an archive and no keys cannot read them, and a subject's erasure
// holds for archives, too.
type StoredBlock struct {
	First, Last events.Position
	Term        int64
	Timeline    int32
	RecordedAt  time.Time
	Leaves      []byte // canonical JSON, each line ended by a newline
	Tally       map[events.TrailID]events.Position
	Sealed      []byte
	Writer      uuid.UUID
	WriterSeq   int64
}

// Stored is the block as the database has it. What it refers to is shared and must not be changed.
func (b *Block) Stored() StoredBlock {
	return StoredBlock{
		First: b.First, Last: b.Last, Term: b.Term, Timeline: b.timeline, RecordedAt: b.RecordedAt,
		Leaves: b.leaves, Tally: b.tally, Sealed: b.sealed, Writer: b.writer, WriterSeq: b.seq,
	}
}

// Block is the stored block as readers have it. Its personal values stay closed: only a
// log that has the keys opens them.
func (s StoredBlock) Block() *Block {
	return &Block{
		First: s.First, Last: s.Last, Term: s.Term, RecordedAt: s.RecordedAt.UTC(), timeline: s.Timeline,
		writer: s.Writer, seq: s.WriterSeq, leaves: s.Leaves, sealed: s.Sealed, tally: s.Tally,
	}
}

// Archives are what was archived of the log, as far as it is at hand.
type Archives interface {
	// Blocks gives some blocks after a position, without a gap, the first of which may begin
	// before it; none where no archive of the log with this origin holds that position's successor.
	Blocks(ctx context.Context, origin string, after events.Position) ([]StoredBlock, error)
}

// firstBlock finds the oldest block without looking into every partition.
const firstBlock = `SELECT first_position FROM blocks ORDER BY last_position LIMIT 1`

// First is the position of the first event that the database still holds, 1 in an empty log.
func (l *Log) First(ctx context.Context) (events.Position, error) {
	first := events.Position(1)
	err := l.pool.QueryRow(ctx, firstBlock).Scan(&first)
	if err != nil && !errors.Is(err, pgx.ErrNoRows) {
		return 0, fmt.Errorf("read the beginning of the log: %w", err)
	}
	return first, nil
}

// Archived is the last position of which an event says that it was archived, 0 for none.
func (l *Log) Archived(ctx context.Context) (events.Position, error) {
	return l.archivedAt(ctx, l.pool)
}

func (l *Log) archivedAt(ctx context.Context, q querier) (events.Position, error) {
	const sql = `SELECT leaf FROM decisions WHERE stream_id = $1 AND type = $2 ORDER BY version DESC LIMIT 1`
	var leaf []byte
	archived := events.InstallationEventsArchived{}
	err := q.QueryRow(ctx, sql, string(events.InstallationStream), string(archived.Type())).Scan(&leaf)
	if errors.Is(err, pgx.ErrNoRows) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read what was archived: %w", err)
	}
	rec, err := events.Decode(leaf)
	if err != nil {
		return 0, fmt.Errorf("%w: a decision: %w", ErrCorrupt, err)
	}
	archived, _ = rec.Event.(events.InstallationEventsArchived)
	return events.Position(archived.Last), nil
}

// bridge gives the blocks that come after a position where the database goes on later:
// from the archives, or it says that they are missing. A gap that no event explains is
// left to the reader, who takes it for what it is.
func (l *Log) bridge(ctx context.Context, q querier, after events.Position, found []*Block) ([]*Block, error) {
	archived, err := l.archivedAt(ctx, q)
	if err != nil || archived <= after {
		return found, err
	}
	if l.config.Archives == nil {
		return nil, l.missing(after, archived)
	}
	stored, err := l.config.Archives.Blocks(ctx, l.origin, after)
	if err != nil {
		return nil, fmt.Errorf("read the archives after %d: %w", after, err)
	}
	if len(stored) == 0 {
		return nil, l.missing(after, archived)
	}
	blocks := make([]*Block, len(stored))
	for i, s := range stored {
		blocks[i] = s.Block()
	}
	return blocks, nil
}

func (l *Log) missing(after, archived events.Position) error {
	return fmt.Errorf("events %d to %d were %w and left the database; name the directory of their archives (TOKENLEDGER_ARCHIVES, --archives)",
		after+1, archived, events.ErrArchived)
}
