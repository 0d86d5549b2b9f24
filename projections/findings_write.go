// What events do to findings, as rows: in the tables of the projection, or in memory for a replay.

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

// findingsWriter queues the statements of a run.
type findingsWriter struct {
	t     Tables
	batch pgx.Batch
}

func (w *findingsWriter) send(ctx context.Context, tx pgx.Tx) error {
	if w.batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &w.batch).Close(); err != nil {
		return fmt.Errorf("write %s: %w", w.t.Name(""), err)
	}
	return nil
}

func (w *findingsWriter) put(by events.Recorded, row FindingRow, timed bool) {
	w.batch.Queue(`INSERT INTO `+w.t.Name("")+` (organization, rule, position, raised_at, timed, token, tokens, detail)
		VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
		ON CONFLICT (organization, rule, position) DO UPDATE SET raised_at = EXCLUDED.raised_at, detail = EXCLUDED.detail, resolved_at = NULL`,
		row.Organization, string(row.Rule), int64(row.Position), row.RaisedAt, timed, row.Token, row.Tokens, string(row.Detail))
	w.version(by, findingName{row.Organization, row.Rule, row.Position})
}

func (w *findingsWriter) withdraw(by events.Recorded, id findingName) {
	w.batch.Queue(`DELETE FROM `+w.t.Name("")+` WHERE organization = $1 AND rule = $2 AND position = $3`,
		id.organization, string(id.rule), int64(id.position))
	w.version(by, id)
}

func (w *findingsWriter) resolve(by events.Recorded, id findingName) {
	w.batch.Queue(`UPDATE `+w.t.Name("")+` SET resolved_at = $4 WHERE organization = $1 AND rule = $2 AND position = $3 AND resolved_at IS NULL`,
		id.organization, string(id.rule), int64(id.position), by.RecordedAt)
	w.version(by, id)
}

// version keeps what a finding is after an event; nothing but its identity where it
// is none any more.
func (w *findingsWriter) version(by events.Recorded, id findingName) {
	w.batch.Queue(`INSERT INTO `+w.t.Name("versions")+` AS v (organization, rule, position, version, recorded_at, raised_at, token, tokens, detail, resolved_at)
		SELECT d.organization, d.rule, d.position, $4, $5, f.raised_at, f.token, f.tokens, f.detail, f.resolved_at
		FROM (VALUES ($1::uuid, $2::text, $3::bigint)) AS d (organization, rule, position)
		LEFT JOIN `+w.t.Name("")+` f ON f.organization = d.organization AND f.rule = d.rule AND f.position = d.position
		ON CONFLICT (organization, rule, position, version) DO UPDATE SET raised_at = EXCLUDED.raised_at, token = EXCLUDED.token,
			tokens = EXCLUDED.tokens, detail = EXCLUDED.detail, resolved_at = EXCLUDED.resolved_at`,
		id.organization, string(id.rule), int64(id.position), int64(by.Position), by.RecordedAt)
}

func (w *findingsWriter) triage(by events.Recorded, e events.OrganizationFindingTriaged) {
	organization, _ := by.Trail.Organization()
	w.batch.Queue(`UPDATE `+w.t.Name("")+` SET status = $4, triaged_at = $5, triaged_by = $6, note = $7
		WHERE organization = $1 AND rule = $2 AND position = $3`,
		organization, text(e.Rule), e.At, text(string(e.Status)), by.RecordedAt, text(by.Meta.Actor.Name()), optionalText(by.Meta.Reason))
}

func (w *findingsWriter) remember(k networkKey, subject uuid.UUID) {
	w.batch.Queue(`INSERT INTO `+w.t.Name("networks")+` VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING`,
		k.organization, k.token, k.network, subject)
}

func (w *findingsWriter) forget(subject uuid.UUID, of []*watched) {
	w.batch.Queue(`DELETE FROM `+w.t.Name("networks")+` WHERE subject = $1`, subject)
	for _, one := range of {
		for _, part := range []string{"", "versions"} {
			w.batch.Queue(`DELETE FROM `+w.t.Name(part)+` WHERE organization = $1 AND rule = $2 AND token = $3`,
				one.Organization, string(RuleNewNetwork), one.Token)
		}
	}
}

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
