// Package certstest makes authorities and certificates for tests.
package certstest

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// Authority vouches for certificates. It lives as long as its test.
type Authority struct {
	tb   testing.TB
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey

	// File is the authority's own certificate in PEM.
	File string
}

// New is an authority that puts its files into a directory.
func New(tb testing.TB, dir string) *Authority {
	tb.Helper()
	a := &Authority{tb: tb, dir: dir, key: newKey(tb)}
	template := a.template("authority", time.Now().Add(time.Hour))
	template.IsCA, template.BasicConstraintsValid = true, true
	template.KeyUsage |= x509.KeyUsageCertSign
	a.cert = template // which signs itself
	raw := a.sign(template, a.key)
	a.cert, _ = x509.ParseCertificate(raw)
	a.File = a.write("authority-"+template.SerialNumber.Text(36)[:8]+".pem", encode("CERTIFICATE", raw), 0o644)
	return a
}

// Issue writes a certificate with its key, for a name and hosts, that is good until a
// time. The certificate is called by the first of the hosts.
func (a *Authority) Issue(name string, until time.Time, hosts ...string) (certFile, keyFile string) {
	a.tb.Helper()
	key := newKey(a.tb)
	template := a.template(name, until)
	template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth}
	for _, host := range hosts {
		if ip := net.ParseIP(host); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
		} else {
			template.DNSNames = append(template.DNSNames, host)
		}
	}
	secret, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.tb.Fatal(err)
	}
	prefix := name + "-" + template.SerialNumber.Text(36)[:8]
	return a.write(prefix+".pem", encode("CERTIFICATE", a.sign(template, key)), 0o644),
		a.write(prefix+".key", encode("PRIVATE KEY", secret), 0o600)
}

func (a *Authority) template(name string, until time.Time) *x509.Certificate {
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	if err != nil {
		a.tb.Fatal(err)
	}
	serial.SetBit(serial, 120, 1) // so that its text is long
	return &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: name},
		NotBefore: time.Now().Add(-24 * time.Hour), NotAfter: until, KeyUsage: x509.KeyUsageDigitalSignature,
	}
}

func (a *Authority) sign(template *x509.Certificate, of *ecdsa.PrivateKey) []byte {
	a.tb.Helper()
	raw, err := x509.CreateCertificate(rand.Reader, template, a.cert, &of.PublicKey, a.key)
	if err != nil {
		a.tb.Fatal(err)
	}
	return raw
}

func (a *Authority) write(name string, content []byte, mode os.FileMode) string {
	a.tb.Helper()
	path := filepath.Join(a.dir, name)
	if err := os.WriteFile(path, content, mode); err != nil {
		a.tb.Fatal(err)
	}
	return path
}

func newKey(tb testing.TB) *ecdsa.PrivateKey {
	tb.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		tb.Fatal(err)
	}
	return key
}

func encode(kind string, raw []byte) []byte {
	return pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: raw})
}
