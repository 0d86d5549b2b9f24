// The events of a pack: their lines, and the table that has to say the same.

package verify

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"io"
	"iter"

	"github.com/tokenledger/tokenledger/eventstore/merkle"
)

// leaves reads events.jsonl and, in step with it, events.csv.
func (p *pack) leaves() iter.Seq2[merkle.Leaf, error] {
	return func(yield func(merkle.Leaf, error) bool) {
		if err := p.eachLeaf(func(l merkle.Leaf) bool { return yield(l, nil) }); err != nil {
			yield(merkle.Leaf{Line: p.failedLine(err)}, err)
		}
	}
}

func (p *pack) failedLine(err error) int64 {
	if f := (*merkle.Failure)(nil); errors.As(err, &f) {
		return f.Line
	}
	return 0
}

func (p *pack) eachLeaf(yield func(merkle.Leaf) bool) error {
	lines, err := p.open(Events)
	if err != nil {
		return err
	}
	rows, err := p.open(EventsCSV)
	if err != nil {
		return err
	}
	in, table := bufio.NewReaderSize(lines, maxLine+1), newRows(rows)
	if header, err := table.next(); err != nil || !bytes.Equal(header, CSVHeader()) {
		p.differs(0, 0)
	}
	var want []byte
	for n := int64(1); ; n++ {
		line, err := in.ReadSlice('\n')
		if errors.Is(err, io.EOF) && len(line) == 0 {
			break
		}
		if err != nil {
			return &merkle.Failure{Verdict: merkle.Malformed, Line: n, Err: fmt.Errorf("%s: a line without an end, or too long: %w", Events, err)}
		}
		line = line[:len(line)-1]
		leaf, err := ParseLeaf(line)
		if err != nil {
			return &merkle.Failure{Verdict: merkle.Malformed, Line: n, Err: err}
		}
		row, _ := table.next()
		hash := merkle.LeafHash(line)
		if want = AppendCSV(want[:0], leaf, hash); !bytes.Equal(row, want) {
			p.differs(n, leaf.TrailPosition)
		}
		if !yield(merkle.Leaf{Line: n, TrailPosition: leaf.TrailPosition, Bytes: line, Listed: listedHash(row)}) {
			return nil
		}
		if p.options.Progress != nil && n%10_000 == 0 {
			p.options.Progress(n)
		}
	}
	if more, _ := table.next(); len(more) > 0 {
		p.differs(p.result.Manifest.Events+1, 0)
	}
	_, _ = io.Copy(io.Discard, lines)
	_, _ = io.Copy(io.Discard, rows)
	if err := lines.done(); err != nil {
		return err
	}
	return rows.done()
}

func (p *pack) differs(line, position int64) {
	if p.strange == nil {
		p.strange = &merkle.Failure{
			Verdict: merkle.Altered, Line: line, TrailPosition: position,
			Err: errors.New("events.csv does not say what the event's line says"),
		}
	}
}

// rows reads events.csv row by row: a row ends with a line break outside of quotes.
type rows struct {
	in  *bufio.Reader
	row []byte
}

func newRows(r io.Reader) *rows { return &rows{in: bufio.NewReaderSize(r, 64<<10)} }

const maxRow = 4 * maxLine

func (r *rows) next() ([]byte, error) {
	r.row = r.row[:0]
	for {
		part, err := r.in.ReadSlice('\n')
		r.row = append(r.row, part...)
		if errors.Is(err, bufio.ErrBufferFull) && len(r.row) < maxRow {
			continue
		}
		if err != nil {
			return r.row, err
		}
		if bytes.Count(r.row, []byte{'"'})%2 == 0 || len(r.row) >= maxRow {
			return r.row, nil
		}
	}
}
