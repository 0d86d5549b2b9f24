// How a NATS server ends: drained, cut short, or killed.

package embedded

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
)

func TestStopDrainsConnections(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	conn, err := n.ReaderConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	const messages = 20
	var handled atomic.Int32
	begun, goOn := make(chan struct{}, messages), make(chan struct{})
	if _, err := conn.Subscribe("tokenledger.>", func(*nats.Msg) {
		begun <- struct{}{}
		<-goOn
		handled.Add(1)
	}); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	makeLog(t, relay(t, n), messages)
	<-begun
	stopped := make(chan error)
	go func() { stopped <- n.Stop(context.Background()) }()
	await(t, "the drain to begin", conn.IsDraining)
	close(goOn)
	if err := <-stopped; err != nil {
		t.Error(err)
	}
	if handled.Load() != messages || !conn.IsClosed() {
		t.Errorf("%d of %d messages were handled; closed: %v", handled.Load(), messages, conn.IsClosed())
	}
	stopNATS(t, n) // twice is harmless
	if _, err := n.RelayConn(t.Context()); err == nil {
		t.Error("a stopped server was connected to")
	}
}

func TestStopEndsADrainThatTakesTooLong(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	conn, err := n.ReaderConn(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	begun, goOn := make(chan struct{}, 1), make(chan struct{})
	defer close(goOn)
	if _, err := conn.Subscribe("tokenledger.>", func(*nats.Msg) { begun <- struct{}{}; <-goOn }); err != nil {
		t.Fatal(err)
	}
	if err := conn.Flush(); err != nil {
		t.Fatal(err)
	}
	makeLog(t, relay(t, n), 1)
	<-begun
	ctx, cancel := context.WithTimeout(t.Context(), 50*time.Millisecond)
	defer cancel()
	if err := n.Stop(ctx); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v", err)
	}
	if n.server.Running() || !conn.IsClosed() {
		t.Error("something still runs")
	}
}

func TestKillNineKeepsStreams(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	s := startService(t, dir, natsService)
	if r := s.awaitReport(t); r.PID == 0 {
		t.Fatal("no report")
	}
	s.kill()
	n := startNATS(t, NATSConfig{Dir: dir})
	if last := lastSequence(t, reader(t, n)); last != 3 {
		t.Errorf("the stream ends at %d", last)
	}
}
