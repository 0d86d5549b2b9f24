// What the rounds add up to: the figures of docs/reliability.md.

//go:build faults

package faults_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"
)

// report counts over all rounds.
type report struct {
	mu       sync.Mutex // guards faults
	seed     uint64
	began    time.Time
	worlds   int
	rounds   int
	faults   map[string]int // by kind
	chores   map[string]int // what went on meanwhile
	skipped  map[string]string
	recovery *recovery

	uses, commands      int // acknowledged
	refusals, uncertain int
	events              int // in the logs, at the end
	checked             int // operations that porcupine looked at
	lost, duplicated    int
	reordered           int
	unequal             int // events that JetStream has otherwise
	after               int // uses behind what would have refused them
}

func newReport(seed uint64) *report {
	return &report{
		seed: seed, began: time.Now(), faults: map[string]int{}, chores: map[string]int{}, skipped: map[string]string{},
		recovery: &recovery{times: map[string][]time.Duration{}},
	}
}

func (r *report) skip(what, why string) { r.skipped[what] = why }

// strike counts a fault.
func (r *report) strike(kind string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.faults[kind]++
}

// String is the report as Markdown.
func (r *report) String() string {
	var b strings.Builder
	p := func(format string, args ...any) { fmt.Fprintf(&b, format+"\n", args...) }
	injected := 0
	for _, n := range r.faults {
		injected += n
	}
	p("seed %d, %v\n\n| figure | count |\n|---|---|", r.seed, time.Since(r.began).Round(time.Second))
	for _, row := range []struct {
		what  string
		count int
	}{
		{"rounds", r.rounds},
		{"logs", r.worlds},
		{"faults injected", injected},
		{"events in the logs", r.events},
		{"uses acknowledged", r.uses},
		{"commands acknowledged", r.commands},
		{"uses refused", r.refusals},
		{"uses whose outcome the client never learnt", r.uncertain},
		{"operations checked for linearizability", r.checked},
		{"acknowledged events lost", r.lost},
		{"events duplicated", r.duplicated},
		{"events reordered", r.reordered},
		{"events that JetStream holds otherwise", r.unequal},
		{"uses after a revocation or anything else that refuses them", r.after},
	} {
		p("| %s | %d |", row.what, row.count)
	}
	p("\n| fault | injected | recoveries | p50 | p99 |\n|---|---|---|---|---|")
	for _, kind := range slices.Sorted(maps.Keys(r.faults)) {
		times := slices.Sorted(slices.Values(r.recovery.times[kind]))
		if len(times) == 0 {
			p("| %s | %d | 0 | | |", kind, r.faults[kind])
			continue
		}
		p("| %s | %d | %d | %.2f s | %.2f s |", kind, r.faults[kind], len(times), quantile(times, 0.5).Seconds(), quantile(times, 0.99).Seconds())
	}
	p("\n| in the middle of | rounds |\n|---|---|")
	for _, chore := range slices.Sorted(maps.Keys(r.chores)) {
		p("| %s | %d |", chore, r.chores[chore])
	}
	for _, what := range slices.Sorted(maps.Keys(r.skipped)) {
		p("\nleft out: %s: %s", what, r.skipped[what])
	}
	return b.String()
}

func quantile(sorted []time.Duration, q float64) time.Duration {
	return sorted[min(len(sorted)-1, int(q*float64(len(sorted))))]
}

// recovery measures, for each service that a fault met, the time from its lifting to
// the first use that was asked for and acknowledged afterwards. What is killed is
// started again at once, so its fault is lifted when it strikes.
type recovery struct {
	mu      sync.Mutex // guards both
	waiting []wait
	times   map[string][]time.Duration
}

type wait struct {
	fault   string
	service int
	lifted  time.Duration
}

func (r *recovery) lifted(fault string, services []int, at time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, s := range services {
		r.waiting = append(r.waiting, wait{fault, s, at})
	}
}

func (r *recovery) acknowledged(service int, began, ended time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = slices.DeleteFunc(r.waiting, func(w wait) bool {
		if w.service != service || began < w.lifted {
			return false
		}
		r.times[w.fault] = append(r.times[w.fault], ended-w.lifted)
		return true
	})
}

// note adds a time that was measured otherwise.
func (r *recovery) note(fault string, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.times[fault] = append(r.times[fault], took)
}

// pending names what has not recovered.
func (r *recovery) pending() error {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.waiting) == 0 {
		return nil
	}
	return fmt.Errorf("not recovered: %+v", r.waiting)
}

// forget lets go of what has not recovered when its world ends.
func (r *recovery) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.waiting = nil
}
