// What events do to findings, in memory: for a replay; and what they were at an instant.

package projections

import (
	"bytes"
	"cmp"
	"context"
	"fmt"
	"iter"
	"maps"
	"slices"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// findingsKept are findings in memory, of one organization.
type findingsKept struct {
	organization uuid.UUID
	rows         map[findingName]FindingRow
}

func (k *findingsKept) put(_ events.Recorded, row FindingRow, _ bool) {
	if row.Organization == k.organization {
		k.rows[findingName{row.Organization, row.Rule, row.Position}] = row
	}
}

func (k *findingsKept) withdraw(_ events.Recorded, id findingName) { delete(k.rows, id) }

func (k *findingsKept) resolve(by events.Recorded, id findingName) {
	if row, ok := k.rows[id]; ok && row.ResolvedAt == nil {
		at := by.RecordedAt
		row.ResolvedAt = &at
		k.rows[id] = row
	}
}

func (k *findingsKept) forget(_ uuid.UUID, of []*watched) {
	for _, w := range of {
		maps.DeleteFunc(k.rows, func(id findingName, row FindingRow) bool {
			return id.rule == RuleNewNetwork && id.organization == w.Organization && *row.Token == w.Token
		})
	}
}

func (*findingsKept) triage(events.Recorded, events.OrganizationFindingTriaged) {}

func (*findingsKept) remember(networkKey, uuid.UUID) {}

// FoldFindings finds again what the rules had found in an organization before an
// instant, from the events of the log in their order. What people said of the
// findings is left out: it stands in the organization's trail.
func FoldFindings(all iter.Seq2[events.Recorded, error], organization uuid.UUID, before time.Time) ([]FindingRow, error) {
	kept := &findingsKept{organization: organization, rows: map[findingName]FindingRow{}}
	f := newFindingsFold(kept)
	for rec, err := range all {
		if err != nil {
			return nil, fmt.Errorf("find again: %w", err)
		}
		if !rec.RecordedAt.Before(before) {
			break
		}
		if other, ok := rec.Trail.Organization(); ok && other != organization {
			continue
		}
		if err := f.apply(rec); err != nil {
			return nil, at(rec, err)
		}
	}
	rows := slices.DeleteFunc(slices.Collect(maps.Values(kept.rows)), func(r FindingRow) bool { return !r.RaisedAt.Before(before) })
	slices.SortFunc(rows, func(a, b FindingRow) int {
		return cmp.Or(cmp.Compare(a.Position, b.Position), cmp.Compare(a.Rule, b.Rule), bytes.Compare(a.Organization[:], b.Organization[:]))
	})
	return rows, nil
}

// FindingsAsOf gives what the rules had found in an organization before an instant,
// by events up to a position of the log (0: by all), as [FoldFindings] does.
func (v *Views) FindingsAsOf(ctx context.Context, organization uuid.UUID, through events.Position, before time.Time) ([]FindingRow, error) {
	rows, err := v.db.Query(ctx, `SELECT organization, rule, position, raised_at, token, tokens, detail, resolved_at FROM (
			SELECT DISTINCT ON (position, rule) * FROM findings_versions
			WHERE organization = $1 AND recorded_at < $2 AND ($3 = 0 OR version <= $3)
			ORDER BY position, rule, version DESC) AS last
		WHERE raised_at < $2 ORDER BY position, rule`, organization, before, int64(through))
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	found, err := pgx.CollectRows(rows, func(row pgx.CollectableRow) (f FindingRow, err error) {
		err = row.Scan(&f.Organization, &f.Rule, &f.Position, &f.RaisedAt, &f.Token, &f.Tokens, &f.Detail, &f.ResolvedAt)
		return f, err
	})
	if err != nil {
		return nil, fmt.Errorf("read findings: %w", err)
	}
	return found, nil
}
