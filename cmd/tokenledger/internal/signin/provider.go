// One OpenID provider: its discovery, its keys, and what is believed of its tokens.

package signin

import (
	"context"
	"crypto/subtle"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
	"golang.org/x/time/rate"

	"github.com/tokenledger/tokenledger/aggregate"
)

const (
	// discoverAgain is how long discovery and keys are kept at most, so that a key
	// that the provider withdrew is forgotten.
	discoverAgain = time.Hour
	// retryAfter keeps a provider that is away from being asked by every request.
	retryAfter = time.Second
	// providerLimit bounds each call to a provider.
	providerLimit = 10 * time.Second
)

// algorithms are the signatures that are taken: none that a public key alone can make.
var algorithms = []string{
	oidc.RS256, oidc.RS384, oidc.RS512, oidc.PS256, oidc.PS384, oidc.PS512,
	oidc.ES256, oidc.ES384, oidc.ES512, oidc.EdDSA,
}

var (
	// errAway: the provider does not answer; nothing is known of the token.
	errAway = errors.New("the identity provider does not answer")
	// errKnownAway: it did not a moment ago, which was logged then.
	errKnownAway = errors.New("not asked again so soon")
	// errUnbelieved: the provider, or whoever poses as it, did not vouch for it.
	errUnbelieved = errors.New("the token is not believed")
)

// account is what a provider vouches for.
type account struct {
	aggregate.Identity
	Email string // verified by the provider; else empty
	Until time.Time
}

// provider is one issuer. It is asked when it is first needed, and again where
// that failed: a provider that is away keeps nothing from starting.
type provider struct {
	issuer string
	client *http.Client

	known atomic.Pointer[discovered]

	turn     chan struct{} // held by whoever asks, and so writes any of this
	failedAt time.Time
	failure  error
}

// discovered is what a provider says of itself.
type discovered struct {
	*oidc.Provider
	keys  oidc.KeySet
	style oauth2.AuthStyle
	at    time.Time
}

func newProvider(issuer string, client *http.Client) *provider {
	return &provider{issuer: issuer, client: client, turn: make(chan struct{}, 1)}
}

