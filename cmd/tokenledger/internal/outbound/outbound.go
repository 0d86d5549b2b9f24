// Package outbound is how the service calls addresses that its users chose:
// identity providers and webhooks. What a tenant may name must not become a way
// into the network that the service stands in.
package outbound

import (
	"context"
	"errors"
	"io"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"syscall"
	"time"
)

// Guard says which addresses may be called. The zero Guard allows every public
// one, by https alone, and no other.
type Guard struct {
	// Allowed are networks that may be called although they are not public, and
	// by plain http, too (TOKENLEDGER_ALLOW_PRIVATE_TARGETS).
	Allowed []netip.Prefix
	// MaxResponse bounds the body of an answer, in bytes; 0: 1 MiB. Reading
	// beyond it fails.
	MaxResponse int64
}

// ErrRefused is wrapped by the error of every call and every check that the
// guard refuses, and where a name stands for nothing. It names no address and does
// not say which of the two it is, so that nobody learns what names there are inside.
var ErrRefused = errors.New("the host cannot be found, or its address is loopback, link-local, private or otherwise not public, " +
	"which the installation does not allow")

// ErrScheme is wrapped by the error for a URL that is not https.
var ErrScheme = errors.New("want an https:// URL with a host, and without a user name, a password or a fragment")

// ErrRedirect is wrapped by the error of a call that was sent elsewhere.
var ErrRedirect = errors.New("the answer is a redirect to another host, which is not followed")

// ErrTooLong is returned by reading an answer's body that goes beyond the limit.
var ErrTooLong = errors.New("the answer is too long")

// Check refuses a URL that would not be called, as far as can be said before: by
// its shape, and by all that its host stands for now. What the host stands for
// later is checked at each call.
func (g Guard) Check(ctx context.Context, raw string) error {
	u, err := url.Parse(raw)
	if err != nil || u.Hostname() == "" || u.User != nil || u.Fragment != "" || u.Scheme != "https" && u.Scheme != "http" {
		return ErrScheme
	}
	found, err := net.DefaultResolver.LookupNetIP(ctx, "ip", u.Hostname())
	if err != nil {
		return ErrRefused
	}
	for _, a := range found {
		if err := g.check(a, u.Scheme == "http"); err != nil {
			return err
		}
	}
	return nil
}

// Client gives a client that checks the address of each connection at the moment
// it is made, so that a name cannot come to mean something else in between; it
// follows no redirect to another host, uses no proxy and keeps no cookies.
func (g Guard) Client(timeout time.Duration) *http.Client {
	limit := g.MaxResponse
	if limit == 0 {
		limit = 1 << 20
	}
	return &http.Client{
		Timeout:       timeout,
		Transport:     &transport{open: g.transport(true), secure: g.transport(false), limit: limit},
		CheckRedirect: sameHost,
	}
}

// maxRedirects is how many hops on one host are followed.
const maxRedirects = 3

func sameHost(r *http.Request, via []*http.Request) error {
	first := via[0].URL
	if len(via) > maxRedirects || r.URL.Host != first.Host || r.URL.Scheme != first.Scheme {
		return ErrRedirect
	}
	return nil
}

func (g Guard) transport(plain bool) *http.Transport {
	dialer := &net.Dialer{
		Timeout: 10 * time.Second,
		Control: func(_, address string, _ syscall.RawConn) error {
			target, err := netip.ParseAddrPort(address)
			if err != nil {
				return ErrRefused
			}
			return g.check(target.Addr(), plain)
		},
	}
	return &http.Transport{
		DialContext:           dialer.DialContext,
		ForceAttemptHTTP2:     true,
		MaxIdleConns:          32,
		MaxIdleConnsPerHost:   2,
		IdleConnTimeout:       30 * time.Second,
		TLSHandshakeTimeout:   10 * time.Second,
		ResponseHeaderTimeout: 15 * time.Second,
	}
}

// transport keeps plain calls apart from those by TLS, since they may reach less.
type transport struct {
	open, secure *http.Transport
	limit        int64
}

// RoundTrip implements [http.RoundTripper].
func (t *transport) RoundTrip(r *http.Request) (*http.Response, error) {
	through := t.secure
	if r.URL.Scheme != "https" {
		through = t.open
	}
	resp, err := through.RoundTrip(r)
	if errors.As(err, new(*net.DNSError)) {
		return nil, ErrRefused
	}
	if err != nil {
		return nil, err
	}
	resp.Body = &bounded{ReadCloser: resp.Body, left: t.limit}
	return resp, nil
}

// CloseIdleConnections is what [http.Client.CloseIdleConnections] asks for.
func (t *transport) CloseIdleConnections() {
	t.open.CloseIdleConnections()
	t.secure.CloseIdleConnections()
}

// bounded fails where a limit reader would end: half an answer is no answer.
type bounded struct {
	io.ReadCloser
	left int64
}

func (b *bounded) Read(p []byte) (int, error) {
	if int64(len(p)) > b.left+1 {
		p = p[:b.left+1]
	}
	n, err := b.ReadCloser.Read(p)
	if b.left -= int64(n); b.left < 0 {
		return 0, ErrTooLong
	}
	return n, err
}
