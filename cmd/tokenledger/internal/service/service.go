// Running the service: what starts in which order, what owns every goroutine,
// and how all of it ends with every accepted append answered.

package service

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"runtime/debug"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/graphql"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Started tells where a service that is ready can be reached.
type Started struct {
	URL      string
	AdminURL string
	NATSURL  string // empty where nothing listens

	// Log takes appends while the service runs.
	Log *eventstore.Log
	// Behind is how many events the last of those that follow the log has yet to see.
	Behind func(context.Context) (events.Position, error)
}

// ErrNotInitialized is returned by Run, with external services, before `init`.
var ErrNotInitialized = errors.New("this log has no administrator yet; run `tokenledger init --organization NAME --email ADDRESS` once, with the same settings")

// Run is the service. It returns when ctx ends and everything has drained, or
// when a part of it fails. started is called once, when /readyz first answers 200.
func Run(ctx context.Context, c config.Config, logger *slog.Logger, started func(Started)) (err error) {
	public, err := listen(c.Listen, "TOKENLEDGER_LISTEN")
	if err != nil {
		return err
	}
	defer public.Close()
	admin, err := listen(c.AdminListen, "TOKENLEDGER_ADMIN_LISTEN")
	if err != nil {
		return err
	}
	defer admin.Close()
	shown, err := certificate(c)
	if err != nil {
		return err
	}
	for _, setting := range c.InClear() {
		logger.WarnContext(ctx, "a connection to another host is not by TLS with its certificate verified: "+
			"whoever is on the way can read it, and answer in its place", "setting", setting)
	}
	watch, err := newObservers(ctx, logger)
	if err != nil {
		return err
	}
	defer watch.tracing.Close()
	store, err := openStore(ctx, c, watch, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if err := ensureInitialized(ctx, c, store, logger); err != nil {
		return err
	}
	broker, err := openBroker(ctx, c, logger)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, broker.close()) }()
	l, err := assemble(ctx, c, store, broker, watch, logger)
	if err != nil {
		return err
	}
	l.shown, l.connections = shown, public
	defer l.models.Pool.Close()
	defer l.evidence.Close()
	return l.run(ctx, shown.over(public, true), shown.over(admin, c.AdminTLS), started)
}

func listen(address, variable string) (*httpd.Guarded, error) {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return nil, fmt.Errorf("%w; free the address or set %s to another", err, variable)
	}
	return httpd.Guard(l), nil
}

// ensureInitialized makes the embedded default's first organization; with
// external services that is a person's decision.
func ensureInitialized(ctx context.Context, c config.Config, s *Store, logger *slog.Logger) error {
	done, err := Initialized(ctx, s)
	if err != nil || done {
		return err
	}
	if !c.Embedded() {
		return ErrNotInitialized
	}
	if err := Initialize(ctx, c, s, "Demo", "admin@example.com"); err != nil {
		return err
	}
	logger.InfoContext(ctx, "made the organization Demo and its owner admin@example.com", "token_file", c.AdminTokenFile())
	return nil
}

// ledger is the assembled service.
type ledger struct {
	config   config.Config
	logger   *slog.Logger
	watch    observers
	store    *Store
	broker   *broker
	shown    served
	began    events.Position // head of the log when the service started
	models   *ReadModels
	verifier *verifier.Verifier
	relay    *jetstream.Relay
	sealer   *sealer.Sealer
	evidence *sealer.Reader
	cosigner *sealer.Cosigner
	erasures *erasures
	erased   events.Position // by the list of erasures, at the start
	audit    selfAudit
	query    http.Handler

	outstanding outstanding
	connections *httpd.Guarded // to the HTTP interface

	directory *aggregate.Directory
	limits    *failures.Limits
	rooms     httpd.Rooms
}

