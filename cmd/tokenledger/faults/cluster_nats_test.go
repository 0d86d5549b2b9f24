// A cluster of three NATS servers: its leader is killed, a server loses its disk, all of
// them do. Afterwards JetStream is the log, and who follows it has missed nothing.

//go:build faults

package faults_test

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/outside"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/embedded"
	"github.com/tokenledger/tokenledger/eventstore/jetstream"
)

// startNodes has one Postgres and three NATS servers.
func (w *world) startNodes(*report) (err error) {
	if err := w.startPostgres(embedded.PostgresConfig{Dir: filepath.Join(w.dir, "postgres"), Settings: postgresSettings()}); err != nil {
		return err
	}
	if w.nodes, err = newNodes(w.dir); w.nodes != nil {
		w.ends = append(w.ends, w.nodes.end)
	}
	w.ways = w.clustered
	return err
}

// clustered tells a service of the cluster.
func (w *world) clustered(s *service) (direct, faulty []string, err error) {
	if s.postgres, err = newLink("postgres-"+s.name, w.postgres.bridge.Addr().String()); err != nil {
		return nil, nil, err
	}
	database, err := w.postgres.through(s.postgres.address())
	all := "TOKENLEDGER_NATS_URL_FILE=" + w.nodes.secret("nats_relay_url")
	return []string{all}, []string{all, "TOKENLEDGER_DATABASE_URL=" + database}, err
}

// follower is a program that follows the log all the time.
type follower struct {
	ended chan error

	mu   sync.Mutex // guards read
	read [][32]byte // the hashes of the leaves, in order
}

func (l *ledger) follow() *follower {
	l.Helper()
	conn, err := l.reader()
	l.must(err)
	ctx, cancel := context.WithCancel(context.Background())
	f := &follower{ended: make(chan error, 1)}
	go func() {
		defer conn.Close()
		for m, err := range jetstream.Subscribe(ctx, conn, jetstream.Config{}) {
			if err != nil {
				f.ended <- err
				return
			}
			f.mu.Lock()
			f.read = append(f.read, m.LeafHash)
			f.mu.Unlock()
		}
	}()
	l.Cleanup(func() {
		cancel()
		<-f.ended
	})
	return f
}

// hasRead fails the test unless the follower reads these leaves, each once and in order.
func (l *ledger) hasRead(f *follower, leaves []outside.Leaf) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), quietLimit)
	defer cancel()
	var read [][32]byte
	l.must(await(ctx, func() error {
		f.mu.Lock()
		defer f.mu.Unlock()
		select {
		case err := <-f.ended:
			f.ended <- err
			return fmt.Errorf("the follower has ended: %w", err)
		default:
		}
		if read = slices.Clone(f.read); len(read) < len(leaves) {
			return fmt.Errorf("the follower has read %d of %d events", len(read), len(leaves))
		}
		return nil
	}))
	for i, leaf := range leaves {
		if read[i] != events.LeafHash(leaf.Raw) {
			l.Fatalf("the follower has read something else than position %d", i+1)
		}
	}
}

// newCluster is a ledger with servers as start starts them.
func newCluster(t *testing.T, services int, start func(*world, *report) error) *ledger {
	t.Helper()
	r := newReport(0)
	r.worlds = 1
	w, err := found(t.Context(), t.Name(), services, r, start)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := w.end(); err != nil {
			t.Error(err)
		}
	})
	l := &ledger{T: t, world: w, report: r}
	l.origin, err = outside.Origin(t.Context(), w.postgres.direct())
	l.must(err)
	return l
}

// settled waits until all is quiet, and looks at what must hold of what was done since
// it was last called.
func (l *ledger) settled() {
	l.Helper()
	leaves, failed := l.invariants(l.Context(), l.ops, l.leaves, l.report)
	for _, f := range failed {
		l.Error(f)
	}
	if l.Failed() {
		l.explain(l.T)
		l.FailNow()
	}
	l.report.events += len(leaves) - len(l.leaves)
	l.report.rounds++
	l.leaves, l.ops = leaves, nil
}

