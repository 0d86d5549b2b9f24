// The projection findings: unusual access, and what the policy says should have happened.
//
// A finding is known by its organization, its rule and the position of the event
// that raised it. What is found depends on the events alone. A rule about
// something that does not happen (no review for so long) is written down with
// the event from which the time runs, and with the time at which it becomes a
// finding; if the awaited thing happens before, it is taken out again. So the
// clock decides only whether a row is shown yet, and a rebuild has the same rows.
//
// What an event does to a finding is kept as a version of it, so that a report has
// the findings as they were. An erasure takes with it the findings that only erased
// values could show: a rebuild that cannot read them has the same rows.

package projections

import (
	"context"
	"fmt"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type findings struct{}

// Name implements [Projection].
func (findings) Name() string { return "findings" }

// Revision implements [Projection].
func (findings) Revision() int { return 4 }

// findingsDDL: the findings, and their versions by the event that made each; then what the rules remember of each token that
// reaches an organization, the networks that it came from, and what the
// organization demands.
const findingsDDL = `
CREATE TABLE %[1]s (
	organization uuid NOT NULL,
	rule         text COLLATE "C" NOT NULL,
	position     bigint NOT NULL,
	raised_at    timestamptz NOT NULL,
	timed        boolean NOT NULL,
	token        uuid,
	tokens       uuid[] NOT NULL,
	detail       jsonb NOT NULL,
	resolved_at  timestamptz,
	status       text COLLATE "C" NOT NULL DEFAULT 'open',
	triaged_at   timestamptz,
	triaged_by   text COLLATE "C",
	note         text COLLATE "C",
	PRIMARY KEY (organization, rule, position)
);
CREATE INDEX ON %[1]s (organization, raised_at, position, rule);
CREATE INDEX ON %[1]s (position, organization, rule) WHERE NOT timed;
CREATE INDEX ON %[1]s (raised_at, organization, rule, position) WHERE timed;
CREATE TABLE %[2]s (
	token        uuid NOT NULL,
	organization uuid NOT NULL,
	holder       uuid NOT NULL,
	creator      text COLLATE "C" NOT NULL,
	live         boolean NOT NULL,
	since        timestamptz NOT NULL,
	life         bytea NOT NULL,
	last_used_at timestamptz,
	habits       bytea NOT NULL,
	PRIMARY KEY (token, organization)
) WITH (fillfactor = 60, autovacuum_vacuum_scale_factor = 0.05);
CREATE INDEX ON %[2]s (organization) WHERE live;
CREATE INDEX ON %[2]s (creator) WHERE live;
CREATE TABLE %[3]s (
	organization uuid NOT NULL,
	token        uuid NOT NULL,
	network      text COLLATE "C" NOT NULL,
	subject      uuid NOT NULL,
	PRIMARY KEY (organization, token, network)
);
CREATE INDEX ON %[3]s (subject);
CREATE TABLE %[4]s (
	organization uuid PRIMARY KEY,
	policy       jsonb NOT NULL,
	objects      jsonb
);
CREATE TABLE %[5]s (
	organization uuid NOT NULL,
	rule         text COLLATE "C" NOT NULL,
	position     bigint NOT NULL,
	version      bigint NOT NULL,
	recorded_at  timestamptz NOT NULL,
	raised_at    timestamptz,
	token        uuid,
	tokens       uuid[],
	detail       jsonb,
	resolved_at  timestamptz,
	PRIMARY KEY (organization, rule, position, version)
);`

// Schema implements [Projection].
func (findings) Schema(ctx context.Context, tx pgx.Tx, t Tables) error {
	_, err := tx.Exec(ctx, fmt.Sprintf(findingsDDL, t.Name(""), t.Name("watched"), t.Name("networks"), t.Name("organizations"), t.Name("versions")))
	return err
}

// watchedOrganization is what an organization demands and knows.
type watchedOrganization struct {
	Organization uuid.UUID                    `json:"organization"`
	Policy       events.Policy                `json:"policy"`
	Objects      map[string]map[string]string `json:"objects"`
}

// Apply implements [Projection].
func (findings) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	out := newFindingsWriter(t)
	f := newFindingsFold(out)
	if err := f.load(ctx, tx, t, run); err != nil {
		return err
	}
	for _, rec := range run {
		if err := f.apply(rec); err != nil {
			return at(rec, err)
		}
	}
	if err := out.send(ctx, tx); err != nil {
		return err
	}
	return f.write(ctx, tx, t)
}
