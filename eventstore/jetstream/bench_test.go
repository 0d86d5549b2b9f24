// What the relay costs, against the client library's own asynchronous publishing
// of the same messages; and what a subscription brings in.

package jetstream_test

import (
	"fmt"
	"testing"

	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// benchEvents is how many events one round carries.
const benchEvents = 20_000

// benchLedger is a log of that many, in blocks of a thousand.
func benchLedger(b *testing.B) *ledger {
	b.Helper()
	l := newLedger(b)
	for range benchEvents / 1000 {
		uses := make([]events.Event, 1000)
		for i := range uses {
			uses[i] = events.TokenUsed{Action: "createEvidence", Resource: "evidence/1"}
		}
		l.append(l.tokens[0].Decide(uses...))
	}
	return l
}

func BenchmarkPublish(b *testing.B) {
	l, server := benchLedger(b), newBroker(b)
	conn := server.relay()
	for _, buffered := range []bool{false, true} {
		b.Run(fmt.Sprintf("relay/buffered=%v", buffered), func(b *testing.B) {
			r := jetstream.NewRelay(jetstream.RelayConfig{Log: l, Conn: conn, Buffered: buffered})
			for b.Loop() {
				if err := r.Rebuild(b.Context()); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, int(l.head()))
		})
	}
	if err := deleteStream(b, conn, jetstream.StreamName(l.Origin())); err != nil {
		b.Fatal(err)
	}
	all := messages(l)
	for _, expecting := range []bool{false, true} {
		b.Run(fmt.Sprintf("PublishAsync/expecting=%v", expecting), func(b *testing.B) {
			for b.Loop() {
				publishAsync(b, conn, all, expecting)
				if err := deleteStream(b, conn, "RAW"); err != nil {
					b.Fatal(err)
				}
			}
			perSecond(b, len(all))
		})
	}
}

// publishAsync publishes messages as the library's documents advise, into a
// stream with the relay's settings.
func publishAsync(b *testing.B, conn *nats.Conn, all []*nats.Msg, expecting bool) {
	b.Helper()
	api, err := js.New(conn, js.WithPublishAsyncMaxPending(4096))
	if err != nil {
		b.Fatal(err)
	}
	_, err = api.CreateStream(b.Context(), js.StreamConfig{
		Name: "RAW", Subjects: []string{events.SubjectPrefix + ".>"}, Compression: js.S2Compression, DenyDelete: true, DenyPurge: true,
	})
	if err != nil {
		b.Fatal(err)
	}
	for i, m := range all {
		var options []js.PublishOpt
		if expecting {
			options = append(options, js.WithExpectLastSequence(uint64(i)))
		}
		if _, err := api.PublishMsgAsync(m, options...); err != nil {
			b.Fatal(err)
		}
	}
	<-api.PublishAsyncComplete()
	stream, err := api.Stream(b.Context(), "RAW")
	if err != nil || stream.CachedInfo().State.LastSeq != uint64(len(all)) {
		b.Fatalf("%v: %+v", err, stream.CachedInfo().State)
	}
	api.CleanupPublisher()
}

func deleteStream(b *testing.B, conn *nats.Conn, name string) error {
	b.Helper()
	api, err := js.New(conn)
	if err != nil {
		b.Fatal(err)
	}
	return api.DeleteStream(b.Context(), name)
}

func BenchmarkSubscribe(b *testing.B) {
	l, server := benchLedger(b), newBroker(b)
	if err := jetstream.NewRelay(jetstream.RelayConfig{Log: l, Conn: server.relay()}).Rebuild(b.Context()); err != nil {
		b.Fatal(err)
	}
	conn, head := server.reader(), l.head()
	for b.Loop() {
		for m, err := range jetstream.Subscribe(b.Context(), conn, jetstream.Config{}) {
			if err != nil {
				b.Fatal(err)
			}
			if m.Position == head {
				break
			}
		}
	}
	perSecond(b, int(head))
}

func perSecond(b *testing.B, perLoop int) {
	b.ReportMetric(float64(b.N*perLoop)/b.Elapsed().Seconds(), "events/s")
	b.ReportMetric(0, "ns/op")
}
