// tokenledger replay: the state at any position or time, rebuilt from the log alone.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

// replayAsked is what the flags of the command say of a report.
type replayAsked struct {
	name, from, token, form string
}

func (a app) replayCommand() *cobra.Command {
	var to, organization, file string
	var report replayAsked
	c := &cobra.Command{
		Use: "replay", Short: "Rebuild the state at a position or time from the log alone, one JSON object a line",
		Long: `Reads every event of the log from the first one and folds it as the read models do, without asking any of them.
Only the database has to be reachable, with the settings of the service. With --report it makes that report instead,
over the events that were recorded before the time, or up to the position: the same bytes as tokenledger report.`,
		Example: `  tokenledger replay --to 2026-06-30T23:59:59Z --organization ID --output-file state.jsonl
  tokenledger replay --to 2026-07-01T00:00:00Z --organization ID --report roll-forward --output csv`,
	}
	f := c.Flags()
	f.StringVar(&to, "to", "", "position, or time as in RFC 3339; by default the end of the log")
	f.StringVar(&organization, "organization", "", "only what stands in this organization's trail")
	f.StringVar(&file, "output-file", "", "write to this file instead of the standard output")
	f.StringVar(&report.name, "report", "", "make this report of the organization, one of those that tokenledger report lists")
	f.StringVar(&report.from, "from", "", "of a report: the period's first instant, as in RFC 3339; by default the beginning")
	f.StringVar(&report.token, "token", "", "of the leak report: the token's id, a UUID")
	out := outputFlag(c, "json", "table", "csv", "html", "pdf", "ocsf")
	c.RunE = func(c *cobra.Command, _ []string) error {
		point, err := parsePoint("--to", to)
		if err != nil {
			return err
		}
		var trail events.TrailID
		if organization != "" {
			id, err := uuid.Parse(organization)
			if err != nil {
				return usage("--organization %q: want the organization's id, a UUID", organization)
			}
			trail = events.OrganizationTrail(id)
		}
		switch report.form = *out; {
		case report.name != "":
			return a.replayReport(c.Context(), point, trail, report, file)
		case report.from != "" || report.token != "":
			return usage("--from, --token: the state is of one instant; a period and a token are of reports, which --report makes")
		case !slices.Contains(stateForms, report.form):
			return usage("--output %s: the state comes as %s; other forms are of reports, which --report makes", report.form, strings.Join(stateForms, ", "))
		}
		return a.replay(c.Context(), point, trail, file, report.form)
	}
	return c
}

// stateForms are those that the state itself can have.
var stateForms = []string{"json", "table", "csv"}

// parsePoint reads a position or a time; empty is the end of the log.
func parsePoint(flag, text string) (evidence.Point, error) {
	if text == "" {
		return evidence.Point{}, nil
	}
	if n, err := strconv.ParseInt(text, 10, 64); err == nil {
		if n < 1 {
			return evidence.Point{}, usage("%s %s: positions begin at 1", flag, text)
		}
		return evidence.Point{Position: events.Position(n)}, nil
	}
	t, err := time.Parse(time.RFC3339Nano, text)
	if err != nil {
		return evidence.Point{}, usage("%s %q: want a position, or a time such as 2026-06-30T23:59:59Z", flag, text)
	}
	return evidence.Point{Time: t}, nil
}

func (a app) replay(ctx context.Context, point evidence.Point, trail events.TrailID, file, form string) error {
	log, err := a.openLog(ctx)
	if err != nil {
		return err
	}
	defer log.Close()
	source, end, err := a.watchedLog(ctx, log)
	if err != nil {
		return err
	}
	var s *evidence.State
	if trail != "" {
		s, err = evidence.At(ctx, source, trail, point)
	} else {
		s, err = evidence.Replay(ctx, source, point)
	}
	end()
	if err != nil {
		return err
	}
	if form != "json" {
		return a.toFile(file, func(w io.Writer) error { return a.to(w).printState(s, form) })
	}
	return a.toFile(file, s.Write)
}

