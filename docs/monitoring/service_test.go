// The service that is scraped: with everything on that has metrics of its own.

package monitoring

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	dto "github.com/prometheus/client_model/go"

	"github.com/tokenledger/tokenledger/docs/integrations/ledgertest"
)

func TestWhatOperatorsReadIsThere(t *testing.T) {
	t.Parallel()
	certificate, key := selfSigned(t)
	l := ledgertest.Start(t, "TOKENLEDGER_TLS_CERT_FILE="+certificate, "TOKENLEDGER_TLS_KEY_FILE="+key, "TOKENLEDGER_PUBLIC_URL=https://127.0.0.1",
		"GOMEMLIMIT=1GiB")
	var s scrape
	// What one process counts for all is there once it holds the lease on that.
	for began := time.Now(); ; time.Sleep(50 * time.Millisecond) {
		if s = read(t, l.Metrics); s.family("tokenledger_findings_open") != nil {
			break
		}
		if time.Since(began) > time.Minute {
			t.Fatal("nobody counts findings")
		}
	}
	t.Run("dashboard", func(t *testing.T) { s.dashboard(t, "dashboard.json") })
	t.Run("alerts", func(t *testing.T) { explained(t, s.alerts(t, "alerts.yml")) })
	t.Run("cases of alerts", func(t *testing.T) {
		for alert, cases := range alertCases {
			for _, c := range cases {
				for _, line := range c.series {
					name, _, _ := strings.Cut(line, " ")
					if err := s.knows(name); err != nil {
						t.Errorf("%s, %s: %v", alert, c.of, err)
					}
				}
			}
		}
	})
	t.Run("page", func(t *testing.T) { s.page(t, "../metrics.md") })
	t.Run("bounded", s.bounded)
	t.Run("what is not there", func(t *testing.T) {
		for _, expr := range []string{
			`tokenledger_no_such_metric`, `tokenledger_relay_halted{projection="tokens"}`, `tokenledger_append_duration_seconds_count{result="never"}`,
			`sum by (route) (tokenledger_append_duration_seconds_bucket)`, `tokenledger_log_position_count`, `rate(tokenledger_log_position)`,
			`tokenledger_http_request_duration_seconds_count{route=~"/query|/nowhere"}`,
			`tokenledger_append_duration_seconds_bucket{le="0.51"}`,
		} {
			if s.knows(expr) == nil {
				t.Errorf("%s is taken", expr)
			}
		}
	})
}

// bounded sees that no label can grow with what clients do.
func (s scrape) bounded(t *testing.T) {
	for name, f := range s {
		if !strings.HasPrefix(name, "tokenledger_") {
			continue
		}
		if n := len(f.Metric); n > 100 {
			t.Errorf("%s has %d series", name, n)
		}
		for _, label := range names(f) {
			if !slices.Contains([]string{"result", "route", "status", "projection", "key", "rule", "of"}, label) {
				t.Errorf("%s has the label %s, which this test does not know as bounded", name, label)
			}
		}
		if f.GetType() == dto.MetricType_COUNTER && !strings.HasSuffix(name, "_total") {
			t.Errorf("%s counts up, and does not end in _total", name)
		}
	}
}

// page compares the page of metrics with what is there, or writes it.
func (s scrape) page(t *testing.T, file string) {
	t.Helper()
	var b strings.Builder
	b.WriteString(`# Metrics

What a process tells at ` + "`/metrics`" + ` of ` + "`TOKENLEDGER_ADMIN_LISTEN`" + `, for Prometheus. The names, labels and values below are those
of a running service; ` + "`go test . -update`" + ` in ` + "`docs/monitoring`" + ` writes this page. Besides there are ` + "`go_*`" + `, the Go runtime's
own. The certificate's metrics are there where the service speaks TLS itself. Positions and lags are numbers of events.

| metric | type | labels | meaning |
|---|---|---|---|
`)
	var all []string
	for name := range s {
		if strings.HasPrefix(name, "tokenledger_") || strings.HasPrefix(name, "process_") {
			all = append(all, name)
		}
	}
	slices.Sort(all)
	for _, name := range all {
		f := s[name]
		var about []string
		for _, label := range names(f) {
			about = append(about, fmt.Sprintf("`%s`: %s", label, strings.Join(values(f, label), ", ")))
		}
		fmt.Fprintf(&b, "| `%s` | %s | %s | %s |\n", name, strings.ToLower(f.GetType().String()), strings.Join(about, "; "), f.GetHelp())
	}
	if *update {
		if err := os.WriteFile(file, []byte(b.String()), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if content, err := os.ReadFile(file); err != nil || string(content) != b.String() {
		t.Errorf("docs/metrics.md is not what the service tells (%v); go test . -update in docs/monitoring writes it anew", err)
	}
}

// selfSigned writes a certificate for this machine and its key.
func selfSigned(t *testing.T) (certificate, key string) {
	t.Helper()
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(30 * 24 * time.Hour),
		IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
	}
	public, err := x509.CreateCertificate(rand.Reader, template, template, private.Public(), private)
	if err != nil {
		t.Fatal(err)
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	certificate, key = filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")
	for file, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: public}, key: {Type: "PRIVATE KEY", Bytes: secret}} {
		if err := os.WriteFile(file, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return certificate, key
}
