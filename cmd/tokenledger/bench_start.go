// tokenledger bench start: how soon a service with many tokens is ready, and what it holds in memory.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"time"

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
Then tokens are used for a while, and the memory is looked at again.`,
	}
	countFlag(c, &o.Tokens, "tokens", 1_000_000, "tokens before the snapshot")
	c.Flags().IntVar(&o.Personal, "personal", 10, "how many of a hundred are personal")
	countFlag(c, &o.Organizations, "organizations", 1000, "organizations that have them, with a member each")
	countFlag(c, &o.Tail, "tail", 10_000, "tokens after the snapshot")
	countFlag(c, &o.Rounds, "rounds", 3, "starts from the snapshot")
	c.Flags().DurationVar(&o.Uses, "uses", 10*time.Second, "how long tokens are used after each start")
	c.Flags().StringVar(&o.Memory, "memory-limit", "300MiB", "GOMEMLIMIT of the service")
	return a.figures(c, func(ctx context.Context) ([]bench.Figure, error) { return a.benchStart(ctx, o) },
		&o.Tokens, &o.Organizations, &o.Tail, &o.Rounds)
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
	if _, err := a.startOnce(ctx, settings, nil, o); err != nil {
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
	if err := withScratchLog(ctx, settings, func(ctx context.Context, s *service.Store, _ *eventstore.Log) error {
		return dropSnapshot(ctx, s, settings)
	}); err != nil {
		return nil, err
	}
	cold, err := a.startOnce(ctx, settings, people, o)
	if err != nil {
		return nil, err
	}
	return bench.StartFigures(o, warm, cold), nil
}

// withScratchLog opens the log of a service that does not run.
func withScratchLog(ctx context.Context, c config.Config, do func(context.Context, *service.Store, *eventstore.Log) error) (err error) {
	store, err := service.OpenStore(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return store.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error { return do(ctx, store, log) })
}

// initializeScratch makes the first organization, as a first start would.
func initializeScratch(ctx context.Context, c config.Config) (err error) {
	store, err := service.OpenStore(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return service.Initialize(ctx, c, store, "Demo", "admin@example.com")
}

// dropSnapshot makes the next start read all decisions. That there was a snapshot
// to drop shows that the starts before had one.
func dropSnapshot(ctx context.Context, s *service.Store, c config.Config) error {
	pool, err := projections.OpenPool(ctx, s.URL, c.Schema)
	if err != nil {
		return err
	}
	defer pool.Close()
	tag, err := pool.Exec(ctx, `DELETE FROM verifier_snapshot`)
	if err == nil && tag.RowsAffected() == 0 {
		err = errors.New("there was no snapshot, so nothing was measured with one; take more tokens")
	}
	return err
}

// startOnce starts the service as a process of its own and ends it. With people,
// their tokens are used meanwhile.
func (a app) startOnce(ctx context.Context, c config.Config, people *bench.Inhabitants, o bench.StartOptions) (s bench.Started, err error) {
	program, err := os.Executable()
	if err != nil {
		return s, err
	}
	child := exec.CommandContext(ctx, program, "serve", "--log-level", "error")
	child.Cancel = func() error { return child.Process.Signal(syscall.SIGTERM) }
	child.Env = append(os.Environ(), "GOMEMLIMIT="+o.Memory)
	for name, value := range scratchEnviron(c.Data) {
		child.Env = append(child.Env, name+"="+value)
	}
	child.Stderr = a.err
	out, err := child.StdoutPipe()
	if err != nil {
		return s, err
	}
	begin := time.Now()
	if err := child.Start(); err != nil {
		return s, err
	}
	defer func() { err = errors.Join(err, child.Process.Signal(syscall.SIGTERM), child.Wait()) }()
	url, lines := "", bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		if text, ok := strings.CutPrefix(strings.TrimSpace(lines.Text()), "URL "); ok {
			url = strings.TrimSpace(text)
		}
	}
	if s.Took = time.Since(begin); url == "" {
		return s, errors.New("the service ended before it was ready")
	}
	go func() { // so that it never waits to be heard
		for lines.Scan() {
		}
	}()
	if people == nil {
		return s, nil
	}
	if s.Resident, err = bench.Resident(child.Process.Pid); err != nil {
		return s, err
	}
	if s.Uses, err = people.Use(ctx, url, o.Uses); err != nil {
		return s, err
	}
	s.After, err = bench.Resident(child.Process.Pid)
	return s, err
}
