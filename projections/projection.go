// What a read model is to the engine, and how the tables of its generations are named.

package projections

import (
	"context"
	"errors"
	"fmt"
	"iter"
	"regexp"

	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// Projection is one read model: a fold of the log into tables.
//
// It keeps nothing in memory between two runs, and what it writes depends on
// the events alone, never on how they are cut into runs: a rebuild yields the
// same rows.
type Projection interface {
	// Name is of lower-case letters and begins the name of every table.
	Name() string
	// Revision grows by one with every change of the tables or of what stands in them.
	Revision() int
	// Schema makes the tables, all of them named by t.
	Schema(ctx context.Context, tx pgx.Tx, t Tables) error
	// Apply folds a run of events, gapless and in order, into the tables. An
	// error undoes the run.
	Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error
}

// Verbatim is a [Projection] that does not look into events and so takes those
// that this program has no type for. All others stop at one.
type Verbatim interface {
	Projection
	Verbatim()
}

// Source is what the engine needs of the log.
type Source interface {
	// Blocks yields the blocks with events after the position, in order and
	// without a gap; with follow it waits at the head, else it ends there.
	Blocks(ctx context.Context, after events.Position, follow bool) iter.Seq2[*eventstore.Block, error]
	// Head is the position of the last event.
	Head(ctx context.Context) (events.Position, error)
}

// Tables names the tables of one generation of a projection: a revision, which
// the program gives, and a build, which counts how often it was made.
type Tables struct {
	Projection string
	Revision   int
	Build      int
}

// Name is the table's own name, for example usage_hours_r1b2. Readers use the
// view that has the name without the suffix and follows the active generation.
func (t Tables) Name(part string) string {
	return t.base(part) + t.suffix()
}

func (t Tables) base(part string) string {
	if part == "" {
		return t.Projection
	}
	return t.Projection + "_" + part
}

func (t Tables) suffix() string { return fmt.Sprintf("_r%db%d", t.Revision, t.Build) }

var (
	// ErrStale: the read models have not reached a position in time.
	ErrStale = errors.New("the read models have not caught up")
	// ErrUnknownEvent: the log holds an event that this program has no type for.
	ErrUnknownEvent = errors.New("a newer program wrote this event; this one cannot apply it")
	// ErrUnknownProjection: no projection of this program has the name.
	ErrUnknownProjection = errors.New("no projection of that name")
)

var projectionName = regexp.MustCompile(`^[a-z]{1,24}$`)

// All are the read models that [Views] asks, for [RunnerConfig].
func All() []Projection {
	return []Projection{tokens{}, directory{}, identities{}, usage{}, trails{}, deadlines{}, findings{}, webhooks{}}
}
