// Package httpd is the service's HTTP interface: who calls, what is bounded, how
// health is told, and how the server drains.
package httpd

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"slices"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"
	"go.opentelemetry.io/otel/trace"
	"golang.org/x/sync/singleflight"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/console"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/graphql/graphiql"
)

// Check is one line of /readyz.
type Check struct {
	Name   string `json:"name"`
	OK     bool   `json:"ok"`
	Detail string `json:"detail,omitempty"`
}

// Public says what the public interface is made of.
type Public struct {
	Query        http.Handler // GraphQL, behind authentication
	Auth         *Authenticator
	Verification Paths        // what proxies and resource servers ask; nil: none
	Sealed       http.Handler // the log of epochs, for everyone
	Pack         http.Handler // evidence packs, behind authentication; nil: none
	SignIn       http.Handler // below /v1/: people sign in and out; nil: nobody does
	SCIM         http.Handler // for identity providers; authenticates by itself
	Ready        func(ctx context.Context) []Check
	Ending       Ending
	Tracer       trace.Tracer        // makes a span of every request; nil: nothing is traced
	Requests     *telemetry.Requests // measures them; nil: nothing does
	Logger       *slog.Logger
}

// Paths is a handler of paths that it knows itself.
type Paths interface {
	http.Handler
	Serves(path string) bool
}

// Handler is the public interface.
func (p Public) Handler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("/query", p.Auth.Wrap(p.Query))
	if p.SignIn != nil {
		for _, path := range []string{"/v1/login", "/v1/login/", "/v1/logout", "/v1/invitation", "/v1/sso/"} {
			mux.Handle(path, p.SignIn)
		}
	}
	page := graphiql.Handler("/query")
	mux.Handle(graphiql.Path, page)
	mux.Handle(graphiql.Path+"/", page)
	mux.Handle("/", console.Handler())
	if p.SCIM != nil {
		mux.Handle("/scim/v2/", p.SCIM)
	}
	if p.Pack != nil {
		mux.Handle("GET /v1/audit/pack", p.Auth.Wrap(p.Pack))
	}
	sealed := bounded(p.Sealed, p.Auth.Proxies, p.Auth.Rooms)
	mux.Handle("GET /checkpoint", sealed)
	mux.Handle("GET /tile/", sealed)
	mux.HandleFunc("GET /livez", func(w http.ResponseWriter, _ *http.Request) { _, _ = w.Write([]byte("ok\n")) })
	p.Ready = together(p.Ready)
	mux.HandleFunc("GET /readyz", p.readyz)
	inner := secure(recovered(p.Ending.letsGo(before(p.Verification, mux)), p.Logger))
	return hurried(observe(inner, p.Tracer, p.Requests, p.Logger))
}

// before asks the paths first. The mux redirects a path that it finds unclean,
// and a proxy that asks about such a request must not be sent elsewhere.
func before(paths Paths, next http.Handler) http.Handler {
	if paths == nil {
		return next
	}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if paths.Serves(r.URL.Path) {
			paths.ServeHTTP(w, r)
			return
		}
		next.ServeHTTP(w, r)
	})
}

// together lets whoever asks while the checks run have their outcome, too: they ask the
// database, and anyone may ask for them.
func together(ready func(context.Context) []Check) func(context.Context) []Check {
	var running singleflight.Group
	return func(ctx context.Context) []Check {
		checks, _, _ := running.Do("", func() (any, error) { return ready(context.WithoutCancel(ctx)), nil })
		return checks.([]Check)
	}
}

// readyz answers 200 when every check is good, else 503, and says which is not.
func (p Public) readyz(w http.ResponseWriter, r *http.Request) {
	checks := slices.Concat(p.Ready(r.Context()), []Check{p.Ending.check()})
	status := http.StatusOK
	for _, c := range checks {
		if !c.OK {
			status = http.StatusServiceUnavailable
		}
	}
	w.Header().Set("Cache-Control", "no-store")
	writeJSON(w, status, map[string]any{"ready": status == http.StatusOK, "checks": checks})
}

// Admin is the interface for operators alone: metrics and profiles.
func Admin(registry *prometheus.Registry) http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry, promhttp.HandlerOpts{}))
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/cmdline", pprof.Cmdline)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/symbol", pprof.Symbol)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	return mux
}

// Values of headers that all answers share. Nothing writes into them.
var (
	nosniff    = []string{"nosniff"}
	noReferrer = []string{"no-referrer"}
	deny       = []string{"DENY"}
	onlyTLS    = []string{"max-age=31536000"} // of this host alone: what its neighbours serve is not known here
)

// secure sets the headers that every answer has.
func secure(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h["X-Content-Type-Options"] = nosniff
		h["Referrer-Policy"] = noReferrer
		h["X-Frame-Options"] = deny
		if r.TLS != nil {
			h["Strict-Transport-Security"] = onlyTLS
		}
		next.ServeHTTP(w, r)
	})
}

// recovered turns a panic into one line of log and an answer without detail.
func recovered(next http.Handler, logger *slog.Logger) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			if p := recover(); p != nil {
				if err, ok := p.(error); ok && errors.Is(err, http.ErrAbortHandler) {
					panic(p)
				}
				logger.ErrorContext(r.Context(), "a request panicked", "path", r.URL.Path, "panic", p)
				writeError(w, http.StatusInternalServerError, "INTERNAL_SERVER_ERROR", "Something went wrong; the log knows more.")
			}
		}()
		next.ServeHTTP(w, r)
	})
}

func writeJSON(w http.ResponseWriter, status int, v any) {
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(v)
}

// writeError answers in the shape of a GraphQL error, which every client reads.
func writeError(w http.ResponseWriter, status int, code, message string) {
	writeJSON(w, status, map[string]any{"errors": []any{map[string]any{
		"message": message, "extensions": map[string]any{"code": code},
	}}})
}

// drainLimit is how long requests under way may take once the service ends.
const drainLimit = 20 * time.Second

// Serve answers on the listener until ctx ends, and then lets the requests under
// way finish. A stream, which would not, learns of it by [Draining].
func Serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger) error {
	return serve(ctx, l, h, logger, patience{header: 10 * time.Second, request: time.Minute, idle: 2 * time.Minute})
}

// patience is how long a client may take to send a header, a whole request, and
// the next one.
type patience struct{ header, request, idle time.Duration }

func serve(ctx context.Context, l net.Listener, h http.Handler, logger *slog.Logger, p patience) error {
	base, endStreams := context.WithCancel(context.WithoutCancel(ctx))
	defer endStreams()
	server := &http.Server{
		Handler:           h,
		ReadHeaderTimeout: p.header,
		ReadTimeout:       p.request,
		IdleTimeout:       p.idle,
		MaxHeaderBytes:    32 << 10,
		ErrorLog:          slog.NewLogLogger(logger.Handler(), slog.LevelDebug),
		BaseContext:       func(net.Listener) context.Context { return withDraining(base, ctx) },
	}
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
	}
	limit, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainLimit)
	defer cancel()
	err := server.Shutdown(limit)
	endStreams()
	if err != nil {
		err = errors.Join(err, server.Close())
	}
	if served := <-ended; !errors.Is(served, http.ErrServerClosed) {
		err = errors.Join(err, served)
	}
	return err
}

type drainingKey struct{}

func withDraining(base, serving context.Context) context.Context {
	return context.WithValue(base, drainingKey{}, serving.Done())
}

// Draining is closed when the service begins to end, so that a stream, which
// would never finish by itself, can.
func Draining(ctx context.Context) <-chan struct{} {
	done, _ := ctx.Value(drainingKey{}).(<-chan struct{})
	return done
}
