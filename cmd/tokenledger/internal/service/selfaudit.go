// The self-audit: the log read again and again at a modest rate, and everything that was made of it compared.

package service

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"golang.org/x/time/rate"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/config"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/telemetry"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
)

const (
	auditPause = time.Hour   // between two audits that found nothing
	auditRetry = time.Minute // after one that could not be made
	auditBurst = 10_000      // the most events of one block
)

// selfAudit is what is known of the audits so far.
type selfAudit struct {
	mu       sync.Mutex // guards all below
	at       events.Position
	done     evidence.Checked // the last audit that was made to its end
	finished time.Time
	mismatch error // of the last audit
}

func (a *selfAudit) set(change func(*selfAudit)) {
	a.mu.Lock()
	defer a.mu.Unlock()
	change(a)
}

// runAudit audits until ctx ends. What it finds is told on /readyz, in the metrics
// and in the log, and stays there until an audit passes.
func (l *ledger) runAudit(ctx context.Context) error {
	if l.config.AuditRate == 0 {
		<-ctx.Done()
		return nil
	}
	blinding, err := l.store.Ring.Blinding()
	if err != nil {
		return err
	}
	limiter := rate.NewLimiter(rate.Limit(l.config.AuditRate), auditBurst)
	check := evidence.Checker{
		Log: l.store.Log, Sealed: l.evidence, Blinding: blinding, Views: l.models.Views, Outside: l.config.Checkpoints(), Pace: limiter.WaitN,
		Progress: func(at events.Position) { l.audit.set(func(a *selfAudit) { a.at = at }) },
	}
	for ctx.Err() == nil {
		pause := auditPause
		done, err := check.Check(ctx)
		var found *evidence.Mismatch
		switch {
		case errors.As(err, &found):
			l.audit.set(func(a *selfAudit) { a.mismatch = found })
			l.logger.ErrorContext(ctx, "the self-audit found a mismatch; the log or what was made of it was altered",
				"position", int64(found.Position), "what", found.What, "detail", found.Detail)
		case err != nil && ctx.Err() == nil:
			pause = auditRetry
			l.logger.WarnContext(ctx, "the self-audit could not be made to its end", "error", err)
		case err == nil:
			l.audit.set(func(a *selfAudit) { a.done, a.finished, a.mismatch = done, time.Now(), nil })
		}
		select {
		case <-ctx.Done():
		case <-time.After(pause):
		}
	}
	return nil
}

// audited is the line of /readyz.
func (l *ledger) audited() httpd.Check {
	l.audit.mu.Lock()
	defer l.audit.mu.Unlock()
	return httpd.Check{
		Name: "self-audit", OK: l.audit.mismatch == nil,
		Detail: detail(l.audit.mismatch, "at %d, last audit through %d", l.audit.at, l.audit.done.Position),
	}
}

func (l *ledger) measureAudit(r prometheus.Registerer) {
	gauge := func(name, help string, of func(*selfAudit) float64) {
		telemetry.Gauge(r, name, help, nil, func() (v float64) { l.audit.set(func(a *selfAudit) { v = of(a) }); return v })
	}
	gauge("audit_mismatch", "1 while the last self-audit found a mismatch.", func(a *selfAudit) float64 { return truth(a.mismatch != nil) })
	gauge("audit_position", "Event that the self-audit is at.", func(a *selfAudit) float64 { return float64(a.at) })
	gauge("audit_finished_timestamp_seconds", "When the last self-audit passed.", func(a *selfAudit) float64 {
		if a.finished.IsZero() {
			return 0
		}
		return float64(a.finished.Unix())
	})
}

// Audit audits the whole log at once, for a command.
func Audit(ctx context.Context, s *Store, c config.Config, progress func(events.Position)) (evidence.Checked, error) {
	blinding, err := s.Ring.Blinding()
	if err != nil {
		return evidence.Checked{}, fmt.Errorf("the key file (TOKENLEDGER_KEY_FILE): %w", err)
	}
	pool, err := projections.OpenPool(ctx, cmp.Or(c.ProjectorURL, s.URL), c.Schema)
	if err != nil {
		return evidence.Checked{}, err
	}
	defer pool.Close()
	sealed, err := OpenSealed(ctx, c, s)
	if err != nil {
		return evidence.Checked{}, err
	}
	defer sealed.Close()
	return evidence.Checker{
		Log: s.Log, Sealed: sealed, Blinding: blinding, Views: projections.NewViews(pool, nil), Outside: c.Checkpoints(), Progress: progress,
	}.Check(ctx)
}
