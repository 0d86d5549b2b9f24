// What one log costs, and several side by side: services as processes of their own over one Postgres, looked at from outside.

package bench

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/klauspost/compress/zstd"
	"golang.org/x/sync/errgroup"
)

// CostOptions say how hard the logs are used.
type CostOptions struct {
	Interface   string
	Concurrency int           // connections, all logs together
	Tokens      int           // of each log
	Duration    time.Duration // of each number of logs
}

// CostedLog is one log that a service of its own serves.
type CostedLog struct {
	Service
	Schema string
	Data   string // the service's directory
	PID    int
}

// Cost is what was measured of a number of logs side by side. What is for an event is for an
// allowed use that is in the log, in every read model and on JetStream.
type Cost struct {
	Logs        int     `json:"logs"`
	Events      int64   `json:"events"`
	Rate        float64 `json:"eventsPerSecond"`  // of all logs, until the last read model had seen the last one
	P99         float64 `json:"p99ms"`            // of a verification
	ServiceCPU  float64 `json:"serviceMicros"`    // of the service, for an event
	DatabaseCPU float64 `json:"databaseMicros"`   // of Postgres, for an event
	WAL         float64 `json:"walBytes"`         // for an event
	LogBytes    float64 `json:"logBytes"`         // on disk, in the log's schema
	ViewBytes   float64 `json:"viewBytes"`        // on disk, in the read models
	StreamBytes float64 `json:"streamBytes"`      // on disk, of one replica on JetStream
	Archived    float64 `json:"archiveBytes"`     // of the leaves under zstd, as an archive has them
	Connections float64 `json:"connections"`      // to Postgres, of each log
	Resident    float64 `json:"residentMiB"`      // of each service
	Appends     float64 `json:"appendsPerSecond"` // that a log takes when nothing follows it; 0: not measured
}

// costState is what is read before and after.
type costState struct {
	events               int64
	wal                  float64
	log, views, stream   int64
	services, everything time.Duration
}

