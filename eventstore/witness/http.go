// The protocol over HTTP: add-checkpoint, as a witness answers it and as a log asks it.

package witness

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

const (
	path      = "/add-checkpoint"
	sizeType  = "text/x.tlog.size"
	maxBody   = 64 << 10
	maxHashes = 63
)

// ParseRequest reads the body of add-checkpoint. The error wraps [ErrRequest].
func ParseRequest(body []byte) (Request, error) {
	head, checkpoint, found := bytes.Cut(body, []byte("\n\n"))
	lines := strings.Split(string(head), "\n")
	size, ok := strings.CutPrefix(lines[0], "old ")
	old, err := strconv.ParseInt(size, 10, 64)
	if !found || !ok || err != nil || strconv.FormatInt(old, 10) != size || old < 0 || len(lines) > 1+maxHashes {
		return Request{}, fmt.Errorf("%w: want a line with the old size, at most %d hashes, an empty line and a checkpoint", ErrRequest, maxHashes)
	}
	r := Request{Old: old, Checkpoint: checkpoint}
	if len(lines) > 1 {
		if err := r.Proof.UnmarshalText([]byte(strings.Join(lines[1:], "\n") + "\n")); err != nil {
			return Request{}, fmt.Errorf("%w: %w", ErrRequest, err)
		}
	}
	return r, nil
}

// Body is the request as it is sent.
func (r Request) Body() ([]byte, error) {
	proof, err := r.Proof.MarshalText()
	return fmt.Appendf(nil, "old %d\n%s\n%s", r.Old, proof, r.Checkpoint), err
}

// Handler answers POST /add-checkpoint.
func (w *Witness) Handler(logger *slog.Logger) http.Handler {
	mux := http.NewServeMux()
	mux.HandleFunc("POST "+path, func(out http.ResponseWriter, in *http.Request) {
		body, err := io.ReadAll(http.MaxBytesReader(out, in.Body, maxBody))
		if err != nil {
			err = fmt.Errorf("%w: %w", ErrRequest, err)
		}
		var r Request
		if err == nil {
			r, err = ParseRequest(body)
		}
		var line []byte
		if err == nil {
			line, err = w.Cosign(r)
		}
		if err != nil {
			refuse(out, in, logger, err)
			return
		}
		out.Header().Set("Content-Type", "text/plain; charset=utf-8")
		_, _ = out.Write(line)
	})
	return mux
}

// refuse answers with the protocol's status of an error.
func refuse(out http.ResponseWriter, in *http.Request, logger *slog.Logger, err error) {
	var conflict *ConflictError
	status := http.StatusInternalServerError
	switch {
	case errors.As(err, &conflict):
		out.Header().Set("Content-Type", sizeType)
		out.WriteHeader(http.StatusConflict)
		fmt.Fprintf(out, "%d\n", conflict.Size)
		return
	case errors.Is(err, ErrFork):
		status = http.StatusConflict
	case errors.Is(err, ErrUnknownLog):
		status = http.StatusNotFound
	case errors.Is(err, ErrRequest):
		status = http.StatusBadRequest
	case errors.Is(err, merkle.ErrSignature):
		status = http.StatusForbidden
	case errors.Is(err, merkle.ErrProof):
		status = http.StatusUnprocessableEntity
	}
	switch {
	case status == http.StatusInternalServerError:
		logger.ErrorContext(in.Context(), "a checkpoint cannot be cosigned", "error", err)
		err = errors.New("the witness cannot cosign at present")
	case status == http.StatusConflict || status == http.StatusUnprocessableEntity:
		// The log has signed what contradicts itself, or somebody sent us a false proof.
		logger.WarnContext(in.Context(), "a checkpoint was refused", "error", err)
	}
	http.Error(out, err.Error(), status)
}

// Client asks one witness. It may be used from any goroutine.
type Client struct {
	URL  string        // the submission prefix
	Key  note.Verifier // of the witness
	HTTP *http.Client  // nil: the default client; ctx bounds each question anyway

	mu    sync.Mutex       // guards known
	known map[string]int64 // by origin: the size that the witness cosigned last, as far as known
}

// Name is that of the witness's key.
func (c *Client) Name() string { return c.Key.Name() }

// Cosign asks for the witness's line under a checkpoint. prove makes the proof from an
// older size, of which the witness says the right one if we do not know it.
func (c *Client) Cosign(ctx context.Context, checkpoint []byte, prove func(older int64) (merkle.Proof, error)) ([]byte, error) {
	origin, rest, _ := strings.Cut(string(checkpoint), "\n")
	text, _, _ := strings.Cut(rest, "\n")
	size, err := strconv.ParseInt(text, 10, 64)
	if err != nil {
		return nil, fmt.Errorf("ask witness %s: %w", c.Name(), merkle.ErrMalformed)
	}
	for attempt := 0; ; attempt++ {
		old := min(c.last(origin), size)
		proof, err := prove(old)
		if err != nil {
			return nil, err
		}
		line, err := c.ask(ctx, Request{Old: old, Proof: proof, Checkpoint: checkpoint})
		var conflict *ConflictError
		switch {
		case errors.As(err, &conflict) && attempt == 0 && conflict.Size <= size:
			c.learn(origin, conflict.Size)
		case err != nil:
			return nil, fmt.Errorf("ask witness %s: %w", c.Name(), err)
		default:
			c.learn(origin, size)
			return line, nil
		}
	}
}

func (c *Client) last(origin string) int64 {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.known[origin]
}

func (c *Client) learn(origin string, size int64) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.known == nil {
		c.known = map[string]int64{}
	}
	c.known[origin] = size
}

func (c *Client) ask(ctx context.Context, r Request) ([]byte, error) {
	body, err := r.Body()
	if err != nil {
		return nil, err
	}
	question, err := http.NewRequestWithContext(ctx, http.MethodPost, strings.TrimSuffix(c.URL, "/")+path, bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	question.Header.Set("Content-Type", "text/plain; charset=utf-8")
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(question)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	content, err := io.ReadAll(io.LimitReader(answer.Body, maxBody))
	if err != nil {
		return nil, err
	}
	if answer.StatusCode == http.StatusConflict && strings.HasPrefix(answer.Header.Get("Content-Type"), sizeType) {
		size, err := strconv.ParseInt(strings.TrimSpace(string(content)), 10, 64)
		if err != nil || size < 0 {
			return nil, fmt.Errorf("it answers a conflict with %.40q", content)
		}
		return nil, &ConflictError{size}
	}
	if answer.StatusCode != http.StatusOK {
		reason, _, _ := strings.Cut(string(content), "\n")
		return nil, fmt.Errorf("it answers %s: %.200q", answer.Status, reason)
	}
	cosigned, err := merkle.OpenCosignature(r.Checkpoint, content, c.Key)
	return cosigned.Line, err
}
