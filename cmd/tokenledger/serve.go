// tokenledger serve, init, health and version.

package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"runtime/debug"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

func (a app) serveCommand() *cobra.Command {
	return &cobra.Command{
		Use: "serve", Short: "Run the service",
		Long: `Run the service. Without settings it starts a private Postgres and an in-process NATS
server in its data directory, makes the organization Demo once, and says how to reach it.
With TOKENLEDGER_DATABASE_URL or TOKENLEDGER_NATS_URL it uses those and starts none.`,
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
			return service.Run(c.Context(), settings, logger, func(s service.Started) { a.banner(settings, s) })
		},
	}
}

// banner says how a service that is ready is reached.
func (a app) banner(settings config.Config, s service.Started) {
	token := settings.AdminTokenFile()
	fmt.Fprintf(a.out, `tokenledger is ready.
  URL          %s
  console      %s/ (sign in with the token in the file below)
  GraphiQL     %s/graphiql
  metrics      %s/metrics
  events       %s
  token file   %s

Try:
  curl -s%s %s/query -H "Authorization: Bearer $(cat %s)" -H 'Content-Type: application/json' -d '{"query":"{ apiTokens(first: 5) { totalCount edges { node { id name } } } }"}'
`, s.URL, s.URL, s.URL, s.AdminURL, orNone(s.NATSURL), token, curlTrust(settings), s.URL, token)
}

// curlTrust lets curl trust the certificate of the service.
func curlTrust(c config.Config) string {
	switch {
	case c.CAFile != "":
		return " --cacert " + c.CAFile
	case c.TLS():
		return " --cacert " + c.TLSCertFile
	}
	return ""
}

func orNone(s string) string {
	if s == "" {
		return "in process only (TOKENLEDGER_NATS_LISTEN)"
	}
	return s
}

func (a app) initCommand() *cobra.Command {
	var organization, email string
	var again, ifNeeded bool
	c := &cobra.Command{
		Use:   "init --organization NAME --email ADDRESS",
		Short: "Make the first organization, its owner and the owner's token, once",
		Long: `Make the first organization, its owner and the owner's token. It needs the database itself, not the
service, and happens once; --recover issues another token to the owner later. Both are events.`,
	}
	c.Flags().StringVar(&organization, "organization", "", "name of the organization")
	c.Flags().StringVar(&email, "email", "", "e-mail address of its owner")
	c.Flags().BoolVar(&again, "recover", false, "issue another administrator's token")
	c.Flags().BoolVar(&ifNeeded, "if-needed", false, "succeed and change nothing where it happened before, as start scripts want it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if !again && (organization == "" || email == "") {
			return usage("--organization and --email are needed; or --recover for another token")
		}
		if again && ifNeeded {
			return usage("--recover and --if-needed contradict each other")
		}
		if again && (organization != "" || email != "") {
			return usage("--recover takes neither --organization nor --email")
		}
		return a.initialize(c.Context(), organization, email, again, ifNeeded, *out)
	}
	return c
}

func (a app) initialize(ctx context.Context, organization, email string, again, ifNeeded bool, form string) (err error) {
	settings, err := a.config()
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	store, err := service.OpenStore(ctx, settings, logger)
	if err != nil {
		return err
	}
	defer func() {
		if e := store.Close(); err == nil {
			err = e
		}
	}()
	if ifNeeded {
		done, err := service.Initialized(ctx, store)
		if err != nil {
			return err
		}
		if done {
			return a.tell(form, record{{"tokenFile", nil}, {"changed", false}}, "This log has its first administrator already; nothing is changed.")
		}
	}
	if again {
		err = service.Recover(ctx, settings, store)
	} else {
		err = service.Initialize(ctx, settings, store, organization, email)
	}
	if err != nil {
		return err
	}
	return a.tell(form, record{{"tokenFile", settings.AdminTokenFile()}, {"changed", true}}, "The administrator's token is in %s", settings.AdminTokenFile())
}

func (a app) healthCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "health", Short: "Ask a running service whether it is ready; exit 0 if it is",
		Example: "  tokenledger health\n  tokenledger health --output table --server https://ledger.example.com",
	}
	out := outputFlag(c, "json", "table", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		t, err := a.target()
		if err != nil {
			return err
		}
		client, err := t.client("")
		if err != nil {
			return err
		}
		ctx, cancel := context.WithTimeout(c.Context(), 5*time.Second)
		defer cancel()
		response, body, err := client.get(ctx, "/readyz")
		if err != nil {
			return err
		}
		if err := a.printHealth(body, *out); err != nil {
			return err
		}
		if response.StatusCode != http.StatusOK {
			return fmt.Errorf("the service is not ready: %s", response.Status)
		}
		return nil
	}
	return c
}

// printHealth shows the answer of /readyz, which is JSON as it is.
func (a app) printHealth(body []byte, form string) error {
	if form == "json" {
		_, err := a.out.Write(body)
		return err
	}
	var answer struct{ Checks []httpd.Check }
	if err := json.Unmarshal(body, &answer); err != nil {
		return fmt.Errorf("the service answers nothing that a ledger does: %w", err)
	}
	return printList(a, answer.Checks, form, "", func(c httpd.Check) record { return record{{"check", c.Name}, {"ok", c.OK}, {"detail", c.Detail}} })
}

func (a app) versionCommand() *cobra.Command {
	c := &cobra.Command{Use: "version", Short: "Print the version"}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(*cobra.Command, []string) error {
		v := map[string]string{"version": service.Version(), "go": "", "revision": ""}
		if info, ok := debug.ReadBuildInfo(); ok {
			v["go"] = info.GoVersion
			for _, s := range info.Settings {
				if s.Key == "vcs.revision" {
					v["revision"] = s.Value
				}
			}
		}
		return a.tell(*out, record{{"version", v["version"]}, {"revision", v["revision"]}, {"go", v["go"]}},
			"tokenledger %s %s %s", v["version"], v["revision"], v["go"])
	}
	return c
}
