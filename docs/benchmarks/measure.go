// Taking turns: every contestant is measured once in each round, and medians are taken over the rounds.

package main

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"time"
)

// figures is one contestant at one concurrency: medians over the rounds.
type figures struct {
	Name        string    `json:"name"`
	Concurrency int       `json:"concurrency"` // callers; 1 for what is one connection by design
	PerCall     int       `json:"perCall"`
	Rate        float64   `json:"eventsPerSecond"`
	P50         float64   `json:"p50ms"`
	P99         float64   `json:"p99ms"`
	Rates       []float64 `json:"rates"` // of each round
	Ratio       float64   `json:"ledgerIsTimes"`
	Guarantees  string    `json:"guarantees"`
}

type sample struct {
	rate      float64
	latencies []time.Duration
}

// compare measures all contestants at one concurrency. The first one is the ledger, to which the others are compared.
func compare(ctx context.Context, all []contestant, concurrency, rounds int, each time.Duration, say func(string)) ([]figures, error) {
	samples := make([][]sample, len(all))
	for round := range rounds {
		for i, c := range all {
			callers := concurrency
			if c.alone {
				callers = 1
			}
			say(fmt.Sprintf("round %d of %d, %d in flight: %s", round+1, rounds, callers, c.name))
			s, err := hammer(ctx, c, callers, each)
			if err != nil {
				return nil, fmt.Errorf("%s: %w", c.name, err)
			}
			samples[i] = append(samples[i], s)
		}
	}
	table := make([]figures, len(all))
	for i, c := range all {
		table[i] = median(c, concurrency, samples[i])
		table[i].Ratio = table[0].Rate / table[i].Rate
	}
	return table, nil
}

// hammer calls one contestant from several goroutines until the time is up.
func hammer(ctx context.Context, c contestant, callers int, d time.Duration) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards the rest
		calls int
		all   []time.Duration
	)
	begin := time.Now()
	for worker := range callers {
		wg.Go(func() {
			var took []time.Duration
			for call := 0; ctx.Err() == nil && time.Since(begin) < d; call++ {
				at := time.Now()
				if err := c.write(ctx, worker, call); err != nil {
					cancel(err)
					break
				}
				took = append(took, time.Since(at))
			}
			mu.Lock()
			defer mu.Unlock()
			calls += len(took)
			all = append(all, took...)
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	return sample{float64(calls*c.perCall) / time.Since(begin).Seconds(), all}, nil
}

func median(c contestant, concurrency int, samples []sample) figures {
	f := figures{Name: c.name, Concurrency: concurrency, PerCall: c.perCall, Guarantees: c.guarantees}
	if c.alone {
		f.Concurrency = 1
	}
	var p50, p99 []float64
	for _, s := range samples {
		slices.Sort(s.latencies)
		f.Rates = append(f.Rates, s.rate)
		p50, p99 = append(p50, quantile(s.latencies, 0.5)), append(p99, quantile(s.latencies, 0.99))
	}
	f.Rate, f.P50, f.P99 = middle(f.Rates), middle(p50), middle(p99)
	return f
}

func quantile(sorted []time.Duration, q float64) float64 {
	if len(sorted) == 0 {
		return 0
	}
	return float64(sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]) / float64(time.Millisecond)
}

func middle(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}
