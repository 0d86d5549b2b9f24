// What the doctor sees of the database and of NATS, with the credentials of the service.

package main

import (
	"cmp"
	"context"
	"fmt"
	"net"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
)

// store checks the database, and what follows the log in it.
func (d *doctor) store(ctx context.Context) {
	url, err := databaseURL(d.settings)
	if err != nil {
		if d.running {
			d.warn("database", "name the data directory of the service with TOKENLEDGER_DATA", "%v", err)
		} else {
			d.ok("database", "the private Postgres does not run")
		}
		return
	}
	conn, err := d.connect(ctx, url)
	if err != nil {
		d.fail("database", "look whether Postgres runs, and at TOKENLEDGER_DATABASE_URL", "%v", err)
		return
	}
	defer conn.Close(context.WithoutCancel(ctx))
	checks := []func(context.Context, *pgx.Conn) error{d.postgres, d.databaseClock, d.roles}
	for _, check := range checks {
		if err := check(ctx, conn); err != nil {
			d.fail("database", "look at the log of Postgres", "%v", err)
			return
		}
	}
	d.log(ctx, url)
}

func (d *doctor) connect(ctx context.Context, url string) (*pgx.Conn, error) {
	c, err := pgx.ParseConfig(url)
	if err != nil {
		return nil, fmt.Errorf("the database URL cannot be read (its value is not shown)")
	}
	c.ConnectTimeout = doctorLimit
	for _, setting := range d.settings.InClear() {
		if strings.HasPrefix(setting, "TOKENLEDGER_DATABASE") {
			d.warn("database TLS", "add sslmode=verify-full to "+setting, "nobody verifies that %s is the server that answers", c.Host)
		}
	}
	return pgx.ConnectConfig(ctx, c)
}

// oldestPostgres is the first version that has all that the log needs.
const oldestPostgres = 140000

// postgres checks version, role in a cluster, and that an answered commit is on disk.
func (d *doctor) postgres(ctx context.Context, conn *pgx.Conn) error {
	var version, fsync, commit, pages string
	var number int
	var standby bool
	err := conn.QueryRow(ctx, `SELECT current_setting('server_version'), current_setting('server_version_num')::int,
		pg_is_in_recovery(), current_setting('fsync'), current_setting('synchronous_commit'), current_setting('full_page_writes')`).
		Scan(&version, &number, &standby, &fsync, &commit, &pages)
	switch {
	case err != nil:
		return err
	case number < oldestPostgres:
		d.fail("database", "bring Postgres to version 14 or newer", "Postgres %s is too old", version)
	case standby:
		d.fail("database", "name the primary in TOKENLEDGER_DATABASE_URL", "this is a standby, which takes no appends")
	default:
		d.ok("database", "Postgres %s", version)
	}
	for name, value := range map[string]string{"fsync": fsync, "synchronous_commit": commit, "full_page_writes": pages} {
		if value == "off" {
			d.fail("durability", fmt.Sprintf("psql -c 'ALTER SYSTEM RESET %s' -c 'SELECT pg_reload_conf()', and look at ALTER ROLE and postgresql.conf", name),
				"%s is off: an answered use could be lost", name)
		}
	}
	return nil
}

func (d *doctor) databaseClock(ctx context.Context, conn *pgx.Conn) error {
	began := time.Now()
	var there time.Time
	if err := conn.QueryRow(ctx, `SELECT clock_timestamp()`).Scan(&there); err != nil {
		return err
	}
	d.skew("clock of the database", there.Sub(began.Add(time.Since(began)/2)))
	return nil
}

// changesNothing are the roles that only add to the log, or only read it.
var changesNothing = []string{eventstore.RoleAppender, eventstore.RoleProjector, eventstore.RoleOperator, eventstore.RoleReader}

// roles checks that the roles are there and can be taken on, and that none can change
// what was recorded.
func (d *doctor) roles(ctx context.Context, conn *pgx.Conn) error {
	var missing []string
	needed := []string{eventstore.RoleAppender}
	if d.settings.ProjectorURL == "" {
		needed = append(needed, eventstore.RoleProjector)
	}
	for _, role := range needed {
		var there bool
		err := conn.QueryRow(ctx, `SELECT coalesce((SELECT pg_has_role(oid, 'MEMBER') FROM pg_roles WHERE rolname = $1), false)`, role).Scan(&there)
		if err != nil {
			return err
		}
		if !there {
			missing = append(missing, role)
		}
	}
	if len(missing) > 0 {
		d.fail("database roles", "tokenledger init --organization NAME --email ADDRESS, which makes them or tells the SQL for an administrator",
			"this user cannot act as %s", strings.Join(missing, ", "))
		return nil
	}
	var granted []string
	rows, err := conn.Query(ctx, `SELECT r || ' may ' || p || ' ' || t
		FROM unnest($1::text[]) r, unnest('{UPDATE,DELETE,TRUNCATE}'::text[]) p, unnest('{blocks,decisions}'::text[]) t
		WHERE to_regclass(quote_ident($2) || '.' || t) IS NOT NULL AND has_table_privilege(r, quote_ident($2) || '.' || t, p)`,
		changesNothing, d.settings.Schema)
	if err != nil {
		return err
	}
	if granted, err = pgx.CollectRows(rows, pgx.RowTo[string]); err != nil {
		return err
	}
	if len(granted) > 0 {
		d.fail("database roles", fmt.Sprintf("psql -c 'REVOKE UPDATE, DELETE, TRUNCATE ON %[1]s.blocks, %[1]s.decisions FROM %s'",
			d.settings.Schema, strings.Join(changesNothing, ", ")),
			"the log could be changed: %s", strings.Join(granted, ", "))
		return nil
	}
	d.ok("database roles", "all are there, and none may change what was recorded")
	return nil
}

