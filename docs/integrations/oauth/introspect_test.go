// A resource server that knows nothing of the ledger but its address asks it as RFC 7662 says.

package oauth

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/zitadel/oidc/v3/pkg/client/rs"
	"github.com/zitadel/oidc/v3/pkg/oidc"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func TestIntrospection(t *testing.T) {
	l := ledgertest.Start(t)
	asker := l.CreateToken("resource server", "token:introspect")
	good := l.CreateToken("deployer", "evidence:write", "control:read")
	server, err := rs.NewResourceServerClientCredentials(t.Context(), l.URL, asker.ID, asker.Value,
		rs.WithStaticEndpoints(l.URL+"/oauth2/token", l.URL+"/oauth2/introspect"))
	if err != nil {
		t.Fatal(err)
	}
	ask := func(value string) *oidc.IntrospectionResponse {
		t.Helper()
		answer, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, value)
		if err != nil {
			t.Fatal(err)
		}
		return answer
	}
	answer := ask(good.Value)
	if !answer.Active || answer.TokenType == "" || answer.Subject == "" || answer.Issuer == "" || answer.ClientID == "" {
		t.Fatalf("a good token: %+v", answer)
	}
	if answer.JWTID != good.ID {
		t.Errorf("jti is %q, the token is %s", answer.JWTID, good.ID)
	}
	if !slices.Equal(slices.Sorted(slices.Values(answer.Scope)), []string{"control:read", "evidence:write"}) {
		t.Errorf("scopes %v", answer.Scope)
	}
	if issued := answer.IssuedAt.AsTime(); time.Since(issued).Abs() > time.Hour {
		t.Errorf("issued at %v", issued)
	}
	ledgertest.Await(t, "the use stands in the trail", func() bool { return len(l.Events(good, "token.used")) == 1 })

	nothing := oidc.IntrospectionResponse{}
	if got := ask("tola_" + strings.Repeat("0", 64)); got.Active || got.Subject != nothing.Subject || got.Scope != nil {
		t.Errorf("no such token: %+v", got)
	}
	l.Revoke(good, "leaked")
	if got := ask(good.Value); got.Active || got.Subject != nothing.Subject || got.Scope != nil {
		t.Errorf("after its revocation: %+v", got)
	}
	if used := l.Events(good, "token.used"); len(used) != 1 {
		t.Errorf("%d uses in the log", len(used))
	}
}

// A resource server with a bad secret learns nothing: the library gives it the error of a 401.
func TestIntrospectionByAStranger(t *testing.T) {
	l := ledgertest.Start(t)
	good := l.CreateToken("deployer", "evidence:write")
	for name, secret := range map[string]string{
		"a bad secret":                       "tola_" + strings.Repeat("0", 64),
		"a token that may not ask":           l.CreateToken("narrow", "control:read").Value,
		"a secret that is no token's at all": "hunter2",
	} {
		server, err := rs.NewResourceServerClientCredentials(t.Context(), l.URL, "stranger", secret,
			rs.WithStaticEndpoints(l.URL+"/oauth2/token", l.URL+"/oauth2/introspect"))
		if err != nil {
			t.Fatal(err)
		}
		answer, err := rs.Introspect[*oidc.IntrospectionResponse](t.Context(), server, good.Value)
		if err == nil {
			t.Errorf("%s: %+v", name, answer)
		} else if strings.Contains(err.Error(), good.Value) {
			t.Errorf("%s: the error shows the value", name)
		}
	}
}
