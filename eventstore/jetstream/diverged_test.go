// Streams that are not the log's: the relay halts and leaves them as they are.

package jetstream_test

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// forge makes a stream of the name by hand and publishes messages on it.
func forge(t *testing.T, conn *nats.Conn, name string, messages ...*nats.Msg) {
	t.Helper()
	api, err := js.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	// The server removes the files of a deleted stream after it has answered, and until then
	// has no place for one of the same name.
	await(t, "a place for the stream "+name, func() bool {
		_, err = api.CreateStream(t.Context(), js.StreamConfig{Name: name, Subjects: []string{events.SubjectPrefix + ".>"}})
		if notYet := new(js.APIError); errors.As(err, &notYet) && notYet.ErrorCode == storeNotThere {
			return false
		}
		if err != nil {
			t.Fatal(err)
		}
		return true
	})
	for _, m := range messages {
		if _, err := api.PublishMsg(t.Context(), m); err != nil {
			t.Fatal(err)
		}
	}
}

// storeNotThere is the server's code for a stream whose files cannot be made (stream create, in the server's list of errors).
const storeNotThere js.ErrorCode = 10049

// messages are those of the events as the relay would publish them.
func messages(l *ledger) []*nats.Msg {
	l.t.Helper()
	recorded, terms := l.all()
	all := make([]*nats.Msg, len(recorded))
	for i, r := range recorded {
		all[i] = &nats.Msg{
			Subject: events.Subject(r.Trail, r.Event.Type()), Data: r.Leaf,
			Header: events.Headers(r, l.Origin(), terms[i]),
		}
	}
	return all
}

// other is an event that the log does not have, for a place in it.
func other(t *testing.T, l *ledger, at events.Position) *nats.Msg {
	t.Helper()
	k := l.tokens[0]
	d, err := events.NewDraft(k.Stream(), k.Trail(), events.Meta{Actor: events.System("forger")}, events.TokenUsed{Action: "forge"})
	if err != nil {
		t.Fatal(err)
	}
	recorded, _ := l.all()
	leaf, err := d.AppendLeaf(nil, events.Place{Position: at, TrailPosition: at, RecordedAt: recorded[0].RecordedAt}, nil)
	if err != nil {
		t.Fatal(err)
	}
	r, err := events.Decode(leaf)
	if err != nil {
		t.Fatal(err)
	}
	return &nats.Msg{Subject: events.Subject(k.Trail(), "token.used"), Data: leaf, Header: events.Headers(r, l.Origin(), 1)}
}

func TestRelayHaltsAtAStreamThatDiffers(t *testing.T) {
	t.Parallel()
	tests := map[string]func(t *testing.T, l *ledger) []*nats.Msg{
		"ahead of the log": func(t *testing.T, l *ledger) []*nats.Msg {
			return append(messages(l), other(t, l, l.head()+1))
		},
		"with another last event": func(t *testing.T, l *ledger) []*nats.Msg {
			all := messages(l)[:40]
			all[39] = other(t, l, 40)
			return all
		},
		"with another first event": func(t *testing.T, l *ledger) []*nats.Msg {
			all := messages(l)
			all[0] = other(t, l, 1)
			return all
		},
		"with other events from some point on": func(t *testing.T, l *ledger) []*nats.Msg {
			all := messages(l)
			for i := 20; i < 40; i++ {
				all[i] = other(t, l, events.Position(i+1))
			}
			return all
		},
		"with another event in the middle of a leaf": func(_ *testing.T, l *ledger) []*nats.Msg {
			all := messages(l)
			all[len(all)-1].Data[100] ^= 1 // headers as they should be
			return all
		},
	}
	for name, forged := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, b := newLedger(t), newBroker(t)
			l.use(50)
			conn := b.relay()
			forge(t, conn, jetstream.StreamName(l.Origin()), forged(t, l)...)
			_, before := openStream(t, conn, l.Origin())
			r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn})
			if err := r.wait(); !errors.Is(err, jetstream.ErrDiverged) {
				t.Fatalf("ended with %v", err)
			}
			if s := r.Status(); !errors.Is(s.Halted, jetstream.ErrDiverged) || !s.Connected {
				t.Errorf("status %+v", s)
			}
			_, after := openStream(t, conn, l.Origin())
			if before, after := before.CachedInfo().State, after.CachedInfo().State; before.LastSeq != after.LastSeq || before.Msgs != after.Msgs {
				t.Errorf("the stream was %+v and is %+v", before, after)
			}
		})
	}
}

