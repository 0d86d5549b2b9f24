// The relay at work: the stream is the log, whatever happens to the server.

package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func TestStreamEqualsLog(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(500)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	r.reach(l.head())
	l.use(500) // now while it follows
	r.reach(l.head())
	if s := r.Status(); !s.Connected || s.Lag != 0 || s.Interrupted != nil || s.Halted != nil {
		t.Errorf("status %+v", s)
	}
	mustEqual(t, b.relay(), l, 1)
	r.end()
}

// A server of one's own may write later; every other stream, and one that is replicated,
// is written before it answers.
func TestBuffered(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		buffered bool
		want     js.PersistModeType
	}{{false, js.DefaultPersistMode}, {true, js.AsyncPersistMode}} {
		l, b := newLedger(t), newBroker(t)
		r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), Buffered: c.buffered})
		r.reach(l.head())
		r.end()
		mustEqual(t, b.relay(), l, 1)
		// What may change, changes; what the stream has for good is kept by either relay.
		r = runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), MaxBytes: 1 << 29, Buffered: !c.buffered})
		r.reach(l.head())
		r.end()
		_, stream := openStream(t, b.relay(), l.Origin())
		if got := stream.CachedInfo().Config; got.PersistMode != c.want || got.MaxBytes != 1<<29 {
			t.Errorf("buffered %v: persists %v, at most %d bytes", c.buffered, got.PersistMode, got.MaxBytes)
		}
	}
}

func TestStreamSettings(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), MaxBytes: 1 << 30})
	r.reach(l.head())
	r.end()
	api, stream := openStream(t, b.relay(), l.Origin())
	c := stream.CachedInfo().Config
	if c.Storage != js.FileStorage || c.Replicas != 1 || !c.DenyDelete || !c.DenyPurge || c.Compression != js.S2Compression ||
		c.Retention != js.LimitsPolicy || c.Discard != js.DiscardOld || c.MaxBytes != 1<<30 || c.MaxAge != 0 || c.MaxMsgs != -1 {
		t.Errorf("settings %+v", c)
	}
	if err := stream.Purge(t.Context()); err == nil {
		t.Error("the stream can be purged")
	}
	if err := stream.DeleteMsg(t.Context(), 1); err == nil {
		t.Error("a message can be deleted")
	}
	r = runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay(), MaxBytes: 1 << 29})
	r.reach(l.head())
	r.end()
	if stream, err := api.Stream(t.Context(), jetstream.StreamName(l.Origin())); err != nil || stream.CachedInfo().Config.MaxBytes != 1<<29 {
		t.Errorf("the new size is not taken on: %v", err)
	}
	r = runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	r.reach(l.head())
	r.end()
	if stream, err := api.Stream(t.Context(), jetstream.StreamName(l.Origin())); err != nil || stream.CachedInfo().Config.MaxBytes != 1<<29 {
		t.Errorf("the size is not kept: %v", err)
	}
}

func TestRelaysRace(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	first := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	second := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	for range 20 {
		l.use(50)
	}
	await(t, "all events", func() bool {
		return max(first.Status().Position, second.Status().Position) == l.head()
	})
	mustEqual(t, b.relay(), l, 1)
	for _, r := range []*running{first, second} {
		if s := r.Status(); s.Interrupted != nil || s.Halted != nil {
			t.Errorf("a race is no failure: %+v", s)
		}
	}
	first.end()
	l.use(50) // whoever is left goes on
	second.reach(l.head())
	mustEqual(t, b.relay(), l, 1)
	second.end()
}

func TestRelayOutlivesServerRestarts(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	var appending sync.WaitGroup
	enough := make(chan struct{})
	appending.Go(func() {
		for {
			select {
			case <-enough:
				return
			default:
				l.use(50)
			}
		}
	})
	for range 3 {
		r.reach(r.Status().Position + 100)
		b.stop()
		await(t, "the outage to be seen", func() bool { return !r.Status().Connected })
		b.start()
	}
	close(enough)
	appending.Wait()
	r.reach(l.head())
	mustEqual(t, b.relay(), l, 1)
	r.end()
}

func TestAppendsGoOnWithoutNATS(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	r.reach(l.head())
	b.stop()
	await(t, "the outage to be seen", func() bool { return r.Status().Interrupted != nil })
	l.use(100)
	b.start()
	r.reach(l.head())
	if s := r.Status(); s.Interrupted != nil {
		t.Errorf("status after the outage %+v", s)
	}
	mustEqual(t, b.relay(), l, 1)
	r.end()
}

func TestRelayEndsDuringAnOutage(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	r.reach(l.head())
	b.stop()
	await(t, "the outage to be seen", func() bool { return r.Status().Interrupted != nil })
	r.end()
	b.start()
}

func TestRelayEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	conn := b.relay()
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn})
	r.reach(l.head())
	conn.Close()
	if err := r.wait(); !errors.Is(err, nats.ErrConnectionClosed) {
		t.Errorf("ended with %v", err)
	}
}

// A stream is made again wherever it went.
func TestLostStreamIsMadeAgain(t *testing.T) {
	t.Parallel()
	tests := map[string]func(*broker, string){
		"with the server's disk": func(b *broker, _ string) {
			b.stop()
			b.wipe()
			b.start()
		},
		"deleted by someone": func(b *broker, origin string) {
			api, _ := openStream(b.t, b.relay(), origin)
			if err := api.DeleteStream(b.t.Context(), jetstream.StreamName(origin)); err != nil {
				b.t.Fatal(err)
			}
		},
	}
	for name, lose := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, b := newLedger(t), newBroker(t)
			r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
			l.use(200)
			r.reach(l.head())
			lose(b, l.Origin())
			l.use(10)
			r.reach(l.head())
			mustEqual(t, b.relay(), l, 1)
			r.end()
		})
	}
}

// JetStream writes to its disk now and then only; what a crash takes from the
// end of the stream is published again, even if nothing new happens.
func TestShortenedTailIsPublishedAgain(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	l.use(100)
	r.reach(l.head())
	b.stop()
	putBack := b.copyStore()
	b.start()
	l.use(100)
	r.reach(l.head())
	b.stop()
	putBack()
	b.start()
	conn := b.relay()
	await(t, "the tail", func() bool {
		_, stream := openStream(t, conn, l.Origin())
		return stream.CachedInfo().State.LastSeq == uint64(l.head())
	})
	mustEqual(t, conn, l, 1)
	r.end()
}

// shortened is a log that has let go of its first events.
type shortened struct {
	*ledger
	from events.Position
}

func (s shortened) First(context.Context) (events.Position, error) { return s.from, nil }

func (s shortened) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	if after < s.from-1 {
		return func(yield func(*eventstore.Block, error) bool) { yield(nil, events.ErrArchived) }
	}
	return s.ledger.Blocks(ctx, after, follow)
}

func TestStreamBeginsWithTheFirstRetainedPosition(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(100)
	first := events.Position(0)
	for block, err := range l.Blocks(t.Context(), 60, false) { // wherever the block begins
		if err != nil {
			t.Fatal(err)
		}
		first = block.First
		break
	}
	r := runRelay(t, jetstream.RelayConfig{Log: shortened{l, first}, Conn: b.relay()})
	r.reach(l.head())
	mustEqual(t, b.relay(), l, int(first))
	r.end()
}

// A stream that has let go of old messages is no worse for it.
func TestSmallStreamKeepsTheEnd(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(600)
	conn := b.relay()
	for range 2 {
		r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn, MaxBytes: 100 << 10})
		r.reach(l.head())
		r.end()
		l.use(100)
	}
	_, stream := openStream(t, conn, l.Origin())
	state := stream.CachedInfo().State
	if state.FirstSeq <= 1 || state.Bytes > 100<<10 || state.LastSeq != uint64(l.head()-100) {
		t.Errorf("the stream is %+v", state)
	}
}

// flaky is a log whose database goes away after every few blocks.
type flaky struct{ *ledger }

var errDatabase = errors.New("the database is away")

func (f flaky) Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error] {
	return func(yield func(*eventstore.Block, error) bool) {
		n := 0
		for b, err := range f.ledger.Blocks(ctx, after, follow) {
			if n++; n > 5 {
				yield(nil, errDatabase)
				return
			}
			if !yield(b, err) {
				return
			}
		}
	}
}

// corrupt is a log with a hole in it.
type corrupt struct{ *ledger }

func (c corrupt) Blocks(context.Context, events.Position, bool) iter.Seq2[*eventstore.Block, error] {
	return func(yield func(*eventstore.Block, error) bool) {
		yield(nil, fmt.Errorf("%w: a hole", eventstore.ErrCorrupt))
	}
}

func TestRelayOutlivesTheDatabase(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: flaky{l}, Conn: b.relay()})
	l.use(300)
	r.reach(l.head())
	mustEqual(t, b.relay(), l, 1)
	r.end()
}

func TestRelayNamesEveryProblemOfItsConfig(t *testing.T) {
	t.Parallel()
	r := jetstream.NewRelay(jetstream.RelayConfig{Replicas: -1})
	err := r.Run(t.Context())
	if err == nil {
		t.Fatal("it runs")
	}
	for _, problem := range []string{"Log", "Conn", "Replicas"} {
		if !strings.Contains(err.Error(), problem) {
			t.Errorf("%q does not name %s", err, problem)
		}
	}
}
