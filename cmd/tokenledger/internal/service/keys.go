// The keys of a service that runs: what is rotated in the key file is taken on at once.

package service

import (
	"context"
	"log/slog"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// lookAtKeysEvery is how long a rotation may go unnoticed.
const lookAtKeysEvery = time.Second

// followKeys keeps the ring and the peppers at what the key file says. A file that
// cannot be taken on changes nothing: the keys of before stay in use.
func (s *Store) followKeys(ctx context.Context, logger *slog.Logger) error {
	s.keys.Follow(ctx, s.Ring, lookAtKeysEvery, func(err error) {
		if err == nil {
			err = s.renewPeppers()
		}
		if err != nil {
			logger.ErrorContext(ctx, "the key file cannot be taken on; the keys of before stay in use", "error", err)
			return
		}
		logger.InfoContext(ctx, "the key file has changed and is taken on")
	})
	return nil
}

func (s *Store) renewPeppers() error {
	now, err := peppers(s.Ring)
	if err == nil {
		s.Peppers.Become(now)
	}
	return err
}

// measureKeys tells which versions this process has, so that a rotation over several
// services can wait until all know it.
func (l *ledger) measureKeys(r prometheus.Registerer) {
	version := func(name, help string, of func(keyring.Listed) bool) {
		for _, key := range keyring.Rotatable {
			telemetry.Gauge(r, name, help, prometheus.Labels{"key": key}, func() float64 {
				found := 0
				for _, k := range l.store.Ring.List() {
					if k.Name == key && of(k) {
						found = max(found, k.Version)
					}
				}
				return float64(found)
			})
		}
	}
	version("key_newest_version", "Newest version of a key that this process knows.", func(keyring.Listed) bool { return true })
	version("key_active_version", "Version of a key that this process makes new things with.", func(k keyring.Listed) bool { return k.Active })
}
