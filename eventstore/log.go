// The Log: its configuration, how it is opened and what it is called.

package eventstore

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/pressly/goose/v3"
	"go.opentelemetry.io/otel/trace"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/fair"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// ErrCorrupt is returned when what is read cannot be what was appended: a
// position is missing, a leaf is not canonical, the end of the log is gone.
// Races cannot cause it.
var ErrCorrupt = errors.New("the log is corrupt")

// Config says where the log is. Only URL is required.
type Config struct {
	// URL is the Postgres connection string. Its user must be able to take on
	// the role tokenledger_appender, which Migrate sees to.
	URL string
	// Schema is the Postgres schema of the log; empty means DefaultSchema.
	Schema string
	// Keys open and seal personal values. Without them such values are read as
	// empty, and events that have some are refused.
	Keys *keyring.Ring
	// Archives hold what was archived and has left the database. Nil: reading it is
	// refused with an error that wraps [events.ErrArchived].
	Archives Archives
	// Logger gets what happens beside answers to callers. Nil discards it.
	Logger *slog.Logger
	// Tracer makes the spans of appends and commits. Nil: nothing is traced.
	Tracer trace.Tracer
	// Queries follows what is asked of the database, as a part of those spans. Nil: nothing does.
	Queries pgx.QueryTracer
	// Meter is told what becomes of appends. Nil: nobody is.
	Meter Meter
	// Now is the process's clock, to notice that the server's is off. Nil means
	// time.Now.
	Now func() time.Time
	// Story dates the events of a demo in place of both clocks; see [MarkDemo]. Open
	// refuses it for any other log.
	Story func() time.Time
}

