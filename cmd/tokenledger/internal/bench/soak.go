// A long run with a mix of everything: what must stay flat is sampled all along.

package bench

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"runtime"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// SoakOptions say how hard and how long.
type SoakOptions struct {
	Concurrency int
	Duration    time.Duration
	Tokens      int
	Every       time.Duration // between two samples
}

// SoakSample is how the process was over one interval.
type SoakSample struct {
	Minute     float64 `json:"minute"` // since the beginning, at the interval's end
	Uses       int     `json:"uses"`
	Changes    int     `json:"changes"`
	Reads      int     `json:"reads"`
	Heard      int     `json:"heard"` // events that the subscriber was told
	Again      int     `json:"again"` // answers that asked for patience
	UseP50     float64 `json:"useP50ms"`
	UseP99     float64 `json:"useP99ms"`
	Processor  float64 `json:"processorMs"` // time of a call, the private Postgres included
	HeapMiB    float64 `json:"heapMiB"`     // live, after a collection
	Resident   float64 `json:"residentMiB"` // of the process; 0 where the system does not tell
	Goroutines int     `json:"goroutines"`
	Files      int     `json:"files"` // open file descriptors; 0 where the system does not tell
}

// Soak uses tokens, goes through the stories of a token's life, reads lists, each client
// one after the other, while a subscriber follows the trail. tell, which may be nil, hears of each sample. A call that is not
// answered as it should be ends it.
func Soak(ctx context.Context, s Service, o SoakOptions, tell func(SoakSample)) ([]SoakSample, error) {
	values, asker, err := makeTokens(ctx, s, o.Tokens)
	if err != nil {
		return nil, err
	}
	clients, err := dialAll(ctx, s.URL, o.Concurrency)
	if err != nil {
		return nil, err
	}
	defer clients.close()
	load := &soak{Service: s, values: values, asker: asker, clients: clients}
	if err := load.own(ctx); err != nil {
		return nil, err
	}
	var watching errgroup.Group
	listening, stop := context.WithCancel(ctx)
	defer stop()
	hearing := make(chan struct{})
	watching.Go(func() error { return load.watch(listening, hearing) })
	<-hearing
	samples, err := load.run(ctx, o, tell)
	if err == nil {
		err = load.heard(samples)
	}
	stop()
	return samples, errors.Join(err, watching.Wait())
}

// heard sees that the subscriber was told of something, and adds to the last sample what
// it hears until then.
func (l *soak) heard(samples []SoakSample) error {
	total := 0
	for _, s := range samples {
		total += s.Heard
	}
	for began := time.Now(); total == 0; time.Sleep(againPause) {
		l.count(func(s *SoakSample) { total, samples[len(samples)-1].Heard = s.Heard, s.Heard })
		if time.Since(began) > againWithin {
			return errors.New("the subscriber heard nothing")
		}
	}
	return nil
}

// run takes one sample after the other until the time is up.
func (l *soak) run(ctx context.Context, o SoakOptions, tell func(SoakSample)) (samples []SoakSample, _ error) {
	for began := time.Now(); time.Since(began) < o.Duration; {
		taken, err := hammer(ctx, o.Concurrency, min(o.Every, o.Duration-time.Since(began)), l.step)
		if err != nil {
			return samples, err
		}
		sample := l.sample()
		sample.Minute = time.Since(began).Minutes()
		sample.Processor = (taken.cpu + taken.database).Seconds() * 1e3 / float64(max(taken.done, 1))
		if samples = append(samples, sample); taken.done == 0 {
			return samples, errors.New("nothing was answered in a whole interval")
		}
		if tell != nil {
			tell(sample)
		}
	}
	return samples, nil
}

// soak is the clients and what they did since the last sample.
type soak struct {
	Service
	values       []string
	asker        string
	clients      wires
	organization string
	told         atomic.Int64 // stories

	mu    sync.Mutex // guards all below
	taken SoakSample
	uses  []time.Duration
}

// One call in changeEvery makes and ends a token, one in readEvery asks for lists.
const changeEvery, readEvery = 40, 25

