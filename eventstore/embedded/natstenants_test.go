// What a program of one organization may do on NATS, and everything that it may not: on
// the embedded server, on one whose accounts stand in its configuration, and on one in
// operator mode.

package embedded

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

// broker is a server with a ledger's stream, in which two organizations take turns.
type broker struct {
	url      string
	relay    jetstream.JetStream
	log      jetstream.Stream
	one, two Tenant
	dial     func(who Tenant, options ...nats.Option) (*nats.Conn, error)
	end      func(who Tenant) error // as the operator of such a server does
}

func tenantsOf(t *testing.T) (one, two Tenant) {
	t.Helper()
	return Tenant{stream, "0198c0de-0000-7000-8000-000000000001", "warehouse"}, Tenant{stream, "0198c0de-0000-7000-8000-000000000002", "warehouse"}
}

// fill makes the stream and records 1 to 6, odd ones of the first organization.
func (b *broker) fill(t *testing.T) {
	t.Helper()
	b.log = makeLog(t, b.relay, 0)
	for i := range 6 {
		b.publish(t, []Tenant{b.one, b.two}[i%2], fmt.Sprint(i+1))
	}
}

func (b *broker) publish(t *testing.T, of Tenant, body string) {
	t.Helper()
	if _, err := b.relay.Publish(t.Context(), "tokenledger.events."+of.Trail+".token.used", []byte(body)); err != nil {
		t.Fatal(err)
	}
}

func embeddedBroker(t *testing.T) *broker {
	n := startNATS(t, NATSConfig{Listen: "127.0.0.1:0"})
	b := &broker{url: n.ClientURL(), relay: relay(t, n)}
	b.one, b.two = tenantsOf(t)
	b.fill(t)
	creds, accounts := map[Tenant]string{}, map[Tenant]string{}
	for _, tenant := range []Tenant{b.one, b.two} { // while the server runs
		creds[tenant] = filepath.Join(t.TempDir(), tenant.Name+".creds")
		account, err := IssueTenant(filepath.Dir(n.dir), tenant, creds[tenant])
		if err != nil {
			t.Fatal(err)
		}
		accounts[tenant] = account
		if info, err := os.Stat(creds[tenant]); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("the credentials: %v, %v", info, err)
		}
	}
	b.dial = func(who Tenant, options ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(b.url, append(options, nats.UserCredentials(creds[who]))...)
	}
	b.end = func(who Tenant) error { return EndTenant(filepath.Dir(n.dir), accounts[who]) }
	return b
}

// configuredBroker is one whose accounts stand in its configuration, as that of
// docker-compose.yml has them, with the two that [Tenant.Config] gives.
func configuredBroker(t *testing.T) *broker {
	b := &broker{}
	b.one, b.two = tenantsOf(t)
	conf, err := os.ReadFile(filepath.Join("..", "..", "cmd", "tokenledger", "compose", "nats.conf"))
	if err != nil {
		t.Fatal(err)
	}
	text := strings.NewReplacer(`include "secrets/passwords.conf"`, "relay_password: relay\nreader_password: reader\ntenant_password: tenant",
		"0.0.0.0:4222", "127.0.0.1:-1", `http: "0.0.0.0:8222"`, "", `"/data"`, fmt.Sprintf("%q", t.TempDir())).Replace(string(conf))
	accounts := map[Tenant]string{}
	for _, tenant := range []Tenant{b.one, b.two} {
		account, err := tenant.Config()
		if err != nil {
			t.Fatal(err)
		}
		accounts[tenant] = account
		text = strings.Replace(text, "accounts {\n", "accounts {\n"+account, 1)
	}
	s, path := serveConfig(t, text)
	b.url = s.ClientURL()
	b.relay = jetStream(t, dialNATS(t, b.url, nats.UserInfo("relay", "relay")), nil)
	b.fill(t)
	b.dial = func(who Tenant, options ...nats.Option) (*nats.Conn, error) {
		return nats.Connect(b.url, append(options, nats.UserInfo(who.Consumer(), "tenant"))...)
	}
	b.end = func(who Tenant) error {
		text = strings.Replace(text, accounts[who], "", 1)
		return errors.Join(os.WriteFile(path, []byte(text), 0o600), s.Reload())
	}
	return b
}

// serveConfig runs a server with a configuration file.
func serveConfig(t *testing.T, text string) (s *server.Server, path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "nats.conf")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	opts, err := server.ProcessConfigFile(path)
	if err != nil {
		t.Fatalf("%v\n%s", err, text)
	}
	opts.NoSigs, opts.NoLog = true, true
	s, err = server.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	s.Start()
	t.Cleanup(func() { s.Shutdown(); s.WaitForShutdown() })
	if !s.ReadyForConnections(time.Minute) {
		t.Fatal("NATS is not ready")
	}
	return s, path
}

