// The rows that stand beside a block: written in its transaction, by decisions and
// credentials and keys that few blocks have.

package eventstore

import (
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// decisionRows and streamRows are columns, for unnest.
type decisionRows struct {
	streams   []string
	versions  []int64
	positions []int64
	types     []string
	leaves    [][]byte
	index     []int // of the leaf in the block
}

type streamRows struct {
	at       map[streamKey]int // row of a stream
	ids      []string
	kinds    []string
	orgs     []*uuid.UUID
	versions []int64
	closed   []bool
	until    []*time.Time
}

// set brings the row of a stream to the state after a decision.
func (r *streamRows) set(d *draft, state streamState) {
	i, ok := r.at[d.key]
	if !ok {
		i = len(r.ids)
		r.at[d.key] = i
		r.ids = append(r.ids, string(d.Stream))
		r.kinds = append(r.kinds, string(d.Stream.Kind()))
		var org *uuid.UUID
		if id, ok := d.Trail.Organization(); ok {
			org = &id
		}
		r.orgs = append(r.orgs, org)
		r.versions, r.closed, r.until = append(r.versions, 0), append(r.closed, false), append(r.until, nil)
	}
	r.versions[i], r.closed[i], r.until[i] = int64(state.version), state.closed, nil
	if g := state.gate(); !g.Until.IsZero() {
		r.until[i] = &g.Until
	}
}

// queueRows adds the statements for what few blocks have.
func (s *stage) queueRows(b *pgx.Batch) error {
	if d := &s.decisions; len(d.index) > 0 {
		for _, i := range d.index {
			d.leaves = append(d.leaves, s.leaf(i))
		}
		b.Queue(`INSERT INTO decisions (stream_id, version, position, type, leaf)
			SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::text[], $5::bytea[])`,
			d.streams, d.versions, d.positions, d.types, d.leaves)
		r := &s.streams
		b.Queue(`INSERT INTO streams (stream_id, kind, organization, version, gate_closed, gate_until)
			SELECT * FROM unnest($1::text[], $2::text[], $3::uuid[], $4::bigint[], $5::boolean[], $6::timestamptz[])
			ON CONFLICT (stream_id) DO UPDATE SET version = excluded.version,
				gate_closed = excluded.gate_closed, gate_until = excluded.gate_until`,
			r.ids, r.kinds, r.orgs, r.versions, r.closed, r.until)
	}
	if len(s.credentials) > 0 {
		s.queueCredentials(b)
	}
	if len(s.given) > 0 {
		s.queueAnswers(b)
	}
	if erased := erasedBy(s.changes); len(erased) > 0 {
		b.Queue(`DELETE FROM subject_keys WHERE subject = ANY ($1)`, erased)
	}
	return s.values.queue(b, s.at, s.first)
}

func (s *stage) queueCredentials(b *pgx.Batch) {
	var tokens []uuid.UUID
	var peppers []int32
	var macs [][]byte
	for _, c := range s.credentials {
		tokens, peppers, macs = append(tokens, c.Token), append(peppers, int32(c.Pepper)), append(macs, c.MAC[:])
	}
	b.Queue(`INSERT INTO credentials (token, pepper, mac) SELECT * FROM unnest($1::uuid[], $2::int[], $3::bytea[])`,
		tokens, peppers, macs)
}

// queueAnswers replaces keys that are over but not yet swept.
func (s *stage) queueAnswers(b *pgx.Batch) {
	var callers, keys []string
	var hashes [][]byte
	var firsts, lasts []*int64
	for _, k := range s.given {
		given := s.answers[k]
		callers, keys, hashes = append(callers, k.caller), append(keys, k.key), append(hashes, given.Hash[:])
		var first, last *int64
		if f, l := int64(given.First), int64(given.Last); f <= l {
			first, last = &f, &l
		}
		firsts, lasts = append(firsts, first), append(lasts, last)
	}
	b.Queue(`INSERT INTO idempotency (caller, key, hash, first_position, last_position, created_at)
		SELECT *, $6::timestamptz FROM unnest($1::text[], $2::text[], $3::bytea[], $4::bigint[], $5::bigint[])
		ON CONFLICT (caller, key) DO UPDATE SET hash = excluded.hash, first_position = excluded.first_position,
			last_position = excluded.last_position, created_at = excluded.created_at`,
		callers, keys, hashes, firsts, lasts, s.at)
}
