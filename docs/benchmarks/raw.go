// Rows as one would write them first: the fields of an event as columns, the primary key the only index.

package main

import (
	"context"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

const rawTable = `CREATE TABLE %s (position bigint PRIMARY KEY, trail text NOT NULL, trail_position bigint NOT NULL,
	stream text NOT NULL, version bigint NOT NULL, recorded_at timestamptz NOT NULL, type text NOT NULL,
	actor jsonb NOT NULL, data jsonb NOT NULL)`

// rawRows is how many rows one statement of the unnest contestant writes.
const rawRows = 1000

// newRaw opens one connection, which numbers the rows by itself: a second writer would have to be kept in order with it.
func newRaw(ctx context.Context, s *server, name string) (*pgx.Conn, error) {
	url, err := s.database(ctx, name)
	if err != nil {
		return nil, err
	}
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return nil, err
	}
	_, err = conn.Exec(ctx, fmt.Sprintf(rawTable, "events"))
	return conn, err
}

func newRawInsert(ctx context.Context, s *server, w workload) (contestant, error) {
	conn, err := newRaw(ctx, s, "raw_insert")
	if err != nil {
		return contestant{}, err
	}
	var next int64
	return contestant{
		name: "raw INSERT", guarantees: "one connection that counts by itself; no checks", perCall: 1, alone: true,
		write: func(ctx context.Context, worker, call int) error {
			next++
			e := w.at(worker, call)
			_, err := conn.Exec(ctx, `INSERT INTO events VALUES ($1, $2, $1, $3, 0, $4, 'token.used', $5, $6)`,
				next, e.Organization.String(), e.stream(), time.Now(), string(e.actor()), string(e.data()))
			return err
		},
		close: conn.Close,
	}, nil
}

func newRawUnnest(ctx context.Context, s *server, w workload) (contestant, error) {
	conn, err := newRaw(ctx, s, "raw_unnest")
	if err != nil {
		return contestant{}, err
	}
	var next int64
	return contestant{
		name: "raw unnest ×1,000", guarantees: "one connection that counts by itself; no checks; a thousand events wait for each other",
		perCall: rawRows, alone: true,
		write: func(ctx context.Context, worker, call int) error {
			positions := make([]int64, rawRows)
			trails, streams, actors, data := make([]string, rawRows), make([]string, rawRows), make([]string, rawRows), make([]string, rawRows)
			times := make([]time.Time, rawRows)
			for i := range positions {
				next++
				e := w.at(worker, int(next))
				positions[i], trails[i], streams[i], times[i] = next, e.Organization.String(), e.stream(), time.Now()
				actors[i], data[i] = string(e.actor()), string(e.data())
			}
			_, err := conn.Exec(ctx, `INSERT INTO events SELECT p, t, p, s, 0, r, 'token.used', a, d
				FROM unnest($1::bigint[], $2::text[], $3::text[], $4::timestamptz[], $5::jsonb[], $6::jsonb[]) AS x (p, t, s, r, a, d)`,
				positions, trails, streams, times, actors, data)
			return err
		},
		close: conn.Close,
	}, nil
}