func (b *broker) connectAs(t *testing.T, who Tenant, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := b.dial(who, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

func dialNATS(t *testing.T, url string, options ...nats.Option) *nats.Conn {
	t.Helper()
	conn, err := nats.Connect(url, options...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(conn.Close)
	return conn
}

var brokers = map[string]func(*testing.T) *broker{"embedded": embeddedBroker, "configured": configuredBroker, "operator": operatorBroker}

func onBrokers(t *testing.T, do func(*testing.T, *broker)) {
	t.Parallel()
	for name, start := range brokers {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			do(t, start(t))
		})
	}
}

// wanted is the consumer that a tenant may have.
func wanted(of Tenant) jetstream.ConsumerConfig {
	return jetstream.ConsumerConfig{Name: of.Consumer(), FilterSubject: of.Subjects(), AckPolicy: jetstream.AckExplicitPolicy, InactiveThreshold: time.Minute}
}

func TestATenantFollowsItsTrail(t *testing.T) {
	onBrokers(t, func(t *testing.T, b *broker) {
		for _, who := range []Tenant{b.one, b.two} {
			conn := b.connectAs(t, who)
			live, err := conn.SubscribeSync(who.Subjects())
			if err == nil {
				err = conn.Flush()
			}
			if err != nil {
				t.Fatal(err)
			}
			other := b.one
			if who == b.one {
				other = b.two
			}
			b.publish(t, other, "not its own")
			b.publish(t, who, "its own")
			if msg, err := live.NextMsgWithContext(t.Context()); err != nil || string(msg.Data) != "its own" {
				t.Errorf("live: %v, %v", msg, err)
			}
			js := jetStream(t, conn, nil)
			if name, err := js.StreamNameBySubject(t.Context(), "tokenledger.events.>"); err != nil || name != stream {
				t.Errorf("the stream is %q, %v", name, err)
			}
			consumer, err := js.CreateConsumer(t.Context(), stream, wanted(who))
			if err != nil {
				t.Fatal(err)
			}
			batch, err := consumer.Fetch(4)
			if err != nil {
				t.Fatal(err)
			}
			var got []string
			for msg := range batch.Messages() {
				got = append(got, string(msg.Data()))
				if err := msg.DoubleAck(t.Context()); err != nil {
					t.Error(err)
				}
			}
			want := map[Tenant][]string{b.one: {"1", "3", "5", "its own"}, b.two: {"2", "4", "6", "not its own"}}[who]
			if !slices.Equal(got, want) {
				t.Errorf("from the stream: %q, want %q (%v)", got, want, batch.Error())
			}
			if err := js.DeleteConsumer(t.Context(), stream, who.Consumer()); err != nil {
				t.Error(err)
			}
			conn.Close()
		}
	})
}

func TestATenantMayDoNothingElse(t *testing.T) {
	onBrokers(t, func(t *testing.T, b *broker) {
		refusals := make(chan error, 100)
		conn := b.connectAs(t, b.one, nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) { refusals <- err }))
		own, others := b.one.Consumer(), b.two.Consumer()
		for _, subject := range []string{
			"tokenledger.events." + b.one.Trail + ".token.used", "tokenledger.events." + b.two.Trail + ".token.used", "tokenledger.tick",
			"tokenledger.findings." + b.one.Trail, "tokenledger.checkpoints",
			"$JS.API.INFO", "$JS.API.STREAM.LIST", "$JS.API.STREAM.INFO." + stream,
			"$JS.API.STREAM.CREATE." + stream, "$JS.API.STREAM.CREATE.own", "$JS.API.STREAM.UPDATE." + stream, "$JS.API.STREAM.DELETE." + stream,
			"$JS.API.STREAM.PURGE." + stream, "$JS.API.STREAM.MSG.DELETE." + stream, "$JS.API.STREAM.MSG.GET." + stream,
			"$JS.API.STREAM.RESTORE." + stream, "$JS.API.STREAM.SNAPSHOT." + stream, "$JS.API.STREAM.LEADER.STEPDOWN." + stream,
			"$JS.API.DIRECT.GET." + stream, "$JS.API.DIRECT.GET." + stream + "." + b.two.Subjects(),
			"$JS.API.DIRECT.GET." + stream + "." + b.one.Subjects(),
			"$JS.API.CONSUMER.CREATE." + stream, "$JS.API.CONSUMER.CREATE." + stream + "." + own,
			"$JS.API.CONSUMER.CREATE." + stream + "." + own + ".tokenledger.events.>", "$JS.API.CONSUMER.CREATE." + stream + "." + own + "." + b.two.Subjects(),
			"$JS.API.CONSUMER.CREATE." + stream + "." + others + "." + b.one.Subjects(), "$JS.API.CONSUMER.CREATE." + stream + ".any." + b.one.Subjects(),
			"$JS.API.CONSUMER.DURABLE.CREATE." + stream + "." + own, "$JS.API.CONSUMER.NAMES." + stream, "$JS.API.CONSUMER.LIST." + stream,
			"$JS.API.CONSUMER.INFO." + stream + "." + others, "$JS.API.CONSUMER.DELETE." + stream + "." + others,
			"$JS.API.CONSUMER.MSG.NEXT." + stream + "." + others, "$JS.API.CONSUMER.PAUSE." + stream + "." + own,
			"$JS.ACK." + stream + "." + others + ".1.1.1.1795555531690.0", "$JS.FC." + stream + "." + own + ".x", "$SYS.REQ.SERVER.PING", "_INBOX.x",
		} {
			if err := conn.PublishRequest(subject, "_INBOX.answer", []byte("{}")); err != nil {
				t.Fatal(err)
			}
			if err := within(t, refusals); !errors.Is(err, nats.ErrPermissionViolation) || !strings.Contains(err.Error(), subject) {
				t.Errorf("publish to %s: %v", subject, err)
			}
		}
		for _, subject := range []string{
			">", "*.>", "$JS.>", "$SYS.>", "tokenledger.>", "tokenledger.events.>", "tokenledger.events.*.token.used", b.two.Subjects(),
			"tokenledger.tick", "tokenledger.findings.>", "tokenledger.findings." + b.one.Trail,
		} {
			if _, err := conn.Subscribe(subject, func(*nats.Msg) {}); err != nil {
				t.Fatal(err)
			}
			if err := within(t, refusals); !errors.Is(err, nats.ErrPermissionViolation) {
				t.Errorf("subscribe to %s: %v", subject, err)
			}
		}
	})
}