// step is one call of a client.
func (l *soak) step(ctx context.Context, worker, call int) (int, error) {
	at := time.Now()
	switch n := worker*7 + call; {
	case n%changeEvery == 0:
		changes, err := stories[int(l.told.Add(1))%len(stories)](l, ctx)
		if err != nil {
			return 0, err
		}
		l.count(func(s *SoakSample) { s.Changes += changes })
	case n%readEvery == 0:
		if err := l.read(ctx, n/readEvery); err != nil {
			return 0, err
		}
		l.count(func(s *SoakSample) { s.Reads++ })
	default:
		err := l.again(func() error {
			status, body, err := l.clients[worker].ask(func(b []byte, host string) []byte {
				return introspect.request(b, host, l.asker, l.values[(worker*7919+call)%len(l.values)])
			})
			switch {
			case err == nil && status == http.StatusServiceUnavailable:
				return errBusy
			case err == nil && !introspect.good(status, body):
				return fmt.Errorf("%s: answered %d %.200s", introspect.what, status, body)
			}
			return err
		})
		if err != nil {
			return 0, err
		}
		took := time.Since(at)
		l.count(func(s *SoakSample) { s.Uses++; l.uses = append(l.uses, took) })
	}
	return 1, nil
}

func (l *soak) count(change func(*SoakSample)) {
	l.mu.Lock()
	defer l.mu.Unlock()
	change(&l.taken)
}

func (l *soak) send(ctx context.Context, query string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	return l.again(func() error { return l.post(ctx, body, out) })
}

// againWithin is how long a client asks again where the service says that it is behind
// or has too much to do, as every client is to.
const againWithin = 30 * time.Second

func (l *soak) again(ask func() error) error {
	for began := time.Now(); ; {
		err := ask()
		if err == nil || !later(err) || time.Since(began) > againWithin {
			return err
		}
		l.count(func(s *SoakSample) { s.Again++ })
		time.Sleep(againPause)
	}
}

const againPause = 100 * time.Millisecond

// later reports whether an answer is one of those that ask for patience.
func later(err error) bool {
	text := err.Error()
	return errors.Is(err, errBusy) || strings.Contains(text, `"STALE_READ"`) || strings.Contains(text, `"UNAVAILABLE"`)
}

// errBusy: a use was answered with 503.
var errBusy = errors.New("the service has too much to do")

// sample ends an interval.
func (l *soak) sample() SoakSample {
	http.DefaultClient.CloseIdleConnections() // which are this client's, not the service's
	runtime.GC()
	var memory runtime.MemStats
	runtime.ReadMemStats(&memory)
	l.mu.Lock()
	defer l.mu.Unlock()
	s := l.taken
	_, s.UseP50, s.UseP99 = figures([]sample{{latencies: l.uses}})
	if bytes, err := Resident(os.Getpid()); err == nil {
		s.Resident = float64(bytes) / (1 << 20)
	}
	s.HeapMiB, s.Goroutines, s.Files = float64(memory.HeapAlloc)/(1<<20), runtime.NumGoroutine(), openFiles()
	l.taken, l.uses = SoakSample{}, l.uses[:0]
	return s
}

func openFiles() int {
	entries, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return 0
	}
	return len(entries)
}

// Drift is how a figure of the last quarter of a run compares with that of the
// second quarter, when all is warm: medians of the samples.
type Drift struct {
	Figure string  `json:"figure"`
	Early  float64 `json:"early"`
	Late   float64 `json:"late"`
	Flat   bool    `json:"flat"`
}

// Growth is by which part of itself the figure grew.
func (d Drift) Growth() float64 {
	if d.Early == 0 {
		return 0
	}
	return d.Late/d.Early - 1
}

// Drifts compares all that must stay flat: at most a quarter more, and what is too
// little to tell from chance.
func Drifts(samples []SoakSample) []Drift {
	quarter := len(samples) / 4
	if quarter == 0 {
		return nil
	}
	var all []Drift
	for _, figure := range []struct {
		name  string
		slack float64
		of    func(SoakSample) float64
	}{
		{"live heap, MiB", 8, func(s SoakSample) float64 { return s.HeapMiB }},
		{"resident memory, MiB", 32, func(s SoakSample) float64 { return s.Resident }},
		{"goroutines", 8, func(s SoakSample) float64 { return float64(s.Goroutines) }},
		{"open files", 8, func(s SoakSample) float64 { return float64(s.Files) }},
		{"processor time of a call, ms", 0.5, func(s SoakSample) float64 { return s.Processor }},
		{"p50 of a use, ms", 2, func(s SoakSample) float64 { return s.UseP50 }},
		{"p99 of a use, ms", 20, func(s SoakSample) float64 { return s.UseP99 }},
	} {
		d := Drift{
			Figure: figure.name, Early: middle(samples[quarter:2*quarter], figure.of), Late: middle(samples[len(samples)-quarter:], figure.of),
		}
		d.Flat = d.Late <= d.Early*1.25+figure.slack
		all = append(all, d)
	}
	return all
}
