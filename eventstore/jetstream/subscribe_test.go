// Subscriptions: everything once, in order, across restarts of either side.

package jetstream_test

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// take gives the next n messages of a subscription, whose loop then ends as that
// of a program does that is told to stop: with its ctx, the last message handled.
func take(t *testing.T, conn *nats.Conn, c jetstream.Config, n int) []jetstream.Message {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var got []jetstream.Message
	for m, err := range jetstream.Subscribe(ctx, conn, c) {
		if err != nil {
			if len(got) == n && errors.Is(err, context.Canceled) {
				break
			}
			t.Fatalf("after %d messages: %v", len(got), err)
		}
		if got = append(got, m); len(got) == n {
			cancel()
		}
	}
	return got
}

// mustFail reads until the subscription ends with an error, and looks whether it
// is the right one.
func mustFail(t *testing.T, conn *nats.Conn, c jetstream.Config, want error) (before int) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	for _, err := range jetstream.Subscribe(ctx, conn, c) {
		if err == nil {
			before++
			continue
		}
		if !errors.Is(err, want) {
			t.Errorf("ended with %v, want %v", err, want)
		}
		return before
	}
	t.Error("ended without an error")
	return before
}

// mustBe compares messages with the log's events.
func mustBe(t *testing.T, l *ledger, got []jetstream.Message, want []events.Recorded) {
	t.Helper()
	if len(got) != len(want) {
		t.Fatalf("%d messages, want %d", len(got), len(want))
	}
	for i, m := range got {
		if !reflect.DeepEqual(m.Recorded, want[i]) || m.Origin != l.Origin() || m.Term < 1 {
			t.Fatalf("message %d is %+v, want %+v", i, m, want[i])
		}
	}
}

// in gives the events of a trail.
func in(trail events.TrailID, all []events.Recorded) []events.Recorded {
	return slices.DeleteFunc(slices.Clone(all), func(r events.Recorded) bool { return r.Trail != trail })
}

func relayed(t *testing.T) (*ledger, *broker, *running) {
	t.Helper()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	t.Cleanup(r.end)
	return l, b, r
}

func TestSubscribeGivesTheLog(t *testing.T) {
	t.Parallel()
	l, b, _ := relayed(t)
	l.use(400)
	all, _ := l.all()
	trail := l.tokens[1].Trail()
	tests := map[string]struct {
		config jetstream.Config
		want   []events.Recorded
	}{
		"all":                {jetstream.Config{}, all},
		"of the known log":   {jetstream.Config{Origin: l.Origin()}, all},
		"after a position":   {jetstream.Config{After: 100}, all[100:]},
		"a trail":            {jetstream.Config{Trail: trail}, in(trail, all)},
		"a trail later":      {jetstream.Config{Trail: trail, After: 100}, in(trail, all[100:])},
		"a type":             {jetstream.Config{Type: "token.created"}, all[:2]},
		"a kind of stream":   {jetstream.Config{Type: "token"}, all},
		"a type in a trail":  {jetstream.Config{Trail: trail, Type: "token.created"}, all[1:2]},
		"a type after those": {jetstream.Config{Type: "token.used", After: 2}, all[2:]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			mustBe(t, l, take(t, b.reader(), tt.config, len(tt.want)), tt.want)
		})
	}
}

func TestSubscribeFollows(t *testing.T) {
	t.Parallel()
	l, b, _ := relayed(t)
	var appending sync.WaitGroup
	appending.Go(func() {
		for range 20 {
			l.use(20)
		}
	})
	got := take(t, b.reader(), jetstream.Config{}, 402)
	appending.Wait()
	all, _ := l.all()
	mustBe(t, l, got, all)
}

// A subscriber may come before the ledger does.
func TestSubscribeWaitsForTheStream(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	got := make(chan []jetstream.Message, 1)
	conn := b.reader()
	go func() {
		var all []jetstream.Message
		for m, err := range jetstream.Subscribe(t.Context(), conn, jetstream.Config{}) {
			if err != nil {
				break
			}
			if all = append(all, m); len(all) == 2 {
				break
			}
		}
		got <- all
	}()
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	r.reach(l.head())
	all, _ := l.all()
	mustBe(t, l, <-got, all)
	r.end()
}

