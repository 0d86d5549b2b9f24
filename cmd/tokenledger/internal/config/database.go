// The database: who logs in as what, and whether somebody could listen.

package config

import (
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"strings"

	"github.com/jackc/pgx/v5/pgconn"
)

func (c *Config) checkDatabase() (problems []error) {
	for _, u := range []struct{ name, url string }{
		{"TOKENLEDGER_DATABASE_URL", c.DatabaseURL},
		{"TOKENLEDGER_DATABASE_MIGRATOR_URL", c.MigratorURL},
		{"TOKENLEDGER_DATABASE_PROJECTOR_URL", c.ProjectorURL},
	} {
		if u.url != "" && !hasScheme(u.url, "postgres", "postgresql") {
			problems = append(problems, fmt.Errorf("%s: want postgres://user:password@host:port/database (its value is not shown)", u.name))
		}
	}
	if c.Embedded() && (c.MigratorURL != "" || c.ProjectorURL != "") {
		problems = append(problems, errors.New("TOKENLEDGER_DATABASE_URL: want it, since there are other logins of its database; the private Postgres has one"))
	}
	return problems
}

// InClear names the settings whose connections somebody on the way could read or answer
// in the place of the server: to another host, without a certificate that is verified
// for that host.
func (c Config) InClear() (settings []string) {
	for _, u := range []struct{ name, url string }{
		{"TOKENLEDGER_DATABASE_URL", c.DatabaseURL},
		{"TOKENLEDGER_DATABASE_MIGRATOR_URL", c.MigratorURL},
		{"TOKENLEDGER_DATABASE_PROJECTOR_URL", c.ProjectorURL},
	} {
		if u.url != "" && databaseInClear(u.url) {
			settings = append(settings, u.name)
		}
	}
	for u := range strings.SplitSeq(c.NATSURL, ",") {
		if c.NATSURL != "" && c.natsInClear(strings.TrimSpace(u)) {
			return append(settings, "TOKENLEDGER_NATS_URL")
		}
	}
	return settings
}

func databaseInClear(url string) bool {
	p, err := pgconn.ParseConfig(url)
	if err != nil {
		return false // which is told where it is used
	}
	ways := []*pgconn.FallbackConfig{{Host: p.Host, TLSConfig: p.TLSConfig}}
	for _, way := range append(ways, p.Fallbacks...) {
		local := filepath.IsAbs(way.Host) || strings.HasPrefix(way.Host, "@") || LoopbackHost(way.Host) // a socket, or this machine
		if verified := way.TLSConfig != nil && !way.TLSConfig.InsecureSkipVerify; !local && !verified {
			return true
		}
	}
	return false
}

// natsInClear: a client that has authorities to trust speaks nothing but TLS.
func (c Config) natsInClear(raw string) bool {
	scheme, rest, _ := strings.Cut(raw, "://")
	if scheme == "tls" || scheme == "wss" || c.NATSCAFile != "" || c.NATSCertFile != "" {
		return false
	}
	if _, after, found := strings.Cut(rest, "@"); found {
		rest = after
	}
	rest, _, _ = strings.Cut(rest, "/")
	host, _, err := net.SplitHostPort(rest)
	if err != nil {
		host = rest
	}
	return !LoopbackHost(strings.Trim(host, "[]"))
}
