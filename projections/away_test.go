// Which errors pass.

package projections_test

import (
	"errors"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/projections"
)

func TestAway(t *testing.T) {
	t.Parallel()
	_, refused := pgx.Connect(t.Context(), "postgres://nobody@127.0.0.1:1/none?sslmode=disable")
	for name, c := range map[string]struct {
		err  error
		away bool
	}{
		"nobody listens":     {refused, true},
		"a reset connection": {fmt.Errorf("read: %w", &net.OpError{Op: "read", Err: syscall.ECONNRESET}), true},
		"half an answer":     {fmt.Errorf("read: %w", io.ErrUnexpectedEOF), true},
		"a shutdown":         {&pgconn.PgError{Code: "57P01"}, true},
		"a full disk":        {fmt.Errorf("write: %w", &pgconn.PgError{Code: "53100"}), true},
		"a missing table":    {&pgconn.PgError{Code: "42P01"}, false},
		"a defect":           {errors.New("index out of range"), false},
		"nothing":            {nil, false},
	} {
		if got := projections.Away(c.err); got != c.away {
			t.Errorf("%s (%v): %v", name, c.err, got)
		}
	}
}
