// tokenledger keys: what the key file holds, without the keys, and their rotation.

package main

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func (a app) keysCommand() *cobra.Command {
	c := &cobra.Command{Use: "keys", Short: "The key file"}
	c.AddCommand(a.keysListCommand(), a.keysRotateCommand())
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
	out := outputFlag(c, "table", "json", "csv")
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
			return a.printVerifierKeys(ring, origins, *out)
		}
		held, err := a.heldByKeys(c.Context())
		if err != nil {
			fmt.Fprintln(a.err, "What the keys hold is not known:", err)
		}
		return printList(a, ring.List(), *out, "", func(k keyring.Listed) record {
			state := "old"
			if k.Active {
				state = "active"
			}
			return record{{"key", k.Name}, {"version", k.Version}, {"state", state}, {"holds", held(k)}}
		})
	}
	return c
}

// printVerifierKeys prints one key a line, and nothing else, for files that are given to auditors.
func (a app) printVerifierKeys(ring *keyring.Ring, origins []string, form string) error {
	type of struct {
		origin string
		keyring.VerifierKey
	}
	var all []of
	for _, origin := range origins {
		keys, err := ring.VerifierKeys(origin)
		if err != nil {
			return err
		}
		for _, k := range keys {
			all = append(all, of{origin, k})
		}
	}
	if form != "table" {
		return printList(a, all, form, "", func(k of) record { return record{{"origin", k.origin}, {"key", k.Text}, {"active", k.Active}} })
	}
	for _, k := range all {
		fmt.Fprintln(a.out, k.Text)
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

// keyUses are the uses of keys as events have them, by the names in the key file.
var keyUses = map[string]events.KeyUse{
	keyring.Signing: events.KeySigning, keyring.Pepper: events.KeyPepper, keyring.KeyEncryption: events.KeyEncryption,
}

func (a app) keysRotateCommand() *cobra.Command {
	var prepare bool
	var reason string
	c := &cobra.Command{
		Use: "rotate " + strings.Join(keyring.Rotatable, "|"), Args: cobra.ExactArgs(1), ValidArgs: keyring.Rotatable,
		Short: "Make a new version of a key the active one; the old ones still verify and open",
		Long: `Make a new version of a key the active one, in the key file, and record it in the log. Services that run take it
on within seconds. What was made with an old version still verifies and opens: a token's MAC is made anew at its
next use, the keys of subjects within minutes, and old checkpoints stay under the key that signed them, so keep
giving all of "tokenledger keys list --public" to auditors.

Where several services share a log: rotate with --prepare and bring the key file to each, so that all of them know
the new version; then rotate without it and do the same again.`,
	}
	c.Flags().BoolVar(&prepare, "prepare", false, "make the version known, not active")
	c.Flags().StringVar(&reason, "reason", "", "why, for the log")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		use, ok := keyUses[args[0]]
		if !ok {
			return usage("%q is no key that can be rotated; want one of %s", args[0], strings.Join(keyring.Rotatable, ", "))
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		if prepare {
			version, err := settings.Keys().Rotate(args[0], true)
			if err != nil {
				return err
			}
			return a.tell(*out, record{{"key", args[0]}, {"version", version}, {"active", false}}, "%s version %d is known and not active yet.", args[0], version)
		}
		// The database first: a rotation that cannot be recorded is not begun.
		return a.withStore(c.Context(), func(ctx context.Context, s *service.Store) error {
			version, err := settings.Keys().Rotate(args[0], false)
			if err != nil {
				return err
			}
			rotation := aggregate.RecordKeyRotation{Use: use, Version: int64(version)}
			if rotation.Public, err = a.publicKey(settings, s, use); err == nil {
				err = service.RecordKeyRotation(ctx, s, rotation, reason)
			}
			if err != nil {
				return fmt.Errorf("%s version %d is active in %s, but the log does not say so: %w", args[0], version, settings.KeyFile, err)
			}
			return a.tell(*out, record{{"key", args[0]}, {"version", version}, {"active", true}},
				"%s version %d is active; services that run take it on within seconds.", args[0], version)
		})
	}
	return c
}

// publicKey is the new verifier key of checkpoints, empty for other keys.
func (a app) publicKey(settings config.Config, s *service.Store, use events.KeyUse) (string, error) {
	if use != events.KeySigning {
		return "", nil
	}
	ring, err := settings.Keys().Load()
	if err != nil {
		return "", err
	}
	origins, err := sealer.Origins(settings.Checkpoints())
	if err != nil {
		return "", err
	}
	origins = append([]string{sealer.Origin(s.Log.Origin(), 1)}, origins...)
	keys, err := ring.VerifierKeys(origins[len(origins)-1])
	if err != nil {
		return "", err
	}
	return keys[slices.IndexFunc(keys, func(k keyring.VerifierKey) bool { return k.Active })].Text, nil
}
