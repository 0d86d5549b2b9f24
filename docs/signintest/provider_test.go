// The provider: zitadel's OpenID provider with people of ours, and with keys that rotate.

package signintest

import (
	"context"
	"crypto/rand"
	"crypto/rsa"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"sync"
	"testing"
	"time"

	"github.com/go-jose/go-jose/v4"
	"github.com/zitadel/oidc/v3/example/server/exampleop"
	"github.com/zitadel/oidc/v3/example/server/storage"
	"github.com/zitadel/oidc/v3/pkg/op"
)

// The clients that the provider knows, and the secret of the first one.
const (
	signInClient = "ledger"
	signInSecret = "a secret of the provider's"
	ssoClient    = "acme-sso"

	ssoSecretClient = "acme-sso-with-secret"
	apiAudience     = "https://ledger.example.com"
	terminalClient  = "ledger-cli"  // of tokenledger login
	otherTerminal   = "another-cli" // of a program that the service takes no tokens of
)

// provider is an OpenID provider that answers once it is opened.
type provider struct {
	*storage.Storage
	server *httptest.Server

	mu      sync.Mutex // guards all below
	handler http.Handler
	people  map[string]*storage.User
	key     key
}

// key is what the provider signs with.
type key struct {
	id      string
	private *rsa.PrivateKey
}

func newKey(t testing.TB) key {
	t.Helper()
	private, err := rsa.GenerateKey(rand.Reader, 2048)
	if err != nil {
		t.Fatal(err)
	}
	return key{id: rand.Text(), private: private}
}

// newProvider has an address, at which nothing answers yet.
func newProvider(t testing.TB) *provider {
	t.Helper()
	p := &provider{people: map[string]*storage.User{}, key: newKey(t)}
	p.server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		p.mu.Lock()
		h := p.handler
		p.mu.Unlock()
		if h == nil {
			http.Error(w, "away", http.StatusBadGateway)
			return
		}
		h.ServeHTTP(w, r)
	}))
	return p
}

// open makes the provider answer, for a service at this URL.
func (p *provider) open(service string) {
	p.Storage = storage.NewStorageWithClients(p, map[string]*storage.Client{
		signInClient: storage.WebClient(signInClient, signInSecret, service+"/v1/login/callback"),
		ssoClient:    storage.NativeClient(ssoClient, service+"/v1/sso/token/callback"),

		terminalClient: storage.NativeClient(terminalClient, "http://127.0.0.1/callback"),
		otherTerminal:  storage.NativeClient(otherTerminal, "http://127.0.0.1/callback"),

		ssoSecretClient: storage.WebClient(ssoSecretClient, signInSecret, service+"/v1/sso/token/callback"),
	})
	handler := exampleop.SetupServer(p.server.URL, p, nil, false, op.WithLogger(slog.New(slog.NewTextHandler(io.Discard, nil))))
	p.mu.Lock()
	defer p.mu.Unlock()
	p.handler = handler
}

// person makes somebody who can sign in with the subject as name and password.
func (p *provider) person(subject, email string, verified bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.people[subject] = &storage.User{ID: subject, Username: subject, Password: subject, Email: email, EmailVerified: verified}
}

// GetUserByID implements [storage.UserStore].
func (p *provider) GetUserByID(id string) *storage.User {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.people[id]
}

// GetUserByUsername implements [storage.UserStore].
func (p *provider) GetUserByUsername(name string) *storage.User { return p.GetUserByID(name) }

// ExampleClientID implements [storage.UserStore].
func (p *provider) ExampleClientID() string { return "none" }

// rotate replaces the key; the former one is published no more.
func (p *provider) rotate(t testing.TB) (former key) {
	t.Helper()
	fresh := newKey(t)
	p.mu.Lock()
	defer p.mu.Unlock()
	former, p.key = p.key, fresh
	return former
}

func (p *provider) current() key {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.key
}

// SigningKey implements [op.Storage].
func (p *provider) SigningKey(context.Context) (op.SigningKey, error) {
	return signing{p.current()}, nil
}

// KeySet implements [op.Storage].
func (p *provider) KeySet(context.Context) ([]op.Key, error) {
	return []op.Key{published{p.current()}}, nil
}

type signing struct{ k key }

func (s signing) SignatureAlgorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (s signing) Key() any                                    { return s.k.private }
func (s signing) ID() string                                  { return s.k.id }

type published struct{ k key }

func (p published) ID() string                         { return p.k.id }
func (p published) Algorithm() jose.SignatureAlgorithm { return jose.RS256 }
func (p published) Use() string                        { return "sig" }
func (p published) Key() any                           { return &p.k.private.PublicKey }

// claims are those of a token for tools; a test changes what it is about.
func (p *provider) claims(subject string, change ...func(map[string]any)) map[string]any {
	now := time.Now()
	c := map[string]any{
		"iss": p.server.URL, "sub": subject, "aud": []string{apiAudience},
		"iat": now.Unix(), "exp": now.Add(10 * time.Minute).Unix(),
	}
	for _, f := range change {
		f(c)
	}
	return c
}

// sign makes a token as the provider does, or as somebody else with another key.
func sign(t testing.TB, alg jose.SignatureAlgorithm, with any, id string, claims map[string]any) string {
	t.Helper()
	signer, err := jose.NewSigner(jose.SigningKey{Algorithm: alg, Key: with},
		(&jose.SignerOptions{}).WithType("JWT").WithHeader("kid", id))
	if err != nil {
		t.Fatal(err)
	}
	payload, err := json.Marshal(claims)
	if err != nil {
		t.Fatal(err)
	}
	signed, err := signer.Sign(payload)
	if err != nil {
		t.Fatal(err)
	}
	compact, err := signed.CompactSerialize()
	if err != nil {
		t.Fatal(err)
	}
	return compact
}

// token is one of the provider's for tools.
func (p *provider) token(t testing.TB, subject string, change ...func(map[string]any)) string {
	t.Helper()
	k := p.current()
	return sign(t, jose.RS256, k.private, k.id, p.claims(subject, change...))
}
