// The certificate that the HTTP interfaces are served with, if there is one.

package service

import (
	"context"
	"crypto/tls"
	"fmt"
	"log/slog"
	"net"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/certs"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
)

// lookAtCertificateEvery is how long a new certificate may go unnoticed.
const lookAtCertificateEvery = time.Second

// served is what the service shows of itself; without a pair it speaks plain HTTP.
type served struct{ pair *certs.Pair }

func certificate(c config.Config) (served, error) {
	if !c.TLS() {
		return served{}, nil
	}
	pair, err := certs.Load(c.TLSCertFile, c.TLSKeyFile)
	if err != nil {
		return served{}, fmt.Errorf("the certificate (TOKENLEDGER_TLS_CERT_FILE, TOKENLEDGER_TLS_KEY_FILE): %w", err)
	}
	return served{pair}, nil
}

// over serves a listener by TLS where that is wanted.
func (s served) over(l net.Listener, wanted bool) net.Listener {
	if s.pair == nil || !wanted {
		return l
	}
	return tls.NewListener(l, s.pair.Server())
}

// follow takes on what the files hold anew. A pair that cannot be served changes nothing.
func (s served) follow(ctx context.Context, logger *slog.Logger) error {
	if s.pair == nil {
		<-ctx.Done()
		return nil
	}
	s.pair.Follow(ctx, lookAtCertificateEvery, func(err error) {
		if err != nil {
			logger.ErrorContext(ctx, "the new certificate is kept out; the one of before stays in use", "error", err)
			return
		}
		logger.InfoContext(ctx, "the certificate has changed and is taken on", "expires", s.pair.Expires())
	})
	return nil
}

func (s served) measure(r prometheus.Registerer) {
	if s.pair == nil {
		return
	}
	telemetry.Gauge(r, "tls_certificate_expiry_seconds", "When the certificate of the HTTP interface ends, in seconds since 1970.", nil,
		func() float64 { return float64(s.pair.Expires().Unix()) })
	telemetry.Gauge(r, "tls_certificate_kept_out", "1 while the files hold a certificate that cannot be served.", nil,
		func() float64 { return truth(s.pair.Kept()) })
}
