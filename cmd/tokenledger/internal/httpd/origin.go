// Where a request came from, for interfaces that authenticate in a way of their own.

package httpd

import (
	"net/http"
	"net/netip"
)

// Origin is where a request came from and what it is called, as far as it is
// believed. No text in it holds a token's value.
type Origin struct {
	Address   netip.Addr
	Agent     string
	RequestID string
	Trace     string // W3C traceparent
}

// OriginOf reads a request's origin. proxies are those whose word about the
// client is taken.
func OriginOf(r *http.Request, proxies []netip.Prefix) Origin {
	return Origin{Address: clientAddress(r, proxies), Agent: agent(r), RequestID: requestID(r), Trace: traceParent(r)}
}

// FromProxy reports whether the peer is one of the proxies, whose headers about
// the original request are believed.
func FromProxy(r *http.Request, proxies []netip.Prefix) bool {
	peer, err := netip.ParseAddrPort(r.RemoteAddr)
	return err == nil && trusted(peer.Addr().Unmap(), proxies)
}
