// The whole path: what is done through GraphQL stands in the log, in JetStream
// under the same number, byte for byte, and in read models that can be built again.

package e2e_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path/filepath"
	"slices"
	"strconv"
	"testing"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
)

func TestEachActionIsOneEventEverywhere(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
	demo := s.ask(t, `{ organization { id } }`, nil).text(t, "organization.id")

	token := s.createToken(t, map[string]any{"name": "path-organization", "scopes": []string{"evidence:write"}})
	s.liveThrough(t, token, "APIToken", "apiToken", demo)
	personal := s.createPersonal(t, map[string]any{
		"name": "path-personal", "scopes": []string{"evidence:write"}, "organizationIDs": []string{demo},
	})
	s.liveThrough(t, personal, "PersonalAccessToken", "tokenGrant", demo)

	before := s.answers(t, "path-")
	leaves := readLog(t, s.database(t))
	for stream, want := range map[string][]string{
		"token-" + token.ID: {
			"token.created", "token.source_seen", "token.used", "token.used", "token.sso_authorized", "token.revoked", "token.deleted",
		},
		"token-" + personal.ID: {
			"token.created", "token.source_seen", "token.used", "token.used", "token.revoked", "token.deleted",
		},
		"grant-" + personal.ID: {"grant.given", "grant.sso_authorized", "grant.ended"},
	} {
		if got := typesOf(leaves, stream); !slices.Equal(got, want) {
			t.Errorf("%s has the events\n%v, want\n%v", stream, got, want)
		}
	}
	s.streamEquals(t, leaves)

	builds := s.command(t, "projections", "list").Stdout.String()
	s.command(t, "projections", "rebuild").exits(t, 0)
	if again := s.command(t, "projections", "list").Stdout.String(); again == builds {
		t.Errorf("nothing was built:\n%s", again)
	}
	await(t, "the service is ready after the rebuild", func() bool {
		status, _ := s.get(t, "/readyz")
		return status == http.StatusOK
	})
	for name, after := range s.answers(t, "path-") {
		if after != before[name] {
			t.Errorf("%s answers after the rebuild\n%s\nand did before\n%s", name, after, before[name])
		}
	}
}

// liveThrough uses a token twice, and has it authorized, revoked and deleted.
func (s *service) liveThrough(t *testing.T, token made, kind, stamped, organization string) {
	t.Helper()
	use := map[string]any{"input": map[string]any{
		"token": token.Value, "action": "createEvidence", "resource": "evidence/42", "organization": organization,
		"sourceIP": "192.0.2.7", "userAgent": "ci-runner/1.0", "requestID": "build-4711",
	}}
	for range 2 {
		if a := s.ask(t, verifyToken, use); a.at(t, "verifyToken.allowed") != true {
			t.Fatalf("a use was refused: %s", a.Body)
		}
	}
	id := map[string]any{"id": token.ID, "reason": "end of the test"}
	s.ask(t, `mutation($id: ID!) { authorizeTokenSSO(id: $id) { `+stamped+` { __typename } receipt { position } } }`, id)
	s.ask(t, `mutation($id: ID!, $reason: String!) { revoke`+kind+`(id: $id, reason: $reason) { receipt { position } } }`, id)
	s.ask(t, `mutation($id: ID!) { delete`+kind+`(id: $id) { deletedID receipt { position } } }`, id)
}

