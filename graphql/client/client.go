// The client and what it is asked.

package client

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Config says which ledger is asked, and how hard. Only URL and Token are needed.
type Config struct {
	URL          string       // of the ledger, for example https://ledger.example.com
	Token        string       // a token of the ledger with the scope token:introspect
	Organization string       // for a personal token of several organizations: the one that is meant
	HTTP         *http.Client // default: one with connections of its own
	CAFile       string       // PEM file of the authorities that vouch for the ledger; default: those of the system, or what HTTP trusts
	AllowHTTP    bool         // plain http also to other hosts than this one, as inside a mesh that encrypts

	Timeout   time.Duration // for one call; default 5 s
	MaxBatch  int           // verifications in one call; default 100, which is also the most
	MaxCalls  int           // calls at once; default 2
	MaxQueued int           // verifications that wait for a call; default 10,000
}

// Defaults and bounds.
const (
	defaultTimeout = 5 * time.Second
	maxBatch       = 100
	defaultCalls   = 2
	defaultQueued  = 10_000
	maxValue       = 256 // characters of what could be a token; longer ones are none
)

// Use is what a token is to be used for. Token alone is needed. Without Scope it
// is the Action that tells what the token must be allowed to do, by the ledger's
// registry; without either it must only be valid.
type Use struct {
	Token     string
	Action    string // for example createEvidence
	Resource  string // for example evidence/42
	Scope     string // for example evidence:write
	SourceIP  string // where the request came from
	UserAgent string
	RequestID string // as this program calls the request; the ledger's trail has it, too
}

// Decision is the ledger's answer. If it is not allowed, Code tells why a good
// token may not do this (SCOPE_INSUFFICIENT, ACTION_UNKNOWN, SSO_REQUIRED,
// SOURCE_UNKNOWN, SOURCE_FORBIDDEN, SCOPE_ABOVE_CEILING), and otherwise says no more than
// that the token is no good.
type Decision struct {
	Allowed      bool
	Code         string
	Policy       string // that allows it, or because of which the scope does not suffice
	TokenID      string
	Subject      string // who uses it: the owner of a personal token, else the token
	Organization string
	Scopes       []string
	ExpiresAt    time.Time // zero: never
	Position     int64     // of the use in the ledger's log
	DecisionID   string    // under which the ledger's trail has use or refusal
}

// Forbidden reports whether the token is good and may not do this, which is 403
// and not 401.
func (d Decision) Forbidden() bool {
	switch d.Code {
	case codeScope, codeAction, codeSSO, codeOrganization, codeSourceUnknown, codeSource, codeCeiling:
		return !d.Allowed
	}
	return false
}

// The codes that this package knows.
const (
	codeInvalid      = "TOKEN_INVALID"
	codeScope        = "SCOPE_INSUFFICIENT"
	codeAction       = "ACTION_UNKNOWN"
	codeSSO          = "SSO_REQUIRED"
	codeOrganization = "ORGANIZATION_REQUIRED"

	codeSourceUnknown = "SOURCE_UNKNOWN"
	codeSource        = "SOURCE_FORBIDDEN"
	codeCeiling       = "SCOPE_ABOVE_CEILING"
)

// Errors that say why there is no decision. None means that a token is good.
var (
	// ErrUnavailable is wrapped where the ledger could not be reached or could not decide.
	ErrUnavailable = errors.New("the ledger cannot verify tokens at present")
	// ErrBusy is wrapped where too many verifications wait already.
	ErrBusy = fmt.Errorf("too many verifications wait: %w", ErrUnavailable)
)

// Error is what the ledger refused a call with; see its documentation for codes.
type Error struct {
	Status    int    // of HTTP
	Code      string // for example UNAUTHENTICATED: this program's own token is no good
	Message   string
	Field     string // the input that is at fault, if one is
	RequestID string // under which the ledger's log knows more
}

// Error implements error.
func (e *Error) Error() string {
	text := "the ledger refused the call"
	if e.Code != "" {
		text += " with " + e.Code
	}
	if e.Message != "" {
		text += ": " + e.Message
	}
	if e.RequestID != "" {
		text += " (request " + e.RequestID + ")"
	}
	return text
}

// Is makes a refusal that passes by itself [ErrUnavailable].
func (e *Error) Is(target error) bool {
	return target == ErrUnavailable && (e.Status >= 500 || e.Code == "UNAVAILABLE" || e.Code == "RATE_LIMITED" || e.Code == "INTERNAL_SERVER_ERROR")
}

// Client verifies tokens. It is safe for concurrent use and has nothing to close:
// no goroutine outlives the calls.
type Client struct {
	endpoint string
	config   Config
	http     *http.Client
	queue    queue
}

