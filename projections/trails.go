// The projection trails: every trail's leaves, byte for byte, in segments with an index of what is in them.
//
// A timeline or an export of one organization reads its segments and never the
// rest of the log. A segment says which tokens, actors and types it holds, so a
// narrow question skips those that cannot answer it.

package projections

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type trails struct{}

// Name implements [Projection].
func (trails) Name() string { return "trails" }

// Revision implements [Projection].
func (trails) Revision() int { return 2 }

// Verbatim implements [Verbatim].
func (trails) Verbatim() {}

// The sizes of a segment, in bytes of leaves. What comes to a trail whose last
// segment is a small one is added to it; so a quiet trail has few rows, and what
// is written again with an event stays little.
const (
	maxSegment   = 64 << 10
	smallSegment = 16 << 10
)

const trailsDDL = `
CREATE TABLE %[1]s (
	trail          text COLLATE "C" NOT NULL,
	first          bigint NOT NULL,
	last           bigint NOT NULL,
	first_position bigint NOT NULL,
	last_position  bigint NOT NULL,
	first_at       timestamptz NOT NULL,
	last_at        timestamptz NOT NULL,
	tokens         uuid[] NOT NULL,
	actors         text[] NOT NULL,
	types          text[] NOT NULL,
	leaves         bytea NOT NULL,
	PRIMARY KEY (trail, first)
);
CREATE INDEX ON %[1]s (trail, last_position);
CREATE INDEX ON %[1]s USING gin (tokens);
DO $$ BEGIN
	ALTER TABLE %[1]s ALTER COLUMN leaves SET COMPRESSION lz4;
EXCEPTION WHEN feature_not_supported THEN
	NULL; -- this server was built without lz4; pglz takes most of the time of a rebuild
END $$;`

// Schema implements [Projection].
func (trails) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(trailsDDL, t.Name("segments")))
	return err
}

// segment is a stretch of one trail.
type segment struct {
	Trail         string
	First         int64 // trail positions
	Last          int64
	FirstPosition int64 // positions in the log
	LastPosition  int64
	FirstAt       time.Time
	LastAt        time.Time
	Tokens        []uuid.UUID
	Actors        []string
	Types         []string
	Leaves        []byte // each ended by a newline

	known map[string]bool // what stands in the three lists, while events are added
}

const (
	segmentHead    = `trail, first, last, first_position, last_position, first_at, last_at, tokens, actors, types`
	segmentColumns = segmentHead + `, leaves`
)

// Apply implements [Projection].
func (trails) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	var order []string
	byTrail := map[string][]events.Recorded{}
	for _, rec := range run {
		trail := string(rec.Trail)
		if byTrail[trail] == nil {
			order = append(order, trail)
		}
		byTrail[trail] = append(byTrail[trail], rec)
	}
	open, err := openSegments(ctx, tx, t, order)
	if err != nil {
		return err
	}
	var written []segment
	for _, trail := range order {
		segments, err := extend(open[trail], byTrail[trail])
		if err != nil {
			return err
		}
		written = append(written, segments...)
	}
	return writeSegments(ctx, tx, t, written)
}

// openSegments reads the last segment of each trail, without the lines where they are
// so many that another segment follows: a run may be about thousands of trails.
func openSegments(ctx context.Context, tx pgx.Tx, t Tables, order []string) (map[string]segment, error) {
	rows, err := tx.Query(ctx, `SELECT s.* FROM unnest($1::text[]) AS d (trail), LATERAL (
		SELECT `+segmentHead+`, CASE WHEN octet_length(leaves) < $2 THEN leaves ELSE '' END
		FROM `+t.Name("segments")+` s WHERE s.trail = d.trail ORDER BY s.first DESC LIMIT 1) s`, order, smallSegment)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name("segments"), err)
	}
	last, err := pgx.CollectRows(rows, pgx.RowToStructByPos[segment])
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name("segments"), err)
	}
	open := make(map[string]segment, len(last))
	for _, s := range last {
		open[s.Trail] = s
	}
	return open, nil
}

