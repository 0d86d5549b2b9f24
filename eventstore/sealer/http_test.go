// Over HTTP: a log client that trusts nothing but the key reads the whole log of epochs.

package sealer_test

import (
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"golang.org/x/mod/sumdb/tlog"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// site serves what was sealed.
func (w *world) site() string {
	w.Helper()
	server := httptest.NewServer(w.reader.Handler(slog.New(slog.DiscardHandler)))
	w.Cleanup(server.Close)
	return server.URL
}

func fetch(t *testing.T, url string) (status int, header http.Header, body []byte) {
	t.Helper()
	r, err := http.Get(url)
	if err != nil {
		t.Fatal(err)
	}
	defer r.Body.Close()
	if body, err = io.ReadAll(r.Body); err != nil {
		t.Fatal(err)
	}
	return r.StatusCode, r.Header, body
}

// remote is a tlog.TileReader over the site. It keeps nothing, so that every hash is
// read and checked.
type remote struct {
	t   *testing.T
	url string
}

func (r remote) Height() int { return 8 }

func (r remote) ReadTiles(tiles []tlog.Tile) ([][]byte, error) {
	all := make([][]byte, len(tiles))
	for i, tile := range tiles {
		path := merkle.Tile{Level: tile.L, Index: tile.N, Width: tile.W}.Path()
		status, _, body := fetch(r.t, r.url+"/"+path)
		if status != http.StatusOK {
			return nil, fmt.Errorf("%s: %d", path, status)
		}
		all[i] = body
	}
	return all, nil
}

func (r remote) SaveTiles([]tlog.Tile, [][]byte) {}

func TestALogClientReadsEveryEpoch(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	w.start(func(c *sealer.Config) { c.Idle = time.Millisecond })
	w.busy()
	w.await("more than two tiles", func() bool {
		latest, err := w.reader.Latest(t.Context())
		return err == nil && latest.Size() > 603
	})
	url := w.site()
	status, header, signed := fetch(t, url+"/checkpoint")
	if status != 200 || !strings.HasPrefix(header.Get("Content-Type"), "text/plain") {
		t.Fatal(status, header)
	}
	keys, err := w.reader.Keys(w.seal())
	if err != nil {
		t.Fatal(err)
	}
	if _, err := note.Open(signed, note.VerifierList(keys...)); err != nil {
		t.Fatal(err)
	}
	checkpoint, err := merkle.OpenCheckpoint(signed, keys...)
	if err != nil || checkpoint.Size < 603 {
		t.Fatalf("%+v, %v", checkpoint, err)
	}
	hashes := tlog.TileHashReader(tlog.Tree{N: checkpoint.Size, Hash: checkpoint.Root}, remote{t, url})
	for index := int64(0); index < checkpoint.Size; {
		tile := merkle.Tile{Level: merkle.Entries, Index: index / merkle.TileWidth, Width: int(min(merkle.TileWidth, checkpoint.Size-index))}
		status, header, bundle := fetch(t, url+"/"+tile.Path())
		if status != 200 || header.Get("Cache-Control") != "public, max-age=60" {
			t.Fatal(tile.Path(), status, header)
		}
		entries, err := merkle.SplitEntries(bundle)
		if err != nil || len(entries) != tile.Width {
			t.Fatal(len(entries), err)
		}
		for _, entry := range entries {
			leaf, err := hashes.ReadHashes([]int64{tlog.StoredHashIndex(0, index)})
			if err != nil || leaf[0] != merkle.LeafHash(entry) {
				t.Fatalf("epoch %d: %v", index, err)
			}
			epoch, err := merkle.ParseEpoch(entry)
			if err != nil || epoch.Number != index {
				t.Fatalf("epoch %d: %+v, %v", index, epoch, err)
			}
			index++
		}
	}
}

func TestTilesThatAreNotThere(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	url := w.site()
	if status, _, _ := fetch(t, url+"/checkpoint"); status != http.StatusNotFound {
		t.Fatal(status)
	}
	w.start()
	w.busy()
	w.seal()
	for path, want := range map[string]int{
		"/tile/0/000.p/1": 200, "/tile/entries/000.p/2": 200, "/tile/0/000.p/200": 404, "/tile/0/000": 404, "/tile/1/000.p/1": 404,
		"/tile/0/x001/000": 404, "/tile/0/000.p/0": 404, "/tile/0/000.p/257": 404, "/tile/0/0": 404, "/tile/9/000.p/1": 404, "/tile/": 404,
		"/tile/-1/000.p/1": 404, "/tile/0/999999999999999999999": 404,
	} {
		status, header, _ := fetch(t, url+path)
		if status != want || (status == 404) != (header.Get("Cache-Control") == "no-store") {
			t.Errorf("%s: %d, %v; want %d", path, status, header, want)
		}
	}
}
