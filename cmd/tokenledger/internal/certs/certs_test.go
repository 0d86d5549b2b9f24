// What a server shows while its files change, and whom clients trust.

package certs_test

import (
	"context"
	"crypto/tls"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs/certstest"
)

var nextYear = time.Now().Add(365 * 24 * time.Hour)

// place is where a server has its pair.
type place struct {
	t         *testing.T
	cert, key string
}

func newPlace(t *testing.T) place {
	dir := t.TempDir()
	return place{t, filepath.Join(dir, "cert.pem"), filepath.Join(dir, "key.pem")}
}

// put replaces one file by a copy of another, in one step.
func (p place) put(to, from string) {
	p.t.Helper()
	content, err := os.ReadFile(from)
	if err == nil {
		err = os.WriteFile(to+".new", content, 0o600)
	}
	if err == nil {
		err = os.Rename(to+".new", to)
	}
	if err != nil {
		p.t.Fatal(err)
	}
}

// serve answers each connection with what it reads until the test ends, and follows
// the files; what Follow tells comes over the channel.
func serve(t *testing.T, p place) (pair *certs.Pair, address string, told chan error) {
	t.Helper()
	pair, err := certs.Load(p.cert, p.key)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	told = make(chan error, 100)
	followed := make(chan struct{})
	go func() { pair.Follow(ctx, time.Millisecond, func(err error) { told <- err }); close(followed) }()
	secure := tls.NewListener(l, pair.Server())
	go func() {
		for {
			conn, err := secure.Accept()
			if err != nil {
				return
			}
			go func() { _, _ = io.Copy(conn, conn); conn.Close() }()
		}
	}()
	t.Cleanup(func() { cancel(); <-followed; l.Close() })
	return pair, l.Addr().String(), told
}

func hear(t *testing.T, told <-chan error) error {
	t.Helper()
	select {
	case err := <-told:
		return err
	case <-time.After(30 * time.Second):
		t.Fatal("nothing was told")
		return nil
	}
}

// shown is the common name of what a server shows to a client that trusts an authority.
func shown(t *testing.T, address, authority string) string {
	t.Helper()
	config, err := certs.Client(authority)
	if err != nil {
		t.Fatal(err)
	}
	conn, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	return conn.ConnectionState().PeerCertificates[0].Subject.CommonName
}

func TestANewPairIsTakenOnAndABrokenOneIsKeptOut(t *testing.T) {
	t.Parallel()
	ca := certstest.New(t, t.TempDir())
	oneCert, oneKey := ca.Issue("one", nextYear, "127.0.0.1")
	twoCert, twoKey := ca.Issue("two", nextYear.Add(time.Hour), "127.0.0.1")
	overCert, overKey := ca.Issue("over", time.Now().Add(-time.Minute), "127.0.0.1")
	p := newPlace(t)
	p.put(p.cert, oneCert)
	p.put(p.key, oneKey)
	pair, address, told := serve(t, p)

	config, err := certs.Client(ca.File)
	if err != nil {
		t.Fatal(err)
	}
	old, err := tls.Dial("tcp", address, config)
	if err != nil {
		t.Fatal(err)
	}
	defer old.Close()
	if v := old.ConnectionState().Version; v != tls.VersionTLS13 {
		t.Errorf("speaks %s", tls.VersionName(v))
	}

	// The certificate alone does not fit the old key.
	p.put(p.cert, twoCert)
	if err := hear(t, told); err == nil || !strings.Contains(err.Error(), "private key does not match") || !pair.Kept() {
		t.Errorf("of half a pair: %v, kept out: %v", err, pair.Kept())
	}
	if got := shown(t, address, ca.File); got != "one" {
		t.Errorf("half a pair: shows %s", got)
	}
	p.put(p.key, twoKey)
	if err := hear(t, told); err != nil || pair.Kept() {
		t.Errorf("of a whole pair: %v, kept out: %v", err, pair.Kept())
	}
	if got := shown(t, address, ca.File); got != "two" {
		t.Errorf("a whole pair: shows %s", got)
	}
	if want := nextYear.Add(time.Hour); !pair.Expires().Equal(want.Truncate(time.Second)) {
		t.Errorf("expires %v, want %v", pair.Expires(), want)
	}

	// One that is over, one that is none, and none at all.
	p.put(p.cert, overCert)
	p.put(p.key, overKey)
	for err = hear(t, told); err != nil && !strings.Contains(err.Error(), "is good from"); err = hear(t, told) { // half of it first, perhaps
	}
	if err == nil {
		t.Error("took on a certificate that is over")
	}
	p.put(p.cert, oneKey)
	if err := hear(t, told); err == nil {
		t.Error("took on a key for a certificate")
	}
	if err := os.Remove(p.key); err != nil {
		t.Fatal(err)
	}
	if err := hear(t, told); err == nil {
		t.Error("took on no key")
	}
	if got := shown(t, address, ca.File); got != "two" {
		t.Errorf("after broken ones: shows %s", got)
	}

	// The connection of before goes on through all of it.
	if _, err := old.Write([]byte("still there")); err != nil {
		t.Fatal(err)
	}
	echo := make([]byte, len("still there"))
	if _, err := io.ReadFull(old, echo); err != nil || string(echo) != "still there" {
		t.Errorf("the old connection: %q, %v", echo, err)
	}
}

