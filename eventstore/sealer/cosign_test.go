// Witnesses beside the sealer: what they cosign is served with the checkpoint.

package sealer_test

import (
	"errors"
	"log/slog"
	"net/http/httptest"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/eventstore/witness"
)

func TestCheckpointsAreCosigned(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	last := w.busy()[2]
	logKeys, err := w.reader.Keys(last)
	if err != nil {
		t.Fatal(err)
	}
	var clients []sealer.Witness
	keys := logKeys
	var servers []*httptest.Server
	for _, name := range []string{"witness.example/a", "witness.example/b"} {
		watcher, err := witness.Open(witness.Config{Name: name, Dir: t.TempDir(), Logs: logKeys})
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = watcher.Close() })
		server := httptest.NewServer(watcher.Handler(slog.New(slog.DiscardHandler)))
		t.Cleanup(server.Close)
		servers = append(servers, server)
		key, err := merkle.ParseWitnessKey(watcher.Key())
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, key)
		clients = append(clients, &witness.Client{URL: server.URL, Key: key, HTTP: server.Client()})
	}
	cosigner := &sealer.Cosigner{Reader: w.reader, Witnesses: clients, Every: time.Millisecond}
	w.run(cosigner.Run)
	signatures := func(at sealer.Sealed) int {
		signed, err := w.reader.Cosigned(t.Context(), at)
		if err != nil {
			t.Fatal(err)
		}
		n, err := note.Open(signed, note.VerifierList(keys...))
		if err != nil {
			t.Fatal(err)
		}
		return len(n.Sigs)
	}
	for range 3 {
		w.use(0, 10)
		at := w.seal()
		w.await("both witnesses", func() bool { return signatures(at) == 3 })
	}
	if err := cosigner.Missing(); err != nil {
		t.Fatal(err)
	}
	servers[1].Close()
	w.use(0, 10)
	at := w.seal()
	w.await("the one that is left", func() bool { return signatures(at) == 2 && cosigner.Missing() != nil })
}

func TestAWitnessRefusesALogThatWentBack(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start()
	w.busy()
	keys, err := w.reader.Keys(w.seal())
	if err != nil {
		t.Fatal(err)
	}
	watcher, err := witness.Open(witness.Config{Name: "w", Dir: t.TempDir(), Logs: keys})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = watcher.Close() })
	newest, older := w.seal(), sealer.Sealed{}
	if older, err = w.reader.Epoch(t.Context(), 0); err != nil {
		t.Fatal(err)
	}
	if _, err := watcher.Cosign(witness.Request{Checkpoint: newest.Checkpoint}); err != nil {
		t.Fatal(err)
	}
	var conflict *witness.ConflictError
	if _, err := watcher.Cosign(witness.Request{Checkpoint: older.Checkpoint}); !errors.As(err, &conflict) {
		t.Fatal(err)
	}
}
