// tokenledger bench soak: a mix of everything for a long while, and whether all stays flat.

package main

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
)

// soakResult is what one run found.
type soakResult struct {
	Minutes float64            `json:"minutes"`
	Uses    int                `json:"uses"`
	Changes int                `json:"changes"`
	Reads   int                `json:"reads"`
	Heard   int                `json:"heard"`  // events that the subscriber was told
	Again   int                `json:"again"`  // answers that asked for patience, and were asked again
	Events  int64              `json:"events"` // that the audit compared at the end
	Epochs  int64              `json:"epochs"`
	Rows    int64              `json:"rows"` // and lines of read models
	Drifts  []bench.Drift      `json:"drifts"`
	Samples []bench.SoakSample `json:"samples"`
}

var errNotFlat = errors.New("not everything has stayed flat")

func (a app) benchSoakCommand() *cobra.Command {
	var minutes float64
	o := bench.SoakOptions{}
	c := &cobra.Command{
		Use: "soak", Short: "Use, change and read tokens for minutes; memory, goroutines, files and latency must stay flat",
		Long: `Runs a service of its own in this process, with clients that use tokens, make, rename,
rotate, suspend, resume, revoke and delete others of both kinds, and read lists, and with a subscriber.
Compared are the medians of the run's second quarter and of its last. At the end the whole log is audited, as by
tokenledger audit check. Exit code 1 if something grew, or if the audit finds a mismatch.`,
	}
	c.Flags().Float64Var(&minutes, "minutes", 10, "how long")
	countFlag(c, &o.Concurrency, "concurrency", 8, "how many clients")
	countFlag(c, &o.Tokens, "tokens", 500, "how many tokens are used")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if minutes < 0.1 {
			return usage("--minutes: want at least 0.1")
		}
		o.Duration = time.Duration(minutes * float64(time.Minute))
		o.Every = max(time.Second, o.Duration/60)
		end := a.progress("soak", "seconds").during(c.Context(), o.Duration)
		r, err := a.soak(c.Context(), o)
		end()
		if err != nil {
			return err
		}
		if err := a.printSoak(r, *out); err != nil {
			return err
		}
		for _, d := range r.Drifts {
			if !d.Flat {
				return errNotFlat
			}
		}
		return nil
	}
	return c
}

func (a app) soak(ctx context.Context, o bench.SoakOptions) (r soakResult, err error) {
	err = a.withService(ctx, func(ctx context.Context, s scratchService) error {
		r.Samples, err = bench.Soak(ctx, s.asked(), o, func(s bench.SoakSample) {
			fmt.Fprintf(a.err, "%6.1f min  %d uses  p50 %.1f ms  p99 %.1f ms  heap %.0f MiB  resident %.0f MiB  %d goroutines  %d files\n",
				s.Minute, s.Uses, s.UseP50, s.UseP99, s.HeapMiB, s.Resident, s.Goroutines, s.Files)
		})
		if err != nil {
			return err
		}
		r.Drifts = bench.Drifts(r.Samples)
		for _, s := range r.Samples {
			r.Minutes, r.Uses, r.Changes, r.Reads, r.Heard, r.Again = s.Minute, r.Uses+s.Uses, r.Changes+s.Changes, r.Reads+s.Reads, r.Heard+s.Heard, r.Again+s.Again
		}
		if err := s.caughtUp(ctx); err != nil {
			return err
		}
		store, err := a.openStore(ctx, s.config)
		if err != nil {
			return err
		}
		defer store.Log.Close()
		done, err := service.Audit(ctx, store, s.config, nil)
		r.Events, r.Epochs, r.Rows = done.Events, done.Epochs, done.Rows
		return err
	})
	return r, err
}

func (a app) printSoak(r soakResult, form string) error {
	if form != "table" {
		return a.showJSON(r, form)
	}
	w := a.table("", "SECOND QUARTER", "LAST QUARTER", "GROWTH", "")
	for _, d := range r.Drifts {
		w.AppendRow([]any{d.Figure, fmt.Sprintf("%.2f", d.Early), fmt.Sprintf("%.2f", d.Late), fmt.Sprintf("%+.0f %%", 100*d.Growth()), verdict(d.Flat)})
	}
	w.Render()
	fmt.Fprintf(a.out, "\n%s\n", soakVerdict(r.Drifts))
	fmt.Fprintf(a.out, "%.1f minutes: %d uses, %d changes, %d reads, %d events to the subscriber, %d answers that asked for patience. Audit: no mismatch in %d events, %d epochs, %d rows and lines of read models.\n",
		r.Minutes, r.Uses, r.Changes, r.Reads, r.Heard, r.Again, r.Events, r.Epochs, r.Rows)
	return nil
}

func verdict(flat bool) string {
	if flat {
		return "flat"
	}
	return "NOT FLAT"
}

// soakVerdict says in a sentence what has grown and what has not.
func soakVerdict(drifts []bench.Drift) string {
	by := map[bool][]string{}
	for _, d := range drifts {
		by[d.Flat] = append(by[d.Flat], d.Figure)
	}
	switch {
	case len(drifts) == 0:
		return "Too short: there are no quarters to compare."
	case len(by[false]) == 0:
		return fmt.Sprintf("All is flat: none of %d figures is more than a quarter above where it was, beyond what is chance.", len(drifts))
	}
	return fmt.Sprintf("NOT FLAT: %s.\nFlat: %s.\nLatencies follow what else the machine does; memory, goroutines, files and the processor time of a call hardly do.",
		strings.Join(by[false], "; "), cmp.Or(strings.Join(by[true], "; "), "nothing"))
}
