// The engine: follows the log and hands each event to every projection exactly once.

package projections

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"sync"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
)

// RunnerConfig says which read models are built from which log. Logger
// defaults to none.
type RunnerConfig struct {
	Log         Source
	Pool        *pgxpool.Pool // see [OpenPool]
	Projections []Projection
	Tracer      trace.Tracer // of the runs that are applied; nil: nothing is traced
	Logger      *slog.Logger
}

// waitLimit is how long [Runner.Wait] waits.
const waitLimit = 2 * time.Second

// Runner keeps read models up to date. Any number of processes may run one on
// the same database: a batch and the step of its checkpoint are one transaction,
// and the checkpoint only moves from where it was.
type Runner struct {
	log    Source
	hub    *hub
	pool   *pgxpool.Pool
	tracer trace.Tracer
	logger *slog.Logger
	all    []Projection

	mu     sync.Mutex // guards all below
	status []Status
	moved  chan struct{} // closed and replaced whenever a position grows
}

// Status is how one projection is.
type Status struct {
	Name     string
	Revision int
	Active   bool            // it answers; false while its first build is not done
	Position events.Position // of the last event that it includes, as far as this process knows
	Err      error           // why it stands still
}

// OpenPool opens connections that may write read models and read the log.
func OpenPool(ctx context.Context, url, schema string) (*pgxpool.Pool, error) {
	return OpenTracedPool(ctx, url, schema, nil)
}

// OpenTracedPool is OpenPool with something that follows what is asked; nil: nothing does.
func OpenTracedPool(ctx context.Context, url, schema string, queries pgx.QueryTracer) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("database URL: %w", err)
	}
	params := c.ConnConfig.RuntimeParams
	params["search_path"] = pgx.Identifier{schema + "_views"}.Sanitize() + ", " + pgx.Identifier{schema}.Sanitize()
	params["application_name"] = "tokenledger-projections"
	c.ConnConfig.Tracer = queries
	params["jit"] = "off" // compiling a page's statement takes longer than running it
	c.AfterConnect = func(ctx context.Context, conn *pgx.Conn) error {
		plainUUIDs(conn.TypeMap())
		_, err := conn.Exec(ctx, "SET ROLE tokenledger_projector")
		return err
	}
	return pgxpool.NewWithConfig(ctx, c)
}

// NewRunner prepares the catalogue of generations and the first generation of
// each projection, so that every view can be asked from then on.
func NewRunner(ctx context.Context, c RunnerConfig) (*Runner, error) {
	r := &Runner{log: c.Log, hub: newHub(c.Log), pool: c.Pool, tracer: c.Tracer, logger: c.Logger, all: c.Projections, moved: make(chan struct{})}
	if r.logger == nil {
		r.logger = slog.New(slog.DiscardHandler)
	}
	for _, p := range c.Projections {
		if !projectionName.MatchString(p.Name()) {
			return nil, fmt.Errorf("projection %q: a name is of lower-case letters, at most 24", p.Name())
		}
		r.status = append(r.status, Status{Name: p.Name(), Revision: p.Revision()})
	}
	if err := r.prepare(ctx); err != nil {
		return nil, fmt.Errorf("prepare projections: %w", err)
	}
	return r, nil
}

// Run follows the log until ctx ends.
func (r *Runner) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { r.hub.run(ctx); return nil })
	for i, p := range r.all {
		group.Go(func() error { return r.keep(ctx, i, p) })
	}
	return group.Wait()
}

// The pauses between tries: after a fault that passes by itself, and after one
// that a person has to mend.
const (
	shortPause = 200 * time.Millisecond
	longPause  = 30 * time.Second
)

