// Ticks: what wakes, and what does not.

package jetstream_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// nudged is a log that tells of nudges.
type nudged struct {
	*ledger
	nudges chan struct{}
}

func newNudged(l *ledger) nudged { return nudged{l, make(chan struct{}, 1000)} }

func (n nudged) Nudge() { n.nudges <- struct{}{} }

func (n nudged) await(t *testing.T) {
	t.Helper()
	select {
	case <-n.nudges:
	case <-time.After(patience):
		t.Fatal("no nudge came")
	}
}

// runTick starts a ticker that ends with the test.
func runTick(t *testing.T, b *broker, n nudged) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	ended, conn := make(chan error, 1), b.relay()
	go func() { ended <- jetstream.Tick(ctx, conn, n) }()
	t.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			t.Errorf("the ticker: %v", err)
		}
	})
}

func TestTickWakesOtherProcesses(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	heard, err := b.reader().SubscribeSync(jetstream.TickSubject)
	if err != nil {
		t.Fatal(err)
	}
	here, there := newNudged(l), newNudged(l)
	runTick(t, b, here)
	// Its first word is that it listens, since it tells of what is appended from then on.
	await(t, "the first tick", func() bool {
		l.use(1)
		_, err := heard.NextMsg(20 * time.Millisecond)
		return err == nil
	})
	l.use(10)
	await(t, "a tick of the head", func() bool {
		m, err := heard.NextMsg(patience)
		if err != nil {
			t.Fatal(err)
		}
		return string(m.Data) == fmt.Sprintf("%s %d", l.Origin(), l.head())
	})
	if len(here.nudges) > 0 {
		t.Error("a process nudges itself for its own events")
	}
	// A second process hears of what the first has not seen yet.
	runTick(t, b, there)
	other := b.relay()
	await(t, "a nudge", func() bool {
		if err := other.Publish(jetstream.TickSubject, fmt.Appendf(nil, "%s %d", l.Origin(), l.head()+1000)); err != nil {
			t.Fatal(err)
		}
		return len(there.nudges) > 0
	})
	here.await(t)
	there.await(t)
	if len(here.nudges)+len(there.nudges) > 0 {
		t.Error("the same head nudges twice")
	}
}

func TestTickOfOthersIsIgnored(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	n := newNudged(l)
	runTick(t, b, n)
	conn := b.relay()
	tell := func(text string) {
		if err := conn.PublishMsg(&nats.Msg{Subject: jetstream.TickSubject, Data: []byte(text)}); err != nil {
			t.Fatal(err)
		}
	}
	await(t, "a nudge", func() bool {
		for _, text := range []string{"", " 99", "x 99", l.Origin(), l.Origin() + " ", l.Origin() + " x", l.Origin() + " -1", l.Origin() + " 0"} {
			tell(text)
		}
		tell(l.Origin() + " 500") // in order behind the others
		return len(n.nudges) > 0
	})
	<-n.nudges
	if len(n.nudges) > 0 {
		t.Error("a tick that is none of this log's nudges it")
	}
}

func TestTickOutlivesRestarts(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	n := newNudged(l)
	runTick(t, b, n)
	b.stop()
	l.use(10)
	b.start()
	conn := b.relay()
	await(t, "a nudge", func() bool {
		if err := conn.Publish(jetstream.TickSubject, fmt.Appendf(nil, "%s %d", l.Origin(), l.head()+1)); err != nil {
			t.Fatal(err)
		}
		return len(n.nudges) > 0
	})
}