// log checks the schema's version, and how far behind the log everything is that follows it.
func (d *doctor) log(ctx context.Context, url string) {
	ring, err := d.settings.Keys().Load()
	if err != nil {
		return // said of the key file already
	}
	log, err := eventstore.Open(ctx, eventstore.Config{URL: url, Schema: d.settings.Schema, Keys: ring})
	if err != nil {
		d.fail("migrations", "tokenledger init --organization NAME --email ADDRESS, once; later tokenledger serve, which migrates", "%v", err)
		return
	}
	defer log.Close()
	head, err := log.Head(ctx)
	if err != nil {
		d.fail("database", "look at the log of Postgres", "%v", err)
		return
	}
	d.ok("migrations", "applied; the log %s is at position %d", log.Origin(), head)
	store := &service.Store{Log: log, Ring: ring, URL: url}
	if done, err := service.Initialized(ctx, store); err == nil && !done {
		d.fail("initialization", "tokenledger init --organization NAME --email ADDRESS", "this log has no administrator yet")
	}
	d.readModels(ctx, url, head)
	d.sealed(ctx, store, head)
	d.stream(ctx, head)
}

func (d *doctor) readModels(ctx context.Context, url string, head events.Position) {
	pool, err := projections.OpenPool(ctx, cmp.Or(d.settings.ProjectorURL, url), d.settings.Schema)
	if err == nil {
		defer pool.Close()
		var all []projections.Generation
		if all, err = projections.Generations(ctx, pool); err == nil {
			for _, g := range all {
				if g.Active {
					d.lag("projection "+g.Name, int64(max(0, head-g.Position)), "tokenledger serve; if it runs: tokenledger projections rebuild "+g.Name)
				}
			}
			return
		}
	}
	d.warn("lag: projections", "tokenledger serve, which makes them", "%v", err)
}

// sealed looks at the last epoch. While the service runs one is closed every minute at the latest.
func (d *doctor) sealed(ctx context.Context, store *service.Store, head events.Position) {
	reader, err := service.OpenSealed(ctx, d.settings, store)
	if err == nil {
		defer reader.Close()
		latest, latestErr := reader.Latest(ctx)
		if latestErr == nil {
			d.lag("sealer", int64(max(0, head-events.Position(latest.Epoch.Size))), "tokenledger serve; if it runs, look at its log for \"sealer\"")
			return
		}
		err = latestErr
	}
	d.warn("lag: sealer", "tokenledger serve, which seals the log", "%v", err)
}

// stream compares JetStream with the log.
func (d *doctor) stream(ctx context.Context, head events.Position) {
	if d.settings.EmbeddedNATS() && (d.settings.NATSListen == "off" || !d.running) {
		d.ok("NATS", "within the service alone, where nobody outside sees it")
		return
	}
	conn, err := readerConn(d.settings)
	if err != nil {
		d.fail("NATS", "look whether NATS runs, and at TOKENLEDGER_NATS_URL and TOKENLEDGER_NATS_CREDS", "%v", err)
		return
	}
	defer conn.Close()
	d.ok("NATS", "nats-server %s at %s", conn.ConnectedServerVersion(), conn.ConnectedAddr())
	if host, _, err := net.SplitHostPort(conn.ConnectedAddr()); err == nil && !config.LoopbackHost(host) {
		if _, err := conn.TLSConnectionState(); err != nil {
			d.warn("NATS TLS", "name the server as tls://… in TOKENLEDGER_NATS_URL", "the connection to %s is not encrypted", host)
		}
	}
	ctx, cancel := context.WithTimeout(ctx, doctorLimit)
	defer cancel()
	last, err := lastOfStream(ctx, conn)
	if err != nil {
		d.fail("lag: relay", "tokenledger serve, which makes the stream; if it runs, look at its log for \"relay\"", "%v", err)
		return
	}
	if last > head {
		d.fail("lag: relay", "find out which of the two was restored, then tokenledger relay rebuild --yes", "the stream is at %d, ahead of the log", last)
		return
	}
	d.lag("relay", int64(head-last), "tokenledger serve; if it runs, look whether NATS takes messages")
}
