// Whatever is changed in an archive is found, and named.

package archive

import (
	"bytes"
	"encoding/json"
	"errors"
	"os"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
)

// forged is an archive that was taken apart and put together again by somebody who can write
// one, with or without the signing key.
type forged struct {
	lines    []string // of blocks
	manifest Manifest
	signed   string
}

func takeApart(t *testing.T, content []byte) forged {
	t.Helper()
	r, err := Open(bytes.NewReader(content), int64(len(content)))
	if err != nil {
		t.Fatal(err)
	}
	f := forged{manifest: r.Manifest, signed: string(r.signed)}
	for i := range r.blocks() {
		lines, err := r.frame(i)
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(lines)) {
			f.lines = append(f.lines, line)
		}
	}
	return f
}

func (f forged) together(t *testing.T) []byte {
	t.Helper()
	var out bytes.Buffer
	w, err := newWriter(&out)
	if err != nil {
		t.Fatal(err)
	}
	w.places.Frames = []place{{First: 1}}
	for _, line := range f.lines {
		w.lines.WriteString(line)
	}
	manifest, err1 := json.Marshal(f.manifest)
	signed, err2 := json.Marshal(signature{f.signed})
	err = errors.Join(err1, err2, w.flush())
	w.places.Manifest = w.offset
	w.lines.Write(append(append(manifest, '\n'), signed...))
	if err = errors.Join(err, w.flush(), w.footer()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// resign signs the manifest as it is now, as the operator could.
func (f *forged) resign(t *testing.T, signer note.Signer) {
	t.Helper()
	manifest, err := json.Marshal(f.manifest)
	if err != nil {
		t.Fatal(err)
	}
	line, err := sign(manifest, signer)
	var s signature
	if err = errors.Join(err, json.Unmarshal(line, &s)); err != nil {
		t.Fatal(err)
	}
	f.signed = s.Signed
}

func TestWhatIsChangedIsFound(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	content, err := os.ReadFile(w.export(w.partition(0)))
	if err != nil {
		t.Fatal(err)
	}
	signer, err := w.ring.Signer(sealer.Origin(w.log.Origin(), 1))
	if err != nil {
		t.Fatal(err)
	}
	other, err := keyring.Generate().Verifiers(sealer.Origin(w.log.Origin(), 1))
	if err != nil {
		t.Fatal(err)
	}
	last := func(f *forged) int {
		for i := len(f.lines) - 1; ; i-- {
			if strings.HasPrefix(f.lines[i], `{"block"`) {
				return i
			}
		}
	}
	for name, c := range map[string]struct {
		change func(*forged)
		resign bool
		keys   []note.Verifier
		want   merkle.Verdict
	}{
		"nothing":                 {func(*forged) {}, true, nil, merkle.Verified},
		"another key":             {func(*forged) {}, false, other, merkle.Unsigned},
		"a leaf":                  {func(f *forged) { f.lines[9] = strings.Replace(f.lines[9], "createEvidence", "deleteEvidence", 1) }, false, nil, merkle.Altered},
		"a leaf's position":       {func(f *forged) { f.lines[1] = strings.Replace(f.lines[1], `"position":1,`, `"position":2,`, 1) }, false, nil, merkle.Altered},
		"the last block is gone":  {func(f *forged) { f.lines = f.lines[:last(f)] }, false, nil, merkle.Incomplete},
		"and the manifest agrees": {func(f *forged) { f.lines, f.manifest.Blocks = f.lines[:last(f)], f.manifest.Blocks-1 }, true, nil, merkle.Incomplete},
		"a block stands twice":    {func(f *forged) { f.lines = append(f.lines, f.lines[last(f):]...) }, false, nil, merkle.Incomplete},
		"the writer of a block":   {func(f *forged) { f.lines[0] = strings.Replace(f.lines[0], `"writer_seq":`, `"writer_seq":7`, 1) }, false, nil, merkle.Altered},
		"sealed values":           {func(f *forged) { f.lines[0] = strings.Replace(f.lines[0], `"sealed":"A`, `"sealed":"B`, 1) }, false, nil, merkle.Altered},
		"the manifest":            {func(f *forged) { f.manifest.Last++ }, false, nil, merkle.Unsigned},
		"the frontier":            {func(f *forged) { f.manifest.Frontier = []byte{1} }, true, nil, merkle.Malformed},
		"the consistency proof":   {func(f *forged) { f.manifest.Proof.Consistency = f.manifest.Proof.Consistency[1:] }, true, nil, merkle.Altered},
		"the epoch": {func(f *forged) {
			f.manifest.Proof.Epoch = strings.Replace(f.manifest.Proof.Epoch, `"size":`, `"size":1`, 1)
		}, true, nil, merkle.Altered},
		"the checkpoint":             {func(f *forged) { f.manifest.Proof.Checkpoint = "nothing" }, true, nil, merkle.Unsigned},
		"a line that is no block":    {func(f *forged) { f.lines[0] = "{}\n" }, false, nil, merkle.Malformed},
		"a block of too many events": {func(f *forged) { f.lines[0] = strings.Replace(f.lines[0], `"last":`, `"last":99999999`, 1) }, false, nil, merkle.Malformed},
	} {
		t.Run(name, func(t *testing.T) {
			f := takeApart(t, content)
			c.change(&f)
			if c.resign {
				f.resign(t, signer)
			}
			keys := c.keys
			if keys == nil {
				keys = w.keys()
			}
			changed := f.together(t)
			r, err := Open(bytes.NewReader(changed), int64(len(changed)))
			if err != nil {
				t.Fatal(err)
			}
			if _, err = r.Verify(keys, nil); merkle.VerdictOf(err) != c.want {
				t.Fatalf("%v: %v, want %v", merkle.VerdictOf(err), err, c.want)
			}
		})
	}
}

func TestAnAlteredLeafIsNamedByItsBlock(t *testing.T) {
	t.Parallel()
	w := newWorld(t)
	path := w.export(w.partition(0))
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	f := takeApart(t, content)
	block, at := 0, 0
	for i, line := range f.lines {
		if strings.HasPrefix(line, `{"block"`) {
			if at > 0 {
				at = i // of the block after
				break
			}
			block = i
		} else if block > 20 && at == 0 {
			at, f.lines[i] = i, strings.Replace(line, "createEvidence", "deleteEvidence", 1)
		}
	}
	if err := os.WriteFile(path, f.together(t), 0o600); err != nil {
		t.Fatal(err)
	}
	var failure *merkle.Failure
	if _, err := w.archives().Blocks(t.Context(), w.log.Origin(), 0); !errors.As(err, &failure) || failure.Line != int64(at) {
		t.Fatalf("%v; the altered line stands in the block that ends with line %d", err, at)
	}
}

func FuzzOpen(f *testing.F) {
	var out bytes.Buffer
	w, err := newWriter(&out)
	if err != nil {
		f.Fatal(err)
	}
	s := eventstore.StoredBlock{First: 1, Last: 1, Leaves: []byte("{}\n")}
	line, err := lineOf(s, merkle.Hash{})
	if err != nil {
		f.Fatal(err)
	}
	w.places.Frames = []place{{First: 1}}
	w.lines.Write(append(line, s.Leaves...))
	err = w.flush()
	w.places.Manifest = w.offset
	manifest, e := json.Marshal(Manifest{Format: Format, First: 1, Last: 1, Blocks: 1})
	w.lines.Write(append(manifest, "\n{}\n"...))
	if err = errors.Join(err, e, w.flush(), w.footer()); err != nil {
		f.Fatal(err)
	}
	f.Add(out.Bytes())
	f.Add([]byte("too short"))
	f.Fuzz(func(t *testing.T, content []byte) {
		r, err := Open(bytes.NewReader(content), int64(len(content)))
		if err != nil {
			return
		}
		_, _ = r.Blocks(0)
		if _, err := r.Verify(nil, nil); err == nil {
			t.Fatal("verified without a key")
		}
	})
}

func FuzzTake(f *testing.F) {
	f.Add([]byte(`{"block":{"first":1,"last":2}}` + "\na\nb\n{}"))
	f.Add([]byte(`{"block":{"first":1,"last":9223372036854775807}}` + "\n\n"))
	f.Add([]byte("\n"))
	f.Fuzz(func(t *testing.T, lines []byte) {
		s, _, rest, err := take(lines)
		if err == nil && (bytes.Count(s.Leaves, []byte("\n")) != int(s.Last-s.First+1) || len(rest) >= len(lines)) {
			t.Fatalf("%d to %d: %q", s.First, s.Last, s.Leaves)
		}
	})
}

func TestADecompressionBombIsRefused(t *testing.T) {
	t.Parallel()
	encoder, err := zstd.NewWriter(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer encoder.Close()
	bomb := encoder.EncodeAll(make([]byte, maxFrame+1), nil)
	var out bytes.Buffer
	w, err := newWriter(&out)
	if err == nil {
		w.places.Frames = []place{{First: 1}}
		err = w.write(bomb)
		w.places.Manifest = w.offset
		err = errors.Join(err, w.write(bomb), w.footer())
	}
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Open(bytes.NewReader(out.Bytes()), int64(out.Len())); !errors.Is(err, ErrMalformed) {
		t.Fatal(err)
	}
}
