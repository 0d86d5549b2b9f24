// tokenledger audit: export an evidence pack, verify one without a network.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

func (a app) auditCommand() *cobra.Command {
	c := &cobra.Command{Use: "audit", Short: "Evidence: export a pack, verify a pack, check the whole log"}
	c.AddCommand(a.auditExportCommand(), a.auditVerifyCommand(), a.auditCheckCommand())
	return c
}

func (a app) auditExportCommand() *cobra.Command {
	var organization, from, to, file string
	var disclose []string
	c := &cobra.Command{
		Use: "export", Short: "Write an evidence pack of an organization and a period",
		Example: "  tokenledger audit export --organization ID --from 2026-01-01T00:00:00Z --to 2026-07-01T00:00:00Z --output-file pack.zip",
	}
	f := c.Flags()
	f.StringVar(&organization, "organization", "", "the organization's id; by default the one of the token")
	f.StringVar(&from, "from", "", "the period's first instant: 2026-01-31, which is its midnight UTC, or 2026-01-31T09:30:00Z")
	f.StringVar(&to, "to", "", "the instant at which the period ends, not part of it")
	f.StringVar(&file, "output-file", "", "the pack")
	f.StringSliceVar(&disclose, "disclose", nil, "personal values to disclose, of these fields: "+strings.Join(evidence.DisclosableFields(), ", "))
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		query := url.Values{}
		for name, text := range map[string]string{"from": from, "to": to} {
			at, err := moment("--"+name, text)
			if err != nil {
				return err
			}
			query.Set(name, at.Format(time.RFC3339Nano))
		}
		if file == "" {
			return usage("--output-file is missing: name the file to write")
		}
		if organization != "" {
			if _, err := uuid.Parse(organization); err != nil {
				return usage("--organization %q: want the organization's id, a UUID", organization)
			}
			query.Set("organization", organization)
		}
		if len(disclose) > 0 {
			query.Set("disclose", strings.Join(disclose, ","))
		}
		return a.exportPack(c.Context(), query, organization, file, *out)
	}
	return c
}

// exportPack asks the service and writes what it sends. A file appears only once it is whole.
func (a app) exportPack(ctx context.Context, query url.Values, organization, file, form string) (err error) {
	client, err := a.client()
	if err != nil {
		return err
	}
	if organization == "" && client.organization != "" {
		organization = client.organization
		query.Set("organization", organization)
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, client.server+"/v1/audit/pack?"+query.Encode(), nil)
	if err != nil {
		return err
	}
	request.Header.Set("Authorization", "Bearer "+client.token)
	if organization != "" {
		request.Header.Set("X-Organization-ID", organization)
	}
	client.http.Timeout = 0 // a large pack takes its time
	response, err := client.http.Do(request)
	if err != nil {
		return fmt.Errorf("%s does not answer: %w", client.server, errors.Unwrap(err))
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		refusal, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
		if err != nil {
			return fmt.Errorf("the service answered %s: %w", response.Status, err)
		}
		return decodeAnswer(response.Status, refusal, &struct{}{})
	}
	size, _ := strconv.ParseInt(response.Header.Get(service.PackBytesHeader), 10, 64)
	bar := a.progress("evidence", "bytes")
	var n int64
	err = wholeFile(file, func(w io.Writer) error {
		if n, err = io.Copy(w, bar.read(response.Body, size)); err != nil {
			return fmt.Errorf("the pack broke off: %w", err)
		}
		return nil
	})
	bar.end()
	if err != nil {
		return fmt.Errorf("--output-file: %w", err)
	}
	held, _ := strconv.ParseInt(response.Header.Get(service.PackEventsHeader), 10, 64)
	return a.tell(form, record{{"file", file}, {"events", held}, {"bytes", n}}, "wrote %s: %d events, %d bytes", file, held, n)
}

// verdictError carries the exit code of a verification.
type verdictError struct {
	verdict merkle.Verdict
	error
}

func (v verdictError) Unwrap() error { return v.error }

func (a app) auditVerifyCommand() *cobra.Command {
	var keys []string
	var organization string
	c := &cobra.Command{
		Use: "verify PACK", Short: "Verify an evidence pack, without a network",
		Long: `Verifies that a pack holds every event of its organization and period, unaltered and in order.

Exit code: 0 verified complete, 1 altered, 2 incomplete, 3 signature, 4 fork, 5 malformed,
6 all agrees but no key from elsewhere was given. The first bad position and line are named.`,
		Example: "  tokenledger audit verify pack.zip --key @log.vkey",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "verifier key of the log, from elsewhere than the pack; @FILE reads a file with one a line")
	c.Flags().StringVar(&organization, "organization", "", "the organization whose pack this should be")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		o := verify.Options{Organization: organization}
		var err error
		if o.Keys, err = keyTexts(keys); err != nil {
			return usage("--key: %v", err)
		}
		return a.verifyPack(args[0], o, *out)
	}
	return c
}

