// A run's uses summed up in memory, and written with one statement a table.

package projections

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/events"
)

// usageSums is what a run adds.
type usageSums struct {
	created  map[uuid.UUID]uuid.UUID // token → holder
	erased   []erasure
	sources  []sourceRow
	totals   map[usageKey]sum // by token alone
	hours    map[usageKey]sum // text: none, at: the hour
	actions  map[usageKey]sum
	refusals map[usageKey]sum // by code
	bySource map[usageKey]sum // at: the source's position
}

// usageKey is what a sum is of; fields that do not matter to it are zero.
type usageKey struct {
	token uuid.UUID
	trail events.TrailID
	text  string
	at    int64
}

func (k usageKey) compare(other usageKey) int {
	return cmp.Or(bytes.Compare(k.token[:], other.token[:]), cmp.Compare(k.trail, other.trail),
		cmp.Compare(k.text, other.text), cmp.Compare(k.at, other.at))
}

type sum struct {
	uses, refusals        int64
	lastUsed, lastRefused time.Time
}

type sourceRow struct {
	position       events.Position
	token          uuid.UUID
	trail          events.TrailID
	address, agent *string
	seen           time.Time
}

func newUsageSums() *usageSums {
	return &usageSums{
		created: map[uuid.UUID]uuid.UUID{},
		totals:  map[usageKey]sum{}, hours: map[usageKey]sum{}, actions: map[usageKey]sum{},
		refusals: map[usageKey]sum{}, bySource: map[usageKey]sum{},
	}
}

func (s *usageSums) add(rec events.Recorded) error {
	token, _, err := rec.Stream.IDs()
	if err != nil {
		return at(rec, err)
	}
	key := usageKey{token: token, trail: rec.Trail}
	switch e := rec.Event.(type) {
	case events.TokenCreated:
		s.created[token] = e.Organization
		if e.Kind == events.PersonalKind {
			s.created[token] = e.Owner
		}
	case events.TokenSourceSeen:
		s.sources = append(s.sources, sourceRow{
			rec.Position, token, rec.Trail, optionalText(e.Address.Value), optionalText(e.Agent.Value), rec.RecordedAt,
		})
	case events.TokenUsed:
		s.count(key, e.Action, e.Source, sum{uses: max(e.Count, 1), lastUsed: rec.RecordedAt})
	case events.TokenUseRefused:
		n := sum{refusals: max(e.Count, 1), lastRefused: rec.RecordedAt}
		s.count(key, e.Action, e.Source, n)
		key.text = indexed(e.Code)
		increase(s.refusals, key, n)
	}
	return nil
}

func (s *usageSums) count(key usageKey, action string, source events.Position, n sum) {
	increase(s.totals, usageKey{token: key.token}, n)
	hour := key
	hour.at = n.when().Truncate(time.Hour).Unix()
	increase(s.hours, hour, n)
	key.text = indexed(action)
	increase(s.actions, key, n)
	if source != 0 {
		increase(s.bySource, usageKey{at: int64(source)}, n)
	}
}

func (n sum) when() time.Time {
	if n.uses > 0 {
		return n.lastUsed
	}
	return n.lastRefused
}

// increase relies on the log's order: what comes later is the last.
func increase(sums map[usageKey]sum, key usageKey, n sum) {
	was := sums[key]
	was.uses += n.uses
	was.refusals += n.refusals
	if n.uses > 0 {
		was.lastUsed = n.lastUsed
	}
	if n.refusals > 0 {
		was.lastRefused = n.lastRefused
	}
	sums[key] = was
}

// columns are sums as arrays, in the order of their keys, which is that of the
// index and so of the pages.
type sumColumns struct {
	tokens         []uuid.UUID
	trails, texts  []string
	ats            []int64
	uses, refusals []int64
	used, refused  []*time.Time
}

func columnsOfSums(sums map[usageKey]sum) sumColumns {
	keys := make([]usageKey, 0, len(sums))
	for k := range sums {
		keys = append(keys, k)
	}
	slices.SortFunc(keys, usageKey.compare)
	var c sumColumns
	for _, k := range keys {
		n := sums[k]
		c.tokens, c.trails = append(c.tokens, k.token), append(c.trails, string(k.trail))
		c.texts, c.ats = append(c.texts, k.text), append(c.ats, k.at)
		c.uses, c.refusals = append(c.uses, n.uses), append(c.refusals, n.refusals)
		c.used, c.refused = append(c.used, optionalTime(n.lastUsed)), append(c.refused, optionalTime(n.lastRefused))
	}
	return c
}

