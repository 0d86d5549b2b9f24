// A log in memory, for what is asked of the handler alone.

package aggregate

import (
	"context"
	"iter"
	"sync"
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// memory is a [Log] for tests and examples. Its hooks run before the call.
type memory struct {
	mu           sync.Mutex // guards recorded and keys
	recorded     []events.Recorded
	keys         map[events.Key]events.Receipt
	beforeAppend func(r events.Request) error
}

func (m *memory) ReadStream(_ context.Context, id events.StreamID, after events.Version) iter.Seq2[events.Recorded, error] {
	return m.read(func(rec events.Recorded) bool { return rec.Stream == id && rec.Version > after })
}

func (m *memory) ReadAll(_ context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	return m.read(func(rec events.Recorded) bool { return rec.Position > after })
}

func (m *memory) read(want func(events.Recorded) bool) iter.Seq2[events.Recorded, error] {
	m.mu.Lock()
	defer m.mu.Unlock()
	var out []events.Recorded
	for _, rec := range m.recorded {
		if want(rec) {
			out = append(out, rec)
		}
	}
	return func(yield func(events.Recorded, error) bool) {
		for _, rec := range out {
			if !yield(rec, nil) {
				return
			}
		}
	}
}

func (m *memory) version(id events.StreamID) (v events.Version) {
	for _, rec := range m.recorded {
		if rec.Stream == id {
			v = rec.Version
		}
	}
	return v
}

func (m *memory) Append(_ context.Context, r events.Request) (events.Receipt, error) {
	if m.beforeAppend != nil {
		if err := m.beforeAppend(r); err != nil {
			return events.Receipt{}, err
		}
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, g := range r.Guards {
		if m.version(g.Stream) != g.Version {
			return events.Receipt{}, events.ErrConflict
		}
	}
	receipt := events.Receipt{RecordedAt: time.Now()}
	for _, b := range r.Batches {
		for _, e := range b.Events {
			rec := events.Recorded{
				Position: events.Position(len(m.recorded) + 1), Trail: b.Trail, Stream: b.Stream,
				Version: m.version(b.Stream) + 1, RecordedAt: receipt.RecordedAt, Meta: b.Meta, Event: e,
			}
			m.recorded = append(m.recorded, rec)
			receipt.Placed = append(receipt.Placed, events.Placed{
				Position: rec.Position, Stream: b.Stream, Version: rec.Version, Type: e.Type(),
			})
		}
	}
	if r.Once.Set() {
		if m.keys == nil {
			m.keys = map[events.Key]events.Receipt{}
		}
		m.keys[r.Once] = receipt
	}
	return receipt, nil
}

func (m *memory) Head(context.Context) (events.Position, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	return events.Position(len(m.recorded)), nil
}

func (m *memory) Replayed(_ context.Context, k events.Key) (events.Receipt, bool, error) {
	m.mu.Lock()
	defer m.mu.Unlock()
	r, found := m.keys[k]
	r.Replayed = found
	return r, found, nil
}
