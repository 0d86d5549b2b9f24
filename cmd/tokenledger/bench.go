// tokenledger bench: on a service and database of its own, thrown away afterwards.

package main

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
)

// scratch is a configuration whose data live in a directory that is removed.
func (a app) scratch() (config.Config, func(), error) {
	dir, err := os.MkdirTemp("", "tokenledger-bench-")
	if err != nil {
		return config.Config{}, nil, err
	}
	remove := func() { _ = os.RemoveAll(dir) }
	if err := os.Chmod(dir, 0o711); err != nil { // the private Postgres runs as another user
		remove()
		return config.Config{}, nil, err
	}
	c, err := config.Load(scratchEnviron(filepath.Join(dir, "data")), nil)
	if err != nil {
		remove()
	}
	return c, remove, err
}

// scratchEnviron is the configuration as a process gets it.
func scratchEnviron(data string) map[string]string {
	return map[string]string{
		"TOKENLEDGER_DATA": data, "TOKENLEDGER_LISTEN": "127.0.0.1:0",
		"TOKENLEDGER_ADMIN_LISTEN": "127.0.0.1:0", "TOKENLEDGER_NATS_LISTEN": "off",
	}
}

// withStore opens the store of a service that does not run.
func withStore(ctx context.Context, c config.Config, do func(*service.Store) error) (err error) {
	store, err := service.OpenStore(ctx, c, slog.New(slog.DiscardHandler))
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	return do(store)
}

// withScratch opens a store with a private Postgres, thrown away afterwards.
func (a app) withScratch(ctx context.Context, do func(*service.Store, config.Config) error) error {
	settings, remove, err := a.scratch()
	if err != nil {
		return err
	}
	defer remove()
	return withStore(ctx, settings, func(s *service.Store) error { return do(s, settings) })
}

func (a app) benchAppend(c *cobra.Command, o bench.Options) (r bench.Result, err error) {
	err = a.withScratch(c.Context(), func(store *service.Store, _ config.Config) error {
		fmt.Fprintf(a.err, "Appending for %v, in turn with the baseline …\n", o.Duration)
		return store.WithLog(c.Context(), func(ctx context.Context, log *eventstore.Log) error {
			r, err = bench.Append(ctx, log, store.URL, o)
			return err
		})
	})
	return r, err
}

// benchAppendCommand measures the log alone or, when asked to, with all that follows it.
func (a app) benchAppendCommand() *cobra.Command {
	var followed bool
	c := a.benchOf("append", "Append single events to the log", 512, func(c *cobra.Command, o bench.Options) (r bench.Result, err error) {
		if !followed {
			return a.benchAppend(c, o)
		}
		err = a.withService(c.Context(), func(ctx context.Context, s scratchService) error {
			url, err := databaseURL(s.config)
			if err != nil {
				return err
			}
			fmt.Fprintf(a.err, "Appending for %v, in turn with the baseline …\n", o.Duration)
			r, err = bench.AppendFollowed(ctx, s.Log, url, s.caughtUp, o)
			return err
		})
		return r, err
	})
	c.Flags().BoolVar(&followed, "followed", false, "in a whole service: a round ends when relay, verifier and read models have seen its events")
	return c
}

// benchVerify runs a whole service of its own in this process.
func (a app) benchVerify(c *cobra.Command, of string, o bench.Options) (r bench.Result, err error) {
	err = a.withService(c.Context(), func(ctx context.Context, s scratchService) error {
		fmt.Fprintf(a.err, "Verifying for %v, in turn with the baseline …\n", o.Duration)
		r, err = bench.Verify(ctx, s.asked(), of, o)
		return err
	})
	return r, err
}

func (a app) printResult(r bench.Result, form string) error {
	if form != "table" {
		return a.showJSON(r, form)
	}
	w := a.table("", "PER SECOND", "P50 MS", "P99 MS")
	row := func(what string, rate, p50, p99 float64) {
		w.AppendRow([]any{what, fmt.Sprintf("%.0f", rate), milliseconds(p50), milliseconds(p99)})
	}
	row(r.What, r.Throughput, r.P50, r.P99)
	row(r.Raw, r.RawThroughput, r.RawP50, r.RawP99)
	w.Render()
	if r.Client != "" {
		fmt.Fprintf(a.out, "\nClient of both: %s. Processor time of one, client included: %.0f µs and %.0f µs; of the private Postgres %.0f µs.",
			r.Client, r.CPU, r.RawCPU, r.DatabaseCPU)
	}
	fmt.Fprintf(a.out, "\n%d in flight, %d tokens, median of %d rounds: %.2f × the baseline, p50 %.2f ×\n",
		r.Concurrency, r.Tokens, r.Rounds, r.Ratio, r.P50/r.RawP50)
	return nil
}

// milliseconds has two places, and more for what takes microseconds.
func milliseconds(ms float64) string {
	if ms < 0.1 {
		return fmt.Sprintf("%.4f", ms)
	}
	return fmt.Sprintf("%.2f", ms)
}
