// The log against a model of it: whatever is asked in whatever order, of one
// process or of two, is answered and recorded as a few maps say.

package eventstore_test

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
	"github.com/tokenledger/tokenledger/eventstore/keyring"
)

// model is what should be known of a log.
type model struct {
	head    events.Position
	trails  map[events.TrailID]events.Position
	streams map[events.StreamID]modelStream
	answers map[string]events.Receipt
	hashes  map[string][32]byte
	placed  []events.Placed
}

type modelStream struct {
	version events.Version
	gate    events.Gate
}

// append says what the log will answer, and changes the model accordingly.
func (m *model) append(r events.Request) (events.Receipt, error) {
	key := r.Once.Caller + " " + r.Once.Key
	if before, ok := m.answers[key]; ok && r.Once.Set() {
		if m.hashes[key] != r.Once.Hash {
			return events.Receipt{}, events.ErrKeyReused
		}
		before.Replayed = true
		return before, nil
	}
	now := time.Now()
	if !r.NotAfter.IsZero() && now.After(r.NotAfter) {
		return events.Receipt{}, events.ErrTooLate
	}
	for _, g := range r.Guards {
		s := m.streams[g.Stream]
		if !g.Open && s.version != g.Version {
			return events.Receipt{}, events.ErrConflict
		}
		if g.Open && (s.version == 0 || !s.gate.OpenAt(now)) {
			return events.Receipt{}, events.ErrGateClosed
		}
	}
	receipt := m.place(r)
	if r.Once.Set() {
		m.answers[key], m.hashes[key] = receipt, r.Once.Hash
	}
	return receipt, nil
}

func (m *model) place(r events.Request) (receipt events.Receipt) {
	for _, b := range r.Batches {
		for _, e := range b.Events {
			m.head++
			m.trails[b.Trail]++
			p := events.Placed{Position: m.head, TrailPosition: m.trails[b.Trail], Stream: b.Stream, Type: e.Type()}
			if kind, _ := events.KindOf(e.Type()); !kind.Observation {
				s := m.streams[b.Stream]
				s.version++
				if gate, changed := events.GateAfter(e); changed {
					s.gate = gate
				}
				m.streams[b.Stream] = s
				p.Version = s.version
			}
			receipt.Placed = append(receipt.Placed, p)
			m.placed = append(m.placed, p)
		}
	}
	return receipt
}

func TestLogIsWhatTheModelSays(t *testing.T) {
	t.Parallel()
	c := eventstore.Config{URL: eventstoretest.Postgres(t), Keys: keyring.Generate()}
	logs := []*eventstore.Log{eventstoretest.Start(t, c), eventstoretest.Start(t, c)}
	m := &model{
		trails: map[events.TrailID]events.Position{}, streams: map[events.StreamID]modelStream{},
		answers: map[string]events.Receipt{}, hashes: map[string][32]byte{},
	}
	rapid.Check(t, func(rt *rapid.T) {
		orgs := []uuid.UUID{uuid.New(), uuid.New()}
		tokens := make([]eventstoretest.Token, 4)
		for i := range tokens {
			tokens[i] = eventstoretest.NewToken(orgs[i%2])
		}
		start := m.head
		for range rapid.IntRange(5, 30).Draw(rt, "requests") {
			r := drawRequest(rt, m, tokens)
			want, wantErr := m.append(r)
			log := rapid.SampledFrom(logs).Draw(rt, "log")
			got, err := log.Append(t.Context(), r)
			if !errors.Is(err, wantErr) || (err == nil) != (wantErr == nil) {
				rt.Fatalf("%+v: %v, want %v", r, err, wantErr)
			}
			if got.Replayed != want.Replayed || !samePlaces(got.Placed, want.Placed) {
				rt.Fatalf("%+v: %+v, want %+v", r, got, want)
			}
		}
		reader := rapid.SampledFrom(logs).Draw(rt, "reader")
		var read []events.Placed
		for r, err := range reader.ReadAll(t.Context(), start) {
			if err != nil {
				rt.Fatal(err)
			}
			read = append(read, events.Placed{
				Position: r.Position, TrailPosition: r.TrailPosition, Stream: r.Stream, Version: r.Version, Type: r.Event.Type(),
			})
		}
		if !samePlaces(read, m.placed[start:]) {
			rt.Fatalf("the log has %+v, want %+v", read, m.placed[start:])
		}
	})
}

// samePlaces compares all but the hashes, which the model does not know.
func samePlaces(a, b []events.Placed) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		a, b := a[i], b[i]
		a.LeafHash, b.LeafHash = [32]byte{}, [32]byte{}
		if a != b {
			return false
		}
	}
	return true
}

// drawRequest is a request about some tokens, with guards that are right or nearly so.
func drawRequest(rt *rapid.T, m *model, tokens []eventstoretest.Token) events.Request {
	var r events.Request
	for range rapid.IntRange(0, 3).Draw(rt, "batches") {
		k := rapid.SampledFrom(tokens).Draw(rt, "token")
		var list []events.Event
		for range rapid.IntRange(1, 3).Draw(rt, "events") {
			list = append(list, drawEvent(rt, k))
		}
		r.Batches = append(r.Batches, k.Batch(list...))
	}
	for range rapid.IntRange(0, 2).Draw(rt, "guards") {
		stream := rapid.SampledFrom(tokens).Draw(rt, "guarded").Stream()
		if rapid.Bool().Draw(rt, "open") {
			r.Guards = append(r.Guards, events.Open(stream))
			continue
		}
		off := rapid.SampledFrom([]events.Version{0, 0, 0, 1, -1}).Draw(rt, "off")
		r.Guards = append(r.Guards, events.AtVersion(stream, max(0, m.streams[stream].version+off)))
	}
	if rapid.IntRange(0, 3).Draw(rt, "keyed") == 0 {
		key := fmt.Sprint(tokens[0].ID, rapid.IntRange(1, 3).Draw(rt, "key"))
		r.Once = events.Key{Caller: "model", Key: key, Hash: [32]byte{rapid.Byte().Draw(rt, "hash") % 2}}
	}
	r.NotAfter = rapid.SampledFrom([]time.Time{{}, {}, time.Now().Add(time.Hour), time.Now().Add(-time.Hour)}).Draw(rt, "not after")
	return r
}

func drawEvent(rt *rapid.T, k eventstoretest.Token) events.Event {
	return rapid.SampledFrom([]events.Event{
		k.Created(),
		events.TokenRenamed{Name: "name"},
		events.TokenUsed{Action: "createRisk"},
		events.TokenUseRefused{Code: "EXPIRED", Count: 3},
		events.TokenSourceSeen{Address: events.Personal{Subject: events.OrganizationStream(k.Organization), Value: "192.0.2.1"}},
		events.TokenSuspended{},
		events.TokenSuspended{Until: time.Now().Add(time.Hour)},
		events.TokenSuspended{Until: time.Now().Add(-time.Hour)},
		events.TokenResumed{},
		events.TokenRevoked{},
	}).Draw(rt, "event")
}
