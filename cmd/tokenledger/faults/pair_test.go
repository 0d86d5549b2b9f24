// A Postgres primary and its standby by streaming replication: made, cut off, killed,
// promoted, and made again.

//go:build faults

package faults_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"os"
	"path/filepath"
	"syscall"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// pair is the two servers of a world.
type pair struct {
	*world
	servers     [2]*postgres
	primary     int
	way         *link // from the standby to the primary
	synchronous bool
}

// standbyName is what the primary calls its standby.
const standbyName = "standby"

// start is for a world that is being founded.
func (p *pair) start(w *world, _ *report) (err error) {
	p.world = w
	if err := w.startPostgres(embedded.PostgresConfig{Dir: p.dir(0), Settings: pairSettings()}); err != nil {
		return err
	}
	p.servers[0] = w.postgres
	if err := p.attach(1); err != nil {
		return err
	}
	if w.nats, err = newBroker(filepath.Join(w.dir, natsDisk)); err != nil {
		return err
	}
	w.ends = append(w.ends, func() error { w.nats.kill(); return nil })
	w.ways = p.both
	return nil
}

func (p *pair) dir(i int) string { return filepath.Join(p.world.dir, fmt.Sprint("postgres-", i)) }

// pairSettings keep enough of the write-ahead log for a standby that was cut off.
func pairSettings() map[string]string {
	return map[string]string{"max_connections": "200", "wal_keep_size": "512MB"}
}

// both tells a service of both servers; it is to use the one that takes changes.
func (p *pair) both(*service) (direct, faulty []string, err error) {
	database, err := p.servers[0].through(p.servers[0].bridge.Addr().String() + "," + p.servers[1].bridge.Addr().String())
	queue := []string{"TOKENLEDGER_NATS_CREDS=" + p.nats.creds("relay"), "TOKENLEDGER_NATS_URL=nats://" + p.nats.address}
	return queue, append(queue[:2:2], "TOKENLEDGER_DATABASE_URL="+database+"&target_session_attrs=read-write&connect_timeout=2"), err
}

// attach makes a server a standby of the primary from a base backup, whatever it held
// before, as docs/operations.md says.
func (p *pair) attach(i int) error {
	primary := p.servers[p.primary]
	if p.way != nil {
		p.way.close()
	}
	var err error
	if p.way, err = newLink("replication", primary.bridge.Addr().String()); err != nil {
		return err
	}
	host, port, err := net.SplitHostPort(p.way.address())
	if err != nil {
		return err
	}
	password, err := os.ReadFile(filepath.Join(p.dir(p.primary), "postgres.password"))
	if err != nil {
		return err
	}
	target := filepath.Join(p.dir(i), "postgres")
	ctx, cancel := context.WithTimeout(context.Background(), startLimit)
	defer cancel()
	err = errors.Join(
		os.RemoveAll(p.dir(i)), os.Mkdir(p.dir(i), 0o711),
		os.WriteFile(filepath.Join(p.dir(i), "postgres.password"), password, 0o600),
		primary.program(ctx, "pg_basebackup", "--pgdata", target, "--wal-method=stream", "--checkpoint=fast", "--write-recovery-conf",
			"--dbname", fmt.Sprintf("host=%s port=%s application_name=%s", host, port, standbyName)),
		// These servers have their socket among their data, which a backup takes along.
		os.Remove(filepath.Join(target, ".s.PGSQL.5432.lock")),
		ownAs(target, filepath.Join(p.dir(p.primary), "postgres")),
	)
	if err != nil {
		return err
	}
	if p.servers[i] != nil {
		err = p.servers[i].start()
	} else if p.servers[i], err = newPostgres(embedded.PostgresConfig{Dir: p.dir(i), Settings: pairSettings()}); err == nil {
		p.ends = append(p.ends, p.servers[i].stop)
	}
	if err != nil {
		return err
	}
	return p.await(ctx)
}

// await returns when the standby receives, and where it is to be synchronous, when the
// primary waits for it. That is set last, so that a copy of the primary has it not: a
// standby that is promoted has nobody to wait for.
func (p *pair) await(ctx context.Context) error {
	state := "async"
	if p.synchronous {
		state = "sync"
		if err := p.servers[p.primary].run(ctx, `ALTER SYSTEM SET synchronous_standby_names = '`+standbyName+`'`, `SELECT pg_reload_conf()`); err != nil {
			return err
		}
	}
	return await(ctx, func() error {
		var is string
		err := p.servers[p.primary].ask(ctx, &is, `SELECT coalesce((SELECT sync_state FROM pg_stat_replication WHERE application_name = $1), 'away')`, standbyName)
		if err == nil && is != state {
			err = fmt.Errorf("the standby is %s, and is to be %s", is, state)
		}
		return err
	})
}

// fail kills the primary and promotes the standby.
func (p *pair) fail(ctx context.Context) error {
	p.servers[p.primary].killAll()
	return p.promote(ctx)
}

// promote makes the standby the primary, whatever the other takes itself for.
func (p *pair) promote(ctx context.Context) error {
	p.primary = 1 - p.primary
	var promoted bool
	if err := p.servers[p.primary].ask(ctx, &promoted, `SELECT pg_promote()`); err != nil || !promoted {
		return fmt.Errorf("promoted: %v %w", promoted, err)
	}
	p.postgres = p.servers[p.primary]
	return nil
}

// ownAs gives all files below a directory the owner of another.
func ownAs(root, like string) error {
	info, err := os.Stat(like)
	if err != nil {
		return err
	}
	owner := info.Sys().(*syscall.Stat_t)
	return filepath.WalkDir(root, func(path string, _ fs.DirEntry, err error) error {
		return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
	})
}

// run runs statements as the superuser, each for itself.
func (p *postgres) run(ctx context.Context, statements ...string) error {
	conn, err := pgx.Connect(ctx, p.direct())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	for _, sql := range statements {
		if _, err := conn.Exec(ctx, sql); err != nil {
			return fmt.Errorf("%s: %w", sql, err)
		}
	}
	return nil
}

// ask reads one value as the superuser.
func (p *postgres) ask(ctx context.Context, to any, sql string, args ...any) error {
	conn, err := pgx.Connect(ctx, p.direct())
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return conn.QueryRow(ctx, sql, args...).Scan(to)
}
