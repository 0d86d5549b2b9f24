// Signing in where the service itself speaks TLS: the cookies are those of the prefix __Host-, and what keeps other
// sites out holds.

package signintest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// selfSigned writes a certificate for this machine and gives what trusts it.
func selfSigned(t *testing.T) (cert, key string, trusts *http.Transport) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(24 * time.Hour),
	}
	raw, err := x509.CreateCertificate(rand.Reader, template, template, &secret.PublicKey, secret)
	if err != nil {
		t.Fatal(err)
	}
	hidden, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	cert, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	text := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: raw})
	for path, content := range map[string][]byte{cert: text, key: pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: hidden})} {
		if err := os.WriteFile(path, content, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	pool := x509.NewCertPool()
	pool.AppendCertsFromPEM(text)
	trusts = &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(trusts.CloseIdleConnections)
	return cert, key, trusts
}

func TestSigningInByTLS(t *testing.T) {
	cert, key, trusts := selfSigned(t)
	w := newWorldTrusting(t, trusts, "TOKENLEDGER_TLS_CERT_FILE="+cert, "TOKENLEDGER_TLS_KEY_FILE="+key)
	if !strings.HasPrefix(w.url, "https://127.0.0.1:") {
		t.Fatalf("the service is at %s", w.url)
	}
	w.provider.open(w.url)
	w.part("cookies", cookiesByTLS)
	w.part("requests of other sites", crossSite)
}

func cookiesByTLS(t *testing.T, w *world) {
	id := w.user("ada", "ADMIN")
	b := w.browser()
	begun, done := b.get(w.url+"/v1/login"), b.signIn("ada")
	if done.status != http.StatusSeeOther || len(begun.cookies) == 0 || len(done.cookies) == 0 {
		t.Fatalf("%d %s, then %d %s", begun.status, begun.raw, done.status, done.raw)
	}
	for _, c := range append(begun.cookies, done.cookies...) {
		if !strings.HasPrefix(c.Name, "__Host-") || !c.Secure || !c.HttpOnly || c.SameSite != http.SameSiteLaxMode || c.Path != "/" || c.Domain != "" {
			t.Errorf("the cookie %s is set as %+v", c.Name, c)
		}
	}
	if got := b.ask(me, nil).text("me.id"); got != id {
		t.Errorf("signed in as %s, want %s", got, id)
	}
	if strings.Contains(w.output.String(), "sessions travel by plain http") {
		t.Error("the service takes TLS for plain http")
	}
}
