// How the service is: the checks of /readyz and the gauges of /metrics.

package service

import (
	"context"
	"fmt"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/fair"
)

// lagLimit is how far a projection may be behind before the service is not
// ready. A service that starts must first know what stood in the log then.
const lagLimit = 100_000

// current reports whether a reader of the log at a position is near enough to the head.
func (l *ledger) current(head, at events.Position) bool {
	return at >= l.began && head-at <= lagLimit
}

const checkLimit = 2 * time.Second

// ready runs every check.
func (l *ledger) ready(ctx context.Context) []httpd.Check {
	ctx, cancel := context.WithTimeout(ctx, checkLimit)
	defer cancel()
	head, err := l.store.Log.Head(ctx)
	checks := []httpd.Check{{Name: "postgres", OK: err == nil, Detail: detail(err, "head %d", head)}}
	migrated := l.store.Log.Check(ctx)
	checks = append(checks, httpd.Check{Name: "migrations", OK: migrated == nil, Detail: detail(migrated, "applied")})
	relay := l.relay.Status()
	checks = append(checks, httpd.Check{
		// A stream that holds nothing is one that the relay has yet to make.
		Name: "nats", OK: relay.Connected && relay.Halted == nil && relay.Position > 0,
		Detail: detail(relay.Halted, "published %d", relay.Position),
	})
	verified := l.verifier.Position()
	checks = append(checks, httpd.Check{
		Name: "verifier", OK: l.verifier.Ready() && l.current(head, verified), Detail: fmt.Sprintf("position %d, lag %d", verified, lag(head, verified)),
	})
	for _, s := range l.models.Runner.Status() {
		checks = append(checks, httpd.Check{
			Name: "projection " + s.Name, OK: s.Err == nil && s.Active && l.current(head, s.Position),
			Detail: detail(s.Err, "position %d, lag %d", s.Position, lag(head, s.Position)),
		})
	}
	return append(checks, l.sealed(), l.audited())
}

func lag(head, at events.Position) events.Position { return max(0, head-at) }

// behind looks at the relay, the verifier and every read model.
func (l *ledger) behind(ctx context.Context) (events.Position, error) {
	head, err := l.store.Log.Head(ctx)
	if err != nil {
		return 0, err
	}
	last := min(l.relay.Status().Position, l.verifier.Position())
	for _, s := range l.models.Runner.Status() {
		if s.Err != nil {
			return 0, fmt.Errorf("the read model %s stands still: %w", s.Name, s.Err)
		}
		last = min(last, s.Position)
	}
	return lag(head, last), nil
}

func detail(err error, format string, args ...any) string {
	if err != nil {
		return err.Error()
	}
	return fmt.Sprintf(format, args...)
}

// measure registers the gauges. Each reads what the parts hold in memory, so
// that a scrape costs no query.
func (l *ledger) measure(r prometheus.Registerer) {
	l.measureAudit(r)
	r.MustRegister(&l.outstanding)
	telemetry.Gauge(r, "log_position", "Last event of the log that this process knows of.", nil,
		func() float64 { return float64(l.store.Log.Known()) })
	telemetry.Gauge(r, "append_queue_requests", "Appends that wait for a block.", nil,
		func() float64 { return float64(l.store.Log.Queue().Requests) })
	telemetry.Gauge(r, "append_queue_bytes", "Size of the appends that wait for a block.", nil,
		func() float64 { return float64(l.store.Log.Queue().Bytes) })
	telemetry.Gauge(r, "verifier_ready", "1 once the verifier's memory is filled.", nil,
		func() float64 { return truth(l.verifier.Ready()) })
	telemetry.Gauge(r, "verifier_lag_events", "Events that this process knows of and its verifier does not.", nil,
		func() float64 { return float64(lag(l.store.Log.Known(), l.verifier.Position())) })
	telemetry.Gauge(r, "verifier_position", "Last event that the verifier knows of.", nil,
		func() float64 { return float64(l.verifier.Position()) })
	telemetry.Gauge(r, "verifier_tokens", "Tokens in the verifier's memory.", nil,
		func() float64 { return float64(l.verifier.Tokens()) })
	telemetry.Gauge(r, "relay_position", "Last event that JetStream holds.", nil,
		func() float64 { return float64(l.relay.Status().Position) })
	telemetry.Gauge(r, "relay_lag_events", "Events that JetStream does not hold yet.", nil,
		func() float64 { return float64(l.relay.Status().Lag) })
	telemetry.Gauge(r, "relay_halted", "1 while the relay has halted and waits for a person.", nil,
		func() float64 { return truth(l.relay.Status().Halted != nil) })
	telemetry.Gauge(r, "nats_connected", "1 while the broker is connected.", nil,
		func() float64 { return truth(l.relay.Status().Connected) })
	l.measureSealer(r)
	l.measureKeys(r)
	l.measurePlaces(r)
	l.shown.measure(r)
	for _, s := range l.models.Runner.Status() {
		name := s.Name
		read := func(of func(position events.Position, failed bool) float64) func() float64 {
			return func() float64 {
				for _, s := range l.models.Runner.Status() {
					if s.Name == name {
						return of(s.Position, s.Err != nil)
					}
				}
				return 0
			}
		}
		labels := prometheus.Labels{"projection": name}
		telemetry.Gauge(r, "projection_position", "Last event that the projection has applied.", labels,
			read(func(p events.Position, _ bool) float64 { return float64(p) }))
		telemetry.Gauge(r, "projection_lag_events", "Events that this process knows of and the projection has not applied.", labels,
			read(func(p events.Position, _ bool) float64 { return float64(lag(l.store.Log.Known(), p)) }))
		telemetry.Gauge(r, "projection_stopped", "1 while the projection cannot apply an event.", labels,
			read(func(_ events.Position, failed bool) float64 { return truth(failed) }))
	}
}

// measurePlaces tells what is refused because of how much there is.
func (l *ledger) measurePlaces(r prometheus.Registerer) {
	for of, state := range map[string]func() fair.State{
		"appends": l.store.Log.Waiting, "requests": l.rooms.Requests.State, "long": l.rooms.Long.State,
		"connections": l.connections.State,
	} {
		labels := prometheus.Labels{"of": of}
		telemetry.Gauge(r, "places_limit", "How many may be under way at present.", labels, func() float64 { return float64(state().Limit) })
		telemetry.Gauge(r, "places_taken", "How many are under way.", labels, func() float64 { return float64(state().Inside) })
		telemetry.Gauge(r, "places_refused", "How many were refused since the start.", labels, func() float64 { return float64(state().Refused) })
	}
}

func truth(b bool) float64 {
	if b {
		return 1
	}
	return 0
}
