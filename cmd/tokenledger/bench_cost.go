// tokenledger bench cost: what one log costs, what several side by side do, and what many would.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func (a app) benchCostCommand() *cobra.Command {
	o, d := bench.CostOptions{}, bench.DefaultDemand()
	var logs []int
	var from string
	c := &cobra.Command{
		Use: "cost", Short: "What a log costs: processor, write-ahead log, disk, connections; several side by side; and a model of many",
		Long: `Starts a Postgres and, for each number of logs, so many services as processes of their own, each with a schema and a NATS server
of its own. Their tokens are verified over HTTP for a while, and everything is looked at from outside, until every read model has
seen the last event. From the cost of one log it computes a model of a large installation; --from takes the costs from a file
that --output json wrote. Every assumption of the model is a flag.`,
		Example: "  tokenledger bench cost --output json > docs/scaling.json",
	}
	f := c.Flags()
	f.IntSliceVar(&logs, "logs", []int{1, 2, 4}, "numbers of logs to measure")
	f.StringVar(&from, "from", "", "do not measure: take the costs from this `file`")
	f.StringVar(&o.Interface, "interface", bench.Interfaces()[0], "how tokens are verified: "+strings.Join(bench.Interfaces(), ", "))
	countFlag(c, &o.Concurrency, "concurrency", 64, "connections, all logs together")
	countFlag(c, &o.Tokens, "tokens", 5000, "tokens of each log")
	f.DurationVar(&o.Duration, "duration", 20*time.Second, "how long, for each number of logs")
	countFlag(c, &d.Organizations, "organizations", d.Organizations, "of the model: organizations")
	f.Float64Var(&d.Rate, "rate", d.Rate, "of the model: verifications a second")
	f.Float64Var(&d.Allowed, "allowed", d.Allowed, "of the model: share of verifications that are allowed")
	f.Float64Var(&d.Full, "full", d.Full, "of the model: how much of what a log or a core can do is asked of it")
	f.Float64Var(&d.OnlineDays, "online-days", d.OnlineDays, "of the model: days that the database keeps")
	f.Float64Var(&d.ArchiveDays, "archive-days", d.ArchiveDays, "of the model: days that archives are kept")
	f.Float64Var(&d.CoreHour, "core-hour", d.CoreHour, "of the model: price of a core and hour, in $")
	f.Float64Var(&d.DiskMonth, "disk-month", d.DiskMonth, "of the model: price of a gigabyte of fast disk and month, in $")
	f.Float64Var(&d.ObjectMonth, "object-month", d.ObjectMonth, "of the model: price of a gigabyte of object storage and month, in $")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if len(logs) == 0 || slices.Min(logs) < 1 || o.Duration < time.Second {
			return usage("--logs: want numbers from 1 on; --duration: at least 1s")
		}
		costs, err := a.costs(c.Context(), from, logs, o)
		if err != nil {
			return err
		}
		switch *out {
		case "json":
			lines := json.NewEncoder(a.out)
			lines.SetIndent("", "  ")
			return lines.Encode(costs)
		case "csv":
			return printList(a, costs, *out, "", func(c bench.Cost) record {
				r, _ := recordOf(c) // a struct of numbers and texts
				return r
			})
		}
		_, err = fmt.Fprintf(a.out, "%s\n%s", bench.CostTable(costs), bench.ModelTable(bench.Model(costs[0], d)))
		return err
	}
	return c
}

// costs measures, or reads what was measured.
func (a app) costs(ctx context.Context, from string, logs []int, o bench.CostOptions) (costs []bench.Cost, err error) {
	if from != "" {
		content, err := os.ReadFile(from)
		if err == nil {
			err = json.Unmarshal(content, &costs)
		}
		if err == nil && len(costs) == 0 {
			err = errors.New("it has none")
		}
		if err != nil {
			return nil, usage("--from: %v", err)
		}
		return costs, nil
	}
	for _, n := range logs {
		fmt.Fprintf(a.err, "Using %d logs for %v …\n", n, o.Duration)
		c, err := a.cost(ctx, n, o)
		if err != nil {
			return nil, err
		}
		costs = append(costs, c)
	}
	fmt.Fprintln(a.err, "Appending to a log that nothing follows …")
	costs[0].Appends, err = a.appendsAlone(ctx, o)
	return costs, err
}

// appendsAlone is how many single events a log takes, many in flight and nothing that follows it.
func (a app) appendsAlone(ctx context.Context, o bench.CostOptions) (rate float64, err error) {
	err = a.withScratch(ctx, func(store *service.Store, _ config.Config) error {
		return store.WithLog(ctx, func(ctx context.Context, log *eventstore.Log) error {
			r, err := bench.Append(ctx, log, store.URL, bench.Options{Concurrency: 512, Duration: o.Duration, Tokens: o.Tokens})
			rate = r.Throughput
			return err
		})
	})
	return rate, err
}

// cost measures so many logs, on a Postgres that is thrown away.
func (a app) cost(ctx context.Context, n int, o bench.CostOptions) (c bench.Cost, err error) {
	settings, remove, err := a.scratch()
	if err != nil {
		return c, err
	}
	defer remove()
	postgres, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		Dir: settings.Data + "-postgres", Log: slog.New(slog.DiscardHandler), Settings: map[string]string{"max_connections": "300"},
	})
	if err != nil {
		return c, err
	}
	defer func() { err = errors.Join(err, postgres.Stop(context.WithoutCancel(ctx))) }()
	var logs []bench.CostedLog
	for i := range n {
		log := bench.CostedLog{Schema: fmt.Sprintf("%s_%d", settings.Schema, i+1), Data: fmt.Sprintf("%s-%d", settings.Data, i+1)}
		environ := scratchEnviron(log.Data)
		maps.Copy(environ, map[string]string{
			"TOKENLEDGER_DATABASE_URL": postgres.URL(), "TOKENLEDGER_DATABASE_SCHEMA": log.Schema, "TOKENLEDGER_AUDIT_RATE": "0",
		})
		if log.Token, err = initializeWith(ctx, environ); err != nil {
			return c, err
		}
		served, err := a.serveChild(ctx, environ)
		if err != nil {
			return c, err
		}
		defer func() { err = errors.Join(err, served.end()) }()
		log.URL, log.PID = served.url, served.Process.Pid
		logs = append(logs, log)
	}
	return bench.MeasureCost(ctx, postgres.URL(), logs, o)
}
