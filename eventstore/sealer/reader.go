// The Reader: epochs by number, time and position.

package sealer

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// ErrNotSealed is returned where no epoch answers the question: there is none at
// all, none so early, or none so late yet.
var ErrNotSealed = errors.New("no epoch was sealed for this")

// ErrOtherLog is returned for two epochs of two logs: between them the database
// was restored to an earlier point, and nothing proves one from the other.
var ErrOtherLog = errors.New("the epochs are of two logs, between which the database was restored")

// ReaderConfig says what is read.
type ReaderConfig struct {
	Log    Source
	URL    string // of the log's database
	Schema string // of the log; empty means eventstore.DefaultSchema
	// Blinding is the key of the salts of heads, needed for proofs of heads only.
	Blinding []byte
	// Verifiers are all keys that have signed for a log of epochs with this name.
	Verifiers func(origin string) ([]note.Verifier, error)
}

// querier is a pool or a connection.
type querier interface {
	Query(ctx context.Context, sql string, args ...any) (pgx.Rows, error)
	QueryRow(ctx context.Context, sql string, args ...any) pgx.Row
}

// Reader answers from what was sealed, in this process or another. It may be used
// from any goroutine.
type Reader struct {
	config ReaderConfig
	db     querier
	pool   *pgxpool.Pool // nil: db belongs to someone else
	log    int           // 0: the newest, whichever that is
}

// OpenReader connects to the tables of the sealer.
func OpenReader(ctx context.Context, c ReaderConfig) (*Reader, error) {
	if c.Schema == "" {
		c.Schema = eventstore.DefaultSchema
	}
	pc, err := parse(c.URL, c.Schema)
	if err != nil {
		return nil, err
	}
	pc.AfterConnect = takeRole
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open the sealer's tables: %w", err)
	}
	return &Reader{config: c, db: pool, pool: pool}, nil
}

func newReader(c Config, db querier) *Reader {
	return &Reader{db: db, config: ReaderConfig{
		Log: c.Log, Schema: c.Schema, Blinding: c.Blinding, Verifiers: c.Verifiers,
	}}
}

// Close ends the reader's connections.
func (r *Reader) Close() {
	if r.pool != nil {
		r.pool.Close()
	}
}

func parse(url, schema string) (*pgxpool.Config, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	params := c.ConnConfig.RuntimeParams
	params["search_path"] = pgx.Identifier{schema}.Sanitize()
	params["application_name"] = "tokenledger-sealer"
	params["jit"] = "off"
	return c, nil
}

// takeRole gives up the rights of the URL's user, who may own the tables.
func takeRole(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET ROLE "+eventstore.RoleAppender)
	return err
}

// Seal asks the sealer, wherever it runs, for an epoch that holds all events up to
// now, and waits for it: its Time is after the call began. It fails when ctx ends.
func (r *Reader) Seal(ctx context.Context) (Sealed, error) {
	bound, err := r.config.Log.Bound(ctx)
	if err != nil {
		return Sealed{}, err
	}
	for {
		sealed, err := r.Latest(ctx)
		if err == nil && !sealed.Epoch.Time.Before(bound.Time) {
			return sealed, nil
		}
		if err != nil && !errors.Is(err, ErrNotSealed) {
			return Sealed{}, err
		}
		if sleep(ctx, 50*time.Millisecond); ctx.Err() != nil {
			return Sealed{}, fmt.Errorf("wait for an epoch of %s: %w", bound.Time.Format(time.RFC3339Nano), ctx.Err())
		}
	}
}

const selectEpochs = `SELECT log, record, checkpoint FROM epochs WHERE log = coalesce(nullif($1, 0), (SELECT max(log) FROM seal_logs)) AND `

// Newest is the number of the newest log of epochs, which may have none yet; 0 where
// nothing was ever sealed.
func (r *Reader) Newest(ctx context.Context) (log int, err error) {
	if err = r.db.QueryRow(ctx, `SELECT coalesce(max(log), 0) FROM seal_logs`).Scan(&log); err != nil {
		return 0, fmt.Errorf("read which log is sealed: %w", err)
	}
	return log, nil
}

// Latest is the newest epoch.
func (r *Reader) Latest(ctx context.Context) (Sealed, error) {
	return r.one(ctx, `true ORDER BY number DESC LIMIT 1`)
}

// Epoch is the epoch with this number, from 0.
func (r *Reader) Epoch(ctx context.Context, number int64) (Sealed, error) {
	return r.one(ctx, `number = $2`, number)
}

// AtOrAfter is the first epoch whose time is at t or after it: it holds every event
// that was recorded before t. [ErrNotSealed] says that t is after the last epoch;
// [Reader.Latest] then tells the latest possible time.
func (r *Reader) AtOrAfter(ctx context.Context, t time.Time) (Sealed, error) {
	return r.one(ctx, `at >= $2 ORDER BY at LIMIT 1`, t)
}

// AtOrBefore is the last epoch whose time is at t or before it: it holds no event
// that was recorded at t or after. [ErrNotSealed] says that the log begins after t.
func (r *Reader) AtOrBefore(ctx context.Context, t time.Time) (Sealed, error) {
	return r.one(ctx, `at <= $2 ORDER BY at DESC LIMIT 1`, t)
}

// Holding is the first epoch that holds the event at a position.
func (r *Reader) Holding(ctx context.Context, p events.Position) (Sealed, error) {
	return r.one(ctx, `position >= $2 ORDER BY position, number LIMIT 1`, int64(p))
}

// Epochs gives the epochs with from <= time < to, in order.
func (r *Reader) Epochs(ctx context.Context, from, to time.Time) iter.Seq2[Sealed, error] {
	return func(yield func(Sealed, error) bool) {
		next := int64(0)
		for {
			page, err := r.some(ctx, `at >= $2 AND at < $3 AND number >= $4 ORDER BY number LIMIT 1000`, from, to, next)
			if err != nil {
				yield(Sealed{}, err)
				return
			}
			for _, s := range page {
				if !yield(s, nil) {
					return
				}
				next = s.Epoch.Number + 1
			}
			if len(page) < 1000 {
				return
			}
		}
	}
}

func (r *Reader) one(ctx context.Context, where string, args ...any) (Sealed, error) {
	found, err := r.some(ctx, where, args...)
	if err == nil && len(found) == 0 {
		err = ErrNotSealed
	}
	if err != nil {
		return Sealed{}, err
	}
	return found[0], nil
}

func (r *Reader) some(ctx context.Context, where string, args ...any) ([]Sealed, error) {
	rows, _ := r.db.Query(ctx, selectEpochs+where, append([]any{r.log}, args...)...) // its error comes out of the rows
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (s Sealed, err error) {
		if err = row.Scan(&s.Log, &s.Record, &s.Checkpoint); err == nil {
			s.Epoch, err = merkle.ParseEpoch(s.Record)
		}
		return s, err
	})
	if err != nil {
		return nil, fmt.Errorf("read epochs: %w", err)
	}
	return found, nil
}

// Origin is the name of the log of epochs that an epoch stands in, and of the keys
// that sign for it.
func (r *Reader) Origin(s Sealed) string { return Origin(r.config.Log.Origin(), s.Log) }

// Keys are the verifiers of the log of epochs that an epoch stands in.
func (r *Reader) Keys(s Sealed) ([]note.Verifier, error) { return r.config.Verifiers(r.Origin(s)) }

// InLog is a reader of one log of epochs, the newest or one that a restore ended.
func (r *Reader) InLog(log int) *Reader {
	of := *r
	of.log, of.pool = log, nil
	return &of
}
