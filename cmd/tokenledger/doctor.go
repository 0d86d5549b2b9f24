// tokenledger doctor: what is well and what is not, and what to do about it.

package main

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
)

// How a check can end.
const (
	levelOK   = "ok"
	levelWarn = "warn"
	levelFail = "fail"
)

// diagnosis is what one check found. The remedy is a command, or what a person has to do.
type diagnosis struct{ check, level, found, remedy string }

func (d diagnosis) record() record {
	return record{{"check", d.check}, {"level", d.level}, {"found", d.found}, {"remedy", d.remedy}}
}

// doctor looks at one installation from one machine.
type doctor struct {
	app
	settings config.Config
	target   target
	minFree  uint64
	maxLag   int64

	found   []diagnosis
	running bool // the service answers
}

func (d *doctor) say(check, level, remedy, format string, args ...any) {
	text := secret.RedactString(strings.ReplaceAll(fmt.Sprintf(format, args...), "\n", " "))
	d.found = append(d.found, diagnosis{check, level, text, remedy})
}

func (d *doctor) ok(check, format string, args ...any) { d.say(check, levelOK, "", format, args...) }

func (d *doctor) warn(check, remedy, format string, args ...any) {
	d.say(check, levelWarn, remedy, format, args...)
}

func (d *doctor) fail(check, remedy, format string, args ...any) {
	d.say(check, levelFail, remedy, format, args...)
}

// doctorLimit bounds each question to a server.
const doctorLimit = 5 * time.Second

// errUnwell is how a doctor ends who found something that fails.
var errUnwell = errors.New("not all is well; what to do stands beside each line")

func (a app) doctorCommand() *cobra.Command {
	var minFree string
	var maxLag int64
	c := &cobra.Command{
		Use: "doctor", Short: "Check configuration, clocks, versions, lag, permissions and room, and say what to do",
		Long: `Look at an installation from here: the settings, this machine's files and room, the database, NATS, the service, and how
far what follows the log is behind. Each line says what was found and, where something is to be done, the command for it.

It changes nothing. What cannot be seen from here is left out: a client sees the service and its own files; the machine
of the service sees all. Where nothing runs yet, it says whether tokenledger serve could start.

Exit code: 0 when nothing fails (a line may warn), 1 when something does, 2 when the settings cannot be used.`,
		Example: "  tokenledger doctor\n  tokenledger doctor --output json --max-lag 1000",
		Args:    cobra.NoArgs,
	}
	c.Flags().StringVar(&minFree, "min-free", "1GiB", "least room that the data directory's file system is to have: 500MiB, 20GiB, 1TiB")
	c.Flags().Int64Var(&maxLag, "max-lag", 10_000, "how many events whatever follows the log may be behind")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		room, err := bytesOf("--min-free", minFree)
		if err != nil {
			return err
		}
		if maxLag < 0 {
			return usage("--max-lag %d: want a number of events", maxLag)
		}
		d := &doctor{app: a, minFree: room, maxLag: maxLag}
		err = d.examine(c.Context())
		if printErr := printList(a, d.found, *out, "", diagnosis.record); printErr != nil {
			return printErr
		}
		return err
	}
	return c
}

// examine runs every check that can be run from here.
func (d *doctor) examine(ctx context.Context) error {
	d.ok("client", "tokenledger %s", service.Version())
	var err error
	if d.settings, err = d.config(); err != nil {
		d.configuration(err)
		return err
	}
	d.ok("configuration", "%s", d.summary())
	if d.target, err = d.app.target(); err != nil {
		d.fail("context", "tokenledger context list", "%v", err)
	} else {
		d.client(ctx)
	}
	if d.here() {
		d.machine()
		d.store(ctx)
	} else {
		d.ok("installation", "none on this machine; what only the service's machine sees is left out")
	}
	if slices.ContainsFunc(d.found, func(f diagnosis) bool { return f.level == levelFail }) {
		return errUnwell
	}
	return nil
}

// configuration lists the problems of the settings one by one.
func (d *doctor) configuration(err error) {
	problems := strings.Split(strings.TrimPrefix(err.Error(), config.ErrInvalid.Error()+":\n  "), "\n  ")
	for _, problem := range problems {
		d.fail("configuration", "set it as is wanted, or unset it; docs/operations.md lists the settings", "%s", problem)
	}
}

func (d *doctor) summary() string {
	where := "embedded Postgres"
	if !d.settings.Embedded() {
		where = "Postgres of TOKENLEDGER_DATABASE_URL"
	}
	broker := "embedded NATS"
	if !d.settings.EmbeddedNATS() {
		broker = "NATS of TOKENLEDGER_NATS_URL"
	}
	return where + ", " + broker + ", data in " + d.settings.Data
}

// here reports whether an installation is on this machine, or is about to be: its
// database is named, its data are here, or no service elsewhere is.
func (d *doctor) here() bool {
	return !d.settings.Embedded() || exists(d.settings.Data) || !d.settings.ServerNamed && d.target.context == ""
}

// bytesOf reads an amount of room.
func bytesOf(flag, text string) (uint64, error) {
	for i, unit := range []string{"KiB", "MiB", "GiB", "TiB"} {
		if digits, ok := strings.CutSuffix(text, unit); ok {
			if n, err := strconv.ParseUint(digits, 10, 32); err == nil {
				return n << (10 * (i + 1)), nil
			}
		}
	}
	return 0, usage("%s %q: want an amount such as 500MiB or 20GiB", flag, text)
}

func amountOf(n uint64) string {
	return fmt.Sprintf("%.1f GiB", float64(n)/(1<<30))
}
