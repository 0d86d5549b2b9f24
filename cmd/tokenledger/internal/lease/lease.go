// Package lease lets one process at a time do a piece of work, as long as it is
// connected to the database of the log.
//
// A lease saves work and decides nothing: whoever holds one may have lost it a
// moment ago. So what is done under a lease must be harmless when it is done
// twice, by the guards of the log or by the position of a cursor.
package lease

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
)

// Lease is the right to one piece of work. It is a lock of a Postgres session of
// its own: the server takes it back when the process or the connection ends.
type Lease struct {
	Pool   *pgxpool.Pool // says which database, schema and role; no connection is taken from it
	Name   string        // of the work; one holder for each name and schema
	Logger *slog.Logger
	Pause  time.Duration // between tries, and between looks whether it is still held; 0: a second
}

// pingLimit is how long the server may take to say that the lease is still held.
const pingLimit = 5 * time.Second

// Hold does the work whenever it holds the lease, until ctx ends, and then
// returns nil. The work's context ends when the lease is lost. Work that fails
// is begun again after a pause.
func (l Lease) Hold(ctx context.Context, work func(ctx context.Context) error) error {
	if l.Pause == 0 {
		l.Pause = time.Second
	}
	for ctx.Err() == nil {
		err := l.hold(ctx, work)
		if ctx.Err() != nil {
			break
		}
		if err != nil {
			l.Logger.WarnContext(ctx, "work under a lease is begun again", "lease", l.Name, "error", err)
		}
		l.wait(ctx)
	}
	return nil
}

func (l Lease) wait(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-time.After(l.Pause):
	}
}

// hold is one session.
func (l Lease) hold(ctx context.Context, work func(ctx context.Context) error) (err error) {
	conn, err := l.connect(ctx)
	if err != nil {
		return err
	}
	defer func() {
		closing, cancel := context.WithTimeout(context.WithoutCancel(ctx), pingLimit)
		defer cancel()
		_ = conn.Close(closing) // the server lets go of the lock whatever this says
	}()
	for {
		var got bool
		const sql = `SELECT pg_try_advisory_lock(hashtext(current_schema()), hashtext('lease ' || $1))`
		if err := conn.QueryRow(ctx, sql, l.Name).Scan(&got); err != nil {
			return fmt.Errorf("take the lease: %w", err)
		}
		if got {
			break
		}
		if l.wait(ctx); ctx.Err() != nil {
			return ctx.Err()
		}
	}
	working, cancel := context.WithCancel(ctx)
	defer cancel()
	ended := make(chan error, 1)
	go func() { ended <- work(working) }()
	lost := l.watch(working, conn, ended)
	cancel()
	if lost != nil {
		return errors.Join(lost, <-ended)
	}
	return nil
}

// watch returns when the work has ended, with its error, or when the session has.
func (l Lease) watch(ctx context.Context, conn *pgx.Conn, ended chan error) error {
	look := time.NewTicker(l.Pause)
	defer look.Stop()
	for {
		select {
		case err := <-ended:
			ended <- nil // for whoever waits for the end after this
			if err == nil {
				err = errors.New("it ended unasked")
			}
			return err
		case <-look.C:
			ping, cancel := context.WithTimeout(ctx, pingLimit)
			err := conn.Ping(ping)
			cancel()
			if err != nil {
				return fmt.Errorf("the lease is lost: %w", err)
			}
		}
	}
}

func (l Lease) connect(ctx context.Context) (*pgx.Conn, error) {
	c := l.Pool.Config()
	conn, err := pgx.ConnectConfig(ctx, c.ConnConfig)
	if err != nil {
		return nil, fmt.Errorf("connect for the lease: %w", err)
	}
	if c.AfterConnect != nil {
		if err := c.AfterConnect(ctx, conn); err != nil {
			return nil, errors.Join(err, conn.Close(ctx))
		}
	}
	return conn, nil
}
