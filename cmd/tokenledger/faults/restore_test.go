// Backups of Postgres are restored as docs/operations.md says, and everything that was
// made of the log goes on from there: cursors, read models, trees, JetStream, subscribers.

//go:build faults

package faults_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// ledger is a world under load whose database is going to be restored.
type ledger struct {
	*testing.T
	*world
	report  *report
	archive string // of write-ahead log
	origin  string
	ops     []op // since the invariants were last looked at
	rounds  int

	leaves []outside.Leaf // before the restore
	cursor string
	page   string // what follows the cursor
}

func newLedger(t *testing.T) *ledger {
	t.Helper()
	r := newReport(0)
	w, err := newWorld(t.Context(), t.Name(), 2, r)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	l := &ledger{T: t, world: w, report: r, archive: filepath.Join(w.dir, "archive")}
	if err := errors.Join(os.Mkdir(l.archive, 0o777), os.Chmod(l.archive, 0o777)); err != nil {
		t.Fatal(err)
	}
	config := w.postgres.config
	config.Settings = postgresSettings()
	config.Settings["archive_mode"], config.Settings["archive_command"] = "on", "cp %p "+l.archive+"/%f"
	l.must(w.postgres.move(config))
	return l
}

func (l *ledger) must(err error) {
	l.Helper()
	if err != nil {
		for _, s := range l.services {
			l.Log(s.output())
		}
		l.Fatal(err)
	}
}

// work lets clients work while something else is done.
func (l *ledger) work(meanwhile func()) {
	l.Helper()
	l.workOf(func(*load) { meanwhile() })
}

func (l *ledger) workOf(meanwhile func(clients *load)) {
	l.Helper()
	l.rounds++
	ctx, cancel := context.WithTimeout(l.Context(), 2*recoveryLimit)
	defer cancel()
	clients := l.newLoad(l.rounds)
	l.must(clients.prepare(ctx, rand.New(rand.NewPCG(uint64(l.rounds), 1))))
	stop, over := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(over)
		clients.run(ctx, uint64(l.rounds), stop)
	}()
	meanwhile(clients)
	begun := len(clients.history.all())
	l.must(await(ctx, func() error {
		if len(clients.history.all()) < begun+200 {
			return errors.New("the clients are at work")
		}
		return nil
	}))
	close(stop)
	<-over
	l.ops = append(l.ops, clients.history.all()...)
}

const tokensAfter = `query($after: Cursor) { apiTokens(first: 3, after: $after) { pageInfo { endCursor } edges { node { id name status } } } }`

func (l *ledger) list(after any) outside.Answer {
	l.Helper()
	a, err := outside.Try(l.Context(), admins, l.services[0].url, l.admin, tokensAfter, map[string]any{"after": after})
	if err != nil || len(a.Errors) > 0 {
		l.Fatalf("%v %s", err, a.Body)
	}
	return a
}

// remember notes what must be there after the restore.
func (l *ledger) remember() {
	l.Helper()
	_, err := l.quiet(l.Context())
	l.must(err)
	first := l.list(nil)
	tokens, _ := first.Data["apiTokens"].(map[string]any)
	info, _ := tokens["pageInfo"].(map[string]any)
	l.cursor, _ = info["endCursor"].(string)
	l.page = string(l.list(l.cursor).Body)
	if !strings.Contains(l.page, `"node"`) {
		l.Fatalf("nothing follows the first page: %s", l.page)
	}
	l.leaves, err = outside.Leaves(l.Context(), l.postgres.direct())
	l.must(err)
	l.subscribe(len(l.leaves))
}

// subscribe follows the log up to a position as a downstream program does, from where
// its last run ended.
func (l *ledger) subscribe(through int) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), quietLimit)
	defer cancel()
	conn, err := l.reader()
	l.must(err)
	defer conn.Close()
	for m, err := range jetstream.Subscribe(ctx, conn, jetstream.Config{Store: jetstream.FileStore(filepath.Join(l.dir, "mark"))}) {
		if m.Position >= events.Position(through) {
			cancel() // which has the event handled, and ends the loop
		}
		if err != nil && !errors.Is(err, context.Canceled) {
			l.Fatalf("the subscriber: %v", err)
		}
	}
}

// halt ends all services, and brings the checkpoints that each has kept together, as
// docs/operations.md says: of the epochs the longest file, since only the one that sealed
// last has the last of them, and of what was about to be stored the newest.
func (l *ledger) halt() {
	l.Helper()
	type kept struct {
		content []byte
		written time.Time
	}
	best := map[string]kept{}
	for _, s := range l.services {
		l.must(s.stop())
		l.checkpoints(s, func(name, path string) {
			content, err := os.ReadFile(path)
			l.must(err)
			info, err := os.Stat(path)
			l.must(err)
			old, seen := best[name]
			better := len(content) > len(old.content)
			if filepath.Ext(name) == ".json" {
				better = info.ModTime().After(old.written)
			}
			if !seen || better {
				best[name] = kept{content, info.ModTime()}
			}
		})
	}
	kinds := map[string]int{}
	for name, k := range best {
		kinds[filepath.Ext(name)]++
		for _, s := range l.services {
			path := filepath.Join(l.dir, s.name, "checkpoints", name)
			l.must(os.MkdirAll(filepath.Dir(path), 0o700))
			l.must(os.WriteFile(path, k.content, 0o600))
		}
	}
	if kinds[".jsonl"] == 0 || kinds[".json"] == 0 {
		l.Fatalf("the services have kept %v", kinds)
	}
}