func TestWhatAServerSpeaks(t *testing.T) {
	t.Parallel()
	ca := certstest.New(t, t.TempDir())
	p := newPlace(t)
	cert, key := ca.Issue("server", nextYear, "127.0.0.1")
	p.put(p.cert, cert)
	p.put(p.key, key)
	_, address, _ := serve(t, p)
	for name, c := range map[string]struct {
		change func(*tls.Config)
		in     bool
	}{
		"TLS 1.3":               {func(c *tls.Config) { c.MinVersion = tls.VersionTLS13 }, true},
		"TLS 1.2":               {func(c *tls.Config) { c.MaxVersion = tls.VersionTLS12 }, true},
		"TLS 1.1":               {func(c *tls.Config) { c.MinVersion, c.MaxVersion = tls.VersionTLS10, tls.VersionTLS11 }, false},
		"no forward secrecy":    {only(tls.TLS_RSA_WITH_AES_128_GCM_SHA256), false},
		"CBC":                   {only(tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA, tls.TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA256), false},
		"AES-GCM":               {only(tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384), true},
		"another authority":     {func(c *tls.Config) { c.RootCAs = nil }, false},
		"another host":          {func(c *tls.Config) { c.ServerName = "ledger.example.com" }, false},
		"HTTP/2 by negotiation": {func(c *tls.Config) { c.NextProtos = []string{"h2"} }, true},
		"nothing it knows":      {func(c *tls.Config) { c.NextProtos = []string{"smtp"} }, false},
	} {
		config, err := certs.Client(ca.File)
		if err != nil {
			t.Fatal(err)
		}
		config.MinVersion = 0
		c.change(config)
		conn, err := tls.Dial("tcp", address, config)
		if err == nil {
			if len(config.NextProtos) > 0 && conn.ConnectionState().NegotiatedProtocol != config.NextProtos[0] {
				t.Errorf("%s: speaks %q", name, conn.ConnectionState().NegotiatedProtocol)
			}
			conn.Close()
		}
		if in := err == nil; in != c.in {
			t.Errorf("%s: let in: %v (%v)", name, in, err)
		}
	}
}

func only(suites ...uint16) func(*tls.Config) {
	return func(c *tls.Config) { c.MaxVersion, c.CipherSuites = tls.VersionTLS12, suites }
}

func TestBesideTrustsTheVeryCertificate(t *testing.T) {
	t.Parallel()
	ca := certstest.New(t, t.TempDir())
	p := newPlace(t)
	cert, key := ca.Issue("server", nextYear, "ledger.example.com")
	p.put(p.cert, cert)
	p.put(p.key, key)
	_, address, _ := serve(t, p)
	other, _ := ca.Issue("other", nextYear, "ledger.example.com")
	for file, in := range map[string]bool{p.cert: true, other: false} {
		config, err := certs.Beside(file)
		if err != nil {
			t.Fatal(err)
		}
		conn, err := tls.Dial("tcp", address, config)
		if err == nil {
			conn.Close()
		}
		if (err == nil) != in {
			t.Errorf("%s: %v", file, err)
		}
	}
	if _, err := certs.Beside(key); err == nil {
		t.Error("trusts a key")
	}
}

func TestAPairThatCannotBeServedIsRefused(t *testing.T) {
	t.Parallel()
	ca := certstest.New(t, t.TempDir())
	cert, key := ca.Issue("one", nextYear, "a")
	other, _ := ca.Issue("two", nextYear, "a")
	over, overKey := ca.Issue("over", time.Now().Add(-time.Minute), "a")
	for name, files := range map[string][2]string{
		"no such file": {cert + "x", key}, "another's key": {other, key}, "over": {over, overKey}, "swapped": {key, cert},
	} {
		if _, err := certs.Load(files[0], files[1]); err == nil || !strings.Contains(err.Error(), files[0]) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
