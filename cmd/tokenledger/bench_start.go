// tokenledger bench start: how soon a service with many tokens is ready, and what it holds in memory.

package main

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

func (a app) benchStartCommand() *cobra.Command {
	var o bench.StartOptions
	c := &cobra.Command{
		Use: "start", Short: "Start a service with many tokens: until it is ready, and what it holds in memory",
		Long: `Fill a log through its own append, let a service see all of it, and then start one again and again, as a
process of its own: from the verifier's snapshot and the tokens made after it, and once without a snapshot.
Then tokens are used for a while, and the memory is looked at again. The self-audit, which folds the whole
log in memory once an hour, is off: its room comes on top, or in another process.`,
	}
	countFlag(c, &o.Tokens, "tokens", 1_000_000, "tokens before the snapshot")
	c.Flags().IntVar(&o.Personal, "personal", 10, "how many of a hundred are personal")
	countFlag(c, &o.Organizations, "organizations", 1000, "organizations that have them, with a member each")
	countFlag(c, &o.Tail, "tail", 10_000, "tokens after the snapshot")
	countFlag(c, &o.Rounds, "rounds", 3, "starts from the snapshot")
	c.Flags().DurationVar(&o.Uses, "uses", 10*time.Second, "how long tokens are used after each start")
	c.Flags().StringVar(&o.Memory, "memory-limit", "270MiB", "GOMEMLIMIT of the service")
	return a.figures(c, func(ctx context.Context) ([]bench.Figure, error) { return a.benchStart(ctx, o) })
}

func (a app) benchStart(ctx context.Context, o bench.StartOptions) ([]bench.Figure, error) {
	settings, remove, err := a.scratch()
	if err != nil {
		return nil, err
	}
	defer remove()
	people := bench.NewInhabitants(o)
	fmt.Fprintf(a.err, "Making %d tokens …\n", o.Tokens)
	if err := initializeScratch(ctx, settings); err != nil {
		return nil, err
	}
	if err := withScratchLog(ctx, settings, func(ctx context.Context, s *service.Store, log *eventstore.Log) error {
		if err := people.Settle(ctx, log); err != nil {
			return err
		}
		return people.Issue(ctx, log, s.Peppers, o.Tokens)
	}); err != nil {
		return nil, err
	}
	fmt.Fprintln(a.err, "Letting read models and JetStream see them …")
	if err := a.startFirst(ctx, settings, o); err != nil {
		return nil, err
	}
	if err := withScratchLog(ctx, settings, func(ctx context.Context, s *service.Store, log *eventstore.Log) error {
		return people.Issue(ctx, log, s.Peppers, o.Tail)
	}); err != nil {
		return nil, err
	}
	var warm []bench.Started
	for round := range o.Rounds {
		s, err := a.startOnce(ctx, settings, people, o)
		if err != nil {
			return nil, err
		}
		fmt.Fprintf(a.err, "Start %d: %.1f s, %d MiB, %d MiB after %d uses\n", round+1, s.Took.Seconds(), s.Resident>>20, s.After>>20, s.Uses)
		warm = append(warm, s)
	}
	if err := withStore(ctx, settings, func(s *service.Store) error { return dropSnapshot(ctx, s, settings) }); err != nil {
		return nil, err
	}
	cold, err := a.startOnce(ctx, settings, people, o)
	if err != nil {
		return nil, err
	}
	return bench.StartFigures(o, warm, cold), nil
}

// withScratchLog opens the log of a service that does not run.
func withScratchLog(ctx context.Context, c config.Config, do func(context.Context, *service.Store, *eventstore.Log) error) error {
	return withStore(ctx, c, func(s *service.Store) error {
		return s.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error { return do(ctx, s, log) })
	})
}

// initializeScratch makes the first organization, as a first start would.
func initializeScratch(ctx context.Context, c config.Config) error {
	return withStore(ctx, c, func(s *service.Store) error {
		return service.Initialize(ctx, c, s, "Demo", "admin@example.com")
	})
}