func (a app) verifyPack(name string, o verify.Options, form string) error {
	f, err := os.Open(name)
	if err != nil {
		return usage("%v", err)
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	bar := a.progress("verifying", "bytes")
	result, err := verify.Pack(bar.readAt(f, info.Size()), info.Size(), o)
	bar.end()
	if err != nil {
		return verdictError{merkle.VerdictOf(err), err}
	}
	m, proven := result.Manifest, result.Proven
	if form != "table" {
		return a.showRecord(record{
			{"verdict", "verified complete"},
			{"organization", m.Organization},
			{"from", m.From.Format(time.RFC3339Nano)},
			{"to", m.To.Format(time.RFC3339Nano)},
			{"events", m.Events},
			{"first", m.After + 1},
			{"last", m.Through},
			{"firstEpoch", proven.Opening.Number},
			{"lastEpoch", proven.Closing.Number},
			{"closed", proven.Closing.Time.Format(time.RFC3339Nano)},
			{"origin", m.Checkpoint.Origin},
			{"size", m.Checkpoint.Size},
			{"root", m.Checkpoint.Root},
			{"disclosed", result.Disclosed},
			{"limits", m.Limits},
		}, form)
	}
	fmt.Fprintf(a.out, "verified complete\n  organization  %s\n  period        %s up to, and without, %s\n  events        %d, numbers %d to %d of the trail\n"+
		"  epochs        %d to %d, closed %s\n  checkpoint    %s, size %d, root %s\n  disclosed     %d values\n",
		m.Organization, m.From.Format(time.RFC3339Nano), m.To.Format(time.RFC3339Nano), m.Events, m.After+1, m.Through,
		proven.Opening.Number, proven.Closing.Number, proven.Closing.Time.Format(time.RFC3339Nano),
		m.Checkpoint.Origin, m.Checkpoint.Size, m.Checkpoint.Root, result.Disclosed)
	for _, limit := range m.Limits {
		fmt.Fprintln(a.out, "  limit         "+limit)
	}
	return nil
}

func (a app) auditCheckCommand() *cobra.Command {
	c := &cobra.Command{
		Use: "check", Short: "Audit the whole log: recompute trees and epochs, replay tokens, directory and trails, and compare",
		Long: `Reads the log from its beginning and compares: every block with its hashes, every trail's numbers, every epoch's trees,
heads and signed checkpoint, also with those kept outside of the database, the copies of decisions, personal values with
what their events commit to, and the read models of tokens, the directory and trails with a replay. Needs the database
and the key file of the service, which may be running. The first mismatch is named by position, with exit code 1. Events
that were archived are read from the archives (--archives); where these are not at hand, the audit begins after them and says so.`,
		Example: "  tokenledger audit check\n  tokenledger audit check --output json",
	}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error { return a.checkLog(c.Context(), *out) }
	return c
}

func (a app) checkLog(ctx context.Context, form string) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	store, err := a.openStore(ctx, settings)
	if err != nil {
		return err
	}
	defer store.Log.Close()
	head, err := store.Log.Head(ctx)
	if err != nil {
		return err
	}
	bar := a.progress("audit", "events")
	done, err := service.Audit(ctx, store, settings, func(at events.Position) { bar.at(int64(at), int64(head)) })
	bar.end()
	if err != nil {
		return err
	}
	shown := record{
		{"verdict", "no mismatch"},
		{"events", done.Events},
		{"trails", done.Trails},
		{"epochs", done.Epochs},
		{"rows", done.Rows},
		{"archived", done.Archived},
		{"from", done.From},
	}
	err = a.tell(form, shown, "no mismatch: %d events, %d trails, %d epochs, %d rows and lines of read models", done.Events, done.Trails, done.Epochs, done.Rows)
	if done.Archived > 0 && form == "table" {
		fmt.Fprintf(a.out, "not read: events 1 to %d, which are archived and not in the directory of archives (--archives);\n"+
			"taken as they stand: the trees of trails and the copies of decisions up to position %d, names and addresses of users\n", done.Archived, done.From)
	}
	return err
}
