// What events do to findings, as rows of the projection, many with one statement.

package projections

import (
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

// findingsWriter collects what a run does to findings. Several things may happen to
// one finding in a run, and each leaves a version of it. So they are written in
// rounds, in each of which a finding occurs once: the first thing that happens to any
// of them, then the second, and so on.
type findingsWriter struct {
	t        Tables
	batch    pgx.Batch
	rounds   [][]findingChange
	happened map[findingName]int // how much has happened to one in these rounds
	networks map[networkKey]uuid.UUID
}

// findingChange is what one event does to one finding: with a row it is put, else
// it is resolved or withdrawn.
type findingChange struct {
	findingName
	by       events.Recorded
	row      *FindingRow
	timed    bool
	resolved bool
}

func newFindingsWriter(t Tables) *findingsWriter {
	return &findingsWriter{t: t, happened: map[findingName]int{}, networks: map[networkKey]uuid.UUID{}}
}

func (w *findingsWriter) put(by events.Recorded, row FindingRow, timed bool) {
	w.happens(findingChange{findingName: findingName{row.Organization, row.Rule, row.Position}, by: by, row: &row, timed: timed})
}

func (w *findingsWriter) withdraw(by events.Recorded, id findingName) {
	w.happens(findingChange{findingName: id, by: by})
}

func (w *findingsWriter) resolve(by events.Recorded, id findingName) {
	w.happens(findingChange{findingName: id, by: by, resolved: true})
}

func (w *findingsWriter) happens(c findingChange) {
	round := w.happened[c.findingName]
	w.happened[c.findingName]++
	if round == len(w.rounds) {
		w.rounds = append(w.rounds, nil)
	}
	w.rounds[round] = append(w.rounds[round], c)
}

func (w *findingsWriter) triage(by events.Recorded, e events.OrganizationFindingTriaged) {
	w.queue()
	organization, _ := by.Trail.Organization()
	w.batch.Queue(`UPDATE `+w.t.Name("")+` SET status = $4, triaged_at = $5, triaged_by = $6, note = $7
		WHERE organization = $1 AND rule = $2 AND position = $3`,
		organization, text(e.Rule), e.At, text(string(e.Status)), by.RecordedAt, text(by.Meta.Actor.Name()), optionalText(by.Meta.Reason))
}

func (w *findingsWriter) remember(k networkKey, subject uuid.UUID) { w.networks[k] = subject }

func (w *findingsWriter) forget(subject uuid.UUID, of []*watched) {
	w.queue()
	w.batch.Queue(`DELETE FROM `+w.t.Name("networks")+` WHERE subject = $1`, subject)
	for _, one := range of {
		for _, part := range []string{"", "versions"} {
			w.batch.Queue(`DELETE FROM `+w.t.Name(part)+` WHERE organization = $1 AND rule = $2 AND token = $3`,
				one.Organization, string(RuleNewNetwork), one.Token)
		}
	}
}

func (w *findingsWriter) send(ctx context.Context, tx pgx.Tx) error {
	w.queue()
	if w.batch.Len() == 0 {
		return nil
	}
	if err := tx.SendBatch(ctx, &w.batch).Close(); err != nil {
		return fmt.Errorf("write %s: %w", w.t.Name(""), err)
	}
	return nil
}

// queue makes statements of what was collected, before one that must find it done.
func (w *findingsWriter) queue() {
	for _, round := range w.rounds {
		w.queueRound(round)
	}
	w.rounds = nil
	clear(w.happened)
	w.queueNetworks()
}

func (w *findingsWriter) queueNetworks() {
	if len(w.networks) == 0 {
		return
	}
	var orgs, tokens, subjects []uuid.UUID
	var networks []string
	for k, subject := range w.networks {
		orgs, tokens, subjects = append(orgs, k.organization), append(tokens, k.token), append(subjects, subject)
		networks = append(networks, k.network)
	}
	w.batch.Queue(`INSERT INTO `+w.t.Name("networks")+` (organization, token, network, subject)
		SELECT * FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::uuid[]) AS d (organization, token, network, subject)
		ORDER BY organization, token, network ON CONFLICT DO NOTHING`, orgs, tokens, networks, subjects)
	clear(w.networks)
}

// findingColumns are names of findings as arrays, and what the statements have besides.
type findingColumns struct {
	organizations   []uuid.UUID
	rules           []string
	positions       []int64
	by              []int64
	recorded        []time.Time
	raised          []time.Time
	timed           []bool
	tokens          []*uuid.UUID
	several, detail []string
}

func (c *findingColumns) add(change findingChange) {
	c.organizations, c.rules = append(c.organizations, change.organization), append(c.rules, string(change.rule))
	c.positions = append(c.positions, int64(change.position))
	c.by, c.recorded = append(c.by, int64(change.by.Position)), append(c.recorded, change.by.RecordedAt)
	if row := change.row; row != nil {
		several := make([]string, len(row.Tokens))
		for i, id := range row.Tokens {
			several[i] = id.String()
		}
		c.raised, c.timed, c.tokens = append(c.raised, row.RaisedAt), append(c.timed, change.timed), append(c.tokens, row.Token)
		c.several, c.detail = append(c.several, arrayLiteral(several)), append(c.detail, string(row.Detail))
	}
}

// thisFinding joins findings f with names d.
const thisFinding = ` f.organization = d.organization AND f.rule = d.rule AND f.position = d.position `

func (w *findingsWriter) queueRound(round []findingChange) {
	var put, gone, resolved, all findingColumns
	for _, c := range round {
		all.add(c)
		switch {
		case c.row != nil:
			put.add(c)
		case c.resolved:
			resolved.add(c)
		default:
			gone.add(c)
		}
	}
	if c := put; len(c.rules) > 0 {
		w.batch.Queue(`INSERT INTO `+w.t.Name("")+` (organization, rule, position, raised_at, timed, token, tokens, detail)
			SELECT organization, rule, position, raised_at, timed, token, tokens::uuid[], detail::jsonb
			FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[], $5::boolean[], $6::uuid[], $7::text[], $8::text[])
				AS d (organization, rule, position, raised_at, timed, token, tokens, detail)
			ON CONFLICT (organization, rule, position) DO UPDATE SET raised_at = EXCLUDED.raised_at, detail = EXCLUDED.detail, resolved_at = NULL`,
			c.organizations, c.rules, c.positions, c.raised, c.timed, c.tokens, c.several, c.detail)
	}
	if c := gone; len(c.rules) > 0 {
		w.batch.Queue(`DELETE FROM `+w.t.Name("")+` f USING unnest($1::uuid[], $2::text[], $3::bigint[])
			AS d (organization, rule, position) WHERE`+thisFinding, c.organizations, c.rules, c.positions)
	}
	if c := resolved; len(c.rules) > 0 {
		w.batch.Queue(`UPDATE `+w.t.Name("")+` f SET resolved_at = d.at FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::timestamptz[])
			AS d (organization, rule, position, at) WHERE`+thisFinding+`AND f.resolved_at IS NULL`, c.organizations, c.rules, c.positions, c.recorded)
	}
	w.queueVersions(all)
}

// queueVersions keeps what findings are after events; nothing but their identity where
// they are none any more.
func (w *findingsWriter) queueVersions(c findingColumns) {
	w.batch.Queue(`INSERT INTO `+w.t.Name("versions")+` AS v (organization, rule, position, version, recorded_at, raised_at, token, tokens, detail, resolved_at)
		SELECT d.organization, d.rule, d.position, d.version, d.recorded_at, f.raised_at, f.token, f.tokens, f.detail, f.resolved_at
		FROM unnest($1::uuid[], $2::text[], $3::bigint[], $4::bigint[], $5::timestamptz[]) AS d (organization, rule, position, version, recorded_at)
		LEFT JOIN `+w.t.Name("")+` f ON`+thisFinding+`
		ON CONFLICT (organization, rule, position, version) DO UPDATE SET raised_at = EXCLUDED.raised_at, token = EXCLUDED.token,
			tokens = EXCLUDED.tokens, detail = EXCLUDED.detail, resolved_at = EXCLUDED.resolved_at`,
		c.organizations, c.rules, c.positions, c.by, c.recorded)
}
