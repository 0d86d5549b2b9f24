// A run's uses summed up in memory: what it adds to which table, with one statement each.

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
	open     map[uuid.UUID]*openUsage // of the tokens that are used
	hours    map[usageKey]sum         // text: none, at: the hour
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
		open:    map[uuid.UUID]*openUsage{}, hours: map[usageKey]sum{}, actions: map[usageKey]sum{},
		refusals: map[usageKey]sum{}, bySource: map[usageKey]sum{},
	}
}

// load reads the rows of the tokens that a run uses.
func (s *usageSums) load(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) (err error) {
	used := map[uuid.UUID]bool{}
	for _, rec := range run {
		switch rec.Event.(type) {
		case events.TokenUsed, events.TokenUseRefused:
			token, _, err := rec.Stream.IDs()
			if err != nil {
				return at(rec, err)
			}
			used[token] = true
		}
	}
	if len(used) > 0 {
		s.open, err = loadOpen(ctx, tx, t, sortedIDs(used))
	}
	return err
}

func (s *usageSums) add(rec events.Recorded) error {
	token, _, err := rec.Stream.IDs()
	if err != nil {
		return err
	}
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
		return s.count(token, rec, e.Action, e.Source, sum{uses: max(e.Count, 1), lastUsed: rec.RecordedAt})
	case events.TokenUseRefused:
		n := sum{refusals: max(e.Count, 1), lastRefused: rec.RecordedAt}
		increase(s.refusals, usageKey{token: token, trail: rec.Trail, text: indexed(e.Code)}, n)
		return s.count(token, rec, e.Action, e.Source, n)
	}
	return nil
}

func (s *usageSums) count(token uuid.UUID, rec events.Recorded, action string, source events.Position, n sum) error {
	o := s.open[token]
	if o == nil {
		if _, begun := s.created[token]; !begun {
			return errNoBeginning
		}
		o = &openUsage{token: token}
		s.open[token] = o
	}
	hour := rec.RecordedAt.Truncate(time.Hour).Unix()
	o.count(openKind{rec.Trail, hour, source, indexed(action)}, n, s)
	return nil
}

// settle adds uses of one kind to the tables of hours, actions and sources.
func (s *usageSums) settle(token uuid.UUID, l openLine) {
	key := usageKey{token: token, trail: l.trail}
	hour, action := key, key
	hour.at, action.text = l.hour, l.action
	increase(s.hours, hour, l.sum)
	increase(s.actions, action, l.sum)
	if l.source != 0 {
		increase(s.bySource, usageKey{at: int64(l.source)}, l.sum)
	}
}

func increase(sums map[usageKey]sum, key usageKey, n sum) {
	was := sums[key]
	was.add(n)
	sums[key] = was
}

func (s *sum) add(n sum) {
	s.uses += n.uses
	s.refusals += n.refusals
	if n.lastUsed.After(s.lastUsed) {
		s.lastUsed = n.lastUsed
	}
	if n.lastRefused.After(s.lastRefused) {
		s.lastRefused = n.lastRefused
	}
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
	s.queueOpen(&b, t)
	s.queueSums(&b, t)
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
	if len(s.hours) > 0 {
		c := columnsOfSums(s.hours)
		b.Queue(`INSERT INTO `+t.Name("hours")+` AS t (token, trail, hour, uses, refusals)
			SELECT token, trail, to_timestamp(hour), uses, refusals
			FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::bigint[]) AS d (token, trail, hour, uses, refusals)
			ON CONFLICT (token, trail, hour) DO UPDATE
			SET uses = t.uses + EXCLUDED.uses, refusals = t.refusals + EXCLUDED.refusals`,
			c.tokens, c.trails, c.ats, c.uses, c.refusals)
	}
	if len(s.actions) > 0 {
		c := columnsOfSums(s.actions)
		b.Queue(`INSERT INTO `+t.Name("actions")+` AS t (token, trail, action, uses, refusals, last_used_at)
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::bigint[], $6::timestamptz[])
			ON CONFLICT (token, trail, action) DO UPDATE SET uses = t.uses + EXCLUDED.uses,
				refusals = t.refusals + EXCLUDED.refusals, last_used_at = coalesce(EXCLUDED.last_used_at, t.last_used_at)`,
			c.tokens, c.trails, c.texts, c.uses, c.refusals, c.used)
	}
	if len(s.refusals) > 0 {
		c := columnsOfSums(s.refusals)
		b.Queue(`INSERT INTO `+t.Name("refusals")+` AS t (token, trail, code, refusals, last_refused_at)
			SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::bigint[], $5::timestamptz[])
			ON CONFLICT (token, trail, code) DO UPDATE
			SET refusals = t.refusals + EXCLUDED.refusals, last_refused_at = EXCLUDED.last_refused_at`,
			c.tokens, c.trails, c.texts, c.refusals, c.refused)
	}
	if len(s.bySource) > 0 {
		c := columnsOfSums(s.bySource)
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
