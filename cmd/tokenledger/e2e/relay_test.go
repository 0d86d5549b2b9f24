// A stream that somebody else wrote to: the relay halts, a person has the stream made
// anew beside the service, and the relay goes on.

package e2e_test

import (
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

func TestARelayGoesOnAfterARebuildBesideTheService(t *testing.T) {
	t.Parallel()
	for name, begin := range map[string]func(t *testing.T) (s *service, creds, reader string){
		"the embedded broker": func(t *testing.T) (*service, string, string) {
			s := start(t, "TOKENLEDGER_NATS_LISTEN="+freeAddress(t))
			return s, embedded.RelayCreds(s.data), filepath.Join(s.data, "nats", "reader.creds")
		},
		"a broker elsewhere": func(t *testing.T) (*service, string, string) {
			sh := startShared(t)
			s := sh.service(t)
			s.initialize(t, "--organization", "Demo", "--email", "owner@example.com").exits(t, 0)
			s.start(t)
			s.NATS = sh.nats.ClientURL()
			return s, sh.nats.RelayCreds(), sh.nats.ReaderCreds()
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s, creds, reader := begin(t)
			intrude(t, s.NATS, creds)
			made := s.createToken(t, map[string]any{"name": "meanwhile", "scopes": []string{"evidence:write"}})
			await(t, "the relay halts", func() bool {
				bad, answered := s.failing()
				return answered && slices.Equal(bad, []string{"nats"}) && strings.Contains(s.Stderr.String(), "the relay has halted")
			})
			s.allowed(t, made.Value, "createEvidence") // the log does not wait for it

			s.command(t, "relay", "rebuild", "--yes").exits(t, 0)
			await(t, "the relay goes on", func() bool {
				bad, answered := s.failing()
				return answered && len(bad) == 0
			})
			s.createToken(t, map[string]any{"name": "later", "scopes": []string{"evidence:write"}})
			leaves := readLog(t, s.database(t))
			stream := openStream(t, s.NATS, reader, "TOKENLEDGER_"+origin(t, s.database(t)))
			await(t, "the stream is that of the log", func() bool { return lastSequence(t, stream) == uint64(len(leaves)) })
			if n := strings.Count(s.Stderr.String(), "the relay has halted"); n != 1 {
				t.Errorf("the service says %d times that the relay has halted", n)
			}
		})
	}
}

// intrude publishes with the relay's credentials what no log has.
func intrude(t *testing.T, url, creds string) {
	t.Helper()
	conn, err := nats.Connect(url, nats.UserCredentials(creds))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	js, err := natsjs.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := js.Publish(t.Context(), "tokenledger.events.operator.installation.forged", []byte("{}")); err != nil {
		t.Fatal(err)
	}
}
