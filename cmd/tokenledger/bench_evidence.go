// tokenledger bench evidence: how long a pack of many events takes to be made and to be verified.

package main

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"time"

	"github.com/google/uuid"
	"github.com/spf13/cobra"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/service"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections"
	"github.com/tokenledger/tokenledger/projections/evidence"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// evidenceResult is what one run measured.
type evidenceResult struct {
	What          string  `json:"what"`
	Events        int64   `json:"events"`
	PackBytes     int64   `json:"packBytes"`
	ExportSeconds float64 `json:"exportSeconds"`
	VerifySeconds float64 `json:"verifySeconds"`
	Throughput    float64 `json:"throughput"`    // events verified a second, on one core
	RestHeapMiB   float64 `json:"restHeapMiB"`   // of the service before
	ExportHeapMiB float64 `json:"exportHeapMiB"` // the most that was in use, by the service too
	VerifyHeapMiB float64 `json:"verifyHeapMiB"`
	AuditSeconds  float64 `json:"auditSeconds"`
	AuditedEvents int64   `json:"auditedEvents"` // by audit check, which found nothing
}

func (a app) benchEvidenceCommand() *cobra.Command {
	var n int
	c := &cobra.Command{Use: "evidence", Short: "Export and verify an evidence pack of many events"}
	c.Flags().IntVar(&n, "events", 100_000, "events of the pack")
	out := outputFlag(c, "table", "json", "csv")
	c.RunE = func(c *cobra.Command, _ []string) error {
		if n < 1 {
			return usage("--events %d: want at least one", n)
		}
		end := a.progress("measuring", "seconds").during(c.Context(), 0)
		r, err := a.benchEvidence(c.Context(), n)
		end()
		if err != nil {
			return err
		}
		if *out != "table" {
			return a.showJSON(r, *out)
		}
		fmt.Fprintf(a.out, "%d events, %d MB: exported in %.1f s, verified in %.1f s (%.0f events/s); heap at most %.0f and %.0f MiB, %.0f before\n"+
			"audit check: no mismatch in %d events, in %.1f s\n",
			r.Events, r.PackBytes>>20, r.ExportSeconds, r.VerifySeconds, r.Throughput, r.ExportHeapMiB, r.VerifyHeapMiB, r.RestHeapMiB,
			r.AuditedEvents, r.AuditSeconds)
		return nil
	}
	return c
}

func (a app) benchEvidence(ctx context.Context, n int) (r evidenceResult, err error) {
	err = a.withService(ctx, func(ctx context.Context, s scratchService) error {
		settings := s.config
		url, err := databaseURL(settings)
		if err != nil {
			return err
		}
		ring, err := settings.Keys().Load()
		if err != nil {
			return err
		}
		pool, err := projections.OpenPool(ctx, url, settings.Schema)
		if err != nil {
			return err
		}
		defer pool.Close()
		views, config := projections.NewViews(pool, nil), eventstore.Config{URL: url, Schema: settings.Schema, Keys: ring}
		fmt.Fprintf(a.err, "Recording %d events …\n", n)
		organization, err := recordUses(ctx, config, views, n)
		if err != nil {
			return err
		}
		log, err := eventstore.Open(ctx, config) // with nothing of what was recorded in memory
		if err != nil {
			return err
		}
		defer log.Close()
		store := &service.Store{Log: log, Ring: ring, URL: url}
		sealed, err := service.OpenSealed(ctx, settings, store)
		if err != nil {
			return err
		}
		defer sealed.Close()
		exporter := service.NewExporter(store, sealed, views, "tokenledger "+service.Version())
		if r, err = a.measureEvidence(ctx, exporter, organization, filepath.Join(settings.Data, "pack.zip")); err != nil {
			return err
		}
		begin := time.Now()
		done, err := service.Audit(ctx, store, settings, nil)
		r.AuditSeconds, r.AuditedEvents = time.Since(begin).Seconds(), done.Events
		return err
	})
	return r, err
}

