// Partitions and the counts of trails, far into a log.

package eventstore_test

import (
	"encoding/json"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestBlocksGoOnInTheNextPartition(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	k := eventstoretest.NewToken(uuid.New())
	plant(t, admin, planted{first: 1, last: 19_999_995, trail: k.Trail(), at: time.Now()})
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	await(t, "the next partition is made", func() bool {
		return query[bool](t, admin, `SELECT to_regclass('blocks_20000000') IS NOT NULL`)
	})
	many := []events.Event{k.Created()}
	for len(many) < 3 {
		many = append(many, events.TokenUsed{})
	}
	mustAppend(t, log, k.Decide(many...))
	for range 4 {
		mustAppend(t, log, k.Decide(many[1:]...))
	}
	for i, r := range readAll(t, log, 19_999_995) {
		if want := events.Position(19_999_996 + i); r.Position != want || r.TrailPosition != want {
			t.Fatalf("position %d, trail position %d; want %d", r.Position, r.TrailPosition, want)
		}
	}
	type where struct{ old, young int }
	got := where{
		query[int](t, admin, `SELECT count(*) FROM blocks_10000000`),
		query[int](t, admin, `SELECT count(*) FROM blocks_20000000`),
	}
	if got != (where{2, 4}) { // the planted one stands in the first, too
		t.Fatalf("blocks by partition: %+v", got)
	}
}

func TestSeveralProcessesMakeOnePartition(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	var group sync.WaitGroup
	for range 8 {
		conn := connect(t, url)
		group.Go(func() {
			for at := int64(50_000_000); at < 90_000_000; at += 5_000_000 {
				if _, err := conn.Exec(t.Context(), "SELECT make_blocks_partition($1)", at); err != nil {
					t.Error(err)
				}
			}
		})
	}
	group.Wait()
	if n := query[int](t, connect(t, url), `SELECT count(*) FROM pg_inherits WHERE inhparent = 'blocks'::regclass`); n != 2+4 {
		t.Fatalf("%d partitions", n)
	}
}

func TestPartitionsKeepTheirCompression(t *testing.T) {
	t.Parallel()
	admin := connect(t, eventstoretest.Postgres(t))
	const sql = `SELECT count(DISTINCT attcompression) FROM pg_attribute JOIN pg_class c ON c.oid = attrelid
		WHERE attname = 'leaves' AND relname LIKE 'blocks%' AND relkind IN ('r', 'p')`
	if n := query[int](t, admin, sql); n != 1 {
		t.Fatalf("leaves are compressed in %d ways", n)
	}
}

func TestTrailsAreCountedFromTheLastSnapshot(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	admin := connect(t, url)
	a, b := eventstoretest.NewToken(uuid.New()), eventstoretest.NewToken(uuid.New())
	plant(t, admin, planted{first: 1, last: 60_000, trail: a.Trail(), at: time.Now()})
	plant(t, admin, planted{first: 60_001, last: 100_000, trail: b.Trail(), at: time.Now()})
	first := eventstoretest.Start(t, eventstore.Config{URL: url})
	await(t, "the counts are written down", func() bool {
		return query[int](t, admin, `SELECT count(*) FROM tally_snapshots`) == 1
	})
	mustAppend(t, first, a.Create())
	mustAppend(t, first, b.Create())

	var counts map[events.TrailID]int
	if err := json.Unmarshal(query[[]byte](t, admin, `SELECT counts FROM tally_snapshots WHERE position = 100000`), &counts); err != nil {
		t.Fatal(err)
	}
	if len(counts) != 2 || counts[a.Trail()] != 60_000 || counts[b.Trail()] != 40_000 {
		t.Fatalf("the snapshot has %v", counts)
	}
	// Without the blocks before it, only the snapshot can tell.
	tamper(t, admin, `UPDATE blocks SET tally = '{}' WHERE last_position <= 100000`)
	second := eventstoretest.Start(t, eventstore.Config{URL: url})
	if receipt := mustAppend(t, second, a.Use()); receipt.Placed[0].TrailPosition != 60_002 {
		t.Fatalf("%+v", receipt)
	}
	if receipt := mustAppend(t, second, b.Use()); receipt.Placed[0].TrailPosition != 40_002 {
		t.Fatalf("%+v", receipt)
	}
}