// recovered measures a fault: from now until there is no error any more.
func (l *ledger) recovered(fault string, since time.Time, try func(context.Context) error) {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	l.must(await(ctx, func() error { return try(ctx) }))
	l.report.recovery.note(fault, time.Since(since))
}

// head is where the log ends.
func (l *ledger) head() (head uint64) {
	l.Helper()
	conn, err := pgx.Connect(l.Context(), l.postgres.direct())
	l.must(err)
	defer conn.Close(context.Background())
	l.must(conn.QueryRow(l.Context(), `SELECT max(last_position) FROM tokenledger.blocks`).Scan(&head))
	return head
}

// takes returns when something that was appended after now stands in the stream.
func (l *ledger) takes(fault string, since time.Time) {
	l.Helper()
	head := l.head()
	l.recovered(fault, since, func(ctx context.Context) error {
		info, err := l.nodes.stream(ctx, l.origin)
		if err == nil && info.State.LastSeq <= head {
			err = fmt.Errorf("the stream is at %d, the log was at %d", info.State.LastSeq, head)
		}
		return err
	})
}

// whole returns when every server has the whole stream.
func (l *ledger) whole() {
	l.Helper()
	ctx, cancel := context.WithTimeout(l.Context(), recoveryLimit)
	defer cancel()
	for i := range nodeCount {
		l.must(await(ctx, func() error { return l.nodes.holds(ctx, l.origin, i) }))
	}
}

// killTheLeader kills the server that leads the stream; the other two go on.
func (l *ledger) killTheLeader(fault string) {
	l.Helper()
	info, err := l.nodes.stream(l.Context(), l.origin)
	l.must(err)
	leader := slices.IndexFunc([]int{0, 1, 2}, func(i int) bool { return nodeName(i) == info.Cluster.Leader })
	if leader < 0 || info.Config.Replicas != nodeCount {
		l.Fatalf("%d replicas and the leader %q", info.Config.Replicas, info.Cluster.Leader)
	}
	began := time.Now()
	l.nodes.kill(leader)
	l.takes(fault, began)
	l.must(l.nodes.start(leader))
	l.whole()
}

// loseADisk takes all from a server that is away, which then comes back.
func (l *ledger) loseADisk(fault string, i int) {
	l.Helper()
	l.nodes.kill(i)
	l.must(l.nodes.wipe(i))
	began := time.Now()
	l.must(l.nodes.start(i))
	l.recovered(fault, began, func(ctx context.Context) error { return l.nodes.holds(ctx, l.origin, i) })
	l.must(l.nodes.lead(l.Context(), l.origin, i)) // so that what is compared is what came back
}

// loseAllDisks leaves nothing of the stream anywhere.
func (l *ledger) loseAllDisks(fault string) {
	l.Helper()
	for i := range nodeCount {
		l.nodes.kill(i)
	}
	for i := range nodeCount {
		l.must(l.nodes.wipe(i))
	}
	began := time.Now()
	for i := range nodeCount {
		l.must(l.nodes.start(i))
	}
	l.takes(fault, began)
	l.whole()
}

func TestClusterOfNATS(t *testing.T) {
	t.Parallel()
	l := newCluster(t, 2, (*world).startNodes)
	defer func() { t.Logf("\n%s", l.report) }()
	f := l.follow()
	l.work(func() {})
	rounds := 3
	if testing.Short() {
		rounds = 1
	}
	for n := range rounds {
		faults := []struct {
			name   string
			strike func(string)
		}{
			{"leader of three NATS servers killed", l.killTheLeader},
			{"disk of one of three NATS servers lost", func(fault string) { l.loseADisk(fault, n%nodeCount) }},
			{"disks of all three NATS servers lost", l.loseAllDisks},
		}
		if testing.Short() {
			faults = faults[:1]
		}
		for _, fault := range faults {
			t.Logf("%v %s", time.Since(l.report.began).Round(time.Second), fault.name)
			l.report.strike(fault.name)
			l.work(func() { fault.strike(fault.name) })
			l.settled()
		}
	}
	l.hasRead(f, l.leaves)
}
