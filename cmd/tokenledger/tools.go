// tokenledger psql, schema and keys: looks at what the service holds.

package main

import (
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/bench"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/graphql"
)

// databaseURL is the database of a service that runs, wherever that is.
func databaseURL(c config.Config) (string, error) {
	if !c.Embedded() {
		return c.DatabaseURL, nil
	}
	url, err := embedded.RunningPostgresURL(c.Data)
	if err != nil {
		return "", fmt.Errorf("the private Postgres: %w; is `tokenledger serve` running?", err)
	}
	return url, nil
}

// ownersURL is the database for whoever may do more than the service: the migrator's
// login, where there is one.
func ownersURL(c config.Config) (string, error) {
	if c.MigratorURL != "" {
		return c.MigratorURL, nil
	}
	return databaseURL(c)
}

func (a app) psqlCommand() *cobra.Command {
	return &cobra.Command{
		Use: "psql [-- ARGUMENTS]", Short: "Open a read-only shell on the log; `SELECT * FROM events` shows blocks as events",
		Args: cobra.ArbitraryArgs,
		RunE: func(c *cobra.Command, args []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			url, err := ownersURL(settings)
			if err != nil {
				return err
			}
			program, err := exec.LookPath("psql")
			if err != nil {
				return fmt.Errorf("psql is not on PATH; install the Postgres client (%w)", err)
			}
			config, err := pgx.ParseConfig(url)
			if err != nil {
				return fmt.Errorf("the database URL: %w", err)
			}
			shell := exec.CommandContext(c.Context(), program, args...)
			shell.Stdin, shell.Stdout, shell.Stderr = a.in, bare(a.out), bare(a.err)
			shell.Env = append(os.Environ(), psqlEnviron(config, url, settings.Schema)...)
			return shell.Run()
		},
	}
}

// psqlEnviron names the connection by libpq's variables, so that the password
// stands on no command line, and takes away the right to write.
func psqlEnviron(c *pgx.ConnConfig, url, schema string) []string {
	options := []string{
		"-c default_transaction_read_only=on",
		"-c search_path=" + schema + "," + schema + "_views",
		"-c role=" + eventstore.RoleOperator,
	}
	environ := []string{
		"PGHOST=" + c.Host, fmt.Sprintf("PGPORT=%d", c.Port), "PGUSER=" + c.User, "PGPASSWORD=" + c.Password,
		"PGDATABASE=" + c.Database, "PGOPTIONS=" + strings.Join(options, " "),
	}
	for _, name := range []string{"sslmode", "sslrootcert", "sslcert", "sslkey"} {
		if value := parameter(url, name); value != "" {
			environ = append(environ, "PG"+strings.ToUpper(name)+"="+value)
		}
	}
	return environ
}

// parameter is one of a database URL.
func parameter(raw, name string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return ""
	}
	return u.Query().Get(name)
}

func (a app) schemaCommand() *cobra.Command {
	c := &cobra.Command{Use: "schema", Short: "The GraphQL schema"}
	c.AddCommand(&cobra.Command{
		Use: "print", Short: "Print the GraphQL schema",
		RunE: func(*cobra.Command, []string) error {
			_, err := fmt.Fprintln(a.out, graphql.SDL())
			return err
		},
	})
	return c
}

func (a app) benchCommand() *cobra.Command {
	c := &cobra.Command{Use: "bench", Short: "Measure this machine: the service beside a plain baseline, in one run"}
	c.AddCommand(
		a.benchAppendCommand(),
		a.benchDecide(),
		a.benchVerifyCommand(),
		a.benchStartCommand(),
		a.benchRevokeCommand(),
		a.benchReplayCommand(),
		a.benchSizeCommand(), a.benchModelsCommand(),
		a.benchListCommand(),
		a.benchGrowthCommand(),
		a.benchEvidenceCommand(),
		a.benchSoakCommand(),
		a.benchOverloadCommand(),
		a.benchCostCommand(),
		a.benchTimingCommand(),
	)
	return c
}

func (a app) benchDecide() *cobra.Command {
	c := a.benchOf("decide", "Decide in this process, nothing recorded: with remembered rulings of the policies, and without", 1,
		func(c *cobra.Command, o bench.Options) (bench.Result, error) {
			fmt.Fprintf(a.err, "Making %d tokens, then deciding for %v, remembered and not in turn …\n", o.Tokens, o.Duration)
			return bench.Decide(c.Context(), o)
		})
	tokens := c.Flags().Lookup("tokens")
	tokens.DefValue = "100000"
	_ = tokens.Value.Set(tokens.DefValue)
	return c
}

func (a app) benchVerifyCommand() *cobra.Command {
	var of string
	c := a.benchOf("verify", "Verify tokens over HTTP, every use durable", 64, func(c *cobra.Command, o bench.Options) (bench.Result, error) {
		if !slices.Contains(bench.Interfaces(), of) {
			return bench.Result{}, usage("--interface: want one of %s", strings.Join(bench.Interfaces(), ", "))
		}
		return a.benchVerify(c, of, o)
	})
	c.Flags().StringVar(&of, "interface", bench.Interfaces()[0], "which interface: "+strings.Join(bench.Interfaces(), ", "))
	return c
}

type measure func(c *cobra.Command, o bench.Options) (bench.Result, error)

func (a app) benchOf(name, short string, concurrency int, m measure) *cobra.Command {
	var o bench.Options
	c := &cobra.Command{Use: name, Short: short}
	countFlag(c, &o.Concurrency, "concurrency", concurrency, "how many in flight")
	c.Flags().DurationVar(&o.Duration, "duration", 10*time.Second, "how long, baseline included")
	countFlag(c, &o.Tokens, "tokens", 1000, "how many tokens")
	c.Flags().StringVar(&o.Profile, "profile", "", "afterwards, write a processor profile of the subject alone to this `file`, for go tool pprof")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if o.Duration < time.Second {
			return usage("--duration: want at least 1s")
		}
		end := a.progress("measuring", "seconds").during(c.Context(), o.Duration)
		r, err := m(c, o)
		end()
		if err != nil {
			return err
		}
		return a.printResult(r, *out)
	}
	return c
}
