// tokenledger bench replay and size: measurements of more than one figure, each on a log that is seeded first.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// count is the value of a flag: a number of things, of which there is at least one.
type count int

func (n *count) String() string { return strconv.Itoa(int(*n)) }

// Type says what stands for the value in help texts.
func (n *count) Type() string { return "int" }

// Set takes what was given.
func (n *count) Set(text string) error {
	v, err := strconv.ParseInt(text, 0, 0)
	if err != nil || v < 1 {
		return errors.New("want a number that is at least 1")
	}
	*n = count(v)
	return nil
}

func countFlag(c *cobra.Command, into *int, name string, value int, help string) {
	*into = value
	c.Flags().Var((*count)(into), name, help)
}

// figures is a command that prints figures.
func (a app) figures(c *cobra.Command, measure func(ctx context.Context) ([]bench.Figure, error)) *cobra.Command {
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		end := a.progress("measuring", "seconds").during(c.Context(), 0)
		all, err := measure(c.Context())
		end()
		if err != nil {
			return err
		}
		return a.printFigures(all, *out)
	}
	return c
}

func (a app) printFigures(all []bench.Figure, form string) error {
	switch form {
	case "json":
		lines := json.NewEncoder(a.out)
		for _, f := range all {
			if err := lines.Encode(f); err != nil {
				return err
			}
		}
		return nil
	case "csv":
		return printList(a, all, form, "", func(f bench.Figure) record {
			return record{
				{"what", f.What},
				{"value", f.Value},
				{"unit", f.Unit},
				{"baseline", f.Baseline},
				{"base", f.Base},
				{"ratio", f.Ratio},
				{"wanted", f.Wanted},
				{"met", f.Met},
			}
		})
	}
	w := a.table("", "MEASURED", "", "BESIDE", "", "TIMES", "WANTED", "MET")
	for _, f := range all {
		var base, times, met string
		if f.Baseline != "" {
			base, times = amount(f.Base), fmt.Sprintf("%.2f", f.Ratio)
		}
		if f.Wanted != "" {
			met = map[bool]string{true: "yes", false: "NO"}[f.Met]
		}
		w.AppendRow([]any{f.What, amount(f.Value), f.Unit, base, f.Baseline, times, f.Wanted, met})
	}
	w.Render()
	return nil
}

func amount(v float64) string {
	if v >= 1000 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.3g", v)
}

func (a app) benchReplayCommand() *cobra.Command {
	var o bench.ReplayOptions
	c := &cobra.Command{Use: "replay", Short: "Replay a log: as leaves, as events, and into every read model"}
	countFlag(c, &o.Events, "events", 1_000_000, "uses that the log holds")
	countFlag(c, &o.Tokens, "tokens", 10_000, "tokens that are used in turn")
	countFlag(c, &o.Organizations, "organizations", 100, "organizations that have the tokens")
	countFlag(c, &o.Addresses, "addresses", 1000, "addresses that the uses come from")
	countFlag(c, &o.Rounds, "rounds", 3, "how often each way takes its turn")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		err = a.withScratch(ctx, func(store *service.Store, settings config.Config) error {
			fmt.Fprintf(a.err, "Recording %d events …\n", o.Events)
			if err := store.WithLog(ctx, o.Seed); err != nil {
				return err
			}
			fmt.Fprintf(a.err, "Replaying them, %d rounds …\n", o.Rounds)
			all, err = bench.Replay(ctx, store.Log, store.URL, settings.Schema, o)
			return err
		})
		return all, err
	})
}

func (a app) benchModelsCommand() *cobra.Command {
	var o bench.ModelsOptions
	c := &cobra.Command{Use: "models", Short: "What a use costs in each read model, in processor time"}
	countFlag(c, &o.Events, "events", 50_000, "uses that are measured")
	countFlag(c, &o.Warm, "warm", 50_000, "uses before them")
	countFlag(c, &o.Run, "run", 100, "uses that one transaction applies")
	countFlag(c, &o.Tokens, "tokens", 20_000, "tokens that are used in turn")
	countFlag(c, &o.Organizations, "organizations", 1, "organizations that have the tokens")
	countFlag(c, &o.Addresses, "addresses", 1000, "addresses that the uses come from")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		err = a.withScratch(ctx, func(store *service.Store, settings config.Config) error {
			var from events.Position
			if err := store.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) (err error) {
				from, err = o.Seed(ctx, log)
				return err
			}); err != nil {
				return err
			}
			all, err = bench.Models(ctx, store.Log, store.URL, settings.Schema, from, o)
			return err
		})
		return all, err
	})
}