// snapshotLimit is how long a service may take, once it is ready, to write the
// snapshot that the starts after it are to find.
const snapshotLimit = 2 * time.Minute

// startFirst lets everything that follows the log see it, and the verifier write
// its snapshot. All of it at once takes more memory than a start afterwards.
func (a app) startFirst(ctx context.Context, c config.Config, o bench.StartOptions) (err error) {
	o.Memory = "off"
	p, err := a.serveChild(ctx, o.Environ(scratchEnviron(c.Data)))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	url, err := databaseURL(c)
	if err != nil {
		return err
	}
	return onSnapshots(ctx, url, c, func(pool *pgxpool.Pool, kept *projections.VerifierSnapshots) error {
		return errors.Join(awaitSnapshot(ctx, kept), awaitReadModels(ctx, pool))
	})
}

func awaitSnapshot(ctx context.Context, kept *projections.VerifierSnapshots) error {
	ctx, cancel := context.WithTimeout(ctx, snapshotLimit)
	defer cancel()
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	for {
		if at, err := kept.Newest(ctx); err != nil || at > 0 {
			return err
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return errors.New("no snapshot is written for so few tokens; take 10,000 at least")
		}
	}
}

// standstill is how long no read model may move while one has something to do.
const standstill = 2 * time.Minute

// awaitReadModels waits until the read models of another process have the log's last
// event: what they still had to do would be part of the starts that are measured.
func awaitReadModels(ctx context.Context, pool *pgxpool.Pool) error {
	poll := time.NewTicker(100 * time.Millisecond)
	defer poll.Stop()
	var head, before int64
	if err := pool.QueryRow(ctx, `SELECT coalesce(max(last_position), 0) FROM blocks`).Scan(&head); err != nil {
		return err
	}
	for moved := time.Now(); ; {
		list, err := projections.Generations(ctx, pool)
		if err != nil {
			return err
		}
		done, behind := int64(0), ""
		for _, g := range list {
			done += int64(g.Position)
			if int64(g.Position) < head {
				behind = g.Name
			}
		}
		switch {
		case behind == "":
			return nil
		case done != before:
			before, moved = done, time.Now()
		case time.Since(moved) > standstill:
			return fmt.Errorf("the read model %s stands still", behind)
		}
		select {
		case <-poll.C:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

func onSnapshots(ctx context.Context, url string, c config.Config, do func(*pgxpool.Pool, *projections.VerifierSnapshots) error) error {
	pool, err := projections.OpenPool(ctx, url, c.Schema)
	if err != nil {
		return err
	}
	defer pool.Close()
	kept, err := projections.NewVerifierSnapshots(ctx, pool)
	if err != nil {
		return err
	}
	return do(pool, kept)
}

// dropSnapshot makes the next start read all decisions.
func dropSnapshot(ctx context.Context, s *service.Store, c config.Config) error {
	return onSnapshots(ctx, s.URL, c, func(pool *pgxpool.Pool, _ *projections.VerifierSnapshots) error {
		_, err := pool.Exec(ctx, `DELETE FROM verifier_snapshot`)
		return err
	})
}

// startOnce starts the service as a process of its own, lets tokens be used, and
// ends it.
func (a app) startOnce(ctx context.Context, c config.Config, people *bench.Inhabitants, o bench.StartOptions) (s bench.Started, err error) {
	begin := time.Now()
	p, err := a.serveChild(ctx, o.Environ(scratchEnviron(c.Data)))
	if err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	s.Took = time.Since(begin)
	if s.Resident, err = bench.Resident(p.Process.Pid); err != nil {
		return s, err
	}
	if s.Uses, err = people.Use(ctx, p.url, o.Uses); err != nil {
		return s, err
	}
	s.After, err = bench.Resident(p.Process.Pid)
	return s, err
}