// A stream that ends before the event handled last says nothing; the subscriber says that
// it waits, and goes on when the stream is as long as it was.
func TestSubscribeSaysThatTheStreamIsShorter(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(50)
	all, _ := l.all()
	sent, conn := messages(l), b.relay()
	api, err := js.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	name := jetstream.StreamName(l.Origin())
	handled := len(all) - 5
	forge(t, conn, name, sent[:handled]...)
	said := make(lines, 10)
	c := jetstream.Config{Store: new(jetstream.MemoryStore), Logger: slog.New(slog.NewTextHandler(said, nil))}
	mustBe(t, l, take(t, b.reader(), c, handled), all[:handled])
	if len(said) > 0 {
		t.Errorf("of a stream that is whole: %s", <-said)
	}
	if err := api.DeleteStream(t.Context(), name); err != nil {
		t.Fatal(err)
	}
	forge(t, conn, name, sent[:10]...)
	var publishing sync.WaitGroup
	publishing.Go(func() {
		if line := <-said; !strings.Contains(line, "waiting for it") || !strings.Contains(line, fmt.Sprintf("position=%d", handled)) {
			t.Error(line)
		}
		for _, m := range sent[10:] {
			if _, err := api.PublishMsg(t.Context(), m); err != nil {
				t.Error(err)
			}
		}
	})
	mustBe(t, l, take(t, b.reader(), c, len(all)-handled), all[handled:])
	publishing.Wait()
}

// lines gets what a logger writes.
type lines chan string

func (l lines) Write(b []byte) (int, error) {
	l <- string(b)
	return len(b), nil
}

// A program that is stopped and started sees each event once.
func TestSubscribeGoesOnWhereItStopped(t *testing.T) {
	t.Parallel()
	l, b, _ := relayed(t)
	l.use(300)
	all, _ := l.all()
	trail := l.tokens[0].Trail()
	tests := map[string]struct {
		config jetstream.Config
		want   []events.Recorded
	}{
		"all":     {jetstream.Config{}, all},
		"a trail": {jetstream.Config{Trail: trail}, in(trail, all)},
		"a type":  {jetstream.Config{Type: "token.used"}, all[2:]},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			tt.config.Store = jetstream.FileStore(filepath.Join(t.TempDir(), "position"))
			conn := b.reader()
			var got []jetstream.Message
			for _, n := range []int{1, 2, 50, 1, 70} {
				got = append(got, take(t, conn, tt.config, n)...)
			}
			got = append(got, take(t, conn, tt.config, len(tt.want)-len(got))...)
			mustBe(t, l, got, tt.want)
		})
	}
}

// What a loop broke off at has not been handled and comes again.
func TestSubscribeRepeatsWhatWasNotHandled(t *testing.T) {
	t.Parallel()
	l, b, _ := relayed(t)
	l.use(20)
	c := jetstream.Config{Store: new(jetstream.MemoryStore)}
	for want := events.Position(1); want <= 10; want++ {
		for m, err := range jetstream.Subscribe(t.Context(), b.reader(), c) {
			if err != nil {
				t.Fatal(err)
			}
			if m.Position == want {
				break // this one failed, as it were
			}
			if m.Position != want-1 {
				t.Fatalf("position %d comes, want %d again", m.Position, want-1)
			}
		}
	}
}

func TestSubscribeOutlivesServerRestarts(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var appending sync.WaitGroup
	const n = 1502
	appending.Go(func() {
		for range 15 {
			l.use(100)
		}
	})
	var got []jetstream.Message
	for m, err := range jetstream.Subscribe(ctx, b.reader(), jetstream.Config{}) {
		if err != nil {
			t.Fatalf("after %d messages: %v", len(got), err)
		}
		if got = append(got, m); len(got) == n {
			break
		}
		if len(got)%400 == 0 {
			b.stop()
			await(t, "the outage to be seen", func() bool { return !r.Status().Connected })
			b.start()
		}
	}
	appending.Wait()
	all, _ := l.all()
	mustBe(t, l, got, all)
}

