// The appender's connection: what one block says to the database, in two round trips.

package eventstore

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/events"
)

// opening is what the database says under the lock.
type opening struct {
	head     head
	floor    time.Time // no event may be older: the last bound's time
	now      time.Time
	timeline int32
}

// wanted is what the requests of a block refer to and the appender does not know.
type wanted struct {
	streams       []string
	callers, keys []string // of idempotency
	subjects      []string
}

// facts are the answer: the rows that there are.
type facts struct {
	streams []streamRow
	answers []answered
	wrapped []wrappedKey
}

func (w *wanted) empty() bool { return len(w.streams)+len(w.keys)+len(w.subjects) == 0 }

func (w *wanted) ask(b *pgx.Batch, f *facts) {
	if len(w.streams) > 0 {
		b.Queue(selectStreams, w.streams).Query(collect(&f.streams, scanStream))
	}
	if len(w.keys) > 0 {
		b.Queue(selectAnswers, w.callers, w.keys).Query(collect(&f.answers, scanAnswered))
	}
	if len(w.subjects) > 0 {
		b.Queue(selectSubjectKeys, w.subjects).Query(collect(&f.wrapped, pgx.RowToStructByPos[wrappedKey]))
	}
}

func collect[T any](to *[]T, scan pgx.RowToFunc[T]) func(pgx.Rows) error {
	return func(rows pgx.Rows) (err error) {
		*to, err = pgx.CollectRows(rows, scan)
		return err
	}
}

func (a *appender) wanted(requests []*pending) wanted {
	w := wanted{streams: a.tail.missing(requests)}
	for _, p := range requests {
		if once := p.request.Once; once.Set() && a.stage.asks(answerKey{once.Caller, once.Key}) {
			w.callers, w.keys = append(w.callers, once.Caller), append(w.keys, once.Key)
		}
		for i := range p.drafts {
			for _, subject := range p.drafts[i].subjects {
				if a.stage.values.lacks(subject) {
					w.subjects = append(w.subjects, string(subject))
				}
			}
		}
	}
	return w
}

// know takes in the facts that were asked for, as of the tail's head.
func (a *appender) know(w wanted, f facts) {
	a.tail.remember(w.streams, f.streams)
	for _, answer := range f.answers {
		a.stage.answers[answer.answerKey] = answer
	}
	a.stage.values.learn(w.subjects, f.wrapped)
}

// connect opens the appender's own connection unless it is open.
func (a *appender) connect(ctx context.Context) error {
	if a.own != nil && !a.own.IsClosed() {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), connectTimeout)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, a.conn)
	if err != nil {
		return fmt.Errorf("connect to append: %w", err)
	}
	if err := takeRole(ctx, conn); err != nil {
		return errors.Join(fmt.Errorf("connect to append: %w", err), conn.Close(ctx))
	}
	a.own = conn
	return nil
}

// release ends the transaction, and with it the lock, without a trace.
func (a *appender) release() {
	if a.own == nil || a.own.IsClosed() {
		a.own = nil
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	if _, err := a.own.Exec(ctx, "ROLLBACK"); err != nil {
		a.disconnect()
	}
}

func (a *appender) disconnect() {
	if a.own == nil {
		return
	}
	ctx, cancel := context.WithTimeout(context.Background(), connectTimeout)
	defer cancel()
	_ = a.own.Close(ctx) // nothing is to be saved
	a.own = nil
}

// Each is a statement of its own, so that READ COMMITTED gives it a snapshot that
// is younger than the lock.
const (
	beginTransaction = `BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE`
	takeLock         = `SELECT pg_advisory_xact_lock($1)`
	// The timeline is the first part of the name of the WAL file that is written.
	selectOpening = `
		SELECT ` + headColumns + `, coalesce((SELECT max(at) FROM bounds), 'epoch'), clock_timestamp(),
		       ('x' || left(pg_walfile_name(pg_current_wal_lsn()), 8))::bit(32)::int
		FROM (VALUES (1)) AS always LEFT JOIN LATERAL (` + lastBlock + `) AS b ON true`
	headColumns = `coalesce(last_position, 0), coalesce(term, 0), coalesce(timeline, 0), coalesce(recorded_at, 'epoch'),
		coalesce(writer, '00000000-0000-0000-0000-000000000000'), coalesce(writer_seq, 0)`
	lastBlock = `SELECT last_position, term, timeline, recorded_at, writer, writer_seq
		FROM blocks ORDER BY last_position DESC LIMIT 1`
	selectStreams = `SELECT stream_id, version, gate_closed, gate_until FROM streams WHERE stream_id = ANY ($1)`
)

// begin opens the transaction of a block, waits for the lock and reads the head,
// and what is wanted with it.
func (a *appender) begin(ctx context.Context, w wanted) (opening, facts, error) {
	var o opening
	var f facts
	b := &pgx.Batch{}
	b.Queue(beginTransaction)
	b.Queue(takeLock, a.lockKey)
	b.Queue(selectOpening).QueryRow(func(row pgx.Row) error {
		h := &o.head
		return row.Scan(&h.last, &h.term, &h.timeline, &h.recordedAt, &h.writer, &h.seq, &o.floor, &o.now, &o.timeline)
	})
	w.ask(b, &f)
	if err := a.own.SendBatch(ctx, b).Close(); err != nil {
		return o, f, fmt.Errorf("begin a block: %w", err)
	}
	o.now, o.head.recordedAt = a.dated(o.now).UTC(), o.head.recordedAt.UTC()
	return o, f, nil
}

// commit writes the block and everything of its transaction. While the database
// works on it, the receipts are completed.
func (a *appender) commit(ctx context.Context, block *Block, requests []*pending) error {
	b := &pgx.Batch{}
	if block != nil {
		tally, err := json.Marshal(block.tally)
		if err != nil {
			return err
		}
		b.Queue(`INSERT INTO blocks (`+blockColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)`,
			int64(block.Last), int64(block.First), block.Term, block.timeline, block.RecordedAt,
			block.leaves, tally, block.sealed, block.writer, block.seq)
	}
	if err := a.stage.queueRows(b); err != nil {
		return err
	}
	b.Queue("COMMIT").Exec(func(tag pgconn.CommandTag) error {
		if tag.String() != "COMMIT" {
			return fmt.Errorf("COMMIT was answered by %s", tag)
		}
		return nil
	})
	before := a.unreplicated.Load()
	results := a.own.SendBatch(ctx, b)
	a.stage.hash(requests)
	err := results.Close()
	if err == nil && a.unreplicated.Load() != before {
		err = errUnreplicated
	}
	if err != nil {
		return fmt.Errorf("commit a block: %w", err)
	}
	return nil
}

// streamRow is a row of streams, as far as checks need it.
type streamRow struct {
	id    string
	state streamState
}

func scanStream(row pgx.CollectableRow) (streamRow, error) {
	var r streamRow
	var gate events.Gate
	var until *time.Time
	err := row.Scan(&r.id, &r.state.version, &gate.Closed, &until)
	if until != nil {
		gate.Until = *until
	}
	r.state.setGate(gate)
	return r, err
}
