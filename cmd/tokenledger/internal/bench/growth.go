// What becomes of costs as a log grows: two logs side by side, a short one and a long one, in one Postgres.

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// GrowthOptions say how long the two logs are and what is asked of them.
type GrowthOptions struct {
	Short, Long   int // uses that they hold
	Organizations int
	Own           int // uses of the organization whose history is read, the same in both
	Appends       int // in each round
	Concurrency   int
	Rounds        int
	Snapshot      time.Duration // for how long a snapshot is held open
}

// Grown is a log that runs, and how to read what was made of it.
type Grown struct {
	Log    *eventstore.Log
	URL    string
	Schema string

	crowd *crowd
	head  events.Position // of what was seeded
}

// burst is how many uses of one organization come upon each other, as when a build runs.
const burst = 10

// Seed fills the log with n uses in bursts. Those of the first organization are
// spread evenly from the beginning to the end.
func (g *Grown) Seed(ctx context.Context, n int, o GrowthOptions) error {
	g.crowd = newCrowd(o.Organizations, burst*o.Organizations)
	if err := g.crowd.begin(ctx, g.Log, 1, 1000); err != nil {
		return err
	}
	if err := g.crowd.append(ctx, g.Log, n, func(i int) events.Batch { return g.crowd.useOf(o.turn(i, n), i) }, nil); err != nil {
		return fmt.Errorf("append uses: %w", err)
	}
	var err error
	g.head, err = g.Log.Head(ctx)
	return err
}

// turn is whose the i-th of n uses is: each of so many bursts is the first organization's.
func (o GrowthOptions) turn(i, n int) (organization int) {
	every := max(1, n/max(1, o.Own))
	if at := i / burst; at%every == 0 {
		return 0
	} else {
		return 1 + at*7919%(o.Organizations-1)
	}
}

// useOf is a use by one of the organization's tokens.
func (c *crowd) useOf(organization, i int) events.Batch {
	return c.useBy(organization+i%burst*len(c.organizations), i)
}

// Growth compares the long log with the short one in turn, and the long log with
// itself while a snapshot is open.
func Growth(ctx context.Context, short, long *Grown, o GrowthOptions, say func(string)) ([]Figure, error) {
	if err := long.settle(ctx); err != nil {
		return nil, err
	}
	beside := fmt.Sprintf("in a log of %d", o.Short)
	say("Appending to both …")
	many, err := inTurn(o.Rounds, short, long, func(g *Grown) (float64, error) { return g.perAppend(ctx, o.Concurrency, o.Appends) })
	if err != nil {
		return nil, err
	}
	one, err := inTurn(o.Rounds, short, long, func(g *Grown) (float64, error) { return g.oneAppend(ctx, o.Appends/burst) })
	if err != nil {
		return nil, err
	}
	before := fmt.Sprintf("of an append with %d in flight, in a log of %d", o.Concurrency, o.Long)
	all := []Figure{
		reported("time "+before, median(many[1]), "µs").beside(beside, median(many[0])).timesAtMost(1.2),
		reported("p50 of one append alone", median(one[1]), "ms").beside(beside, median(one[0])),
	}
	say(fmt.Sprintf("Holding a snapshot open for %v …", o.Snapshot))
	held, err := long.underSnapshot(ctx, o)
	if err != nil {
		return nil, err
	}
	all = append(all, held)
	say("Reading an organization's history …")
	histories, err := history(ctx, short, long, o)
	return append(all, histories...), err
}

// settle lets Postgres do what the seeding left to do, in both logs, which a log that
// grew in months has behind it: else it is done while one of them is measured.
func (g *Grown) settle(ctx context.Context) error {
	conn, err := pgx.Connect(ctx, g.URL)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range []string{"VACUUM (ANALYZE)", "CHECKPOINT"} {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("settle the logs: %w", err)
		}
	}
	return nil
}

// inTurn measures the short log and the long one, so often; each goes first in every
// other round, so that what changes with time changes for both.
func inTurn(rounds int, short, long *Grown, measure func(*Grown) (float64, error)) (out [2][]float64, err error) {
	logs := [2]*Grown{short, long}
	for round := range rounds {
		for k := range logs {
			i := (round + k) % len(logs)
			v, err := measure(logs[i])
			if err != nil {
				return out, err
			}
			out[i] = append(out[i], v)
		}
	}
	return out, nil
}

// perAppend is the time in microseconds that each of n appends takes, many being in flight.
func (g *Grown) perAppend(ctx context.Context, concurrency, n int) (float64, error) {
	each := max(1, n/concurrency)
	begin := time.Now()
	_, err := crew(ctx, concurrency, each, func(worker, call int) error { return g.use(ctx, worker*7919+call) })
	return float64(time.Since(begin).Microseconds()) / float64(each*concurrency), err
}

