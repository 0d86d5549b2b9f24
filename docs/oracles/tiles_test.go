// The log of epochs as another client of tlog-tiles reads it over HTTP, and cosignatures as another
// verifier opens them.

package oracles

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"net/url"
	"testing"
	"time"

	formats "github.com/transparency-dev/formats/note"
	"github.com/transparency-dev/merkle/proof"
	"github.com/transparency-dev/merkle/rfc6962"
	"github.com/transparency-dev/tessera/client"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/eventstore/witness"
)

func TestMain(m *testing.M) { eventstoretest.Main(m) }

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// sealedLog is the handler of a log that has more epochs than two tiles hold.
func sealedLog(t *testing.T) (origin string, key note.Verifier, handler http.Handler) {
	t.Helper()
	ring, address := keyring.Generate(), eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: address, Keys: ring})
	blinding, err := ring.Blinding()
	must(t, err)
	s, err := sealer.New(sealer.Config{
		Log: log, URL: address, Signer: ring.Signer, Verifiers: ring.Verifiers, Blinding: blinding,
		Outside: t.TempDir(), Every: time.Millisecond, Idle: time.Millisecond,
	})
	must(t, err)
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan error, 1)
	go func() { ended <- s.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		must(t, <-ended)
	})
	reader, err := sealer.OpenReader(t.Context(), sealer.ReaderConfig{Log: log, URL: address, Blinding: blinding, Verifiers: ring.Verifiers})
	must(t, err)
	t.Cleanup(reader.Close)
	for {
		if latest, err := reader.Latest(t.Context()); err == nil && latest.Size() > 600 {
			keys, err := reader.Keys(latest)
			must(t, err)
			return reader.Origin(latest), keys[0], reader.Handler(slog.New(slog.DiscardHandler))
		}
		select {
		case <-time.After(5 * time.Millisecond):
		case <-t.Context().Done():
			t.Fatal("no epochs")
		}
	}
}

func TestAnotherClientAcceptsCheckpointTilesAndEntries(t *testing.T) {
	t.Parallel()
	origin, key, handler := sealedLog(t)
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	root, err := url.Parse(server.URL + "/")
	must(t, err)
	fetch, err := client.NewHTTPFetcher(root, server.Client())
	must(t, err)
	older, raw, _, err := client.FetchCheckpoint(t.Context(), fetch.ReadCheckpoint, key, origin)
	must(t, err)
	tracker, err := client.NewLogStateTracker(t.Context(), fetch.ReadTile, raw, key, origin, client.UnilateralConsensus(fetch.ReadCheckpoint))
	must(t, err)
	builder, err := client.NewProofBuilder(t.Context(), older.Size, fetch.ReadTile)
	must(t, err)
	for _, index := range []uint64{0, 255, 256, 511, 512, older.Size - 1} {
		bundle, err := client.GetEntryBundle(t.Context(), fetch.ReadEntryBundle, index/256, older.Size)
		must(t, err)
		path, err := builder.InclusionProof(t.Context(), index)
		must(t, err)
		leaf := rfc6962.DefaultHasher.HashLeaf(bundle.Entries[index%256])
		must(t, proof.VerifyInclusion(rfc6962.DefaultHasher, index, older.Size, leaf, path, older.Hash))
		epoch, err := merkle.ParseEpoch(bundle.Entries[index%256])
		if err != nil || epoch.Number != int64(index) {
			t.Fatalf("epoch %d: %+v, %v", index, epoch, err)
		}
	}
	for tracker.Latest().Size == older.Size { // it checks the consistency of each with the one before
		_, _, _, err := tracker.Update(t.Context())
		must(t, err)
	}
}

func TestAnotherVerifierOpensACosignature(t *testing.T) {
	t.Parallel()
	private, public, err := note.GenerateKey(nil, "tokenledger/0198")
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	keys, err := merkle.ParseKeys(public)
	must(t, err)
	w, err := witness.Open(witness.Config{Name: "witness.example/w1", Dir: t.TempDir(), Logs: keys})
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	checkpoint, err := merkle.Checkpoint{Origin: "tokenledger/0198", Size: 1, Root: merkle.LeafHash([]byte("x"))}.Sign(signer)
	must(t, err)
	line, err := w.Cosign(witness.Request{Checkpoint: checkpoint})
	must(t, err)
	theirs, err := formats.NewVerifierForCosignatureV1(w.Key())
	must(t, err)
	opened, err := note.Open(fmt.Appendf(nil, "%s%s", checkpoint, line), note.VerifierList(theirs))
	must(t, err)
	at, err := formats.CoSigV1Timestamp(opened.Sigs[0])
	if err != nil || time.Since(at) > time.Hour {
		t.Fatal(at, err)
	}
}