// discover gives what is known of the provider, and asks it where that is
// nothing or too old. While it is away the old knowledge goes on to hold, and of
// those who want it one waits for the answer.
func (p *provider) discover(ctx context.Context) (*discovered, error) {
	known := p.known.Load()
	if known.fresh() {
		return known, nil
	}
	if known != nil {
		select {
		case p.turn <- struct{}{}:
		default:
			return known, nil
		}
	} else {
		select {
		case p.turn <- struct{}{}:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
	defer func() { <-p.turn }()
	if known = p.known.Load(); known.fresh() { // by whoever had the turn before
		return known, nil
	}
	asked := time.Since(p.failedAt) >= retryAfter
	if asked {
		found, err := p.ask(ctx)
		if err == nil {
			p.known.Store(found)
			return found, nil
		}
		p.failedAt, p.failure = time.Now(), err // when it failed: to find that out may take longer than the pause
	}
	switch {
	case known != nil:
		return known, nil
	case !asked:
		return nil, fmt.Errorf("%w: %w", errKnownAway, p.failure)
	}
	return nil, p.failure
}

// fresh reports whether this is known, and not too old to be relied on unasked.
func (d *discovered) fresh() bool { return d != nil && time.Since(d.at) < discoverAgain }

func (p *provider) ask(ctx context.Context) (*discovered, error) {
	// Others wait for the answer, too, so one caller's leaving does not end the question.
	ctx, cancel := context.WithTimeout(oidc.ClientContext(context.WithoutCancel(ctx), p.client), providerLimit)
	defer cancel()
	found, err := oidc.NewProvider(ctx, p.issuer)
	if err != nil {
		return nil, fmt.Errorf("%w: ask %s what it is: %w", errAway, p.issuer, err)
	}
	var says struct {
		Keys    string   `json:"jwks_uri"`
		Methods []string `json:"token_endpoint_auth_methods_supported"`
	}
	if err := found.Claims(&says); err != nil {
		return nil, fmt.Errorf("%w: read what %s says of itself: %w", errAway, p.issuer, err)
	}
	style := oauth2.AuthStyleInHeader
	if len(says.Methods) > 0 && !slices.Contains(says.Methods, "client_secret_basic") {
		style = oauth2.AuthStyleInParams
	}
	sparing := &http.Client{Transport: sparing{p.client.Transport, rate.NewLimiter(1, 10)}, Timeout: providerLimit}
	keys := oidc.NewRemoteKeySet(oidc.ClientContext(context.Background(), sparing), says.Keys)
	return &discovered{Provider: found, keys: keySet{keys}, style: style, at: time.Now()}, nil
}

// sparing asks a provider for its keys seldom, however many tokens with unknown
// keys are sent here.
type sparing struct {
	next  http.RoundTripper
	limit *rate.Limiter
}

// RoundTrip implements [http.RoundTripper].
func (s sparing) RoundTrip(r *http.Request) (*http.Response, error) {
	if !s.limit.Allow() {
		return nil, errors.New("the keys were asked for too often")
	}
	return s.next.RoundTrip(r)
}

// keySet tells a signature that is wrong from keys that could not be had, which
// the library's error does not.
type keySet struct{ remote *oidc.RemoteKeySet }

type awayKey struct{}

// VerifySignature implements [oidc.KeySet].
func (k keySet) VerifySignature(ctx context.Context, jwt string) ([]byte, error) {
	payload, err := k.remote.VerifySignature(ctx, jwt)
	if away, ok := ctx.Value(awayKey{}).(*bool); ok && err != nil {
		*away = strings.HasPrefix(err.Error(), "fetching keys")
	}
	return payload, err
}

// verify believes a token of the provider that is meant for one of the
// audiences. The error wraps errAway or errUnbelieved.
func (p *provider) verify(ctx context.Context, raw string, audiences []string) (*oidc.IDToken, error) {
	d, err := p.discover(ctx)
	if err != nil {
		return nil, err
	}
	away := false
	ctx = context.WithValue(ctx, awayKey{}, &away)
	v := oidc.NewVerifier(p.issuer, d.keys, &oidc.Config{SkipClientIDCheck: true, SupportedSigningAlgs: algorithms})
	token, err := v.Verify(ctx, raw)
	switch {
	case away || ctx.Err() != nil:
		return nil, fmt.Errorf("%w: its keys: %w", errAway, err)
	case err != nil:
		return nil, fmt.Errorf("%w: %w", errUnbelieved, err)
	case !slices.ContainsFunc(token.Audience, func(a string) bool { return slices.Contains(audiences, a) }):
		return nil, fmt.Errorf("%w: it is meant for another audience", errUnbelieved)
	case token.Subject == "":
		return nil, fmt.Errorf("%w: it names nobody", errUnbelieved)
	}
	return token, nil
}

// vouched reads what a believed token says of the account.
func vouched(token *oidc.IDToken) (account, error) {
	var claims struct {
		Email    string `json:"email"`
		Verified any    `json:"email_verified"` // some providers write a text
	}
	if err := token.Claims(&claims); err != nil {
		return account{}, fmt.Errorf("%w: its claims: %w", errUnbelieved, err)
	}
	a := account{Identity: aggregate.Identity{Issuer: token.Issuer, Subject: token.Subject}, Until: token.Expiry}
	if claims.Verified == true || claims.Verified == "true" {
		a.Email = claims.Email
	}
	return a, nil
}

// client is this service at a provider.
type client struct {
	*provider
	id, secret string // without a secret it is a public client
	redirect   string
}

func (c client) oauth(d *discovered) *oauth2.Config {
	endpoint := d.Endpoint()
	endpoint.AuthStyle = d.style
	if c.secret == "" {
		endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return &oauth2.Config{
		ClientID: c.id, ClientSecret: c.secret, Endpoint: endpoint, RedirectURL: c.redirect,
		Scopes: []string{oidc.ScopeOpenID, "email"},
	}
}

// authorization is the URL at which a flow begins.
func (c client) authorization(ctx context.Context, f flow) (string, error) {
	d, err := c.discover(ctx)
	if err != nil {
		return "", err
	}
	if goesNowhere(d.Endpoint().AuthURL) {
		return "", fmt.Errorf("%w: it has no page to sign in at", errUnbelieved)
	}
	return c.oauth(d).AuthCodeURL(f.State, oidc.Nonce(f.Nonce), oauth2.S256ChallengeOption(f.Verifier)), nil
}

// finish exchanges a flow's code for the account that the person showed.
func (c client) finish(ctx context.Context, f flow, code string) (account, error) {
	d, err := c.discover(ctx)
	if err != nil {
		return account{}, err
	}
	ctx, cancel := context.WithTimeout(oidc.ClientContext(ctx, c.client), providerLimit)
	defer cancel()
	tokens, err := c.oauth(d).Exchange(ctx, code, oauth2.VerifierOption(f.Verifier))
	if err != nil {
		return account{}, exchangeFailed(err)
	}
	raw, ok := tokens.Extra("id_token").(string)
	if !ok {
		return account{}, fmt.Errorf("%w: there is no ID token", errUnbelieved)
	}
	token, err := c.verify(ctx, raw, []string{c.id})
	if err != nil {
		return account{}, err
	}
	if err := c.issuedFor(token, tokens, f); err != nil {
		return account{}, err
	}
	a, err := vouched(token)
	if err != nil || a.Email != "" {
		return a, err
	}
	return c.withAddress(ctx, d, a, tokens)
}

// issuedFor checks that the ID token belongs to this flow, this client and this answer.
func (c client) issuedFor(token *oidc.IDToken, tokens *oauth2.Token, f flow) error {
	var claims struct {
		Party string `json:"azp"`
	}
	if err := token.Claims(&claims); err != nil {
		return fmt.Errorf("%w: its claims: %w", errUnbelieved, err)
	}
	switch {
	case subtle.ConstantTimeCompare([]byte(token.Nonce), []byte(f.Nonce)) != 1:
		return fmt.Errorf("%w: it was made for another sign-in", errUnbelieved)
	case claims.Party != "" && claims.Party != c.id, claims.Party == "" && len(token.Audience) > 1:
		return fmt.Errorf("%w: it was made for another client", errUnbelieved)
	case token.AccessTokenHash == "":
		return nil
	}
	if err := token.VerifyAccessToken(tokens.AccessToken); err != nil {
		return fmt.Errorf("%w: %w", errUnbelieved, err)
	}
	return nil
}

// withAddress asks for the address where the ID token has none. That the
// provider tells nothing is no fault: the account may be linked already.
func (c client) withAddress(ctx context.Context, d *discovered, a account, tokens *oauth2.Token) (account, error) {
	if d.UserInfoEndpoint() == "" {
		return a, nil
	}
	info, err := d.UserInfo(ctx, oauth2.StaticTokenSource(tokens))
	if err == nil && info.Subject == a.Subject && info.EmailVerified {
		a.Email = info.Email
	}
	return a, nil
}

// exchangeFailed tells a code that the provider refuses from a provider that is
// away. What the provider says is left out but for its code: it may quote secrets.
func exchangeFailed(err error) error {
	var refused *oauth2.RetrieveError
	switch {
	case !errors.As(err, &refused):
		return fmt.Errorf("%w: exchange the code", errAway)
	case refused.Response != nil && refused.Response.StatusCode >= http.StatusInternalServerError:
		return fmt.Errorf("%w: exchange the code: status %d", errAway, refused.Response.StatusCode)
	}
	return fmt.Errorf("%w: the provider refused the code: %q", errUnbelieved, refused.ErrorCode)
}
