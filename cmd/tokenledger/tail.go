// tokenledger tail and relay: the log as NATS carries it.

package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/nats-io/nats.go"
	natsjs "github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// readerConn connects to NATS as a reader: the embedded pair, or what the
// settings name.
func readerConn(c config.Config) (*nats.Conn, error) {
	url := c.NATSURL
	if c.EmbeddedNATS() {
		if c.NATSListen == "off" {
			return nil, usage("TOKENLEDGER_NATS_LISTEN is off: the service's NATS server cannot be reached from outside")
		}
		url = "nats://" + c.NATSListen
		if c.NATSCreds == "" {
			c.NATSCreds = filepath.Join(c.Data, "nats", "reader.creds")
		}
	}
	options := append(service.NATSOptions(c), nats.Name("tokenledger-tail"), nats.MaxReconnects(-1))
	conn, err := nats.Connect(url, options...)
	if err != nil {
		return nil, fmt.Errorf("NATS: %w; is `tokenledger serve` running, or TOKENLEDGER_NATS_URL another?", err)
	}
	return conn, nil
}

func (a app) tailCommand() *cobra.Command {
	var from int64
	var once, disclose bool
	var organization, kind string
	c := &cobra.Command{
		Use: "tail", Short: "Follow every event as it is recorded",
		Example: "  tokenledger tail --from 1 --type token.revoked --output json",
	}
	f := c.Flags()
	f.Int64Var(&from, "from", 0, "first position to show; 0: only what comes from now on")
	f.BoolVar(&once, "no-follow", false, "end at the last event there is, instead of waiting for more")
	f.StringVar(&organization, "organization", "", "only events in the trail of this organization")
	f.StringVar(&kind, "type", "", `only events of this type ("token.revoked") or kind ("token")`)
	f.BoolVar(&disclose, "disclose", false, "open personal values, such as addresses; asks the service: auditors may, and everybody for himself")
	completes(c, "type", typeNames()...)
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if from < 0 {
			return usage("--from %d: positions begin at 1", from)
		}
		if kind != "" && !slices.Contains(typeNames(), kind) {
			return usage("--type %q: there are no such events; want a type such as token.revoked, or a kind such as token", kind)
		}
		want := jetstream.Config{Type: events.Type(kind), After: events.Position(from - 1)}
		if organization != "" {
			id, err := uuid.Parse(organization)
			if err != nil {
				return usage("--organization %q: want the organization's id, a UUID", organization)
			}
			want.Trail = events.OrganizationTrail(id)
		}
		settings, err := a.config()
		if err != nil {
			return err
		}
		want.Logger = telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
		conn, err := readerConn(settings)
		if err != nil {
			return err
		}
		defer conn.Close()
		if *out == "csv" {
			if err := a.writeCSV(eventRecord(events.Recorded{}, nil, nil)); err != nil {
				return err
			}
		}
		show := a.printEvent
		if disclose {
			client, err := a.client()
			if err != nil {
				return err
			}
			show = disclosing(c.Context(), client, a.printEvent)
		}
		return a.tail(c.Context(), conn, want, from == 0, once, func(r events.Recorded) error { return show(r, nil, *out) })
	}
	return c
}

func (a app) tail(ctx context.Context, conn *nats.Conn, want jetstream.Config, fromNow, once bool, show func(events.Recorded) error) error {
	var last events.Position
	if fromNow || once {
		var err error
		if last, err = lastMatching(ctx, conn, want); err != nil {
			return err
		}
	}
	if fromNow {
		want.After = last
	}
	if once && last <= want.After {
		return nil
	}
	for m, err := range jetstream.Subscribe(ctx, conn, want) {
		if err != nil {
			if ctx.Err() != nil {
				return nil
			}
			return err
		}
		if err := show(m.Recorded); err != nil {
			return err
		}
		if once && m.Position >= last {
			return nil
		}
	}
	return nil
}

// lastMatching is the position of the last event that is wanted, 0 if none is.
func lastMatching(ctx context.Context, conn *nats.Conn, want jetstream.Config) (events.Position, error) {
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	stream, err := streamOf(ctx, conn)
	if err != nil {
		return 0, err
	}
	m, err := stream.GetLastMsgForSubject(ctx, events.SubjectFilter(want.Trail, want.Type))
	if errors.Is(err, natsjs.ErrMsgNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, err
	}
	return events.Position(m.Sequence), nil
}

// streamOf finds the stream that carries the log.
func streamOf(ctx context.Context, conn *nats.Conn) (natsjs.Stream, error) {
	js, err := natsjs.New(conn)
	if err != nil {
		return nil, err
	}
	name, err := js.StreamNameBySubject(ctx, events.SubjectPrefix+".>")
	if err != nil {
		return nil, fmt.Errorf("no stream carries a ledger's events: %w", err)
	}
	return js.Stream(ctx, name)
}