// extend adds events to a trail whose last segment is s, or behind it where s has no
// lines, and gives the segments that are new or changed.
func extend(s segment, recs []events.Recorded) ([]segment, error) {
	var done []segment
	next := s.Last
	for _, rec := range recs {
		if int64(rec.TrailPosition) != next+1 {
			return nil, at(rec, fmt.Errorf("it is number %d of trail %s, after %d", rec.TrailPosition, rec.Trail, next))
		}
		next++
		if len(s.Leaves) > 0 && len(s.Leaves)+len(rec.Leaf)+1 > maxSegment {
			done = append(done, s)
			s = segment{}
		}
		s.add(rec)
	}
	return append(done, s), nil
}

func (s *segment) add(rec events.Recorded) {
	if len(s.Leaves) == 0 {
		s.Trail, s.First = string(rec.Trail), int64(rec.TrailPosition)
		s.FirstPosition, s.FirstAt = int64(rec.Position), rec.RecordedAt
		s.Tokens, s.Actors, s.Types = []uuid.UUID{}, []string{}, []string{}
	}
	s.Last, s.LastPosition, s.LastAt = int64(rec.TrailPosition), int64(rec.Position), rec.RecordedAt
	s.Leaves = append(append(s.Leaves, rec.Leaf...), '\n')
	switch rec.Stream.Kind() {
	case events.KindToken, events.KindGrant:
		if token, _, err := rec.Stream.IDs(); err == nil && s.isNew("token", string(token[:])) {
			s.Tokens = append(s.Tokens, token)
		}
	}
	for _, name := range actorNames(rec.Meta.Actor) {
		if name = text(name); s.isNew("actor", name) {
			s.Actors = append(s.Actors, name)
		}
	}
	if name := text(string(rec.Event.Type())); s.isNew("type", name) {
		s.Types = append(s.Types, name)
	}
}

// isNew reports whether a list lacks a name, and notes it.
func (s *segment) isNew(list, name string) bool {
	if s.known == nil {
		s.known = make(map[string]bool)
		for _, t := range s.Tokens {
			s.known["token"+string(t[:])] = true
		}
		for _, a := range s.Actors {
			s.known["actor"+a] = true
		}
		for _, t := range s.Types {
			s.known["type"+t] = true
		}
	}
	if s.known[list+name] {
		return false
	}
	s.known[list+name] = true
	return true
}

// actorNames are the names that a question may know an actor by.
func actorNames(a events.Actor) []string {
	if a.User == "" {
		return []string{a.ID}
	}
	return []string{a.ID, a.User}
}

func writeSegments(ctx context.Context, tx pgx.Tx, t Tables, segments []segment) error {
	var b pgx.Batch
	for _, s := range segments {
		b.Queue(`INSERT INTO `+t.Name("segments")+` (`+segmentColumns+`) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)
			ON CONFLICT (trail, first) DO UPDATE SET last = EXCLUDED.last, last_position = EXCLUDED.last_position,
				last_at = EXCLUDED.last_at, tokens = EXCLUDED.tokens, actors = EXCLUDED.actors,
				types = EXCLUDED.types, leaves = EXCLUDED.leaves`,
			s.Trail, s.First, s.Last, s.FirstPosition, s.LastPosition, s.FirstAt, s.LastAt, s.Tokens, s.Actors, s.Types, s.Leaves)
	}
	if err := tx.SendBatch(ctx, &b).Close(); err != nil {
		return fmt.Errorf("write %s: %w", t.Name("segments"), err)
	}
	return nil
}

// events decodes a segment's leaves.
func (s segment) events() ([]events.Recorded, error) {
	out := make([]events.Recorded, 0, s.Last-s.First+1)
	for line := range bytes.Lines(s.Leaves) {
		leaf := bytes.TrimSuffix(line, []byte{'\n'})
		rec, err := events.Decode(leaf[:len(leaf):len(leaf)])
		if err != nil {
			return nil, fmt.Errorf("trail %s from %d: %w", s.Trail, s.First, err)
		}
		out = append(out, rec)
	}
	return out, nil
}