// New makes a client, or says all that is wrong with its configuration.
func New(c Config) (*Client, error) {
	problems := c.defaults()
	base, err := url.Parse(c.URL)
	switch {
	case err != nil || base.Host == "" || base.Scheme != "http" && base.Scheme != "https":
		problems = append(problems, errors.New("URL: want the ledger's, such as https://ledger.example.com"))
	case base.Scheme == "http" && !c.AllowHTTP && !loopback(base.Hostname()):
		problems = append(problems, errors.New("URL: want https; token values would pass the network in clear (AllowHTTP permits it)"))
	case base.RawQuery != "" || base.User != nil:
		problems = append(problems, errors.New("URL: want no user and no query in it"))
	}
	if c.Token == "" || strings.ContainsFunc(c.Token, func(r rune) bool { return r <= ' ' || r > '~' }) {
		problems = append(problems, errors.New("want a Token of the ledger with the scope token:introspect"))
	}
	trusted, err := c.authorities()
	if err != nil {
		problems = append(problems, err)
	}
	if err := errors.Join(problems...); err != nil {
		return nil, fmt.Errorf("client of the ledger: %w", err)
	}
	client := &Client{endpoint: base.JoinPath("query").String(), config: c, http: withoutRedirects(c.HTTP, trusted, c.MaxCalls)}
	client.queue = queue{send: client.call, maxBatch: c.MaxBatch, maxCalls: c.MaxCalls, maxQueued: c.MaxQueued, timeout: c.Timeout}
	return client, nil
}

func (c *Config) defaults() (problems []error) {
	if c.Timeout == 0 {
		c.Timeout = defaultTimeout
	}
	for _, n := range []struct {
		name        string
		value       *int
		normal, max int
	}{
		{"MaxBatch", &c.MaxBatch, maxBatch, maxBatch},
		{"MaxCalls", &c.MaxCalls, defaultCalls, 1000},
		{"MaxQueued", &c.MaxQueued, defaultQueued, 1_000_000},
	} {
		if *n.value == 0 {
			*n.value = n.normal
		}
		if *n.value < 1 || *n.value > n.max {
			problems = append(problems, fmt.Errorf("%s: want 1 to %d", n.name, n.max))
		}
	}
	if c.Timeout < 0 {
		problems = append(problems, errors.New("want a Timeout above zero"))
	}
	return problems
}

// authorities are those of CAFile; nil: those of the system.
func (c *Config) authorities() (*tls.Config, error) {
	if c.CAFile == "" {
		return nil, nil
	}
	if c.HTTP != nil {
		return nil, errors.New("CAFile: an HTTP client of your own says itself whom it trusts; want one of the two")
	}
	text, err := os.ReadFile(c.CAFile)
	if err != nil {
		return nil, fmt.Errorf("CAFile: %w", err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("CAFile: %s holds no certificate in PEM", c.CAFile)
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

func loopback(host string) bool {
	ip := net.ParseIP(host)
	return host == "localhost" || ip != nil && ip.IsLoopback()
}

// withoutRedirects keeps a call from taking token values to where it is sent on.
func withoutRedirects(given *http.Client, trusted *tls.Config, calls int) *http.Client {
	own := http.Client{Transport: &http.Transport{
		TLSClientConfig: trusted,
		Proxy:           http.ProxyFromEnvironment, MaxIdleConnsPerHost: calls, IdleConnTimeout: 90 * time.Second, ForceAttemptHTTP2: true,
	}}
	if given != nil {
		own = *given
	}
	own.CheckRedirect = func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }
	return &own
}

// Verify asks whether a use is allowed. It returns when the ledger has answered,
// and an allowed use is durable by then; when ctx ends; or when the ledger cannot
// be asked. With an error there is no decision, and the use must be refused.
func (c *Client) Verify(ctx context.Context, u Use) (Decision, error) {
	if err := u.check(); err != nil {
		return Decision{}, err
	}
	if u.Token == "" || len(u.Token) > maxValue || !utf8.ValidString(u.Token) {
		return Decision{Code: codeInvalid}, nil
	}
	return c.queue.ask(ctx, u)
}

// check refuses what the ledger would, so that one use cannot spoil the call that
// it shares with others.
func (u Use) check() error {
	for _, t := range []struct {
		name, text string
		most       int
	}{
		{"Action", u.Action, 128},
		{"Resource", u.Resource, 1024},
		{"Scope", u.Scope, 1024},
		{"UserAgent", u.UserAgent, 1024},
		{"RequestID", u.RequestID, 255},
	} {
		if utf8.RuneCountInString(t.text) > t.most {
			return fmt.Errorf("verify a token: %s has more than %d characters", t.name, t.most)
		}
		if !utf8.ValidString(t.text) || strings.ContainsFunc(t.text, unicode.IsControl) {
			return fmt.Errorf("verify a token: %s has a character that is no text", t.name)
		}
	}
	if u.SourceIP != "" {
		if _, err := netip.ParseAddr(u.SourceIP); err != nil {
			return errors.New("verify a token: SourceIP is no network address such as 192.0.2.1 or 2001:db8::1")
		}
	}
	return nil
}
