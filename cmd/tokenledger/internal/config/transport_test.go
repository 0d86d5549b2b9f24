// Which connections somebody could listen to, and certificates that come with their keys.

package config

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

func TestInClear(t *testing.T) {
	t.Parallel()
	ca := filepath.Join(t.TempDir(), "ca.pem") // nothing here trusts anything
	if err := os.WriteFile(ca, []byte(selfSigned), 0o600); err != nil {
		t.Fatal(err)
	}
	for url, clear := range map[string]bool{
		"postgres://u:p@db.example.com/l":                                                    true, // prefer
		"postgres://u:p@db.example.com/l?sslmode=disable":                                    true,
		"postgres://u:p@db.example.com/l?sslmode=require":                                    true, // of nobody's certificate
		"postgres://u:p@db.example.com/l?sslmode=verify-ca&sslrootcert=" + ca:                true, // of any host's
		"postgres://u:p@db.example.com/l?sslmode=verify-full":                                false,
		"postgres://u:p@db.example.com/l?sslmode=verify-full&sslrootcert=" + ca:              false,
		"postgres://u:p@127.0.0.1,db.example.com/l?sslmode=disable":                          true,
		"postgres://u:p@127.0.0.1/l?sslmode=disable":                                         false,
		"postgres://u:p@[::1]/l":                                                             false,
		"postgres://u:p@localhost/l":                                                         false,
		"postgres://u:p@/l?host=/run/postgresql":                                             false,
		"postgres://u:p@a.example.com,b.example.com/l?sslmode=verify-full&sslrootcert=" + ca: false,
	} {
		c := Config{DatabaseURL: url}
		if got := c.InClear(); slices.Contains(got, "TOKENLEDGER_DATABASE_URL") != clear {
			t.Errorf("%s: %v", url, got)
		}
	}
	for url, clear := range map[string]bool{
		"nats://nats.example.com:4222": true, "nats://u:p@nats.example.com": true, "ws://nats.example.com:80": true,
		"tls://nats.example.com:4222": false, "wss://nats.example.com": false, "nats://127.0.0.1:4222": false, "nats://[::1]:4222": false,
		"nats://localhost:4222, nats://nats.example.com:4222": true, "": false,
	} {
		if got := (Config{NATSURL: url}).InClear(); slices.Contains(got, "TOKENLEDGER_NATS_URL") != clear {
			t.Errorf("%q: %v", url, got)
		}
		if got := (Config{NATSURL: url, NATSCAFile: ca}).InClear(); len(got) > 0 {
			t.Errorf("%q with authorities: %v", url, got)
		}
	}
}

func TestTransportProblemsAreNamed(t *testing.T) {
	t.Parallel()
	there := filepath.Join(t.TempDir(), "there.pem")
	if err := os.WriteFile(there, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for name, environ := range map[string][]string{
		"TOKENLEDGER_TLS_CERT_FILE and":                    {"TOKENLEDGER_TLS_CERT_FILE=" + there},
		"TOKENLEDGER_NATS_CERT_FILE and":                   {"TOKENLEDGER_NATS_KEY_FILE=" + there},
		"TOKENLEDGER_ADMIN_TLS: want":                      {"TOKENLEDGER_ADMIN_TLS=true"},
		"TOKENLEDGER_CA_FILE: stat":                        {"TOKENLEDGER_CA_FILE=" + there + "x"},
		"TOKENLEDGER_NATS_CA_FILE: stat":                   {"TOKENLEDGER_NATS_CA_FILE=" + there + "x"},
		"TOKENLEDGER_DATABASE_URL: want it":                {"TOKENLEDGER_DATABASE_PROJECTOR_URL=postgres://h/d"},
		"TOKENLEDGER_DATABASE_MIGRATOR_URL: want postgres": {"TOKENLEDGER_DATABASE_URL=postgres://h/d", "TOKENLEDGER_DATABASE_MIGRATOR_URL=secret"},
	} {
		_, err := Load(nil, environ)
		if err == nil || !strings.Contains(err.Error(), name) || strings.Contains(err.Error(), "secret") {
			t.Errorf("%v: %v", environ, err)
		}
	}
	c, err := Load(nil, []string{"TOKENLEDGER_TLS_CERT_FILE=" + there, "TOKENLEDGER_TLS_KEY_FILE=" + there})
	if err != nil || c.Server != "https://127.0.0.1:8080" || c.Public("https://127.0.0.1:8080") != "https://127.0.0.1:8080" {
		t.Errorf("by TLS: %+v, %v", c, err)
	}
}

// selfSigned is a certificate whose key nobody has.
const selfSigned = `-----BEGIN CERTIFICATE-----
MIIBdTCCARugAwIBAgIUWDCDhS/nBaRKJjDTEjK0++ox2tYwCgYIKoZIzj0EAwIw
DzENMAsGA1UEAwwEdGVzdDAgFw0yNjExMjcxMjMyNTZaGA8yMTI2MTEwMzEyMzI1
NlowDzENMAsGA1UEAwwEdGVzdDBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABAXY
VSDhgO1po8EbE9yjDk9Vc/8Bm707u39soXUi2fCUMT7E8l/iZWm4qVYjtbzMMRQj
0mYpLk1ZkWeJeWDwcQmjUzBRMB0GA1UdDgQWBBTchBFlCyVAJfr3f5IqVgAHoM22
tTAfBgNVHSMEGDAWgBTchBFlCyVAJfr3f5IqVgAHoM22tTAPBgNVHRMBAf8EBTAD
AQH/MAoGCCqGSM49BAMCA0gAMEUCIQDX24RzoQJLUdnpuArx97ctN0ZrCePtMrth
OTKkToIIagIgJOZ+0yQhstAxh/IqzRXSSt89gFsGwu5CiqzbdK38iCA=
-----END CERTIFICATE-----
`

func TestHostsOfThisMachine(t *testing.T) {
	t.Parallel()
	for host, here := range map[string]bool{
		"127.0.0.1": true, "::1": true, "::ffff:127.0.0.1": true, "localhost": true, "": false, "db": false, "192.0.2.1": false,
		"0.0.0.0": false, "127.0.0.1.example.com": false, "localhost.example.com": false,
	} {
		if got := LoopbackHost(host); got != here {
			t.Errorf("%s: on this machine: %v", host, got)
		}
	}
}
