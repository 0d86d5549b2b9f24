// The projection directory: organizations, users, memberships and grants, one row each.

package projections

import (
	"context"
	"fmt"
	"slices"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type directory struct{}

// Name implements [Projection].
func (directory) Name() string { return "directory" }

// Revision implements [Projection].
func (directory) Revision() int { return 5 }

const directoryDDL = `
CREATE TABLE %[1]s (
	id           uuid PRIMARY KEY,
	index        bigint NOT NULL,
	name         text COLLATE "C" NOT NULL,
	display_name text COLLATE "C" NOT NULL,
	name_fold    text COLLATE "C" NOT NULL,
	display_fold text COLLATE "C" NOT NULL,
	policy       jsonb NOT NULL,
	provider     jsonb NOT NULL,
	objects      jsonb,
	created_at   timestamptz NOT NULL,
	created_by   text COLLATE "C" NOT NULL,
	updated_at   timestamptz NOT NULL,
	updated_by   text COLLATE "C" NOT NULL,
	version      bigint NOT NULL,
	position     bigint NOT NULL
);
CREATE INDEX ON %[1]s (name, id);
CREATE TABLE %[2]s (
	id             uuid PRIMARY KEY,
	email          text COLLATE "C",
	email_fold     text COLLATE "C",
	display_name   text COLLATE "C",
	display_fold   text COLLATE "C",
	operator       boolean NOT NULL,
	created_at     timestamptz NOT NULL,
	created_by     text COLLATE "C" NOT NULL,
	updated_at     timestamptz NOT NULL,
	updated_by     text COLLATE "C" NOT NULL,
	deactivated_at timestamptz,
	version        bigint NOT NULL,
	position       bigint NOT NULL
);
CREATE INDEX ON %[2]s (left(email_fold, 256));
CREATE TABLE %[3]s (
	organization uuid NOT NULL,
	user_id      uuid NOT NULL,
	role         text COLLATE "C" NOT NULL,
	until        timestamptz,
	started_at   timestamptz NOT NULL,
	started_by   text COLLATE "C" NOT NULL,
	ended_at     timestamptz,
	ended_by     text COLLATE "C",
	user_name    text COLLATE "C",
	name_fold    text COLLATE "C",
	external_id  text COLLATE "C",
	updated_at   timestamptz NOT NULL,
	updated_by   text COLLATE "C" NOT NULL,
	version      bigint NOT NULL,
	position     bigint NOT NULL,
	PRIMARY KEY (organization, user_id)
);
CREATE INDEX ON %[3]s (user_id, organization);
CREATE TABLE %[4]s (
	token           uuid NOT NULL,
	organization    uuid NOT NULL,
	user_id         uuid NOT NULL,
	name            text COLLATE "C" NOT NULL,
	scopes          text[] NOT NULL,
	expires_at      timestamptz,
	suspended       boolean NOT NULL,
	suspended_until timestamptz,
	given_at        timestamptz NOT NULL,
	given_by        text COLLATE "C" NOT NULL,
	sso_at          timestamptz,
	sso_by          text COLLATE "C",
	pending         boolean NOT NULL,
	approved_at     timestamptz,
	approved_by     text COLLATE "C",
	reviewed_at     timestamptz,
	reviewed_by     text COLLATE "C",
	ended_at        timestamptz,
	ended_by        text COLLATE "C",
	ended_reason    text COLLATE "C",
	cause           text COLLATE "C",
	updated_at      timestamptz NOT NULL,
	updated_by      text COLLATE "C" NOT NULL,
	version         bigint NOT NULL,
	position        bigint NOT NULL,
	PRIMARY KEY (token, organization)
);
CREATE INDEX ON %[4]s (organization, given_at, token);
CREATE INDEX ON %[4]s (user_id, organization);
CREATE TABLE %[5]s (
	id           uuid PRIMARY KEY,
	organization uuid NOT NULL,
	user_id      uuid NOT NULL,
	email        text COLLATE "C",
	role         text COLLATE "C" NOT NULL,
	until        timestamptz,
	issued_at    timestamptz NOT NULL,
	issued_by    text COLLATE "C" NOT NULL,
	expires_at   timestamptz NOT NULL,
	accepted_at  timestamptz,
	accepted_by  uuid,
	withdrawn_at timestamptz,
	version      bigint NOT NULL,
	position     bigint NOT NULL
);
CREATE INDEX ON %[5]s (organization, issued_at, id);
CREATE INDEX ON %[5]s (user_id);`

// Unused implements [Unused].
func (directory) Unused() {}

// Schema implements [Projection].
func (directory) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(directoryDDL,
		t.Name("organizations"), t.Name("users"), t.Name("memberships"), t.Name("grants"), t.Name("invitations")))
	return err
}

