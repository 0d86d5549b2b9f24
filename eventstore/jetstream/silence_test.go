// A network that swallows what the server says.

package jetstream_test

import (
	"io"
	"net"
	"sync"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// valve is a proxy before the server; while it is shut, answers stay behind it.
type valve struct {
	listener net.Listener
	server   string
	mu       sync.RWMutex // held for writing while shut
	group    sync.WaitGroup
}

func newValve(t *testing.T, server string) *valve {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	v := &valve{listener: l, server: server}
	v.group.Go(v.serve)
	t.Cleanup(func() {
		l.Close()
		v.group.Wait()
	})
	return v
}

func (v *valve) serve() {
	for {
		client, err := v.listener.Accept()
		if err != nil {
			return
		}
		server, err := net.Dial("tcp", v.server)
		if err != nil {
			client.Close()
			continue
		}
		v.group.Go(func() {
			defer server.Close()
			io.Copy(server, client) // ends with either of the two
		})
		v.group.Go(func() {
			defer client.Close()
			io.Copy(throttled{client, v}, server)
		})
	}
}

// throttled passes on while the valve is open.
type throttled struct {
	io.Writer
	valve *valve
}

func (t throttled) Write(p []byte) (int, error) {
	t.valve.mu.RLock()
	defer t.valve.mu.RUnlock()
	return t.Writer.Write(p)
}

func TestRelayOutlivesASilentServer(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	v := newValve(t, b.address)
	conn, err := nats.Connect("nats://"+v.listener.Addr().String(), nats.UserCredentials(b.server.RelayCreds()), nats.MaxReconnects(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn})
	r.reach(l.head())
	v.mu.Lock()
	began := time.Now()
	l.use(50)
	await(t, "the silence to be noticed", func() bool { return r.Status().Interrupted != nil })
	if waited := time.Since(began); waited > 15*time.Second {
		t.Errorf("it took %s", waited)
	}
	v.mu.Unlock()
	r.reach(l.head())
	mustEqual(t, b.relay(), l, 1)
	r.end()
}
