// The decider: the rules of one kind of stream, as two pure functions.

package aggregate

import (
	"time"

	"github.com/tokenledger/tokenledger/events"
)

// Decider holds the rules of one kind of stream. The zero state is a thing that
// does not exist; time is an argument.
//
// Decide answers with the events that the command leads to, none where it
// would change nothing, or with a [Refusal]. Evolve accepts every event of its
// kind, cannot fail, and leaves the state that it is given as it was: slices
// and maps are replaced, never written to.
type Decider[S, C any, E events.Event] struct {
	Kind   events.StreamKind
	Decide func(s S, c C, now time.Time) ([]E, error)
	Evolve func(s S, e E) S
}

// of is the state after what was recorded of a stream of this kind.
func (d Decider[S, C, E]) of(history []events.Recorded) (s S) {
	for _, rec := range history {
		if e, ok := rec.Event.(E); ok {
			s = d.Evolve(s, e)
		}
	}
	return s
}

// Fold is the state after these events.
func (d Decider[S, C, E]) Fold(s S, es ...E) S {
	for _, e := range es {
		s = d.Evolve(s, e)
	}
	return s
}