// write runs the statements in one round trip.
func (s *usageSums) write(ctx context.Context, tx pgx.Tx, t Tables) error {
	var b pgx.Batch
	s.queueNew(&b, t)
	if len(s.totals) > 0 {
		s.queueSums(&b, t)
	}
	if b.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write %s: %w", t.Name(""), err)
	}
	return nil
}

func (s *usageSums) queueNew(b *pgx.Batch, t Tables) {
	if len(s.created) > 0 {
		var ids, holders []uuid.UUID
		for id, holder := range s.created {
			ids, holders = append(ids, id), append(holders, holder)
		}
		b.Queue(`INSERT INTO `+t.Name("")+` (token, holder)
			SELECT * FROM unnest($1::uuid[], $2::uuid[]) AS d (token, holder) ORDER BY token`, ids, holders)
	}
	defer s.queueErasures(b, t) // after the sources, which may be of this run
	for _, r := range s.sources {
		b.Queue(`INSERT INTO `+t.Name("sources")+` (position, token, trail, address, agent, first_seen_at)
			VALUES ($1, $2, $3, $4, $5, $6)`, r.position, r.token, string(r.trail), r.address, r.agent, r.seen)
	}
}

// queueErasures forgets the addresses and agents of a holder's tokens up to where they
// were erased.
func (s *usageSums) queueErasures(b *pgx.Batch, t Tables) {
	for _, e := range s.erased {
		holder, _, err := e.subject.IDs()
		if err != nil {
			continue // the log admits no such stream
		}
		b.Queue(`UPDATE `+t.Name("sources")+` SET address = NULL, agent = NULL
			WHERE position < $2 AND token IN (SELECT token FROM `+t.Name("")+` WHERE holder = $1)`, holder, e.at)
	}
}

// erasure is what became of a subject's personal values.
type erasure struct {
	subject events.SubjectID
	at      events.Position
}

func (s *usageSums) queueSums(b *pgx.Batch, t Tables) {
	c := columnsOfSums(s.totals)
	b.Queue(`UPDATE `+t.Name("")+` u SET last_used_at = coalesce(d.used, u.last_used_at),
			uses = u.uses + d.uses, refusals = u.refusals + d.refusals
		FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[]) AS d (token, used, uses, refusals)
		WHERE u.token = d.token`, c.tokens, c.used, c.uses, c.refusals).Exec(allOf(len(c.tokens)))
	c = columnsOfSums(s.hours)
	b.Queue(`INSERT INTO `+t.Name("hours")+` AS t (token, trail, hour, uses, refusals)
		SELECT token, trail, to_timestamp(hour), uses, refusals
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS d (token, trail, hour, uses, refusals)
		ON CONFLICT (token, trail, hour) DO UPDATE
		SET uses = t.uses + EXCLUDED.uses, refusals = t.refusals + EXCLUDED.refusals`,
		c.tokens, c.trails, c.ats, c.uses, c.refusals)
	c = columnsOfSums(s.actions)
	b.Queue(`INSERT INTO `+t.Name("actions")+` AS t (token, trail, action, uses, refusals, last_used_at)
		SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
		ON CONFLICT (token, trail, action) DO UPDATE SET uses = t.uses + EXCLUDED.uses,
			refusals = t.refusals + EXCLUDED.refusals, last_used_at = coalesce(EXCLUDED.last_used_at, t.last_used_at)`,
		c.tokens, c.trails, c.texts, c.uses, c.refusals, c.used)
	if len(s.refusals) > 0 {
		c = columnsOfSums(s.refusals)
		b.Queue(`INSERT INTO `+t.Name("refusals")+` AS t (token, trail, code, refusals, last_refused_at)
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
			ON CONFLICT (token, trail, code) DO UPDATE
			SET refusals = t.refusals + EXCLUDED.refusals, last_refused_at = EXCLUDED.last_refused_at`,
			c.tokens, c.trails, c.texts, c.refusals, c.refused)
	}
	if len(s.bySource) > 0 {
		c = columnsOfSums(s.bySource)
		b.Queue(`UPDATE `+t.Name("sources")+` s SET last_used_at = coalesce(d.used, s.last_used_at),
				uses = s.uses + d.uses, refusals = s.refusals + d.refusals
			FROM unnest($1::bigint[], $2::timestamptz[], $3::bigint[], $4::bigint[]) AS d (position, used, uses, refusals)
			WHERE s.position = d.position`, c.ats, c.used, c.uses, c.refusals).Exec(allOf(len(c.ats)))
	}
}

// allOf checks that an update found every row: sums of a token or source that
// never began would be lost.
func allOf(n int) func(pgconn.CommandTag) error {
	return func(tag pgconn.CommandTag) error {
		if tag.RowsAffected() != int64(n) {
			return fmt.Errorf("%d of %d have begun: %w", tag.RowsAffected(), n, errNoBeginning)
		}
		return nil
	}
}
