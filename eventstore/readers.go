// Logins that read for one organization.

package eventstore

import (
	"context"
	"crypto/hmac"
	"crypto/pbkdf2"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"

	"github.com/tokenledger/tokenledger/events"
)

// Reader is a login of Postgres that sees an organization's rows of the read models,
// by row-level security, and nothing else: no block, no key, no credential.
type Reader struct {
	Login        string
	Organization uuid.UUID
	CreatedAt    time.Time
}

var (
	// ErrReader is wrapped where a login cannot be made a reader's, or is none.
	ErrReader = errors.New("this cannot be a reader's login")

	readerLogin = regexp.MustCompile(`^[a-z][a-z0-9_]{0,62}$`)
)

// readersFrom is the first version of Postgres whose views ask with the rights of
// whoever asks them.
const readersFrom = 150000

// CreateReader makes a login for the readers of an organization; one that exists is
// bound to it and keeps its password, which made tells. url is of a user who may make
// roles. At most connections sessions of the login are open at once.
func CreateReader(ctx context.Context, url, schema string, r Reader, password string, connections int) (made bool, err error) {
	if !readerLogin.MatchString(r.Login) {
		return false, fmt.Errorf("%w: want a name of small letters, digits and underscores", ErrReader)
	}
	verifier, err := scramVerifier(password)
	if err != nil {
		return false, err
	}
	err = administer(ctx, url, schema, func(tx pgx.Tx) error {
		login := pgx.Identifier{r.Login}.Sanitize()
		exists, err := mayBecomeReader(ctx, tx, r)
		if err != nil {
			return err
		}
		if made = !exists; made {
			sql := fmt.Sprintf("CREATE ROLE %s LOGIN NOSUPERUSER NOCREATEDB NOCREATEROLE NOREPLICATION NOBYPASSRLS PASSWORD %s", login, literal(verifier))
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		var database string
		if err := tx.QueryRow(ctx, `SELECT current_database()`).Scan(&database); err != nil {
			return err
		}
		here := fmt.Sprintf("ALTER ROLE %s IN DATABASE %s SET ", login, pgx.Identifier{database}.Sanitize())
		for _, sql := range []string{
			fmt.Sprintf("ALTER ROLE %s CONNECTION LIMIT %d", login, connections),
			here + "search_path = " + pgx.Identifier{schemaOr(schema) + "_views"}.Sanitize(),
			here + "default_transaction_read_only = on",
			here + "statement_timeout = '5min'",
			fmt.Sprintf("GRANT %s TO %s", RoleReader, login),
			"SET LOCAL ROLE " + RoleMigrator,
		} {
			if _, err := tx.Exec(ctx, sql); err != nil {
				return err
			}
		}
		_, err = tx.Exec(ctx, `INSERT INTO readers (login, organization) VALUES ($1, $2) ON CONFLICT DO NOTHING`, r.Login, r.Organization)
		return err
	})
	return made && err == nil, err
}

// mayBecomeReader refuses an organization that there is not, a login of another one,
// and one that sees more by itself.
func mayBecomeReader(ctx context.Context, tx pgx.Tx, r Reader) (exists bool, err error) {
	const sql = `SELECT current_setting('server_version_num')::int,
		EXISTS (SELECT FROM streams WHERE stream_id = $2),
		(SELECT organization FROM readers WHERE login = $1),
		EXISTS (SELECT FROM pg_roles WHERE rolname = $1),
		EXISTS (SELECT FROM pg_roles WHERE rolname = $1 AND (rolsuper OR rolbypassrls OR rolcreaterole OR rolreplication)) OR
		EXISTS (SELECT FROM pg_roles AS of, pg_roles AS one WHERE of.rolname = ANY ($3) AND one.rolname = $1 AND pg_has_role(one.oid, of.oid, 'MEMBER'))`
	var version int
	var known, more bool
	var other *uuid.UUID
	above := []string{
		RoleMigrator, RoleAppender, RoleProjector, RoleOperator, "pg_read_all_data", "pg_write_all_data",
		"pg_read_server_files", "pg_write_server_files", "pg_execute_server_program", // which lead to the server's own files
	}
	err = tx.QueryRow(ctx, sql, r.Login, events.OrganizationStream(r.Organization), above).Scan(&version, &known, &other, &exists, &more)
	switch {
	case err != nil:
		return false, err
	case version < readersFrom:
		return false, fmt.Errorf("%w: want Postgres 15 or newer, whose views ask with the rights of whoever asks them", ErrReader)
	case !known:
		return false, fmt.Errorf("%w: there is no organization %s", ErrReader, r.Organization)
	case other != nil && *other != r.Organization:
		return false, fmt.Errorf("%w: %s reads for the organization %s", ErrReader, r.Login, *other)
	case more:
		return false, fmt.Errorf("%w: %s may see more than an organization's rows by itself", ErrReader, r.Login)
	}
	return exists, nil
}

// RemoveReader takes a login away. Sessions of it that are open see nothing any more.
func RemoveReader(ctx context.Context, url, schema, login string) error {
	return administer(ctx, url, schema, func(tx pgx.Tx) error {
		tag, err := tx.Exec(ctx, `DELETE FROM readers WHERE login = $1`, login)
		if err != nil {
			return err
		}
		if tag.RowsAffected() == 0 {
			return fmt.Errorf("%w: %s reads for no organization", ErrReader, login)
		}
		_, err = tx.Exec(ctx, "DROP ROLE IF EXISTS "+pgx.Identifier{login}.Sanitize())
		return err
	})
}

// Readers lists the logins.
func Readers(ctx context.Context, url, schema string) (all []Reader, err error) {
	err = administer(ctx, url, schema, func(tx pgx.Tx) error {
		rows, err := tx.Query(ctx, `SELECT login::text, organization, created_at FROM readers ORDER BY login`)
		if err == nil {
			all, err = pgx.CollectRows(rows, pgx.RowToStructByPos[Reader])
		}
		return err
	})
	return all, err
}

// administer runs a transaction with all the rights of the URL's user.
func administer(ctx context.Context, url, schema string, do func(pgx.Tx) error) error {
	config, err := pgx.ParseConfig(url)
	if err != nil {
		return fmt.Errorf("database URL: %w", err)
	}
	config.RuntimeParams["search_path"] = pgx.Identifier{schemaOr(schema)}.Sanitize()
	conn, err := pgx.ConnectConfig(ctx, config)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = pgx.BeginFunc(ctx, conn, do)
	if e, ok := errors.AsType[*pgconn.PgError](err); ok && e.Code == insufficientPrivilege {
		return fmt.Errorf("%w: want a login with CREATEROLE that may act as %s (%s)", ErrNotPermitted, RoleMigrator, e.Message)
	}
	return err
}

func schemaOr(schema string) string {
	if schema == "" {
		return DefaultSchema
	}
	return schema
}

// scramVerifier is what Postgres keeps of a password. Made here, the password itself
// stands in no statement, which a server may log.
func scramVerifier(password string) (string, error) {
	const rounds = 4096
	salt := make([]byte, 16)
	_, _ = rand.Read(salt) // never fails
	salted, err := pbkdf2.Key(sha256.New, password, salt, rounds, sha256.Size)
	if err != nil {
		return "", fmt.Errorf("make a password: %w", err)
	}
	mac := func(text string) []byte {
		h := hmac.New(sha256.New, salted)
		h.Write([]byte(text))
		return h.Sum(nil)
	}
	stored := sha256.Sum256(mac("Client Key"))
	text := base64.StdEncoding.EncodeToString
	return fmt.Sprintf("SCRAM-SHA-256$%d:%s$%s:%s", rounds, text(salt), text(stored[:]), text(mac("Server Key"))), nil
}