// MeasureCost lets the tokens of all logs be used at once.
func MeasureCost(ctx context.Context, url string, logs []CostedLog, o CostOptions) (Cost, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return Cost{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	load, stop, err := costLoad(ctx, logs, o)
	if err != nil {
		return Cost{}, err
	}
	defer stop()
	if err := settled(ctx, conn, logs); err != nil {
		return Cost{}, err
	}
	before, err := readCost(ctx, conn, logs)
	if err != nil {
		return Cost{}, err
	}
	begin := time.Now()
	used, err := hammer(ctx, o.Concurrency, o.Duration, load)
	if err != nil {
		return Cost{}, err
	}
	c := Cost{Logs: len(logs), P99: quantile(used.latencies, 0.99)}
	const own = `SELECT count(*)::float8 FROM pg_stat_activity WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()`
	if err := errors.Join(conn.QueryRow(ctx, own).Scan(&c.Connections), settled(ctx, conn, logs)); err != nil {
		return Cost{}, err
	}
	took := time.Since(begin)
	after, err := readCost(ctx, conn, logs)
	if err != nil {
		return Cost{}, err
	}
	c.between(before, after, took)
	c.Connections /= float64(len(logs))
	for _, l := range logs {
		resident, err := Resident(l.PID)
		if err != nil {
			return Cost{}, err
		}
		c.Resident += float64(resident) / (1 << 20) / float64(len(logs))
	}
	c.Archived, err = packed(ctx, conn, logs[0].Schema)
	return c, err
}

func (c *Cost) between(before, after costState, took time.Duration) {
	c.Events = after.events - before.events
	n := float64(max(1, c.Events))
	services := after.services - before.services
	c.Rate = float64(c.Events) / took.Seconds()
	c.ServiceCPU = float64(services.Microseconds()) / n
	c.DatabaseCPU = float64((after.everything - before.everything - services).Microseconds()) / n
	c.WAL = (after.wal - before.wal) / n
	c.LogBytes, c.ViewBytes = float64(after.log-before.log)/n, float64(after.views-before.views)/n
	c.StreamBytes = float64(after.stream-before.stream) / n
}

// costLoad makes tokens in every log, and a call that verifies one of the log that a worker asks.
func costLoad(ctx context.Context, logs []CostedLog, o CostOptions) (call func(context.Context, int, int) (int, error), stop func(), err error) {
	p, err := protocolOf(o.Interface)
	if err != nil {
		return nil, nil, err
	}
	values, askers, dialled := make([][]string, len(logs)), make([]string, len(logs)), make([]wires, len(logs))
	stop = func() {
		for _, w := range dialled {
			w.close()
		}
	}
	each := (o.Concurrency + len(logs) - 1) / len(logs)
	var group errgroup.Group
	for i, l := range logs {
		group.Go(func() (err error) {
			if values[i], askers[i], err = makeTokens(ctx, l.Service, o.Tokens); err == nil {
				dialled[i], err = dialAll(ctx, l.URL, each)
			}
			return err
		})
	}
	if err := group.Wait(); err != nil {
		stop()
		return nil, nil, err
	}
	return func(_ context.Context, worker, n int) (int, error) {
		log := worker % len(logs)
		value := values[log][(worker*7919+n)%len(values[log])]
		status, body, err := dialled[log][worker/len(logs)].ask(func(b []byte, host string) []byte { return p.request(b, host, askers[log], value) })
		if err == nil && !p.good(status, body) {
			err = fmt.Errorf("%s: answered %d %.200s", p.what, status, body)
		}
		return 1, err
	}, stop, nil
}

// settled waits until every read model of every log has seen its end.
func settled(ctx context.Context, conn *pgx.Conn, logs []CostedLog) error {
	poll := time.NewTicker(20 * time.Millisecond)
	defer poll.Stop()
	for _, l := range logs {
		sql := fmt.Sprintf(`SELECT count(*) = 0 FROM %s WHERE active AND position < (SELECT max(last_position) FROM %s)`,
			pgx.Identifier{l.Schema + "_views", "projections"}.Sanitize(), pgx.Identifier{l.Schema, "blocks"}.Sanitize())
		for done := false; !done; {
			if err := conn.QueryRow(ctx, sql).Scan(&done); err != nil {
				return fmt.Errorf("look how far the read models of %s are: %w", l.Schema, err)
			}
			if done {
				break
			}
			select {
			case <-poll.C:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
	}
	return nil
}

func readCost(ctx context.Context, conn *pgx.Conn, logs []CostedLog) (s costState, err error) {
	for _, l := range logs {
		var head int64
		head, err = headOf(ctx, conn, l.Schema)
		if err != nil {
			return s, err
		}
		s.events += head
		for schema, into := range map[string]*int64{l.Schema: &s.log, l.Schema + "_views": &s.views} {
			size, err := schemaSize(ctx, conn, schema)
			if err != nil {
				return s, err
			}
			*into += size
		}
		stream, err := directorySize(filepath.Join(l.Data, "nats"))
		if err != nil {
			return s, err
		}
		s.stream += stream
		s.services += treeTime(l.PID)
	}
	s.everything = childrenTime()
	err = conn.QueryRow(ctx, `SELECT (pg_current_wal_lsn() - '0/0'::pg_lsn)::float8`).Scan(&s.wal)
	return s, err
}

func headOf(ctx context.Context, conn *pgx.Conn, schema string) (head int64, err error) {
	err = conn.QueryRow(ctx, `SELECT coalesce(max(last_position), 0) FROM `+pgx.Identifier{schema, "blocks"}.Sanitize()).Scan(&head)
	return head, err
}

// directorySize is what the files below a directory have, as far as they are there: a store that is
// written to lets go of files meanwhile.
func directorySize(dir string) (size int64, err error) {
	err = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if errors.Is(err, os.ErrNotExist) {
			return nil
		}
		if err != nil || !d.Type().IsRegular() {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
		}
		if errors.Is(err, os.ErrNotExist) {
			err = nil
		}
		return err
	})
	return size, err
}

// packed is how many bytes an event of the log's end takes under zstd.
func packed(ctx context.Context, conn *pgx.Conn, schema string) (float64, error) {
	rows, _ := conn.Query(ctx, `SELECT leaves, last_position - first_position + 1 FROM `+pgx.Identifier{schema, "blocks"}.Sanitize()+
		` ORDER BY last_position DESC LIMIT 1000`) // its error comes out of the rows
	var leaves, all []byte
	var n, events int64
	_, err := pgx.ForEachRow(rows, []any{&leaves, &n}, func() error {
		all, events = append(all, leaves...), events+n
		return nil
	})
	if err != nil {
		return 0, err
	}
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		return 0, err
	}
	defer encoder.Close()
	return float64(len(encoder.EncodeAll(all, nil))) / float64(max(1, events)), nil
}
