// The projection usage: what tokens were used for, summed by hour, action and source, and what was refused.
//
// A run of thousands of uses is summed in memory first, so that Postgres sees
// one row for each token that was used and not one for each use. Sums stand by
// trail too: what a personal token did for one organization is not shown to another.

package projections

import (
	"context"
	"fmt"
	"unicode/utf8"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type usage struct{}

// Name implements [Projection].
func (usage) Name() string { return "usage" }

// Revision implements [Projection].
func (usage) Revision() int { return 2 }

// usageDDL leaves room in the pages of tables whose rows are updated, so that an
// update needs no new index entries. last_used_at stands here and not with the
// tokens, whose rows are wide and have many indexes; the index makes it an order of
// its own, where a token never used comes first. For open see [openUsage].
const usageDDL = `
CREATE TABLE %[1]s (
	token        uuid PRIMARY KEY,
	holder       uuid NOT NULL,
	last_used_at timestamptz,
	uses         bigint NOT NULL DEFAULT 0,
	refusals     bigint NOT NULL DEFAULT 0,
	open         text COLLATE "C" NOT NULL DEFAULT ''
) WITH (fillfactor = 70, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ON %[1]s (holder, coalesce(last_used_at, '-infinity'), token) WITH (fillfactor = 70);
CREATE TABLE %[2]s (
	token    uuid NOT NULL,
	trail    text COLLATE "C" NOT NULL,
	hour     timestamptz NOT NULL,
	uses     bigint NOT NULL,
	refusals bigint NOT NULL,
	PRIMARY KEY (token, trail, hour)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE %[3]s (
	token        uuid NOT NULL,
	trail        text COLLATE "C" NOT NULL,
	action       text COLLATE "C" NOT NULL,
	uses         bigint NOT NULL,
	refusals     bigint NOT NULL,
	last_used_at timestamptz,
	PRIMARY KEY (token, trail, action)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE %[4]s (
	token           uuid NOT NULL,
	trail           text COLLATE "C" NOT NULL,
	code            text COLLATE "C" NOT NULL,
	refusals        bigint NOT NULL,
	last_refused_at timestamptz NOT NULL,
	PRIMARY KEY (token, trail, code)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE TABLE %[5]s (
	position      bigint PRIMARY KEY,
	token         uuid NOT NULL,
	trail         text COLLATE "C" NOT NULL,
	address       text COLLATE "C",
	agent         text COLLATE "C",
	first_seen_at timestamptz NOT NULL,
	last_used_at  timestamptz,
	uses          bigint NOT NULL DEFAULT 0,
	refusals      bigint NOT NULL DEFAULT 0
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ON %[5]s (token, trail, left(address, 64));`

// Schema implements [Projection].
func (usage) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(usageDDL,
		t.Name(""), t.Name("hours"), t.Name("actions"), t.Name("refusals"), t.Name("sources")))
	return err
}

// Apply implements [Projection].
func (usage) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	sums := newUsageSums()
	if err := sums.load(ctx, tx, t, run); err != nil {
		return err
	}
	for _, rec := range run {
		if holder := events.ErasedBy(rec.Stream, rec.Event); holder != "" {
			sums.erased = append(sums.erased, erasure{holder, rec.Position})
			continue
		}
		if rec.Stream.Kind() != events.KindToken {
			continue
		}
		if err := sums.add(rec); err != nil {
			return at(rec, err)
		}
	}
	return sums.write(ctx, tx, t)
}

// maxIndexed bounds a text that is part of an index entry, in bytes.
const maxIndexed = 256

// indexed is a text as a part of a key: cut where an index would refuse it.
func indexed(s string) string {
	s = text(s)
	if len(s) <= maxIndexed {
		return s
	}
	cut := maxIndexed
	for !utf8.RuneStart(s[cut]) {
		cut--
	}
	return s[:cut]
}
