// A primary that is killed under load: its synchronous standby has all that was
// acknowledged. One that lacks the tail is noticed, by relay and sealer, and so is an old
// primary that comes back.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// newPair is a ledger on a primary and a standby.
func newPair(t *testing.T, synchronous bool) (*ledger, *pair) {
	t.Helper()
	p := &pair{synchronous: synchronous}
	l := newCluster(t, 2, p.start)
	t.Cleanup(func() { t.Logf("\n%s", l.report) })
	return l, p
}

// meet returns when the clients have been answered so often since.
func (l *ledger) meet(clients *load, answers int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	done := func() (n int) {
		for _, o := range clients.history.all() {
			if o.outcome == done {
				n++
			}
		}
		return n
	}
	before := done()
	l.must(await(ctx, func() error {
		if n := done() - before; n < answers {
			return fmt.Errorf("%d of %d things were answered", n, answers)
		}
		return nil
	}))
}

func TestAPrimaryIsKilled(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the short form has one Postgres")
	}
	const fault = "primary killed, synchronous standby promoted"
	l, p := newPair(t, true)
	for n := range 3 {
		before := 0
		l.workOf(func(clients *load) {
			clients.hasty.Store(true) // some give up in the middle of a COMMIT
			l.meet(clients, 300)
			before = l.term()
			if n == 0 {
				l.divided(p, clients)
			} else {
				l.report.strike(fault)
				began := l.now()
				l.must(p.fail(t.Context()))
				l.recovery.lifted(fault, []int{0, 1}, began)
			}
			ctx, cancel := context.WithTimeout(t.Context(), recoveryLimit)
			defer cancel()
			l.must(await(ctx, l.recovery.pending))
		})
		l.settled()
		if after := l.term(); after != before+1 {
			t.Errorf("the term is %d after the promotion, and was %d", after, before)
		}
		if n == 0 {
			l.strays(p)
		}
		l.must(p.attach(1 - p.primary))
	}
	l.must(l.replayed(t.Context()))
}

// divided promotes the standby while the primary, which all services hold on to, lives on
// and cannot reach it: from then on nobody is acknowledged anything, until the old primary
// is gone.
func (l *ledger) divided(p *pair, clients *load) {
	l.Helper()
	const fault = "standby promoted beside its primary, which is killed later"
	l.report.strike(fault)
	_, err := p.way.poison(partition)
	l.must(err)
	old := p.servers[p.primary]
	l.must(p.promote(l.Context()))
	promoted := l.now()
	asked := func() (n int) {
		for _, o := range clients.history.all() {
			if o.began < promoted {
				continue
			}
			if n++; o.outcome == done {
				l.Errorf("the old primary acknowledges %+v", o)
			}
		}
		return n
	}
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	l.must(await(ctx, func() error { // each client asks again when it was patient in vain
		if n := asked(); n < 20 {
			return fmt.Errorf("%d requests were made of the old primary", n)
		}
		return nil
	}))
	killed := l.now()
	old.killAll()
	l.recovery.lifted(fault, []int{0, 1}, killed)
}

