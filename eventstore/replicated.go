// Synchronous standbys: a commit whose wait for them was cut off is durable on one
// machine only, and is not answered before they have it.

package eventstore

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"

	"github.com/jackc/pgx/v5/pgconn"
)

// errUnreplicated: the server says that a transaction was committed, and that nobody
// waited for its standbys.
var errUnreplicated = errors.New("the wait for the synchronous standby was cut off")

// unreplicated counts the commits, on any connection of a log, that the server did not let
// wait for its standbys: somebody canceled them, or ended their session. Such a commit
// succeeds and only a warning tells; a promotion may lose it.
type unreplicated struct{ atomic.Int64 }

// waitForStandby is the function of the server that waits, and warns; its message is
// translated, its name never is.
const waitForStandby = "SyncRepWaitForLSN"

func (u *unreplicated) notice(_ *pgconn.PgConn, n *pgconn.Notice) {
	if n.Routine == waitForStandby {
		u.Add(1)
	}
}

// emitMessage is the least that makes a COMMIT wait for standbys: it writes to the
// write-ahead log, behind all that is visible, and nowhere else. Where there is nobody
// to wait for it writes nothing, and the COMMIT costs nothing.
const emitMessage = `SELECT pg_logical_emit_message(true, 'tokenledger', '') WHERE current_setting('synchronous_standby_names') <> ''`

// awaitStandbys returns once all that is visible now is where the server's setting
// synchronous_standby_names wants it: one statement, which commits by itself.
func (l *Log) awaitStandbys(ctx context.Context) error {
	before := l.unreplicated.Load()
	_, err := l.pool.Exec(ctx, emitMessage)
	if err == nil && l.unreplicated.Load() != before {
		err = errUnreplicated
	}
	if err != nil {
		return fmt.Errorf("make sure of the standbys: %w", err)
	}
	return nil
}
