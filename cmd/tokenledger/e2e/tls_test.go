// The HTTP interface by TLS: what it speaks, who trusts it, and certificates that change under way.

package e2e_test

import (
	"bufio"
	"context"
	"crypto/tls"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs/certstest"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/graphql/client"
)

var nextYear = time.Now().Add(365 * 24 * time.Hour).Truncate(time.Second)

// replace puts a copy of a file in the place of another, in one step.
func replace(t *testing.T, path, from string) {
	t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(path+".new", content, 0o600)
	}
	if err == nil {
		err = os.Rename(path+".new", path)
	}
	if err != nil {
		t.Fatal(err)
	}
}

// trusting is a client that trusts an authority and keeps its connections for itself.
func trusting(t *testing.T, authority string) *http.Client {
	t.Helper()
	config, err := certs.Client(authority)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{TLSClientConfig: config, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport, Timeout: awaitLimit}
}

func TestServedByTLS(t *testing.T) {
	t.Parallel()
	dir := openDir(t)
	ca := certstest.New(t, dir)
	cert, key := filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	firstCert, firstKey := ca.Issue("first", nextYear, "127.0.0.1", "localhost")
	secondCert, secondKey := ca.Issue("second", nextYear.Add(time.Hour), "127.0.0.1", "localhost")
	replace(t, cert, firstCert)
	replace(t, key, firstKey)
	s := start(t, "TOKENLEDGER_TLS_CERT_FILE="+cert, "TOKENLEDGER_TLS_KEY_FILE="+key, "TOKENLEDGER_ADMIN_TLS=true")
	banner, _ := outside.ReadBanner(s.Stdout.String())
	if !strings.HasPrefix(s.URL, "https://127.0.0.1:") || !strings.HasPrefix(banner.Admin, "https://") {
		t.Fatalf("the banner names %s and %s", s.URL, banner.Admin)
	}
	h := trusting(t, ca.File)

	t.Run("headers", func(t *testing.T) { tlsHeaders(t, s, h) })
	t.Run("clients", func(t *testing.T) { tlsClients(t, s, ca.File, h) })
	t.Run("a new certificate", func(t *testing.T) {
		old := streaming(t, s, h)
		replace(t, cert, secondCert) // which does not fit the key
		await(t, "half a pair is told of", func() bool { return strings.Contains(s.Stderr.String(), "the new certificate is kept out") })
		if got := shownBy(t, s.URL, ca.File); got != "first" {
			t.Errorf("half a pair: shows %s", got)
		}
		if m := metricsBy(t, banner.Admin, h); !strings.Contains(m, "tokenledger_tls_certificate_kept_out 1") ||
			!strings.Contains(m, fmt.Sprintf("tokenledger_tls_certificate_expiry_seconds %s", metric(nextYear))) {
			t.Errorf("half a pair: the metrics say\n%s", grep(m, "tls"))
		}
		replace(t, key, secondKey)
		await(t, "the new pair is served", func() bool { return shownBy(t, s.URL, ca.File) == "second" })
		await(t, "the metrics know it", func() bool {
			m := metricsBy(t, banner.Admin, h)
			return strings.Contains(m, "tokenledger_tls_certificate_kept_out 0") &&
				strings.Contains(m, fmt.Sprintf("tokenledger_tls_certificate_expiry_seconds %s", metric(nextYear.Add(time.Hour))))
		})
		old.goesOn(t)
	})
}

// metric is a time as Prometheus writes it.
func metric(at time.Time) string { return fmt.Sprint(float64(at.Unix())) }

func grep(text, word string) string {
	var found []string
	for line := range strings.Lines(text) {
		if strings.Contains(line, word) {
			found = append(found, line)
		}
	}
	return strings.Join(found, "")
}

func tlsHeaders(t *testing.T, s *service, h *http.Client) {
	for _, path := range []string{"/livez", "/", "/checkpoint", "/query", "/v1/login", "/nothing"} {
		response, err := h.Get(s.URL + path)
		if err != nil {
			t.Fatal(err)
		}
		response.Body.Close()
		if response.ProtoMajor != 2 || response.TLS.Version != tls.VersionTLS13 {
			t.Errorf("%s: by %s, %s", path, response.Proto, tls.VersionName(response.TLS.Version))
		}
		for name, want := range map[string]string{
			"Strict-Transport-Security": "max-age=31536000", "X-Content-Type-Options": "nosniff",
			"Referrer-Policy": "no-referrer", "X-Frame-Options": "DENY",
		} {
			if got := response.Header.Get(name); got != want {
				t.Errorf("%s: %s is %q, want %q", path, name, got, want)
			}
		}
	}
	// Who speaks in clear is told so, and nothing is answered.
	response, err := http.Get("http" + strings.TrimPrefix(s.URL, "https") + "/livez")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if body, _ := io.ReadAll(response.Body); response.StatusCode != http.StatusBadRequest || response.Header.Get("Strict-Transport-Security") != "" {
		t.Errorf("in clear: %s %s", response.Status, body)
	}
}

