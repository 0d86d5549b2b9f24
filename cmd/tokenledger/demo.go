// tokenledger demo: a ledger with a quarter's history, to look around in.

package main

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/demo"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

func (a app) demoCommand() *cobra.Command {
	var seed uint64
	c := &cobra.Command{
		Use: "demo", Short: "Tell a month of believable history into a ledger of its own, and serve it",
		Long: `Tells a story of an organization's tokens into a ledger of its own and serves it, so that every view and report
has something to show: tokens in every state, people who come and go, uses by hour, refusals, rotations, a leak and
what was made of it, findings, an access review that is half done. The same seed tells the same story on the same day.

The ledger is plainly a demo: the directory has a file DEMO, and the log's origin, which stands in every checkpoint,
says so. Only its times are told; who may do what was decided by the same rules as in any other ledger. It is
written into a new directory only. A second call serves what is there.`,
		Example: "  tokenledger demo\n  tokenledger demo --seed 7 --data ./demo-7",
	}
	c.Flags().Uint64Var(&seed, "seed", 1, "which story is told")
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := a.demoConfig()
		if err != nil {
			return err
		}
		if err := a.tellDemo(c.Context(), settings, seed, c.Flags().Changed("seed")); err != nil {
			return err
		}
		logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
		return service.Run(c.Context(), settings, logger, func(s service.Started) {
			fmt.Fprintf(a.out, "This is a demo; its history was told by a program.\n  leaked value %s (for the leak box of the console)\n\n", demo.LeakedTokenFile(settings.Data))
			a.banner(settings, s)
		})
	}
	return c
}

// demoConfig is the configuration of a service with a private Postgres and NATS, in a
// directory of its own where none is named.
func (a app) demoConfig() (config.Config, error) {
	overrides := a.overrides()
	named := slices.ContainsFunc(a.environ, func(kv string) bool { return strings.HasPrefix(kv, "TOKENLEDGER_DATA=") })
	if overrides["TOKENLEDGER_DATA"] == "" && !named {
		overrides["TOKENLEDGER_DATA"] = config.DemoData()
	}
	settings, err := config.Load(overrides, a.environ)
	if err == nil && (!settings.Embedded() || !settings.EmbeddedNATS()) {
		err = usage("a demo has a Postgres and a NATS server of its own; leave TOKENLEDGER_DATABASE_URL and TOKENLEDGER_NATS_URL out")
	}
	return settings, err
}

// tellDemo tells the story unless the directory has one.
func (a app) tellDemo(ctx context.Context, settings config.Config, seed uint64, asked bool) error {
	told, found, err := demo.Of(settings.Data)
	switch {
	case err != nil:
		return usage("%w", err)
	case found && !told.Complete:
		return fmt.Errorf("the demo in %s was broken off while its story was told; remove that directory, or name another with --data", settings.Data)
	case found && asked && told.Seed != seed:
		return usage("--seed %d: %s holds the story of seed %d; name another directory with --data", seed, settings.Data, told.Seed)
	case found:
		return nil
	}
	bar := a.progress("telling the story", "events")
	err = demo.Make(ctx, demo.Config{
		Settings: settings, Seed: seed, End: time.Now(), Logger: telemetry.NewLogger(a.err, settings.LogFormat, settings.Level),
		Progress: func(done, total int) { bar.at(int64(done), int64(total)) },
	})
	bar.end()
	return err
}