// oneAppend is the median in milliseconds of n appends, one after the other.
func (g *Grown) oneAppend(ctx context.Context, n int) (float64, error) {
	took, err := crew(ctx, 1, max(1, n), func(_, call int) error { return g.use(ctx, call) })
	return quantile(took, 0.5), err
}

// use appends a use of any organization but the first, whose history stays as it is.
func (g *Grown) use(ctx context.Context, i int) error {
	organization := 1 + i%(len(g.crowd.organizations)-1)
	_, err := g.Log.Append(ctx, events.Request{Batches: []events.Batch{g.crowd.useOf(organization, i)}})
	return err
}

// underSnapshot holds a snapshot open while appends go on, and compares the median
// of one append at its end with those before it and after it.
func (g *Grown) underSnapshot(ctx context.Context, o GrowthOptions) (Figure, error) {
	n := o.Appends / burst
	free, err := g.oneAppend(ctx, n)
	if err != nil {
		return Figure{}, err
	}
	conn, err := pgx.Connect(ctx, g.URL)
	if err != nil {
		return Figure{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, `BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM `+pgx.Identifier{g.Schema, "log"}.Sanitize()); err != nil {
		return Figure{}, err
	}
	for until := time.Now().Add(o.Snapshot); time.Now().Before(until); {
		if _, err := g.perAppend(ctx, 64, o.Appends); err != nil {
			return Figure{}, err
		}
	}
	held, err := g.oneAppend(ctx, n)
	if err != nil {
		return Figure{}, err
	}
	if _, err := conn.Exec(ctx, "ROLLBACK"); err != nil {
		return Figure{}, err
	}
	again, err := g.oneAppend(ctx, n)
	f := reported(fmt.Sprintf("p50 of one append with a snapshot of %v open", o.Snapshot), held, "ms")
	return f.beside("without, before and after", (free+again)/2).timesAtMost(1.2), err
}

// history reads what the first organization did: a timeline page by page, and its
// whole trail as an export does.
func history(ctx context.Context, short, long *Grown, o GrowthOptions) ([]Figure, error) {
	views := map[*Grown]*projections.Views{}
	for _, g := range []*Grown{short, long} {
		pool, stop, v, err := g.trails(ctx)
		if err != nil {
			return nil, err
		}
		defer pool.Close()
		defer func() { _ = stop() }()
		views[g] = v
	}
	ways := []struct {
		what string
		read func(context.Context, *projections.Views, events.TrailID) (int, error)
	}{
		{"timeline of one organization, page by page", readTimeline},
		{"trail of one organization, as an export reads it", readTrail},
	}
	var all []Figure
	for _, w := range ways {
		read := [2]int{}
		took, err := inTurn(o.Rounds*5, short, long, func(g *Grown) (float64, error) {
			begin := time.Now()
			n, err := w.read(ctx, views[g], events.OrganizationTrail(g.crowd.organizations[0]))
			if g == long {
				read[1] = n
			} else {
				read[0] = n
			}
			return time.Since(begin).Seconds() * 1000, err
		})
		if err != nil {
			return nil, fmt.Errorf("%s: %w", w.what, err)
		}
		what := fmt.Sprintf("%s, %d events of %d", w.what, read[1], o.Long)
		all = append(all, reported(what, median(took[1]), "ms").
			beside(fmt.Sprintf("%d events of %d", read[0], o.Short), median(took[0])).timesAtMost(2))
	}
	return all, nil
}

// trails builds the read model of trails alone.
func (g *Grown) trails(ctx context.Context) (*pgxpool.Pool, func() error, *projections.Views, error) {
	pool, err := projections.OpenPool(ctx, g.URL, g.Schema)
	if err != nil {
		return nil, nil, nil, err
	}
	var only []projections.Projection
	for _, p := range projections.All() {
		if p.Name() == "trails" {
			only = append(only, p)
		}
	}
	stop, runner, err := runModels(ctx, g.Log, pool, only, g.head)
	if err != nil {
		pool.Close()
		return nil, nil, nil, err
	}
	return pool, stop, projections.NewViews(pool, runner), nil
}

func readTimeline(ctx context.Context, v *projections.Views, trail events.TrailID) (n int, err error) {
	size := projections.MaxPage
	q := projections.EventQuery{Trail: trail, Page: projections.PageArgs{First: &size}}
	for {
		page, err := v.AuditEvents(ctx, q)
		if err != nil {
			return n, err
		}
		n += len(page.Edges)
		if !page.HasNext {
			return n, nil
		}
		q.Page.After = page.Edges[len(page.Edges)-1].Cursor
	}
}

func readTrail(ctx context.Context, v *projections.Views, trail events.TrailID) (n int, err error) {
	for _, err := range v.Trail(ctx, trail, 0, 0) {
		if err != nil {
			return n, err
		}
		n++
	}
	if n == 0 {
		return 0, errors.New("the organization has no events")
	}
	return n, nil
}
