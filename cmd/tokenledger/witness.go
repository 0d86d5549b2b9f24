// tokenledger witness: cosigns the checkpoints of other installations.

package main

import (
	"context"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/witness"
)

func (a app) witnessCommand() *cobra.Command {
	var name, state string
	var logs []string
	c := &cobra.Command{
		Use:   "witness --name NAME --log KEY",
		Short: "Cosign the checkpoints of logs that this witness has seen grow, and none that forks or goes back",
		Long: `Answer the witness protocol of C2SP (add-checkpoint, cosignature/v1) on --listen. Run it where whoever
runs the log has no say. --log takes what "tokenledger keys list --public" prints there, or @FILE with such
lines; it may be repeated. The witness's own key, which logs name in TOKENLEDGER_WITNESSES, is printed at the
start. Key and state are kept in --state; without its state a key is of no use any more.`,
	}
	c.Flags().StringVar(&name, "name", "", "name of the witness: a URL without its scheme")
	c.Flags().StringVar(&state, "state", "", "directory of key and state (by default witness in the data directory)")
	c.Flags().StringArrayVar(&logs, "log", nil, "verifier key of a log, or @FILE")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if name == "" || len(logs) == 0 {
			return usage("--name and --log are needed")
		}
		texts, err := keyTexts(logs)
		if err != nil {
			return usage("--log: %w", err)
		}
		keys, err := merkle.ParseKeys(texts...)
		if err != nil {
			return usage("--log: %w", err)
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		if state == "" {
			state = filepath.Join(settings.Data, "witness")
		}
		return a.serveWitness(c.Context(), settings.Listen, witness.Config{Name: name, Dir: state, Logs: keys})
	}
	return c
}

// keyTexts reads the files among keys and files that hold some.
func keyTexts(given []string) ([]string, error) {
	var texts []string
	for _, k := range given {
		path, isFile := strings.CutPrefix(k, "@")
		if !isFile {
			texts = append(texts, k)
			continue
		}
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		texts = append(texts, strings.Fields(string(content))...)
	}
	return texts, nil
}

func (a app) serveWitness(ctx context.Context, address string, c witness.Config) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	listener, err := net.Listen("tcp", address)
	if err != nil {
		return fmt.Errorf("%w; free the address or set --listen to another", err)
	}
	defer listener.Close()
	w, err := witness.Open(c)
	if err != nil {
		return err
	}
	defer w.Close()
	fmt.Fprintf(a.out, "%s http://%s\n", w.Key(), listener.Addr())
	return httpd.Serve(ctx, listener, w.Handler(logger), logger)
}