// Divergence is found at every new start, not only at the first.
func TestRelayHaltsWhenTheStreamIsExchanged(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	l.use(50)
	r.reach(l.head())
	conn := b.relay()
	api, _ := openStream(t, conn, l.Origin())
	if err := api.DeleteStream(t.Context(), jetstream.StreamName(l.Origin())); err != nil {
		t.Fatal(err)
	}
	all := messages(l)
	all[len(all)-1] = other(t, l, events.Position(len(all)))
	forge(t, conn, jetstream.StreamName(l.Origin()), all...)
	b.stop()
	b.start()
	if err := r.wait(); !errors.Is(err, jetstream.ErrDiverged) {
		t.Fatalf("ended with %v", err)
	}
}

func TestRelayHaltsWhenAMessageWasTakenOut(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(50)
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(l.Origin()), messages(l)...)
	_, stream := openStream(t, conn, l.Origin())
	// One of the sequences that are looked at stands at three quarters.
	taken := l.head() - (l.head()-1)/4
	if err := stream.DeleteMsg(t.Context(), uint64(taken)); err != nil {
		t.Fatal(err)
	}
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn})
	if err := r.wait(); !errors.Is(err, jetstream.ErrDiverged) {
		t.Fatalf("ended with %v", err)
	}
}

// Two logs cannot share the subjects of one account.
func TestRelayHaltsWhenAnotherLogIsThere(t *testing.T) {
	t.Parallel()
	one, two, b := newLedger(t), newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: one, Conn: b.relay()})
	r.reach(one.head())
	second := runRelay(t, jetstream.RelayConfig{Log: two, Conn: b.relay()})
	err := second.wait()
	if !errors.Is(err, jetstream.ErrDiverged) || !strings.Contains(fmt.Sprint(err), one.Origin()) {
		t.Errorf("ended with %v", err)
	}
	r.end()
}

func TestRelayHaltsAtACorruptLog(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	r := runRelay(t, jetstream.RelayConfig{Log: corrupt{l}, Conn: b.relay()})
	if err := r.wait(); !errors.Is(err, eventstore.ErrCorrupt) {
		t.Fatalf("ended with %v", err)
	}
	if s := r.Status(); !errors.Is(s.Halted, eventstore.ErrCorrupt) {
		t.Errorf("status %+v", s)
	}
}

func TestRebuild(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(300)
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(l.Origin()), other(t, l, 1))
	r := jetstream.NewRelay(jetstream.RelayConfig{Log: l, Conn: conn})
	if err := r.Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	if s := r.Status(); s.Position != l.head() || s.Lag != 0 {
		t.Errorf("status %+v", s)
	}
	mustEqual(t, conn, l, 1)
	if err := r.Rebuild(t.Context()); err != nil { // also of a stream that is as it should be
		t.Fatal(err)
	}
	mustEqual(t, conn, l, 1)
}

// The same relay goes on once another has made the stream anew, and says so.
func TestAHaltedRelayGoesOnAfterARebuild(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(50)
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(l.Origin()), other(t, l, 1))
	r := runRelay(t, jetstream.RelayConfig{Log: l, Conn: conn})
	for range 2 { // it halts as often as it looks
		if err := r.wait(); !errors.Is(err, jetstream.ErrDiverged) || r.Status().Halted == nil {
			t.Fatalf("ended with %v, %+v", err, r.Status())
		}
		r.again()
	}
	if err := r.wait(); !errors.Is(err, jetstream.ErrDiverged) {
		t.Fatalf("ended with %v", err)
	}
	if err := jetstream.NewRelay(jetstream.RelayConfig{Log: l, Conn: b.relay()}).Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	r.again()
	l.use(50)
	r.reach(l.head())
	if s := r.Status(); s.Halted != nil {
		t.Errorf("status %+v", s)
	}
	mustEqual(t, conn, l, 1)
	r.end()
}

func TestRebuildBesideARelay(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(300)
	beside := runRelay(t, jetstream.RelayConfig{Log: l, Conn: b.relay()})
	beside.reach(l.head())
	if err := jetstream.NewRelay(jetstream.RelayConfig{Log: l, Conn: b.relay()}).Rebuild(t.Context()); err != nil {
		t.Fatal(err)
	}
	l.use(50)
	beside.reach(l.head())
	mustEqual(t, b.relay(), l, 1)
	beside.end()
}
