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
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
)

type findings struct{}

// Name implements [Projection].
func (findings) Name() string { return "findings" }

// Revision implements [Projection].
func (findings) Revision() int { return 3 }

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
	token           uuid NOT NULL,
	organization    uuid NOT NULL,
	holder          uuid NOT NULL,
	creator         text COLLATE "C" NOT NULL,
	live            boolean NOT NULL,
	rotated         boolean NOT NULL,
	scopes          text[] NOT NULL,
	scopes_at       bigint NOT NULL,
	scopes_since    timestamptz NOT NULL,
	exercised       text[] NOT NULL,
	since           timestamptz NOT NULL,
	since_at        bigint NOT NULL,
	expires_at      timestamptz,
	reviewed        timestamptz,
	reviewed_at     bigint NOT NULL,
	uses            bigint NOT NULL,
	first_used_at   timestamptz,
	last_used_at    timestamptz,
	hours           text COLLATE "C" NOT NULL,
	minute          bigint NOT NULL,
	minute_uses     bigint NOT NULL,
	minutes         bigint NOT NULL,
	minutes_uses    bigint NOT NULL,
	refused_from    timestamptz,
	refused         bigint NOT NULL,
	networks        bigint NOT NULL,
	source_day      bigint NOT NULL,
	source_findings bigint NOT NULL,
	network_day     bigint NOT NULL,
	network_findings bigint NOT NULL,
	last            jsonb,
	awaited         jsonb,
	PRIMARY KEY (token, organization)
) WITH (fillfactor = 80, autovacuum_vacuum_scale_factor = 0.05);
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

// watched is what the rules remember of a token in one organization: of an
// organization's token, or of a personal one that was granted to it. Its size is
// bounded whatever the token does.
type watched struct {
	Token        uuid.UUID `json:"token"`
	Organization uuid.UUID `json:"organization"`
	Holder       uuid.UUID `json:"holder"`  // the organization, or the owner of a personal token
	Creator      string    `json:"creator"` // the user who created an organization token
	Live         bool      `json:"live"`
	Rotated      bool      `json:"rotated"` // has a successor

	Scopes      []string        `json:"scopes"`
	ScopesAt    events.Position `json:"scopes_at"` // of the event that set them
	ScopesSince time.Time       `json:"scopes_since"`
	Exercised   []string        `json:"exercised"` // rights that were used since, as scopes

	Since      time.Time       `json:"since"` // created, or granted
	SinceAt    events.Position `json:"since_at"`
	ExpiresAt  *time.Time      `json:"expires_at"` // of a personal token, whose warnings its owner alone gets
	Reviewed   *time.Time      `json:"reviewed"`
	ReviewedAt events.Position `json:"reviewed_at"`

	Uses        int64      `json:"uses"`
	FirstUsedAt *time.Time `json:"first_used_at"`
	LastUsedAt  *time.Time `json:"last_used_at"`
	Hours       string     `json:"hours"` // of the week, in which it is used; see week

	Minute      int64 `json:"minute"` // of the last use
	MinuteUses  int64 `json:"minute_uses"`
	Minutes     int64 `json:"minutes"` // with uses, before that one
	MinutesUses int64 `json:"minutes_uses"`

	RefusedFrom *time.Time `json:"refused_from"`
	Refused     int64      `json:"refused"`

	Networks        int64 `json:"networks"`
	SourceDay       int64 `json:"source_day"`
	SourceFindings  int64 `json:"source_findings"`
	NetworkDay      int64 `json:"network_day"`
	NetworkFindings int64 `json:"network_findings"`

	Last    map[Rule]time.Time `json:"last"`    // when a rule with a rest was last broken
	Awaited map[Rule]awaited   `json:"awaited"` // findings that something which happens takes back
}

// awaited is a finding that is, or will be one at the time At unless what it
// waits for happens.
type awaited struct {
	Position events.Position `json:"position"`
	At       time.Time       `json:"at"`
}

// watchedOrganization is what an organization demands and knows.
type watchedOrganization struct {
	Organization uuid.UUID                    `json:"organization"`
	Policy       events.Policy                `json:"policy"`
	Objects      map[string]map[string]string `json:"objects"`
}

// Apply implements [Projection].
func (findings) Apply(ctx context.Context, tx pgx.Tx, t Tables, run []events.Recorded) error {
	out := &findingsWriter{t: t}
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
