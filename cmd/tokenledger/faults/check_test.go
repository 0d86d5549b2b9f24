// What must hold after each round, whatever happened in it.

//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
)

// quietLimit bounds how long what follows the log may take to have caught up.
const quietLimit = 60 * time.Second

// invariants are looked at after a round, when nobody asks for anything any more.
// known are the leaves that were there before.
func (w *world) invariants(ctx context.Context, ops []op, known []outside.Leaf, r *report) ([]outside.Leaf, []string) {
	var failed []string
	fail := func(format string, args ...any) { failed = append(failed, fmt.Sprintf(format, args...)) }
	for _, s := range w.services {
		s.mu.Lock()
		failed = append(failed, s.unasked...)
		s.mu.Unlock()
	}
	head, err := w.quiet(ctx)
	if err != nil {
		fail("what follows the log has not caught up: %v", err)
	}
	leaves, err := outside.Leaves(ctx, w.postgres.direct())
	if err != nil {
		fail("read the log: %v", err)
		return known, failed
	}
	if had := max(head, len(known)); len(leaves) < had {
		r.lost += had - len(leaves)
		fail("the log had %d events and has %d", had, len(leaves))
		return leaves, failed
	}
	if err := outside.Gapless(leaves); err != nil {
		r.reordered++
		fail("%v", err)
	}
	for i, l := range known {
		if !bytes.Equal(l.Raw, leaves[i].Raw) {
			r.lost++
			fail("position %d is another event than before the round", l.Position)
			break
		}
	}
	failed = append(failed, acknowledged(ops, leaves[len(known):], r)...)
	verdict := outside.NewJudge().Try(leaves)
	r.after += len(verdict.Guilty)
	failed = append(failed, verdict.Guilty...)
	checked, guilty := linearizable(ops)
	r.checked += checked
	failed = append(failed, guilty...)
	if err := w.streamed(ctx, leaves[:head], r); err != nil {
		fail("%v", err)
	}
	if err := w.audited(); err != nil {
		fail("%v", err)
	}
	return leaves, failed
}

// marker is what the clients put into an event, empty for those of others.
func marker(l outside.Leaf) string {
	switch l.Type {
	case types[use]:
		return l.Text("resource")
	case types[create], types[rename]:
		return l.Text("name")
	case types[suspend], types[resume], types[revoke]:
		return l.Reason
	}
	return ""
}

// acknowledged compares what clients were answered with what stands in the log since.
func acknowledged(ops []op, leaves []outside.Leaf, r *report) (failed []string) {
	fail := func(count *int, format string, args ...any) {
		*count++
		failed = append(failed, fmt.Sprintf(format, args...))
	}
	events := map[string][]outside.Leaf{}
	for _, l := range leaves {
		if m := marker(l); m != "" {
			events[l.Type+" "+m] = append(events[l.Type+" "+m], l)
		}
	}
	for i := range ops {
		o := &ops[i]
		found := events[types[o.kind]+" "+o.marker]
		if len(found) > 1 {
			fail(&r.duplicated, "%s %s stands at %d and at %d", o.kind, o.marker, found[0].Position, found[1].Position)
		}
		switch o.outcome {
		case unknown:
			r.uncertain++
			continue
		case refused:
			r.refusals++
			if len(found) > 0 {
				fail(&r.duplicated, "%s %s was refused and stands at %d", o.kind, o.marker, found[0].Position)
			}
			continue
		case done:
		}
		if o.kind == use {
			r.uses++
		} else {
			r.commands++
		}
		switch {
		case len(found) == 0:
			fail(&r.lost, "%s %s was acknowledged at %d and is not there", o.kind, o.marker, o.position)
		case found[0].Stream != "token-"+o.token || o.kind == use && found[0].Position != o.position || found[0].Position > o.position:
			fail(&r.lost, "%s %s was acknowledged at %d of %s and stands at %d of %s", o.kind, o.marker, o.position, o.token, found[0].Position, found[0].Stream)
		default:
			o.position = found[0].Position
		}
	}
	return append(failed, inOrder(ops, r)...)
}

// inOrder checks that what was acknowledged before something else was asked for also
// stands before it.
func inOrder(ops []op, r *report) (failed []string) {
	certain := slices.DeleteFunc(slices.Clone(ops), func(o op) bool { return o.outcome != done })
	byEnd := slices.SortedFunc(slices.Values(certain), func(a, b op) int { return int(a.ended - b.ended) })
	byBegin := slices.SortedFunc(slices.Values(certain), func(a, b op) int { return int(a.began - b.began) })
	var last op // of those that had ended, the one that stands last
	next := 0
	for _, o := range byBegin {
		for ; next < len(byEnd) && byEnd[next].ended < o.began; next++ {
			if byEnd[next].position > last.position {
				last = byEnd[next]
			}
		}
		if o.position < last.position {
			r.reordered++
			failed = append(failed, fmt.Sprintf("%s %s stands at %d, before %s %s at %d, which was acknowledged before it was asked for",
				o.kind, o.marker, o.position, last.kind, last.marker, last.position))
		}
	}
	return failed
}