// checkpoints visits the files of epochs that a service has kept, and of what was about
// to be stored.
func (l *ledger) checkpoints(s *service, visit func(name, path string)) {
	l.Helper()
	root := filepath.Join(l.dir, s.name, "checkpoints")
	for _, pattern := range []string{"*.jsonl", "*-next.json"} {
		found, err := filepath.Glob(filepath.Join(root, "*", pattern))
		l.must(err)
		for _, path := range found {
			name, err := filepath.Rel(root, path)
			l.must(err)
			visit(name, path)
		}
	}
}

// resume starts services on what was restored.
func (l *ledger) resume() {
	l.Helper()
	l.must(l.design(2))
	l.must(l.serve(l.Context()))
}

// intact holds after a restore to the very end.
func (l *ledger) intact() {
	l.Helper()
	if page := string(l.list(l.cursor).Body); page != l.page {
		l.Errorf("after the cursor comes\n%s\nand came\n%s", page, l.page)
	}
	l.work(func() {})
	leaves, failed := l.invariants(l.Context(), l.ops, nil, l.report)
	for _, f := range failed {
		l.Error(f)
	}
	l.begins(leaves, l.leaves)
	l.must(l.replayed(l.Context()))
	l.subscribe(len(leaves))
	l.Logf("%d events before the restore, %d after; %d answered and none lost", len(l.leaves), len(leaves), l.report.uses+l.report.commands)
}

// begins fails the test unless the log begins with what was there before the restore.
func (l *ledger) begins(log, before []outside.Leaf) {
	l.Helper()
	if len(log) < len(before) {
		l.Fatalf("of %d events from before the restore %d are there", len(before), len(log))
	}
	for i, leaf := range before {
		if !bytes.Equal(log[i].Raw, leaf.Raw) {
			l.Fatalf("position %d is another event than before the restore", i+1)
		}
	}
}

// elsewhere is a cluster that is not there yet, with the password of the present one.
func (l *ledger) elsewhere() embedded.PostgresConfig {
	l.Helper()
	dir := filepath.Join(l.dir, postgresDisk, "restored")
	password, err := os.ReadFile(filepath.Join(l.postgres.config.Dir, "postgres.password"))
	l.must(err)
	l.must(os.Mkdir(dir, 0o711))
	l.must(os.WriteFile(filepath.Join(dir, "postgres.password"), password, 0o600))
	return embedded.PostgresConfig{Dir: dir, Settings: postgresSettings()}
}

func TestRestoreOfADump(t *testing.T) {
	if testing.Short() {
		t.Skip("the short form restores to an earlier point only")
	}
	l := newLedger(t)
	l.work(func() {})
	l.remember()
	roles, dump := filepath.Join(l.dir, "roles.sql"), filepath.Join(l.dir, "dump")
	l.must(l.postgres.program(t.Context(), "pg_dumpall", "--roles-only", "--no-role-passwords", "--file", roles))
	l.must(l.postgres.program(t.Context(), "pg_dump", "--format=custom", "--file", dump))
	l.halt()
	l.must(l.postgres.move(l.elsewhere()))
	// The superuser of the new cluster is there already, which is no reason to end.
	l.must(l.postgres.program(t.Context(), "psql", "--quiet", "--file", roles))
	l.must(l.postgres.program(t.Context(), "pg_restore", "--exit-on-error", "--dbname=postgres", dump))
	l.resume()
	l.intact()
}

// baseBackup takes one of the running server, while clients work.
func (l *ledger) baseBackup() embedded.PostgresConfig {
	l.Helper()
	config := l.elsewhere()
	target := filepath.Join(config.Dir, "postgres")
	l.work(func() {
		l.must(l.postgres.program(l.Context(), "pg_basebackup", "--pgdata", target, "--wal-method=stream", "--checkpoint=fast"))
	})
	return config
}

// archived returns when all of the write-ahead log so far is in the archive.
func (l *ledger) archived() {
	l.Helper()
	conn, err := pgx.Connect(l.Context(), l.postgres.direct())
	l.must(err)
	defer conn.Close(context.Background())
	var segment string
	l.must(conn.QueryRow(l.Context(), `SELECT pg_walfile_name(pg_switch_wal())`).Scan(&segment))
	ctx, cancel := context.WithTimeout(l.Context(), quietLimit)
	defer cancel()
	l.must(await(ctx, func() error {
		_, err := os.Stat(filepath.Join(l.archive, segment))
		return err
	}))
}

