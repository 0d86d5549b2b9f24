// Disclosures: personal values, each shown to be the one that its event committed to.

package verify

import (
	"bufio"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// Disclosure is one line of disclosures.jsonl: the value of one field of one
// event, and the nonce that its commitment was made with.
type Disclosure struct {
	Line     int64  `json:"line"` // of events.jsonl
	Position int64  `json:"position"`
	Field    string `json:"field"`
	Value    string `json:"value"`
	Nonce    string `json:"nonce"`      // hexadecimal
	Commits  string `json:"commitment"` // as it stands in the event's data
}

// commitment is HMAC-SHA-256(nonce, field ‖ 0x00 ‖ value) in base64url, as in leaves.
func (d Disclosure) commitment() (string, error) {
	nonce, err := hex.DecodeString(d.Nonce)
	if err != nil || len(nonce) != sha256.Size {
		return "", errors.New("the nonce is not 32 bytes in hexadecimal")
	}
	mac := hmac.New(sha256.New, nonce)
	mac.Write([]byte(d.Field))
	mac.Write([]byte{0})
	mac.Write([]byte(d.Value))
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// disclosures walks through both files: disclosures stand in the order of events.
func (p *pack) disclosures() error {
	r, err := p.open(Disclosures)
	if err != nil {
		return err
	}
	lines := bufio.NewReaderSize(r, maxRow)
	events := &lineReader{pack: p}
	defer events.close()
	for n := int64(1); ; n++ {
		line, err := lines.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		var d Disclosure
		if err == nil {
			err = json.Unmarshal(line, &d)
		}
		if err != nil {
			return failf(merkle.Malformed, "%s, line %d: %w", Disclosures, n, err)
		}
		if err := p.disclosed(d, events); err != nil {
			return err
		}
		p.result.Disclosed++
	}
	if err := r.done(); err != nil {
		return failf(merkle.Malformed, "%s: %w", Disclosures, err)
	}
	return nil
}

func (p *pack) disclosed(d Disclosure, events *lineReader) error {
	altered := func(format string, args ...any) error {
		return &merkle.Failure{Verdict: merkle.Altered, Line: d.Line, Err: fmt.Errorf("disclosure of %s: "+format, append([]any{d.Field}, args...)...)}
	}
	line, err := events.at(d.Line)
	if err != nil {
		return failf(merkle.Malformed, "%s: %w", Disclosures, err)
	}
	leaf, err := ParseLeaf(line)
	if err != nil || leaf.Position != d.Position {
		return altered("position %d does not stand there", d.Position)
	}
	var data map[string]json.RawMessage
	var commits string
	if json.Unmarshal(leaf.Data, &data) != nil || json.Unmarshal(data[d.Field], &commits) != nil || commits != d.Commits {
		return altered("the event has another commitment")
	}
	if made, err := d.commitment(); err != nil || made != d.Commits {
		return altered("the value is not the one that the event committed to")
	}
	return nil
}

// lineReader goes forward through events.jsonl.
type lineReader struct {
	pack *pack
	file *entry
	in   *bufio.Reader
	n    int64
	line []byte
}

func (r *lineReader) at(line int64) ([]byte, error) {
	if r.file == nil {
		f, err := r.pack.open(Events)
		if err != nil {
			return nil, err
		}
		r.file, r.in = f, bufio.NewReaderSize(f, maxLine+1)
	}
	if line < r.n || line < 1 {
		return nil, errors.New("the lines are not in the order of the events")
	}
	for r.n < line {
		text, err := r.in.ReadSlice('\n')
		if err != nil {
			return nil, fmt.Errorf("there is no line %d of %s", line, Events)
		}
		r.n, r.line = r.n+1, text[:len(text)-1]
	}
	return r.line, nil
}

func (r *lineReader) close() {
	if r.file != nil {
		_ = r.file.file.Close()
	}
}

// CommitmentOf is a commitment as it stands in an event's data.
func CommitmentOf(c [32]byte) string { return base64.RawURLEncoding.EncodeToString(c[:]) }
