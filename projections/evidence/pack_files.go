// The files of a pack, each written from the trail or from the proof.

package evidence

import (
	"archive/zip"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"slices"
	"strings"
	"text/template"
	"time"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// file is one entry and how it is written.
type file struct {
	name  string
	write func(context.Context, io.Writer) error
}

func bytesOf(content []byte) func(context.Context, io.Writer) error {
	return func(_ context.Context, w io.Writer) error { _, err := w.Write(content); return err }
}

// zipper writes entries one after another and lists their hashes. They are not
// compressed: so the bytes of a pack depend on no compressor's version, and a
// verifier's time goes into hashing.
type zipper struct {
	plan *Plan
	zip  *zip.Writer
	step Step
}

// passes is how often the trail is read for a pack: reports, lines, rows, OCSF, controls.
const passes = 5

func (z *zipper) begin(w io.Writer) {
	z.zip = zip.NewWriter(w)
	z.step.Total = passes * z.plan.Manifest.Events
	z.plan.step = &z.step
}

func (z *zipper) add(ctx context.Context, name string, write func(context.Context, io.Writer) error) error {
	z.step.Entry = name
	listed, err := z.entry(ctx, name, write)
	if err != nil {
		return fmt.Errorf("write %s: %w", name, err)
	}
	z.plan.Manifest.Files = append(z.plan.Manifest.Files, listed)
	return nil
}

func (z *zipper) entry(ctx context.Context, name string, write func(context.Context, io.Writer) error) (verify.File, error) {
	out, err := z.zip.CreateHeader(&zip.FileHeader{Name: name, Method: zip.Store})
	if err != nil {
		return verify.File{}, err
	}
	sum := &summed{w: out, sum: sha256.New()}
	buffered := bufio.NewWriterSize(sum, 256<<10)
	if err := write(ctx, buffered); err != nil {
		return verify.File{}, err
	}
	if err := buffered.Flush(); err != nil {
		return verify.File{}, err
	}
	return verify.File{Name: name, Size: sum.n, SHA256: hex.EncodeToString(sum.sum.Sum(nil))}, nil
}

// summed hashes what it passes on.
type summed struct {
	w   io.Writer
	sum hash.Hash
	n   int64
}

// Write implements io.Writer.
func (s *summed) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.sum.Write(b[:n])
	s.n += int64(n)
	return n, err
}

// finish writes the manifest, its signature, and what is known of the run alone.
func (z *zipper) finish(ctx context.Context) error {
	p := z.plan
	manifest, err := p.Manifest.JSON()
	if err != nil {
		return err
	}
	signed, err := verify.SignManifest(manifest, p.signer)
	if err != nil {
		return err
	}
	now := time.Now
	if p.Now != nil {
		now = p.Now
	}
	run, err := json.MarshalIndent(map[string]any{
		"run_at": now().UTC().Format(time.RFC3339), "operator": p.Operator, "generator": p.Generator,
	}, "", "  ")
	if err != nil {
		return err
	}
	for _, f := range []file{
		{verify.ManifestAt, bytesOf(manifest)}, {verify.ManifestSig, bytesOf(signed)}, {verify.Run, bytesOf(append(run, '\n'))},
	} {
		if _, err := z.entry(ctx, f.name, f.write); err != nil {
			return fmt.Errorf("write %s: %w", f.name, err)
		}
	}
	return z.zip.Close()
}

// each reads the events of the pack, and tells the progress.
func (p *Plan) each(ctx context.Context, do func(events.Recorded) error) error {
	n := p.Manifest.After
	for rec, err := range p.Trails.Trail(ctx, p.trail(), events.Position(p.Manifest.After), events.Position(p.closing.Epoch.Size)) {
		if err != nil {
			return err
		}
		if n++; n > p.Manifest.Through {
			break
		}
		if err := do(rec); err != nil {
			return err
		}
		p.progress()
	}
	if n < p.Manifest.Through {
		return fmt.Errorf("%w: the trail's read model ends at %d, the sealed head at %d", ErrBehind, n, p.Manifest.Through)
	}
	return nil
}

// progressEvery is how many events pass between two words about the progress.
const progressEvery = 5000

func (p *Plan) progress() {
	if p.step.Done++; p.Progress != nil && p.step.Done%progressEvery == 0 {
		p.Progress(*p.step)
	}
}

func (p *Plan) events(ctx context.Context, w io.Writer) error {
	return p.each(ctx, func(rec events.Recorded) error {
		if p.Manifest.First == 0 {
			p.Manifest.First = int64(rec.Position)
		}
		p.Manifest.Last = int64(rec.Position)
		if _, err := w.Write(rec.Leaf); err != nil {
			return err
		}
		_, err := w.Write([]byte{'\n'})
		return err
	})
}

func (p *Plan) eventsCSV(ctx context.Context, w io.Writer) error {
	if _, err := w.Write(verify.CSVHeader()); err != nil {
		return err
	}
	var row []byte
	return p.each(ctx, func(rec events.Recorded) error {
		leaf, err := verify.ParseLeaf(rec.Leaf)
		if err != nil {
			return err
		}
		row = verify.AppendCSV(row[:0], leaf, rec.LeafHash)
		_, err = w.Write(row)
		return err
	})
}