// quiet returns when stream, read models, verifiers and epochs have all that is in the
// log, and gives where that ends.
func (w *world) quiet(ctx context.Context) (head int, err error) {
	ctx, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	conn, err := pgx.Connect(ctx, w.postgres.direct())
	if err != nil {
		return 0, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	return head, await(ctx, func() error {
		var models int
		if err := conn.QueryRow(ctx, `SELECT max(last_position) FROM tokenledger.blocks`).Scan(&head); err != nil {
			return err
		}
		if err := conn.QueryRow(ctx, `SELECT min(position) FROM tokenledger_views.projections WHERE active`).Scan(&models); err != nil {
			return err
		}
		if models < head {
			return fmt.Errorf("a read model is at %d of %d", models, head)
		}
		return w.followed(ctx, head)
	})
}

// followed reports what the services have of the log.
func (w *world) followed(ctx context.Context, head int) error {
	sealed := 0
	for _, s := range w.services {
		if err := s.ready(ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
		m, err := s.metrics(ctx)
		if err != nil {
			return err
		}
		if at := int(m["tokenledger_verifier_position"]); at < head {
			return fmt.Errorf("the verifier of %s is at %d of %d", s.name, at, head)
		}
		sealed = max(sealed, int(m["tokenledger_sealer_position"]))
	}
	if sealed < head {
		return fmt.Errorf("epochs are at %d of %d", sealed, head)
	}
	return nil
}

// streamed compares JetStream with the log, byte for byte.
func (w *world) streamed(ctx context.Context, leaves []outside.Leaf, r *report) error {
	ctx, cancel := context.WithTimeout(ctx, quietLimit)
	defer cancel()
	conn, err := w.reader()
	if err != nil {
		return err
	}
	defer conn.Close()
	js, err := jetstream.New(conn)
	if err != nil {
		return err
	}
	name, err := outside.Origin(ctx, w.postgres.direct())
	if err != nil {
		return err
	}
	var stream jetstream.Stream
	err = await(ctx, func() error {
		if stream, err = js.Stream(ctx, "TOKENLEDGER_"+name); err != nil {
			return err
		}
		if at := int(stream.CachedInfo().State.LastSeq); at < len(leaves) {
			return fmt.Errorf("the stream is at %d of %d", at, len(leaves))
		}
		return nil
	})
	if err != nil {
		return err
	}
	consumer, err := stream.OrderedConsumer(ctx, jetstream.OrderedConsumerConfig{DeliverPolicy: jetstream.DeliverAllPolicy})
	if err != nil {
		return err
	}
	messages, err := consumer.Messages()
	if err != nil {
		return err
	}
	defer messages.Stop()
	for i := range leaves {
		m, err := messages.Next(jetstream.NextContext(ctx))
		if err != nil {
			return fmt.Errorf("message %d: %w", i+1, err)
		}
		at, err := m.Metadata()
		if err != nil {
			return err
		}
		if at.Sequence.Stream != uint64(i+1) || !bytes.Equal(m.Data(), leaves[i].Raw) {
			r.unequal++
			return fmt.Errorf("sequence %d carries %s, and position %d is %s", at.Sequence.Stream, m.Data(), i+1, leaves[i].Raw)
		}
	}
	return nil
}

// audited lets the program compare the log with trees, epochs and read models.
func (w *world) audited() error {
	p, err := w.command(w.services[0], "audit", "check")
	if err != nil {
		return err
	}
	if p.Code() != 0 {
		return fmt.Errorf("%s ends with exit code %d\n%s", p, p.Code(), p.Output())
	}
	return nil
}

// replayed compares every table of the read models with what a rebuild makes of the log.
func (w *world) replayed(ctx context.Context) error {
	for {
		before, err := w.quiet(ctx)
		if err != nil {
			return err
		}
		kept, err := w.digests(ctx)
		if err != nil {
			return err
		}
		p, err := w.command(w.services[0], "projections", "rebuild")
		if err == nil && p.Code() != 0 {
			err = errors.New(p.Output())
		}
		if err != nil {
			return err
		}
		after, err := w.quiet(ctx)
		if err != nil {
			return err
		}
		if before != after {
			continue // something was recorded meanwhile, as a summary of refusals is once a minute
		}
		made, err := w.digests(ctx)
		if err != nil {
			return err
		}
		for table, digest := range made {
			if kept[table] != digest {
				return fmt.Errorf("the read model %s is not what a replay makes of the log", table)
			}
		}
		if len(made) == 0 || len(made) != len(kept) {
			return fmt.Errorf("there were %d tables of read models, and a rebuild makes %d", len(kept), len(made))
		}
		return nil
	}
}

// digests gives each table of the read models a hash of all that stands in it.
func (w *world) digests(ctx context.Context) (map[string]string, error) {
	conn, err := pgx.Connect(ctx, w.postgres.direct())
	if err != nil {
		return nil, err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	// Where a trail is cut into segments depends on the batches that it came in; the
	// leaves in them are compared by the audit.
	rows, err := conn.Query(ctx, `SELECT viewname::text FROM pg_views WHERE schemaname = 'tokenledger_views' AND viewname <> 'trails_segments'`)
	if err != nil {
		return nil, err
	}
	views, err := pgx.CollectRows(rows, pgx.RowTo[string])
	if err != nil {
		return nil, err
	}
	digests := map[string]string{}
	for _, view := range views {
		name := pgx.Identifier{"tokenledger_views", view}.Sanitize()
		sql := strings.ReplaceAll(`SELECT coalesce(md5(string_agg(md5(t::text), '' ORDER BY md5(t::text))), '') FROM VIEW t`, "VIEW", name)
		var digest string
		if err := conn.QueryRow(ctx, sql).Scan(&digest); err != nil {
			return nil, fmt.Errorf("%s: %w", view, err)
		}
		digests[view] = digest
	}
	return digests, nil
}
