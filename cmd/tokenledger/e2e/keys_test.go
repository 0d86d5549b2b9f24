// Keys are rotated while the service runs, and it takes them on without a restart.

package e2e_test

import (
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"
)

func TestARunningServiceTakesOnRotatedKeys(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_ADMIN_LISTEN="+freeAddress(t))
	old := s.createToken(t, map[string]any{"name": "old", "scopes": []string{"evidence:write"}})
	s.allowed(t, old.Value, "createEvidence")
	before := s.verifierKeys(t)

	for _, key := range []string{"pepper", "signing", "key_encryption"} {
		s.command(t, "keys", "rotate", key, "--prepare").exits(t, 0)
		await(t, "the service knows the version", func() bool { return s.keyVersions(t, key) == "2 1" })
		s.command(t, "keys", "rotate", key).exits(t, 0)
		await(t, "the version is active in the service", func() bool { return s.keyVersions(t, key) == "2 2" })
	}

	young := s.createToken(t, map[string]any{"name": "young", "scopes": []string{"evidence:write"}})
	if v := s.number(t, `SELECT pepper FROM credentials WHERE token = $1`, young.ID); v != 2 {
		t.Errorf("a new token's MAC is made with pepper %d", v)
	}
	s.allowed(t, young.Value, "createEvidence")
	s.allowed(t, old.Value, "createEvidence") // made with the pepper of before
	await(t, "the old token's MAC is made anew", func() bool {
		return s.number(t, `SELECT pepper FROM credentials WHERE token = $1`, old.ID) == 2
	})

	s.ask(t, `mutation($token: String!) { verifyToken(input: {token: $token, action: "createEvidence", sourceIP: "192.0.2.77"}) { allowed } }`,
		map[string]any{"token": young.Value})
	await(t, "a new subject's key is wrapped by the new version", func() bool {
		return s.number(t, `SELECT coalesce(max(kek), 0) FROM subject_keys`) == 2
	})

	added := slices.DeleteFunc(s.verifierKeys(t), func(key string) bool { return slices.Contains(before, key) })
	if len(added) != 1 {
		t.Fatalf("%d new verifier keys", len(added))
	}
	verifier, err := note.NewVerifier(added[0])
	if err != nil {
		t.Fatal(err)
	}
	await(t, "a checkpoint is signed by the new key", func() bool {
		_, signed := s.get(t, "/checkpoint")
		_, err := note.Open([]byte(signed), note.VerifierList(verifier))
		return err == nil
	})
	if bad, _ := s.failing(); len(bad) > 0 {
		t.Errorf("/readyz: %v", bad)
	}
}

// keyVersions are the newest and the active version of a key that the service has.
func (s *service) keyVersions(t *testing.T, key string) string {
	t.Helper()
	label := `\{key="` + key + `"\}`
	return s.metric(t, "tokenledger_key_newest_version"+label) + " " + s.metric(t, "tokenledger_key_active_version"+label)
}

func (s *service) verifierKeys(t *testing.T) []string {
	t.Helper()
	listed := s.command(t, "keys", "list", "--public")
	listed.exits(t, 0)
	return strings.Fields(listed.Stdout.String())
}

// number is what a query of the log's tables gives.
func (s *service) number(t *testing.T, sql string, args ...any) (n int) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), s.database(t))
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET search_path = tokenledger`); err != nil {
		t.Fatal(err)
	}
	if err := conn.QueryRow(t.Context(), sql, args...).Scan(&n); err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return n
}
