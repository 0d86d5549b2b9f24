// What the relay and the readers may do, and what nobody else may.

package embedded

import (
	"context"
	"errors"
	"path/filepath"
	"reflect"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/nats-io/nkeys"
)

func TestNATSIsNeverAnonymous(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{Listen: "127.0.0.1:0"})
	other := startNATS(t, NATSConfig{})
	forged := filepath.Join(t.TempDir(), "forged.creds")
	keys, err := loadKeys(filepath.Join(n.dir, "keys.json"))
	if err != nil {
		t.Fatal(err)
	}
	_, stranger, err := newKey(nkeys.CreateAccount)
	if err != nil {
		t.Fatal(err)
	}
	if err := issueCreds(forged, "relay", keys.Ledger, stranger); err != nil {
		t.Fatal(err)
	}
	swapped := filepath.Join(t.TempDir(), "swapped.creds") // a reader's key for the ledger's account
	if err := issueCreds(swapped, "relay", keys.Ledger, keys.Reader); err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		options []nats.Option
		in      bool
	}{
		"no credentials":           {nil, false},
		"a password":               {[]nats.Option{nats.UserInfo("admin", "admin")}, false},
		"another server's":         {[]nats.Option{nats.UserCredentials(other.RelayCreds())}, false},
		"a stranger's key":         {[]nats.Option{nats.UserCredentials(forged)}, false},
		"another role's key":       {[]nats.Option{nats.UserCredentials(swapped)}, false},
		"the relay's credentials":  {[]nats.Option{nats.UserCredentials(n.RelayCreds())}, true},
		"the readers' credentials": {[]nats.Option{nats.UserCredentials(n.ReaderCreds())}, true},
	} {
		conn, err := nats.Connect(n.ClientURL(), c.options...)
		if err == nil {
			conn.Close()
		} else if !errors.Is(err, nats.ErrAuthorization) {
			t.Errorf("%s: %v", name, err)
		}
		if in := err == nil; in != c.in {
			t.Errorf("%s: let in: %v", name, in)
		}
	}
}

func TestTheRelayKeepsTheStream(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	js := relay(t, n)
	log := makeLog(t, js, 2)
	if _, err := js.Publish(t.Context(), "tokenledger.events.x", nil, jetstream.WithExpectLastSequence(7)); err == nil {
		t.Error("a wrong sequence was accepted")
	}
	ack, err := js.Publish(t.Context(), "tokenledger.events.x", nil, jetstream.WithExpectLastSequence(2))
	if err != nil || ack.Sequence != 3 {
		t.Errorf("got %v, %v", ack, err)
	}
	config := log.CachedInfo().Config
	config.MaxBytes = 1 << 20
	if _, err := js.UpdateStream(t.Context(), config); err != nil {
		t.Error(err)
	}
	if msg, err := log.GetMsg(t.Context(), 1); err != nil || string(msg.Data) != "1" {
		t.Errorf("read %v, %v", msg, err)
	}
	if err := js.DeleteStream(t.Context(), stream); err != nil {
		t.Error(err)
	}
}

func TestAReaderFollowsTheLog(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	writer, js := relay(t, n), reader(t, n)
	live, err := js.Conn().SubscribeSync("tokenledger.>")
	if err != nil {
		t.Fatal(err)
	}
	if err := js.Conn().Flush(); err != nil {
		t.Fatal(err)
	}
	makeLog(t, writer, 3)
	if msg, err := live.NextMsgWithContext(t.Context()); err != nil || msg.Subject != "tokenledger.events.o.token.used" {
		t.Errorf("live: %v, %v", msg, err)
	}
	if err := live.Unsubscribe(); err != nil { // or the drain waits for someone to read on
		t.Fatal(err)
	}

	ordered, err := js.OrderedConsumer(t.Context(), stream, jetstream.OrderedConsumerConfig{OptStartSeq: 2, DeliverPolicy: jetstream.DeliverByStartSequencePolicy})
	if err != nil {
		t.Fatal(err)
	}
	messages, err := ordered.Messages()
	if err != nil {
		t.Fatal(err)
	}
	defer messages.Stop()
	for want := uint64(2); want <= 3; want++ {
		if msg, err := messages.Next(); err != nil || sequence(t, msg) != want || msg.Subject() != "tokenledger.events.o.token.used" {
			t.Errorf("in order: got %v, %v, want %d", msg, err, want)
		}
	}

	durable, err := js.CreateOrUpdateConsumer(t.Context(), stream, jetstream.ConsumerConfig{Durable: "d", AckPolicy: jetstream.AckExplicitPolicy})
	if err != nil {
		t.Fatal(err)
	}
	batch, err := durable.Fetch(3)
	if err != nil {
		t.Fatal(err)
	}
	for msg := range batch.Messages() {
		if err := msg.DoubleAck(t.Context()); err != nil {
			t.Errorf("acknowledge %d: %v", sequence(t, msg), err)
		}
	}
	if info, err := durable.Info(t.Context()); err != nil || info.AckFloor.Stream != 3 {
		t.Errorf("acknowledged: %v, %v", info, err)
	}
	if err := js.DeleteConsumer(t.Context(), stream, "d"); err != nil {
		t.Error(err)
	}

	log, err := js.Stream(t.Context(), stream)
	if err != nil {
		t.Fatal(err)
	}
	if msg, err := log.GetMsg(t.Context(), 2); err != nil || string(msg.Data) != "2" {
		t.Errorf("one message: %v, %v", msg, err)
	}
	if msg, err := log.GetLastMsgForSubject(t.Context(), "tokenledger.events.o.token.used"); err != nil || msg.Sequence != 3 {
		t.Errorf("the last message: %v, %v", msg, err)
	}
}

