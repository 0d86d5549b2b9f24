// The leaves of the log of epochs: what the whole ledger was at one moment.

package merkle

import (
	"fmt"
	"strconv"
	"time"
)

// Epoch is one record of the log of epochs: record n is its leaf n.
type Epoch struct {
	Number        int64
	Time          time.Time   // of the database, read together with the head; UTC, whole microseconds
	Size          int64       // of the events tree, which is the position of its last event
	Root          Hash        // of the events tree
	Organizations int64       // leaves of the heads tree
	Heads         Hash        // root of the heads tree
	Continues     *Checkpoint // in record 0 only: the last checkpoint of the log that a restore replaced
}

// Line writes the record in its canonical form, one line of JSON without the line break. These
// bytes are the leaf.
func (e Epoch) Line() ([]byte, error) {
	if err := e.check(); err != nil {
		return nil, fmt.Errorf("epoch %d: %w", e.Number, err)
	}
	b := append(make([]byte, 0, 256), `{"v":1,"epoch":`...)
	b = strconv.AppendInt(b, e.Number, 10)
	b = append(b, `,"time":"`...)
	b = e.Time.UTC().AppendFormat(b, timeLayout)
	b = append(b, `","size":`...)
	b = strconv.AppendInt(b, e.Size, 10)
	b = append(b, `,"root":"`...)
	b = appendHash(b, e.Root)
	b = append(b, `","organizations":`...)
	b = strconv.AppendInt(b, e.Organizations, 10)
	b = append(b, `,"heads":"`...)
	b = append(appendHash(b, e.Heads), '"')
	if e.Continues != nil {
		b = append(b, `,"continues":{"origin":"`...)
		b = append(b, e.Continues.Origin...)
		b = append(b, `","size":`...)
		b = strconv.AppendInt(b, e.Continues.Size, 10)
		b = append(b, `,"root":"`...)
		b = append(appendHash(b, e.Continues.Root), `"}`...)
	}
	return append(b, '}'), nil
}

// ParseEpoch reads a canonical line. The error wraps [ErrMalformed].
func ParseEpoch(line []byte) (Epoch, error) {
	r := reader{rest: line}
	var e Epoch
	r.literal(`{"v":1,"epoch":`)
	e.Number = r.size()
	r.literal(`,"time":"`)
	e.Time = r.time()
	r.literal(`","size":`)
	e.Size = r.size()
	r.literal(`,"root":"`)
	e.Root = r.hash()
	r.literal(`","organizations":`)
	e.Organizations = r.size()
	r.literal(`,"heads":"`)
	e.Heads = r.hash()
	r.literal(`"`)
	if r.has(`,"continues":{"origin":"`) {
		e.Continues = new(Checkpoint)
		e.Continues.Origin = r.name()
		r.literal(`","size":`)
		e.Continues.Size = r.size()
		r.literal(`,"root":"`)
		e.Continues.Root = r.hash()
		r.literal(`"}`)
	}
	r.literal(`}`)
	if err := r.end("epoch record"); err != nil {
		return Epoch{}, err
	}
	if err := e.check(); err != nil {
		return Epoch{}, fmt.Errorf("epoch record %d: %w: %w", e.Number, ErrMalformed, err)
	}
	return e, nil
}

func (e Epoch) check() error {
	if year := e.Time.UTC().Year(); year < 1 || year > 9999 || e.Time.Nanosecond()%1000 != 0 {
		return fmt.Errorf("%v is no time in whole microseconds", e.Time)
	}
	for _, n := range []int64{e.Number, e.Size, e.Organizations} {
		if n < 0 || n > MaxSize {
			return fmt.Errorf("%d is out of range", n)
		}
	}
	if (e.Size == 0) != (e.Root == EmptyRoot) || (e.Organizations == 0) != (e.Heads == EmptyRoot) {
		return fmt.Errorf("the root of an empty tree goes with size 0 and with no other")
	}
	if e.Continues == nil {
		return nil
	}
	if e.Number != 0 {
		return fmt.Errorf("only the first record can continue another log")
	}
	return e.Continues.check()
}
