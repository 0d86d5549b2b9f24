// Appending to the log, against rows that one connection inserts.

package bench

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// rawRows is how many rows the baseline inserts with one statement.
const rawRows = 1000

// Append measures single events in flight, durable, the log alone. The baseline
// is one connection that inserts the same events, a row each: by unnest of 1,000
// where several appends are in flight, by a bare INSERT where it is one.
func Append(ctx context.Context, log *eventstore.Log, url string, o Options) (Result, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return Result{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	load := newLoad(o.Tokens)
	base, err := newBaseline(ctx, conn, load)
	if err != nil {
		return Result{}, err
	}
	r := Result{
		What: "single token.used events appended to the log, durable", Concurrency: o.Concurrency, Tokens: o.Tokens,
		Raw: fmt.Sprintf("one connection inserting the same events, a row each with its fields as columns, by unnest of %d", rawRows),
	}
	insert := base.unnest
	if o.Concurrency == 1 {
		r.Raw = "one connection inserting the same events, a row and a bare INSERT each"
		insert = base.single
	}
	return takeTurns(r, o, func(d time.Duration) (sample, error) {
		return hammer(ctx, o.Concurrency, d, func(ctx context.Context, worker, call int) (int, error) {
			_, err := log.Append(ctx, load.request(worker*7919+call))
			return 1, err
		})
	}, base.turn(ctx, insert))
}

// AppendFollowed measures the same in a whole service, whose relay, verifier and
// read models follow the log. A round is over when the last of them has seen its
// last event: what is counted is what they keep up with.
func AppendFollowed(ctx context.Context, log *eventstore.Log, url string, caughtUp func(context.Context) error, o Options) (Result, error) {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return Result{}, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	c := newCrowd(1, o.Tokens)
	if err := errors.Join(c.begin(ctx, log, 1, 1000), caughtUp(ctx)); err != nil {
		return Result{}, err
	}
	base, err := newBaseline(ctx, conn, load{c.organizations[0], newLoad(o.Tokens).tokens})
	if err != nil {
		return Result{}, err
	}
	r := Result{
		What:        "single token.used events appended, relay, verifier and every read model caught up",
		Concurrency: o.Concurrency, Tokens: o.Tokens,
		Raw: fmt.Sprintf("one connection inserting the same events, a row each with its fields as columns, by unnest of %d", rawRows),
	}
	return takeTurns(r, o, func(d time.Duration) (sample, error) {
		begin, used, below := time.Now(), processorTime(), childrenTime()
		s, err := hammer(ctx, o.Concurrency, d, func(ctx context.Context, worker, call int) (int, error) {
			_, err := log.Append(ctx, events.Request{Batches: []events.Batch{c.use(worker*7919 + call)}})
			return 1, err
		})
		err = errors.Join(err, caughtUp(ctx))
		s.rate = float64(s.done) / time.Since(begin).Seconds()
		s.cpu, s.database = processorTime()-used, childrenTime()-below
		return s, err
	}, base.turn(ctx, base.unnest))
}

// load is some tokens of one organization that are used in turn.
type load struct {
	organization uuid.UUID
	tokens       []uuid.UUID
}

func newLoad(tokens int) load {
	l := load{organization: uuid.Must(uuid.NewV7()), tokens: make([]uuid.UUID, max(1, tokens))}
	for i := range l.tokens {
		l.tokens[i] = uuid.Must(uuid.NewV7())
	}
	return l
}

func (l load) batch(i int) events.Batch {
	token := l.tokens[i%len(l.tokens)]
	return events.Batch{
		Stream: events.TokenStream(token), Trail: events.OrganizationTrail(l.organization),
		Meta:   events.Meta{Actor: events.OrganizationToken(token)},
		Events: []events.Event{events.TokenUsed{Action: "createEvidence", Resource: "evidence/2026-q3", Via: "bench"}},
	}
}

func (l load) request(i int) events.Request {
	return events.Request{Batches: []events.Batch{l.batch(i)}}
}

// baseline is an event table as one would write it first: the fields of a leaf
// as columns, the primary key its only index.
type baseline struct {
	conn *pgx.Conn
	load load
	next int64
}

const rawColumns = `position, trail, trail_position, stream, version, recorded_at, type, actor, data`

func newBaseline(ctx context.Context, conn *pgx.Conn, l load) (*baseline, error) {
	_, err := conn.Exec(ctx, `
		DROP TABLE IF EXISTS public.tokenledger_bench_raw;
		CREATE TABLE public.tokenledger_bench_raw (position bigint PRIMARY KEY, trail text NOT NULL, trail_position bigint NOT NULL,
			stream text NOT NULL, version bigint NOT NULL, recorded_at timestamptz NOT NULL, type text NOT NULL,
			actor jsonb NOT NULL, data jsonb NOT NULL)`)
	return &baseline{conn: conn, load: l}, err
}

// row gives the columns of the next event.
func (b *baseline) row() []any {
	b.next++
	e := b.load.batch(int(b.next))
	actor := fmt.Sprintf(`{"kind":%q,"id":%q}`, e.Meta.Actor.Kind, e.Meta.Actor.ID)
	use := e.Events[0].(events.TokenUsed)
	data := fmt.Sprintf(`{"action":%q,"resource":%q,"via":%q}`, use.Action, use.Resource, use.Via)
	return []any{b.next, string(e.Trail), b.next, string(e.Stream), int64(0), time.Now(), string(use.Type()), actor, data}
}

// turn inserts on its one connection in one of the two ways.
func (b *baseline) turn(ctx context.Context, insert func(context.Context) (int, error)) turn {
	return func(d time.Duration) (sample, error) {
		return hammer(ctx, 1, d, func(ctx context.Context, _, _ int) (int, error) { return insert(ctx) })
	}
}

func (b *baseline) unnest(ctx context.Context) (int, error) {
	var (
		positions, versions                  []int64
		trails, streams, types, actors, data []string
		times                                []time.Time
	)
	for range rawRows {
		r := b.row()
		positions, versions = append(positions, r[0].(int64)), append(versions, r[4].(int64))
		trails, streams, types = append(trails, r[1].(string)), append(streams, r[3].(string)), append(types, r[6].(string))
		actors, data = append(actors, r[7].(string)), append(data, r[8].(string))
		times = append(times, r[5].(time.Time))
	}
	_, err := b.conn.Exec(ctx, `INSERT INTO public.tokenledger_bench_raw (`+rawColumns+`)
		SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::text[], $5::bigint[], $6::timestamptz[], $7::text[], $8::jsonb[], $9::jsonb[])`,
		positions, trails, positions, streams, versions, times, types, actors, data)
	return rawRows, err
}

func (b *baseline) single(ctx context.Context) (int, error) {
	_, err := b.conn.Exec(ctx, `INSERT INTO public.tokenledger_bench_raw (`+rawColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`, b.row()...)
	return 1, err
}
