// What the tests of archives share: a log in small partitions, sealed, and archives of it.

package archive

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

// world is a log whose first two partitions are full, and what was sealed of it.
type world struct {
	*testing.T
	url    string
	ring   *keyring.Ring
	log    *eventstore.Log
	reader *sealer.Reader
	token  eventstoretest.Token
	user   events.StreamID
	all    []events.Recorded
	dir    string // of archives
}

const cut = 300 // and twice that, and not where a tile ends

func newWorld(t *testing.T) *world {
	t.Helper()
	w := &world{T: t, url: eventstoretest.Postgres(t), ring: keyring.Generate(), dir: t.TempDir()}
	eventstoretest.Partition(t, w.url, cut, 2*cut)
	w.log = eventstoretest.Start(t, eventstore.Config{URL: w.url, Keys: w.ring})
	blinding, err := w.ring.Blinding()
	if err != nil {
		t.Fatal(err)
	}
	w.seal(blinding)
	w.reader = w.readerOf(w.log)
	w.fill()
	for r, err := range w.log.ReadAll(t.Context(), 0) {
		if err != nil {
			t.Fatal(err)
		}
		w.all = append(w.all, r)
	}
	if _, err := w.reader.Seal(t.Context()); err != nil {
		t.Fatal(err)
	}
	return w
}

func (w *world) readerOf(log *eventstore.Log) *sealer.Reader {
	w.Helper()
	blinding, err := w.ring.Blinding()
	if err != nil {
		w.Fatal(err)
	}
	r, err := sealer.OpenReader(w.Context(), sealer.ReaderConfig{Log: log, URL: w.url, Blinding: blinding, Verifiers: w.ring.Verifiers})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(r.Close)
	return r
}

// seal keeps a sealer going until the test ends.
func (w *world) seal(blinding []byte) {
	w.Helper()
	s, err := sealer.New(sealer.Config{
		Log: w.log, URL: w.url, Blinding: blinding, Signer: w.ring.Signer, Verifiers: w.ring.Verifiers,
		Outside: w.TempDir(), Every: time.Millisecond,
	})
	if err != nil {
		w.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	w.Cleanup(func() {
		cancel()
		if err := <-ended; err != nil {
			w.Errorf("the sealer: %v", err)
		}
	})
}

// fill records a person, an organization and its token, and uses of it in blocks of up to 19.
func (w *world) fill() {
	w.Helper()
	by := events.Meta{Actor: events.System("test")}
	person, org := uuid.New(), uuid.Must(uuid.NewV7())
	w.user, w.token = events.UserStream(person), eventstoretest.NewToken(org)
	w.append(
		events.Batch{Stream: events.InstallationStream, Trail: events.OperatorTrail, Meta: by, Events: []events.Event{events.InstallationInitialized{Origin: w.log.Origin()}}},
		events.Batch{Stream: w.user, Trail: events.UserTrail(person), Meta: by, Events: []events.Event{events.UserCreated{Email: events.Personal{Subject: w.user, Value: "ada@example.com"}}}},
		events.Batch{Stream: events.OrganizationStream(org), Trail: events.OrganizationTrail(org), Meta: by, Events: []events.Event{events.OrganizationCreated{Name: "o", DisplayName: "O"}}},
		w.token.Batch(w.token.Created()),
	)
	for n, at := 0, 4; at < 2*cut+100; n++ {
		uses := make([]events.Event, 1+n%19)
		for i := range uses {
			uses[i] = events.TokenUsed{Action: "createEvidence", Resource: fmt.Sprintf("evidence/%d", at+i)}
		}
		w.append(w.token.Batch(uses...))
		at += len(uses)
	}
}

func (w *world) append(batches ...events.Batch) {
	w.Helper()
	if _, err := w.log.Append(w.Context(), events.Request{Batches: batches}); err != nil {
		w.Fatal(err)
	}
}

func (w *world) partition(i int) eventstore.Partition {
	w.Helper()
	all, err := w.log.Partitions(w.Context())
	if err != nil || len(all) <= i {
		w.Fatal(all, err)
	}
	return all[i]
}

// export writes the archive of a partition and gives its path.
func (w *world) export(p eventstore.Partition) string {
	w.Helper()
	path := filepath.Join(w.dir, Name(p))
	e := Exporter{
		Log: w.log, Sealed: w.reader, Generator: "test",
		Signer: func(origin string) (note.Signer, error) { return w.ring.Signer(origin) },
	}
	if _, err := e.Export(w.Context(), p, path); err != nil {
		w.Fatal(err)
	}
	return path
}

func (w *world) keys() []note.Verifier {
	w.Helper()
	keys, err := w.ring.Verifiers(sealer.Origin(w.log.Origin(), 1))
	if err != nil {
		w.Fatal(err)
	}
	return keys
}

// verified is what an archive proves.
func (w *world) verified(path string) (Manifest, Proven) {
	w.Helper()
	content, err := os.ReadFile(path)
	if err != nil {
		w.Fatal(err)
	}
	r, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		w.Fatal(err)
	}
	proven, err := r.Verify(w.keys(), nil)
	if err != nil {
		w.Fatal(err)
	}
	return r.Manifest, proven
}

// detach takes the oldest partition out of the log, on record.
func (w *world) detach(p eventstore.Partition, m Manifest, proven Proven) {
	w.Helper()
	w.append(events.Batch{
		Stream: events.InstallationStream, Trail: events.OperatorTrail, Meta: events.Meta{Actor: events.System("test")},
		Events: []events.Event{events.InstallationEventsArchived{First: m.First, Last: m.Last, Root: m.Root, Digest: m.Digest}},
	})
	if err := w.log.CountTrails(w.Context()); err != nil {
		w.Fatal(err)
	}
	if err := eventstore.Detach(w.Context(), w.url, eventstore.DefaultSchema, p, proven.Edge); err != nil {
		w.Fatal(err)
	}
}

// reopened is a log that has seen nothing of the database yet.
func (w *world) reopened(archives eventstore.Archives) *eventstore.Log {
	w.Helper()
	log, err := eventstore.Open(w.Context(), eventstore.Config{URL: w.url, Keys: w.ring, Archives: archives})
	if err != nil {
		w.Fatal(err)
	}
	w.Cleanup(log.Close)
	return log
}

// archives are those that were exported.
func (w *world) archives() *Directory {
	return &Directory{Path: w.dir, Verifiers: w.ring.Verifiers}
}
