// What the service does by itself, one process at a time: recording deadlines.

package service

import (
	"context"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/lease"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/scheduler"
)

// runScheduler records deadlines while this process holds the lease on that work.
func (l *ledger) runScheduler(ctx context.Context) error {
	s := scheduler.New(scheduler.Config{Directory: l.directory, Deadlines: l.models.Views, Logger: l.logger})
	return l.lease("scheduler").Hold(ctx, s.Run)
}

func (l *ledger) lease(name string) lease.Lease {
	return lease.Lease{Pool: l.models.Pool, Name: name, Logger: l.logger}
}