// TestATenantsConsumerSeesItsTrailAlone: the subject of a request says what the filter
// is, so its body cannot say another.
func TestATenantsConsumerSeesItsTrailAlone(t *testing.T) {
	onBrokers(t, func(t *testing.T, b *broker) {
		conn := b.connectAs(t, b.one)
		subject := "$JS.API.CONSUMER.CREATE." + stream + "." + b.one.Consumer() + "." + b.one.Subjects()
		for what, change := range map[string]map[string]any{
			"another's trail":        {"filter_subject": b.two.Subjects()},
			"everything":             {"filter_subject": "tokenledger.events.>"},
			"no filter":              {"filter_subject": nil},
			"several":                {"filter_subject": nil, "filter_subjects": []string{b.one.Subjects(), b.two.Subjects()}},
			"one and several":        {"filter_subjects": []string{b.two.Subjects()}},
			"another's name":         {"name": b.two.Consumer()},
			"another's durable name": {"durable_name": b.two.Consumer()},
		} {
			config := map[string]any{"name": b.one.Consumer(), "filter_subject": b.one.Subjects(), "ack_policy": "none", "inactive_threshold": int64(time.Minute)}
			for k, v := range change {
				if config[k] = v; v == nil {
					delete(config, k)
				}
			}
			body, err := json.Marshal(map[string]any{"stream_name": stream, "config": config})
			if err != nil {
				t.Fatal(err)
			}
			msg, err := conn.RequestWithContext(t.Context(), subject, body)
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Error *struct{ Description string } }
			// A name that the body alone says is passed over for that of the subject.
			if err := json.Unmarshal(msg.Data, &answer); err != nil || (answer.Error == nil) != (what == "another's name") {
				t.Errorf("%s: %s", what, msg.Data)
			}
		}
		for info := range b.log.ListConsumers(t.Context()).Info() {
			if info.Name != b.one.Consumer() || info.Config.FilterSubject != b.one.Subjects() {
				t.Errorf("there is a consumer %s of %s", info.Name, info.Config.FilterSubject)
			}
		}
	})
}

