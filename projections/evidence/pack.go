// The evidence pack: what is proven of one organization in a period, in one file that needs nothing else.

package evidence

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"
	"time"

	"github.com/google/uuid"
	"golang.org/x/mod/sumdb/note"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/eventstore/sealer"
	"github.com/tokenledger/tokenledger/projections/evidence/verify"
)

// Sealed is what is needed of what was sealed; a [sealer.Reader] is one.
type Sealed interface {
	Seal(ctx context.Context) (sealer.Sealed, error)
	AtOrBefore(ctx context.Context, t time.Time) (sealer.Sealed, error)
	AtOrAfter(ctx context.Context, t time.Time) (sealer.Sealed, error)
	Origin(s sealer.Sealed) string
	Bound(ctx context.Context, s sealer.Sealed, organization events.TrailID) (merkle.Bound, error)
	Consistency(ctx context.Context, older, newer sealer.Sealed) (merkle.Proof, error)
	Frontier(ctx context.Context, s sealer.Sealed, trail events.TrailID) (merkle.Frontier, error)
	TrailInclusion(ctx context.Context, s sealer.Sealed, trail events.TrailID, number events.Position) (merkle.Proof, error)
}

// Exporter makes packs.
type Exporter struct {
	Trails Source
	Log    Blocks // for disclosures only
	Sealed Sealed
	Signer func(origin string) (note.Signer, error)
	Keys   func(origin string) ([]string, error) // verifier keys, as texts
	// Generator names the program and its version.
	Generator string
	Now       func() time.Time // nil: time.Now
}

// Order is what a pack is asked for.
type Order struct {
	Organization uuid.UUID
	From, To     time.Time
	Disclose     []string // fields whose personal values are disclosed
	Operator     string   // who asks
	Progress     func(Step)
}

// Step tells how far an export is.
type Step struct {
	Entry       string // that is being written
	Done, Total int64  // events that were read and that there are to read, over all entries
}

// DisclosableFields are the fields that a pack can disclose.
func DisclosableFields() []string { return []string{"address", "agent", "email"} }

// What keeps a pack from being made.
var (
	// ErrNotSealedYet: the period ends after the last epoch; the error tells the latest possible time.
	ErrNotSealedYet = errors.New("the period ends after the last epoch")
	// ErrField: a field that holds no personal value of an organization's trail.
	ErrField = errors.New("no such field can be disclosed")
	// ErrBehind: the trail's read model does not hold all that was sealed.
	ErrBehind = errors.New("the read model of the trail has not caught up")
)

// Plan is a pack that can be written: everything but its events is at hand.
type Plan struct {
	Exporter
	Order
	Manifest verify.Manifest
	Bytes    int64 // about how long the pack will be
	evidence merkle.Evidence
	closing  sealer.Sealed
	keys     []string
	signer   note.Signer
	step     *Step // how far Write is
}

// Plan seals what there is, chooses the epochs that enclose the period, and
// collects the proof.
func (e Exporter) Plan(ctx context.Context, o Order) (*Plan, error) {
	o.From, o.To = micros(o.From), micros(o.To)
	if !o.From.Before(o.To) {
		return nil, ErrPeriod
	}
	for _, field := range o.Disclose {
		if !slices.Contains(DisclosableFields(), field) {
			return nil, fmt.Errorf("%q: %w", field, ErrField)
		}
	}
	o.Disclose = slices.Compact(slices.Sorted(slices.Values(o.Disclose)))
	last, err := e.Sealed.Seal(ctx)
	if err != nil {
		return nil, fmt.Errorf("seal the log: %w", err)
	}
	p := &Plan{Exporter: e, Order: o}
	if p.closing, err = e.Sealed.AtOrAfter(ctx, o.To); errors.Is(err, sealer.ErrNotSealed) {
		return nil, fmt.Errorf("%w: the latest possible end is %s", ErrNotSealedYet, last.Epoch.Time.Format(timeLayout))
	} else if err != nil {
		return nil, err
	}
	if err := p.prove(ctx); err != nil {
		return nil, fmt.Errorf("collect the proof: %w", err)
	}
	if err := p.reachable(ctx); err != nil {
		return nil, fmt.Errorf("disclose personal values: %w", err)
	}
	return p, p.sign()
}

// reachable finds out, before anything is written, whether the personal values that are to be
// disclosed can be read: they stand beside the log's blocks, which may be archived.
func (p *Plan) reachable(ctx context.Context) error {
	if len(p.Disclose) == 0 || p.Manifest.Events == 0 {
		return nil
	}
	for rec, err := range p.Trails.Trail(ctx, p.trail(), events.Position(p.Manifest.After), 0) {
		if err != nil {
			return err
		}
		for _, err := range p.Log.Blocks(ctx, rec.Position-1, false) {
			return err
		}
	}
	return nil
}

func (p *Plan) trail() events.TrailID { return events.OrganizationTrail(p.Organization) }

