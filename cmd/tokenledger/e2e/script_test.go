// The command line as stories: each file below testdata/script is one.

package e2e_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rogpeppe/go-internal/testscript"
)

func TestScripts(t *testing.T) {
	t.Parallel()
	s := start(t, "TOKENLEDGER_NATS_LISTEN=127.0.0.1:0")
	for _, name := range []string{"a", "b"} { // so that there is something to follow
		s.createToken(t, map[string]any{"name": "before-" + name, "scopes": []string{"read"}})
	}
	testscript.Run(t, testscript.Params{
		Dir:                 filepath.Join("testdata", "script"),
		RequireExplicitExec: true,
		RequireUniqueNames:  true,
		Setup: func(e *testscript.Env) error {
			e.Vars = append(e.Vars, s.env...)
			e.Vars = append(e.Vars,
				"PATH="+filepath.Dir(binary)+string(filepath.ListSeparator)+e.Getenv("PATH"),
				"HOME="+e.WorkDir, "TMPDIR="+os.TempDir(), // the one of scripts is closed to the user who runs Postgres
				"NOW="+time.Now().UTC().Format(time.RFC3339Nano),
				"TOKENLEDGER_SERVER="+s.URL, "TOKENLEDGER_TOKEN_FILE="+s.TokenFile,
				"TOKENLEDGER_NATS_URL="+s.NATS, "TOKENLEDGER_NATS_CREDS="+filepath.Join(s.data, "nats", "reader.creds"),
			)
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){"exits": exits, "field": field},
	})
}

// exits CODE COMMAND… runs a command that must end with exactly this code.
func exits(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: exits CODE COMMAND [ARGUMENTS]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	if err := ts.Exec(args[1], args[2:]...); err != nil {
		var ended *exec.ExitError
		if !errors.As(err, &ended) {
			ts.Fatalf("%v", err)
		}
		got = ended.ExitCode()
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// field NAME [WANT] looks a field up in the first line of stdout, which must be a
// JSON object, and compares it or puts it into the variable NAME in capitals.
func field(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) < 1 || len(args) > 2 {
		ts.Fatalf("usage: field NAME [WANT]")
	}
	line, _, _ := strings.Cut(ts.ReadFile("stdout"), "\n")
	var object map[string]any
	ts.Check(json.Unmarshal([]byte(line), &object))
	value, ok := object[args[0]]
	if !ok {
		ts.Fatalf("no field %s in %s", args[0], line)
	}
	got := fmt.Sprint(value)
	if len(args) == 1 {
		ts.Setenv(strings.ToUpper(args[0]), got)
		return
	}
	if (got == args[1]) == neg {
		ts.Fatalf("%s is %s", args[0], got)
	}
}
