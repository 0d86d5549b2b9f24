// What sealing costs the appender: with and without it in turns, in one run.

package sealer_test

import (
	"context"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// BenchmarkAppendWhileSealed appends uses of tokens of 20 organizations, 512 in
// flight, on a durable Postgres. Windows with a sealer, at its usual pace, and without
// one alternate; cost% is what the sealer takes of the throughput.
//
//	go test ./eventstore/sealer -run '^$' -bench Sealed -benchtime 8x
func BenchmarkAppendWhileSealed(b *testing.B) {
	const callers, window = 512, time.Second
	w := &world{url: eventstoretest.DurablePostgres(b)}
	w.log = eventstoretest.Start(b, eventstore.Config{URL: w.url})
	w.foundIn(b, 20)
	private, public, err := note.GenerateKey(nil, sealer.Origin(w.log.Origin(), 1))
	if err != nil {
		b.Fatal(err)
	}
	s, err := sealer.New(sealer.Config{
		Log: w.log, URL: w.url, Blinding: make([]byte, 32), Outside: b.TempDir(),
		Signer:    func(string) (note.Signer, error) { return note.NewSigner(private) },
		Verifiers: func(string) ([]note.Verifier, error) { return merkle.ParseKeys(public) },
	})
	if err != nil {
		b.Fatal(err)
	}
	var appended atomic.Int64
	ctx, stop := context.WithCancel(context.Background())
	var group sync.WaitGroup
	for caller := range callers {
		group.Go(func() {
			for ctx.Err() == nil {
				if _, err := w.log.Append(ctx, w.tokens[caller%len(w.tokens)].Use()); err == nil {
					appended.Add(1)
				}
			}
		})
	}
	defer func() {
		stop()
		group.Wait()
	}()
	measure := func() float64 {
		before, began := appended.Load(), time.Now()
		time.Sleep(window)
		return float64(appended.Load()-before) / time.Since(began).Seconds()
	}
	var plain, sealed float64
	for b.Loop() {
		plain += measure()
		sealing, end := context.WithCancel(ctx)
		ended := make(chan error, 1)
		go func() { ended <- s.Run(sealing) }()
		for s.Status().Epoch < 0 || !s.Status().Leader { // it has caught up with the window before
			time.Sleep(time.Millisecond)
		}
		sealed += measure()
		end()
		if err := <-ended; err != nil || s.Status().Refused != nil {
			b.Fatal(err, s.Status().Refused)
		}
	}
	b.ReportMetric(plain/float64(b.N), "plain/s")
	b.ReportMetric(sealed/float64(b.N), "sealed/s")
	b.ReportMetric(100*(1-sealed/plain), "cost%")
}
