// Which messages of Postgres are worth a warning.

package embedded

import (
	"bytes"
	"log/slog"
	"strings"
	"testing"
)

func TestOnlyTroubleIsWarnedOf(t *testing.T) {
	t.Parallel()
	for text, warned := range map[string]bool{
		"FATAL:  the database system is starting up":                       true,
		"PANIC:  could not write to file":                                  true,
		"WARNING:  out of shared memory":                                   true,
		"FATAL:  terminating connection due to administrator command":      false, // it was told to end
		"ERROR:  duplicate key value violates unique constraint":           false,
		"LOG:  checkpoint starting: time\nPANIC:  could not locate a page": true,
	} {
		var out bytes.Buffer
		l := &pgLog{log: slog.New(slog.NewTextHandler(&out, &slog.HandlerOptions{Level: slog.LevelWarn}))}
		if _, err := l.Write([]byte(text + "\n")); err != nil || (out.Len() > 0) != warned {
			t.Errorf("%q: %v, shown %q", text, err, &out)
		}
		if !strings.Contains(l.tail(), strings.Split(text, "\n")[0]) {
			t.Errorf("%q is not kept: %q", text, l.tail())
		}
	}
}
