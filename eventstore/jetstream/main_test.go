// What the tests share: a NATS server that can be broken, logs with something in
// them, relays that run, and a look at what the stream holds.

package jetstream_test

import (
	"context"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"reflect"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// patience is how long anything may take before a test gives it up.
const patience = 30 * time.Second

// broker is a NATS server at one address that can go and come back.
type broker struct {
	t       testing.TB
	dir     string
	address string
	server  *embedded.NATS
}

func newBroker(t testing.TB) *broker {
	t.Helper()
	b := &broker{t: t, dir: t.TempDir(), address: eventstoretest.FreeAddress(t)}
	b.start()
	t.Cleanup(b.stop)
	return b
}

func (b *broker) start() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	var err error
	if b.server, err = embedded.StartNATS(ctx, embedded.NATSConfig{Dir: b.dir, Listen: b.address}); err != nil {
		b.t.Fatal(err)
	}
}

func (b *broker) stop() {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), patience)
	defer cancel()
	if err := b.server.Stop(ctx); err != nil {
		b.t.Error(err)
	}
}

// store is where the server keeps its streams.
func (b *broker) store() string { return filepath.Join(b.dir, "nats", "store") }

// copyStore keeps what a stopped server has on its disk, to be put back later.
func (b *broker) copyStore() (putBack func()) {
	b.t.Helper()
	kept := filepath.Join(b.t.TempDir(), "store")
	if err := os.CopyFS(kept, os.DirFS(b.store())); err != nil {
		b.t.Fatal(err)
	}
	return func() {
		b.t.Helper()
		b.wipe()
		if err := os.CopyFS(b.store(), os.DirFS(kept)); err != nil {
			b.t.Fatal(err)
		}
	}
}

func (b *broker) wipe() {
	b.t.Helper()
	if err := os.RemoveAll(b.store()); err != nil {
		b.t.Fatal(err)
	}
}

// connect is a connection over the network that survives the server's restarts.
func (b *broker) connect(creds string) *nats.Conn {
	b.t.Helper()
	conn, err := nats.Connect("nats://"+b.address, nats.UserCredentials(creds),
		nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectJitter(0, 0))
	if err != nil {
		b.t.Fatal(err)
	}
	b.t.Cleanup(conn.Close)
	return conn
}

func (b *broker) relay() *nats.Conn  { return b.connect(b.server.RelayCreds()) }
func (b *broker) reader() *nats.Conn { return b.connect(b.server.ReaderCreds()) }

// ledger is a log with two organizations' tokens in it.
type ledger struct {
	*eventstore.Log
	t      testing.TB
	tokens [2]eventstoretest.Token
}

func newLedger(t testing.TB) *ledger {
	t.Helper()
	l := &ledger{Log: eventstoretest.Open(t), t: t}
	for i := range l.tokens {
		l.tokens[i] = eventstoretest.NewToken(uuid.Must(uuid.NewV7()))
		l.append(l.tokens[i].Create())
	}
	return l
}

func (l *ledger) append(r events.Request) {
	l.t.Helper()
	if _, err := l.Append(l.t.Context(), r); err != nil {
		l.t.Error(err)
	}
}

// use appends a number of uses, some at once.
func (l *ledger) use(n int) {
	l.t.Helper()
	var group sync.WaitGroup
	const callers = 8
	for c := range callers {
		group.Go(func() {
			for i := c; i < n; i += callers {
				l.append(l.tokens[i%len(l.tokens)].Use())
			}
		})
	}
	group.Wait()
}

func (l *ledger) head() events.Position {
	l.t.Helper()
	head, err := l.Head(l.t.Context())
	if err != nil {
		l.t.Fatal(err)
	}
	return head
}

// all gives what the log holds, with the term of each event's block.
func (l *ledger) all() (recorded []events.Recorded, terms []int64) {
	l.t.Helper()
	for b, err := range l.Blocks(l.t.Context(), 0, false) {
		if err != nil {
			l.t.Fatal(err)
		}
		block, err := b.Events()
		if err != nil {
			l.t.Fatal(err)
		}
		recorded = append(recorded, block...)
		for range block {
			terms = append(terms, b.Term)
		}
	}
	return recorded, terms
}

