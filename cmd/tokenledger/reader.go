// tokenledger migrate and reader: the database's schema, and logins of it that read for
// one organization.

package main

import (
	"crypto/rand"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/eventstore"
)

func (a app) migrateCommand() *cobra.Command {
	return &cobra.Command{
		Use: "migrate", Short: "Bring your own database to what this program needs; `serve` does so, too, where its login may",
		RunE: func(c *cobra.Command, _ []string) error {
			settings, err := a.config()
			if err != nil {
				return err
			}
			if settings.Embedded() {
				return usage("TOKENLEDGER_DATABASE_URL is not set, and the private Postgres is migrated by `serve`")
			}
			if err := service.Migrate(c.Context(), settings); err != nil {
				return err
			}
			fmt.Fprintln(a.out, "The database is what this program needs.")
			return nil
		},
	}
}

func (a app) readerCommand() *cobra.Command {
	c := &cobra.Command{Use: "reader", Short: "Logins of Postgres that read for one organization"}
	c.AddCommand(a.readerCreateCommand(), a.readerListCommand(), a.readerRemoveCommand())
	return c
}

func (a app) readerCreateCommand() *cobra.Command {
	var organization, login, file string
	var connections int
	c := &cobra.Command{
		Use:   "create --organization ID [--login NAME] [--write-to FILE]",
		Short: "Make a login that sees an organization's rows of the read models, and nothing else",
		Long: `Make a login of Postgres, for a tool that reports: by row-level security it sees the rows of one organization
in the views of the read models, and no block, key, credential or session. Its URL, with the password, is written
to a file (0600). A login that exists already is bound to the organization and keeps its password. It takes the
database itself, with a login that may make roles, not the service.`,
	}
	c.Flags().StringVar(&organization, "organization", "", "whose rows: an organization's id")
	c.Flags().StringVar(&login, "login", "", "name of the login; every login of the server can see it. By default reader_ and random digits")
	c.Flags().StringVar(&file, "write-to", "", "file for the URL; by default <data>/readers/LOGIN.url")
	countFlag(c, &connections, "connections", 5, "how many sessions the login may have at once")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		id, err := uuid.Parse(organization)
		if err != nil {
			return usage("--organization %q: want the organization's id, a UUID", organization)
		}
		return a.createReader(c, eventstore.Reader{Login: login, Organization: id}, file, connections, *out)
	}
	return c
}

func (a app) createReader(c *cobra.Command, r eventstore.Reader, file string, connections int, form string) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	owners, err := ownersURL(settings)
	if err != nil {
		return err
	}
	known, err := eventstore.Readers(c.Context(), owners, settings.Schema)
	if err != nil {
		return err
	}
	if r.Login == "" {
		r.Login = "reader_" + randomText(6, hex.EncodeToString)
	}
	if file == "" {
		file = filepath.Join(settings.Data, "readers", r.Login+".url")
	}
	for _, k := range known {
		if k.Login == r.Login && k.Organization == r.Organization {
			return a.tell(form, readerRecord(r, ""), "%s reads for this organization already; nothing is changed.", r.Login)
		}
	}
	password := randomText(24, base64.RawURLEncoding.EncodeToString)
	made, err := eventstore.CreateReader(c.Context(), owners, settings.Schema, r, password, connections)
	if err != nil {
		return err
	}
	if !made {
		return a.tell(form, readerRecord(r, ""), "%s reads for the organization %s now, with the password that it has.", r.Login, r.Organization)
	}
	text, err := readersURL(owners, r.Login, password)
	if err == nil {
		err = os.MkdirAll(filepath.Dir(file), 0o700)
	}
	if err == nil {
		err = wholeFile(file, func(w io.Writer) error { _, err := fmt.Fprintln(w, text); return err })
	}
	if err != nil {
		return fmt.Errorf("the login %s is made, its password is lost: %w; take it away and make another", r.Login, err)
	}
	return a.tell(form, readerRecord(r, file), "%s reads for the organization %s; its URL is in %s", r.Login, r.Organization, file)
}

// readerRecord is what a form tells of a login; file is where its URL was written.
func readerRecord(r eventstore.Reader, file string) record {
	return record{{"login", r.Login}, {"organization", r.Organization.String()}, {"file", file}}
}

func randomText(bytes int, encode func([]byte) string) string {
	b := make([]byte, bytes)
	_, _ = rand.Read(b) // never fails
	return encode(b)
}

// readersURL is the owner's but for who logs in, and without the owner's certificate.
func readersURL(owners, login, password string) (string, error) {
	u, err := url.Parse(owners)
	if err != nil {
		return "", fmt.Errorf("the database URL: %w", err)
	}
	u.User = url.UserPassword(login, password)
	parameters := u.Query()
	for name := range parameters {
		switch name {
		case "host", "port", "sslmode", "sslrootcert":
		default:
			parameters.Del(name)
		}
	}
	u.RawQuery = parameters.Encode()
	return u.String(), nil
}

func (a app) readerListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the logins and the organizations that they read for"}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := a.config()
		if err != nil {
			return err
		}
		owners, err := ownersURL(settings)
		if err != nil {
			return err
		}
		all, err := eventstore.Readers(c.Context(), owners, settings.Schema)
		if err != nil {
			return err
		}
		return printList(a, all, *out, "", func(r eventstore.Reader) record {
			return record{{"login", r.Login}, {"organization", r.Organization.String()}, {"createdAt", r.CreatedAt.UTC().Format(time.RFC3339)}}
		})
	}
	return c
}

func (a app) readerRemoveCommand() *cobra.Command {
	var yes bool
	c := &cobra.Command{Use: "remove LOGIN --yes", Short: "Take a login away; sessions of it that are open see nothing any more", Args: cobra.ExactArgs(1)}
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if !yes {
			return usage("this takes the login %s away; repeat with --yes", args[0])
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		owners, err := ownersURL(settings)
		if err != nil {
			return err
		}
		if err := eventstore.RemoveReader(c.Context(), owners, settings.Schema, args[0]); err != nil {
			return err
		}
		return a.tell(*out, record{{"login", args[0]}}, "%s reads no more.", args[0])
	}
	return c
}
