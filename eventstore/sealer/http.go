// The log of epochs for everyone: its checkpoint and its tiles over HTTP, where C2SP
// tlog-tiles has them.

package sealer

import (
	"errors"
	"log/slog"
	"net/http"
	"strings"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Handler serves /checkpoint and /tile/… of the newest log of epochs. It asks for no
// credential: a record tells how much happened and when, but not what. A tile never
// changes in its log, but after a restore its path names that of another log: caches may
// keep it for a minute.
func (r *Reader) Handler(logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("GET /checkpoint", func(w http.ResponseWriter, q *http.Request) {
		checkpoint, err := r.Checkpoint(q.Context())
		answer{logger, "text/plain; charset=utf-8", "public, max-age=1"}.write(w, q, checkpoint, err)
	})
	mux.HandleFunc("GET /tile/", func(w http.ResponseWriter, q *http.Request) {
		tile, err := merkle.ParseTilePath(strings.TrimPrefix(q.URL.Path, "/"))
		var content []byte
		if err == nil {
			content, err = r.Tile(q.Context(), tile)
		}
		answer{logger, "application/octet-stream", "public, max-age=60"}.write(w, q, content, err)
	})
	return mux
}

// answer is how content of one kind is served.
type answer struct {
	logger      *slog.Logger
	kind, cache string
}

func (a answer) write(w http.ResponseWriter, q *http.Request, content []byte, err error) {
	h := w.Header()
	h.Set("Access-Control-Allow-Origin", "*")
	switch {
	case err == nil:
		h.Set("Content-Type", a.kind)
		h.Set("Cache-Control", a.cache)
		_, _ = w.Write(content)
	case errors.Is(err, merkle.ErrMalformed) || errors.Is(err, ErrNotHeld) || errors.Is(err, ErrNotSealed):
		h.Set("Cache-Control", "no-store") // what is not there yet may come
		http.Error(w, "there is no such tile or checkpoint", http.StatusNotFound)
	default:
		if q.Context().Err() == nil {
			a.logger.LogAttrs(q.Context(), slog.LevelError, "a tile cannot be served", slog.String("path", q.URL.Path), slog.String("error", err.Error()))
		}
		h.Set("Cache-Control", "no-store")
		http.Error(w, "not now; try again later", http.StatusServiceUnavailable)
	}
}
