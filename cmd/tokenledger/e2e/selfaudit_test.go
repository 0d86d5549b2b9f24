// The self-audit of a running service: quiet about an honest log, loud about a tampered one.

package e2e_test

import (
	"encoding/json"
	"net/http"
	"regexp"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"
)

// superuser runs a statement as who owns the database, with every trigger off.
func superuser(t *testing.T, url, sql string) {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), url)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(t.Context())
	if _, err := conn.Exec(t.Context(), `SET search_path = tokenledger_views, tokenledger`); err != nil {
		t.Fatal(err)
	}
	for _, how := range []string{"DISABLE TRIGGER", "ENABLE ALWAYS TRIGGER"} {
		triggers := `DO $$ DECLARE r record; BEGIN
			FOR r IN SELECT tgrelid::regclass AS of, tgname FROM pg_trigger JOIN pg_class c ON c.oid = tgrelid
				WHERE relnamespace = 'tokenledger'::regnamespace AND tgparentid = 0 AND NOT tgisinternal
			LOOP EXECUTE format('ALTER TABLE %s ` + how + ` %I', r.of, r.tgname); END LOOP; END $$`
		if _, err := conn.Exec(t.Context(), triggers); err != nil {
			t.Fatal(err)
		}
		if how != "DISABLE TRIGGER" {
			return
		}
		change(t, conn, sql)
	}
}

func change(t *testing.T, conn *pgx.Conn, sql string) {
	t.Helper()
	if tag, err := conn.Exec(t.Context(), sql); err != nil || tag.RowsAffected() == 0 {
		t.Fatalf("%s: %v %v", sql, tag, err)
	}
}

// audited is what a service tells of its self-audit: the line of /readyz, and
// whether the whole answer was that it is ready.
func (s *service) audited() (ok bool, detail string, status int) {
	response, err := httpClient.Get(s.URL + "/readyz")
	if err != nil {
		return false, "", 0
	}
	defer response.Body.Close()
	var body struct {
		Checks []struct {
			Name, Detail string
			OK           bool
		}
	}
	if json.NewDecoder(response.Body).Decode(&body) != nil {
		return false, "", 0
	}
	for _, c := range body.Checks {
		if c.Name == "self-audit" {
			return c.OK, c.Detail, response.StatusCode
		}
	}
	return false, "", response.StatusCode
}

func (s *service) metric(t *testing.T, name string) string {
	t.Helper()
	_, metrics := fetch(t, "http://"+s.variable("TOKENLEDGER_ADMIN_LISTEN")+"/metrics")
	found := regexp.MustCompile(`(?m)^` + name + ` (.*)$`).FindStringSubmatch(metrics)
	if found == nil {
		t.Fatalf("there is no metric %s", name)
	}
	return found[1]
}

func TestTheSelfAuditIsLoud(t *testing.T) {
	t.Parallel()
	sh := startShared(t)
	public, admin := freeAddress(t), freeAddress(t)
	s := sh.service(t, "TOKENLEDGER_LISTEN="+public, "TOKENLEDGER_ADMIN_LISTEN="+admin)
	s.initialize(t, "--organization", "Acme", "--email", "owner@example.com").exits(t, 0)
	s.start(t)
	made := s.createToken(t, map[string]any{"name": "audited", "scopes": []string{"evidence:write"}})
	s.allowed(t, made.Value, "createEvidence")
	s.stop(t)

	quiet := func() {
		t.Helper()
		s.start(t)
		await(t, "the self-audit passes", func() bool {
			ok, _, status := s.audited()
			return ok && status == http.StatusOK && s.metric(t, "tokenledger_audit_finished_timestamp_seconds") != "0"
		})
		// An epoch that a stop cuts short between its signature and its commit is compared by the next sealer,
		// not by the audit.
		await(t, "all is sealed, and stored", func() bool {
			return s.metric(t, "tokenledger_sealer_position") == s.metric(t, "tokenledger_log_position")
		})
		if got := s.metric(t, "tokenledger_audit_mismatch"); got != "0" {
			t.Errorf("the metric is %s", got)
		}
		if strings.Contains(s.Stderr.String(), "the self-audit found") {
			t.Errorf("it found something:\n%s", s.Output())
		}
		s.stop(t)
		run(t, s.env, "audit", "check").exits(t, 0)
	}
	quiet()
	for what, c := range map[string]struct{ spoil, mend, says string }{
		"a row of a read model": {
			`UPDATE tokens SET name = 'another' WHERE id = '` + made.ID + `'`,
			`UPDATE tokens SET name = 'audited' WHERE id = '` + made.ID + `'`, "read model tokens",
		},
		"a decision in its block, and its copy": {
			`WITH copy AS (UPDATE decisions SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"audited"', '"auditor"'), 'UTF8') WHERE type = 'token.created' RETURNING 1)
				UPDATE blocks SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), '"audited"', '"auditor"'), 'UTF8') WHERE position('"audited"'::bytea IN leaves) > 0`,
			`WITH copy AS (UPDATE decisions SET leaf = convert_to(replace(convert_from(leaf, 'UTF8'), '"auditor"', '"audited"'), 'UTF8') WHERE type = 'token.created' RETURNING 1)
				UPDATE blocks SET leaves = convert_to(replace(convert_from(leaves, 'UTF8'), '"auditor"', '"audited"'), 'UTF8') WHERE position('"auditor"'::bytea IN leaves) > 0`,
			"events tree",
		},
	} {
		superuser(t, sh.database, c.spoil)
		s.launch(t, "serve")
		s.URL = "http://" + public
		await(t, "the self-audit finds "+what, func() bool {
			ok, detail, status := s.audited()
			return !ok && status == http.StatusServiceUnavailable && strings.Contains(detail, c.says)
		})
		_, detail, _ := s.audited()
		if !regexp.MustCompile(`mismatch at position [1-9]`).MatchString(detail) {
			t.Errorf("%s: no position in %q", what, detail)
		}
		if got := s.metric(t, "tokenledger_audit_mismatch"); got != "1" {
			t.Errorf("%s: the metric is %s", what, got)
		}
		loud := regexp.MustCompile(`level=ERROR msg="the self-audit found a mismatch.*position=[1-9][0-9]* what=.*` + c.says)
		await(t, "the log tells of "+what, func() bool { return loud.MatchString(s.Stderr.String()) })
		s.stop(t)
		run(t, s.env, "audit", "check").exits(t, 1, "mismatch at position", c.says)
		superuser(t, sh.database, c.mend)
	}
	quiet()
}
