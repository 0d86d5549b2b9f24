// A witness against a log that grows, forks and goes back.

package witness_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"golang.org/x/mod/sumdb/note"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/witness"
)

const origin = "tokenledger/0198"

// chronicle is a log that can sign anything.
type chronicle struct {
	signer   note.Signer
	verifier note.Verifier
	tree     merkle.Tree
}

func newChronicle(t testing.TB, name string) *chronicle {
	t.Helper()
	private, public, err := note.GenerateKey(nil, name)
	must(t, err)
	signer, err := note.NewSigner(private)
	must(t, err)
	verifier, err := note.NewVerifier(public)
	must(t, err)
	return &chronicle{signer: signer, verifier: verifier}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func (c *chronicle) grow(n int, what string) {
	for range n {
		c.tree.Append(merkle.LeafHash([]byte(what)))
	}
}

func (c *chronicle) checkpoint(t testing.TB) []byte {
	t.Helper()
	signed, err := merkle.Checkpoint{Origin: c.signer.Name(), Size: c.tree.Size(), Root: c.tree.Root()}.Sign(c.signer)
	must(t, err)
	return signed
}

func (c *chronicle) request(t testing.TB, old int64) witness.Request {
	t.Helper()
	r := witness.Request{Old: old, Checkpoint: c.checkpoint(t)}
	if old <= c.tree.Size() {
		var err error
		r.Proof, err = merkle.ProveConsistency(&c.tree, old, c.tree.Size())
		must(t, err)
	}
	return r
}

func opened(t testing.TB, dir string, logs ...*chronicle) *witness.Witness {
	t.Helper()
	c := witness.Config{Name: "witness.example/w1", Dir: dir, Now: func() time.Time { return time.Unix(1700000000, 0) }}
	for _, l := range logs {
		c.Logs = append(c.Logs, l.verifier)
	}
	w, err := witness.Open(c)
	must(t, err)
	t.Cleanup(func() { _ = w.Close() })
	return w
}

// post sends a request as any program would.
func post(t *testing.T, url string, body []byte) (status int, kind, answer string) {
	t.Helper()
	r, err := http.Post(url+"/add-checkpoint", "text/plain", bytes.NewReader(body))
	must(t, err)
	defer r.Body.Close()
	content, err := io.ReadAll(r.Body)
	must(t, err)
	return r.StatusCode, r.Header.Get("Content-Type"), string(content)
}

func TestTheProtocolsAnswers(t *testing.T) {
	t.Parallel()
	log, stranger := newChronicle(t, origin), newChronicle(t, "other/log")
	impostor := newChronicle(t, origin)
	w := opened(t, t.TempDir(), log)
	server := httptest.NewServer(w.Handler(slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	body := func(r witness.Request) []byte {
		b, err := r.Body()
		must(t, err)
		return b
	}
	answers := func(what string, b []byte, status int, answer string) {
		t.Helper()
		got, kind, text := post(t, server.URL, b)
		if got != status || (answer != "" && text != answer) || (status == 409 && answer != "" && kind != "text/x.tlog.size") {
			t.Fatalf("%s: %d, %s, %q; want %d, %q", what, got, kind, text, status, answer)
		}
	}
	log.grow(5, "a")
	impostor.grow(5, "a")
	answers("a size that was never cosigned", body(log.request(t, 3)), 409, "0\n")
	answers("the first", body(log.request(t, 0)), 200, "")
	answers("the same again", body(log.request(t, 5)), 200, "")
	log.grow(8, "b")
	answers("an old size of before", body(log.request(t, 0)), 409, "5\n")
	spoilt := log.request(t, 5)
	spoilt.Proof[0][3] ^= 1
	answers("a false proof", body(spoilt), 422, "")
	spoilt.Proof = nil
	answers("no proof", body(spoilt), 422, "")
	answers("a later one", body(log.request(t, 5)), 200, "")
	answers("a log that is not watched", body(stranger.request(t, 0)), 404, "")
	impostor.grow(20, "b")
	answers("another's key", body(impostor.request(t, 0)), 403, "")
	answers("old above size", body(log.request(t, 14)), 400, "")

	fork := *log
	fork.tree = merkle.Tree{}
	fork.grow(13, "c")
	answers("a fork of the same size", body(witness.Request{Old: 13, Checkpoint: fork.checkpoint(t)}), 409, "")
	fork.grow(1, "c")
	answers("a fork that is longer", body(fork.request(t, 13)), 422, "")
	back := *log
	back.tree = merkle.Tree{}
	back.grow(5, "a")
	answers("back to before", body(back.request(t, 5)), 409, "13\n")

	good := string(body(log.request(t, 13)))
	for what, b := range map[string]string{
		"nothing": "", "no old size": strings.TrimPrefix(good, "old 13\n"), "a leading zero": strings.Replace(good, "old 13", "old 013", 1),
		"a sign": strings.Replace(good, "old 13", "old +13", 1), "half a hash": strings.Replace(good, "\n\n", "\nAAAA\n\n", 1),
		"too many hashes": strings.Replace(good, "\n\n", "\n"+strings.Repeat("AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n", 64)+"\n", 1),
		"no checkpoint":   "old 13\n\n" + origin + "\n", "too long": good + strings.Repeat("x", 70_000),
	} {
		answers(what, []byte(b), 400, "")
	}
	if r, err := http.Get(server.URL + "/add-checkpoint"); err != nil || r.StatusCode != http.StatusMethodNotAllowed {
		t.Fatal(r.StatusCode, err)
	}
}

func TestACosignatureIsOfTheSpecifiedForm(t *testing.T) {
	t.Parallel()
	log := newChronicle(t, origin)
	log.grow(3, "a")
	w := opened(t, t.TempDir(), log)
	r := log.request(t, 0)
	line, err := w.Cosign(r)
	must(t, err)
	key, err := merkle.ParseWitnessKey(w.Key())
	must(t, err)
	signature, err := merkle.OpenCosignature(r.Checkpoint, line, key)
	if err != nil || signature.Time.Unix() != 1700000000 || !bytes.Equal(signature.Line, line) {
		t.Fatalf("%+v, %v", signature, err)
	}
	// A verifier of notes takes checkpoint and line as one.
	n, err := note.Open(append(bytes.Clone(r.Checkpoint), line...), note.VerifierList(key, log.verifier))
	if err != nil || len(n.Sigs) != 2 {
		t.Fatalf("%+v, %v", n, err)
	}
	// The log's own signature is none of a witness, and the other way round.
	if _, err := merkle.OpenCosignature(r.Checkpoint, []byte("— x AAAA\n"), key); !errors.Is(err, merkle.ErrSignature) {
		t.Fatal(err)
	}
	other := newChronicle(t, origin)
	other.grow(4, "a")
	if _, err := merkle.OpenCosignature(other.checkpoint(t), line, key); !errors.Is(err, merkle.ErrSignature) {
		t.Fatal("a cosignature was taken for that of another checkpoint", err)
	}
	for _, text := range []string{"", "a+b", strings.Replace(w.Key(), "w1", "w2", 1), w.Key() + "=", strings.Replace(w.Key(), "+", " ", 1)} {
		if _, err := merkle.ParseWitnessKey(text); !errors.Is(err, merkle.ErrMalformed) {
			t.Errorf("%q: %v", text, err)
		}
	}
}

func TestAWitnessRemembers(t *testing.T) {
	t.Parallel()
	log, dir := newChronicle(t, origin), t.TempDir()
	log.grow(5, "a")
	w := opened(t, dir, log)
	_, err := w.Cosign(log.request(t, 0))
	must(t, err)
	if _, err := witness.Open(witness.Config{Name: "x", Dir: dir, Logs: []note.Verifier{log.verifier}}); err == nil {
		t.Fatal("two witnesses work in one directory")
	}
	key := w.Key()
	must(t, w.Close())
	w = opened(t, dir, log)
	if w.Key() != key {
		t.Fatal("another key")
	}
	log.grow(1, "a")
	var conflict *witness.ConflictError
	if _, err := w.Cosign(log.request(t, 0)); !errors.As(err, &conflict) || conflict.Size != 5 {
		t.Fatal(err)
	}
	_, err = w.Cosign(log.request(t, 5))
	must(t, err)
	must(t, w.Close())
	must(t, os.Remove(filepath.Join(dir, "witness.json")))
	if _, err := witness.Open(witness.Config{Name: "witness.example/w1", Dir: dir, Logs: []note.Verifier{log.verifier}}); err == nil || !strings.Contains(err.Error(), "forgotten") {
		t.Fatal(err)
	}
}

func TestAClientFindsOutWhatTheWitnessKnows(t *testing.T) {
	t.Parallel()
	log := newChronicle(t, origin)
	w := opened(t, t.TempDir(), log)
	server := httptest.NewServer(w.Handler(slog.New(slog.DiscardHandler)))
	t.Cleanup(server.Close)
	key, err := merkle.ParseWitnessKey(w.Key())
	must(t, err)
	prove := func(older int64) (merkle.Proof, error) {
		return merkle.ProveConsistency(&log.tree, older, log.tree.Size())
	}
	for range 3 { // each a new process
		c := &witness.Client{URL: server.URL + "/", Key: key}
		for range 3 {
			log.grow(7, "a")
			line, err := c.Cosign(t.Context(), log.checkpoint(t), prove)
			must(t, err)
			_, err = merkle.OpenCosignature(log.checkpoint(t), line, key)
			must(t, err)
		}
	}
	log.tree = merkle.Tree{}
	log.grow(80, "b")
	if _, err := (&witness.Client{URL: server.URL, Key: key}).Cosign(context.Background(), log.checkpoint(t), prove); err == nil || !strings.Contains(err.Error(), "422") {
		t.Fatal(err)
	}
}

// Whatever is asked in whatever order and at once, what was cosigned is one history.
func TestNoTwoHistoriesAreCosigned(t *testing.T) {
	t.Parallel()
	signer := newChronicle(t, origin)
	dirs := t.TempDir()
	n := 0
	rapid.Check(t, func(rt *rapid.T) {
		n++
		w, err := witness.Open(witness.Config{Name: "w", Dir: filepath.Join(dirs, fmt.Sprint(n)), Logs: []note.Verifier{signer.verifier}})
		must(t, err)
		defer w.Close()
		branches := []*chronicle{{signer: signer.signer}, {signer: signer.signer}}
		var mu sync.Mutex // guards cosigned
		var cosigned []merkle.Checkpoint
		var group sync.WaitGroup
		for range rapid.IntRange(1, 8).Draw(rt, "requests") {
			b := branches[rapid.IntRange(0, 1).Draw(rt, "branch")]
			b.grow(rapid.IntRange(0, 3).Draw(rt, "more"), fmt.Sprint(b == branches[0]))
			r := b.request(t, rapid.Int64Range(0, b.tree.Size()).Draw(rt, "old"))
			group.Go(func() {
				if _, err := w.Cosign(r); err == nil {
					c, err := merkle.OpenCheckpoint(r.Checkpoint, signer.verifier)
					must(t, err)
					mu.Lock()
					cosigned = append(cosigned, c)
					mu.Unlock()
				}
			})
		}
		group.Wait()
		holds := func(b *chronicle) bool {
			return !slices.ContainsFunc(cosigned, func(c merkle.Checkpoint) bool {
				root, err := merkle.RootAt(&b.tree, c.Size)
				return err != nil || root != c.Root
			})
		}
		if !slices.ContainsFunc(branches, func(b *chronicle) bool {
			return !slices.ContainsFunc(cosigned, func(c merkle.Checkpoint) bool { return c.Size > b.tree.Size() }) && holds(b)
		}) {
			rt.Fatalf("two histories: %+v", cosigned)
		}
	})
}

func FuzzRequest(f *testing.F) {
	f.Add([]byte("old 0\n\no\n1\nAAAA\n"))
	f.Add([]byte("old 3\nAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA=\n\nx\n\n"))
	f.Fuzz(func(t *testing.T, body []byte) {
		r, err := witness.ParseRequest(body)
		if err != nil {
			if !errors.Is(err, witness.ErrRequest) {
				t.Fatal(err)
			}
			return
		}
		if again, err := r.Body(); err != nil || !bytes.Equal(again, body) {
			t.Fatalf("%q became %q, %v", body, again, err)
		}
	})
}
