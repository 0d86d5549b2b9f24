// tokenledger sealer: what a person decides about the log of epochs.

package main

import (
	"context"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

func (a app) sealerCommand() *cobra.Command {
	c := &cobra.Command{Use: "sealer", Short: "What signs checkpoints"}
	var yes bool
	renew := &cobra.Command{
		Use: "renew --yes", Short: "Begin another log of epochs, after the database was restored to an earlier point",
		Long: `Begin another log of epochs, whose first record cites the last checkpoint of the one before. It is for a sealer
that refuses to sign since the database was restored to an earlier point: find out why first. Auditors will see that
history was replaced, and from where. A sealer that refuses goes on by itself within a minute.`,
	}
	renew.Flags().BoolVar(&yes, "yes", false, "do it; there is no way back to the old log")
	out := outputFlag(renew, "table", "json", "csv")
	renew.RunE = func(c *cobra.Command, _ []string) error {
		if !yes {
			return usage("--yes is needed, since there is no way back")
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
		return a.withStore(c.Context(), func(ctx context.Context, s *service.Store) error {
			origin, err := service.RenewSealer(ctx, settings, s, logger)
			if err != nil {
				return err
			}
			return a.tell(*out, record{{"origin", origin}}, "The log of epochs is now %s.", origin)
		})
	}
	c.AddCommand(renew)
	return c
}
