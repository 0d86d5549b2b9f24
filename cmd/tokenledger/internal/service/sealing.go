// The sealer within the service: its keys, where its checkpoints go, how it is doing.

package service

import (
	"context"
	"fmt"
	"log/slog"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/eventstore/witness"
)

// CheckpointSubject is where each checkpoint is published, as the signed note that it is.
const CheckpointSubject = "tokenledger.checkpoints"

// OpenSealed connects to what was sealed of the store's log.
func OpenSealed(ctx context.Context, c config.Config, s *Store) (*sealer.Reader, error) {
	blinding, err := s.Ring.Blinding()
	if err != nil {
		return nil, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	return sealer.OpenReader(ctx, sealer.ReaderConfig{
		Log: s.Log, URL: s.URL, Schema: c.Schema, Blinding: blinding, Verifiers: s.Ring.Verifiers,
	})
}

// newSealer makes the sealer of a service.
func newSealer(c config.Config, s *Store, conn *nats.Conn, logger *slog.Logger) (*sealer.Sealer, error) {
	settings, err := sealing(c, s, logger)
	if err != nil {
		return nil, err
	}
	settings.Publish = func(_ context.Context, checkpoint []byte) error {
		if !conn.IsConnected() {
			return nats.ErrConnectionReconnecting
		}
		return conn.Publish(CheckpointSubject, checkpoint)
	}
	return sealer.New(settings)
}

func sealing(c config.Config, s *Store, logger *slog.Logger) (sealer.Config, error) {
	blinding, err := s.Ring.Blinding()
	if err != nil {
		return sealer.Config{}, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	return sealer.Config{
		Log: s.Log, URL: s.URL, Schema: c.Schema, Blinding: blinding,
		Signer: s.Ring.Signer, Verifiers: s.Ring.Verifiers, Outside: c.Checkpoints(), Logger: logger,
	}, nil
}

// RenewSealer begins another log of epochs, and gives its name.
func RenewSealer(ctx context.Context, c config.Config, s *Store, logger *slog.Logger) (string, error) {
	settings, err := sealing(c, s, logger)
	if err != nil {
		return "", err
	}
	return sealer.Renew(ctx, settings)
}

// newCosigner asks the witnesses that are named, from the process that seals.
func newCosigner(c config.Config, evidence *sealer.Reader, s *sealer.Sealer, logger *slog.Logger) *sealer.Cosigner {
	asks := &sealer.Cosigner{Reader: evidence, Active: func() bool { return s.Status().Leader }, Logger: logger}
	for _, w := range c.Witnesses {
		asks.Witnesses = append(asks.Witnesses, &witness.Client{URL: w.URL, Key: w.Key})
	}
	return asks
}

// sealed is the line of /readyz. A sealer that waits for its lease or for the
// database is no fault; one that refuses to sign is.
func (l *ledger) sealed() httpd.Check {
	s := l.sealer.Status()
	return httpd.Check{Name: "sealer", OK: s.Refused == nil, Detail: detail(s.Refused, "epoch %d, position %d", s.Epoch, s.Position)}
}

func (l *ledger) measureSealer(r prometheus.Registerer) {
	gauge := func(name, help string, of func(sealer.Status) float64) {
		telemetry.Gauge(r, name, help, nil, func() float64 { return of(l.sealer.Status()) })
	}
	gauge("sealer_leader", "1 while this process seals the log.", func(s sealer.Status) float64 { return truth(s.Leader) })
	gauge("sealer_epoch", "Last epoch that this process sealed or found.", func(s sealer.Status) float64 { return float64(s.Epoch) })
	gauge("sealer_position", "Last event in that epoch.", func(s sealer.Status) float64 { return float64(s.Position) })
	gauge("sealer_epoch_timestamp_seconds", "Time of that epoch.", func(s sealer.Status) float64 {
		if s.Time.IsZero() {
			return 0
		}
		return float64(s.Time.UnixMicro()) / 1e6
	})
	gauge("sealer_refused", "1 while nothing is signed since the log contradicts what was signed: a person has to look.",
		func(s sealer.Status) float64 { return truth(s.Refused != nil) })
	gauge("sealer_interrupted", "1 while the log cannot be sealed for now.", func(s sealer.Status) float64 { return truth(s.Interrupted != nil) })
	telemetry.Gauge(r, "checkpoint_uncosigned", "1 while a witness has not cosigned the last checkpoint that it was asked about.", nil,
		func() float64 { return truth(l.cosigner.Missing() != nil) })
	gauge("sealer_unpublished", "1 while the last checkpoint could not be published.", func(s sealer.Status) float64 { return truth(s.Unpublished != nil) })
}