func (a app) benchSizeCommand() *cobra.Command {
	var o bench.SizeOptions
	c := &cobra.Command{Use: "size", Short: "What a use costs in the log, in bytes on disk, personal data and indexes included"}
	countFlag(c, &o.Uses, "uses", 1_000_000, "uses in large blocks")
	countFlag(c, &o.Block, "block", 250, "uses of a large block")
	countFlag(c, &o.Alone, "alone", 50_000, "uses in blocks of their own")
	countFlag(c, &o.Tokens, "tokens", 10_000, "tokens that are used in turn")
	countFlag(c, &o.Organizations, "organizations", 100, "organizations that have the tokens")
	countFlag(c, &o.Addresses, "addresses", 1000, "addresses that the uses come from")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		err = a.withScratch(ctx, func(store *service.Store, settings config.Config) error {
			fmt.Fprintf(a.err, "Recording %d uses in blocks of %d, and %d alone …\n", o.Uses, o.Block, o.Alone)
			return store.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
				all, err = bench.Size(ctx, log, store.URL, settings.Schema, o)
				return err
			})
		})
		return all, err
	})
}

func (a app) benchListCommand() *cobra.Command {
	var o bench.ListOptions
	c := &cobra.Command{Use: "list", Short: "List an organization's tokens, in a small installation and in a large one"}
	countFlag(c, &o.Organizations, "organizations", 1000, "organizations of the large installation")
	countFlag(c, &o.Tokens, "tokens", 1000, "tokens of each organization")
	countFlag(c, &o.Few, "few", 10, "organizations of the small installation")
	countFlag(c, &o.Asked, "asked", 200, "how often each list is asked for in each round")
	countFlag(c, &o.Rounds, "rounds", 5, "how often the two installations take their turn")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		err = a.withService(ctx, func(ctx context.Context, small scratchService) error {
			return a.withService(ctx, func(ctx context.Context, large scratchService) error {
				seed := func(s scratchService, organizations int) error {
					fmt.Fprintf(a.err, "Creating %d tokens …\n", organizations*o.Tokens)
					return errors.Join(o.Seed(ctx, s.Log, s.asked(), organizations), s.caughtUp(ctx))
				}
				if err := errors.Join(seed(small, o.Few), seed(large, o.Organizations)); err != nil {
					return err
				}
				fmt.Fprintf(a.err, "Listing, %d rounds …\n", o.Rounds)
				all, err = bench.List(ctx, small.asked(), large.asked(), o)
				return err
			})
		})
		return all, err
	})
}

func (a app) benchGrowthCommand() *cobra.Command {
	var o bench.GrowthOptions
	c := &cobra.Command{
		Use: "growth", Short: "What appending and reading one organization's history cost in a long log and in a short one",
		Long: `Fills two logs in one private Postgres, and compares them in turn. Ten million events take about two
gigabytes, and some minutes.`,
	}
	countFlag(c, &o.Short, "short", 100_000, "uses in the short log")
	countFlag(c, &o.Long, "long", 10_000_000, "uses in the long log")
	countFlag(c, &o.Organizations, "organizations", 1000, "organizations in each, with ten tokens each")
	countFlag(c, &o.Own, "own", 1000, "uses of the organization whose history is read, the same in both")
	countFlag(c, &o.Appends, "appends", 20_000, "appends in each round; a tenth of them where one is in flight")
	countFlag(c, &o.Concurrency, "concurrency", 512, "how many are in flight")
	countFlag(c, &o.Rounds, "rounds", 5, "how often the two logs take their turn")
	c.Flags().DurationVar(&o.Snapshot, "snapshot", 10*time.Minute, "for how long a snapshot is held open")
	return a.figures(c, func(ctx context.Context) (all []bench.Figure, err error) {
		if o.Organizations < 2 || o.Own > o.Short {
			return nil, usage("--organizations: want at least 2; --own: at most as many as --short")
		}
		err = a.withScratch(ctx, func(store *service.Store, settings config.Config) error {
			second := settings
			second.Schema, second.DatabaseURL = settings.Schema+"_short", store.URL
			return withStore(ctx, second, func(other *service.Store) error {
				return store.WithLog(ctx, func(ctx context.Context, long *eventstore.Log) error {
					return other.WithLog(ctx, func(ctx context.Context, short *eventstore.Log) error {
						all, err = a.growth(ctx, bench.Grown{Log: short, URL: store.URL, Schema: second.Schema},
							bench.Grown{Log: long, URL: store.URL, Schema: settings.Schema}, o)
						return err
					})
				})
			})
		})
		return all, err
	})
}

func (a app) growth(ctx context.Context, short, long bench.Grown, o bench.GrowthOptions) ([]bench.Figure, error) {
	for _, g := range []struct {
		*bench.Grown
		uses int
	}{{&long, o.Long}, {&short, o.Short}} {
		fmt.Fprintf(a.err, "Recording %d events …\n", g.uses)
		if err := g.Seed(ctx, g.uses, o); err != nil {
			return nil, err
		}
	}
	return bench.Growth(ctx, &short, &long, o, func(text string) { fmt.Fprintln(a.err, text) })
}
