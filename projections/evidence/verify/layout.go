// What stands in a pack, under which name and in which order.

package verify

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"golang.org/x/mod/sumdb/note"
)

// The entries of a pack.
const (
	Readme      = "README.txt"
	ReportPDF   = "report.pdf"
	ReportHTML  = "report.html"
	Events      = "events.jsonl"
	EventsCSV   = "events.csv"
	Disclosures = "disclosures.jsonl"
	OCSF        = "ocsf.jsonl"
	Controls    = "controls.csv"
	Script      = "verify.py"
	Keys        = "keys/log.vkey"
	ManifestAt  = "manifest.json"
	ManifestSig = "manifest.note"
	Run         = "run.json"

	Consistency = "proof/consistency"
	Frontier    = "proof/frontier"
	First       = "proof/first.leaf"
	FirstProof  = "proof/first.proof"
)

// End is one end of the proof, which has five files.
type End string

// The ends. A pack that begins with the organization has no opening.
const (
	Opening End = "proof/opening"
	Closing End = "proof/closing"
)

// The files of an end.
const (
	Checkpoint = ".checkpoint"
	Epoch      = ".epoch"
	EpochProof = ".epoch.proof"
	Head       = ".head"
	HeadProof  = ".head.proof"
)

// Order is every entry in the order in which a pack has them. Those of the opening
// are left out together; nothing else is.
func Order() []string {
	names := []string{Readme, ReportPDF, ReportHTML, Events, EventsCSV, Disclosures}
	for _, end := range []End{Opening, Closing} {
		for _, part := range []string{Checkpoint, Epoch, EpochProof, Head, HeadProof} {
			names = append(names, string(end)+part)
		}
	}
	return append(names, Consistency, Frontier, First, FirstProof, Keys, OCSF, Controls, Script, ManifestAt, ManifestSig, Run)
}

// Program is verify.py: the same checks in Python's standard library.
//
//go:embed verify.py
var Program []byte

// Format names the layout that this package reads.
const Format = "tokenledger evidence pack 1"

// Manifest says what the pack is. It is signed by the log's key.
type Manifest struct {
	Format       string    `json:"format"`
	Generator    string    `json:"generator"`
	Organization string    `json:"organization"`
	Query        string    `json:"query"`
	From         time.Time `json:"from"`
	To           time.Time `json:"to"`
	Disclosed    []string  `json:"disclosed"` // the fields whose values are disclosed
	Events       int64     `json:"events"`    // lines of events.jsonl
	After        int64     `json:"after"`     // trail positions: the events after the one, up to the other
	Through      int64     `json:"through"`
	First        int64     `json:"first_position"` // positions in the log; 0: there is no event
	Last         int64     `json:"last_position"`
	Checkpoint   struct {
		Origin string `json:"origin"`
		Size   int64  `json:"size"`
		Root   string `json:"root"`
	} `json:"checkpoint"`
	Files  []File   `json:"files"` // all but the manifest, its signature and run.json
	Limits []string `json:"limits"`
}

// File is one entry and its content's hash.
type File struct {
	Name   string `json:"name"`
	Size   int64  `json:"size"`
	SHA256 string `json:"sha256"` // hexadecimal
}

// JSON is the manifest as it stands in the pack.
func (m Manifest) JSON() ([]byte, error) {
	text, err := json.MarshalIndent(m, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the manifest: %w", err)
	}
	return append(text, '\n'), nil
}

// SignManifest signs the manifest's bytes by their hash. The text cannot be taken
// for a checkpoint, whose first line is the name of a log.
func SignManifest(manifest []byte, signer note.Signer) ([]byte, error) {
	signed, err := note.Sign(&note.Note{Text: manifestText(manifest)}, signer)
	if err != nil {
		return nil, fmt.Errorf("sign the manifest: %w", err)
	}
	return signed, nil
}

func manifestText(manifest []byte) string {
	return fmt.Sprintf("evidence pack manifest\nsha256 %s\n", HexSum(manifest))
}

var errManifestSignature = errors.New("the manifest is not the one that was signed")

// openManifest checks the manifest's signature.
func openManifest(manifest, signed []byte, keys []note.Verifier) error {
	opened, err := note.Open(signed, note.VerifierList(keys...))
	if err != nil {
		return fmt.Errorf("%w: %w", errManifestSignature, err)
	}
	if opened.Text != manifestText(manifest) {
		return errManifestSignature
	}
	return nil
}

// readManifest refuses what this package would not write: a second spelling of
// the same manifest could say something else to another reader.
func readManifest(text []byte) (Manifest, error) {
	var m Manifest
	decoder := json.NewDecoder(strings.NewReader(string(text)))
	decoder.DisallowUnknownFields()
	if err := decoder.Decode(&m); err != nil {
		return m, fmt.Errorf("the manifest: %w", err)
	}
	if again, err := m.JSON(); err != nil || string(again) != string(text) {
		return m, errors.New("the manifest is not in the form in which it is written")
	}
	if m.Format != Format {
		return m, fmt.Errorf("the pack has the format %q; this program reads %q", m.Format, Format)
	}
	return m, nil
}