// lastOfStream is the position of the last event that JetStream holds.
func lastOfStream(ctx context.Context, conn *nats.Conn) (events.Position, error) {
	stream, err := streamOf(ctx, conn)
	if err != nil {
		return 0, err
	}
	return events.Position(stream.CachedInfo().State.LastSeq), nil
}

// printEvent shows the leaf itself as JSON, or a line for people, and what was opened of it.
func (a app) printEvent(r events.Recorded, opened json.RawMessage, form string) error {
	if form == "json" {
		line := r.Leaf
		if len(opened) > 0 {
			line = fmt.Appendf(slices.Clone(line[:len(line)-1]), `,"personal":%s}`, opened)
		}
		_, err := fmt.Fprintf(a.out, "%s\n", line)
		return err
	}
	var leaf struct{ Data json.RawMessage }
	if err := json.Unmarshal(r.Leaf, &leaf); err != nil {
		return err
	}
	if form == "csv" {
		out := csv.NewWriter(a.out)
		err := out.Write(texts(eventRecord(r, leaf.Data, opened).row()))
		out.Flush()
		return errors.Join(err, out.Error())
	}
	_, err := fmt.Fprintf(a.out, "%8d  %s  %-32s %s  by %s %s  %s %s %s\n", r.Position, r.RecordedAt.Local().Format("2006-01-02 15:04:05.000"),
		r.Event.Type(), r.Stream, r.Meta.Actor.Kind, r.Meta.Actor.Name(), leaf.Data, opened, strings.TrimSpace(r.Meta.Reason))
	return err
}

// eventRecord is an event as a line of a spreadsheet.
func eventRecord(r events.Recorded, data, opened json.RawMessage) record {
	var kind events.Type
	if r.Event != nil {
		kind = r.Event.Type()
	}
	return record{
		{"position", r.Position},
		{"recordedAt", r.RecordedAt.UTC().Format(time.RFC3339Nano)},
		{"type", string(kind)},
		{"trail", string(r.Trail)},
		{"trailPosition", r.TrailPosition},
		{"stream", string(r.Stream)},
		{"version", r.Version},
		{"actorKind", string(r.Meta.Actor.Kind)},
		{"actor", r.Meta.Actor.Name()},
		{"reason", r.Meta.Reason},
		{"data", string(data)},
		{"personal", string(opened)},
	}
}

// disclosing asks the service for the personal values of events that have some. NATS carries commitments only.
func disclosing(ctx context.Context, c *client, show func(events.Recorded, json.RawMessage, string) error) func(events.Recorded, json.RawMessage, string) error {
	return func(r events.Recorded, _ json.RawMessage, form string) error {
		if len(events.Personals(r.Event)) == 0 {
			return show(r, nil, form)
		}
		var answer struct {
			Event struct{ Personal json.RawMessage }
		}
		err := c.do(ctx, `query($p: Long!) { event(position: $p) { personal } }`, map[string]any{"p": r.Position}, &answer)
		var refused remoteError
		if errors.As(err, &refused) && refused.Extensions.Code == "NOT_FOUND" || string(answer.Event.Personal) == "null" {
			return show(r, nil, form) // not for the caller, or erased
		}
		if err != nil {
			return fmt.Errorf("open the personal values of event %d: %w", r.Position, err)
		}
		return show(r, answer.Event.Personal, form)
	}
}

func (a app) relayCommand() *cobra.Command {
	c := &cobra.Command{Use: "relay", Short: "The stream on JetStream"}
	var sure bool
	rebuild := &cobra.Command{
		Use: "rebuild --yes", Short: "Delete the stream and publish the log anew; subscribers begin again",
	}
	rebuild.Flags().BoolVar(&sure, "yes", false, "do it")
	out := outputFlag(rebuild, "table", "json", "csv")
	rebuild.RunE = func(c *cobra.Command, _ []string) error {
		if !sure {
			return usage("this deletes the stream on JetStream and publishes the whole log again; find out first why it differs, then repeat with --yes")
		}
		return a.rebuildRelay(c.Context(), *out)
	}
	c.AddCommand(rebuild, a.relayReaderCommand())
	return c
}

func (a app) rebuildRelay(ctx context.Context, form string) error {
	settings, err := a.config()
	if err != nil {
		return err
	}
	logger := telemetry.NewLogger(a.err, settings.LogFormat, settings.Level)
	return a.withStore(ctx, func(ctx context.Context, s *service.Store) error {
		bar := a.progress("publishing", "events")
		last, err := service.RebuildRelay(ctx, settings, s, logger, func(done, head events.Position) { bar.at(int64(done), int64(head)) })
		bar.end()
		if err != nil {
			return err
		}
		return a.tell(form, record{{"published", last}}, "The stream is made anew and holds the log up to position %d.", last)
	})
}
