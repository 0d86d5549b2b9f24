// The rounds: clients work, something breaks in the middle and is mended, and when all
// is quiet the invariants are looked at.

//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

const (
	roundsOfAWorld = 10
	fullMinutes    = 5.5 // with restores and clusters less than the ten that go test gives a package
	shortMinutes   = 0.75
)

// recoveryLimit is met only by what never recovers.
const recoveryLimit = 90 * time.Second

func TestRounds(t *testing.T) {
	t.Parallel() // with the clusters, so that all of it fits into the time that go test gives
	seed, minutes := number(t, "FAULTS_SEED", uint64(time.Now().UnixNano())), fullMinutes
	if testing.Short() {
		minutes = shortMinutes
	}
	if text := os.Getenv("FAULTS_MINUTES"); text != "" {
		var err error
		if minutes, err = strconv.ParseFloat(text, 64); err != nil {
			t.Fatalf("FAULTS_MINUTES: %v", err)
		}
	}
	t.Logf("FAULTS_SEED=%d", seed)
	r := newReport(seed)
	defer func() { t.Logf("\n%s", r) }()
	schedule := rand.New(rand.NewPCG(seed, 0))
	deck := newDeck(schedule)
	for time.Since(r.began).Minutes() < minutes && !t.Failed() {
		inWorld(t, r, schedule, deck, minutes)
	}
}

func number(t *testing.T, variable string, otherwise uint64) uint64 {
	t.Helper()
	text := os.Getenv(variable)
	if text == "" {
		return otherwise
	}
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("%s: %v", variable, err)
	}
	return n
}

// deck deals every kind of fault once before any comes again.
type deck struct {
	schedule *rand.Rand
	only     string
	left     []fault
}

// newDeck leaves out what FAULTS_ONLY, part of a name, does not match.
func newDeck(schedule *rand.Rand) *deck {
	return &deck{schedule: schedule, only: os.Getenv("FAULTS_ONLY")}
}

func (d *deck) deal(w *world) fault {
	for {
		if len(d.left) == 0 {
			d.left = kinds()
			d.schedule.Shuffle(len(d.left), func(i, j int) { d.left[i], d.left[j] = d.left[j], d.left[i] })
		}
		next := d.left[0]
		d.left = d.left[1:]
		if d.deals(next, w) {
			return next
		}
	}
}

func (d *deck) deals(f fault, w *world) bool {
	return f.possible(w) && strings.Contains(f.name, d.only)
}

func inWorld(t *testing.T, r *report, schedule *rand.Rand, deck *deck, minutes float64) {
	t.Helper()
	r.worlds++
	services := 2 + r.worlds%2
	w, err := newWorld(t.Context(), fmt.Sprint("w", r.worlds), services, r)
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		r.recovery.forget()
		if err := w.end(); err != nil {
			t.Errorf("end: %v", err)
		}
	}()
	if !slices.ContainsFunc(kinds(), func(f fault) bool { return deck.deals(f, w) }) {
		t.Fatalf("FAULTS_ONLY=%s: no fault that is possible here has this in its name", deck.only)
	}
	if len(chores()) == 0 {
		t.Fatalf("FAULTS_AMID=%s: nothing that goes on meanwhile has this in its name", os.Getenv("FAULTS_AMID"))
	}
	var leaves []outside.Leaf
	for n := 0; n < roundsOfAWorld && time.Since(r.began).Minutes() < minutes; n++ {
		round := newRound(w, r, schedule, deck)
		t.Logf("%v round %d, %d services: %s", time.Since(r.began).Round(time.Second), r.rounds, services, round)
		ops, failed := round.play(t.Context())
		var more []string
		leaves, more = w.invariants(t.Context(), ops, leaves, r)
		if failed = append(failed, more...); len(failed) > 0 {
			t.Errorf("round %d, %s, FAULTS_SEED=%d:\n%s", r.rounds, round, r.seed, strings.Join(failed[:min(len(failed), 20)], "\n"))
			w.explain(t)
			return
		}
	}
	if err := w.replayed(t.Context()); err != nil {
		t.Errorf("FAULTS_SEED=%d: %v", r.seed, err)
		w.explain(t)
	}
	r.events += len(leaves)
}

