// One private Postgres for all, a database for each.

package main

import (
	"context"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"strconv"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

type server struct {
	postgres *embedded.Postgres
	dir      string
}

func startServer(ctx context.Context) (*server, error) {
	dir, err := os.MkdirTemp("", "tokenledger-benchmarks-")
	if err != nil {
		return nil, err
	}
	if err := os.Chmod(dir, 0o711); err != nil { // Postgres may run as another user
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	postgres, err := embedded.StartPostgres(ctx, embedded.PostgresConfig{
		Dir: filepath.Join(dir, "data"), Settings: map[string]string{"max_connections": strconv.Itoa(8 * connections)},
	})
	if err != nil {
		return nil, errors.Join(err, os.RemoveAll(dir))
	}
	return &server{postgres, dir}, nil
}

func (s *server) stop(ctx context.Context) error {
	return errors.Join(s.postgres.Stop(ctx), os.RemoveAll(s.dir))
}

// database makes an empty one and gives its address.
func (s *server) database(ctx context.Context, name string) (string, error) {
	conn, err := pgx.Connect(ctx, s.postgres.URL())
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "CREATE DATABASE "+pgx.Identifier{name}.Sanitize()); err != nil {
		return "", fmt.Errorf("make the database %s: %w", name, err)
	}
	u, err := url.Parse(s.postgres.URL())
	if err != nil {
		return "", errors.New("the private server's address is no URL")
	}
	u.Path = "/" + name
	return u.String(), nil
}

// connections is how many each contestant may hold, also while others have their turn.
const connections = 64

func openPool(ctx context.Context, url string) (*pgxpool.Pool, error) {
	c, err := pgxpool.ParseConfig(url)
	if err != nil {
		return nil, err
	}
	c.MaxConns = connections
	return pgxpool.NewWithConfig(ctx, c)
}