// recovering makes a base backup a cluster that recovers from the archive.
func (l *ledger) recovering(config embedded.PostgresConfig, target map[string]string) embedded.PostgresConfig {
	l.Helper()
	root := filepath.Join(config.Dir, "postgres")
	l.must(os.WriteFile(filepath.Join(root, "recovery.signal"), nil, 0o600))
	l.must(ownAs(root, filepath.Join(l.postgres.config.Dir, "postgres")))
	config.Settings["restore_command"] = "cp " + l.archive + "/%f %p"
	config.Settings["recovery_target_action"] = "promote"
	for name, value := range target {
		config.Settings[name] = value
	}
	return config
}

func (l *ledger) term() (term int) {
	l.Helper()
	conn, err := pgx.Connect(l.Context(), l.postgres.direct())
	l.must(err)
	defer conn.Close(context.Background())
	l.must(conn.QueryRow(l.Context(), `SELECT term FROM tokenledger.blocks ORDER BY last_position DESC LIMIT 1`).Scan(&term))
	return term
}

func TestRestoreOfABaseBackupToTheEndOfTheArchive(t *testing.T) {
	if testing.Short() {
		t.Skip("the short form restores to an earlier point only")
	}
	l := newLedger(t)
	l.work(func() {})
	backup := l.baseBackup()
	l.work(func() {})
	l.remember()
	before := l.term()
	l.halt()
	l.archived()
	l.must(l.postgres.move(l.recovering(backup, nil)))
	l.resume()
	l.intact()
	if after := l.term(); after != before+1 {
		t.Errorf("the term is %d after the restore, and was %d", after, before)
	}
}

func TestRestoreToAnEarlierPointIsAnotherOrigin(t *testing.T) {
	l := newLedger(t)
	backup := l.baseBackup()
	conn, err := pgx.Connect(t.Context(), l.postgres.direct())
	l.must(err)
	earlier, err := l.quiet(t.Context())
	l.must(err)
	_, err = conn.Exec(t.Context(), `SELECT pg_create_restore_point('earlier')`)
	l.must(err)
	l.must(conn.Close(t.Context()))
	kept := len(l.ops)
	l.work(func() {})
	l.remember()
	l.halt()
	l.archived()
	l.must(l.postgres.move(l.recovering(backup, map[string]string{"recovery_target_name": "earlier"})))
	l.ops = l.ops[:kept] // what came later is gone, and everything says so

	l.must(l.design(2))
	go l.services[0].supervise()
	ctx, cancel := context.WithTimeout(t.Context(), startLimit)
	defer cancel()
	l.must(await(ctx, func() error { return l.refuses(ctx) }))
	l.must(l.services[0].stop())
	for _, args := range [][]string{{"sealer", "renew", "--yes"}, {"relay", "rebuild", "--yes"}} {
		p, err := l.command(l.services[0], args...)
		l.must(err)
		if p.Code() != 0 {
			t.Fatalf("%s: %s", p, p.Output())
		}
	}
	l.resume()
	for head := 0; head <= len(l.leaves); { // a subscriber that has seen more waits for the log to be as long again
		l.work(func() {})
		head, err = l.quiet(t.Context())
		l.must(err)
	}
	leaves, failed := l.invariants(t.Context(), l.ops, nil, l.report)
	for _, f := range failed {
		t.Error(f)
	}
	l.begins(leaves, l.leaves[:earlier])
	l.must(l.replayed(t.Context()))
	l.continued()
	l.warned()
}

// refuses is nil once relay and sealer have both seen that the log is shorter than
// what was published and signed.
func (l *ledger) refuses(ctx context.Context) error {
	m, err := l.services[0].metrics(ctx)
	if err != nil {
		return err
	}
	if m["tokenledger_relay_halted"] != 1 || m["tokenledger_sealer_refused"] != 1 {
		return fmt.Errorf("relay halted: %v, sealer refuses: %v", m["tokenledger_relay_halted"], m["tokenledger_sealer_refused"])
	}
	return nil
}

// continued checks that the newest log of epochs has another name.
func (l *ledger) continued() {
	l.Helper()
	name, err := outside.Origin(l.Context(), l.postgres.direct())
	l.must(err)
	_, checkpoint, err := get(l.Context(), l.services[0].url+"/checkpoint")
	l.must(err)
	if want := "tokenledger/" + name + "/2\n"; !strings.HasPrefix(checkpoint, want) {
		l.Errorf("the checkpoint begins with %.80q, want %q", checkpoint, want)
	}
}

// warned checks that a program which had seen more than there is now is told so, and
// does not go on as if nothing had been.
func (l *ledger) warned() {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), 20*time.Second)
	defer cancel()
	conn, err := l.reader()
	l.must(err)
	defer conn.Close()
	for m, err := range jetstream.Subscribe(ctx, conn, jetstream.Config{Store: jetstream.FileStore(filepath.Join(l.dir, "mark"))}) {
		if errors.Is(err, jetstream.ErrOrigin) || errors.Is(err, jetstream.ErrGap) {
			return
		}
		l.Fatalf("the subscriber goes on with %d, %v", m.Position, err)
	}
}
