// Package archive keeps a partition of the log in a file that verifies without the database:
// zstd over lines of JSON, every leaf exactly as it was recorded, and the proof that they are
// what a signed checkpoint says.
//
// Decompressed, an archive is a line for each block, followed by the block's leaves, and at the
// end the manifest and its signature. Compressed, it is a sequence of frames that each hold whole
// blocks, and a skippable frame with their places, so that a reader finds a position without
// decompressing what is before. Personal values stay sealed as they are in the database, and the keys
// that open them are not in it: erasing a subject reaches its archives.
package archive

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Format names what this package writes.
const Format = "tokenledger-archive-1"

// Manifest says what an archive holds and proves it.
type Manifest struct {
	Format    string    `json:"format"`
	Origin    string    `json:"origin"` // of the log
	First     int64     `json:"first"`  // position of the first event
	Last      int64     `json:"last"`
	Blocks    int64     `json:"blocks"`
	From      time.Time `json:"from"` // when the first event was recorded
	To        time.Time `json:"to"`
	Generator string    `json:"generator"`
	Digest    string    `json:"digest"`   // SHA-256 of all lines before this one
	Frontier  []byte    `json:"frontier"` // of the events tree before the first event
	Root      string    `json:"root"`     // of the events tree up to the last event
	Proof     Proof     `json:"proof"`
}

// Proof shows that the events tree with the archive's root is the beginning of the one that a
// checkpoint has signed.
type Proof struct {
	Log         string       `json:"log"`        // the name of the log of epochs, and of the key that signs for it
	Epoch       string       `json:"epoch"`      // the record of an epoch that holds the last event
	Checkpoint  string       `json:"checkpoint"` // signed note over the epochs up to that one
	Inclusion   merkle.Proof `json:"inclusion"`  // of the epoch under the checkpoint
	Consistency merkle.Proof `json:"consistency"`
}

// blockLine stands before the leaves of a block.
type blockLine struct {
	Block struct {
		First      events.Position                    `json:"first"`
		Last       events.Position                    `json:"last"`
		Term       int64                              `json:"term"`
		Timeline   int32                              `json:"timeline"`
		RecordedAt time.Time                          `json:"recorded_at"`
		Tally      map[events.TrailID]events.Position `json:"tally"`
		Sealed     []byte                             `json:"sealed,omitempty"`
		Writer     uuid.UUID                          `json:"writer"`
		WriterSeq  int64                              `json:"writer_seq"`
		Root       string                             `json:"root"` // of the events tree up to the block, so that a reader can tell where it went wrong
	} `json:"block"`
}

func lineOf(s eventstore.StoredBlock, root merkle.Hash) ([]byte, error) {
	var l blockLine
	b := &l.Block
	b.First, b.Last, b.Term, b.Timeline, b.RecordedAt = s.First, s.Last, s.Term, s.Timeline, s.RecordedAt
	b.Tally, b.Sealed, b.Writer, b.WriterSeq, b.Root = s.Tally, s.Sealed, s.Writer, s.WriterSeq, root.String()
	line, err := json.Marshal(l)
	return append(line, '\n'), err
}

func (l blockLine) stored(leaves []byte) eventstore.StoredBlock {
	b := l.Block
	return eventstore.StoredBlock{
		First: b.First, Last: b.Last, Term: b.Term, Timeline: b.Timeline, RecordedAt: b.RecordedAt,
		Leaves: leaves, Tally: b.Tally, Sealed: b.Sealed, Writer: b.Writer, WriterSeq: b.WriterSeq,
	}
}

// signature is the last line.
type signature struct {
	Signed string `json:"signed"`
}

// manifestText is what is signed. It cannot be taken for a checkpoint, whose first line is the
// name of a log.
func manifestText(manifest []byte) string {
	sum := sha256.Sum256(manifest)
	return fmt.Sprintf("archive manifest\nsha256 %s\n", hex.EncodeToString(sum[:]))
}

func sign(manifest []byte, signer note.Signer) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: manifestText(manifest)}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign the manifest of the archive: %w", err)
	}
	line, err := json.Marshal(signature{string(signed)})
	return append(line, '\n'), err
}

// places is the content of the skippable frame at the end.
type places struct {
	Frames   []place `json:"frames"`
	Manifest int64   `json:"manifest"` // where the frame of the manifest begins
}

// place is where a frame of blocks begins, in the file and in the log.
type place struct {
	First  events.Position `json:"first"`
	Offset int64           `json:"offset"`
}

const (
	skippable  = 0x184d2a5e // a skippable frame of zstd, which decompressors pass over
	footerSize = 8          // the skippable frame ends with its own offset
	frameBytes = 4 << 20    // of lines, after which a frame ends
	maxFrame   = 32 << 20   // of lines, more than a frame with the largest block has
	maxPlaces  = 64 << 20
)