// TestATenantChangesNothingByAnswersEither: answers go where the asker may not publish
// within its own account only.
func TestATenantChangesNothingByAnswersEither(t *testing.T) {
	onBrokers(t, func(t *testing.T, b *broker) {
		heard := make(chan *nats.Msg, 100)
		listener := b.connectAs(t, b.two)
		if _, err := listener.ChanSubscribe(b.two.Subjects(), heard); err != nil {
			t.Fatal(err)
		}
		if err := listener.Flush(); err != nil {
			t.Fatal(err)
		}
		before, err := b.log.Info(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		conn := b.connectAs(t, b.one)
		js := jetStream(t, conn, nil)
		for _, target := range []string{"tokenledger.events." + b.two.Trail + ".token.forged", "$JS.API.STREAM.DELETE." + stream} {
			if _, err := js.CreateConsumer(t.Context(), stream, wanted(b.one)); err != nil {
				t.Fatal(err)
			}
			for _, body := range []string{`{"batch":3,"no_wait":true}`, `{"batch":9,"no_wait":true}`} {
				if err := conn.PublishRequest("$JS.API.CONSUMER.MSG.NEXT."+stream+"."+b.one.Consumer(), target, []byte(body)); err != nil {
					t.Fatal(err)
				}
			}
			if err := conn.PublishRequest("$JS.API.STREAM.NAMES", target, nil); err != nil {
				t.Fatal(err)
			}
			if err := js.DeleteConsumer(t.Context(), stream, b.one.Consumer()); err != nil {
				t.Fatal(err)
			}
			pushed := map[string]any{"stream_name": stream, "config": map[string]any{
				"name": b.one.Consumer(), "filter_subject": b.one.Subjects(), "deliver_subject": target, "ack_policy": "none",
				"deliver_policy": "all", "headers_only": true, "inactive_threshold": int64(time.Minute),
			}}
			body, err := json.Marshal(pushed)
			if err != nil {
				t.Fatal(err)
			}
			subject := "$JS.API.CONSUMER.CREATE." + stream + "." + b.one.Consumer() + "." + b.one.Subjects()
			if _, err := conn.RequestWithContext(t.Context(), subject, body); err != nil {
				t.Fatal(err)
			}
			if err := js.DeleteConsumer(t.Context(), stream, b.one.Consumer()); err != nil && !errors.Is(err, jetstream.ErrConsumerNotFound) {
				t.Fatal(err)
			}
		}
		if _, err := b.relay.UpdateStream(t.Context(), before.Config); err != nil { // queued behind whatever was asked
			t.Fatalf("the stream is gone: %v", err)
		}
		after, err := b.log.Info(t.Context())
		if err != nil || after.State.LastSeq != before.State.LastSeq || !reflect.DeepEqual(after.Config, before.Config) {
			t.Errorf("%+v became %+v, %v", before.State, after.State, err)
		}
		b.publish(t, b.two, "a true one")
		select {
		case msg := <-heard:
			if string(msg.Data) != "a true one" {
				t.Errorf("the other one heard %q on %s", msg.Data, msg.Subject)
			}
		case <-time.After(30 * time.Second):
			t.Error("the other one heard nothing")
		}
	})
}

func TestTenantsThatCannotBe(t *testing.T) {
	t.Parallel()
	n := startNATS(t, NATSConfig{Listen: "127.0.0.1:0"})
	data, good := filepath.Dir(n.dir), Tenant{stream, "o", "n"}
	file := filepath.Join(t.TempDir(), "creds")
	for _, c := range []struct {
		dir string
		Tenant
	}{
		{data, Tenant{stream, "*", "n"}},
		{data, Tenant{stream, ">", "n"}},
		{data, Tenant{stream, "o.p", "n"}},
		{data, Tenant{"*", "o", "n"}},
		{data, Tenant{stream, "o", "a b"}},
		{data, Tenant{stream, "", "n"}},
		{t.TempDir(), good},
	} {
		if _, err := IssueTenant(c.dir, c.Tenant, file); !errors.Is(err, ErrTenant) {
			t.Errorf("%+v: %v", c.Tenant, err)
		}
	}
	account, err := IssueTenant(data, good, file)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := IssueTenant(data, good, file); !errors.Is(err, ErrTenant) {
		t.Errorf("over what is there: %v", err)
	}
	all, err := Tenants(data)
	if err != nil || len(all) != 1 || all[0].Tenant != good || all[0].Account != account || all[0].At.IsZero() {
		t.Errorf("there are %+v, %v", all, err)
	}
	if err := EndTenant(data, account); err != nil {
		t.Fatal(err)
	}
	if conn, err := nats.Connect(n.ClientURL(), nats.UserCredentials(file)); !errors.Is(err, nats.ErrAuthorization) {
		conn.Close()
		t.Errorf("let in: %v", err)
	}
	for _, none := range []string{account, "../keys", ""} {
		if err := EndTenant(data, none); !errors.Is(err, ErrNoTenant) {
			t.Errorf("end %q: %v", none, err)
		}
	}
	if _, err := os.Stat(filepath.Join(n.dir, "keys.json")); err != nil {
		t.Error(err)
	}
}