// watchedLog is the log with a bar that shows how far it is read.
func (a app) watchedLog(ctx context.Context, log *eventstore.Log) (source evidence.Log, end func(), err error) {
	head, err := log.Head(ctx)
	if err != nil {
		return source, nil, err
	}
	bar := a.progress("replay", "events")
	return evidence.Log{Blocks: watchedBlocks{log, head, bar}}, bar.end, nil
}

// to writes what is shown to w.
func (a app) to(w io.Writer) app {
	a.out = w
	return a
}

// stateLine is a line of the state, as it is written in JSON.
type stateLine struct {
	Kind string
	Row  json.RawMessage
}

func (l stateLine) record() record { return record{{"kind", l.Kind}, {"row", string(l.Row)}} }

// printState shows people and spreadsheets the lines of a state.
func (a app) printState(s *evidence.State, form string) error {
	var raw bytes.Buffer
	if err := s.Write(&raw); err != nil {
		return err
	}
	var lines []stateLine
	for from := json.NewDecoder(&raw); from.More(); {
		var l stateLine
		if err := from.Decode(&l); err != nil {
			return err
		}
		lines = append(lines, l)
	}
	return printList(a, lines, form, "", stateLine.record)
}

// replayReport makes a report of the log alone.
func (a app) replayReport(ctx context.Context, point evidence.Point, trail events.TrailID, asked replayAsked, file string) error {
	organization, ok := trail.Organization()
	if !ok {
		return usage("--report: a report is about an organization; name it with --organization")
	}
	r := evidence.Request{Organization: organization, To: point.Time, Position: point.Position}
	var err error
	if asked.from != "" {
		if r.From, err = moment("--from", asked.from); err != nil {
			return err
		}
	}
	if asked.token != "" {
		if r.Token, err = uuid.Parse(asked.token); err != nil {
			return usage("--token %q: want the token's id, a UUID", asked.token)
		}
	}
	log, err := a.openLog(ctx)
	if err != nil {
		return err
	}
	defer log.Close()
	source, end, err := a.watchedLog(ctx, log)
	if err != nil {
		return err
	}
	table, err := evidence.Report(ctx, source, asked.name, r)
	end()
	if err != nil {
		return err
	}
	if asked.form == "table" {
		return usage("--output table: a replayed report comes as json, csv, html, pdf or ocsf; tokenledger report shows tables")
	}
	return a.toFile(file, func(w io.Writer) error {
		if form := evidence.Form(asked.form); form != evidence.OCSF {
			return evidence.Render(w, form, table)
		}
		return evidence.WriteOCSF(ctx, w, source, table)
	})
}

// toFile writes to a file that only this user may read, or to the standard output.
func (a app) toFile(name string, write func(io.Writer) error) (err error) {
	if name == "" {
		return write(a.out)
	}
	f, err := os.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_TRUNC, 0o600)
	if err != nil {
		return fmt.Errorf("--output-file: %w", err)
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	return write(f)
}

// openLog opens the log of a service that may be running, to read it.
func (a app) openLog(ctx context.Context) (*eventstore.Log, error) {
	settings, err := a.config()
	if err != nil {
		return nil, err
	}
	store, err := a.openStore(ctx, settings)
	if err != nil {
		return nil, err
	}
	return store.Log, nil
}

// openStore opens the log of a service that may be running, with the keys to it.
func (a app) openStore(ctx context.Context, settings config.Config) (*service.Store, error) {
	url, err := databaseURL(settings)
	if err != nil {
		return nil, err
	}
	ring, err := settings.Keys().Load()
	if err != nil {
		return nil, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	log, err := eventstore.Open(ctx, eventstore.Config{
		URL: url, Schema: settings.Schema, Keys: ring, Archives: service.Archives(settings, ring), Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	return &service.Store{Log: log, Ring: ring, URL: url}, nil
}
