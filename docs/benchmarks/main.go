// The command: flags, the turns, and what is printed.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"strconv"
	"strings"
	"text/tabwriter"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		fmt.Fprintln(os.Stderr, "benchmarks:", err)
		os.Exit(1)
	}
}

// options say how hard and how long.
type options struct {
	rounds      int
	each        time.Duration
	concurrency []int
	tokens      int
	svg, output string
	verify      bool   // measure verification, not appending
	hydra       string // the program; empty: without it
}

func parse(args []string, stderr io.Writer) (options, error) {
	o := options{}
	f := flag.NewFlagSet("benchmarks append|verify", flag.ContinueOnError)
	f.SetOutput(stderr)
	f.IntVar(&o.rounds, "rounds", 5, "how often everybody takes a turn")
	f.DurationVar(&o.each, "each", 3*time.Second, "how long a turn is")
	f.IntVar(&o.tokens, "tokens", 10_000, "how many tokens are used in turn")
	f.StringVar(&o.svg, "svg", "", "write a plot of throughput and p99 against concurrency to this file")
	f.StringVar(&o.output, "output", "table", "table or json")
	f.StringVar(&o.hydra, "hydra", "", "verify: measure this program of Ory Hydra, too")
	list := f.String("concurrency", "1,8,64,512", "how many callers are in flight")
	if len(args) == 0 || args[0] != "append" && args[0] != "verify" {
		return o, errors.New("say what to measure: append or verify")
	}
	o.verify = args[0] == "verify"
	if err := f.Parse(args[1:]); err != nil {
		return o, err
	}
	for n := range strings.SplitSeq(*list, ",") {
		callers, err := strconv.Atoi(n)
		if err != nil || callers < 1 {
			return o, fmt.Errorf("--concurrency %q: want numbers such as 1,64", *list)
		}
		o.concurrency = append(o.concurrency, callers)
	}
	return o, nil
}

func run(ctx context.Context, args []string, stdout, stderr io.Writer) (err error) {
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	s, err := startServer(ctx)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.stop(context.WithoutCancel(ctx))) }()
	say := func(text string) { fmt.Fprintln(stderr, text) }
	all, err := o.contestants(ctx, s, say)
	defer func() {
		for _, c := range all {
			err = errors.Join(err, c.close(context.WithoutCancel(ctx)))
		}
	}()
	if err != nil {
		return err
	}
	var table []figures
	for _, n := range o.concurrency {
		part, err := compare(ctx, all, n, o.rounds, o.each, say)
		if err != nil {
			return err
		}
		table = append(table, part...)
	}
	if o.svg != "" {
		what := "events"
		if o.verify {
			what = "verifications"
		}
		if err := plot(o.svg, what, table, o.concurrency); err != nil {
			return err
		}
	}
	return print(stdout, table, o.output)
}

func (o options) contestants(ctx context.Context, s *server, say func(string)) ([]contestant, error) {
	if o.verify {
		return verifiers(ctx, s, o, say)
	}
	return contestants(ctx, s, newWorkload(o.tokens), say)
}

// contestants opens them all, the ledger first. One whose software cannot be had here is left out, and that is said.
func contestants(ctx context.Context, s *server, w workload, say func(string)) ([]contestant, error) {
	var all []contestant
	for _, open := range []func(context.Context, *server, workload) (contestant, error){
		newLedger, newRawInsert, newRawUnnest, newWatermill(1), newWatermill(100), newRiver(1), newRiver(100), newMessageDB,
	} {
		c, err := open(ctx, s, w)
		switch {
		case errors.Is(err, errNoMessageDB):
			say(err.Error())
		case err != nil:
			return all, err
		default:
			all = append(all, c)
		}
	}
	return all, nil
}

func print(w io.Writer, table []figures, form string) error {
	if form == "json" {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(table)
	}
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "callers\twho\ta second\tthe ledger is\tp50 ms\tp99 ms\tguarantees")
	for _, f := range table {
		fmt.Fprintf(t, "%d\t%s\t%.0f\t%.2f ×\t%.2f\t%.2f\t%s\n", f.Concurrency, f.Name, f.Rate, f.Ratio, f.P50, f.P99, f.Guarantees)
	}
	return t.Flush()
}
