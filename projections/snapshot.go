// A snapshot: all rows of a read model at one position, to be compared with a replay.

package projections

import (
	"context"
	"fmt"
	"iter"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// Snapshot is the read models at one moment. It holds a connection until it is closed.
type Snapshot struct {
	tx  pgx.Tx
	now queryer
}

// Snapshot begins one.
func (v *Views) Snapshot(ctx context.Context) (*Snapshot, error) {
	tx, err := v.db.BeginTx(ctx, pgx.TxOptions{IsoLevel: pgx.RepeatableRead, AccessMode: pgx.ReadOnly})
	if err != nil {
		return nil, fmt.Errorf("begin a snapshot of the read models: %w", err)
	}
	return &Snapshot{tx, v.db}, nil
}

// Close ends it.
func (s *Snapshot) Close(ctx context.Context) { _ = s.tx.Rollback(ctx) }

// Position is the last event that a projection has applied.
func (s *Snapshot) Position(ctx context.Context, projection string) (at events.Position, err error) {
	if err = s.tx.QueryRow(ctx, `SELECT position FROM projections WHERE name = $1 AND active`, projection).Scan(&at); err != nil {
		return 0, fmt.Errorf("read the position of %s: %w", projection, err)
	}
	return at, nil
}

// Replaced reports whether a rebuild has taken the place of a projection since. Views show
// what is there now, to a snapshot, too: of the tables that took over it sees the rows that were
// there at its moment, which may be none.
func (s *Snapshot) Replaced(ctx context.Context, projection string) (bool, error) {
	had, err := activeGeneration(ctx, s.tx, projection)
	if err != nil {
		return false, fmt.Errorf("read which tables %s had: %w", projection, err)
	}
	has, err := activeGeneration(ctx, s.now, projection)
	if err != nil {
		return false, fmt.Errorf("read which tables %s has: %w", projection, err)
	}
	return had.Tables != has.Tables, nil
}

// Tokens are all tokens of both kinds. Their last use, which stands elsewhere, is left out.
func (s *Snapshot) Tokens(ctx context.Context) iter.Seq2[TokenRow, error] {
	return allRows[TokenRow](ctx, s.tx, "tokens")
}

// Organizations are all organizations.
func (s *Snapshot) Organizations(ctx context.Context) iter.Seq2[OrganizationRow, error] {
	return allRows[OrganizationRow](ctx, s.tx, "directory_organizations")
}

// Users are all users.
func (s *Snapshot) Users(ctx context.Context) iter.Seq2[UserRow, error] {
	return allRows[UserRow](ctx, s.tx, "directory_users")
}

// Memberships are all memberships.
func (s *Snapshot) Memberships(ctx context.Context) iter.Seq2[MembershipRow, error] {
	return allRows[MembershipRow](ctx, s.tx, "directory_memberships")
}

// Grants are all grants.
func (s *Snapshot) Grants(ctx context.Context) iter.Seq2[GrantRow, error] {
	return allRows[GrantRow](ctx, s.tx, "directory_grants")
}

// allRows gives the rows of a table as they come, in no order, and keeps none.
func allRows[T any](ctx context.Context, db queryer, table string) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		rows, _ := db.Query(ctx, "SELECT "+qualified("t", columnsOf[T]())+" FROM "+table+" t") // its error comes out of the rows
		defer rows.Close()
		for rows.Next() {
			row, err := pgx.RowToStructByNameLax[T](rows)
			if err != nil {
				yield(row, fmt.Errorf("read %s: %w", table, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(*new(T), fmt.Errorf("read %s: %w", table, err))
		}
	}
}

// Stretch is a run of lines of one trail.
type Stretch struct {
	Trail  events.TrailID
	First  events.Position // in the trail
	Leaves []byte          // each ended by a newline
}

// Stretches gives the segments of all trails, trail by trail and in order.
func (s *Snapshot) Stretches(ctx context.Context) iter.Seq2[Stretch, error] {
	return func(yield func(Stretch, error) bool) {
		var trail string
		var first int64
		for {
			rows, _ := s.tx.Query(ctx, `SELECT trail, first, leaves FROM trails_segments WHERE (trail, first) > ($1, $2)
				ORDER BY trail, first LIMIT 64`, trail, first) // its error comes out of the rows
			some, err := pgx.CollectRows(rows, pgx.RowToStructByPos[Stretch])
			if err != nil {
				yield(Stretch{}, fmt.Errorf("read trails: %w", err))
				return
			}
			for _, one := range some {
				if !yield(one, nil) {
					return
				}
				trail, first = string(one.Trail), int64(one.First)
			}
			if len(some) < 64 {
				return
			}
		}
	}
}
