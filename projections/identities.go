// The projection identities: which account at which OpenID provider is whose.

package projections

import (
	"context"
	"errors"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type identities struct{}

// Name implements [Projection].
func (identities) Name() string { return "identities" }

// Revision implements [Projection].
func (identities) Revision() int { return 1 }

// Unused implements [Unused].
func (identities) Unused() {}

// Schema implements [Projection].
func (identities) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(`
CREATE TABLE %[1]s (
	issuer    text COLLATE "C" NOT NULL,
	subject   text COLLATE "C" NOT NULL,
	user_id   uuid NOT NULL,
	linked_at timestamptz NOT NULL,
	position  bigint NOT NULL,
	PRIMARY KEY (issuer, subject)
);
CREATE INDEX ON %[1]s (user_id)`, t.Name("")))
	return err
}

// Apply implements [Projection]. Of two users linked to one account the first
// one counts. Where the subject cannot be read any more, because the user was
// erased, there is nothing to keep.
func (identities) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	for _, rec := range run {
		user, _, err := rec.Stream.IDs()
		if err != nil {
			return at(rec, err)
		}
		switch e := rec.Event.(type) {
		case events.UserIdentityLinked:
			if e.Subject.Value == "" {
				continue
			}
			_, err = tx.Exec(ctx, `INSERT INTO `+t.Name("")+` VALUES ($1, $2, $3, $4, $5) ON CONFLICT DO NOTHING`,
				text(e.Issuer), text(e.Subject.Value), user, rec.RecordedAt, rec.Position)
		case events.UserErased:
			_, err = tx.Exec(ctx, `DELETE FROM `+t.Name("")+` WHERE user_id = $1`, user)
		}
		if err != nil {
			return at(rec, err)
		}
	}
	return nil
}

// UserByIdentity finds the user to whom an account at an OpenID provider is linked.
func (v *Views) UserByIdentity(ctx context.Context, issuer, subject string) (user uuid.UUID, found bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT user_id FROM identities WHERE issuer = $1 AND subject = $2`, text(issuer), text(subject)).Scan(&user)
	if errors.Is(err, pgx.ErrNoRows) {
		return user, false, nil
	}
	return user, err == nil, err
}

// IdentityAt gives the subject of the user's account at an issuer.
func (v *Views) IdentityAt(ctx context.Context, user uuid.UUID, issuer string) (subject string, found bool, err error) {
	err = v.db.QueryRow(ctx, `SELECT subject FROM identities WHERE user_id = $1 AND issuer = $2 ORDER BY position LIMIT 1`,
		user, text(issuer)).Scan(&subject)
	if errors.Is(err, pgx.ErrNoRows) {
		return "", false, nil
	}
	return subject, err == nil, err
}