// keep runs one projection, over faults: they are its own and stop no other.
func (r *Runner) keep(ctx context.Context, i int, p Projection) error {
	for ctx.Err() == nil {
		err := r.follow(ctx, i, p)
		if ctx.Err() != nil {
			break
		}
		if errors.Is(err, errMoved) {
			continue // somebody has done the work: no fault, and nothing to wait for
		}
		pause := shortPause
		if poisonous(err) {
			pause = longPause
			r.logger.ErrorContext(ctx, "a projection stands still", "projection", p.Name(), "error", err)
		}
		r.report(i, func(s *Status) { s.Err = err })
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// follow brings the projection to the generation that this program needs and
// then applies what comes, until an error.
func (r *Runner) follow(ctx context.Context, i int, p Projection) error {
	g, err := r.generation(ctx, p)
	if err != nil {
		return err
	}
	if g.Revision < p.Revision() {
		if err := r.build(ctx, p, nil); err != nil {
			return err
		}
		return errMoved
	}
	r.report(i, func(s *Status) {
		s.Active, s.Revision, s.Position, s.Err = true, g.Revision, g.position, nil
	})
	if g.Revision > p.Revision() {
		return fmt.Errorf("%s: a newer program has taken over with revision %d", p.Name(), g.Revision)
	}
	defer func() { r.keepPlace(ctx, p, &g) }()
	feed := newFeed(ctx, r.hub, g.position)
	defer func() { feed.stop() }()
	careful := events.Position(0) // up to there, one event at a time: one of them is bad
	for {
		run, err := feed.next(ctx, g.position < careful, g.due())
		if err != nil {
			return err
		}
		if len(run) > 0 && passOver(p, &g, run) {
			r.report(i, func(s *Status) { s.Position = g.position })
			continue
		}
		switch err := r.applyTraced(ctx, p, &g, run); {
		case err == nil:
			r.report(i, func(s *Status) { s.Position, s.Err = g.position, nil })
		case poisonous(err) && len(run) > 1:
			careful = run[len(run)-1].Position
			feed.stop()
			feed = newFeed(ctx, r.hub, g.position)
		default:
			return err
		}
	}
}

// errMoved: another process has moved the checkpoint; look where it is now.
var errMoved = errors.New("the checkpoint has moved")

func (r *Runner) applyTraced(ctx context.Context, p Projection, g *generation, run []events.Recorded) error {
	ctx, end := r.traceRun(ctx, p.Name(), run)
	err := r.apply(ctx, p, g, run)
	end(err)
	return err
}

// applying begins the transaction of a run. What a crash loses of it is made again
// from the log, the checkpoint being lost with it; so commits need not wait for the disk.
var applying = pgx.TxOptions{BeginQuery: "BEGIN; SET LOCAL synchronous_commit = off"}

// apply is the one transaction of a run and the checkpoint behind it. Without events
// the checkpoint follows those that were passed over.
func (r *Runner) apply(ctx context.Context, p Projection, g *generation, run []events.Recorded) error {
	last := g.position
	if len(run) > 0 {
		last = run[len(run)-1].Position
	}
	err := pgx.BeginTxFunc(ctx, r.pool, applying, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `UPDATE projections SET position = $1
			WHERE name = $2 AND revision = $3 AND build = $4 AND position = $5`, last, g.Projection, g.Revision, g.Build, g.stored)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return errMoved
		}
		if len(run) == 0 {
			return nil
		}
		return applyRun(ctx, tx, p, g.Tables, run)
	})
	if err == nil {
		g.position, g.stored, g.storedAt = last, last, time.Now()
	}
	return err
}

// applyRun lets no event through that this program does not know, unless the
// projection takes leaves as they are.
func applyRun(ctx context.Context, tx pgx.Tx, p Projection, t Tables, run []events.Recorded) error {
	if _, verbatim := p.(Verbatim); !verbatim {
		for _, rec := range run {
			if _, unknown := rec.Event.(events.Unknown); unknown {
				return at(rec, ErrUnknownEvent)
			}
		}
	}
	return p.Apply(ctx, tx, t, run)
}

func (r *Runner) report(i int, change func(*Status)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(&r.status[i])
	close(r.moved)
	r.moved = make(chan struct{})
}

// Status tells how each projection is.
func (r *Runner) Status() []Status {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]Status(nil), r.status...)
}

// Wait returns when every read model includes the position, or after two
// seconds with an error that wraps [ErrStale]. The hub does not gather beyond a
// position that is waited for.
func (r *Runner) Wait(ctx context.Context, p events.Position) error { return r.WaitFor(ctx, p) }

// WaitFor is Wait for some read models alone; for all, where none is named.
func (r *Runner) WaitFor(ctx context.Context, p events.Position, names ...string) error {
	limit := time.NewTimer(waitLimit)
	defer limit.Stop()
	for wanted := false; ; {
		r.mu.Lock()
		behind, moved := "", r.moved
		for _, s := range r.status {
			if s.Position < p && (len(names) == 0 || slices.Contains(names, s.Name)) {
				behind = s.Name
			}
		}
		r.mu.Unlock()
		if behind == "" {
			return nil
		}
		if !wanted {
			wanted = true
			defer r.hub.want(p)()
		}
		select {
		case <-moved:
		case <-ctx.Done():
			return ctx.Err()
		case <-limit.C:
			return fmt.Errorf("%s has not reached position %d: %w", behind, p, ErrStale)
		}
	}
}
