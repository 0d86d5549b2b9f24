// The projection directory: organizations, users, memberships and grants, one row each.

package projections

import (
	"context"
	"fmt"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type directory struct{}

// Name implements [Projection].
func (directory) Name() string { return "directory" }

// Revision implements [Projection].
func (directory) Revision() int { return 1 }

const directoryDDL = `
CREATE TABLE %[1]s (
	id           uuid PRIMARY KEY,
	index        bigint NOT NULL,
	name         text COLLATE "C" NOT NULL,
	display_name text COLLATE "C" NOT NULL,
	name_fold    text COLLATE "C" NOT NULL,
	display_fold text COLLATE "C" NOT NULL,
	policy       jsonb NOT NULL,
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
CREATE INDEX ON %[4]s (user_id, organization);`

// Schema implements [Projection].
func (directory) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(directoryDDL,
		t.Name("organizations"), t.Name("users"), t.Name("memberships"), t.Name("grants")))
	return err
}

// Apply implements [Projection].
func (directory) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	for _, fold := range []func(context.Context, pgx.Tx, Tables, []events.Recorded) error{
		organizations.fold, users.fold, memberships.fold, grants.fold,
	} {
		if err := fold(ctx, tx, t, run); err != nil {
			return err
		}
	}
	return nil
}
