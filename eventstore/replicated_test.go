// A server with synchronous standbys, and people who cut off the wait for them: the
// server takes such a commit for done, the log does not.

package eventstore_test

import (
	"context"
	"errors"
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// ownPostgres is a server of the test's own, whose settings it may change.
func ownPostgres(t *testing.T) (url string) {
	t.Helper()
	dir, err := os.MkdirTemp("", "tokenledger-test-")
	if err == nil {
		err = os.Chmod(dir, 0o711) // the server may run as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	server, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{
		Dir: dir, Settings: map[string]string{"fsync": "off", "shared_buffers": "16MB", "autovacuum": "off"},
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	if err := eventstore.Migrate(t.Context(), server.URL(), ""); err != nil {
		t.Fatal(err)
	}
	return server.URL()
}

// standbys names the servers that every commit waits for; none of them exists.
func standbys(t *testing.T, admin *pgx.Conn, names string) {
	t.Helper()
	run(t, admin, "SET synchronous_commit = local") // of this session alone
	run(t, admin, "ALTER SYSTEM SET synchronous_standby_names = '"+names+"'")
	run(t, admin, "SELECT pg_reload_conf()")
	await(t, "the setting is known", func() bool {
		return query[string](t, admin, "SELECT setting FROM pg_settings WHERE name = 'synchronous_standby_names'") == names
	})
	if names != "" {
		await(t, "commits wait", func() bool { return commitWaits(t, admin) })
	}
}

// commitWaits reports whether a commit waits for a standby: that it does is known to all
// processes of the server at once, but some time after the setting is.
func commitWaits(t *testing.T, admin *pgx.Conn) bool {
	t.Helper()
	conn, err := pgx.ConnectConfig(t.Context(), admin.Config())
	if err != nil {
		t.Fatal(err)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = conn.Exec(t.Context(), "SELECT pg_logical_emit_message(true, 'test', '')") // ends when it is cut off
	}()
	pid := strconv.Itoa(int(conn.PgConn().PID()))
	const waiting = "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND pid = "
	const ended = "SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE pid = "
	waits := false
	for over := false; !waits && !over; {
		waits = query[bool](t, admin, waiting+pid+")")
		select {
		case <-done:
			over = true
		default:
		}
	}
	run(t, admin, "SELECT pg_terminate_backend("+pid+")")
	<-done
	_ = conn.Close(t.Context())
	await(t, "the connection is gone", func() bool { return query[bool](t, admin, ended+pid+")") })
	return waits
}

func TestACommitThatDidNotWaitForTheStandbyIsNotAnswered(t *testing.T) {
	t.Parallel()
	const waits = `SELECT count(*)::int FROM pg_stat_activity WHERE wait_event = 'SyncRep'`
	for cut, sql := range map[string]string{
		"the wait is canceled": `SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
		"the session is ended": `SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE wait_event = 'SyncRep'`,
	} {
		t.Run(cut, func(t *testing.T) {
			t.Parallel()
			url := ownPostgres(t)
			log := eventstoretest.Start(t, eventstore.Config{URL: url, Keys: keyring.Generate()})
			k := eventstoretest.NewToken(uuid.New())
			mustAppend(t, log, k.Create())
			admin := connect(t, url)
			standbys(t, admin, "nobody")
			ctx, leave := context.WithCancel(t.Context())
			left, stays := make(chan error, 1), make(chan error, 1)
			keyed := k.Rename(1, "keyed")
			keyed.Once = events.Key{Caller: "c", Key: "k"}
			go func() {
				_, err := log.Append(ctx, keyed)
				left <- err
			}()
			await(t, "the commit waits", func() bool { return query[int](t, admin, waits) > 0 })
			leave() // the caller gives up during COMMIT
			if err := <-left; !errors.Is(err, context.Canceled) {
				t.Fatalf("who gave up is answered %v", err)
			}
			run(t, admin, sql)
			await(t, "everybody sees the event", func() bool {
				return query[int](t, admin, "SELECT max(last_position)::int FROM blocks") == 2
			})
			// Whoever asks again under the same key must not be told what one server knows alone,
			// nor where his own wait is cut off.
			const asks = ` AND query LIKE '%pg_logical_emit_message%'`
			again := make(chan error, 1)
			go func() {
				_, _, err := log.Replayed(t.Context(), keyed.Once)
				again <- err
			}()
			await(t, "the replay waits", func() bool { return query[int](t, admin, waits+asks) > 0 })
			run(t, admin, sql+asks)
			if err := <-again; !errors.Is(err, events.ErrUnavailable) {
				t.Fatalf("a replay whose wait was cut off is answered %v", err)
			}
			go func() {
				_, err := log.Append(t.Context(), keyed)
				for errors.Is(err, events.ErrUnavailable) {
					time.Sleep(10 * time.Millisecond)
					_, err = log.Append(t.Context(), keyed)
				}
				stays <- err
			}()
			replay, over := context.WithTimeout(t.Context(), 300*time.Millisecond)
			defer over()
			if r, found, err := log.Replayed(replay, keyed.Once); err == nil {
				t.Fatalf("the key is answered with %+v (%v)", r, found)
			}
			select {
			case err := <-stays:
				t.Fatalf("answered without a standby: %v", err)
			default:
			}
			standbys(t, admin, "")
			if err := <-stays; err != nil {
				t.Fatal(err)
			}
			mustAppend(t, log, k.Rename(2, "after"))
			if all := readAll(t, log, 0); len(all) != 3 {
				t.Fatalf("%d events", len(all))
			}
		})
	}
}