// streamEquals checks that JetStream holds these leaves and nothing else.
func (s *service) streamEquals(t *testing.T, leaves []leaf) {
	t.Helper()
	stream := openStream(t, s.NATS, filepath.Join(s.data, "nats", "reader.creds"), "TOKENLEDGER_"+origin(t, s.database(t)))
	await(t, "JetStream holds every event", func() bool { return lastSequence(t, stream) >= uint64(len(leaves)) })
	if last := lastSequence(t, stream); last != uint64(len(leaves)) {
		t.Errorf("JetStream's last sequence is %d after %d events", last, len(leaves))
	}
	for _, l := range leaves {
		m, err := stream.GetMsg(t.Context(), uint64(l.Position))
		if err != nil {
			t.Fatalf("sequence %d: %v", l.Position, err)
		}
		if !bytes.Equal(m.Data, l.Raw) {
			t.Errorf("sequence %d carries\n%s, position %d is\n%s", m.Sequence, m.Data, l.Position, l.Raw)
		}
		hash := sha256.Sum256(append([]byte{0}, l.Raw...))
		for header, want := range map[string]string{
			"Ledger-Position": strconv.FormatInt(l.Position, 10), "Ledger-Leaf-Hash": hex.EncodeToString(hash[:]),
			"Ledger-Trail-Position": strconv.FormatInt(l.TrailPosition, 10), "ce-type": l.Type,
		} {
			if got := m.Header.Get(header); got != want {
				t.Errorf("sequence %d has %s %q, want %q", m.Sequence, header, got, want)
			}
		}
		if want := "tokenledger.events." + l.Trail + "." + l.Type; m.Subject != want {
			t.Errorf("sequence %d has the subject %s, want %s", m.Sequence, m.Subject, want)
		}
	}
}

// openStream connects to a broker as whoever the credentials are of.
func openStream(t *testing.T, url, creds, name string) jetstream.Stream {
	t.Helper()
	conn, err := nats.Connect(url, nats.UserCredentials(creds))
	if err != nil {
		t.Fatalf("connect to NATS: %v", err)
	}
	t.Cleanup(conn.Close)
	js, err := jetstream.New(conn)
	if err != nil {
		t.Fatal(err)
	}
	stream, err := js.Stream(t.Context(), name)
	if err != nil {
		t.Fatalf("the stream %s: %v", name, err)
	}
	return stream
}

func lastSequence(t *testing.T, stream jetstream.Stream) uint64 {
	t.Helper()
	info, err := stream.Info(context.WithoutCancel(t.Context()))
	if err != nil {
		t.Fatalf("ask JetStream about the stream: %v", err)
	}
	return info.State.LastSeq
}

// everyField is what both kinds of tokens are asked for.
const everyField = `id name token description scopes tags status isActive version position fingerprint
	createdAt createdBy updatedAt updatedBy expiresAt lastUsedAt revokedAt revokedBy revokedReason ssoAuthorizations
	usage { uses refusals lastUsedAt hours { hour uses refusals } actions { action uses } sources { position address agent uses } }
	events(first: 50) { totalCount edges { node { position leaf leafHash } } }`

// answers is what GraphQL says of the tokens with names like that. Asking is a use of
// another token, and changes none of it.
func (s *service) answers(t *testing.T, prefix string) map[string]string {
	t.Helper()
	answers := map[string]string{}
	for name, query := range map[string]string{
		"apiTokens": `{ apiTokens(includeDeleted: true, where: {nameHasPrefix: "` + prefix + `"}) { totalCount edges { cursor node { ` +
			everyField + ` owner { id name } } } } }`,
		"personalAccessTokens": `{ personalAccessTokens(includeDeleted: true, where: {nameHasPrefix: "` + prefix + `"}) { totalCount edges { cursor node { ` +
			everyField + ` owner { id displayName email } organizations { totalCount edges { node { id name } } } } } } }`,
		"organization": `{ organization { id name displayName version policy { ssoRequired memberScopes } objects { name actions }
			members { totalCount edges { node { role since until user { id email displayName } } } }
			tokenGrants { totalCount edges { node { tokenID name status givenAt ssoAuthorizedAt endedAt endedBecause } } } } }`,
		"auditEvents": `{ auditEvents(types: ["token.created", "token.revoked", "token.deleted", "grant.given", "grant.ended"], first: 50) {
			totalCount edges { cursor node { position trail trailPosition type stream version recordedAt reason leaf leafHash } } } }`,
	} {
		a := s.ask(t, query, nil)
		if name != "organization" && a.number(t, name+".totalCount") == 0 {
			t.Errorf("%s answers nothing", name)
		}
		answers[name] = string(a.Body)
	}
	return answers
}