// Apply implements [Projection].
func (directory) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	for len(run) > 0 { // up to each erasure, which reaches rows of other streams
		n := slices.IndexFunc(run, func(rec events.Recorded) bool { _, yes := rec.Event.(events.UserErased); return yes }) + 1
		if n == 0 {
			n = len(run)
		}
		for _, fold := range []func(context.Context, pgx.Tx, Tables, []events.Recorded) error{
			organizations.fold, users.fold, memberships.fold, grants.fold, invitations.fold,
		} {
			if err := fold(ctx, tx, t, run[:n]); err != nil {
				return err
			}
		}
		if err := forget(ctx, tx, t, run[n-1]); err != nil {
			return err
		}
		run = run[n:]
	}
	return nil
}

// forget scrubs the personal values that memberships and invitations have of a
// user who was erased.
func forget(ctx context.Context, tx pgx.Tx, t Tables, rec events.Recorded) error {
	if _, erased := rec.Event.(events.UserErased); !erased {
		return nil
	}
	user, _, err := rec.Stream.IDs()
	if err != nil {
		return at(rec, err)
	}
	for part, set := range map[string]string{
		"memberships": "user_name = NULL, name_fold = NULL, external_id = NULL", "invitations": "email = NULL",
	} {
		if _, err := tx.Exec(ctx, "UPDATE "+t.Name(part)+" SET "+set+" WHERE user_id = $1", user); err != nil {
			return fmt.Errorf("forget a user: %w", err)
		}
	}
	return nil
}

// entity is one kind of thing in the directory: a row T each, known by one or
// two ids, and written as a W, which may add what is only for searching.
type entity[T, W any] struct {
	part  string
	key   []string // the columns of the ids
	route func(events.Recorded) (ids, bool)
	apply func(row *T, of ids, rec events.Recorded) error
	ids   func(T) ids
	write func(T) W
}

type ids [2]uuid.UUID

// ofStream routes the decisions of one kind of stream.
func ofStream(kind events.StreamKind) func(events.Recorded) (ids, bool) {
	return func(rec events.Recorded) (ids, bool) {
		if rec.Stream.Kind() != kind || !rec.Decision() {
			return ids{}, false
		}
		first, second, err := rec.Stream.IDs()
		return ids{first, second}, err == nil
	}
}

// fold loads the rows that a run is about, folds the run, and writes them back.
func (e entity[T, W]) fold(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	var order []ids
	touched := map[ids][]events.Recorded{}
	for _, rec := range run {
		if of, ok := e.route(rec); ok {
			if touched[of] == nil {
				order = append(order, of)
			}
			touched[of] = append(touched[of], rec)
		}
	}
	if len(order) == 0 {
		return nil
	}
	rows, err := e.load(ctx, tx, t, order)
	if err != nil {
		return err
	}
	written := make([]W, len(order))
	for i, of := range order {
		row := rows[of]
		for _, rec := range touched[of] {
			if err := e.apply(&row, of, rec); err != nil {
				return at(rec, err)
			}
		}
		written[i] = e.write(row)
	}
	return upsert(ctx, tx, t.Name(e.part), e.key, written)
}

func (e entity[T, W]) load(ctx context.Context, db queryer, t Tables, order []ids) (map[ids]T, error) {
	firsts, seconds := make([]uuid.UUID, len(order)), make([]uuid.UUID, len(order))
	for i, of := range order {
		firsts[i], seconds[i] = of[0], of[1]
	}
	condition, args := "t."+e.key[0]+" = ANY($1)", []any{firsts}
	if len(e.key) == 2 {
		condition = fmt.Sprintf("(t.%s, t.%s) IN (SELECT * FROM unnest($1::uuid[], $2::uuid[]))", e.key[0], e.key[1])
		args = append(args, seconds)
	}
	rows, err := selectRows[T](ctx, db, t.Name(e.part), condition, args...)
	if err != nil {
		return nil, err
	}
	byID := make(map[ids]T, len(rows))
	for _, row := range rows {
		byID[e.ids(row)] = row
	}
	return byID, nil
}
