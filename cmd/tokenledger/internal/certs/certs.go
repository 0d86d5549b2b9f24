// Package certs is TLS from files: a server's certificate and key, taken on anew when
// the files change, and the authorities that a client trusts.
package certs

import (
	"bytes"
	"context"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"
)

// Pair is a certificate and its key. What it serves is always whole: files that do
// not fit each other leave the pair of before in use.
type Pair struct {
	certFile, keyFile string
	served            atomic.Pointer[tls.Certificate]
	kept              atomic.Bool // the files hold something that cannot be served
	cert, key         []byte      // what the files held when it was taken on; of Follow alone
}

// Load reads the pair of two PEM files; the first may hold intermediates behind the
// certificate.
func Load(certFile, keyFile string) (*Pair, error) {
	p := &Pair{certFile: certFile, keyFile: keyFile}
	if _, err := p.look(); err != nil {
		return nil, err
	}
	return p, nil
}

// Expires is when the certificate that is served ends.
func (p *Pair) Expires() time.Time { return p.served.Load().Leaf.NotAfter }

// Kept reports whether the files hold something that is kept out.
func (p *Pair) Kept() bool { return p.kept.Load() }

// Server is what a listener needs: TLS 1.2 with forward secrecy and authenticated
// encryption at least, 1.3 for whoever knows it, and HTTP/2.
func (p *Pair) Server() *tls.Config {
	return &tls.Config{
		MinVersion: tls.VersionTLS12,
		CipherSuites: []uint16{ // of TLS 1.2; those of 1.3 are all good
			tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256, tls.TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256,
			tls.TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384, tls.TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384,
			tls.TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256, tls.TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256,
		},
		NextProtos:     []string{"h2", "http/1.1"},
		GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return p.served.Load(), nil },
	}
}

// Follow looks at the files until ctx ends and takes on what is new in them: the next
// handshake has it, and connections that there are go on. took is told of each pair
// that is taken on, and of each that is kept out, once. Certificate and key are two
// files, so what does not fit is believed when it is still so at the next look.
func (p *Pair) Follow(ctx context.Context, every time.Duration, took func(error)) {
	tick := time.NewTicker(every)
	defer tick.Stop()
	var before, told string // what was wrong at the last look, and what was told last
	for {
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
		changed, err := p.look()
		says := ""
		if err != nil {
			says = err.Error()
		}
		p.kept.Store(says != "" && says == before)
		if changed || p.Kept() && says != told {
			took(err)
			told = says
		} else if says == "" {
			told = ""
		}
		before = says
	}
}

// look takes on what the files hold if that is new and can be served.
func (p *Pair) look() (changed bool, err error) {
	cert, certErr := os.ReadFile(p.certFile)
	key, keyErr := os.ReadFile(p.keyFile)
	if err := errors.Join(certErr, keyErr); err != nil {
		return false, err
	}
	if bytes.Equal(cert, p.cert) && bytes.Equal(key, p.key) {
		return false, nil
	}
	pair, err := tls.X509KeyPair(cert, key)
	if err != nil {
		return false, fmt.Errorf("%s and %s: %w", p.certFile, p.keyFile, err)
	}
	if now := time.Now(); now.After(pair.Leaf.NotAfter) || now.Before(pair.Leaf.NotBefore) {
		return false, fmt.Errorf("%s: the certificate is good from %s to %s only", p.certFile,
			pair.Leaf.NotBefore.Format(time.RFC3339), pair.Leaf.NotAfter.Format(time.RFC3339))
	}
	p.cert, p.key = cert, key
	p.served.Store(&pair)
	return true, nil
}

// Authorities reads the certificates that a client trusts from a PEM file.
func Authorities(file string) (*x509.CertPool, error) {
	text, err := os.ReadFile(file)
	if err != nil {
		return nil, err
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(text) {
		return nil, fmt.Errorf("%s holds no certificate in PEM", file)
	}
	return pool, nil
}

// Client trusts the authorities of a PEM file and nobody else.
func Client(authorities string) (*tls.Config, error) {
	pool, err := Authorities(authorities)
	if err != nil {
		return nil, err
	}
	return &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: pool}, nil
}

// Beside trusts the very certificate of a file, whatever address it is served at: for
// a client that reads it on the machine of the server.
func Beside(certFile string) (*tls.Config, error) {
	config, err := Client(certFile)
	if err != nil {
		return nil, err
	}
	text, err := os.ReadFile(certFile)
	if err != nil {
		return nil, err
	}
	leaf, err := first(text)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", certFile, err)
	}
	switch {
	case len(leaf.DNSNames) > 0:
		config.ServerName = leaf.DNSNames[0]
	case len(leaf.IPAddresses) > 0:
		config.ServerName = leaf.IPAddresses[0].String()
	default:
		return nil, fmt.Errorf("%s: the certificate is for no host", certFile)
	}
	return config, nil
}

// first is the first certificate of a PEM text.
func first(text []byte) (*x509.Certificate, error) {
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return nil, errors.New("no certificate in PEM")
		}
		if block.Type == "CERTIFICATE" {
			return x509.ParseCertificate(block.Bytes)
		}
		text = rest
	}
}
