// What waits for a person in the read models, as metrics: one process counts, since
// that is a query and the answer is that of the whole installation.

package service

import (
	"context"
	"sync/atomic"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/tokenledger/tokenledger/projections"
)

// countEvery is the time between two counts.
const countEvery = 30 * time.Second

// outstanding collects what was counted last; nothing while another process counts.
type outstanding struct {
	last atomic.Pointer[projections.Outstanding]
}

var (
	findingsOpen = prometheus.NewDesc("tokenledger_findings_open",
		"Findings that are open and not resolved, of all organizations, by rule. One process of an installation tells.", []string{"rule"}, nil)
	deadLetters = prometheus.NewDesc("tokenledger_webhook_dead_letters",
		"Messages to webhooks that were given up. One process of an installation tells.", nil, nil)
	hooksFailing = prometheus.NewDesc("tokenledger_webhooks_failing",
		"Webhooks whose last call failed. One process of an installation tells.", nil, nil)
)

// Describe implements [prometheus.Collector].
func (*outstanding) Describe(to chan<- *prometheus.Desc) {
	to <- findingsOpen
	to <- deadLetters
	to <- hooksFailing
}

// Collect implements [prometheus.Collector].
func (o *outstanding) Collect(to chan<- prometheus.Metric) {
	last := o.last.Load()
	if last == nil {
		return
	}
	for rule, n := range last.Findings {
		to <- prometheus.MustNewConstMetric(findingsOpen, prometheus.GaugeValue, float64(n), string(rule))
	}
	to <- prometheus.MustNewConstMetric(deadLetters, prometheus.GaugeValue, float64(last.DeadLetters))
	to <- prometheus.MustNewConstMetric(hooksFailing, prometheus.GaugeValue, float64(last.Failing))
}

// runOutstanding counts while this process holds the lease on that work.
func (l *ledger) runOutstanding(ctx context.Context) error {
	return l.lease("metrics").Hold(ctx, func(ctx context.Context) error {
		defer l.outstanding.last.Store(nil)
		for {
			counted, err := l.models.Views.Outstanding(ctx)
			if err != nil {
				return err
			}
			l.outstanding.last.Store(&counted)
			select {
			case <-ctx.Done():
				return nil
			case <-time.After(countEvery):
			}
		}
	})
}
