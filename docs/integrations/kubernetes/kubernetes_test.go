// The API server's own webhook authenticator, with the documented kubeconfig.

package kubernetes

import (
	"encoding/pem"
	"net/http/httptest"
	"net/http/httputil"
	neturl "net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	authentication "k8s.io/api/authentication/v1"
	"k8s.io/apimachinery/pkg/util/wait"
	"k8s.io/apiserver/pkg/authentication/authenticator"
	"k8s.io/apiserver/pkg/util/webhook"
	token "k8s.io/apiserver/plugin/pkg/authenticator/token/webhook"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func authenticate(t *testing.T, l *ledgertest.Ledger, version string) authenticator.Token {
	t.Helper()
	value := filepath.Join(t.TempDir(), "token")
	introspect := l.CreateToken("api-server "+version, "token:introspect")
	if err := os.WriteFile(value, []byte(introspect.Value+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	front, ca := withTLS(t, l)
	config := ledgertest.Config(t, "webhook.kubeconfig.yaml", map[string]string{
		"https://tokenledger.example.com": front, "/etc/kubernetes/tokenledger-ca.pem": ca, "/etc/kubernetes/tokenledger.token": value,
	})
	rest, err := webhook.LoadKubeconfig(config, nil)
	if err != nil {
		t.Fatal(err)
	}
	backoff := wait.Backoff{Duration: time.Millisecond, Steps: 1}
	made, err := token.New(rest, version, nil, backoff)
	if err != nil {
		t.Fatal(err)
	}
	return made
}

// withTLS puts a front with a certificate before the ledger, and gives its address and the file of its authority.
func withTLS(t *testing.T, l *ledgertest.Ledger) (url, ca string) {
	t.Helper()
	ledger, err := neturl.Parse(l.URL)
	if err != nil {
		t.Fatal(err)
	}
	front := httptest.NewTLSServer(httputil.NewSingleHostReverseProxy(ledger))
	t.Cleanup(front.Close)
	ca = filepath.Join(t.TempDir(), "ca.pem")
	if err := os.WriteFile(ca, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: front.Certificate().Raw}), 0o644); err != nil {
		t.Fatal(err)
	}
	return front.URL, ca
}

func TestTokenReview(t *testing.T) {
	l := ledgertest.Start(t)
	good := l.CreateToken("deployer", "evidence:write", "control:read")
	var organization struct {
		APIToken struct{ Owner struct{ ID string } }
	}
	l.Query(`query($id: ID!) { apiToken(id: $id) { owner { id } } }`, map[string]any{"id": good.ID}, &organization)
	for _, version := range []string{authentication.SchemeGroupVersion.Version, "v1beta1"} {
		t.Run(version, func(t *testing.T) {
			review := authenticate(t, l, version)
			here := authenticator.WithAudiences(t.Context(), authenticator.Audiences{organization.APIToken.Owner.ID})
			response, ok, err := review.AuthenticateToken(here, good.Value)
			if err != nil || !ok {
				t.Fatalf("a good token: %v %v", ok, err)
			}
			if got := response.User.GetUID(); got == "" {
				t.Error("the user has no uid")
			}
			said := strings.Join(slices.Concat(response.User.GetGroups(), []string{response.User.GetName()}), " ")
			for _, values := range response.User.GetExtra() {
				said += " " + strings.Join(values, " ")
			}
			if !strings.Contains(said, good.ID) || !strings.Contains(said, "evidence:write") {
				t.Errorf("the user is told of as %s", said)
			}
			if strings.Contains(said, good.Value) {
				t.Error("the value is shown")
			}
			if !slices.Equal(response.Audiences, authenticator.Audiences{organization.APIToken.Owner.ID}) {
				t.Errorf("audiences %v", response.Audiences)
			}
			if _, ok, err := review.AuthenticateToken(here, "tola_"+strings.Repeat("0", 64)); ok || err != nil {
				t.Errorf("no such token: %v %v", ok, err)
			}
			elsewhere := authenticator.WithAudiences(t.Context(), authenticator.Audiences{"01985d2e-0000-7000-8000-00000000000a"})
			if _, ok, err := review.AuthenticateToken(elsewhere, good.Value); ok || err != nil {
				t.Errorf("for another organization: %v %v", ok, err)
			}
		})
	}
	review := authenticate(t, l, "v1")
	if _, ok, err := review.AuthenticateToken(t.Context(), good.Value); !ok || err != nil {
		t.Errorf("without audiences: %v %v", ok, err)
	}
	l.Revoke(good, "leaked")
	if _, ok, err := review.AuthenticateToken(t.Context(), good.Value); ok || err != nil {
		t.Errorf("after its revocation: %v %v", ok, err)
	}
}
