// How people sign in: the settings that go together.

package config

import (
	"errors"
	"net"
	"net/netip"
	"net/url"
	"path/filepath"
	"time"
)

// checkPeople sees to it that sessions only ever travel where nobody listens: by
// TLS, or within the machine in the embedded default.
func (c *Config) checkPeople(bad func(name, value, want string)) (problems []error) {
	if c.SSOSecrets == "" {
		c.SSOSecrets = filepath.Join(c.Data, "sso")
	}
	if c.SessionLifetime < time.Minute || c.SessionLifetime > 30*24*time.Hour {
		bad("TOKENLEDGER_SESSION_LIFETIME", c.SessionLifetime.String(), "a minute to 30 days, for example 12h")
	}
	if c.PublicURL != "" && !c.goodPublicURL() {
		bad("TOKENLEDGER_PUBLIC_URL", c.PublicURL,
			"https://host without a path; plain http is possible on a loopback address with the private Postgres only")
	}
	if c.OIDCIssuer == "" {
		if c.OIDCClientID != "" || c.OIDCClientSecret != "" || len(c.OIDCAudiences) > 0 {
			problems = append(problems, errors.New("TOKENLEDGER_OIDC_ISSUER: want the issuer's URL, since other settings of it are there"))
		}
		return problems
	}
	if u, err := url.Parse(c.OIDCIssuer); err != nil || u.Host == "" || u.Scheme != "https" && (u.Scheme != "http" || !LoopbackHost(u.Hostname())) {
		bad("TOKENLEDGER_OIDC_ISSUER", c.OIDCIssuer, "an https:// URL, exactly as the provider writes it")
	}
	if c.OIDCClientID == "" {
		problems = append(problems, errors.New("TOKENLEDGER_OIDC_CLIENT_ID: want the id that the provider gave this service"))
	}
	if c.PublicURL == "" && !c.localOnly() {
		problems = append(problems, errors.New("TOKENLEDGER_PUBLIC_URL: want the https:// URL at which browsers reach this service, since people sign in"))
	}
	return problems
}

// goodPublicURL takes plain http for a loopback address of the embedded default alone.
func (c *Config) goodPublicURL() bool {
	u, err := url.Parse(c.PublicURL)
	if err != nil || u.Host == "" || u.Path != "" && u.Path != "/" || u.RawQuery != "" || u.Fragment != "" || u.User != nil {
		return false
	}
	return u.Scheme == "https" || u.Scheme == "http" && c.Embedded() && LoopbackHost(u.Hostname())
}

// localOnly reports whether the service is the embedded default and listens on
// a loopback address, whose plain URL then is the public one.
func (c *Config) localOnly() bool {
	host, _, err := net.SplitHostPort(c.Listen)
	return err == nil && c.Embedded() && LoopbackHost(host)
}

// LoopbackHost reports whether what is sent to a host, by name or address, stays on this machine.
func LoopbackHost(host string) bool {
	if host == "localhost" {
		return true
	}
	a, err := netip.ParseAddr(host)
	return err == nil && a.Unmap().IsLoopback()
}

// Public is the URL at which browsers reach the service, listening at the given
// one; empty where people cannot be told any.
func (c *Config) Public(listening string) string {
	switch {
	case c.PublicURL != "":
		return c.PublicURL
	case c.localOnly():
		return listening
	}
	return ""
}