// When the server loses its disk, the stream is made again; subscribers go on.
func TestSubscribeOutlivesALostStream(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	l.use(100)
	r.reach(l.head())
	c := jetstream.Config{Store: new(jetstream.MemoryStore)}
	got := 0
	for m, err := range jetstream.Subscribe(t.Context(), b.reader(), c) {
		if err != nil {
			t.Fatal(err)
		}
		if got++; m.Position != events.Position(got) {
			t.Fatalf("position %d is message %d", m.Position, got)
		}
		switch got {
		case 102:
			b.stop()
			b.wipe()
			b.start()
			l.use(50)
		case 152:
			return
		}
	}
}

func TestSubscribeEndsWithItsContext(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	r.reach(l.head())
	tests := map[string]func(cancel func()){
		"waiting for events": func(cancel func()) { cancel() },
		"in an outage":       func(cancel func()) { b.stop(); cancel() },
	}
	for _, name := range []string{"waiting for events", "in an outage"} {
		ctx, cancel := context.WithCancel(t.Context())
		got := 0
		for _, err := range jetstream.Subscribe(ctx, b.reader(), jetstream.Config{}) {
			if err != nil {
				if !errors.Is(err, context.Canceled) {
					t.Errorf("%s: %v", name, err)
				}
				break
			}
			if got++; got == 2 {
				go tests[name](cancel)
			}
		}
		cancel()
	}
	b.start()
}

func TestSubscribeEndsWithItsConnection(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	r.reach(l.head())
	conn := b.reader()
	go func() { // once the subscription waits, or before: both must end it
		l.use(1)
		conn.Close()
	}()
	mustFail(t, conn, jetstream.Config{}, nats.ErrConnectionClosed)
}

// many is a store that counts, and fails from some save on.
type many struct {
	jetstream.MemoryStore
	saves, failAt int
}

var errFull = errors.New("the disk is full")

func (s *many) Save(ctx context.Context, m jetstream.Mark) error {
	if s.saves++; s.failAt > 0 && s.saves >= s.failAt {
		return errFull
	}
	return s.MemoryStore.Save(ctx, m)
}

func TestSubscribeSavesSeldomWhenBusy(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	l.use(3000)
	r.reach(l.head())
	s := new(many)
	take(t, b.reader(), jetstream.Config{Store: s}, 3002)
	if mark, err := s.Load(t.Context()); err != nil || mark.Position != 3002 {
		t.Errorf("mark %+v, %v", mark, err)
	}
	if s.saves > 1500 {
		t.Errorf("%d saves for 3002 events", s.saves)
	}
}

func TestSubscribeEndsWhenItsStoreFails(t *testing.T) {
	t.Parallel()
	l, b, _ := relayed(t)
	l.use(20)
	mustFail(t, b.reader(), jetstream.Config{Store: &many{failAt: 1}}, errFull)
}

func TestSubscribeRefusesAMarkOfSomethingElse(t *testing.T) {
	t.Parallel()
	l, b, r := relayed(t)
	r.reach(l.head())
	conn := b.reader()
	store := new(jetstream.MemoryStore)
	take(t, conn, jetstream.Config{Store: store}, 2)
	mustFail(t, conn, jetstream.Config{Store: store, Origin: "another"}, jetstream.ErrOrigin)
	for m, err := range jetstream.Subscribe(t.Context(), conn, jetstream.Config{Store: store, Trail: events.OperatorTrail}) {
		if err == nil {
			t.Errorf("a mark of all trails serves for one: %+v", m)
		}
	}
	mustFail(t, conn, jetstream.Config{Origin: "another"}, jetstream.ErrOrigin)
	for _, err := range jetstream.Subscribe(t.Context(), conn, jetstream.Config{After: -1}) {
		if err == nil || fmt.Sprint(err) == "" {
			t.Error("a negative position is taken")
		}
	}
}
