// Entries of the zip: bounded, and hashed as they are read.

package verify

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

func (p *pack) parse(name string, into interface{ UnmarshalText([]byte) error }) error {
	text, err := p.small(name)
	if err != nil {
		return err
	}
	if err := into.UnmarshalText(text); err != nil {
		return failf(merkle.Malformed, "%s: %w", name, err)
	}
	return nil
}

// small reads an entry whole and notes its hash.
func (p *pack) small(name string) ([]byte, error) {
	r, err := p.open(name)
	if err != nil {
		return nil, err
	}
	text, err := io.ReadAll(io.LimitReader(r, maxSmall+1))
	if err == nil && len(text) > maxSmall {
		err = fmt.Errorf("it is longer than %d bytes", maxSmall)
	}
	if err == nil {
		err = r.done()
	}
	if err != nil {
		return nil, failf(merkle.Malformed, "%s: %w", name, err)
	}
	return text, nil
}

// entry is an entry that is read, and hashed on the way.
type entry struct {
	name string
	file io.ReadCloser
	sum  hash.Hash
	n    int64
	pack *pack
}

func (p *pack) open(name string) (*entry, error) {
	f, ok := p.entries[name]
	if !ok {
		return nil, failf(merkle.Malformed, "the entry %s is missing", name)
	}
	r, err := f.Open()
	if err != nil {
		return nil, failf(merkle.Malformed, "%s: %w", name, err)
	}
	return &entry{name: name, file: r, sum: sha256.New(), pack: p}, nil
}

// Read implements io.Reader. A checksum of the zip that is wrong is not what
// counts here: the hashes and the proof tell more about what was altered.
func (e *entry) Read(b []byte) (int, error) {
	n, err := e.file.Read(b)
	e.sum.Write(b[:n])
	e.n += int64(n)
	if errors.Is(err, zip.ErrChecksum) {
		err = io.EOF
	}
	return n, err
}

// done notes the hash of what was read to its end.
func (e *entry) done() error {
	e.pack.sums[e.name] = File{e.name, e.n, hex.EncodeToString(e.sum.Sum(nil))}
	return e.file.Close()
}
