// What the service does by itself, one process at a time: recording deadlines,
// announcing findings, and sending to webhooks.

package service

import (
	"context"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/announcer"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/lease"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outbound"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scheduler"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/webhooks"
)

// runScheduler records deadlines while this process holds the lease on that work.
func (l *ledger) runScheduler(ctx context.Context) error {
	s := scheduler.New(scheduler.Config{
		Directory: l.directory, Deadlines: l.models.Views, Head: l.store.Log.Head, Logger: l.logger,
	})
	return l.lease("scheduler").Hold(ctx, s.Run)
}

func (l *ledger) lease(name string) lease.Lease {
	return lease.Lease{Pool: l.models.Pool, Name: name, Logger: l.logger}
}

// runAnnouncer numbers findings and publishes them, under a lease.
func (l *ledger) runAnnouncer(ctx context.Context) error {
	a := announcer.New(announcer.Config{
		Pool: l.models.Pool, Views: l.models.Views, Conn: l.broker.conn, Origin: l.store.Log.Origin(),
		Replicas: l.config.NATSReplicas, Logger: l.logger,
	})
	return l.lease("findings").Hold(ctx, a.Run)
}

// webhookTimeout bounds one call of a webhook's URL.
const webhookTimeout = 10 * time.Second

// runWebhooks sends to webhooks, under a lease.
func (l *ledger) runWebhooks(ctx context.Context) error {
	s := webhooks.New(webhooks.Config{
		Pool: l.models.Pool, Trails: l.models.Views, Origin: l.store.Log.Origin(), Key: l.webhookKey,
		Client: l.guard().Client(webhookTimeout), Logger: l.logger,
	})
	return l.lease("webhooks").Hold(ctx, s.Run)
}

// guard says which addresses that users name may be called.
func (l *ledger) guard() outbound.Guard { return outbound.Guard{Allowed: l.config.PrivateTargets} }

func (l *ledger) webhookKey(webhook uuid.UUID) ([]byte, error) {
	return l.store.Ring.WebhookSecret(l.store.Log.Origin(), webhook)
}

// hooks implements [graphql.Webhooks].
type hooks struct{ *ledger }

// Secret implements [graphql.Webhooks].
func (h hooks) Secret(webhook uuid.UUID) (string, error) {
	key, err := h.webhookKey(webhook)
	return webhooks.Secret(key), err
}
