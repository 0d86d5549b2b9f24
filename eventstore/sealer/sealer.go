// The Sealer: its configuration, its life, and what it tells about itself.

package sealer

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"iter"
	"log/slog"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// ErrRefused is why nothing is signed: the log or the tables contradict what was
// signed before. Waiting does not mend it; a person has to look.
var ErrRefused = errors.New("the log contradicts what was signed")

// Source is the log as the sealer needs it; [eventstore.Log] is one.
type Source interface {
	Origin() string
	Head(ctx context.Context) (events.Position, error)
	Bound(ctx context.Context) (eventstore.Bound, error)
	LastBound(ctx context.Context) (eventstore.Bound, error)
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
}

// Config says what is sealed, with what, and how often.
type Config struct {
	Log    Source
	URL    string // of the log's database
	Schema string // of the log; empty means eventstore.DefaultSchema

	// Signer makes the key that signs for a log of epochs with this name.
	Signer func(origin string) (note.Signer, error)
	// Verifiers are all keys that have signed for it, also those of before a rotation.
	Verifiers func(origin string) ([]note.Verifier, error)
	// Blinding is the key of the salts of heads.
	Blinding []byte
	// Outside is the directory of the checkpoints that are kept apart from the database.
	Outside string

	// Publish tells the world of a checkpoint that is stored; its error is logged. Nil tells nobody.
	Publish func(ctx context.Context, checkpoint []byte) error

	Every  time.Duration // between epochs when something changed; 0 means a second
	Idle   time.Duration // between epochs when nothing did; 0 means a minute
	Logger *slog.Logger  // nil discards
}

func (c *Config) validate() error {
	var problems []error
	missing := func(field string, is bool) {
		if is {
			problems = append(problems, fmt.Errorf("the field %s is missing", field))
		}
	}
	missing("Log", c.Log == nil)
	missing("URL", c.URL == "")
	missing("Signer", c.Signer == nil)
	missing("Verifiers", c.Verifiers == nil)
	missing("Outside", c.Outside == "")
	if len(c.Blinding) < merkle.BlinderLength {
		problems = append(problems, fmt.Errorf("the field Blinding has %d bytes, it needs %d", len(c.Blinding), merkle.BlinderLength))
	}
	if c.Every < 0 || c.Idle < 0 {
		problems = append(problems, errors.New("the fields Every and Idle cannot be negative"))
	}
	if c.Schema == "" {
		c.Schema = eventstore.DefaultSchema
	}
	if c.Every == 0 {
		c.Every = time.Second
	}
	if c.Idle == 0 {
		c.Idle = time.Minute
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return errors.Join(problems...)
}

// Sealer seals a log. Any number of them may run, in any number of processes; the
// one that has the lease works, the others wait for it.
type Sealer struct {
	config  Config
	blinder *merkle.Blinder // used by Run only

	mu     sync.Mutex // guards status
	status Status
}

// New checks the configuration. Nothing happens before Run.
func New(c Config) (*Sealer, error) {
	if err := c.validate(); err != nil {
		return nil, fmt.Errorf("sealer: %w", err)
	}
	blinder, err := merkle.NewBlinder(c.Blinding)
	if err != nil {
		return nil, fmt.Errorf("sealer: %w", err)
	}
	return &Sealer{config: c, blinder: blinder}, nil
}

// Status is how a sealer is doing.
type Status struct {
	Leader      bool            // it has the lease
	Epoch       int64           // the last one that it has sealed or found; -1 before the first
	Position    events.Position // the last event in it
	Time        time.Time       // of it
	Interrupted error           // why it does not seal for now
	Refused     error           // wraps [ErrRefused] or [eventstore.ErrCorrupt]: a person has to look
	Unpublished error           // why the last checkpoint was not published
}

// Status may be called at any time.
func (s *Sealer) Status() Status {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.status
}

func (s *Sealer) report(change func(*Status)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(&s.status)
}

// Run seals until ctx ends, and then returns nil. It waits through outages of the
// database. While it refuses to sign it tries again now and then, since a person
// may have mended what it found.
func (s *Sealer) Run(ctx context.Context) error {
	s.report(func(st *Status) { st.Epoch = -1 })
	for ctx.Err() == nil {
		err := s.serve(ctx)
		if ctx.Err() != nil {
			break
		}
		s.failed(ctx, err)
		sleep(ctx, s.config.pause(err))
	}
	return nil
}

// refused reports whether an error is one that waiting does not mend.
func refused(err error) bool {
	return errors.Is(err, ErrRefused) || errors.Is(err, eventstore.ErrCorrupt)
}

// pause is how long to wait after an error before the next attempt.
func (c *Config) pause(err error) time.Duration {
	if refused(err) {
		return c.Idle
	}
	return c.Every
}

// failed tells of a fault once, not at each attempt.
func (s *Sealer) failed(ctx context.Context, err error) {
	before := s.Status()
	s.report(func(st *Status) {
		st.Leader, st.Interrupted = false, err
		if refused(err) {
			st.Refused = err
		}
	})
	switch {
	case refused(err) && before.Refused == nil:
		s.config.Logger.LogAttrs(ctx, slog.LevelError, "nothing is sealed any more until a person has looked", slog.String("error", err.Error()))
	case !refused(err) && before.Interrupted == nil:
		s.config.Logger.LogAttrs(ctx, slog.LevelWarn, "sealing is interrupted", slog.String("error", err.Error()))
	}
}

// serve takes the lease and seals until something fails.
func (s *Sealer) serve(ctx context.Context) error {
	conn, err := s.config.connect(ctx)
	if err != nil {
		return err
	}
	defer func() { _ = conn.Close(context.WithoutCancel(ctx)) }() // and with it the lease
	if err := s.lease(ctx, conn); err != nil {
		return err
	}
	work := &session{Sealer: s, conn: conn}
	defer work.close()
	if err := work.recover(ctx); err != nil {
		return err
	}
	s.report(func(st *Status) {
		*st = Status{Leader: true, Epoch: work.epochs.Size() - 1, Position: events.Position(work.last.Size), Time: work.last.Time}
	})
	return work.run(ctx)
}

// lease waits until no other sealer works on this log.
func (s *Sealer) lease(ctx context.Context, conn *pgx.Conn) error {
	h := sha256.Sum256([]byte("tokenledger seal " + s.config.Log.Origin()))
	key := int64(binary.BigEndian.Uint64(h[:8]))
	waiting := &session{Sealer: s, conn: conn}
	defer waiting.close()
	for {
		var got bool
		if err := conn.QueryRow(ctx, `SELECT pg_try_advisory_lock($1)`, key).Scan(&got); err != nil {
			return fmt.Errorf("take the lease of the sealer: %w", err)
		}
		if got {
			return nil
		}
		if err := waiting.keepUp(ctx); err != nil {
			return err
		}
		s.report(func(st *Status) { st.Leader, st.Interrupted, st.Refused = false, nil, nil })
		if sleep(ctx, s.config.Every); ctx.Err() != nil {
			return ctx.Err()
		}
	}
}

// connect opens a session as the application, which may insert and select only.
func (c *Config) connect(ctx context.Context) (*pgx.Conn, error) {
	config, err := parse(c.URL, c.Schema)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	conn, err := pgx.ConnectConfig(ctx, config.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect to seal: %w", err)
	}
	if err := takeRole(ctx, conn); err != nil {
		return nil, errors.Join(fmt.Errorf("connect to seal: %w", err), conn.Close(ctx))
	}
	return conn, nil
}

func sleep(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
	case <-ctx.Done():
	}
}