// strays lets the old primary come back as if nothing had been, and a service that finds
// no other: it acknowledges nothing, and says of itself that it is not ready.
func (l *ledger) strays(p *pair) {
	l.Helper()
	old := p.servers[1-p.primary]
	address := old.bridge.Addr().String()
	l.must(old.bridge.Close()) // the others are not to find it
	l.must(old.start())
	stray, err := l.newService("stray")
	l.must(err)
	stray.faulty = append(stray.faulty, "TOKENLEDGER_DATABASE_URL="+old.direct())
	go stray.supervise()
	defer func() {
		close(stray.stopped)
		stray.kill() // its COMMIT waits for a standby that never comes
		<-stray.over
		l.must(old.stopServer())
		l.must(old.listen(address))
	}()
	ctx, cancel := context.WithTimeout(l.Context(), startLimit)
	defer cancel()
	l.must(await(ctx, func() error { // the service has begun, and waits
		var waits int
		err := old.ask(ctx, &waits, `SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
		if err == nil && waits == 0 {
			err = errors.New("nothing waits for the standby of the old primary\n" + stray.output())
		}
		return err
	}))
	if err := stray.ready(ctx); err == nil {
		l.Error("a service on the old primary says that it is ready")
	}
	clients := &http.Client{Timeout: 2 * time.Second}
	a, err := outside.Try(ctx, clients, stray.url, l.caller, verifyQuery,
		map[string]any{"input": map[string]any{"token": l.admin, "action": "createEvidence", "resource": "stray"}})
	decision, _ := a.Data["verifyToken"].(map[string]any)
	if err == nil && decision["allowed"] == true {
		l.Errorf("the old primary allows a use: %s", a.Body)
	}
	a, err = outside.Try(ctx, clients, stray.url, l.admin, mutations[create], map[string]any{"text": "stray"}, "Idempotency-Key", "stray")
	if err == nil && len(a.Errors) == 0 {
		l.Errorf("the old primary makes a token: %s", a.Body)
	}
}

// Whatever is lost with the primary, everything that was told of it says so.
func TestAStandbyLacksTheTail(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("the short form has one Postgres")
	}
	t.Run("an asynchronous one, and what was acknowledged is lost", func(t *testing.T) {
		l, p := newPair(t, false)
		l.work(func() {})
		l.settled()
		_, err := p.way.poison(partition)
		l.must(err)
		l.work(func() {}) // the primary alone has it
		l.must(l.ahead(p, true))
		l.ops = nil
		l.report.strike("primary killed, standby without the tail promoted")
		l.must(p.fail(t.Context()))
		l.remedy(true)
	})
	t.Run("a synchronous one, and the waits for it are cut off", func(t *testing.T) {
		l, p := newPair(t, true)
		l.work(func() {})
		l.settled()
		l.workOf(func(clients *load) {
			_, err := p.way.poison(partition)
			l.must(err)
			cutting, stop := context.WithCancel(t.Context())
			cut := make(chan error, 1)
			go func() { cut <- p.cutOff(cutting) }()
			l.must(l.ahead(p, false))
			stop()
			l.must(<-cut)
			l.report.strike("waits for the standby cut off, primary killed, standby promoted")
			l.must(p.fail(t.Context()))
			l.meet(clients, 200)
		})
		l.remedy(false)
	})
}

// cutOff ends the wait of commits for the standby, now this way, now that.
func (p *pair) cutOff(ctx context.Context) error {
	for n := 0; ctx.Err() == nil; n++ {
		end := []string{"pg_cancel_backend", "pg_terminate_backend"}[n%2]
		err := p.servers[p.primary].run(context.WithoutCancel(ctx), `SELECT `+end+`(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`)
		if err != nil {
			return err
		}
		select {
		case <-ctx.Done():
		case <-time.After(100 * time.Millisecond):
		}
	}
	return nil
}

// ahead returns when JetStream has what the standby lacks, and where it is to be signed,
// a checkpoint, too.
func (l *ledger) ahead(p *pair, signed bool) error {
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	return await(ctx, func() error {
		var has int
		if err := p.servers[1-p.primary].ask(ctx, &has, `SELECT max(last_position) FROM tokenledger.blocks`); err != nil {
			return err
		}
		published, sealed := 0.0, 0.0
		for _, s := range l.services {
			m, err := s.metrics(ctx)
			if err != nil {
				return err
			}
			published, sealed = max(published, m["tokenledger_relay_position"]), max(sealed, m["tokenledger_sealer_position"])
		}
		if int(published) <= has || signed && int(sealed) <= has {
			return fmt.Errorf("the standby has %d events, %v are published and %v signed", has, published, sealed)
		}
		return nil
	})
}

// remedy checks that somebody noticed, and does what docs/operations.md says then.
func (l *ledger) remedy(signed bool) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	defer func() {
		if l.Failed() {
			l.tell()
		}
	}()
	l.must(await(ctx, func() error {
		halted, refused := 0.0, 0.0
		for _, s := range l.services {
			m, err := s.metrics(ctx)
			if err != nil {
				return err
			}
			halted, refused = halted+m["tokenledger_relay_halted"], refused+m["tokenledger_sealer_refused"]
		}
		if int(halted) < len(l.services) || signed && refused == 0 {
			return fmt.Errorf("%v relays have halted, %v sealers refuse", halted, refused)
		}
		return nil
	}))
	if err := l.services[0].ready(ctx); err == nil || !strings.Contains(err.Error(), "not that of this log") {
		l.Errorf("/readyz: %v", err)
	}
	refuses := signed
	for _, s := range l.services {
		m, err := s.metrics(ctx)
		l.must(err)
		refuses = refuses || m["tokenledger_sealer_refused"] == 1
		// A process that had seen the tail ends, and is started again.
		s.mu.Lock()
		ends := slices.Clone(s.unasked)
		s.mu.Unlock()
		for _, end := range ends {
			if !strings.Contains(end, "promot") {
				l.Error(end)
			}
		}
	}
	l.halt()
	commands := [][]string{{"sealer", "renew", "--yes"}, {"relay", "rebuild", "--yes"}}
	if !refuses {
		commands = commands[1:]
	}
	for _, args := range commands {
		c, err := l.command(l.services[0], args...)
		l.must(err)
		if c.Code() != 0 {
			l.Fatalf("%s: %s", c, c.Output())
		}
	}
	l.resume()
	l.work(func() {})
	l.settled()
	l.must(l.replayed(l.Context()))
}

// tell logs what the services say of themselves, for who wonders.
func (l *ledger) tell() {
	for _, s := range l.services {
		_, ready, err := get(context.Background(), s.url+"/readyz")
		l.Logf("%s: %s %v\n%s", s.name, ready, err, s.output())
	}
}
