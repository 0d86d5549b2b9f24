// How people come in: the sign-in service and what it works with.

package service

import (
	"net/http"
	"net/netip"
	"strings"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/signin"
)

// signIn makes the sign-in service of a ledger that listens at the URL.
func (l *ledger) signIn(listening string) (*signin.Service, error) {
	c := l.config
	public := strings.TrimSuffix(c.Public(listening), "/")
	if strings.HasPrefix(public, "http:") && c.OIDCIssuer != "" {
		l.logger.Warn("sessions travel by plain http, in a cookie without the prefix __Host-: for a loopback address alone", "url", public)
	}
	return signin.New(signin.Config{
		Issuer: c.OIDCIssuer, ClientID: c.OIDCClientID, ClientSecret: c.OIDCClientSecret, Audiences: c.OIDCAudiences,
		PublicURL: public, Lifetime: c.SessionLifetime,
		SSO: signin.SSO{
			Tokens: l.directory.Tokens, Guard: l.guard(), Secrets: c.SSOSecrets, Limits: l.limits,
			Address: func(r *http.Request) netip.Addr { return httpd.OriginOf(r, c.Proxies).Address },
		},
		Directory: l.directory, Views: l.models.Views, Verifier: l.verifier, Ring: l.store.Ring, Logger: l.logger,
	})
}
