// tokenledger subject: erases what is known of a person or of an organization's network.

package main

import (
	"context"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
)

func (a app) subjectCommand() *cobra.Command {
	c := &cobra.Command{Use: "subject", Short: "Whose personal values the ledger holds"}
	c.AddCommand(a.subjectEraseCommand())
	return c
}

func (a app) subjectEraseCommand() *cobra.Command {
	var user, organization, reason string
	var yes bool
	c := &cobra.Command{
		Use:   "erase --user ID|--organization ID --reason TEXT --yes",
		Short: "Destroy the key of a user's personal values, or of an organization's network data, for good",
		Long: `Destroy the key of a user's personal values (name, address, sources of his tokens), who must have been
deactivated, or of the network data of an organization's tokens. Nobody can read the values any more, here or
in the log; every hash and proof stays as it was. The erasure is an event, and stands in a list outside of the
database, which a start after a restore applies. Backups of the database hold the key until they are gone. It
takes the database itself, not the service.`,
	}
	c.Flags().StringVar(&user, "user", "", "whose values: a user's id")
	c.Flags().StringVar(&organization, "organization", "", "whose tokens' network data: an organization's id")
	c.Flags().StringVar(&reason, "reason", "", "why, for the log; do not name the person")
	c.Flags().BoolVar(&yes, "yes", false, "do it; there is no way back")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		subject, err := subjectOf(user, organization)
		if err != nil {
			return err
		}
		if reason == "" || !yes {
			return usage("--reason is needed, and --yes, since there is no way back")
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		return a.withStore(c.Context(), func(ctx context.Context, s *service.Store) error {
			at, err := service.EraseSubject(ctx, settings.Checkpoints(), s, subject, reason)
			if err != nil {
				return err
			}
			shown := record{{"subject", string(subject)}, {"position", at}, {"changed", at != 0}}
			if at == 0 {
				return a.tell(*out, shown, "The values of %s were erased before; nothing is changed.", subject)
			}
			return a.tell(*out, shown, "The values of %s are erased; position %d says so.", subject, at)
		})
	}
	return c
}

func subjectOf(user, organization string) (events.SubjectID, error) {
	if (user == "") == (organization == "") {
		return "", usage("--user or --organization, one of them")
	}
	id, err := uuid.Parse(user + organization)
	if err != nil {
		return "", usage("%q is no id: %w", user+organization, err)
	}
	if user != "" {
		return events.UserStream(id), nil
	}
	return events.OrganizationStream(id), nil
}
