// The open uses of a token: what was counted of late, in its own row.
//
// A use counts for its token, for an hour, for an action and for a source. With a row
// for each of these it cost Postgres four updates. So the token's row holds the counts
// of the last few kinds of uses, a line each, and they go to the tables of hours, actions
// and sources only when there are too many. Whoever asks those tables adds them.

package projections

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// maxOpen is how many kinds of uses a token's row holds: those of an hour, for most.
const maxOpen = 12

// openUsage is a token's row while a run is folded.
type openUsage struct {
	token uuid.UUID
	sum
	lines []openLine
}

// openLine counts uses of one kind.
type openLine struct {
	openKind
	sum
}

type openKind struct {
	trail  events.TrailID
	hour   int64 // its first second
	source events.Position
	action string
}

// count adds to the line of a kind, or opens one. Where there is no room, what the
// lines have goes to the sums first, and the decision depends on the token's uses
// alone, not on where runs are cut.
func (o *openUsage) count(kind openKind, n sum, sums *usageSums) {
	o.add(n)
	if !linear(kind.action) {
		sums.settle(o.token, openLine{kind, n})
		return
	}
	i := slices.IndexFunc(o.lines, func(l openLine) bool { return l.openKind == kind })
	if i < 0 {
		if len(o.lines) == maxOpen {
			for _, l := range o.lines {
				sums.settle(o.token, l)
			}
			o.lines = o.lines[:0]
		}
		i = len(o.lines)
		o.lines = append(o.lines, openLine{openKind: kind})
	}
	o.lines[i].add(n)
}

// linear reports whether a text can be the last field of a line.
func linear(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < ' ' }) < 0
}

// openFields are in a line: trail, hour, source, uses, refusals, the last use in
// microseconds or 0, action.
const openFields = 7

func appendOpen(b []byte, lines []openLine) []byte {
	for i, l := range lines {
		if i > 0 {
			b = append(b, '\n')
		}
		b = append(append(b, l.trail...), '\t')
		var last int64
		if !l.lastUsed.IsZero() {
			last = l.lastUsed.UnixMicro()
		}
		for _, n := range []int64{l.hour, int64(l.source), l.uses, l.refusals, last} {
			b = append(strconv.AppendInt(b, n, 10), '\t')
		}
		b = append(b, l.action...)
	}
	return b
}

func readOpen(text string) ([]openLine, error) {
	if text == "" {
		return nil, nil
	}
	lines := make([]openLine, 0, 4)
	for line := range strings.SplitSeq(text, "\n") {
		var fields [openFields]string
		rest := line
		for i := range openFields - 1 {
			fields[i], rest, _ = strings.Cut(rest, "\t")
		}
		l := openLine{openKind: openKind{trail: events.TrailID(fields[0]), action: rest}}
		var last int64
		for i, to := range []*int64{&l.hour, (*int64)(&l.source), &l.uses, &l.refusals, &last} {
			n, err := strconv.ParseInt(fields[i+1], 10, 64)
			if err != nil {
				return nil, fmt.Errorf("open uses: %w", err)
			}
			*to = n
		}
		if last != 0 {
			l.lastUsed = time.UnixMicro(last).UTC()
		}
		lines = append(lines, l)
	}
	return lines, nil
}

// openSQL are the open uses of the tokens that $1 is, or has, as rows.
func openSQL(condition string) string {
	return `(SELECT token, f[1] AS trail, to_timestamp(f[2]::bigint) AS hour, f[3]::bigint AS position,
			f[4]::bigint AS uses, f[5]::bigint AS refusals,
			CASE WHEN f[6] <> '0' THEN timestamptz 'epoch' + f[6]::bigint * interval '1 microsecond' END AS last_used_at, f[7] AS action
		FROM usage, unnest(string_to_array(open, E'\n')) AS line, string_to_array(line, E'\t') AS f WHERE ` + condition + `)`
}

// The tables of one token, $1, and the trail $2 or all where that is empty, with its open uses.
var (
	usageHoursSQL = `(SELECT hour, sum(uses)::bigint AS uses, sum(refusals)::bigint AS refusals FROM (
			SELECT trail, hour, uses, refusals FROM usage_hours WHERE token = $1
			UNION ALL SELECT trail, hour, uses, refusals FROM ` + openSQL("token = $1") + ` AS o) AS x
		WHERE $2 = '' OR trail = $2 GROUP BY hour)`
	usageActionsSQL = `(SELECT trail, action, sum(uses)::bigint AS uses, sum(refusals)::bigint AS refusals, max(last_used_at) AS last_used_at FROM (
			SELECT trail, action, uses, refusals, last_used_at FROM usage_actions WHERE token = $1
			UNION ALL SELECT trail, action, uses, refusals, last_used_at FROM ` + openSQL("token = $1") + ` AS o) AS x
		WHERE $2 = '' OR trail = $2 GROUP BY trail, action)`
	usageSourcesSQL = `(SELECT s.position, s.address, s.agent, s.first_seen_at, greatest(s.last_used_at, o.last_used_at) AS last_used_at,
			s.uses + coalesce(o.uses, 0) AS uses, s.refusals + coalesce(o.refusals, 0) AS refusals
		FROM usage_sources s LEFT JOIN (
			SELECT position, sum(uses)::bigint AS uses, sum(refusals)::bigint AS refusals, max(last_used_at) AS last_used_at
			FROM ` + openSQL("token = $1") + ` AS o GROUP BY position) AS o ON o.position = s.position
		WHERE s.token = $1 AND ($2 = '' OR s.trail = $2))`
)

// loadOpen reads the rows of tokens.
func loadOpen(ctx context.Context, tx pgx.Tx, t Tables, tokens []uuid.UUID) (map[uuid.UUID]*openUsage, error) {
	rows, err := tx.Query(ctx, `SELECT token, uses, refusals, last_used_at, open FROM `+t.Name("")+` WHERE token = ANY($1)`, tokens)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name(""), err)
	}
	found := make(map[uuid.UUID]*openUsage, len(tokens))
	var last *time.Time
	var lines string
	var one openUsage
	_, err = pgx.ForEachRow(rows, []any{&one.token, &one.uses, &one.refusals, &last, &lines}, func() (err error) {
		o := one
		if last != nil {
			o.lastUsed = *last
		}
		o.lines, err = readOpen(lines)
		found[o.token] = &o
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name(""), err)
	}
	return found, nil
}

// queueOpen writes the rows of tokens, in their order, which is that of the index.
func (s *usageSums) queueOpen(b *pgx.Batch, t Tables) {
	if len(s.open) == 0 {
		return
	}
	tokens := sortedIDs(s.open)
	var uses, refusals []int64
	var last []*time.Time
	var lines []string
	var buffer []byte
	for _, id := range tokens {
		o := s.open[id]
		uses, refusals, last = append(uses, o.uses), append(refusals, o.refusals), append(last, optionalTime(o.lastUsed))
		buffer = appendOpen(buffer[:0], o.lines)
		lines = append(lines, string(buffer))
	}
	b.Queue(`UPDATE `+t.Name("")+` u SET last_used_at = d.last, uses = d.uses, refusals = d.refusals, open = d.open
		FROM unnest($1::uuid[], $2::timestamptz[], $3::bigint[], $4::bigint[], $5::text[]) AS d (token, last, uses, refusals, open)
		WHERE u.token = d.token`, tokens, last, uses, refusals, lines).Exec(allOf(len(tokens)))
}
