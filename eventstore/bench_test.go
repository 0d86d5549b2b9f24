// What appending costs, against what the same server does with the same events
// when nothing is promised about them. Run with -bench and -benchtime 3s.

package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// BenchmarkAppend is uses of tokens, by a number of callers who each wait for one
// to be durable before they ask for the next.
func BenchmarkAppend(b *testing.B) {
	log, tokens := benchLog(b)
	for _, callers := range []int{1, 8, 64, 512, 2000} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			inFlight(b, callers, func(caller int) error {
				_, err := log.Append(context.Background(), benchUse(tokens[caller%len(tokens)]))
				return err
			})
		})
	}
}

// BenchmarkRaw inserts the leaves of such uses as rows, one at a time and a
// thousand at a time, on one connection.
func BenchmarkRaw(b *testing.B) {
	log, tokens := benchLog(b)
	receipt, err := log.Append(b.Context(), benchUse(tokens[0]))
	if err != nil {
		b.Fatal(err)
	}
	var leaf []byte
	for r, err := range log.ReadAll(b.Context(), receipt.Last()-1) {
		if err != nil {
			b.Fatal(err)
		}
		leaf = r.Leaf
	}
	conn, err := pgx.Connect(b.Context(), eventstoretest.DurablePostgres(b))
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(context.Background())
	if _, err := conn.Exec(b.Context(), `CREATE TABLE rows (position bigint PRIMARY KEY, trail text NOT NULL, leaf bytea NOT NULL)`); err != nil {
		b.Fatal(err)
	}
	position := int64(0)
	b.Run("insert", func(b *testing.B) {
		inFlight(b, 1, func(int) error {
			position++
			_, err := conn.Exec(b.Context(), `INSERT INTO rows VALUES ($1, $2, $3)`, position, string(tokens[0].Trail()), leaf)
			return err
		})
	})
	b.Run("unnest=1000", func(b *testing.B) {
		const rows = 1000
		positions, trails, leaves := make([]int64, rows), make([]string, rows), make([][]byte, rows)
		start := time.Now()
		n := 0
		for b.Loop() {
			for i := range rows {
				position++
				positions[i], trails[i], leaves[i] = position, string(tokens[i%len(tokens)].Trail()), leaf
			}
			if _, err := conn.Exec(b.Context(), `INSERT INTO rows SELECT * FROM unnest($1::bigint[], $2::text[], $3::bytea[])`,
				positions, trails, leaves); err != nil {
				b.Fatal(err)
			}
			n += rows
		}
		b.ReportMetric(float64(n)/time.Since(start).Seconds(), "events/s")
	})
}

// benchLog is a log on a durable server, with tokens of some organizations.
func benchLog(b *testing.B) (*eventstore.Log, []eventstoretest.Token) {
	b.Helper()
	log := eventstoretest.Start(b, eventstore.Config{URL: eventstoretest.DurablePostgres(b), Keys: keyring.Generate()})
	var tokens []eventstoretest.Token
	for range 20 {
		org := uuid.Must(uuid.NewV7())
		for range 10 {
			k := eventstoretest.NewToken(org)
			tokens = append(tokens, k)
			if _, err := log.Append(b.Context(), k.Create()); err != nil {
				b.Fatal(err)
			}
		}
	}
	return log, tokens
}

func benchUse(k eventstoretest.Token) events.Request {
	r := k.Use()
	r.NotAfter = time.Now().Add(time.Hour)
	r.Batches[0].Meta = events.Meta{Actor: events.OrganizationToken(k.ID), Correlation: "018f3c6e-0000-7000-8000-000000000000"}
	return r
}

// inFlight has callers do work until the benchmark has enough of it, and reports
// the rate and the median time.
func inFlight(b *testing.B, callers int, work func(caller int) error) {
	b.Helper()
	took := make([][]time.Duration, callers)
	var left atomic.Int64
	left.Store(int64(b.N))
	var group sync.WaitGroup
	b.ResetTimer()
	start := time.Now()
	for caller := range callers {
		group.Go(func() {
			for left.Add(-1) >= 0 {
				begun := time.Now()
				if err := work(caller); err != nil {
					b.Error(err)
					return
				}
				took[caller] = append(took[caller], time.Since(begun))
			}
		})
	}
	group.Wait()
	elapsed := time.Since(start)
	all := slices.Concat(took...)
	slices.Sort(all)
	b.ReportMetric(float64(len(all))/elapsed.Seconds(), "events/s")
	b.ReportMetric(float64(all[len(all)/2].Microseconds())/1000, "p50-ms")
	b.ReportMetric(0, "ns/op")
}
