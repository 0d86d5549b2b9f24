// tokenledger archive: old events leave the database for files that prove themselves.

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/archive"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func (a app) archiveCommand() *cobra.Command {
	c := &cobra.Command{Use: "archive", Short: "Retention: export old partitions of the log, verify them, detach them"}
	c.AddCommand(a.archiveListCommand(), a.archiveExportCommand(), a.archiveVerifyCommand(), a.archiveDetachCommand())
	return c
}

func (a app) archiveListCommand() *cobra.Command {
	c := &cobra.Command{Use: "list", Short: "List the partitions of the log that the database holds"}
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		log, err := a.openLog(c.Context())
		if err != nil {
			return err
		}
		defer log.Close()
		head, err := log.Head(c.Context())
		if err != nil {
			return err
		}
		all, err := log.Partitions(c.Context())
		if err != nil {
			return err
		}
		return printList(a, all, *out, "", func(p eventstore.Partition) record {
			state, ended := "filling", p.Ended.UTC().Format(time.RFC3339)
			switch {
			case p.Pending:
				state = "detaching"
			case p.Full(head):
				state = "full"
			case p.Last == 0:
				state, ended = "empty", ""
			}
			return record{
				{"table", p.Table},
				{"first", p.First},
				{"last", p.Last},
				{"blocks", p.Blocks},
				{"bytes", p.Bytes},
				{"ended", ended},
				{"state", state},
			}
		})
	}
	return c
}

func (a app) archiveExportCommand() *cobra.Command {
	var before int64
	var olderThan, dir string
	c := &cobra.Command{
		Use: "export --before POSITION|--older-than SPAN", Short: "Write an archive of each partition that is full and wholly before",
		Long: `Writes a file for each partition that takes no more events and ends before a position, or whose last event is older than a
span of time: zstd over lines of JSON, every leaf as it was recorded, and the proof that they are what a signed checkpoint
says. A file that is there already is verified and kept. Nothing is detached. Personal values stay sealed, and their
keys are not in it. Needs the database and the key file of the service, which may be running.`,
		Example: "  tokenledger archive export --older-than 400d",
	}
	f := c.Flags()
	f.Int64Var(&before, "before", 0, "partitions whose last event is before this position")
	f.StringVar(&olderThan, "older-than", "", "partitions whose last event is older than this, such as 400d")
	f.StringVar(&dir, "output-dir", "", "where to write; by default the directory of archives")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		age, ok := span(olderThan)
		if (before > 0) == ok || before < 0 || olderThan != "" && !ok {
			return usage("--before POSITION or --older-than SPAN (such as 400d), one of them")
		}
		return a.exportArchives(c.Context(), dir, *out, func(p eventstore.Partition) bool {
			if before > 0 {
				return int64(p.Last) < before
			}
			return p.Ended.Before(time.Now().Add(-age))
		})
	}
	return c
}

func (a app) exportArchives(ctx context.Context, dir, form string, wanted func(eventstore.Partition) bool) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	if dir == "" {
		dir = settings.Archives
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
	all, err := store.Log.Partitions(ctx)
	if err != nil {
		return err
	}
	var written []writtenArchive
	for _, p := range all {
		if p.Pending || !p.Full(head) || !wanted(p) {
			continue
		}
		bar := a.progress(p.Table, "events")
		path, fresh, err := service.ExportArchive(ctx, settings, store, p, dir, func(at events.Position) { bar.at(int64(at-p.First+1), int64(p.Last-p.First+1)) })
		bar.end()
		if err != nil {
			return err
		}
		w := writtenArchive{p, path, fresh}
		if written = append(written, w); form == "table" { // at once: the next one may take long
			fmt.Fprintln(a.out, w)
		}
	}
	switch {
	case form != "table":
		return printList(a, written, form, "", writtenArchive.record)
	case len(written) == 0:
		fmt.Fprintln(a.out, "no partition is full and wholly before that; `tokenledger archive list` shows them")
	}
	return nil
}

// writtenArchive is one that stands in a file now.
type writtenArchive struct {
	eventstore.Partition
	path  string
	fresh bool // it was not there before
}

func (w writtenArchive) record() record {
	return record{{"file", w.path}, {"new", w.fresh}, {"first", w.First}, {"last", w.Last}, {"blocks", w.Blocks}}
}

func (w writtenArchive) String() string {
	what := "wrote"
	if !w.fresh {
		what = "verified, was there:"
	}
	return fmt.Sprintf("%s %s: events %d to %d, %d blocks", what, w.path, w.First, w.Last, w.Blocks)
}

