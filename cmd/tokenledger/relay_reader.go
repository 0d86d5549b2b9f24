// tokenledger relay reader: credentials of NATS for programs of one organization.

package main

import (
	"fmt"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func (a app) relayReaderCommand() *cobra.Command {
	c := &cobra.Command{Use: "reader", Short: "Credentials of NATS for programs that follow one organization's trail"}
	c.AddCommand(a.relayReaderCreateCommand(), a.relayReaderListCommand(), a.relayReaderRemoveCommand())
	return c
}

func (a app) relayReaderCreateCommand() *cobra.Command {
	var organization, name, file string
	var config bool
	c := &cobra.Command{
		Use:   "create --organization ID [--name NAME] [--write-to FILE]",
		Short: "Make credentials of NATS for a program that follows one organization's trail, and nothing else",
		Long: `Make credentials of NATS for a program that follows one organization's trail: live, and from any event on by one
consumer, whose name is printed. It can neither publish nor change anything, and sees nothing of others. For the
server that the service runs itself they are written to a file (0600); for your own, --config prints the account
that its configuration needs.`,
	}
	c.Flags().StringVar(&organization, "organization", "", "whose trail: an organization's id")
	c.Flags().StringVar(&name, "name", "reader", "of the program; each that follows the trail at the same time wants one of its own")
	c.Flags().StringVar(&file, "write-to", "", "file for the credentials; by default <data>/nats/ID.NAME.creds")
	c.Flags().BoolVar(&config, "config", false, "print the account as the configuration of your own server has it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		id, err := uuid.Parse(organization)
		if err != nil {
			return usage("--organization %q: want the organization's id, a UUID", organization)
		}
		if config && file != "" {
			return usage("--config prints; --write-to is for credentials")
		}
		return a.relayReader(c, id, name, file, *out, config)
	}
	return c
}

func (a app) relayReader(c *cobra.Command, organization uuid.UUID, name, file, form string, config bool) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if !config && !settings.EmbeddedNATS() {
		return usage("the credentials of your own NATS server are for you to make: --config prints what its configuration needs")
	}
	url, err := databaseURL(settings)
	if err != nil {
		return err
	}
	log, err := eventstore.Open(c.Context(), eventstore.Config{URL: url, Schema: settings.Schema})
	if err != nil {
		return err
	}
	defer log.Close()
	for _, err := range log.ReadStream(c.Context(), events.OrganizationStream(organization), 0) {
		if err != nil {
			return err
		}
		tenant := embedded.Tenant{
			Stream: jetstream.StreamName(log.Origin()), Trail: string(events.OrganizationTrail(organization)), Name: name,
		}
		return a.issueTenant(settings.Data, tenant, file, form, config)
	}
	return fmt.Errorf("there is no organization %s", organization)
}

func (a app) issueTenant(data string, tenant embedded.Tenant, file, form string, config bool) error {
	if config {
		text, err := tenant.Config()
		if err == nil {
			_, err = fmt.Fprint(a.out, text)
		}
		return err
	}
	if file == "" {
		file = filepath.Join(data, "nats", tenant.Trail+"."+tenant.Name+".creds")
	}
	account, err := embedded.IssueTenant(data, tenant, file)
	if err != nil {
		return err
	}
	r := record{{"account", account}, {"file", file}, {"stream", tenant.Stream}, {"subjects", tenant.Subjects()}, {"consumer", tenant.Consumer()}}
	return a.tell(form, r, "The credentials are in %s; stream %s, subjects %s, consumer %s.", file, tenant.Stream, tenant.Subjects(), tenant.Consumer())
}

func (a app) relayReaderListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the programs that have credentials of the service's own NATS server", Args: cobra.NoArgs}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(*cobra.Command, []string) error {
		data, err := a.ownNATS()
		if err != nil {
			return err
		}
		all, err := embedded.Tenants(data)
		if err != nil {
			return err
		}
		return printList(a, all, *out, "", func(t embedded.Issued) record {
			return record{
				{"account", t.Account},
				{"organization", t.Trail},
				{"name", t.Name},
				{"consumer", t.Consumer()},
				{"createdAt", t.At.UTC().Format(time.RFC3339)},
			}
		})
	}
	return c
}

func (a app) relayReaderRemoveCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{
		Use: "remove ACCOUNT --yes", Short: "End the credentials of a program; a server that runs closes its connections within two seconds", Args: cobra.ExactArgs(1),
	}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		if !yes {
			return usage("this ends the credentials of %s; repeat with --yes", args[0])
		}
		data, err := a.ownNATS()
		if err != nil {
			return err
		}
		if err := embedded.EndTenant(data, args[0]); err != nil {
			return err
		}
		return a.tell(*out, record{{"account", args[0]}}, "%s follows no trail any more.", args[0])
	}
	return c
}

// ownNATS is the data directory of a service that runs a NATS server of its own.
func (a app) ownNATS() (string, error) {
	settings, err := a.config()
	if err != nil {
		return "", err
	}
	if !settings.EmbeddedNATS() {
		return "", usage("your own NATS server knows the programs by its configuration; take the account out of that, and have the server read it again")
	}
	return settings.Data, nil
}
