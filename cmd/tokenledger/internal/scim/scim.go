// Package scim is the interface of identity providers: SCIM 2.0 (RFC 7643 and
// 7644) for the users of one organization, which is that of the token that calls.
//
// A user is there for the provider while he is a member, and after that as long
// as the provider names him. What it may do is decided by aggregate: it makes,
// changes and ends memberships with the role member, and no others.
package scim

import (
	"context"
	"log/slog"
	"net/http"
	"net/netip"
	"time"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Prefix is where the interface stands.
const Prefix = "/scim/v2/"

// Directory is what the interface does.
type Directory interface {
	Provision(ctx context.Context, call aggregate.Call, in aggregate.Provision) (aggregate.Made, error)
	Deprovision(ctx context.Context, call aggregate.Call, in aggregate.Provision) (aggregate.Made, error)
}

// Views is what it reads, once that includes all of the log.
type Views interface {
	WaitDirectory(ctx context.Context, p events.Position) error
	Provisioned(ctx context.Context, q projections.ProvisionedQuery) ([]projections.ProvisionedRow, int64, error)
}

// Verifier decides about the token that calls, and records its use.
type Verifier interface {
	Verify(ctx context.Context, q verifier.Query) (verifier.Decision, error)
}

// Log tells how far the log has come.
type Log interface {
	Head(ctx context.Context) (events.Position, error)
}

// Config says what the interface works with. Limits, Now and Logger may be nil.
type Config struct {
	Directory Directory
	Views     Views
	Verifier  Verifier
	Log       Log
	Proxies   []netip.Prefix   // whose word about the original request is taken
	Limits    *failures.Limits // of failed attempts
	Rooms     httpd.Rooms      // of requests under way; the zero one has room for everybody
	Now       func() time.Time
	Logger    *slog.Logger
}

// handler is the interface at work.
type handler struct {
	Config
	mux http.ServeMux
}

// New makes the handler of everything below [Prefix].
func New(c Config) http.Handler {
	h := &handler{Config: c}
	if h.Now == nil {
		h.Now = time.Now
	}
	if h.Logger == nil {
		h.Logger = slog.New(slog.DiscardHandler)
	}
	read := func(name string, run func(*call) error) http.HandlerFunc {
		return h.handle(operation{name, aggregate.OpReadProvisioned, run})
	}
	write := func(name string, run func(*call) error) http.HandlerFunc {
		return h.handle(operation{name, aggregate.OpProvision, run})
	}
	for pattern, route := range map[string]http.HandlerFunc{
		"GET " + Prefix + "ServiceProviderConfig": read("scim.config", serviceProviderConfig),
		"GET " + Prefix + "ResourceTypes":         read("scim.config", resourceTypes),
		"GET " + Prefix + "ResourceTypes/{id}":    read("scim.config", resourceType),
		"GET " + Prefix + "Schemas":               read("scim.config", schemas),
		"GET " + Prefix + "Schemas/{id}":          read("scim.config", schema),
		"GET " + Prefix + "Users":                 read("scim.users.list", h.list),
		"POST " + Prefix + "Users/.search":        read("scim.users.list", h.search),
		"POST " + Prefix + "Users":                write("scim.users.create", h.create),
		"GET " + Prefix + "Users/{id}":            read("scim.users.get", h.get),
		"PUT " + Prefix + "Users/{id}":            write("scim.users.replace", h.replace),
		"PATCH " + Prefix + "Users/{id}":          write("scim.users.patch", h.patch),
		"DELETE " + Prefix + "Users/{id}":         write("scim.users.delete", h.remove),
	} {
		h.mux.HandleFunc(pattern, route)
	}
	for _, absent := range []string{"Me", "Bulk"} {
		h.mux.HandleFunc(Prefix+absent, func(w http.ResponseWriter, _ *http.Request) {
			fail(w, &problem{status: http.StatusNotImplemented, detail: "This service does not have " + absent + "."})
		})
	}
	for _, path := range []string{"Users", "Users/{id}", "ServiceProviderConfig", "ResourceTypes", "Schemas"} {
		h.mux.HandleFunc(Prefix+path, func(w http.ResponseWriter, r *http.Request) {
			fail(w, &problem{status: http.StatusMethodNotAllowed, detail: r.Method + " is not possible here."})
		})
	}
	h.mux.HandleFunc(Prefix, func(w http.ResponseWriter, _ *http.Request) {
		fail(w, notFound("There is no such resource type."))
	})
	return h
}

// maxBody bounds a request; a user is far smaller.
const maxBody = 256 << 10

// ServeHTTP implements [http.Handler].
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	r.Body = http.MaxBytesReader(w, r.Body, maxBody)
	h.mux.ServeHTTP(w, r)
}
