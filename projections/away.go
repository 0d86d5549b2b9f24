// A database that is away, told from one that answers something bad.

package projections

import (
	"errors"
	"io"
	"net"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

// passing are the classes of Postgres' errors that pass: connection, rollback,
// resources, in use, shutdown, system.
var passing = []string{"08", "40", "53", "55", "57", "58"}

// Away reports whether an error is one of a database that is away, ends, or has no
// room, so that the same may succeed later.
func Away(err error) bool {
	var server *pgconn.PgError
	if errors.As(err, &server) {
		for _, class := range passing {
			if strings.HasPrefix(server.Code, class) {
				return true
			}
		}
		return false
	}
	var network net.Error
	var connecting *pgconn.ConnectError
	return errors.As(err, &network) || errors.As(err, &connecting) || errors.Is(err, io.ErrUnexpectedEOF) ||
		pgconn.Timeout(err) || pgconn.SafeToRetry(err)
}