// prove collects both ends, the frontier and the first event.
func (p *Plan) prove(ctx context.Context) (err error) {
	e := merkle.Evidence{Start: p.From, End: p.To}
	opening, err := p.Sealed.AtOrBefore(ctx, p.From)
	switch {
	case errors.Is(err, sealer.ErrNotSealed): // the log is younger than the period
	case err != nil:
		return err
	default:
		bound, err := p.Sealed.Bound(ctx, opening, p.trail())
		if err != nil {
			return err
		}
		e.Opening = &bound
		if e.Consistency, err = p.Sealed.Consistency(ctx, opening, p.closing); err != nil {
			return err
		}
		if e.Frontier, err = p.Sealed.Frontier(ctx, opening, p.trail()); err != nil {
			return err
		}
	}
	if e.Closing, err = p.Sealed.Bound(ctx, p.closing, p.trail()); err != nil {
		return err
	}
	if len(e.Closing.Head) == 0 {
		return ErrTooEarly
	}
	if e.FirstProof, err = p.Sealed.TrailInclusion(ctx, p.closing, p.trail(), 1); err != nil {
		return err
	}
	for rec, err := range p.Trails.Trail(ctx, p.trail(), 0, 0) {
		if err != nil {
			return err
		}
		e.First = rec.Leaf
		break
	}
	if e.First == nil {
		return ErrBehind
	}
	p.evidence = e
	return p.describe()
}

// describe fills in what the manifest says before the files are known.
func (p *Plan) describe() error {
	head, err := merkle.ParseHead(p.evidence.Closing.Head)
	if err != nil {
		return err
	}
	checkpoint := p.Sealed.Origin(p.closing)
	m := &p.Manifest
	*m = verify.Manifest{
		Format: verify.Format, Generator: p.Generator, Organization: p.Organization.String(), Query: p.query(),
		From: p.From, To: p.To, Disclosed: append([]string{}, p.Disclose...),
		After: p.evidence.Frontier.Size(), Through: head.Size, Events: head.Size - p.evidence.Frontier.Size(), Limits: packLimits,
	}
	m.Checkpoint.Origin, m.Checkpoint.Size = checkpoint, p.closing.Size()
	if p.keys, err = p.Keys(checkpoint); err != nil {
		return err
	}
	opened, err := openAs(p.closing.Checkpoint, p.keys)
	if err != nil {
		return err
	}
	m.Checkpoint.Root = opened.Root.String()
	p.Bytes = m.Events*1400 + 200_000 // two lines and a row for an event
	return nil
}

func openAs(checkpoint []byte, keys []string) (merkle.Checkpoint, error) {
	verifiers, err := merkle.ParseKeys(keys...)
	if err != nil {
		return merkle.Checkpoint{}, err
	}
	return merkle.OpenCheckpoint(checkpoint, verifiers...)
}

func (p *Plan) sign() (err error) {
	p.signer, err = p.Signer(p.Manifest.Checkpoint.Origin)
	return err
}

// query is the question that the pack answers, as a command.
func (p *Plan) query() string {
	q := fmt.Sprintf("tokenledger audit export --organization %s --from %s --to %s", p.Organization,
		p.From.Format(time.RFC3339Nano), p.To.Format(time.RFC3339Nano))
	if len(p.Disclose) > 0 {
		q += " --disclose " + strings.Join(p.Disclose, ",")
	}
	return q
}

// packLimits is what no pack can know.
var packLimits = []string{
	"It proves that the record of this organization is unchanged and complete since it was appended; not that every action in the world was recorded.",
	"An event that was left out from the start by whoever holds the signing key leaves no trace in the log.",
	"Events of the last second before an epoch are sealed by the next one; the period ends at a sealed epoch.",
	"Whoever holds the signing key can sign a second history for another reader; witnesses and the published checkpoints detect that, this file alone does not.",
	"Personal values are commitments; those that the manifest names as disclosed stand in disclosures.jsonl, unless their subject was erased.",
	"report.html and report.pdf are computed from the events; recompute what matters from events.jsonl.",
}

// Write writes the pack. It reads the trail once for each file that is made of
// all events and holds none of them, so its memory does not grow with their number.
func (p *Plan) Write(ctx context.Context, w io.Writer) error {
	z := &zipper{plan: p}
	z.begin(w)
	tables, err := p.reports(ctx, z)
	if err != nil {
		return err
	}
	rendered := func(f Form) func(context.Context, io.Writer) error {
		return func(_ context.Context, w io.Writer) error { return Render(w, f, tables...) }
	}
	files := []file{
		{verify.Readme, p.readme},
		{verify.ReportPDF, rendered(PDF)},
		{verify.ReportHTML, rendered(HTML)},
		{verify.Events, p.events},
		{verify.EventsCSV, p.eventsCSV},
		{verify.Disclosures, p.disclosures},
	}
	files = append(files, p.proofFiles()...)
	files = append(files,
		file{verify.Keys, bytesOf([]byte(strings.Join(p.keys, "\n") + "\n"))},
		file{verify.OCSF, p.ocsf}, file{verify.Controls, p.controls}, file{verify.Script, bytesOf(verify.Program)})
	for _, f := range files {
		if err := z.add(ctx, f.name, f.write); err != nil {
			return err
		}
	}
	return z.finish(ctx)
}

// Position is the last event of the log under the closing checkpoint: the read
// model of trails has to be so far before [Plan.Write].
func (p *Plan) Position() events.Position { return events.Position(p.closing.Epoch.Size) }
