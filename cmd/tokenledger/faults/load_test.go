// The clients: they use tokens, make, rename, suspend, resume and revoke them, through
// all services at once, and write down what they were answered.

//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

const (
	usersEach    = 3 // clients that use tokens, of each service
	commanders   = 3
	pace         = 8 * time.Millisecond // between two things that a client wants
	patience     = 5 * time.Second      // with one answer
	behindFront  = 30 * time.Second     // the same where every request has to succeed, however busy the machine is
	unanswered   = 60 * time.Second     // with a command that is asked again and again
	tokensARound = 6
)

// token is one that clients use.
type token struct {
	id, value string
	fresh     bool // a process may not know it yet, or know it as it was before
}

// load is the clients of one round.
type load struct {
	*world
	round int
	http  *http.Client

	serial    atomic.Int64
	preparing atomic.Bool // nothing is in front then
	mu        sync.Mutex  // guards tokens
	tokens    []token
	history   history
	silent    []string    // commands that were never answered
	hasty     atomic.Bool // some give up within a moment
}

func (w *world) newLoad(round int) *load {
	limit := patience
	if w.front != nil {
		limit = behindFront
	}
	return &load{world: w, round: round, http: &http.Client{Timeout: limit, Transport: &http.Transport{MaxIdleConnsPerHost: 32}}}
}

func (l *load) marker() string { return fmt.Sprintf("r%d-%d", l.round, l.serial.Add(1)) }

// prepare makes tokens that every service allows, so that a refusal has one reason only.
func (l *load) prepare(ctx context.Context, r *rand.Rand) error {
	l.preparing.Store(true)
	defer l.preparing.Store(false)
	for range tokensARound {
		made, ok := l.create(ctx, r, 0)
		if !ok {
			return fmt.Errorf("no token can be made before the round\n%s", l.services[0].output())
		}
		made.fresh = false
		for service := range l.services {
			for l.use(ctx, made, service, 0) != done {
				if ctx.Err() != nil {
					return fmt.Errorf("%s does not allow a new token: %w\n%s", l.services[service].name, ctx.Err(), l.services[service].output())
				}
			}
		}
		l.offer(made)
	}
	// Those refusals came from services that did not know the tokens yet.
	for i := range l.history.ops {
		l.history.ops[i].lagging = true
	}
	return nil
}

func (l *load) offer(t token) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.tokens = append(l.tokens, t)
}

func (l *load) pick(r *rand.Rand, good func(token) bool) (token, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for range 8 {
		if t := l.tokens[r.IntN(len(l.tokens))]; good(t) {
			return t, true
		}
	}
	return token{}, false
}

// run lets all clients work until stop is closed, and returns when each has its answers.
func (l *load) run(ctx context.Context, seed uint64, stop <-chan struct{}) {
	var clients sync.WaitGroup
	client := 0
	begin := func(work func(r *rand.Rand, client int)) {
		client++
		number, r := client, rand.New(rand.NewPCG(seed, uint64(client)))
		clients.Go(func() {
			tick := time.NewTicker(pace)
			defer tick.Stop()
			for {
				select {
				case <-stop:
					return
				case <-tick.C:
					work(r, number)
				}
			}
		})
	}
	for service := range l.services {
		for range usersEach {
			begin(func(r *rand.Rand, client int) {
				if t, ok := l.pick(r, func(token) bool { return true }); ok {
					l.use(ctx, t, service, client)
				}
			})
		}
	}
	for range commanders {
		begin(func(r *rand.Rand, client int) { l.command(ctx, r, client) })
	}
	clients.Wait()
}

// entry is where clients of a service ask: there, or at what stands in front of all.
func (l *load) entry(service int) string {
	if l.front != nil && !l.preparing.Load() {
		return l.front.url
	}
	return l.services[service].url
}

// whim lets a request of a hasty client end early, as often as not in the middle of what
// it began.
func (l *load) whim(ctx context.Context) (context.Context, context.CancelFunc) {
	if !l.hasty.Load() || rand.IntN(4) > 0 {
		return ctx, func() {}
	}
	return context.WithTimeout(ctx, time.Duration(1+rand.IntN(20))*time.Millisecond)
}

const verifyQuery = `mutation($input: VerifyTokenInput!) { verifyToken(input: $input) { allowed code position } }`

// use asks whether a token may do something, once.
func (l *load) use(ctx context.Context, t token, service, client int) outcome {
	o := op{kind: use, token: t.id, marker: l.marker(), client: client, service: service, began: l.now(), lagging: t.fresh}
	asking, cancel := l.whim(ctx)
	defer cancel()
	a, err := outside.Try(asking, l.http, l.entry(service), l.caller, verifyQuery, map[string]any{
		"input": map[string]any{"token": t.value, "action": "createEvidence", "resource": o.marker},
	})
	o.ended = l.now()
	l.front.saw(a, err)
	decision, _ := a.Data["verifyToken"].(map[string]any)
	switch {
	case err != nil || len(a.Errors) > 0 || decision == nil:
	case decision["allowed"] == true:
		o.outcome = done
		position, _ := decision["position"].(float64)
		o.position = int64(position)
		l.recovery.acknowledged(service, o.began, o.ended)
	default:
		o.outcome = refused
	}
	l.history.add(o)
	return o.outcome
}

