// A program of one organization on NATS, with the credentials that the command makes.

package e2e_test

import (
	"encoding/json"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func TestATenantSubscribes(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
	org := s.ask(t, `{ organizations(first: 1) { edges { node { id } } } }`, nil).text(t, "organizations.edges.0.node.id")
	token := s.createToken(t, map[string]any{"name": "kept", "scopes": []string{"evidence:write"}})
	creds := filepath.Join(openDir(t), "tenant.creds")
	made := run(t, s.env, "relay", "reader", "create", "--organization", org, "--name", "warehouse", "--write-to", creds)
	made.exits(t, 0)
	_, consumer, _ := strings.Cut(strings.TrimSuffix(strings.TrimSpace(made.Stdout.String()), "."), "consumer ")
	run(t, s.env, "relay", "reader", "create", "--organization", org, "--write-to", creds).exits(t, 1, "exists already")
	run(t, s.env, "relay", "reader", "create", "--organization", uuid.NewString()).exits(t, 1, "there is no organization")
	run(t, s.env, "relay", "reader", "create", "--organization", org, "--name", "*").exits(t, 1, "not of letters")
	if p := run(t, s.env, "relay", "reader", "create", "--organization", org, "--config"); !strings.Contains(p.Stdout.String(), "imports: [") {
		t.Errorf("the configuration: %s", p.Output())
	}

	conn, err := nats.Connect(s.NATS, nats.UserCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	trail := events.OrganizationTrail(uuid.MustParse(org))
	store := new(jetstream.MemoryStore)
	for round, want := range []string{token.ID, s.createToken(t, map[string]any{"name": "another", "scopes": []string{"evidence:write"}}).ID} {
		// The second time the consumer of the first is still there, and begins elsewhere.
		for m, err := range jetstream.Subscribe(t.Context(), conn, jetstream.Config{Trail: trail, Consumer: consumer, Store: store}) {
			if err != nil {
				t.Fatalf("round %d: %v", round, err)
			}
			if m.Trail != trail {
				t.Fatalf("sees the trail %s", m.Trail)
			}
			if m.Event.Type() == "token.created" && strings.Contains(string(m.Stream), want) {
				break
			}
		}
	}
	// Without the name, or for everything, it is not let.
	for what, c := range map[string]jetstream.Config{"another consumer": {Trail: trail}, "every trail": {Consumer: consumer}} {
		refused := make(chan error, 100)
		other, err := nats.Connect(s.NATS, nats.UserCredentials(creds), nats.ErrorHandler(func(_ *nats.Conn, _ *nats.Subscription, err error) {
			select {
			case refused <- err:
			default:
			}
		}))
		if err != nil {
			t.Fatal(err)
		}
		ended := make(chan struct{})
		go func() {
			defer close(ended)
			for m, err := range jetstream.Subscribe(t.Context(), other, c) {
				if err == nil {
					t.Errorf("%s: sees %d", what, m.Position)
				}
			}
		}()
		if err := <-refused; !strings.Contains(err.Error(), "CONSUMER.CREATE") {
			t.Errorf("%s: %v", what, err)
		}
		other.Close()
		<-ended
	}
	// Its credentials end while the service runs.
	var account struct{ Account, Organization string }
	listed := run(t, s.env, "relay", "reader", "list", "--output", "json")
	if err := json.Unmarshal([]byte(listed.Stdout.String()), &account); err != nil || account.Organization != org {
		t.Fatalf("the list: %s, %v", listed.Output(), err)
	}
	run(t, s.env, "relay", "reader", "remove", account.Account).exits(t, 2, "--yes")
	run(t, s.env, "relay", "reader", "remove", account.Account, "--yes").exits(t, 0)
	run(t, s.env, "relay", "reader", "remove", account.Account, "--yes").exits(t, 1, account.Account)
	closed := conn.StatusChanged(nats.CLOSED)
	for !conn.IsClosed() {
		<-closed
	}
	if _, err := nats.Connect(s.NATS, nats.UserCredentials(creds)); err == nil {
		t.Error("let in after its end")
	}
}