// explain logs what the services said last, and what they do.
func (w *world) explain(t *testing.T) {
	t.Helper()
	for _, s := range w.services {
		t.Log(s.output())
		if _, stacks, err := get(t.Context(), s.admin+"/debug/pprof/goroutine?debug=1"); err == nil {
			t.Log(stacks)
		}
	}
}

// round is what is going to happen.
type round struct {
	*world
	report  *report
	seed    uint64
	random  *rand.Rand
	strikes []strike
	chore   chore
}

// strike is one fault of a round.
type strike struct {
	fault
	after, lasts time.Duration
	services     []int
}

func newRound(w *world, r *report, schedule *rand.Rand, deck *deck) *round {
	r.rounds++
	n := &round{world: w, report: r, seed: schedule.Uint64()}
	n.random = rand.New(rand.NewPCG(n.seed, 1))
	for range 1 + n.random.IntN(2) {
		f := deck.deal(w)
		s := strike{fault: f, after: between(n.random, 200, 700), lasts: between(n.random, 300, 2000)}
		whole := f.whole || n.random.IntN(3) == 0
		one := n.random.IntN(len(w.services))
		for i := range w.services {
			if whole || i == one {
				s.services = append(s.services, i)
			}
		}
		n.strikes = append(n.strikes, s)
	}
	all := chores()
	n.chore = all[n.random.IntN(len(all))]
	return n
}

func between(r *rand.Rand, low, high int) time.Duration {
	return time.Duration(low+r.IntN(high-low)) * time.Millisecond
}

// String says what happens, for people.
func (n *round) String() string {
	var parts []string
	for _, s := range n.strikes {
		parts = append(parts, fmt.Sprintf("%s %v for %v", s.name, s.services, s.lasts))
	}
	return strings.Join(parts, ", ") + ", in the middle of " + n.chore.name
}

// play lets it happen, and gives what clients did and what went wrong already.
func (n *round) play(ctx context.Context) (ops []op, failed []string) {
	ctx, cancel := context.WithTimeout(ctx, 2*recoveryLimit)
	defer cancel()
	if err := n.awaitReady(ctx); err != nil {
		return nil, []string{err.Error()}
	}
	l := n.newLoad(n.report.rounds)
	if err := l.prepare(ctx, n.random); err != nil {
		return nil, []string{err.Error()}
	}
	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		l.run(ctx, n.seed, stop)
	}()
	chored := make(chan error, 1)
	n.report.chores[n.chore.name]++
	go func() { chored <- n.chore.run(ctx, n, l) }()
	if err := n.strikeAll(ctx); err != nil {
		failed = append(failed, err.Error())
	}
	if err := <-chored; err != nil {
		failed = append(failed, n.chore.name+": "+err.Error())
	}
	recovering, cancelled := context.WithTimeout(ctx, recoveryLimit)
	defer cancelled()
	if err := await(recovering, n.recovery.pending); err != nil {
		failed = append(failed, err.Error())
		n.recovery.forget()
	}
	close(stop)
	<-over
	if err := n.awaitReady(ctx); err != nil {
		failed = append(failed, err.Error())
	}
	return l.history.all(), append(failed, l.silent...)
}

// strikeAll breaks and mends one thing after the other; what strikes second does so
// while the first may still be broken.
func (n *round) strikeAll(ctx context.Context) error {
	ended := make(chan error, len(n.strikes))
	for _, s := range n.strikes {
		time.Sleep(s.after)
		n.report.strike(s.name)
		began := n.now()
		mend, err := s.strike(ctx, n.world, s.services)
		if err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		if mend == nil {
			n.recovery.lifted(s.name, s.services, began)
			ended <- nil
			continue
		}
		go func() {
			time.Sleep(s.lasts)
			err := mend()
			n.recovery.lifted(s.name, s.services, n.now())
			ended <- err
		}()
	}
	for range n.strikes {
		if err := <-ended; err != nil {
			return err
		}
	}
	return nil
}
