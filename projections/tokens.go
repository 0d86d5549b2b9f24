// The projection tokens: one row a token, folded from its decisions and those of its grants.

package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type tokens struct{}

// Name implements [Projection].
func (tokens) Name() string { return "tokens" }

// Revision implements [Projection].
func (tokens) Revision() int { return 3 }

// tokensDDL orders every list by the holder first, since no list crosses
// holders. Texts compare by code point (collation "C"), which is the same on
// every server and lets a prefix be a range.
const tokensDDL = `
CREATE TABLE %[1]s (
	id                 uuid PRIMARY KEY,
	kind               text COLLATE "C" NOT NULL,
	holder             uuid NOT NULL,
	name               text COLLATE "C" NOT NULL,
	name_fold          text COLLATE "C" NOT NULL,
	description        text COLLATE "C" NOT NULL,
	tags               text[] NOT NULL,
	scopes             text[] NOT NULL,
	ceiling            text[] NOT NULL,
	fingerprint        text COLLATE "C" NOT NULL,
	created_at         timestamptz NOT NULL,
	created_by         text COLLATE "C" NOT NULL,
	updated_at         timestamptz NOT NULL,
	updated_by         text COLLATE "C" NOT NULL,
	expires_at         timestamptz,
	ends_at            timestamptz,
	suspended          boolean NOT NULL,
	suspended_until    timestamptz,
	expired_at         timestamptz,
	revoked_at         timestamptz,
	revoked_by         text COLLATE "C",
	revoked_reason     text COLLATE "C",
	revoked_reason_fold text COLLATE "C",
	deleted_at         timestamptz,
	rotated_from       uuid,
	rotated_to         uuid,
	rotated_until      timestamptz,
	ends_at_first_use  boolean NOT NULL,
	delivered_at       timestamptz,
	reviewed_at        timestamptz,
	reviewed_by        text COLLATE "C",
	sso                jsonb,
	grants             jsonb,
	version            bigint NOT NULL,
	position           bigint NOT NULL
);
CREATE INDEX ON %[1]s (holder, id);
CREATE INDEX ON %[1]s (holder, created_at, id);
CREATE INDEX ON %[1]s (holder, updated_at, id);
CREATE INDEX ON %[1]s (holder, name, id);
CREATE INDEX ON %[1]s (holder, coalesce(expires_at, 'infinity'), id);
CREATE INDEX ON %[1]s (holder, id) WHERE revoked_at IS NOT NULL;
CREATE INDEX ON %[1]s (fingerprint);`

// Unused implements [Unused].
func (tokens) Unused() {}

// Schema implements [Projection].
func (tokens) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(tokensDDL, t.Name("")))
	return err
}

// tokenRecord is a row as it is written: with what is only for searching.
type tokenRecord struct {
	TokenRow
	NameFold   string  `json:"name_fold"`
	ReasonFold *string `json:"revoked_reason_fold"`
}

func recordOf(row TokenRow) tokenRecord {
	record := tokenRecord{TokenRow: row, NameFold: foldText(row.Name)}
	if row.RevokedReason != nil {
		record.ReasonFold = optionalText(foldText(*row.RevokedReason))
	}
	return record
}

// Apply implements [Projection].
func (tokens) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	relevant, ids, err := ofTokens(run)
	if err != nil || len(relevant) == 0 {
		return err
	}
	rows, err := selectRows[TokenRow](ctx, tx, t.Name(""), "t.id = ANY($1)", ids)
	if err != nil {
		return err
	}
	byID := make(map[uuid.UUID]*TokenRow, len(ids))
	for i := range rows {
		byID[rows[i].ID] = &rows[i]
	}
	for _, rec := range relevant {
		id, _, _ := rec.Stream.IDs()
		row, ok := byID[id]
		if !ok {
			row = &TokenRow{}
			byID[id] = row
		}
		if err := row.apply(rec); err != nil {
			return err
		}
	}
	records := make([]tokenRecord, 0, len(ids))
	for _, id := range ids {
		row := byID[id]
		if row.ID == uuid.Nil {
			continue // a grant only; see apply
		}
		records = append(records, recordOf(*row))
	}
	return upsert(ctx, tx, t.Name(""), []string{"id"}, records)
}

// ofTokens picks the decisions of tokens and grants, and the tokens that they
// are about, each once and in order of their ids.
func ofTokens(run []events.Recorded) (relevant []events.Recorded, ids []uuid.UUID, err error) {
	for _, rec := range run {
		if !rec.Decision() {
			continue
		}
		switch rec.Stream.Kind() {
		case events.KindToken, events.KindGrant:
			id, _, err := rec.Stream.IDs()
			if err != nil {
				return nil, nil, at(rec, err)
			}
			relevant, ids = append(relevant, rec), append(ids, id)
		}
	}
	slices.SortFunc(ids, func(a, b uuid.UUID) int { return slices.Compare(a[:], b[:]) })
	return relevant, slices.Compact(ids), nil
}
