// Reading an archive: the manifest, and blocks from any position on.

package archive

import (
	"bytes"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sort"

	"github.com/klauspost/compress/zstd"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// ErrMalformed is wrapped by what reading gives for a file that is no whole archive.
var ErrMalformed = errors.New("not a whole archive")

func malformed(format string, args ...any) error {
	return fmt.Errorf("%w: %w", ErrMalformed, fmt.Errorf(format, args...))
}

// Reader reads one archive. What it gives is proven only after [Reader.Verify].
type Reader struct {
	Manifest Manifest
	from     io.ReaderAt
	places   places
	raw      []byte // the manifest as it stands there
	signed   []byte
	decoder  *zstd.Decoder
}

// Open reads the manifest and the places of frames. The error wraps [ErrMalformed].
func Open(from io.ReaderAt, size int64) (*Reader, error) {
	r := &Reader{from: from}
	var err error
	if r.decoder, err = zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(maxFrame)); err != nil {
		return nil, err
	}
	if err := r.readPlaces(size); err != nil {
		return nil, err
	}
	return r, r.readManifest()
}

func (r *Reader) readPlaces(size int64) error {
	tail := make([]byte, footerSize)
	if _, err := r.from.ReadAt(tail, size-footerSize); size < 2*footerSize || err != nil {
		return malformed("it has no end")
	}
	at := int64(binary.LittleEndian.Uint64(tail))
	if at < 0 || at > size-2*footerSize || size-at > maxPlaces {
		return malformed("its end names no place in it")
	}
	frame := make([]byte, size-at)
	if _, err := r.from.ReadAt(frame, at); err != nil {
		return malformed("its end cannot be read: %w", err)
	}
	if binary.LittleEndian.Uint32(frame) != skippable || int64(binary.LittleEndian.Uint32(frame[4:])) != size-at-8 {
		return malformed("its end is not the list of its frames")
	}
	if err := json.Unmarshal(frame[8:len(frame)-footerSize], &r.places); err != nil {
		return malformed("the list of its frames: %w", err)
	}
	last := int64(-1)
	for _, p := range r.places.Frames {
		if p.Offset <= last {
			return malformed("its frames are not in order")
		}
		last = p.Offset
	}
	if len(r.places.Frames) == 0 || r.places.Frames[0].Offset != 0 || r.places.Manifest <= last || r.places.Manifest >= at {
		return malformed("it has no frames, or no manifest after them")
	}
	r.places.Frames = append(r.places.Frames, place{0, r.places.Manifest}, place{0, at})
	return nil
}

func (r *Reader) readManifest() error {
	lines, err := r.frame(len(r.places.Frames) - 2)
	if err != nil {
		return err
	}
	manifest, rest, _ := bytes.Cut(lines, []byte("\n"))
	decoder := json.NewDecoder(bytes.NewReader(manifest))
	decoder.DisallowUnknownFields()
	var s signature
	if err := errors.Join(decoder.Decode(&r.Manifest), json.Unmarshal(rest, &s)); err != nil {
		return malformed("its manifest: %w", err)
	}
	m := r.Manifest
	if m.Format != Format {
		return malformed("it has the format %.40q; this program reads %q", m.Format, Format)
	}
	if m.First < 1 || m.Last < m.First || m.Blocks < 1 {
		return malformed("its manifest says %d blocks from position %d to %d", m.Blocks, m.First, m.Last)
	}
	r.raw, r.signed = manifest, []byte(s.Signed)
	return nil
}

// signedBy checks the signature of the manifest.
func (r *Reader) signedBy(keys []note.Verifier) error {
	opened, err := note.Open(r.signed, note.VerifierList(keys...))
	if err == nil && opened.Text != manifestText(r.raw) {
		err = errors.New("the signature is of another manifest")
	}
	return err
}

// frame decompresses the i-th frame.
func (r *Reader) frame(i int) ([]byte, error) {
	from, to := r.places.Frames[i].Offset, r.places.Frames[i+1].Offset
	if to-from > maxFrame {
		return nil, malformed("frame %d has %d bytes", i, to-from)
	}
	packed := make([]byte, to-from)
	if _, err := r.from.ReadAt(packed, from); err != nil {
		return nil, malformed("frame %d: %w", i, err)
	}
	lines, err := r.decoder.DecodeAll(packed, nil)
	if err != nil {
		return nil, malformed("frame %d: %w", i, err)
	}
	return lines, nil
}

// blocks is how many frames hold blocks.
func (r *Reader) blocks() int { return len(r.places.Frames) - 2 }

// take reads one block off the lines of a frame.
func take(lines []byte) (s eventstore.StoredBlock, root string, rest []byte, err error) {
	head, rest, ended := bytes.Cut(lines, []byte("\n"))
	var l blockLine
	decoder := json.NewDecoder(bytes.NewReader(head))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&l); err != nil || !ended {
		return s, "", nil, malformed("a block's line: %w", err)
	}
	n := l.Block.Last - l.Block.First + 1
	if l.Block.First < 1 || n < 1 || n > events.Position(len(rest)) {
		return s, "", nil, malformed("a block from position %d to %d", l.Block.First, l.Block.Last)
	}
	size := 0
	for range n {
		end := bytes.IndexByte(rest[size:], '\n')
		if end < 0 {
			return s, "", nil, malformed("the block of %d to %d has fewer lines", l.Block.First, l.Block.Last)
		}
		size += end + 1
	}
	return l.stored(rest[:size:size]), l.Block.Root, rest[size:], nil
}

// Blocks gives the blocks of the frame that holds the position after the given one, those that
// end before left out.
func (r *Reader) Blocks(after events.Position) ([]eventstore.StoredBlock, error) {
	frames := r.places.Frames[:r.blocks()]
	i := sort.Search(len(frames), func(i int) bool { return frames[i].First > after+1 }) - 1
	if i < 0 || int64(after) >= r.Manifest.Last {
		return nil, nil
	}
	lines, err := r.frame(i)
	var found []eventstore.StoredBlock
	for err == nil && len(lines) > 0 {
		var s eventstore.StoredBlock
		if s, _, lines, err = take(lines); err == nil && s.Last > after {
			found = append(found, s)
		}
	}
	return found, err
}
