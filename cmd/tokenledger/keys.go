// tokenledger keys: what the key file holds, without the keys, and their rotation.

package main

import (
	"context"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func (a app) keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "The key file", RunE: func(c *cobra.Command, _ []string) error { return c.Help() }}
	c.AddCommand(a.keysListCommand())
	return c
}

func (a app) keysListCommand() *cobra.Command {
	var public bool
	c := &cobra.Command{
		Use: "list", Short: "List the keys by name and version, never their values",
		Long: `List the keys by name and version, and what each version still holds, never their values.
With --public print the keys that verify checkpoints, one a line, as signed-note verifier keys: these are
what an auditor takes from you, not from the evidence.`,
	}
	c.Flags().BoolVar(&public, "public", false, "print the verifier keys of checkpoints")
	c.RunE = func(c *cobra.Command, _ []string) error {
		settings, err := a.config()
		if err != nil {
			return err
		}
		ring, err := settings.Keys().Load()
		if err != nil {
			return err
		}
		if public {
			origins, err := a.origins(c.Context())
			if err != nil {
				return err
			}
			return printVerifierKeys(a.out, ring, origins)
		}
		held, err := a.heldByKeys(c.Context())
		if err != nil {
			fmt.Fprintln(a.err, "What the keys hold is not known:", err)
		}
		w := a.table("KEY", "VERSION", "STATE", "HOLDS")
		for _, k := range ring.List() {
			state := "old"
			if k.Active {
				state = "active"
			}
			w.AppendRow([]any{k.Name, k.Version, state, held(k)})
		}
		w.Render()
		return nil
	}
	return c
}

func printVerifierKeys(out io.Writer, ring *keyring.Ring, origins []string) error {
	for _, origin := range origins {
		keys, err := ring.VerifierKeys(origin)
		if err != nil {
			return err
		}
		for _, k := range keys {
			fmt.Fprintln(out, k.Text)
		}
	}
	return nil
}

// origins are the logs of epochs that this machine keeps checkpoints of, or else the
// one that the database is about to have.
func (a app) origins(ctx context.Context) ([]string, error) {
	settings, err := a.config()
	if err != nil {
		return nil, err
	}
	origins, err := sealer.Origins(settings.Checkpoints())
	if err != nil || len(origins) > 0 {
		return origins, err
	}
	log, err := a.openLog(ctx)
	if err != nil {
		return nil, err
	}
	defer log.Close()
	return []string{sealer.Origin(log.Origin(), 1)}, nil
}

// heldByKeys tells what was made with each version of a key and still needs it.
func (a app) heldByKeys(ctx context.Context) (func(keyring.Listed) string, error) {
	log, err := a.openLog(ctx)
	if err != nil {
		return func(keyring.Listed) string { return "" }, err
	}
	defer log.Close()
	held, err := log.HeldByKeys(ctx)
	return func(k keyring.Listed) string {
		switch {
		case err != nil:
			return ""
		case k.Name == keyring.Pepper:
			return strconv.FormatInt(held.Credentials[k.Version], 10) + " credentials"
		case k.Name == keyring.KeyEncryption:
			return strconv.FormatInt(held.SubjectKeys[k.Version], 10) + " keys of subjects"
		}
		return ""
	}, err
}
