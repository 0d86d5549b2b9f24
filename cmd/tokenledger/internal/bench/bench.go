// Package bench measures the service against a plain baseline in the same run.
package bench

import (
	"context"
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"slices"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"
)

// Options say how hard and how long.
type Options struct {
	Concurrency int
	Duration    time.Duration // of all rounds together, baseline included
	Tokens      int
	Profile     string // file for a processor profile; empty: none
}

// profiled runs one more round of the subject alone, with a profile being
// written, if one is wanted.
func (o Options) profiled(round func(time.Duration) error) error {
	if o.Profile == "" {
		return nil
	}
	f, err := os.Create(o.Profile)
	if err != nil {
		return fmt.Errorf("the profile: %w", err)
	}
	if err := pprof.StartCPUProfile(f); err != nil {
		return errors.Join(fmt.Errorf("the profile: %w", err), f.Close())
	}
	err = round(o.Duration)
	pprof.StopCPUProfile()
	return errors.Join(err, f.Close())
}

// Result is what one run measured. Rates are per second, medians over the
// rounds; ratio is Throughput over RawThroughput.
type Result struct {
	What          string    `json:"what"`
	Raw           string    `json:"raw"`
	Client        string    `json:"client,omitempty"`
	Concurrency   int       `json:"concurrency"`
	Tokens        int       `json:"tokens"`
	Rounds        int       `json:"rounds"`
	Throughput    float64   `json:"throughput"`
	RawThroughput float64   `json:"rawThroughput"`
	Ratio         float64   `json:"ratio"`
	P50           float64   `json:"p50ms"`
	P99           float64   `json:"p99ms"`
	RawP50        float64   `json:"rawP50ms"`
	RawP99        float64   `json:"rawP99ms"`
	Spread        []float64 `json:"throughputs"`
	CPU           float64   `json:"cpuMicros,omitempty"`         // of this process for one, client included
	RawCPU        float64   `json:"rawCPUMicros,omitempty"`      // the same for the baseline
	DatabaseCPU   float64   `json:"databaseCPUMicros,omitempty"` // of the private Postgres, for one of ours
}

// rounds is how often subject and baseline take turns, so that what else the
// machine does falls on both.
const rounds = 5

// sample is one round's measurement.
type sample struct {
	rate      float64
	latencies []time.Duration
	cpu       time.Duration // of this process
	database  time.Duration // of the servers that it started
	done      int
}

// hammer calls do from n goroutines until the time is up, or one call fails.
func hammer(ctx context.Context, n int, d time.Duration, do func(ctx context.Context, worker, call int) (done int, err error)) (sample, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		wg    sync.WaitGroup
		mu    sync.Mutex // guards total and all
		total int
		all   []time.Duration
	)
	used, below := processorTime(), childrenTime()
	begin := time.Now()
	end := begin.Add(d)
	for worker := range n {
		wg.Go(func() {
			count, took := 0, []time.Duration{}
			for call := 0; ctx.Err() == nil; call++ {
				t := time.Now()
				if t.After(end) {
					break
				}
				done, err := do(ctx, worker, call)
				if err != nil {
					cancel(err)
					break
				}
				count += done
				took = append(took, time.Since(t))
			}
			mu.Lock()
			defer mu.Unlock()
			total += count
			all = append(all, took...)
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil {
		return sample{}, err
	}
	return sample{
		rate: float64(total) / time.Since(begin).Seconds(), latencies: all, done: total,
		cpu: processorTime() - used, database: childrenTime() - below,
	}, nil
}

// turn is one round of who is measured.
type turn func(time.Duration) (sample, error)

// takeTurns measures subject and baseline in turn.
func takeTurns(r Result, o Options, subject, baseline turn) (Result, error) {
	each := o.Duration / (2 * rounds)
	var ours, raw []sample
	for range rounds {
		s, err := subject(each)
		if err != nil {
			return Result{}, err
		}
		ours = append(ours, s)
		if s, err = baseline(each); err != nil {
			return Result{}, err
		}
		raw = append(raw, s)
	}
	return summary(r, ours, raw), o.profiled(func(d time.Duration) error {
		_, err := subject(d)
		return err
	})
}

// summary turns the rounds into a result.
func summary(r Result, subject, raw []sample) Result {
	r.Rounds = len(subject)
	r.Throughput, r.P50, r.P99 = figures(subject)
	r.RawThroughput, r.RawP50, r.RawP99 = figures(raw)
	r.CPU, r.RawCPU = cost(subject, sample.own), cost(raw, sample.own)
	r.DatabaseCPU = cost(subject, sample.servers)
	r.Ratio = r.Throughput / r.RawThroughput
	for _, s := range subject {
		r.Spread = append(r.Spread, s.rate)
	}
	return r
}

func figures(samples []sample) (rate, p50, p99 float64) {
	var all []time.Duration
	for _, s := range samples {
		all = append(all, s.latencies...)
	}
	return middle(samples, func(s sample) float64 { return s.rate }), quantile(all, 0.50), quantile(all, 0.99)
}

func (s sample) own() time.Duration     { return s.cpu }
func (s sample) servers() time.Duration { return s.database }

// cost is the processor time in microseconds that one took.
func cost(samples []sample, of func(sample) time.Duration) float64 {
	var used time.Duration
	var done int
	for _, s := range samples {
		used, done = used+of(s), done+s.done
	}
	return float64(used.Microseconds()) / float64(max(1, done))
}

// crew calls do so often from each of n goroutines, and gives how long each call took.
func crew(ctx context.Context, n, calls int, do func(worker, call int) error) ([]time.Duration, error) {
	var group errgroup.Group
	took := make([][]time.Duration, n)
	for worker := range n {
		group.Go(func() error {
			for call := range calls {
				begin := time.Now()
				if err := do(worker, call); err != nil {
					return err
				}
				took[worker] = append(took[worker], time.Since(begin))
			}
			return ctx.Err()
		})
	}
	err := group.Wait()
	return slices.Concat(took...), err
}
