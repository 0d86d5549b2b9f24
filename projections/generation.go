// Generations: the tables of a projection beside each other, of which one answers.

package projections

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// generation is the tables of one build and how far they are.
type generation struct {
	Tables
	position events.Position // up to where the tables are as the log says
	stored   events.Position // the checkpoint, which may be behind; see [passOver]
	storedAt time.Time
}

// lockGenerations keeps two processes from making or replacing generations at once.
const lockGenerations = `SELECT pg_advisory_xact_lock(hashtext(current_schema()), hashtext('projections'))`

// prepare makes what is missing: the catalogue, and a first generation of each
// projection, which answers at once since there is nothing older.
func (r *Runner) prepare(ctx context.Context) error {
	return pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockGenerations); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE TABLE IF NOT EXISTS projections (
			name text NOT NULL, revision int NOT NULL, build int NOT NULL, position bigint NOT NULL, active boolean NOT NULL,
			PRIMARY KEY (name, revision, build))`); err != nil {
			return err
		}
		if _, err := tx.Exec(ctx, `CREATE UNIQUE INDEX IF NOT EXISTS projections_active ON projections (name) WHERE active`); err != nil {
			return err
		}
		for _, p := range r.all {
			g, err := activeGeneration(ctx, tx, p.Name())
			switch {
			case errors.Is(err, pgx.ErrNoRows):
				err = first(ctx, tx, p)
			case err == nil:
				err = guardActive(ctx, tx, g.Tables)
			}
			if err != nil {
				return fmt.Errorf("%s: %w", p.Name(), err)
			}
		}
		return nil
	})
}

func first(ctx context.Context, tx pgx.Tx, p Projection) error {
	g := generation{Tables: Tables{p.Name(), p.Revision(), 1}}
	if err := begin(ctx, tx, p, g.Tables); err != nil {
		return err
	}
	return activate(ctx, tx, g.Tables)
}

// begin makes the tables of a generation that does not answer yet.
func begin(ctx context.Context, tx pgx.Tx, p Projection, t Tables) error {
	if err := p.Schema(ctx, tx, t); err != nil {
		return err
	}
	if err := guard(ctx, tx, t); err != nil {
		return err
	}
	_, err := tx.Exec(ctx, `INSERT INTO projections VALUES ($1, $2, $3, 0, false)`, t.Projection, t.Revision, t.Build)
	return err
}

// activate makes a generation the one that the views show, and drops all others.
func activate(ctx context.Context, tx pgx.Tx, t Tables) error {
	if _, err := tx.Exec(ctx, `UPDATE projections SET active = false WHERE name = $1 AND active`, t.Projection); err != nil {
		return err
	}
	if _, err := tx.Exec(ctx, `UPDATE projections SET active = true WHERE name = $1 AND revision = $2 AND build = $3`,
		t.Projection, t.Revision, t.Build); err != nil {
		return err
	}
	tables, err := tablesOf(ctx, tx, t.Projection)
	if err != nil {
		return err
	}
	for _, name := range tables {
		if base, ok := strings.CutSuffix(name, t.suffix()); ok {
			if err := show(ctx, tx, base, name); err != nil {
				return err
			}
		}
	}
	return drop(ctx, tx, t, tables)
}

// drop removes every generation of the projection but one.
func drop(ctx context.Context, tx pgx.Tx, keep Tables, tables []string) error {
	for _, name := range tables {
		if !strings.HasSuffix(name, keep.suffix()) {
			if _, err := tx.Exec(ctx, "DROP TABLE "+pgx.Identifier{name}.Sanitize()+" CASCADE"); err != nil {
				return err
			}
		}
	}
	_, err := tx.Exec(ctx, `DELETE FROM projections WHERE name = $1 AND (revision, build) <> ($2, $3)`,
		keep.Projection, keep.Revision, keep.Build)
	return err
}

// tablesOf lists the tables of all generations of a projection.
func tablesOf(ctx context.Context, tx pgx.Tx, projection string) ([]string, error) {
	rows, err := tx.Query(ctx, `SELECT tablename::text FROM pg_tables
		WHERE schemaname = current_schema() AND tablename ~ ('^' || $1 || '(_[a-z]+)?_r[0-9]+b[0-9]+$')`, projection)
	if err != nil {
		return nil, err
	}
	return pgx.CollectRows(rows, pgx.RowTo[string])
}

func activeGeneration(ctx context.Context, db queryer, name string) (generation, error) {
	g := generation{Tables: Tables{Projection: name}}
	err := db.QueryRow(ctx, `SELECT revision, build, position FROM projections WHERE name = $1 AND active`, name).
		Scan(&g.Revision, &g.Build, &g.position)
	g.stored = g.position
	return g, err
}

// generation is the one that answers for a projection now.
func (r *Runner) generation(ctx context.Context, p Projection) (generation, error) {
	g, err := activeGeneration(ctx, r.pool, p.Name())
	if err != nil {
		return g, fmt.Errorf("%s: %w", p.Name(), err)
	}
	return g, nil
}

// Rebuild makes a projection again from the first event, beside the one that
// answers, and lets it take over when it has caught up. progress, which may be
// nil, is told how far it is.
func (r *Runner) Rebuild(ctx context.Context, name string, progress func(done, total events.Position)) error {
	for _, p := range r.all {
		if p.Name() == name {
			return r.build(ctx, p, progress)
		}
	}
	return fmt.Errorf("%q: %w", name, ErrUnknownProjection)
}

func (r *Runner) build(ctx context.Context, p Projection, progress func(done, total events.Position)) error {
	g, err := r.newGeneration(ctx, p)
	if err != nil {
		return fmt.Errorf("build %s: %w", p.Name(), err)
	}
	for {
		head, err := r.log.Head(ctx)
		if err != nil {
			return err
		}
		if err := r.fill(ctx, p, &g, func(done events.Position) {
			if progress != nil {
				progress(done, max(head, done))
			}
		}); err != nil {
			return fmt.Errorf("build %s: %w", p.Name(), err)
		}
		done, err := r.takeOver(ctx, g)
		if done || err != nil {
			return err
		}
	}
}

func (r *Runner) newGeneration(ctx context.Context, p Projection) (g generation, err error) {
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockGenerations); err != nil {
			return err
		}
		g = generation{Tables: Tables{Projection: p.Name(), Revision: p.Revision()}}
		if err := tx.QueryRow(ctx, `SELECT coalesce(max(build), 0) + 1 FROM projections WHERE name = $1 AND revision = $2`,
			p.Name(), p.Revision()).Scan(&g.Build); err != nil {
			return err
		}
		return begin(ctx, tx, p, g.Tables)
	})
	return g, err
}

// fill applies everything up to the present head.
func (r *Runner) fill(ctx context.Context, p Projection, g *generation, progress func(events.Position)) error {
	var run []events.Recorded
	flush := func() error {
		if len(run) == 0 {
			return nil
		}
		err := r.apply(ctx, p, g, run)
		run = nil
		progress(g.position)
		return err
	}
	for b, err := range r.log.Blocks(ctx, g.position, false) {
		if err != nil {
			return err
		}
		recorded, err := b.Events()
		if err != nil {
			return err
		}
		for _, rec := range recorded {
			if rec.Position > g.position {
				run = append(run, rec)
			}
		}
		if len(run) >= maxRun {
			if err := flush(); err != nil {
				return err
			}
		}
	}
	return flush()
}

// takeOver lets the generation answer if it is as far as the one that does. The
// lock on the old one's checkpoint keeps that from moving meanwhile.
func (r *Runner) takeOver(ctx context.Context, g generation) (done bool, err error) {
	err = pgx.BeginFunc(ctx, r.pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(ctx, lockGenerations); err != nil {
			return err
		}
		var old events.Position
		err := tx.QueryRow(ctx, `SELECT position FROM projections WHERE name = $1 AND active FOR UPDATE`, g.Projection).Scan(&old)
		if err != nil {
			return err
		}
		if g.position < old {
			return nil
		}
		done = true
		return activate(ctx, tx, g.Tables)
	})
	if err != nil {
		return false, fmt.Errorf("take over %s: %w", g.Projection, err)
	}
	return done, nil
}

// Generation is one build of a projection, as a list of them shows it.
type Generation struct {
	Name     string
	Revision int
	Build    int
	Position events.Position
	Active   bool
}

// Generations lists the builds of all projections.
func Generations(ctx context.Context, db queryer) ([]Generation, error) {
	rows, err := db.Query(ctx, `SELECT name, revision, build, position, active FROM projections ORDER BY name, revision, build`)
	if err != nil {
		return nil, fmt.Errorf("list projections: %w", err)
	}
	out, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Generation])
	if err != nil {
		return nil, fmt.Errorf("list projections: %w", err)
	}
	return out, nil
}