// running is a relay at work.
type running struct {
	*jetstream.Relay
	t     testing.TB
	stop  context.CancelFunc
	ended chan error
}

func runRelay(t testing.TB, c jetstream.RelayConfig) *running {
	t.Helper()
	r := &running{Relay: jetstream.NewRelay(c), t: t, ended: make(chan error, 1)}
	r.again()
	return r
}

// again runs a relay that has ended, or not begun.
func (r *running) again() {
	ctx, cancel := context.WithCancel(context.Background())
	r.stop = cancel
	go func() { r.ended <- r.Run(ctx) }()
	r.t.Cleanup(cancel)
}

// end stops the relay and expects that it ends well, and soon.
func (r *running) end() {
	r.t.Helper()
	r.stop()
	if err := r.wait(); err != nil {
		r.t.Errorf("the relay: %v", err)
	}
}

func (r *running) wait() error {
	r.t.Helper()
	select {
	case err := <-r.ended:
		return err
	case <-time.After(patience):
		r.t.Fatal("the relay does not end")
		return nil
	}
}

// reach waits until a position is known to stand in the stream.
func (r *running) reach(p events.Position) {
	r.t.Helper()
	await(r.t, fmt.Sprintf("position %d in the stream", p), func() bool {
		select {
		case err := <-r.ended:
			r.t.Fatalf("the relay has ended: %v", err)
		default:
		}
		return r.Status().Position >= p
	})
}

// await looks again and again whether something has come about.
func await(t testing.TB, what string, there func() bool) {
	t.Helper()
	look := time.NewTicker(5 * time.Millisecond)
	defer look.Stop()
	for deadline := time.Now().Add(patience); !there(); <-look.C {
		if time.Now().After(deadline) {
			t.Fatalf("waited in vain for %s", what)
		}
	}
}

func openStream(t testing.TB, conn *nats.Conn, origin string) (js.JetStream, js.Stream) {
	t.Helper()
	api, err := js.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := api.Stream(t.Context(), jetstream.StreamName(origin))
	if err != nil {
		t.Fatal(err)
	}
	return api, stream
}

// mustEqual compares every message of the stream, from a sequence on, with the log.
func mustEqual(t testing.TB, conn *nats.Conn, l *ledger, from int) {
	t.Helper()
	_, stream := openStream(t, conn, l.Origin())
	recorded, terms := l.all()
	state := stream.CachedInfo().State
	if state.FirstSeq != uint64(from) || state.LastSeq != uint64(len(recorded)) || state.Msgs != uint64(len(recorded)-from+1) {
		t.Fatalf("the stream holds %d messages from %d to %d; the log ends at %d", state.Msgs, state.FirstSeq, state.LastSeq, len(recorded))
	}
	for i := from - 1; i < len(recorded); i++ {
		r := recorded[i]
		m, err := stream.GetMsg(t.Context(), uint64(r.Position))
		if err != nil {
			t.Fatal(err)
		}
		if string(m.Data) != string(r.Leaf) || m.Subject != events.Subject(r.Trail, r.Event.Type()) {
			t.Fatalf("position %d is %s on %s, want %s", r.Position, m.Data, m.Subject, r.Leaf)
		}
		got, want := maps.Clone(m.Header), nats.Header(events.Headers(r, l.Origin(), terms[i]))
		if expected := got.Get(js.ExpectedLastSeqHeader); expected != fmt.Sprint(r.Position-1) {
			t.Fatalf("position %d was to come after %q", r.Position, expected)
		}
		if got.Del(js.ExpectedLastSeqHeader); !reflect.DeepEqual(got, want) {
			t.Fatalf("position %d has headers %v, want %v", r.Position, got, want)
		}
	}
}
