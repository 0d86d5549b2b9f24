// Streams that a subscriber must not believe.

package jetstream_test

import (
	"slices"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func TestSubscribeNoticesForgery(t *testing.T) {
	t.Parallel()
	tests := map[string]struct {
		forge  func(t *testing.T, l *ledger, all []*nats.Msg) []*nats.Msg
		config func(l *ledger) jetstream.Config
		want   error
		before int // messages that are all right
	}{
		"a leaf that was changed": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				all[5].Data = slices.Clone(all[5].Data)
				all[5].Data[len(all[5].Data)-4] ^= 1
				return all
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"a leaf that is none": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				all[5].Data = []byte("{}")
				return all
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"a message without headers": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				all[5].Header = nats.Header{}
				return all
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"a leaf under another subject": {
			forge: func(_ *testing.T, l *ledger, all []*nats.Msg) []*nats.Msg {
				all[5].Subject = events.Subject(l.tokens[0].Trail(), "token.revoked")
				return all
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"an event twice": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				return slices.Insert(all, 5, all[4])
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"an event left out": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				return slices.Delete(all, 5, 6)
			}, want: jetstream.ErrLeaf, before: 5,
		},
		"an event of another log": {
			forge: func(_ *testing.T, _ *ledger, all []*nats.Msg) []*nats.Msg {
				all[5].Header.Set("ce-source", uuid.NewString())
				return all
			}, want: jetstream.ErrOrigin, before: 5,
		},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			l, b := newLedger(t), newBroker(t)
			l.use(10)
			forge(t, b.relay(), jetstream.StreamName(l.Origin()), tt.forge(t, l, messages(l))...)
			if before := mustFail(t, b.reader(), jetstream.Config{}, tt.want); before != tt.before {
				t.Errorf("%d messages before, want %d", before, tt.before)
			}
		})
	}
}

// What was taken out of the stream is missed by whoever would have got it.
func TestSubscribeNoticesGaps(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(20)
	all, _ := l.all()
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(l.Origin()), messages(l)...)
	_, stream := openStream(t, conn, l.Origin())
	gone := all[10]
	if err := stream.DeleteMsg(t.Context(), uint64(gone.Position)); err != nil {
		t.Fatal(err)
	}
	if before := mustFail(t, b.reader(), jetstream.Config{}, jetstream.ErrGap); before != 10 {
		t.Errorf("%d messages before the gap", before)
	}
	if before := mustFail(t, b.reader(), jetstream.Config{Trail: gone.Trail}, jetstream.ErrGap); before != int(gone.TrailPosition-1) {
		t.Errorf("%d messages of the trail before the gap", before)
	}
	for _, k := range l.tokens { // the other trail lacks nothing
		if want := in(k.Trail(), all); k.Trail() != gone.Trail {
			mustBe(t, l, take(t, b.reader(), jetstream.Config{Trail: k.Trail()}, len(want)), want)
		}
	}
	if got := take(t, b.reader(), jetstream.Config{After: gone.Position}, 1); got[0].Position != gone.Position+1 {
		t.Errorf("after the gap comes %d", got[0].Position)
	}
}

// A subscriber that stayed away for too long is told so.
func TestSubscribeNoticesThatTheStreamHasLetGo(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(20)
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(l.Origin()), messages(l)...)
	late, early := new(jetstream.MemoryStore), new(jetstream.MemoryStore)
	take(t, b.reader(), jetstream.Config{Store: early}, 5)
	take(t, b.reader(), jetstream.Config{Store: late}, 10)
	_, stream := openStream(t, conn, l.Origin())
	for p := 1; p <= 10; p++ {
		if err := stream.DeleteMsg(t.Context(), uint64(p)); err != nil {
			t.Fatal(err)
		}
	}
	mustFail(t, b.reader(), jetstream.Config{}, jetstream.ErrGap)
	mustFail(t, b.reader(), jetstream.Config{Trail: l.tokens[0].Trail()}, jetstream.ErrGap)
	mustFail(t, b.reader(), jetstream.Config{Store: early}, jetstream.ErrGap)
	// Who has handled all that is gone misses nothing.
	if got := take(t, b.reader(), jetstream.Config{Store: late}, 12); got[0].Position != 11 {
		t.Errorf("it goes on at %d", got[0].Position)
	}
}

// After a restore to an earlier point a log has another origin, and what comes
// after is not the continuation of what was read.
func TestSubscribeNoticesAnotherLog(t *testing.T) {
	t.Parallel()
	one, two, b := newLedger(t), newLedger(t), newBroker(t)
	conn := b.relay()
	forge(t, conn, jetstream.StreamName(one.Origin()), messages(one)...)
	store := new(jetstream.MemoryStore)
	take(t, b.reader(), jetstream.Config{Store: store}, 2)
	api, _ := openStream(t, conn, one.Origin())
	if err := api.DeleteStream(t.Context(), jetstream.StreamName(one.Origin())); err != nil {
		t.Fatal(err)
	}
	forge(t, conn, jetstream.StreamName(two.Origin()), messages(two)...)
	mustFail(t, b.reader(), jetstream.Config{Store: store}, jetstream.ErrOrigin)
	mustFail(t, b.reader(), jetstream.Config{Origin: one.Origin()}, jetstream.ErrOrigin)
	if got := take(t, b.reader(), jetstream.Config{}, 2); got[0].Origin != two.Origin() {
		t.Errorf("who begins anew gets %s", got[0].Origin)
	}
}

// Under the same name the stream may still tell another story.
func TestSubscribeNoticesAnotherStory(t *testing.T) {
	t.Parallel()
	l, b := newLedger(t), newBroker(t)
	l.use(5)
	conn := b.relay()
	all := messages(l)
	forge(t, conn, jetstream.StreamName(l.Origin()), all...)
	store := new(jetstream.MemoryStore)
	take(t, b.reader(), jetstream.Config{Store: store}, len(all))
	api, _ := openStream(t, conn, l.Origin())
	if err := api.DeleteStream(t.Context(), jetstream.StreamName(l.Origin())); err != nil {
		t.Fatal(err)
	}
	all[len(all)-1] = other(t, l, events.Position(len(all)))
	forge(t, conn, jetstream.StreamName(l.Origin()), all...)
	mustFail(t, b.reader(), jetstream.Config{Store: store}, jetstream.ErrOrigin)
}

func TestSubscribeNoticesAForeignStream(t *testing.T) {
	t.Parallel()
	b := newBroker(t)
	forge(t, b.relay(), "SOMETHING_ELSE")
	mustFail(t, b.reader(), jetstream.Config{}, jetstream.ErrOrigin)
}
