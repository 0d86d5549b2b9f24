// What appending costs, against what the same server does with the same leaves
// when nothing is promised about them. Both sides are measured in turn, since the
// machine's mood changes more than the code does.

package eventstore_test

import (
	"context"
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// turn is how long a side is measured before the next one is.
const turn = 500 * time.Millisecond

// BenchmarkAppend is uses of tokens, by a number of callers who each wait for one
// to be durable before they ask for the next. The ratios are medians, one for each
// iteration:
//   - leaves-x: the rate against one connection that inserts the same leaves, a
//     thousand a statement, into a table of positions and leaves;
//   - rows-x: the same, into the table of events that a log with a row an event has;
//   - insert-x, for one caller: the median time against that of a bare INSERT of
//     one leaf.
func BenchmarkAppend(b *testing.B) {
	s := newSides(b)
	for _, callers := range []int{1, 8, 64, 512, 2000} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			seen := map[string][]float64{}
			for range b.N {
				rate, p50 := s.append(b, callers)
				leaves, _ := s.insert(b, 1000, insertLeaves)
				rows, _ := s.insert(b, 1000, insertRows)
				seen["events/s"] = append(seen["events/s"], rate)
				seen["p50-ms"] = append(seen["p50-ms"], p50.Seconds()*1000)
				seen["leaves-x"] = append(seen["leaves-x"], rate/leaves)
				seen["rows-x"] = append(seen["rows-x"], rate/rows)
				if callers == 1 {
					_, bare := s.insert(b, 1, insertLeaves)
					seen["insert-x"] = append(seen["insert-x"], p50.Seconds()/bare.Seconds())
				}
			}
			for name, values := range seen {
				slices.Sort(values)
				b.ReportMetric(values[len(values)/2], name)
			}
			b.ReportMetric(0, "ns/op")
		})
	}
}

// sides are the log and the bare connection that it is measured against.
type sides struct {
	log      *eventstore.Log
	requests []events.Request
	conn     *pgx.Conn
	uses     []events.Recorded // a thousand, to insert again and again
	position int64
}

const (
	createLeaves = `CREATE TABLE leaves (position bigint PRIMARY KEY, leaf bytea NOT NULL)`
	insertLeaves = `INSERT INTO leaves SELECT p, l FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[],
		$5::bigint[], $6::timestamptz[], $7::text[], $8::bytea[]) AS t(p, a, b, c, d, e, f, l)`
	createRows = `CREATE TABLE rows (position bigint PRIMARY KEY, trail text NOT NULL, trail_position bigint NOT NULL,
		stream text NOT NULL, version bigint NOT NULL, recorded_at timestamptz NOT NULL, type text NOT NULL,
		leaf bytea NOT NULL, UNIQUE (trail, trail_position))`
	insertRows = `INSERT INTO rows SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[],
		$5::bigint[], $6::timestamptz[], $7::text[], $8::bytea[])`
)

func newSides(b *testing.B) *sides {
	b.Helper()
	s := &sides{log: eventstoretest.Start(b, eventstore.Config{
		URL: eventstoretest.DurablePostgres(b), Keys: keyring.Generate(),
	})}
	for range 20 {
		org := uuid.Must(uuid.NewV7())
		for range 10 {
			k := eventstoretest.NewToken(org)
			mustAppend(b, s.log, k.Create())
			use := k.Use()
			use.NotAfter = time.Now().Add(time.Hour)
			use.Batches[0].Meta = events.Meta{Actor: events.OrganizationToken(k.ID), Correlation: uuid.NewString()}
			s.requests = append(s.requests, use)
		}
	}
	created := events.Position(len(s.requests))
	for i := range 1000 {
		mustAppend(b, s.log, s.requests[i%len(s.requests)])
	}
	s.uses = readAll(b, s.log, created)
	s.conn = connect(b, eventstoretest.DurablePostgres(b))
	run(b, s.conn, createLeaves)
	run(b, s.conn, createRows)
	return s
}

// append measures the log for a turn: events a second, and the median time of one.
func (s *sides) append(b *testing.B, callers int) (rate float64, p50 time.Duration) {
	took := make([][]time.Duration, callers)
	var group sync.WaitGroup
	start := time.Now()
	for caller := range callers {
		group.Go(func() {
			for begun := time.Now(); begun.Sub(start) < turn; {
				if _, err := s.log.Append(context.Background(), s.requests[caller%len(s.requests)]); err != nil {
					b.Error(err)
					return
				}
				now := time.Now()
				took[caller] = append(took[caller], now.Sub(begun))
				begun = now
			}
		})
	}
	group.Wait()
	all := slices.Concat(took...)
	slices.Sort(all)
	return float64(len(all)) / time.Since(start).Seconds(), all[len(all)/2]
}

// insert measures the bare connection for a turn, with so many leaves a statement.
func (s *sides) insert(b *testing.B, count int, sql string) (rate float64, p50 time.Duration) {
	positions, trails, trailPositions := make([]int64, count), make([]string, count), make([]int64, count)
	streams, versions, times := make([]string, count), make([]int64, count), make([]time.Time, count)
	types, leaves := make([]string, count), make([][]byte, count)
	for i, r := range s.uses[:count] {
		trails[i], streams[i], times[i] = string(r.Trail), string(r.Stream), r.RecordedAt
		types[i], leaves[i] = string(r.Event.Type()), r.Leaf
	}
	var took []time.Duration
	start := time.Now()
	for begun := start; begun.Sub(start) < turn; {
		for i := range positions {
			s.position++
			positions[i], trailPositions[i] = s.position, s.position
		}
		if _, err := s.conn.Exec(b.Context(), sql, positions, trails, trailPositions, streams, versions, times, types, leaves); err != nil {
			b.Fatal(err)
		}
		now := time.Now()
		took = append(took, now.Sub(begun))
		begun = now
	}
	slices.Sort(took)
	return float64(len(took)*count) / time.Since(start).Seconds(), took[len(took)/2]
}
