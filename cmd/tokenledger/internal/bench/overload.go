// More than can be answered: an open loop of requests that come whether or not
// those before them are answered, as clients that know nothing of each other send them.

package bench

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"
)

// OverloadOptions say how hard a service is pressed.
type OverloadOptions struct {
	Tokens      int // of each of two organizations
	Connections int // of the flood
	Each        time.Duration
	Quiet       float64 // requests a second of the organization beside the flood
}

// overloads are the loads that are offered, in multiples of the capacity.
var overloads = []float64{0.5, 1, 2, 5}

// Offered is what became of one load.
type Offered struct {
	What     string  `json:"what"`
	Offered  float64 `json:"offered"`  // a second
	Accepted float64 `json:"accepted"` // uses that are allowed and durable, a second
	Shed     float64 `json:"shed"`     // 503, a second
	Unsent   float64 `json:"unsent"`   // that found no connection
	P50      float64 `json:"p50ms"`    // of the accepted, from the moment that each was due
	P99      float64 `json:"p99ms"`
	ShedP99  float64 `json:"shedP99ms"`
	Resident float64 `json:"residentMiB"` // of the service, at its highest
	// Processor is the time of service, database and clients together for each accepted
	// use, in microseconds, with all that was refused meanwhile; 0 where more was under way.
	// Unlike the rates it hardly depends on what else the machine does.
	Processor float64 `json:"processorUs"`
}

// ShedShare is the part of the answers that were refusals for want of room.
func (o Offered) ShedShare() float64 {
	if o.Accepted+o.Shed == 0 {
		return 0
	}
	return o.Shed / (o.Accepted + o.Shed)
}

// Overloaded is what one run found.
type Overloaded struct {
	Connections int       `json:"connections"`
	Capacity    float64   `json:"capacity"`    // a second, with clients that wait for their answers
	Processor   float64   `json:"processorUs"` // of each use then
	Loads       []Offered `json:"loads"`
	Recovery    float64   `json:"recoveryMs"` // from the end of the flood to answers as before it; -1: there were none
	Alone       Offered   `json:"alone"`      // the quiet organization by itself
	Beside      Offered   `json:"beside"`     // the same beside a flood of the other one
	Flood       Offered   `json:"flood"`      // that flood
}

// Overload asks a running service, whose process is named, by /auth/check.
func (in *Inhabitants) Overload(ctx context.Context, url string, pid int, o OverloadOptions, say func(string)) (r Overloaded, err error) {
	flood, quiet := in.split()
	load := &openLoop{url: url, pid: pid, connections: o.Connections}
	r.Connections = o.Connections
	say(fmt.Sprintf("Finding the capacity for %v …", o.Each))
	if err := load.capacity(ctx, flood, o.Each, &r); err != nil {
		return r, err
	}
	if err := load.rise(ctx, flood, o.Each, &r, say); err != nil {
		return r, err
	}
	say("Asking for another organization, alone and beside a flood …")
	beside := &openLoop{url: url, pid: pid, connections: 64}
	if r.Alone, err = beside.offer(ctx, "another organization, alone", quiet, o.Quiet, o.Each); err != nil {
		return r, err
	}
	flooded := make(chan error, 1)
	go func() {
		var err error
		r.Flood, err = load.offer(ctx, "the flood", flood, 5*r.Capacity, o.Each)
		flooded <- err
	}()
	r.Beside, err = beside.offer(ctx, "another organization, beside a flood of 5 × capacity", quiet, o.Quiet, o.Each)
	err = errors.Join(err, <-flooded)
	return r, err
}

// rise offers every load, and half of what can be done as soon as the last one is over: on the
// same connections, so that the service has no pause to recover in.
func (l *openLoop) rise(ctx context.Context, values []string, d time.Duration, r *Overloaded, say func(string)) error {
	open, err := l.connect(ctx, l.connections)
	if err != nil {
		return err
	}
	defer open.close()
	for _, times := range overloads {
		say(fmt.Sprintf("Offering %g × %.0f a second for %v …", times, r.Capacity, d))
		used := processorTime() + childrenTime()
		offered, outcomes, err := l.over(ctx, open, fmt.Sprintf("%g × capacity", times), values, times*r.Capacity, d)
		if err != nil {
			return err
		}
		accepted := 0
		for _, o := range outcomes {
			if !o.shed {
				accepted++
			}
		}
		offered.Processor = each(processorTime()+childrenTime()-used, accepted)
		r.Loads = append(r.Loads, offered)
	}
	_, after, err := l.over(ctx, open, "", values, r.Capacity/2, d)
	r.Recovery = recovery(after, 2*r.Loads[0].P99)
	return err
}

// split gives the values of the first organization's tokens and of the second's.
func (in *Inhabitants) split() (first, second []string) {
	for i, v := range in.values {
		if i%2 == 0 {
			first = append(first, v)
		} else {
			second = append(second, v)
		}
	}
	return first, second
}

// openLoop is clients that share connections.
type openLoop struct {
	url         string
	pid         int
	connections int
}

