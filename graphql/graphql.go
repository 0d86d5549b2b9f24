// Package graphql speaks for the ledger: the schema, its resolvers, and GraphQL over HTTP.
//
// Mutations become use cases of aggregate and are answered from the events that
// those decided. Queries are answered from the projections, which are waited for
// until they include the caller's last change. Everything stays within the one
// organization that a request is for; see [Caller].
package graphql

import (
	"context"
	"errors"
	"iter"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/generated"
	"github.com/tokenledger/tokenledger/projections"
)

// Config says what the interface speaks for. Limits, Draining, Timeout, Now and
// Logger have defaults; everything else is required.
type Config struct {
	Tokens    *aggregate.Tokens
	Directory *aggregate.Directory
	Views     *projections.Views
	Fresh     Fresh
	Log       Follower
	Verifier  Verifier
	Uses      Uses
	Proofs    Proofs // nil: nothing is sealed
	Webhooks  Webhooks
	Trials    PolicyTrials

	// CheckTarget refuses a URL that the installation may not call, with a sentence
	// for whoever named it.
	CheckTarget   func(ctx context.Context, url string) error
	PublicURL     string // where people reach the service, for links; empty: links have a path alone
	Introspection bool   // the schema may be read; where it may not, errors suggest no names either
	Limits        Limits
	// Draining is closed when the service begins to end, so that subscriptions,
	// which would not by themselves, end with it; nil: they end with their request.
	Draining func(ctx context.Context) <-chan struct{}
	Timeout  time.Duration  // of everything but subscriptions; 0: 30 s
	Span     aggregate.Span // begins the part of a trace that an operation is; nil: nothing is traced
	Now      func() time.Time
	Logger   *slog.Logger
}

// Fresh waits for the read models.
type Fresh interface {
	// Wait returns once they include the position, or with an error that wraps
	// [projections.ErrStale] when that takes too long.
	Wait(ctx context.Context, p events.Position) error
}

// Follower is the log as subscriptions follow it.
type Follower interface {
	// Subscribe gives the events behind a position and then those to come, until ctx ends.
	Subscribe(ctx context.Context, after events.Position) iter.Seq2[events.Recorded, error]
	// Head is the position of the last event.
	Head(ctx context.Context) (events.Position, error)
}

func (c Config) validate() error {
	var errs []error
	for name, missing := range map[string]bool{
		"Tokens": c.Tokens == nil, "Directory": c.Directory == nil, "Views": c.Views == nil, "Fresh": c.Fresh == nil,
		"Log": c.Log == nil, "Verifier": c.Verifier == nil, "Uses": c.Uses == nil, "Webhooks": c.Webhooks == nil,
		"Trials": c.Trials == nil, "CheckTarget": c.CheckTarget == nil,
	} {
		if missing {
			errs = append(errs, errors.New("graphql: Config."+name+" is required"))
		}
	}
	return errors.Join(errs...)
}

// handler is the interface at work.
type handler struct {
	tokens    *aggregate.Tokens
	directory *aggregate.Directory
	views     *projections.Views
	fresh     Fresh
	log       Follower
	verifier  Verifier
	uses      Uses
	target    func(ctx context.Context, url string) error
	proofs    Proofs
	hooks     Webhooks
	trials    PolicyTrials
	now       func() time.Time
	logger    *slog.Logger
	timeout   time.Duration
	span      aggregate.Span
	draining  func(ctx context.Context) <-chan struct{}
	open      bool // the schema may be read
	publicURL string
	exec      *executor.Executor
	writes    lastWrites
	lookout   lookout
	streams   chan struct{} // one element for each subscription that is followed
}

// New makes the handler for /query. The HTTP layer before it authenticates and
// puts a [Caller] into the context; a request without one reads at most the schema.
func New(c Config) (http.Handler, error) {
	if err := c.validate(); err != nil {
		return nil, err
	}
	limits := c.Limits.withDefaults()
	h := &handler{
		tokens: c.Tokens, directory: c.Directory, views: c.Views, fresh: c.Fresh, log: c.Log,
		verifier: c.Verifier, uses: c.Uses, target: c.CheckTarget, proofs: c.Proofs, hooks: c.Webhooks, trials: c.Trials, now: c.Now, logger: c.Logger, timeout: c.Timeout, span: c.Span, draining: c.Draining,
		publicURL: strings.TrimSuffix(c.PublicURL, "/"),
		writes:    lastWrites{at: map[events.Actor]events.Position{}},
		streams:   make(chan struct{}, limits.Streams),
	}
	if h.now == nil {
		h.now = time.Now
	}
	if h.logger == nil {
		h.logger = slog.New(slog.DiscardHandler)
	}
	if h.draining == nil {
		h.draining = func(context.Context) <-chan struct{} { return nil }
	}
	if h.timeout == 0 {
		h.timeout = 30 * time.Second
	}
	h.exec = h.newExecutor(limits, c.Introspection)
	return h, nil
}

func (h *handler) newExecutor(limits Limits, introspection bool) *executor.Executor {
	h.open = introspection
	exec := executor.New(generated.NewExecutableSchema(generated.Config{Schema: loadSchema(), Resolvers: root{h}}))
	exec.SetParserTokenLimit(limits.Tokens)
	exec.SetDisableSuggestion(!introspection)
	exec.SetErrorPresenter(h.present)
	exec.SetRecoverFunc(h.recovered)
	seen := &documents{kept: map[string]*ast.QueryDocument{}}
	exec.SetQueryCache(seen)
	exec.Use(&limiter{limits, seen})
	exec.AroundOperations(h.around)
	exec.AroundFields(aroundField)
	exec.AroundResponses(withWarnings)
	return exec
}
