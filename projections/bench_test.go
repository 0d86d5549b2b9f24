// How fast all read models catch up, beside what one connection that only inserts does with the same events.

package projections_test

import (
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// BenchmarkCatchUp builds every read model from a log of uses, most of a
// thousand tokens, and reports events a second, the raw figure, and their ratio.
func BenchmarkCatchUp(b *testing.B) {
	const tokens, uses = 1000, 100_000
	w := newWorld(b)
	var source []events.Position
	for i := range tokens {
		id := w.token("t" + strconv.Itoa(i))
		source = append(source, w.append(events.TokenStream(id), w.trail(),
			events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(w.orgs[0]), Value: "192.0.2.1"}}))
	}
	random := rand.New(rand.NewPCG(1, 2))
	actions := []string{"createEvidence", "createScan", "updateTask"}
	for range uses / 1000 {
		var batches []events.Batch
		for range 1000 {
			k := random.IntN(tokens)
			batches = append(batches, events.Batch{
				Stream: events.TokenStream(w.tokens[k]), Trail: w.trail(), Meta: events.Meta{Actor: events.OrganizationToken(w.tokens[k])},
				Events: []events.Event{events.TokenUsed{Source: source[k], Action: actions[random.IntN(3)], Resource: "evidence/" + strconv.Itoa(k)}},
			})
		}
		if _, err := w.log.Append(b.Context(), events.Request{Batches: batches}); err != nil {
			b.Fatal(err)
		}
	}
	head, err := w.log.Head(b.Context())
	if err != nil {
		b.Fatal(err)
	}
	b.ResetTimer()
	start := time.Now()
	r := w.reader()
	for r.runner.Wait(b.Context(), head) != nil {
		if b.Context().Err() != nil {
			b.Fatal(b.Context().Err())
		}
	}
	rate := float64(head) / time.Since(start).Seconds()
	b.StopTimer()
	raw := w.raw(b)
	b.ReportMetric(rate, "events/s")
	b.ReportMetric(raw, "raw-events/s")
	b.ReportMetric(rate/raw, "ratio")
}

// raw inserts the log's leaves as rows, a thousand with each statement.
func (w *world) raw(b *testing.B) (rate float64) {
	conn, err := pgx.Connect(b.Context(), w.url)
	if err != nil {
		b.Fatal(err)
	}
	defer conn.Close(b.Context())
	if _, err := conn.Exec(b.Context(), "CREATE TABLE raw (position bigint PRIMARY KEY, leaf bytea NOT NULL)"); err != nil {
		b.Fatal(err)
	}
	var at []int64
	var leaves [][]byte
	for rec, err := range w.log.ReadAll(b.Context(), 0) {
		if err != nil {
			b.Fatal(err)
		}
		at, leaves = append(at, int64(rec.Position)), append(leaves, rec.Leaf)
	}
	start := time.Now()
	for i := 0; i < len(at); i += 1000 {
		end := min(i+1000, len(at))
		if _, err := conn.Exec(b.Context(), "INSERT INTO raw SELECT * FROM unnest($1::bigint[], $2::bytea[])", at[i:end], leaves[i:end]); err != nil {
			b.Fatal(err)
		}
	}
	return float64(len(at)) / time.Since(start).Seconds()
}
