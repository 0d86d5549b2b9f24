// What the tests of the sealer share: a log of some organizations, sealers of it
// that run and end, and what its trees must be, computed from the events alone.

package sealer_test

import (
	"context"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a log and the keys of its sealers.
type world struct {
	*testing.T
	url    string
	log    *eventstore.Log
	endLog func()
	config sealer.Config
	reader *sealer.Reader
	orgs   []uuid.UUID
	tokens []eventstoretest.Token
}

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, url: eventstoretest.Postgres(t)}
	w.startLog()
	skeys := map[string]string{}
	keys := func(origin string) (string, string) {
		if skeys[origin] == "" {
			private, public, err := note.GenerateKey(rand.NewChaCha8([32]byte{1}), origin)
			if err != nil {
				t.Fatal(err)
			}
			skeys[origin] = private + " " + public
		}
		private, public, _ := strings.Cut(skeys[origin], " ")
		return private, public
	}
	for n := range 4 { // so that the map is only read later
		keys(sealer.Origin(w.log.Origin(), n+1))
	}
	w.config = sealer.Config{
		Log: w.log, URL: w.url, Blinding: make([]byte, 32), Outside: t.TempDir(),
		Signer: func(origin string) (note.Signer, error) {
			private, _ := keys(origin)
			return note.NewSigner(private)
		},
		Verifiers: func(origin string) ([]note.Verifier, error) {
			_, public := keys(origin)
			return merkle.ParseKeys(public)
		},
		Every: time.Millisecond, Idle: time.Hour,
	}
	var err error
	w.reader, err = sealer.OpenReader(t.Context(), sealer.ReaderConfig{
		Log: w.log, URL: w.url, Blinding: w.config.Blinding, Verifiers: w.config.Verifiers,
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(w.reader.Close)
	return w
}

// startLog is eventstoretest.Start, but ends before the test does where endLog is called.
func (w *world) startLog() {
	w.Helper()
	log, err := eventstore.Open(w.Context(), eventstore.Config{URL: w.url})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- log.Run(ctx) }()
	w.log, w.endLog = log, sync.OnceFunc(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("the log: %v", err)
		}
	})
	w.Cleanup(func() {
		w.endLog()
		log.Close()
	})
}

// reopened is the same world with a log that has seen nothing of it yet.
func (w *world) reopened() *world {
	w.Helper()
	log, err := eventstore.Open(w.Context(), eventstore.Config{URL: w.url})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(log.Close)
	again := *w
	again.log, again.config.Log = log, log
	return &again
}

// found adds an organization with one token.
func (w *world) found() {
	w.Helper()
	w.foundIn(w.T, 1)
}

func (w *world) foundIn(tb testing.TB, n int) {
	tb.Helper()
	for range n {
		org := uuid.Must(uuid.NewV7())
		stream := events.OrganizationStream(org)
		created := events.OrganizationCreated{Index: int64(len(w.orgs)), Name: fmt.Sprintf("org-%d", len(w.orgs)), DisplayName: "O"}
		token := eventstoretest.NewToken(org)
		for _, r := range []events.Request{{
			Guards: []events.Guard{events.NoStream(stream)},
			Batches: []events.Batch{{
				Stream: stream, Trail: events.OrganizationTrail(org), Meta: events.Meta{Actor: events.System("test")}, Events: []events.Event{created},
			}},
		}, token.Create()} {
			if _, err := w.log.Append(tb.Context(), r); err != nil {
				tb.Fatal(err)
			}
		}
		w.orgs, w.tokens = append(w.orgs, org), append(w.tokens, token)
	}
}

// use lets the token of an organization be used, all in one block.
func (w *world) use(organization, times int) {
	w.Helper()
	k := w.tokens[organization]
	uses := make([]events.Event, times)
	for i := range uses {
		uses[i] = events.TokenUsed{Action: "createEvidence", Resource: fmt.Sprintf("evidence/%d", i)}
	}
	w.append(events.Request{Batches: []events.Batch{k.Batch(uses...)}})
}

func (w *world) append(r events.Request) {
	w.Helper()
	if _, err := w.log.Append(w.Context(), r); err != nil {
		w.Fatal(err)
	}
}

// running is a sealer under way.
type running struct {
	*sealer.Sealer
	stop func()
}

// start runs a sealer until stop or the end of the test.
func (w *world) start(change ...func(*sealer.Config)) running {
	w.Helper()
	c := w.config
	for _, f := range change {
		f(&c)
	}
	s, err := sealer.New(c)
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	stopped := false
	r := running{s, func() {
		if stopped {
			return
		}
		stopped = true
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("the sealer: %v", err)
		}
	}}
	w.Cleanup(r.stop)
	return r
}

// seal has an epoch closed over all that was appended.
func (w *world) seal() sealer.Sealed {
	w.Helper()
	ctx, cancel := context.WithTimeout(w.Context(), time.Minute)
	defer cancel()
	sealed, err := w.reader.Seal(ctx)
	if err != nil {
		w.Fatal(err)
	}
	return sealed
}

// refusal waits until a sealer refuses to sign.
func (w *world) refusal(r running) error {
	w.Helper()
	defer func() {
		if w.Failed() {
			w.Logf("%+v", r.Status())
		}
	}()
	w.await("the sealer refuses", func() bool { return r.Status().Refused != nil })
	return r.Status().Refused
}

func (w *world) await(what string, condition func() bool) {
	w.Helper()
	for deadline := time.Now().Add(time.Minute); !condition(); time.Sleep(time.Millisecond) {
		if time.Now().After(deadline) {
			w.Fatalf("waited in vain: %s", what)
		}
	}
}

// events are all of the log.
func (w *world) events() []events.Recorded {
	w.Helper()
	var all []events.Recorded
	for r, err := range w.log.ReadAll(w.Context(), 0) {
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, r)
	}
	return all
}

// admin runs statements as a superuser with the triggers off.
func (w *world) admin(statements ...string) {
	w.Helper()
	conn, err := pgx.Connect(w.Context(), w.url)
	if err != nil {
		w.Fatal(err)
	}
	defer conn.Close(context.Background())
	for _, sql := range append([]string{"SET search_path = tokenledger", disableTriggers}, statements...) {
		if _, err := conn.Exec(w.Context(), sql); err != nil {
			w.Fatalf("%s: %v", sql, err)
		}
	}
}

const disableTriggers = `DO $$ DECLARE t record; BEGIN
	FOR t IN SELECT DISTINCT tgrelid::regclass::text AS name FROM pg_trigger WHERE NOT tgisinternal LOOP
		EXECUTE 'ALTER TABLE ' || t.name || ' DISABLE TRIGGER USER';
	END LOOP; END $$`

const wipe = `TRUNCATE epochs, cosignatures, seal_logs, tree_steps, tree_trails, tree_organizations, tree_nodes`

// checkpoints are all that stand in the tables.
func (w *world) checkpoints() []string {
	w.Helper()
	var all []string
	for s, err := range w.reader.Epochs(w.Context(), time.Time{}, time.Now().Add(time.Hour)) {
		if err != nil {
			w.Fatal(err)
		}
		all = append(all, string(s.Checkpoint))
	}
	return all
}

// outsideFile is the file of checkpoints, of which tests have one.
func (w *world) outsideFile() string {
	w.Helper()
	files, err := filepath.Glob(filepath.Join(w.config.Outside, "*", "*.jsonl"))
	if err != nil || len(files) != 1 {
		w.Fatalf("%v, %v", files, err)
	}
	return files[0]
}

// run keeps something going until the test ends.
func (w *world) run(f func(context.Context) error) {
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- f(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Error(err)
		}
	})
}
