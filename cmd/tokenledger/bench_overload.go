// tokenledger bench overload: what is accepted, what is shed, and how soon, at five times what can be done.

package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

func (a app) benchOverloadCommand() *cobra.Command {
	var svg string
	var o bench.OverloadOptions
	c := &cobra.Command{
		Use: "overload", Short: "Offer more than can be answered: what is accepted, what is shed, and another organization beside a flood",
		Long: `Runs a service of its own, as a process, and asks /auth/check for tokens that are good. First clients that wait for
their answers find the capacity; then half of it, all of it, twice and five times as much comes in an open loop, whether
or not what came before is answered. Latency counts from the moment that a request is due. Then half the capacity is
asked for again: how soon all is as before. The processor time is that of all processes, clients included, for each
accepted use, with what was refused meanwhile in it; what else the machine does hardly changes it. At last one organization floods the service, and another asks beside it.
The clients are in this process, on the same machine.`,
	}
	countFlag(c, &o.Tokens, "tokens", 1000, "how many tokens each of the two organizations has")
	countFlag(c, &o.Connections, "connections", 4000, "how many connections the flood has, at most 8000")
	c.Flags().DurationVar(&o.Each, "each", 5*time.Second, "how long each load is offered")
	c.Flags().Float64Var(&o.Quiet, "quiet", 50, "requests a second of the organization beside the flood")
	c.Flags().StringVar(&svg, "svg", "", "write the curve as a plot to this `file`")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if o.Connections > 8000 || o.Each < time.Second || o.Quiet <= 0 {
			return usage("--connections: want at most 8000; --each: want at least 1s; --quiet: want more than 0")
		}
		r, err := a.overload(c.Context(), o)
		if err != nil {
			return err
		}
		if svg != "" {
			if err := plotOverload(svg, r); err != nil {
				return err
			}
		}
		return a.printOverload(r, *out)
	}
	return c
}

func (a app) overload(ctx context.Context, o bench.OverloadOptions) (r bench.Overloaded, err error) {
	settings, remove, err := a.scratch()
	if err != nil {
		return r, err
	}
	defer remove()
	if err := initializeScratch(ctx, settings); err != nil {
		return r, err
	}
	people := bench.NewInhabitants(bench.StartOptions{Organizations: 2})
	if err := withScratchLog(ctx, settings, func(ctx context.Context, s *service.Store, log *eventstore.Log) error {
		return errors.Join(people.Settle(ctx, log), people.Issue(ctx, log, s.Peppers, 2*o.Tokens))
	}); err != nil {
		return r, err
	}
	environ := scratchEnviron(settings.Data)
	environ["TOKENLEDGER_AUDIT_RATE"] = "0" // which would take turns with what is measured
	p, err := a.serveChild(ctx, environ)
	if err != nil {
		return r, err
	}
	defer func() { err = errors.Join(err, p.end()) }()
	return people.Overload(ctx, p.url, p.Process.Pid, o, func(text string) { fmt.Fprintln(a.err, text) })
}

func (a app) printOverload(r bench.Overloaded, form string) error {
	if form != "table" {
		return a.showJSON(r, form)
	}
	w := a.table("", "OFFERED/S", "ACCEPTED/S", "SHED/S", "UNSENT/S", "P50 MS", "P99 MS", "SHED P99 MS", "RESIDENT MIB", "PROCESSOR US")
	for _, o := range append(r.Loads, r.Flood, r.Alone, r.Beside) {
		w.AppendRow([]any{
			o.What, amount(o.Offered), amount(o.Accepted), amount(o.Shed), amount(o.Unsent),
			milliseconds(o.P50), milliseconds(o.P99), milliseconds(o.ShedP99), amount(o.Resident), amount(o.Processor),
		})
	}
	w.Render()
	recovered := "nothing was as before again"
	if r.Recovery >= 0 {
		recovered = fmt.Sprintf("all is as before within %.0f ms", r.Recovery)
	}
	fmt.Fprintf(a.out, "\nCapacity: %.0f a second, of %.0f us of processor time each. After the flood %s. Beside a flood %.2f %% of the other organization's requests are shed.\n",
		r.Capacity, r.Processor, recovered, 100*r.Beside.ShedShare())
	return nil
}

// plotOverload draws rates above latencies.
func plotOverload(path string, r bench.Overloaded) error {
	rates := evidence.Chart{Title: "Answers a second, by what is offered", Kind: evidence.Lines, Series: []evidence.Series{{Name: "offered"}, {Name: "accepted"}, {Name: "shed"}}}
	tails := evidence.Chart{Title: "Milliseconds until an answer, by what is offered", Kind: evidence.Lines, Series: []evidence.Series{{Name: "p50 of accepted"}, {Name: "p99 of accepted"}, {Name: "p99 of shed"}}}
	add := func(c *evidence.Chart, label string, values ...float64) {
		c.Labels = append(c.Labels, label)
		for i, v := range values {
			c.Series[i].Values = append(c.Series[i].Values, int64(v))
		}
	}
	for _, o := range r.Loads {
		add(&rates, o.What, o.Offered, o.Accepted, o.Shed)
		add(&tails, o.What, o.P50, o.P99, o.ShedP99)
	}
	above, err := rates.SVG()
	if err != nil {
		return err
	}
	below, err := tails.SVG()
	if err != nil {
		return err
	}
	both := fmt.Sprintf(`<svg xmlns="http://www.w3.org/2000/svg" width="960" height="640" viewBox="0 0 960 640"><g>%s</g><g transform="translate(0 320)">%s</g></svg>`, above, below)
	return os.WriteFile(path, []byte(both+"\n"), 0o644)
}