func (c *Config) validate() error {
	if c.URL == "" {
		return errors.New("event store: URL is empty; name the database")
	}
	if c.Schema == "" {
		c.Schema = DefaultSchema
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	if c.Story != nil {
		c.Now = c.Story
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	return nil
}

// Log is one log. Its methods may be called from any goroutine. Reading works at
// once; appends are answered while Run runs.
type Log struct {
	config    Config
	origin    string
	lockKey   int64 // of the advisory lock that appenders of this log take in turn
	pool      *pgxpool.Pool
	conn      *pgx.ConnConfig // of the appender's own connection
	queue     *queue
	tail      *tail
	subjects  *subjectKeys
	nudge     chan struct{}
	ran       atomic.Bool  // Run was called, which closes the queue at its end
	rewrapped atomic.Int64 // the version that wraps the keys of all subjects, as far as is known
	catching  sync.Mutex   // one goroutine at a time reads what the tail lacks

	unreplicated *unreplicated
}

// Open connects to a migrated database. The error wraps [ErrNotMigrated] where
// [Migrate] is to be called first.
func Open(ctx context.Context, c Config) (*Log, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	pc, err := pgxpool.ParseConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	unreplicated := &unreplicated{}
	configure(pc, c.Schema)
	pc.ConnConfig.OnNotice = unreplicated.notice
	pc.ConnConfig.Tracer = c.Queries
	pool, err := pgxpool.NewWithConfig(ctx, pc)
	if err != nil {
		return nil, fmt.Errorf("open the log: %w", err)
	}
	l := &Log{
		config: c, pool: pool, conn: appenderConfig(pc.ConnConfig),
		queue: newQueue(), tail: newTail(), nudge: make(chan struct{}, 1), unreplicated: unreplicated,
	}
	if err := l.identify(ctx); err != nil {
		pool.Close()
		return nil, fmt.Errorf("open the log: %w", err)
	}
	if c.Story != nil && !IsDemo(l.origin) {
		pool.Close()
		return nil, fmt.Errorf("open the log to tell a story: %w", ErrDemo)
	}
	l.subjects = newSubjectKeys(l.origin, c.Keys)
	return l, nil
}

func configure(pc *pgxpool.Config, schema string) {
	params := pc.ConnConfig.RuntimeParams
	params["search_path"] = pgx.Identifier{schema}.Sanitize()
	if params["application_name"] == "" {
		params["application_name"] = "tokenledger"
	}
	pc.AfterConnect = takeRole
}

// takeRole gives up the rights of the URL's user, who may own the tables.
func takeRole(ctx context.Context, conn *pgx.Conn) error {
	_, err := conn.Exec(ctx, "SET ROLE "+RoleAppender)
	return err
}

// appenderConfig is for the connection that holds the log's lock: it must never
// hold it long, whatever becomes of its process or of the network between.
func appenderConfig(c *pgx.ConnConfig) *pgx.ConnConfig {
	c = c.Copy()
	c.ConnectTimeout = connectTimeout
	c.RuntimeParams["application_name"] = "tokenledger-appender"
	c.RuntimeParams["lock_timeout"] = "10s"
	c.RuntimeParams["idle_in_transaction_session_timeout"] = "10s"
	return c
}

// identify reads which log this is and whether its schema is new enough.
func (l *Log) identify(ctx context.Context) (err error) {
	if l.origin, err = l.read(ctx); err != nil {
		return err
	}
	h := sha256.Sum256([]byte("tokenledger append " + l.origin))
	l.lockKey = int64(binary.BigEndian.Uint64(h[:8]))
	return nil
}

// Check asks the database whether it still holds this log, at a version of the
// schema that this program works with. The error wraps [ErrNotMigrated] or
// [ErrCorrupt], or is one of asking.
func (l *Log) Check(ctx context.Context) error {
	origin, err := l.read(ctx)
	if err == nil && origin != l.origin {
		err = fmt.Errorf("%w: the database holds the log %s, this program began with %s", ErrCorrupt, origin, l.origin)
	}
	return err
}

func (l *Log) read(ctx context.Context) (origin string, err error) {
	var version int64
	const sql = `SELECT origin::text, (SELECT max(version_id) FROM goose_db_version WHERE is_applied) FROM log`
	err = l.pool.QueryRow(ctx, sql).Scan(&origin, &version)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && (e.Code == undefinedTable || e.Code == undefinedRole) {
		return "", fmt.Errorf("%w: %w", ErrNotMigrated, err)
	}
	if err != nil {
		return "", err
	}
	if newest := newestMigration(); version < newest {
		return "", fmt.Errorf("%w: it is at version %d, this program needs %d", ErrNotMigrated, version, newest)
	}
	return origin, nil
}

const (
	undefinedTable = "42P01"
	undefinedRole  = "22023" // invalid_parameter_value, which SET ROLE answers
)

func newestMigration() (newest int64) {
	files, _ := migrations.ReadDir("migrations") // embedded, thus there
	for _, f := range files {
		if n, err := goose.NumericComponent(f.Name()); err == nil {
			newest = max(newest, n)
		}
	}
	return newest
}

// Close ends all connections. It must not be called while Run runs.
func (l *Log) Close() { l.pool.Close() }

// Origin is the UUID that the log got from its first migration. With a position
// it names an event for good.
func (l *Log) Origin() string { return l.origin }

// Head is the position of the last event, 0 in an empty log.
func (l *Log) Head(ctx context.Context) (events.Position, error) {
	var head events.Position
	const sql = `SELECT coalesce((SELECT last_position FROM blocks ORDER BY last_position DESC LIMIT 1), 0)`
	if err := l.pool.QueryRow(ctx, sql).Scan(&head); err != nil {
		return 0, fmt.Errorf("read the head of the log: %w", err)
	}
	return head, nil
}

// Waiting tells how many appends wait, how many may, and how many were refused with
// [events.ErrBusy].
func (l *Log) Waiting() fair.State { return l.queue.room.State() }

// Nudge says that the head moved, so that this process need not wait for its
// next look.
func (l *Log) Nudge() {
	select {
	case l.nudge <- struct{}{}:
	default:
	}
}