func assemble(ctx context.Context, c config.Config, s *Store, b *broker, watch observers, logger *slog.Logger) (*ledger, error) {
	l := &ledger{config: c, logger: logger, watch: watch, store: s, broker: b, limits: failures.New(nil), rooms: httpd.NewRooms(), erasures: erasuresOf(c.Checkpoints(), s)}
	var err error
	if l.erased, err = l.erasures.apply(ctx, s, logger); err != nil {
		return nil, err
	}
	if l.began, err = s.Log.Head(ctx); err != nil {
		return nil, err
	}
	if l.models, err = openReadModels(ctx, s.URL, c, s.Log, watch, logger); err != nil {
		return nil, err
	}
	snapshots, err := projections.NewVerifierSnapshots(ctx, l.models.Pool)
	if err != nil {
		return nil, err
	}
	sealer, err := s.Ring.Sealer("verifier snapshot")
	if err != nil {
		return nil, err
	}
	l.verifier = verifier.New(verifier.Config{
		Log: s.Log, Sources: l.models.Views, Peppers: s.Peppers, Logger: logger, SignIn: c.OIDCIssuer != "",
		Snapshots: snapshots, Sealer: sealer, Span: watch.span,
	})
	l.relay = jetstream.NewRelay(jetstream.RelayConfig{
		Log: retained{s.Log}, Conn: b.conn, Replicas: c.NATSReplicas, Buffered: c.EmbeddedNATS(), Tracer: watch.tracer, Logger: logger,
	})
	if l.sealer, err = newSealer(c, s, b.conn, logger); err != nil {
		return nil, err
	}
	if l.evidence, err = OpenSealed(ctx, c, s); err != nil {
		return nil, err
	}
	l.cosigner = newCosigner(c, l.evidence, l.sealer, logger)
	tokens := &aggregate.Tokens{Handler: &aggregate.Handler{Log: s.Log, Span: watch.span}, Peppers: s.Peppers}
	l.directory = &aggregate.Directory{Tokens: tokens, Erasures: l.erasures, Index: l.models.Views}
	l.query, err = graphql.New(graphql.Config{
		Tokens:        tokens,
		Directory:     l.directory,
		Views:         l.models.Views,
		Fresh:         l.models.Views,
		Verifier:      verification{l.verifier, l.limits},
		Uses:          uses{l.verifier},
		Proofs:        proofs{l.evidence},
		Webhooks:      hooks{l},
		Trials:        trials{l.verifier},
		Log:           s.Log,
		CheckTarget:   l.guard().Check,
		PublicURL:     c.PublicURL,
		Introspection: c.PublicSchema(),
		Draining:      httpd.Draining,
		Span:          watch.span,
		Logger:        logger,
	})
	return l, err
}

// run starts every part under one group. HTTP ends first, so that the rest is
// still there for the requests under way; the log ends last.
func (l *ledger) run(ctx context.Context, public, admin net.Listener, started func(Started)) error {
	parts, stopParts := context.WithCancel(context.WithoutCancel(ctx))
	defer stopParts()
	var group errgroup.Group
	failed, fail := context.WithCancel(context.WithoutCancel(ctx))
	defer fail()
	part := func(name string, run func(context.Context) error) {
		group.Go(func() error {
			err := run(parts)
			if parts.Err() == nil { // a part that ends by itself takes the service with it
				fail()
				if err == nil {
					err = errors.New("ended unasked")
				}
			}
			if err != nil && !errors.Is(err, context.Canceled) {
				return fmt.Errorf("%s: %w", name, err)
			}
			return nil
		})
	}
	part("log", l.store.Log.Run)
	part("projections", l.models.Runner.Run)
	part("verifier", l.verifier.Run)
	part("relay", l.runRelay)
	part("tick", l.tick)
	part("sealer", l.sealer.Run)
	part("witnesses", l.cosigner.Run)
	part("database", l.store.watch)
	part("keys", func(ctx context.Context) error { return l.store.followKeys(ctx, l.logger) })
	part("certificate", func(ctx context.Context) error { return l.shown.follow(ctx, l.logger) })
	part("scheduler", l.runScheduler)
	part("self-audit", l.runAudit)
	part("findings", l.runAnnouncer)
	part("webhooks", l.runWebhooks)
	part("metrics", l.runOutstanding)
	group.Go(func() error {
		defer stopParts()
		return l.serve(ctx, failed, public, admin, started)
	})
	return group.Wait()
}

