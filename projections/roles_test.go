// What each role may do with each table and view of a ledger, from the catalog: whoever
// adds one says here who may do what with it.

package projections_test

import (
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// The letters: Select, Insert, Update, Delete. An asterisk means only some columns, an
// r the rows of one organization alone.
var mayDo = map[string]string{
	// The log.
	"tokenledger.blocks":               "appender SI, projector S, operator S",
	"tokenledger.blocks_N":             "", // by way of blocks alone
	"tokenledger.decisions":            "appender SI, projector S, operator S",
	"tokenledger.events":               "appender S, projector S, operator S",
	"tokenledger.log":                  "appender S, projector S, operator S",
	"tokenledger.streams":              "appender SIU, projector S, operator S",
	"tokenledger.tally_snapshots":      "appender SI, projector S, operator S",
	"tokenledger.goose_db_version":     "appender S",
	"tokenledger.credentials":          "appender SIU*",
	"tokenledger.subject_keys":         "appender SIDU*",
	"tokenledger.idempotency":          "appender SIUD",
	"tokenledger.readers":              "operator S",
	"tokenledger.bounds":               "appender SI, projector S, operator S",
	"tokenledger.cosignatures":         "appender SI, projector S, operator S",
	"tokenledger.epochs":               "appender SI, projector S, operator S",
	"tokenledger.seal_logs":            "appender SI, projector S, operator S",
	"tokenledger.tree_edges":           "appender S, projector S, operator S", // the rest by who archives, an owner
	"tokenledger.tree_nodes":           "appender SI, projector S, operator S",
	"tokenledger.tree_organizations":   "appender SI, projector S, operator S",
	"tokenledger.tree_steps":           "appender SI, projector S, operator S",
	"tokenledger.tree_trails":          "appender SI, projector S, operator S",
	"tokenledger.outlets":              "projector SIUD, operator S",
	"tokenledger.finding_notices":      "projector SIUD, operator S",
	"tokenledger.webhook_states":       "projector SIUD, operator S",
	"tokenledger.webhook_dead_letters": "projector SIUD, operator S",

	// The read models, each as a table and as the view of the one that answers.
	"tokenledger_views.projections":             "projector SIUD, operator S",
	"tokenledger_views.verifier_snapshot":       "projector SIUD, operator S",
	"tokenledger_views.identities":              "projector SIUD, operator S",
	"tokenledger_views.deadlines":               "projector SIUD, operator S, reader r",
	"tokenledger_views.directory_grants":        "projector SIUD, operator S, reader r",
	"tokenledger_views.directory_invitations":   "projector SIUD, operator S, reader r",
	"tokenledger_views.directory_memberships":   "projector SIUD, operator S, reader r",
	"tokenledger_views.directory_organizations": "projector SIUD, operator S, reader r",
	"tokenledger_views.directory_users":         "projector SIUD, operator S, reader r",
	"tokenledger_views.findings":                "projector SIUD, operator S, reader r",
	"tokenledger_views.findings_networks":       "projector SIUD, operator S, reader r",
	"tokenledger_views.findings_organizations":  "projector SIUD, operator S, reader r",
	"tokenledger_views.findings_versions":       "projector SIUD, operator S, reader r",
	"tokenledger_views.findings_watched":        "projector SIUD, operator S, reader r",
	"tokenledger_views.tokens":                  "projector SIUD, operator S, reader r",
	"tokenledger_views.trails_segments":         "projector SIUD, operator S, reader r",
	"tokenledger_views.usage":                   "projector SIUD, operator S, reader r",
	"tokenledger_views.usage_actions":           "projector SIUD, operator S, reader r",
	"tokenledger_views.usage_hours":             "projector SIUD, operator S, reader r",
	"tokenledger_views.usage_refusals":          "projector SIUD, operator S, reader r",
	"tokenledger_views.usage_sources":           "projector SIUD, operator S, reader r",
	"tokenledger_views.webhooks":                "projector SIUD, operator S, reader r",
}

var (
	generation = regexp.MustCompile(`_r[0-9]+b[0-9]+$`)
	partition  = regexp.MustCompile(`^blocks_[0-9]+$`)
)

// relation is a table or view, by the name that the list has it under.
type relation struct{ Name, Listed, Owner, Secured string }

func (r relation) readable() bool { return strings.HasSuffix(mayDo[r.Listed], "reader r") }

// relations are all that there is in the schemas of a log.
func relations(t *testing.T, admin *pgx.Conn) []relation {
	t.Helper()
	rows, err := admin.Query(t.Context(), `SELECT nspname || '.' || relname, relname, relowner::regrole::text,
			CASE WHEN relkind = 'v' THEN coalesce(array_to_string(reloptions, ','), '') WHEN relrowsecurity THEN 'row security' ELSE '' END
		FROM pg_class JOIN pg_namespace n ON n.oid = relnamespace
		WHERE nspname IN ('tokenledger', 'tokenledger_views') AND relkind IN ('r', 'p', 'v', 'm', 'f')`)
	if err != nil {
		t.Fatal(err)
	}
	all, err := pgx.CollectRows(rows, pgx.RowToStructByPos[relation])
	if err != nil {
		t.Fatal(err)
	}
	for i, r := range all {
		schema, _, _ := strings.Cut(r.Name, ".")
		all[i].Listed = schema + "." + generation.ReplaceAllString(partition.ReplaceAllString(r.Listed, "blocks_N"), "")
	}
	return all
}

func TestWhatEachRoleMayDo(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.token("one")
	w.reader()
	if _, err := projections.NewVerifierSnapshots(t.Context(), w.pool()); err != nil {
		t.Fatal(err)
	}
	admin := w.admin()
	seen := map[string]bool{}
	for _, r := range relations(t, admin) {
		seen[r.Listed] = true
		want, listed := mayDo[r.Listed]
		if !listed {
			t.Errorf("%s is in no list: say who may do what with it", r.Name)
			continue
		}
		if got := granted(t, admin, r.Name); got != want {
			t.Errorf("%s: granted is %q, want %q", r.Name, got, want)
		}
		owner := eventstore.RoleMigrator
		if strings.HasPrefix(r.Name, "tokenledger_views.") {
			owner = eventstore.RoleProjector
		}
		if r.Owner != owner {
			t.Errorf("%s is owned by %s", r.Name, r.Owner)
		}
		if r.readable() && r.Secured != "row security" && r.Secured != "security_invoker=true" {
			t.Errorf("%s shows readers every row: %q", r.Name, r.Secured)
		}
	}
	for name := range mayDo {
		if !seen[name] {
			t.Errorf("there is no %s", name)
		}
	}
	functions := scan[[]string](t, admin, `SELECT array_agg(format('%s %s', replace(r, 'tokenledger_', ''), proname) ORDER BY r, proname)
		FROM pg_proc, unnest($1::text[]) AS r
		WHERE pronamespace IN ('tokenledger'::regnamespace, 'tokenledger_views'::regnamespace) AND has_function_privilege(r, pg_proc.oid, 'EXECUTE')`, lesser)
	want := []string{"appender make_blocks_partition", "operator reader_organization", "reader reader_organization"}
	if !slices.Equal(functions, want) {
		t.Errorf("functions: %v, want %v", functions, want)
	}
	for _, role := range lesser {
		for schema, create := range map[string]bool{"tokenledger": false, "tokenledger_views": role == eventstore.RoleProjector} {
			if got := scan[bool](t, admin, `SELECT has_schema_privilege($1, $2, 'CREATE')`, role, schema); got != create {
				t.Errorf("%s may create in %s: %v", role, schema, got)
			}
		}
		if scan[bool](t, admin, `SELECT rolcanlogin OR rolsuper OR rolbypassrls OR rolcreaterole FROM pg_roles WHERE rolname = $1`, role) {
			t.Errorf("%s can log in, or more", role)
		}
		for _, other := range slices.Concat(lesser, []string{eventstore.RoleMigrator}) {
			if other != role && scan[bool](t, admin, `SELECT pg_has_role($1, $2, 'MEMBER')`, role, other) {
				t.Errorf("%s may act as %s", role, other)
			}
		}
	}
	if scan[bool](t, admin, `SELECT has_schema_privilege($1, 'tokenledger', 'USAGE')`, eventstore.RoleReader) {
		t.Error("readers may look into the log's schema")
	}
}

// lesser are the roles that own nothing of the log.
var lesser = []string{eventstore.RoleAppender, eventstore.RoleOperator, eventstore.RoleProjector, eventstore.RoleReader}

// granted tells what each role may do with a relation, in the words of the list.
func granted(t *testing.T, admin *pgx.Conn, name string) string {
	t.Helper()
	var all []string
	for _, role := range []string{eventstore.RoleAppender, eventstore.RoleProjector, eventstore.RoleOperator, eventstore.RoleReader} {
		letters := ""
		for _, p := range []string{"SELECT", "INSERT", "UPDATE", "DELETE"} {
			if scan[bool](t, admin, `SELECT has_table_privilege($1, $2, $3)`, role, name, p) {
				letters += p[:1]
			}
		}
		for _, p := range []string{"SELECT", "INSERT", "UPDATE"} {
			if !strings.Contains(letters, p[:1]) && scan[bool](t, admin, `SELECT has_any_column_privilege($1, $2, $3)`, role, name, p) {
				letters += p[:1] + "*"
			}
		}
		for _, p := range []string{"TRUNCATE", "TRIGGER", "REFERENCES"} { // of which only the owner has any
			if role != eventstore.RoleProjector && scan[bool](t, admin, `SELECT has_table_privilege($1, $2, $3)`, role, name, p) {
				letters += p
			}
		}
		if role == eventstore.RoleReader && letters == "S" {
			letters = "r"
		}
		if letters != "" {
			all = append(all, fmt.Sprint(strings.TrimPrefix(role, "tokenledger_"), " ", letters))
		}
	}
	return strings.Join(all, ", ")
}

func TestEveryReadableTableIsOfAProjection(t *testing.T) {
	t.Parallel()
	known := map[string]bool{}
	for _, p := range projections.All() {
		known[p.Name()] = true
	}
	for _, name := range slices.Sorted(maps.Keys(mayDo)) {
		base, ok := strings.CutPrefix(name, "tokenledger_views.")
		projection, _, _ := strings.Cut(base, "_")
		if ok && strings.HasSuffix(mayDo[name], "reader r") && !known[projection] {
			t.Errorf("%s belongs to no projection", name)
		}
	}
}