func tlsClients(t *testing.T, s *service, authority string, h *http.Client) {
	out, err := exec.Command("sh", "-c", s.Try).Output()
	if err != nil || !strings.Contains(string(out), "totalCount") {
		t.Errorf("%s: %v %s", s.Try, err, out)
	}
	listen := "TOKENLEDGER_LISTEN=" + strings.TrimPrefix(s.URL, "https://")
	run(t, append(s.env, listen), "health").exits(t, 0) // with the settings of the service itself
	s.command(t, "org", "list").exits(t, 1, "certificate")
	s.command(t, "org", "list", "--ca-file", authority).exits(t, 0)
	s.command(t, "health", "--ca-file", authority).exits(t, 0)
	s.command(t, "audit", "export", "--from", "2026-01-01T00:00:00Z", "--to", "2026-01-02T00:00:00Z", "--output-file", filepath.Join(openDir(t), "pack"), "--ca-file", authority).exits(t, 1, "did not exist yet") // in that year, says the service
	s.command(t, "org", "list", "--ca-file", s.TokenFile).exits(t, 1, "holds no certificate")
	s.command(t, "org", "list", "--ca-file", authority+"x").exits(t, 2, "TOKENLEDGER_CA_FILE")

	resource := client.Config{URL: s.URL, Token: s.Token, CAFile: authority}
	for file, in := range map[string]bool{authority: true, "": false} {
		resource.CAFile = file
		c, err := client.New(resource)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.Verify(t.Context(), client.Use{Token: s.Token}); (err == nil) != in {
			t.Errorf("the Go client that trusts %q: %v", file, err)
		}
	}
	if _, err := client.New(client.Config{URL: s.URL, Token: s.Token, CAFile: authority, HTTP: h}); err == nil {
		t.Error("the Go client takes a CA file and a client that trusts for itself")
	}
}

// shownBy is the common name of the certificate that new connections see.
func shownBy(t *testing.T, url, authority string) string {
	t.Helper()
	config, err := certs.Client(authority)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", strings.TrimPrefix(url, "https://"), config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func metricsBy(t *testing.T, admin string, h *http.Client) string {
	t.Helper()
	response, err := h.Get(admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	body, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(body)
}

// stream is an answer that has not ended.
type stream struct {
	s     *service
	lines chan string
}

// streaming subscribes to events over a connection that was made before now.
func streaming(t *testing.T, s *service, h *http.Client) stream {
	t.Helper()
	own := *h
	own.Timeout = 0
	ctx, cancel := context.WithCancel(t.Context())
	body := `{"query":"subscription { auditEvents { type } }"}`
	r, err := outside.NewRequest(ctx, s.URL, s.Token, []byte(body), "Accept", "text/event-stream")
	if err != nil {
		t.Fatal(err)
	}
	response, err := own.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	st := stream{s, make(chan string, 100)}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		for lines := bufio.NewScanner(response.Body); lines.Scan(); {
			st.lines <- lines.Text()
		}
	}()
	t.Cleanup(func() { cancel(); response.Body.Close(); <-ended })
	if response.StatusCode != http.StatusOK {
		t.Fatalf("subscribe: %s", response.Status)
	}
	return st
}

// goesOn fails the test unless the stream tells of something that happens now.
func (st stream) goesOn(t *testing.T) {
	t.Helper()
	st.s.command(t, "token", "create", "--name", "through the change", "--scopes", "evidence:write", "--expires", "24h",
		"--ca-file", st.s.variable("TOKENLEDGER_TLS_CERT_FILE")).exits(t, 0)
	for {
		select {
		case line := <-st.lines:
			if strings.Contains(line, "token.created") {
				return
			}
		case <-time.After(awaitLimit):
			t.Fatal("the stream of before the change tells nothing any more")
		}
	}
}
