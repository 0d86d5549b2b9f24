// How the service is reached and reaches others where somebody could listen: the
// settings of TLS.

package config

import (
	"errors"
	"fmt"
	"os"
)

// checkTransport sees to it that certificates come with their keys and that every
// file is there. Whether it can be used is seen by whoever uses it.
func (c *Config) checkTransport() (problems []error) {
	pair := func(certName, cert, keyName, key string) {
		if (cert == "") != (key == "") {
			problems = append(problems, fmt.Errorf("%s and %s: want both, or none", certName, keyName))
		}
	}
	pair("TOKENLEDGER_TLS_CERT_FILE", c.TLSCertFile, "TOKENLEDGER_TLS_KEY_FILE", c.TLSKeyFile)
	pair("TOKENLEDGER_NATS_CERT_FILE", c.NATSCertFile, "TOKENLEDGER_NATS_KEY_FILE", c.NATSKeyFile)
	if c.AdminTLS && !c.TLS() {
		problems = append(problems, errors.New("TOKENLEDGER_ADMIN_TLS: want TOKENLEDGER_TLS_CERT_FILE and TOKENLEDGER_TLS_KEY_FILE, which it is served with"))
	}
	for _, f := range []struct{ name, path string }{
		{"TOKENLEDGER_TLS_CERT_FILE", c.TLSCertFile},
		{"TOKENLEDGER_TLS_KEY_FILE", c.TLSKeyFile},
		{"TOKENLEDGER_CA_FILE", c.CAFile},
		{"TOKENLEDGER_NATS_CA_FILE", c.NATSCAFile},
		{"TOKENLEDGER_NATS_CERT_FILE", c.NATSCertFile},
		{"TOKENLEDGER_NATS_KEY_FILE", c.NATSKeyFile},
	} {
		if f.path == "" {
			continue
		}
		if _, err := os.Stat(f.path); err != nil {
			problems = append(problems, fmt.Errorf("%s: %w; want the path of a PEM file", f.name, err))
		}
	}
	return problems
}

// TLS reports whether the HTTP interface is served by TLS.
func (c Config) TLS() bool { return c.TLSCertFile != "" }

// Scheme is how the HTTP interface is reached.
func (c Config) Scheme() string { return scheme(c.TLS()) }

// AdminScheme is how the interface for operators is reached.
func (c Config) AdminScheme() string { return scheme(c.AdminTLS) }

func scheme(secure bool) string {
	if secure {
		return "https"
	}
	return "http"
}
