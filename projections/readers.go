// What the readers of one organization see: rows of the read models, by row-level security.

package projections

import (
	"context"
	"fmt"
	"strings"

	"github.com/jackc/pgx/v5"
)

// The organization that a session reads for, asked once a statement; and its trail.
const (
	ownOrganization = "(SELECT reader_organization())"
	ownTrail        = "(SELECT reader_organization()::text)"
)

// readable says which rows of a table the readers of an organization see, by the name
// of its view. A table that is not here is for the service and for operators: such as
// how people sign in, which is no organization's own.
var readable = map[string]func(Tables) string{
	"deadlines":               organizationsOwn,
	"directory_grants":        organizationsOwn,
	"directory_invitations":   organizationsOwn,
	"directory_memberships":   organizationsOwn,
	"directory_organizations": func(Tables) string { return "id = " + ownOrganization },
	"directory_users": func(t Tables) string { // the members of today
		return fmt.Sprintf("id IN (SELECT user_id FROM %s WHERE organization = %s AND ended_at IS NULL)", t.Name("memberships"), ownOrganization)
	},
	"findings":               organizationsOwn,
	"findings_networks":      organizationsOwn,
	"findings_organizations": organizationsOwn,
	"findings_versions":      organizationsOwn,
	"findings_watched":       organizationsOwn,
	// Of a personal token an organization knows its grant, in the directory.
	"tokens":          func(Tables) string { return "kind = 'organization' AND holder = " + ownOrganization },
	"trails_segments": trailsOwn,
	"usage":           func(Tables) string { return "holder = " + ownOrganization },
	"usage_actions":   trailsOwn,
	"usage_hours":     trailsOwn,
	"usage_refusals":  trailsOwn,
	"usage_sources":   trailsOwn,
	"webhooks":        organizationsOwn,
}

func organizationsOwn(Tables) string { return "organization = " + ownOrganization }
func trailsOwn(Tables) string        { return "trail = " + ownTrail }

// policies names the policies; it changes with what they say.
const policies = "readers_1"

// guard puts the tables of a generation under row-level security, which binds everyone
// but their owner, the projector.
func guard(ctx context.Context, tx pgx.Tx, t Tables) error {
	tables, err := tablesOf(ctx, tx, t.Projection)
	if err != nil {
		return err
	}
	for _, name := range tables {
		base, ours := strings.CutSuffix(name, t.suffix())
		if !ours {
			continue
		}
		if err := guardTable(ctx, tx, t, base, name); err != nil {
			return fmt.Errorf("guard %s: %w", name, err)
		}
	}
	return nil
}

func guardTable(ctx context.Context, tx pgx.Tx, t Tables, base, name string) error {
	var old []string
	err := tx.QueryRow(ctx, `SELECT coalesce(array_agg(polname::text), '{}') FROM pg_policy WHERE polrelid = to_regclass($1)`,
		pgx.Identifier{name}.Sanitize()).Scan(&old)
	if err != nil {
		return err
	}
	table := pgx.Identifier{name}.Sanitize()
	var statements []string
	for _, policy := range old {
		if strings.HasPrefix(policy, policies) {
			return nil
		}
		statements = append(statements, fmt.Sprintf("DROP POLICY %s ON %s", pgx.Identifier{policy}.Sanitize(), table))
	}
	statements = append(statements,
		"ALTER TABLE "+table+" ENABLE ROW LEVEL SECURITY",
		"CREATE POLICY "+policies+"_operators ON "+table+" FOR SELECT TO tokenledger_operator USING (true)")
	if rows, ok := readable[base]; ok {
		statements = append(statements,
			"CREATE POLICY "+policies+" ON "+table+" FOR SELECT TO tokenledger_reader USING ("+rows(t)+")",
			"GRANT SELECT ON "+table+" TO tokenledger_reader")
	}
	for _, sql := range statements {
		if _, err := tx.Exec(ctx, sql); err != nil {
			return err
		}
	}
	return nil
}

// invokersView is the first version of Postgres whose views can ask with the rights of
// whoever asks them. Before it a view would show every row, and readers get none.
const invokersView = 150000

// show makes the view of a table. What it shows is for the table's policies to say.
func show(ctx context.Context, tx pgx.Tx, base, name string) error {
	var version int
	if err := tx.QueryRow(ctx, `SELECT current_setting('server_version_num')::int`).Scan(&version); err != nil {
		return err
	}
	with, grant := "", ""
	if version >= invokersView {
		with = "WITH (security_invoker = true)"
		if _, ok := readable[base]; ok {
			grant = "; GRANT SELECT ON " + pgx.Identifier{base}.Sanitize() + " TO tokenledger_reader"
		}
	}
	_, err := tx.Exec(ctx, fmt.Sprintf("DROP VIEW IF EXISTS %[1]s; CREATE VIEW %[1]s %[2]s AS SELECT * FROM %[3]s%[4]s",
		pgx.Identifier{base}.Sanitize(), with, pgx.Identifier{name}.Sanitize(), grant))
	return err
}

// guardActive does for the generation that answers what an older program did not.
func guardActive(ctx context.Context, tx pgx.Tx, t Tables) error {
	if err := guard(ctx, tx, t); err != nil {
		return err
	}
	rows, err := tx.Query(ctx, `SELECT relname::text FROM pg_class
		WHERE relnamespace = current_schema()::regnamespace AND relkind = 'v' AND relname ~ ('^' || $1 || '(_[a-z]+)?$')
		AND current_setting('server_version_num')::int >= $2 AND NOT coalesce(reloptions, '{}') @> '{security_invoker=true}'`,
		t.Projection, invokersView)
	if err != nil {
		return err
	}
	bases, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return err
	}
	for _, base := range bases {
		if err := show(ctx, tx, base, base+t.suffix()); err != nil {
			return err
		}
	}
	return nil
}
