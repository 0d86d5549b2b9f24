// Verifying a pack: structure, proof and events in one pass, disclosures, manifest.

package verify

import (
	"archive/zip"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Options are what must not come from the pack.
type Options struct {
	// Keys are verifier keys of the log, from elsewhere. Without any, those in the
	// pack are used, and the outcome is at best [merkle.Unpinned].
	Keys []string
	// Organization is whose pack this should be; empty: whoever the manifest names.
	Organization string
	// Progress is told how many events have been read. Nil tells nobody.
	Progress func(done int64)
}

// Result is what a verification has shown.
type Result struct {
	Manifest  Manifest
	Proven    merkle.Proven
	Disclosed int64 // values whose commitments were checked
}

// The most that is read of an entry that is held in memory, and the longest line.
const (
	maxSmall = 16 << 20
	maxLine  = 64<<10 + 1
)

// Pack verifies a pack. The error is a [merkle.Failure], whose verdict is the exit
// code of the command, unless everything is verified.
func Pack(r io.ReaderAt, size int64, o Options) (Result, error) {
	archive, err := zip.NewReader(r, size)
	if err != nil {
		return Result{}, failf(merkle.Malformed, "this is no zip: %w", err)
	}
	p := &pack{entries: map[string]*zip.File{}, sums: map[string]File{}, options: o}
	if err := p.list(archive.File); err != nil {
		return Result{}, err
	}
	return p.verify()
}

// pack is one verification under way.
type pack struct {
	entries map[string]*zip.File
	names   []string
	sums    map[string]File
	options Options
	keys    []note.Verifier
	pinned  bool
	result  Result
	strange *merkle.Failure // the first line on which events.csv differs from the leaf
}

// list checks that the entries are those of a pack, in their order, none twice.
func (p *pack) list(files []*zip.File) error {
	order := Order()
	at := 0
	for _, f := range files {
		i := slices.Index(order[at:], f.Name)
		if i < 0 {
			return failf(merkle.Malformed, "the entry %q does not belong here", f.Name)
		}
		for _, missing := range order[at : at+i] {
			if !strings.HasPrefix(missing, string(Opening)) {
				return failf(merkle.Malformed, "the entry %s is missing", missing)
			}
		}
		if f.Method != zip.Store { // so that no few bytes can become many
			return failf(merkle.Malformed, "the entry %s is compressed, which those of a pack are not", f.Name)
		}
		at += i + 1
		p.entries[f.Name] = f
		p.names = append(p.names, f.Name)
	}
	if at < len(order) {
		return failf(merkle.Malformed, "the entry %s is missing", order[at])
	}
	if n := p.openingFiles(); n != 0 && n != 5 {
		return failf(merkle.Malformed, "of the opening, %d of 5 entries are there", n)
	}
	return nil
}

func (p *pack) openingFiles() (n int) {
	for name := range p.entries {
		if strings.HasPrefix(name, string(Opening)) {
			n++
		}
	}
	return n
}

func (p *pack) verify() (Result, error) {
	manifest, err := p.small(ManifestAt)
	if err != nil {
		return Result{}, err
	}
	if p.result.Manifest, err = readManifest(manifest); err != nil {
		return Result{}, failf(merkle.Malformed, "%w", err)
	}
	m := p.result.Manifest
	if o := p.options.Organization; o != "" && o != m.Organization {
		return Result{}, failf(merkle.Altered, "this is a pack of organization %s, not of %s", m.Organization, o)
	}
	if err := p.readKeys(); err != nil {
		return Result{}, err
	}
	if err := p.prove(); err != nil {
		return Result{}, err
	}
	if err := p.disclosures(); err != nil {
		return Result{}, err
	}
	if err := p.files(); err != nil {
		return Result{}, err
	}
	signed, err := p.small(ManifestSig)
	if err != nil {
		return Result{}, err
	}
	if err := openManifest(manifest, signed, p.keys); err != nil {
		return Result{}, failf(merkle.Unsigned, "%w", err)
	}
	if err := p.claims(); err != nil {
		return Result{}, err
	}
	if !p.pinned {
		return p.result, failf(merkle.Unpinned, "all agrees, but the keys came with the pack: get the log's key from elsewhere and give it with --key")
	}
	return p.result, nil
}

// readKeys takes the auditor's keys, or else those of the pack.
func (p *pack) readKeys() error {
	texts := p.options.Keys
	p.pinned = len(texts) > 0
	if !p.pinned {
		inside, err := p.small(Keys)
		if err != nil {
			return err
		}
		texts = strings.Split(strings.TrimSuffix(string(inside), "\n"), "\n")
	}
	var err error
	if p.keys, err = merkle.ParseKeys(texts...); err != nil {
		return failf(merkle.Malformed, "%w", err)
	}
	return nil
}

// prove is the completeness check of package merkle over the pack's lines.
func (p *pack) prove() error {
	m := p.result.Manifest
	e := merkle.Evidence{Start: m.From, End: m.To}
	var err error
	if e.Closing, err = p.bound(Closing); err != nil {
		return err
	}
	if p.openingFiles() > 0 {
		opening, err := p.bound(Opening)
		if err != nil {
			return err
		}
		e.Opening = &opening
	}
	if e.First, err = p.small(First); err != nil {
		return err
	}
	for name, into := range map[string]interface{ UnmarshalText([]byte) error }{
		Consistency: &e.Consistency, Frontier: &e.Frontier, FirstProof: &e.FirstProof,
	} {
		if err := p.parse(name, into); err != nil {
			return err
		}
	}
	auditor := merkle.Auditor{
		Keys: p.keys, Pinned: true, // whether they are is this package's to say, at the end
		Index: func(first []byte) (int64, error) { return indexOf(first, m.Organization) },
	}
	p.result.Proven, err = auditor.Verify(e, p.leaves())
	if f := (*merkle.Failure)(nil); errors.As(err, &f) {
		if f.Verdict == merkle.Malformed && p.strange != nil && f.Line == p.strange.Line {
			return p.strange // the leaves are right, their list is not
		}
		return f
	}
	if p.strange != nil {
		return p.strange
	}
	return nil
}

func (p *pack) bound(end End) (b merkle.Bound, err error) {
	for part, into := range map[string]*[]byte{Checkpoint: &b.Checkpoint, Epoch: &b.Epoch, Head: &b.Head} {
		if *into, err = p.small(string(end) + part); err != nil {
			return b, err
		}
	}
	if err = p.parse(string(end)+EpochProof, &b.EpochProof); err != nil {
		return b, err
	}
	return b, p.parse(string(end)+HeadProof, &b.HeadProof)
}

// files compares every entry with the manifest.
func (p *pack) files() error {
	listed := p.result.Manifest.Files
	var names []string
	for _, f := range listed {
		names = append(names, f.Name)
	}
	want := slices.DeleteFunc(slices.Clone(p.names), func(name string) bool { return name == ManifestAt || name == ManifestSig || name == Run })
	if !slices.Equal(names, want) {
		return failf(merkle.Malformed, "the manifest lists other entries than there are")
	}
	for _, f := range listed {
		if _, read := p.sums[f.Name]; !read {
			r, err := p.open(f.Name)
			if err != nil {
				return err
			}
			if _, err := io.Copy(io.Discard, r); err != nil {
				return failf(merkle.Malformed, "%s: %w", f.Name, err)
			}
			if err := r.done(); err != nil {
				return failf(merkle.Malformed, "%s: %w", f.Name, err)
			}
		}
		if p.sums[f.Name] != f {
			return failf(merkle.Altered, "%s is not the file that the manifest lists", f.Name)
		}
	}
	return nil
}

// claims compares what the manifest says of the events with what was proven.
func (p *pack) claims() error {
	m, proven := p.result.Manifest, p.result.Proven
	c := proven.ClosingCheckpoint
	if m.After != proven.After || m.Through != proven.Through || m.Events != proven.Through-proven.After ||
		m.Checkpoint.Origin != c.Origin || m.Checkpoint.Size != c.Size || m.Checkpoint.Root != c.Root.String() {
		return failf(merkle.Altered, "the manifest speaks of other events or of another checkpoint than the proof")
	}
	return nil
}

func failf(v merkle.Verdict, format string, args ...any) *merkle.Failure {
	return &merkle.Failure{Verdict: v, Err: fmt.Errorf(format, args...)}
}

// HexSum is SHA-256 in hexadecimal, as the manifest lists it.
func HexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}
