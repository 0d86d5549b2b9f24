// Tests of the profile cluster in docker-compose.yml: it is another ledger than the default one, and its two Postgres
// scripts make a primary and a standby that it waits for.

package main

import (
	"context"
	"errors"
	"io/fs"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/eventstore/embedded"
)

// Who starts the default ledger starts nothing of the cluster, and the other way round.
func TestComposeProfilesShareNothing(t *testing.T) {
	t.Parallel()
	file := readCompose(t)
	of := map[string]bool{} // volumes, by whether the cluster has them
	in := func(s composeService) bool { return slices.Contains(s.Profiles, "cluster") }
	for name, s := range file.Services {
		for other := range s.DependsOn {
			if in(file.Services[other]) != in(s) {
				t.Errorf("%s waits for %s", name, other)
			}
		}
		if s.NetworkMode != "none" && in(s) != (s.Networks != nil) {
			t.Errorf("%s is on the network of the other ledger", name)
		}
		for _, volume := range s.Volumes {
			source, _, _ := strings.Cut(volume, ":")
			if _, named := file.Volumes[source]; !named {
				continue
			}
			if before, seen := of[source]; seen && before != in(s) {
				t.Errorf("the volume %s belongs to both", source)
			}
			of[source] = in(s)
		}
	}
	for volume := range file.Volumes {
		if _, used := of[volume]; !used {
			t.Errorf("nobody mounts the volume %s", volume)
		}
	}
}

// nginx finds each replica under the name that its file has.
func TestComposeNginxFindsTheReplicas(t *testing.T) {
	t.Parallel()
	conf, err := os.ReadFile(filepath.Join(top, "docs", "integrations", "nginx-cluster.conf"))
	if err != nil {
		t.Fatal(err)
	}
	servers := 0
	for line := range strings.Lines(string(conf)) {
		fields := strings.Fields(line)
		if len(fields) < 2 || fields[0] != "server" || fields[1] == "{" {
			continue
		}
		servers++
		name, at, _ := strings.Cut(fields[1], ":")
		if s := readCompose(t).Services[name]; !slices.Equal(s.Command, []string{"serve"}) || at != port(t, imageEnv(t)["TOKENLEDGER_LISTEN"]) {
			t.Errorf("nginx asks %s, which is no replica", fields[1])
		}
	}
	if servers != 3 {
		t.Errorf("nginx asks %d replicas", servers)
	}
}

// pairScript runs one of the scripts with stand-ins for what only the image has.
func pairScript(t *testing.T, name string, env ...string) {
	t.Helper()
	bin := t.TempDir()
	for program, text := range map[string]string{
		"gosu": "shift; exec \"$@\"", "docker-entrypoint.sh": "exit 0", "install": "exec mkdir -p \"$PGDATA\"",
	} {
		if err := os.WriteFile(filepath.Join(bin, program), []byte("#!/bin/sh\n"+text+"\n"), 0o755); err != nil {
			t.Fatal(err)
		}
	}
	path := bin + ":" + os.Getenv("PATH")
	if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin"); len(found) > 0 {
		path += ":" + found[len(found)-1]
	}
	script, err := filepath.Abs(filepath.Join("compose", name))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	c := exec.CommandContext(ctx, "sh", script, "-c", "x=y")
	c.Env = append(os.Environ(), append(env, "PATH="+path)...)
	if out, err := c.CombinedOutput(); err != nil {
		t.Fatalf("%s: %v\n%s", name, err, out)
	}
}

func startPair(t *testing.T, dir string) *embedded.Postgres {
	t.Helper()
	server, err := embedded.StartPostgres(t.Context(), embedded.PostgresConfig{Dir: dir, Settings: map[string]string{"shared_buffers": "16MB"}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := server.Stop(ctx); err != nil {
			t.Error(err)
		}
	})
	return server
}

func TestComposeMakesAStandbyThatThePrimaryWaitsFor(t *testing.T) {
	t.Parallel()
	if _, err := exec.LookPath("pg_basebackup"); err != nil {
		if found, _ := filepath.Glob("/usr/lib/postgresql/*/bin/pg_basebackup"); len(found) == 0 {
			t.Skip("pg_basebackup is not installed")
		}
	}
	dir, err := os.MkdirTemp("", "tokenledger-pair-")
	if err == nil {
		err = os.Chmod(dir, 0o711) // Postgres runs as another user
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = os.RemoveAll(dir) })
	one, two := filepath.Join(dir, "1"), filepath.Join(dir, "2")
	first := startPair(t, one)
	u, err := url.Parse(first.URL())
	if err != nil {
		t.Fatal(err)
	}
	socket, secrets := u.Query().Get("host"), composeSecrets(t, "cluster-secrets")
	password, _ := u.User.Password()
	pairScript(t, "replication.sh", "PGDATA="+filepath.Join(one, "postgres"), "PGHOST="+socket, "PGPASSWORD="+password,
		"POSTGRES_USER=postgres", "POSTGRES_DB=postgres", "REPLICATION_PASSWORD="+readSecret(t, secrets, "replication_password"))
	if err := os.Mkdir(two, 0o711); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(two, "postgres.password"), []byte(password), 0o600); err != nil {
		t.Fatal(err)
	}
	data := filepath.Join(two, "postgres")
	pairScript(t, "postgres.sh", "PGDATA="+data, "SECRETS="+secrets, "PRIMARY="+socket)
	// These servers have their socket among their data, which the copy takes along, and the user of the first.
	info, err := os.Stat(filepath.Join(one, "postgres"))
	if err == nil {
		owner := info.Sys().(*syscall.Stat_t)
		_ = os.Remove(filepath.Join(data, ".s.PGSQL.5432.lock"))
		err = filepath.WalkDir(data, func(path string, _ fs.DirEntry, err error) error {
			return errors.Join(err, os.Lchown(path, int(owner.Uid), int(owner.Gid)))
		})
	}
	if err != nil {
		t.Fatal(err)
	}
	second := startPair(t, two)
	awaitState(t, first.URL(), `SELECT pg_reload_conf()::text`, "true")
	awaitState(t, first.URL(), `SELECT coalesce(max(sync_state), 'away') FROM pg_stat_replication WHERE application_name = 'standby'`, "sync")
	awaitState(t, second.URL(), `SELECT pg_is_in_recovery()::text || current_setting('synchronous_standby_names')`, "true")
	// Once more it starts as what it is.
	pairScript(t, "postgres.sh", "PGDATA="+data, "SECRETS="+secrets, "PRIMARY="+socket)
}

// awaitState asks until a query says what it should.
func awaitState(t *testing.T, database, sql, want string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	for got := ""; got != want; time.Sleep(20 * time.Millisecond) {
		if err := conn.QueryRow(ctx, sql, pgx.QueryExecModeSimpleProtocol).Scan(&got); err != nil {
			t.Fatalf("%s: %v, last %s", sql, err, got)
		}
	}
}
