// Overload: what is refused before it costs anything, and how long a client may take.

package httpd

import (
	"io"
	"net"
	"net/http"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/failures"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/fair"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Rooms are the places of requests, shared by organization where the caller is known.
// Verification has none: its uses wait for the log, which has places of its own,
// and a refusal is never kept waiting or refused as too much.
type Rooms struct {
	Requests *fair.Room[uuid.UUID]
	// Long is for what goes on for as long as it is read: subscriptions and packs.
	Long *fair.Room[uuid.UUID]
	// Anyone is for requests without credentials, by source.
	Anyone *fair.Room[netip.Prefix]
	// Refusals are of those who find no place, here or in the log's queue.
	Refusals *Refusals
}

// NewRooms are those of a service.
func NewRooms() Rooms {
	return Rooms{
		Requests: &fair.Room[uuid.UUID]{Most: 1536, Least: 96, Target: 500 * time.Millisecond},
		Long:     &fair.Room[uuid.UUID]{Most: 1536},
		Anyone:   &fair.Room[netip.Prefix]{Most: 192},
		Refusals: &Refusals{},
	}
}

// Enter takes a place for a request of an organization's, which it gives back by
// leave; the answer goes through the writer that it gives.
func (r Rooms) Enter(of uuid.UUID, w http.ResponseWriter, request *http.Request) (out http.ResponseWriter, leave func(), ok bool) {
	if strings.Contains(request.Header.Get("Accept"), "text/event-stream") || strings.HasPrefix(request.URL.Path, "/v1/audit/") {
		return w, func() { r.Long.Leave(of) }, r.Long.Enter(of)
	}
	if !r.Requests.Enter(of) {
		return w, nil, false
	}
	began, p := time.Now(), &paced{ResponseWriter: w}
	request.Body = pacedBody{request.Body, p}
	return p, func() { r.Requests.Answered(of, time.Since(began)-p.client) }, true
}

// paced leaves out of an answer's time what the client takes to send the body and to
// read the answer: who is slow himself must not pass for a service that is, which would
// take places from everybody.
type paced struct {
	http.ResponseWriter
	client time.Duration
}

func (p *paced) waited(since time.Time) { p.client += time.Since(since) }

// Write implements [http.ResponseWriter].
func (p *paced) Write(b []byte) (int, error) {
	defer p.waited(time.Now())
	return p.ResponseWriter.Write(b)
}

// Unwrap lets [http.ResponseController] flush and set deadlines.
func (p *paced) Unwrap() http.ResponseWriter { return p.ResponseWriter }

type pacedBody struct {
	io.ReadCloser
	of *paced
}

// Read implements [io.Reader].
func (b pacedBody) Read(into []byte) (int, error) {
	defer b.of.waited(time.Now())
	return b.ReadCloser.Read(into)
}

// payer is whose share a request comes out of: an organization's where the caller
// belongs to it, whatever he names in a header, else his own.
func payer(s verifier.Subject) uuid.UUID {
	switch {
	case s.Kind == events.OrganizationKind, slices.Contains(s.Organizations, s.Organization):
		return s.Organization
	case s.User != uuid.Nil:
		return s.User
	}
	return s.Token
}

// Busy refuses a request because of how many there are.
func (r Rooms) Busy(w http.ResponseWriter, request *http.Request) {
	r.Refusals.Hold(request.Context())
	w.Header().Set("Retry-After", "1")
	writeError(w, http.StatusServiceUnavailable, "UNAVAILABLE", "There are more requests than can be answered in time; nothing was done, try again in a moment.")
}

// bounded lets so many requests through at a time that come without credentials
// and ask the database.
func bounded(next http.Handler, proxies []netip.Prefix, rooms Rooms) http.Handler {
	room := &fair.Room[netip.Prefix]{Most: 96, Least: 12, Target: 500 * time.Millisecond}
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		source := failures.Network(clientAddress(r, proxies))
		if !room.Enter(source) {
			rooms.Busy(w, r)
			return
		}
		began := time.Now()
		defer func() { room.Answered(source, time.Since(began)) }()
		next.ServeHTTP(w, r)
	})
}

func sourceOf(remote string) netip.Prefix {
	peer, _ := netip.ParseAddrPort(remote)
	return failures.Network(peer.Addr())
}

// NotDecoded is what is said of a body that is compressed.
const NotDecoded = "Send the body as it is, without Content-Encoding; nothing is decompressed here."

// Encoded reports whether a body is compressed. None is taken: what is bounded by
// its size must not become more.
func Encoded(h http.Header) bool {
	encoding := strings.TrimSpace(strings.Join(h.Values("Content-Encoding"), ","))
	return encoding != "" && !strings.EqualFold(encoding, "identity")
}

// readWithin is how long a client may take to read an answer. What is longer, such
// as a pack or a subscription, sets limits of its own with every part of it.
const readWithin = time.Minute

// hurried keeps a client that does not read from holding an answer, and what it
// came from, for good.
func hurried(next http.Handler) http.Handler { return hurriedBy(readWithin, next) }

func hurriedBy(within time.Duration, next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		// The one writer without deadlines is that of tests.
		_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(within))
		next.ServeHTTP(w, r)
	})
}

// mostConnections is how many there may be at a time, to bound memory and files.
// One source may hold two thirds of them, and proxies are one source.
const mostConnections = 12288

// Guarded is a listener that closes connections of which there are too many.
type Guarded struct {
	net.Listener
	room *fair.Room[netip.Prefix]
}

// Guard bounds a listener's connections. It stands below TLS, which costs something
// before a connection is known.
func Guard(l net.Listener) *Guarded { return guard(l, mostConnections) }

func guard(l net.Listener, most int) *Guarded {
	return &Guarded{l, &fair.Room[netip.Prefix]{Most: most}}
}

// State tells how many connections there are.
func (g *Guarded) State() fair.State { return g.room.State() }

// Accept implements [net.Listener].
func (g *Guarded) Accept() (net.Conn, error) {
	for {
		conn, err := g.Listener.Accept()
		if err != nil {
			return nil, err
		}
		source := sourceOf(conn.RemoteAddr().String())
		if g.room.Enter(source) {
			return &counted{Conn: conn, leave: sync.OnceFunc(func() { g.room.Leave(source) })}, nil
		}
		_ = conn.Close()
	}
}

// counted is a connection that gives its place back when it is closed.
type counted struct {
	net.Conn
	leave func()
}

// Close implements [net.Conn].
func (c *counted) Close() error {
	defer c.leave()
	return c.Conn.Close()
}