// connect opens connections that have each had an answer: one that never asked is
// closed after some seconds, as that of a client that holds it for its own sake.
func (l *openLoop) connect(ctx context.Context, n int) (wires, error) {
	all, err := dialAll(ctx, l.url, n)
	if err != nil {
		return nil, err
	}
	var group errgroup.Group
	group.SetLimit(64)
	for _, w := range all {
		group.Go(func() error {
			_, _, err := w.ask(func(b []byte, host string) []byte {
				return append(head(b, http.MethodGet, "/livez", host, "none"), "\r\n"...)
			})
			return err
		})
	}
	if err := group.Wait(); err != nil {
		all.close()
		return nil, err
	}
	return all, nil
}

// waiting is how many clients find the capacity: enough for large blocks.
const waiting = 256

// capacity is what clients get that each wait for an answer before they ask again.
func (l *openLoop) capacity(ctx context.Context, values []string, d time.Duration, r *Overloaded) error {
	n := min(waiting, l.connections)
	all, err := l.connect(ctx, n)
	if err != nil {
		return err
	}
	defer all.close()
	s, err := hammer(ctx, n, d, func(_ context.Context, worker, call int) (int, error) {
		status, body, err := all[worker].present(values[(worker*7919+call)%len(values)])
		if err == nil && status != http.StatusOK {
			err = fmt.Errorf("a token that is good was answered %d %.200s", status, body)
		}
		return 1, err
	})
	r.Capacity, r.Processor = s.rate, each(s.cpu+s.database, s.done)
	return err
}

// each is the part of a time that falls to one of so many, in microseconds.
func each(all time.Duration, n int) float64 { return all.Seconds() * 1e6 / float64(max(n, 1)) }

func (w *wire) present(value string) (int, []byte, error) {
	return w.ask(func(b []byte, host string) []byte { return authCheck.request(b, host, "", value) })
}

// outcome is one request that was due at a time after the beginning.
type outcome struct {
	due, took time.Duration
	shed      bool
}

// patience is how long a request waits for a connection before it is given up: a
// client that has none of its own is not the service's to answer.
const patience = 50 * time.Millisecond

// offer is [openLoop.over] connections of its own.
func (l *openLoop) offer(ctx context.Context, what string, values []string, rate float64, d time.Duration) (Offered, error) {
	open, err := l.connect(ctx, l.connections)
	if err != nil {
		return Offered{}, err
	}
	defer open.close()
	o, _, err := l.over(ctx, open, what, values, rate, d)
	return o, err
}

// over sends so many requests a second for a while. What is measured begins when a
// request is due, so that waiting for a connection counts, too.
func (l *openLoop) over(ctx context.Context, open wires, what string, values []string, rate float64, d time.Duration) (Offered, []outcome, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var (
		next, unsent atomic.Int64
		group        sync.WaitGroup
		all          = make([][]outcome, len(open))
		total        = int64(rate * d.Seconds())
		begin        = time.Now()
	)
	highest := make(chan int64, 1)
	sampled, sampledEnough := context.WithCancel(ctx)
	go func() { highest <- l.residentUntil(sampled) }()
	for worker := range open {
		group.Go(func() {
			timer := time.NewTimer(0)
			defer timer.Stop()
			for ctx.Err() == nil {
				i := next.Add(1) - 1
				if i >= total {
					return
				}
				due := time.Duration(float64(i) / rate * float64(time.Second))
				switch wait := due - time.Since(begin); {
				case wait < -patience:
					unsent.Add(1)
					continue
				case wait > 0:
					timer.Reset(wait)
					<-timer.C
				}
				status, body, err := open[worker].present(values[int(i)*7919%len(values)])
				if err == nil && status != http.StatusOK && status != http.StatusServiceUnavailable {
					err = fmt.Errorf("a token that is good was answered %d %.200s", status, body)
				}
				if err != nil {
					cancel(err)
					return
				}
				all[worker] = append(all[worker], outcome{due, time.Since(begin) - due, status != http.StatusOK})
			}
		})
	}
	group.Wait()
	took := time.Since(begin).Seconds()
	sampledEnough()
	resident := <-highest
	if err := context.Cause(ctx); err != nil {
		return Offered{}, nil, err
	}
	o := Offered{What: what, Offered: rate, Unsent: float64(unsent.Load()) / took, Resident: float64(resident) / (1 << 20)}
	var outcomes []outcome
	var good, shed []time.Duration
	for _, of := range all {
		for _, x := range of {
			outcomes = append(outcomes, x)
			if x.shed {
				shed = append(shed, x.took)
			} else {
				good = append(good, x.took)
			}
		}
	}
	o.Accepted, o.Shed = float64(len(good))/took, float64(len(shed))/took
	o.P50, o.P99, o.ShedP99 = quantile(good, 0.5), quantile(good, 0.99), quantile(shed, 0.99)
	return o, outcomes, nil
}

// residentUntil is the most memory that the service held until ctx ended; 0 where
// the system does not tell.
func (l *openLoop) residentUntil(ctx context.Context) (most int64) {
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for {
		now, err := Resident(l.pid)
		if err != nil {
			return most
		}
		most = max(most, now)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return most
		}
	}
}
