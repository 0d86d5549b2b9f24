// Message DB: streams in a Postgres table behind functions, as its npm package installs them.

package main

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha512"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
)

// The package, pinned, and the digest that npm lists for it.
const (
	messageDBPackage   = "@eventide/message-db@1.3.1"
	messageDBIntegrity = "n3hdE5YAZNXTr2HK9gG0GJ6dusgdE544LTvS+21/yOEHBvNuUzNmXXw5vS05vpe6RSuhzTRy5Wg0q7c1VfJg+A=="
)

// errNoMessageDB: the package cannot be had here, so there is nothing to measure.
var errNoMessageDB = errors.New("the npm package of Message DB cannot be had here")

// messageDBFiles is the order in which the package's own script installs its parts.
var messageDBFiles = []string{
	"roles/message-store", "schema/message-store", "extensions/pgcrypto", "tables/messages", "types/message",
	"functions/message-store-version", "functions/hash-64", "functions/acquire-lock", "functions/category",
	"functions/is-category", "functions/id", "functions/cardinal-id", "functions/stream-version", "functions/write-message",
	"indexes/messages-id", "indexes/messages-stream", "indexes/messages-category",
}

func newMessageDB(ctx context.Context, s *server, w workload) (contestant, error) {
	files, err := fetchMessageDB(ctx)
	if err != nil {
		return contestant{}, err
	}
	url, err := s.database(ctx, "message_db")
	if err != nil {
		return contestant{}, err
	}
	if err := installMessageDB(ctx, url, files); err != nil {
		return contestant{}, err
	}
	pool, err := openPool(ctx, url+"&search_path=message_store,public")
	if err != nil {
		return contestant{}, err
	}
	return contestant{
		name: "Message DB", perCall: 1,
		guarantees: "a version for each stream; a global position from a sequence, with gaps; one writer at a time in a category",
		write: func(ctx context.Context, worker, call int) error {
			e := w.at(worker, call)
			_, err := pool.Exec(ctx, `SELECT write_message($1, $2, 'token.used', $3::jsonb, $4::jsonb)`,
				uuid.NewString(), e.stream(), string(e.data()), string(e.actor()))
			return err
		},
		close: func(context.Context) error { pool.Close(); return nil },
	}, nil
}

func installMessageDB(ctx context.Context, url string, files map[string]string) error {
	conn, err := pgx.Connect(ctx, url)
	if err != nil {
		return err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	if _, err := conn.Exec(ctx, "SET search_path = message_store, public"); err != nil {
		return err
	}
	for _, name := range messageDBFiles {
		text, ok := files["package/database/"+name+".sql"]
		if !ok {
			return fmt.Errorf("the package of Message DB has no %s", name)
		}
		// Indexes are made beside writers there; here nobody writes yet.
		text = strings.ReplaceAll(text, "CONCURRENTLY", "")
		if _, err := conn.PgConn().Exec(ctx, text).ReadAll(); err != nil {
			return fmt.Errorf("install %s of Message DB: %w", name, err)
		}
	}
	return nil
}

// fetchMessageDB has npm bring the package, and checks it.
func fetchMessageDB(ctx context.Context) (map[string]string, error) {
	dir, err := os.MkdirTemp("", "message-db-")
	if err != nil {
		return nil, err
	}
	defer os.RemoveAll(dir)
	npm := exec.CommandContext(ctx, "npm", "pack", "--silent", messageDBPackage)
	npm.Dir = dir
	if out, err := npm.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("%w: npm pack: %w: %s", errNoMessageDB, err, bytes.TrimSpace(out))
	}
	found, err := filepath.Glob(filepath.Join(dir, "*.tgz"))
	if err != nil || len(found) != 1 {
		return nil, fmt.Errorf("%w: npm brought %d packages", errNoMessageDB, len(found))
	}
	packed, err := os.ReadFile(found[0])
	if err != nil {
		return nil, err
	}
	sum := sha512.Sum512(packed)
	if base64.StdEncoding.EncodeToString(sum[:]) != messageDBIntegrity {
		return nil, fmt.Errorf("%s is not the package that was pinned", messageDBPackage)
	}
	return untar(packed)
}

func untar(packed []byte) (map[string]string, error) {
	z, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	files := map[string]string{}
	for r := tar.NewReader(z); ; {
		h, err := r.Next()
		if errors.Is(err, io.EOF) {
			return files, nil
		}
		if err != nil {
			return nil, err
		}
		text, err := io.ReadAll(io.LimitReader(r, 1<<20))
		if err != nil {
			return nil, err
		}
		files[h.Name] = string(text)
	}
}