func (a app) archiveVerifyCommand() *cobra.Command {
	var keys []string
	c := &cobra.Command{
		Use: "verify FILE --key KEY", Short: "Verify an archive, without a network and without the database",
		Long: `Verifies that an archive holds every event of its positions, as the log recorded them and in order: it hashes each leaf into
the tree that a checkpoint has signed. The exit codes are those of "tokenledger audit verify".`,
		Example: "  tokenledger archive verify 000000000001-000009999999.jsonl.zst --key @log.vkey",
		Args:    cobra.ExactArgs(1),
	}
	c.Flags().StringArrayVar(&keys, "key", nil, "verifier key of the log; @FILE reads a file with one a line")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(_ *cobra.Command, args []string) error {
		texts, err := keyTexts(keys)
		if err == nil && len(texts) == 0 {
			err = fmt.Errorf("name the key of the log, as `tokenledger keys list --public` prints it")
		}
		if err != nil {
			return usage("--key: %v", err)
		}
		return a.verifyArchive(args[0], texts, *out)
	}
	return c
}

func (a app) verifyArchive(name string, texts []string, form string) error {
	keys, err := merkle.ParseKeys(texts...)
	if err != nil {
		return usage("--key: %v", err)
	}
	f, r, err := archive.OpenFile(name)
	if err != nil {
		return verdictError{merkle.Malformed, err}
	}
	defer f.Close()
	m := r.Manifest
	bar := a.progress("verifying", "events")
	proven, err := r.Verify(keys, func(b eventstore.StoredBlock) error {
		bar.at(int64(b.Last)-m.First+1, m.Last-m.First+1)
		return nil
	})
	bar.end()
	if err != nil {
		return verdictError{merkle.VerdictOf(err), err}
	}
	if form != "table" {
		return a.showRecord(record{
			{"verdict", "verified"},
			{"log", m.Origin},
			{"events", proven.Events},
			{"first", m.First},
			{"last", m.Last},
			{"trails", proven.Trails},
			{"from", m.From.UTC().Format(time.RFC3339Nano)},
			{"to", m.To.UTC().Format(time.RFC3339Nano)},
			{"epoch", proven.Epoch.Number},
			{"closed", proven.Epoch.Time.Format(time.RFC3339Nano)},
			{"checkpoint", m.Proof.Log},
			{"digest", m.Digest},
		}, form)
	}
	fmt.Fprintf(a.out, "verified\n  log           %s\n  events        %d, positions %d to %d, of %d trails\n  recorded      %s to %s\n"+
		"  epoch         %d, closed %s\n  checkpoint    %s\n  digest        %s\n",
		m.Origin, proven.Events, m.First, m.Last, proven.Trails, m.From.UTC().Format(time.RFC3339Nano), m.To.UTC().Format(time.RFC3339Nano),
		proven.Epoch.Number, proven.Epoch.Time.Format(time.RFC3339Nano), m.Proof.Log, m.Digest)
	return nil
}

func (a app) archiveDetachCommand() *cobra.Command {
	var reason string
	var yes, drop bool
	c := &cobra.Command{
		Use: "detach FILE --reason TEXT --yes", Short: "Take the oldest partition out of the log, with its archive at hand",
		Long: `Verifies that the file is the archive of exactly the oldest partition, block by block, and that nothing needs that partition
any more; records it as an event in the operator's trail; and detaches it. Appends go on meanwhile. The partition is then a
table of its own, which --drop drops. Replays, rebuilt read models and audits from the beginning need the archive from then on: keep
it in the directory of archives of every service, and a copy elsewhere. It takes a login that may act as the migrator.`,
		Args: cobra.ExactArgs(1),
	}
	c.Flags().StringVar(&reason, "reason", "", "why, for the log")
	c.Flags().BoolVar(&yes, "yes", false, "do it")
	c.Flags().BoolVar(&drop, "drop", false, "drop the table, too; the archive is then all that there is")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, args []string) error {
		if reason == "" {
			return errNoReason
		}
		if !yes {
			return usage("--yes is needed: what is read from the beginning needs the archive from then on")
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
		return a.withStore(c.Context(), func(ctx context.Context, s *service.Store) error {
			p, err := service.Detach(ctx, settings, s, args[0], reason, logger)
			if err != nil {
				return err
			}
			if *out == "table" {
				fmt.Fprintf(a.out, "detached %s: the log in the database begins at position %d\n", p.Table, p.Last+1)
			}
			if drop {
				if err := service.DropDetached(ctx, settings, s, p); err != nil {
					return err
				}
			}
			shown := record{{"detached", p.Table}, {"begins", p.Last + 1}, {"dropped", drop}}
			if drop {
				return a.tell(*out, shown, "dropped %s", p.Table)
			}
			return a.tell(*out, shown, "the table %s stands alone now; drop it when the archive is stored in two places", p.Table)
		})
	}
	return c
}
