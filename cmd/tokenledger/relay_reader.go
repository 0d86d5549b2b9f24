// tokenledger relay reader: credentials of NATS for programs of one organization.

package main

import (
	"fmt"
	"path/filepath"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

func (a app) relayReaderCommand() *cobra.Command {
	var organization, name, file string
	var config bool
	c := &cobra.Command{
		Use:   "reader --organization ID [--name NAME] [--write-to FILE]",
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
	if err := embedded.IssueTenant(data, tenant, file); err != nil {
		return err
	}
	r := record{{"file", file}, {"stream", tenant.Stream}, {"subjects", tenant.Subjects()}, {"consumer", tenant.Consumer()}}
	return a.tell(form, r, "The credentials are in %s; stream %s, subjects %s, consumer %s.", file, tenant.Stream, tenant.Subjects(), tenant.Consumer())
}