// recordUses makes an organization of its own with a token and many uses of it, and
// waits until the read models know of them.
func recordUses(ctx context.Context, c eventstore.Config, views *projections.Views, n int) (organization uuid.UUID, err error) {
	log, err := eventstore.Open(ctx, c)
	if err != nil {
		return organization, err
	}
	defer log.Close()
	organization, token := uuid.Must(uuid.NewV7()), uuid.Must(uuid.NewV7())
	trail, meta := events.OrganizationTrail(organization), events.Meta{Actor: events.System("bench")}
	request := func(stream events.StreamID, facts ...events.Event) events.Request {
		return events.Request{Batches: []events.Batch{{Stream: stream, Trail: trail, Meta: meta, Events: facts}}}
	}
	// The installation's own organization has index 0.
	begin := events.OrganizationCreated{Index: 1, Name: "bench", DisplayName: "Bench"}
	made := events.TokenCreated{Kind: events.OrganizationKind, Organization: organization, Name: "bench", Scopes: []string{"write"}, Fingerprint: "bench"}
	running, stop := context.WithCancel(ctx)
	defer stop()
	var group errgroup.Group
	group.Go(func() error { return log.Run(running) })
	defer func() {
		stop()
		if runErr := group.Wait(); runErr != nil && !errors.Is(runErr, context.Canceled) {
			err = errors.Join(err, runErr)
		}
	}()
	for _, r := range []events.Request{request(events.OrganizationStream(organization), begin), request(events.TokenStream(token), made)} {
		if _, err := log.Append(ctx, r); err != nil {
			return organization, err
		}
	}
	const atOnce = 1000
	var last events.Position
	for done := 0; done < n; done += atOnce {
		uses := make([]events.Event, min(atOnce, n-done))
		for i := range uses {
			uses[i] = events.TokenUsed{Action: "createEvidence", Resource: fmt.Sprintf("evidence/%d", i%100), Via: "graphql"}
		}
		receipt, err := log.Append(ctx, request(events.TokenStream(token), uses...))
		if err != nil {
			return organization, err
		}
		last = receipt.Last()
	}
	for _, p := range projections.All() {
		if err := awaitProjection(ctx, views, p.Name(), last); err != nil {
			return organization, err
		}
	}
	return organization, nil
}

// awaitProjection waits for a read model that a service fills.
func awaitProjection(ctx context.Context, views *projections.Views, name string, last events.Position) error {
	for {
		s, err := views.Snapshot(ctx)
		if err != nil {
			return err
		}
		at, err := s.Position(ctx, name)
		s.Close(ctx)
		if err != nil || at >= last {
			return err
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(100 * time.Millisecond):
		}
	}
}

func (a app) measureEvidence(ctx context.Context, e evidence.Exporter, organization uuid.UUID, name string) (r evidenceResult, err error) {
	r.What = "an evidence pack: exported from the read model, verified on one core: leaves, trees, proofs, events.csv, hashes of all files"
	now, err := e.Sealed.Seal(ctx)
	if err != nil {
		return r, err
	}
	begin := time.Now()
	heap := watchHeap()
	var rest runtime.MemStats
	runtime.ReadMemStats(&rest)
	r.RestHeapMiB = float64(rest.HeapInuse) / (1 << 20)
	plan, err := e.Plan(ctx, evidence.Order{Organization: organization, From: now.Epoch.Time.AddDate(-1, 0, 0), To: now.Epoch.Time, Operator: "bench"})
	if err != nil {
		return r, err
	}
	f, err := os.Create(name)
	if err != nil {
		return r, err
	}
	defer f.Close()
	out := bufio.NewWriterSize(f, 1<<20)
	if err := errors.Join(plan.Write(ctx, out), out.Flush()); err != nil {
		return r, err
	}
	r.ExportSeconds, r.ExportHeapMiB, r.Events = time.Since(begin).Seconds(), heap(), plan.Manifest.Events
	info, err := f.Stat()
	if err != nil {
		return r, err
	}
	r.PackBytes = info.Size()
	keys, err := e.Keys(plan.Manifest.Checkpoint.Origin)
	if err != nil {
		return r, err
	}
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	heap, begin = watchHeap(), time.Now()
	if _, err := verify.Pack(f, info.Size(), verify.Options{Keys: keys}); err != nil {
		return r, err
	}
	r.VerifySeconds, r.VerifyHeapMiB = time.Since(begin).Seconds(), heap()
	r.Throughput = float64(r.Events) / r.VerifySeconds
	return r, nil
}

// watchHeap looks at the heap now and then; the function that it gives ends that
// and tells the most that was in use, in MiB.
func watchHeap() func() float64 {
	runtime.GC()
	stop, most := make(chan struct{}), make(chan uint64)
	go func() {
		var top uint64
		var m runtime.MemStats
		tick := time.NewTicker(50 * time.Millisecond)
		defer tick.Stop()
		for {
			runtime.ReadMemStats(&m)
			top = max(top, m.HeapInuse)
			select {
			case <-tick.C:
			case <-stop:
				most <- top
				return
			}
		}
	}()
	return func() float64 {
		close(stop)
		return float64(<-most) / (1 << 20)
	}
}
