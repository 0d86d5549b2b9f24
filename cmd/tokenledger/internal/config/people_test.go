// Which settings of signing in go together, and which would let a session be overheard.

package config

import (
	"strings"
	"testing"
)

func TestSettingsOfSigningIn(t *testing.T) {
	t.Parallel()
	const (
		issuer   = "TOKENLEDGER_OIDC_ISSUER=https://id.example.com"
		client   = "TOKENLEDGER_OIDC_CLIENT_ID=ledger"
		database = "TOKENLEDGER_DATABASE_URL=postgres://h/d"
		public   = "TOKENLEDGER_PUBLIC_URL="
	)
	for _, c := range []struct {
		name string
		env  []string
		bad  string // the variable that is named; empty: none
	}{
		{"nobody signs in", nil, ""},
		{"the embedded default on loopback", []string{issuer, client}, ""},
		{"the embedded default, told its URL", []string{issuer, client, public + "http://localhost:8080"}, ""},
		{"external services", []string{issuer, client, database, public + "https://ledger.example.com"}, ""},
		{"external services without a URL", []string{issuer, client, database}, "PUBLIC_URL"},
		{"open to the network without a URL", []string{issuer, client, "TOKENLEDGER_LISTEN=0.0.0.0:8080"}, "PUBLIC_URL"},
		{"plain http with external services", []string{issuer, client, database, public + "http://localhost:8080"}, "PUBLIC_URL"},
		{"plain http to elsewhere", []string{issuer, client, public + "http://ledger.example.com"}, "PUBLIC_URL"},
		{"a public URL with a path", []string{issuer, client, public + "https://ledger.example.com/a"}, "PUBLIC_URL"},
		{"no client", []string{issuer}, "OIDC_CLIENT_ID"},
		{"a client without an issuer", []string{client}, "OIDC_ISSUER"},
		{"a plain issuer elsewhere", []string{client, "TOKENLEDGER_OIDC_ISSUER=http://id.example.com"}, "OIDC_ISSUER"},
		{"a plain issuer on this machine", []string{client, "TOKENLEDGER_OIDC_ISSUER=http://127.0.0.1:9"}, ""},
		{"sessions of a second", []string{issuer, client, "TOKENLEDGER_SESSION_LIFETIME=1s"}, "SESSION_LIFETIME"},
		{"sessions of a year", []string{issuer, client, "TOKENLEDGER_SESSION_LIFETIME=8760h"}, "SESSION_LIFETIME"},
	} {
		_, err := Load(nil, c.env)
		switch {
		case c.bad == "" && err != nil:
			t.Errorf("%s: %v", c.name, err)
		case c.bad != "" && (err == nil || !strings.Contains(err.Error(), "TOKENLEDGER_"+c.bad)):
			t.Errorf("%s: got %v, want TOKENLEDGER_%s named", c.name, err, c.bad)
		}
	}
}