func sequence(t *testing.T, msg jetstream.Msg) uint64 {
	t.Helper()
	meta, err := msg.Metadata()
	if err != nil {
		t.Fatal(err)
	}
	return meta.Sequence.Stream
}

func TestAReaderHearsWhatItMayNotDo(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{Listen: "127.0.0.1:0"})
	makeLog(t, relay(t, n), 1)
	refusals := make(chan error, 100)
	conn, err := nats.Connect(n.ClientURL(), nats.UserCredentials(n.ReaderCreds()),
		nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	for _, subject := range []string{
		"tokenledger.events.o.token.used", "tokenledger.tick",
		"$JS.API.STREAM.CREATE." + stream, "$JS.API.STREAM.UPDATE." + stream, "$JS.API.STREAM.DELETE." + stream,
		"$JS.API.STREAM.PURGE." + stream, "$JS.API.STREAM.MSG.DELETE." + stream, "$JS.API.STREAM.RESTORE." + stream,
		"$JS.API.STREAM.SNAPSHOT." + stream, "$JS.API.CONSUMER.PAUSE." + stream + ".d", "$SYS.REQ.SERVER.PING", "_INBOX.x",
	} {
		if err := conn.PublishRequest(subject, "_INBOX.answer", []byte("{}")); err != nil {
			t.Fatal(err)
		}
		if err := within(t, refusals); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("publish to %s: %v", subject, err)
		}
	}
	for _, subject := range []string{">", "$JS.>", "$SYS.>"} {
		if _, err := conn.Subscribe(subject, func(*nats.Msg) {}); err != nil {
			t.Fatal(err)
		}
		if err := within(t, refusals); !errors.Is(err, nats.ErrPermissionViolation) {
			t.Errorf("subscribe to %s: %v", subject, err)
		}
	}
}

func within(t *testing.T, refusals <-chan error) error {
	t.Helper()
	select {
	case err := <-refusals:
		return err
	case <-time.After(10 * time.Second):
		return errors.New("nothing was refused")
	}
}

// indirect asks JetStream for things whose answers go where the asker may not
// publish: to the log, and to the request that deletes the stream.
func indirect(t *testing.T, js jetstream.JetStream) {
	t.Helper()
	conn := js.Conn()
	if _, err := js.CreateConsumer(t.Context(), stream, jetstream.ConsumerConfig{Durable: "d", DeliverPolicy: jetstream.DeliverNewPolicy}); err != nil {
		t.Fatal(err)
	}
	for _, target := range []string{"tokenledger.events.forged", "$JS.API.STREAM.DELETE." + stream} {
		for subject, body := range map[string]string{
			"$JS.API.INFO":                                   "",
			"$JS.API.STREAM.MSG.GET." + stream:               `{"seq":1}`,
			"$JS.API.DIRECT.GET." + stream:                   `{"seq":99}`, // answered by a message without a body
			"$JS.API.CONSUMER.MSG.NEXT." + stream + ".d":     `{"no_wait":true}`,
			"$JS.ACK." + stream + ".d.1.1.1.1795555531690.0": "+NXT",
		} {
			if err := conn.PublishRequest(subject, target, []byte(body)); err != nil {
				t.Fatal(err)
			}
		}
		// Pushed to by a consumer: headers only, so without a body too.
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		_, err := js.CreatePushConsumer(ctx, stream, jetstream.ConsumerConfig{DeliverSubject: target, HeadersOnly: true, AckPolicy: jetstream.AckNonePolicy})
		cancel()
		if err != nil && !errors.As(err, new(*jetstream.APIError)) && !errors.Is(err, context.DeadlineExceeded) {
			t.Fatal(err)
		}
	}
	// An answer to a last request, the server having taken up all others before it.
	if _, err := conn.RequestWithContext(t.Context(), "$JS.API.DIRECT.GET."+stream, []byte(`{"seq":99}`)); err != nil && !errors.Is(err, nats.ErrNoResponders) {
		t.Fatal(err)
	}
}

func TestAReaderChangesNothingByAnswersEither(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{})
	js := relay(t, n)
	log := makeLog(t, js, 2)
	before, err := log.Info(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	indirect(t, reader(t, n))
	if _, err := js.UpdateStream(t.Context(), before.Config); err != nil { // queued behind whatever was asked
		t.Fatalf("the stream is gone: %v", err)
	}
	after, err := log.Info(t.Context())
	if err != nil {
		t.Fatalf("the stream is gone: %v", err)
	}
	if after.State.LastSeq != before.State.LastSeq || !reflect.DeepEqual(after.Config, before.Config) {
		t.Errorf("%+v became %+v", before.State, after.State)
	}

	// The same by the relay shows that the requests are the right ones to fear.
	indirect(t, js)
	await(t, "the stream to be deleted", func() bool {
		_, err := js.Stream(t.Context(), stream)
		return errors.Is(err, jetstream.ErrStreamNotFound)
	})
}
