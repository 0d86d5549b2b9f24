// Two logs in one database, each with a service, a schema and a stream of its own.

package e2e_test

import (
	"fmt"
	"path/filepath"
	"testing"
)

func TestTwoLogsInOneDatabase(t *testing.T) {
	t.Parallel()
	database := startPostgres(t, filepath.Join(openDir(t), "db"))
	logs := map[string]*service{}
	for _, schema := range []string{"east", "west"} {
		s := newService(t, "TOKENLEDGER_DATABASE_URL="+database, "TOKENLEDGER_DATABASE_SCHEMA="+schema)
		s.initialize(t, "--organization", schema, "--email", "admin@example.com").exits(t, 0)
		s.start(t)
		logs[schema] = s
	}
	east, west := logs["east"], logs["west"]
	head := func(schema string) string {
		return east.sql(t, fmt.Sprintf(`SELECT max(last_position)::text FROM %s.blocks`, schema))
	}
	before := head("west")
	token := east.createToken(t, map[string]any{"name": "only-in-the-east", "scopes": []string{"read"}})
	says(t, east.curlPath(t, "/auth/check", "-H", "Authorization: Bearer "+token.Value), " 200 OK")
	says(t, west.curlPath(t, "/auth/check", "-H", "Authorization: Bearer "+token.Value), " 401 Unauthorized")
	if after := head("west"); after != before {
		t.Errorf("the other log went from %s to %s", before, after)
	}
	if same := east.sql(t, `SELECT (e.origin = w.origin)::text FROM east.log e, west.log w`); same != "false" {
		t.Error("the two logs are one")
	}
	for _, s := range logs {
		says(t, s.command(t, "audit", "check").Stdout.String(), "no mismatch")
	}
	east.stop(t)
	west.createToken(t, map[string]any{"name": "goes-on", "scopes": []string{"read"}})
}