// relookEvery is how often a relay that has halted looks whether a person has mended
// the stream.
const relookEvery = 5 * time.Second

// runRelay keeps a halted relay from ending the service: the log and its uses go
// on, /readyz and the metrics say what happened, and a person decides. The relay
// goes on by itself once the stream is that of the log again.
func (l *ledger) runRelay(ctx context.Context) error {
	relook := time.NewTicker(relookEvery)
	defer relook.Stop()
	for {
		err := l.relay.Run(ctx)
		if ctx.Err() != nil {
			return nil
		}
		if !errors.Is(err, jetstream.ErrDiverged) { // the connection is closed, or the log itself is corrupt
			<-ctx.Done()
			return nil
		}
		select {
		case <-relook.C:
		case <-ctx.Done():
			return nil
		}
	}
}

// tick wakes the other processes when this one appends, and this one when they do.
func (l *ledger) tick(ctx context.Context) error {
	return jetstream.Tick(ctx, l.broker.conn, l.store.Log)
}

// drained ends when the listeners are to close: a while after the service was told to
// end, or at once when a part of it has failed.
func drained(told, failed context.Context, delay time.Duration) (context.Context, context.CancelFunc) {
	ctx, end := context.WithCancel(context.WithoutCancel(told))
	go func() {
		defer end()
		select {
		case <-told.Done():
		case <-failed.Done():
			return
		}
		select {
		case <-time.After(delay):
		case <-failed.Done():
		case <-ctx.Done():
		}
	}()
	return ctx, end
}

// serve answers until the service was told to end and its requests have ended.
func (l *ledger) serve(told, failed context.Context, public, admin net.Listener, started func(Started)) error {
	ctx, end := drained(told, failed, l.config.DrainDelay)
	defer end()
	l.measure(l.watch.registry)
	people, err := l.signIn(l.config.Scheme() + "://" + public.Addr().String())
	if err != nil {
		return err
	}
	handler := httpd.Public{
		Query: l.query,
		Auth: &httpd.Authenticator{
			Verifier: l.verifier, People: people, Proxies: l.config.Proxies, PublicSchema: l.config.PublicSchema(),
			SchemaOnly: graphql.SchemaOnly, WithCaller: withCaller, Limits: l.limits,
			Version: []string{Version()}, Rooms: l.rooms,
		},
		Verification: l.verification(),
		SignIn:       people.Handler(),
		SCIM:         l.provisioning(),
		Sealed:       l.evidence.Handler(l.logger),
		Pack:         http.HandlerFunc(l.pack),
		Ready:        l.ready, Ending: told.Done(), Tracer: l.watch.tracer, Requests: l.watch.requests, Logger: l.logger,
	}.Handler()
	if err := l.forgotten(ctx); err != nil {
		return err
	}
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return httpd.Serve(ctx, public, handler, l.logger) })
	group.Go(func() error { return httpd.Serve(ctx, admin, httpd.Admin(l.watch.registry), l.logger) })
	group.Go(func() error {
		if l.awaitReady(ctx) {
			debug.FreeOSMemory() // what the start took, beside what it made, is not taken again
			started(Started{
				URL: l.config.Scheme() + "://" + public.Addr().String(), AdminURL: l.config.AdminScheme() + "://" + admin.Addr().String(),
				NATSURL: l.natsURL(),
				Log:     l.store.Log, Behind: l.behind,
			})
		}
		return nil
	})
	return group.Wait()
}

func (l *ledger) natsURL() string {
	if l.broker.server != nil {
		return l.broker.server.ClientURL()
	}
	return l.broker.conn.ConnectedUrlRedacted()
}

func (l *ledger) awaitReady(ctx context.Context) bool {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for {
		good := true
		for _, c := range l.ready(ctx) {
			good = good && c.OK
		}
		if good {
			return true
		}
		select {
		case <-ctx.Done():
			return false
		case <-poll.C:
		}
	}
}