// mutations of an organization's token; each has a receipt.
var mutations = map[kind]string{
	rename:  `mutation($id: ID!, $text: String!) { it: updateAPIToken(id: $id, input: {name: $text}) { receipt { position } } }`,
	suspend: `mutation($id: ID!, $text: String!) { it: suspendAPIToken(id: $id, reason: $text) { receipt { position } } }`,
	resume:  `mutation($id: ID!, $text: String!) { it: resumeAPIToken(id: $id, reason: $text) { receipt { position } } }`,
	revoke:  `mutation($id: ID!, $text: String!) { it: revokeAPIToken(id: $id, reason: $text) { receipt { position } } }`,
	create:  `mutation($text: String!) { it: createAPIToken(input: {name: $text, scopes: ["evidence:write"]}) { apiToken { id token } receipt { position } } }`,
}

// command does one of them.
func (l *load) command(ctx context.Context, r *rand.Rand, client int) {
	old := func(t token) bool { return !t.fresh }
	switch n := r.IntN(20); {
	case n < 2:
		if made, ok := l.create(ctx, r, client); ok {
			l.offer(made)
		}
	case n < 15:
		if t, ok := l.pick(r, old); ok {
			l.change(ctx, r, rename, t.id, client)
		}
	case n < 19: // a token of its own, so that it knows what it left
		made, ok := l.create(ctx, r, client)
		if !ok {
			return
		}
		l.offer(made)
		if l.change(ctx, r, suspend, made.id, client).outcome == done {
			l.change(ctx, r, resume, made.id, client)
		}
	default:
		if t, ok := l.pick(r, old); ok {
			l.change(ctx, r, revoke, t.id, client)
		}
	}
}

func (l *load) create(ctx context.Context, r *rand.Rand, client int) (token, bool) {
	o := op{kind: create, client: client, marker: l.marker()}
	a := l.ask(ctx, r, &o, map[string]any{"text": o.marker})
	it, _ := a.Data["it"].(map[string]any)
	made, _ := it["apiToken"].(map[string]any)
	id, _ := made["id"].(string)
	value, _ := made["token"].(string)
	if o.outcome != done || id == "" {
		return token{}, false
	}
	o.token = id
	l.history.add(o)
	// An answer that was lost comes back without the value; nobody has it then.
	return token{id, value, true}, !slices.Contains(a.Extensions.Warnings, "VALUE_ALREADY_SHOWN")
}

func (l *load) change(ctx context.Context, r *rand.Rand, what kind, id string, client int) op {
	o := op{kind: what, token: id, client: client, marker: l.marker()}
	l.ask(ctx, r, &o, map[string]any{"id": id, "text": o.marker})
	l.history.add(o)
	return o
}

// ask asks one service after the other, under one idempotency key, until one has
// answered for certain.
func (l *load) ask(ctx context.Context, r *rand.Rand, o *op, variables map[string]any) (a outside.Answer) {
	o.began = l.now()
	var err error
	for first := true; first || l.now()-o.began < unanswered && ctx.Err() == nil; first = false {
		if !first {
			time.Sleep(retryDelay)
		}
		o.service = r.IntN(len(l.services))
		asking, cancel := l.whim(ctx)
		a, err = outside.Try(asking, l.http, l.entry(o.service), l.admin, mutations[o.kind], variables, "Idempotency-Key", l.key(o))
		o.ended = l.now()
		cancel()
		l.front.saw(a, err)
		it, _ := a.Data["it"].(map[string]any)
		switch {
		case err != nil || a.Code() == "UNAVAILABLE" || a.Code() == "INTERNAL_SERVER_ERROR":
		case a.Code() == "CONFLICT" && strings.Contains(a.Errors[0].Message, "try again"):
		case a.Code() == "CONFLICT":
			o.outcome = refused
			return a
		case len(a.Errors) == 0 && it != nil:
			receipt, _ := it["receipt"].(map[string]any)
			o.outcome = done
			o.position = position(receipt["position"])
			return a
		default:
			l.fault("%s %s is answered with %d %s", o.kind, o.marker, a.Status, a.Body)
			return a
		}
	}
	l.fault("%s %s was not answered in %v: %v %d %s", o.kind, o.marker, unanswered, err, a.Status, a.Body)
	return a
}

func (l *load) key(o *op) string { return l.name + "-" + o.marker }

// position reads a number of GraphQL in either of the forms that JSON has for it.
func position(v any) (n int64) {
	_, _ = fmt.Sscan(fmt.Sprintf("%.0f", v), &n)
	return n
}

func (l *load) fault(format string, args ...any) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.silent = append(l.silent, fmt.Sprintf(format, args...))
}