// disclosures opens what was asked for. It reads the log itself, since read models
// keep no key, and only where something is disclosed.
func (p *Plan) disclosures(ctx context.Context, w io.Writer) error {
	if len(p.Disclose) == 0 || p.Manifest.Events == 0 {
		return nil
	}
	lines := json.NewEncoder(w)
	lines.SetEscapeHTML(false)
	for b, err := range p.Log.Blocks(ctx, events.Position(p.Manifest.First-1), false) {
		if err != nil {
			return err
		}
		if int64(b.First) > p.Manifest.Last {
			break
		}
		disclosed, err := b.Disclosures()
		if err != nil {
			return err
		}
		if len(disclosed) == 0 {
			continue
		}
		recs, err := b.Events()
		if err != nil {
			return err
		}
		for _, d := range disclosed {
			rec := recs[d.Position-b.First]
			line := int64(rec.TrailPosition) - p.Manifest.After
			if rec.Trail != p.trail() || line < 1 || line > p.Manifest.Events || !slices.Contains(p.Disclose, d.Field) {
				continue
			}
			if err := lines.Encode(verify.Disclosure{
				Line: line, Position: int64(d.Position), Field: d.Field, Value: d.Value, Nonce: hex.EncodeToString(d.Nonce[:]),
				Commits: verify.CommitmentOf(events.Commit(d.Nonce, d.Field, d.Value)),
			}); err != nil {
				return err
			}
		}
	}
	return nil
}

// reports makes all reports that need no more than the period, in one pass.
func (p *Plan) reports(ctx context.Context, z *zipper) ([]Table, error) {
	z.step.Entry = verify.ReportHTML
	which := slices.DeleteFunc(Kinds(), func(k Kind) bool { return k.OnDemand })
	tables, err := Reports(ctx, counting{p.Trails, p}, which, Request{
		Organization: p.Organization, From: p.From, To: p.To, Position: events.Position(p.closing.Epoch.Size),
	})
	if err != nil {
		return nil, fmt.Errorf("make the reports: %w", err)
	}
	return tables, nil
}

func (p *Plan) proofFiles() []file {
	e := p.evidence
	var files []file
	add := func(name string, content []byte) { files = append(files, file{name, bytesOf(content)}) }
	text := func(v interface{ MarshalText() ([]byte, error) }) []byte {
		b, _ := v.MarshalText() // hashes have no form that fails
		return b
	}
	bound := func(end verify.End, b merkle.Bound) {
		add(string(end)+verify.Checkpoint, b.Checkpoint)
		add(string(end)+verify.Epoch, b.Epoch)
		add(string(end)+verify.EpochProof, text(b.EpochProof))
		add(string(end)+verify.Head, b.Head)
		add(string(end)+verify.HeadProof, text(b.HeadProof))
	}
	if e.Opening != nil {
		bound(verify.Opening, *e.Opening)
	}
	bound(verify.Closing, e.Closing)
	add(verify.Consistency, text(e.Consistency))
	add(verify.Frontier, text(e.Frontier))
	add(verify.First, e.First)
	add(verify.FirstProof, text(e.FirstProof))
	return files
}

var readmeText = template.Must(template.New("readme").Funcs(template.FuncMap{"join": strings.Join}).Parse(`EVIDENCE PACK

Organization  {{.Organization}}
Period        {{.From.Format "2006-01-02T15:04:05.999999Z07:00"}} up to, and without, {{.To.Format "2006-01-02T15:04:05.999999Z07:00"}}
Events        {{.Events}}, numbers {{.After}} (exclusive) to {{.Through}} of the organization's trail
Checkpoint    {{.Checkpoint.Origin}}, size {{.Checkpoint.Size}}, root {{.Checkpoint.Root}}
Made by       {{.Generator}}
Query         {{.Query}}
Disclosed     {{if .Disclosed}}{{join .Disclosed ", "}}{{else}}no personal values{{end}}

HOW TO CHECK IT

Get the log's verifier key from somewhere other than this file: from the operator's web site, a contract,
or the command  tokenledger keys list --public . Then, without a network, either of

    tokenledger audit verify PACK --key KEY
    python3 verify.py PACK --key KEY

Both make the same checks. Exit code: 0 verified complete, 1 altered, 2 incomplete, 3 signature, 4 fork,
5 malformed, 6 all agrees but no key from elsewhere was given. verify.py is short enough to be read; if you
do not trust the copy in here, write your own from the documents named in its head.

WHAT IS IN IT

report.pdf, report.html   all reports of the period
events.jsonl              every event, exactly as it was recorded and hashed, a line each
events.csv                the same for spreadsheets; checked against the lines
disclosures.jsonl         personal values that were asked for, each with what its event committed to
proof/                    signed checkpoints, epochs, the organization's heads, proofs between them
keys/log.vkey             the log's keys, to compare with the one that you have
ocsf.jsonl                the events in the Open Cybersecurity Schema Framework
controls.csv              criterion, event types, counts
manifest.json, .note      what this is, the hash of every file, and the signature
run.json                  who made this file and when; the only part that is not the same each time

The events go from the epoch before the period to the epoch after it, so some lie outside of the period.

WHAT IT CANNOT SHOW

{{range .Limits}}- {{.}}
{{end}}`))

func (p *Plan) readme(_ context.Context, w io.Writer) error {
	return readmeText.Execute(w, p.Manifest)
}
