// What the rules of findings remember of a token in one organization, and its row.

package projections

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgtype"

	"github.com/tokenledger/tokenledger/events"
)

// watched is what the rules remember of a token in one organization: of an
// organization's token, or of a personal one that was granted to it. Its size is
// bounded whatever the token does.
type watched struct {
	Token        uuid.UUID
	Organization uuid.UUID
	Holder       uuid.UUID // the organization, or the owner of a personal token
	Creator      string    // the user who created an organization token
	Live         bool
	life
	habits
}

// life is what decisions change, and a use that is news.
type life struct {
	Rotated bool // has a successor

	Scopes      []string
	ScopesAt    events.Position // of the event that set them
	ScopesSince time.Time
	Exercised   []string // rights that were used since, as scopes

	Since      time.Time // created, or granted
	SinceAt    events.Position
	ExpiresAt  *time.Time // of a personal token, whose warnings its owner alone gets
	Reviewed   *time.Time
	ReviewedAt events.Position

	Last    map[Rule]time.Time // when a rule with a rest was last broken
	Awaited map[Rule]awaited   // findings that something which happens takes back
}

// habits is what uses, refusals and sources change, each of them.
type habits struct {
	Uses        int64
	FirstUsedAt *time.Time
	LastUsedAt  *time.Time
	Hours       week // in which it is used

	Minute      int64 // of the last use
	MinuteUses  int64
	Minutes     int64 // with uses, before that one
	MinutesUses int64

	RefusedFrom *time.Time
	Refused     int64

	Networks        int64
	SourceDay       int64
	SourceFindings  int64
	NetworkDay      int64
	NetworkFindings int64
}

// awaited is a finding that is, or will be one at the time At unless what it
// waits for happens.
type awaited struct {
	Position events.Position
	At       time.Time
}

func (l *life) pack(p *packer) {
	p.flag(&l.Rotated)
	p.texts(&l.Scopes)
	p.position(&l.ScopesAt)
	p.time(&l.ScopesSince)
	p.texts(&l.Exercised)
	p.time(&l.Since)
	p.position(&l.SinceAt)
	p.optionalTime(&l.ExpiresAt)
	p.optionalTime(&l.Reviewed)
	p.position(&l.ReviewedAt)
	packRules(p, &l.Last, p.time)
	packRules(p, &l.Awaited, func(a *awaited) {
		p.position(&a.Position)
		p.time(&a.At)
	})
}

func (h *habits) pack(p *packer) {
	p.int(&h.Uses)
	p.optionalTime(&h.FirstUsedAt)
	p.optionalTime(&h.LastUsedAt)
	p.fixed(h.Hours[:])
	p.int(&h.Minute)
	p.int(&h.MinuteUses)
	p.int(&h.Minutes)
	p.int(&h.MinutesUses)
	p.optionalTime(&h.RefusedFrom)
	p.int(&h.Refused)
	p.int(&h.Networks)
	p.int(&h.SourceDay)
	p.int(&h.SourceFindings)
	p.int(&h.NetworkDay)
	p.int(&h.NetworkFindings)
}

// readWatched reads rows by a condition on the table.
func readWatched(ctx context.Context, tx pgx.Tx, t Tables, condition string, args ...any) ([]*watched, error) {
	rows, err := tx.Query(ctx, `SELECT token, organization, holder, creator, live, life, habits FROM `+t.Name("watched")+` WHERE `+condition, args...)
	if err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name("watched"), err)
	}
	defer rows.Close()
	var all []*watched
	var lives, uses pgtype.DriverBytes // valid until the next row, which is long enough
	for rows.Next() {
		w := &watched{}
		err := rows.Scan(&w.Token, &w.Organization, &w.Holder, &w.Creator, &w.Live, &lives, &uses)
		if err == nil {
			err = unpack(lives, w.life.pack)
		}
		if err == nil {
			err = unpack(uses, w.habits.pack)
		}
		if err != nil {
			return nil, fmt.Errorf("read %s: %w", t.Name("watched"), err)
		}
		all = append(all, w)
	}
	if err := rows.Err(); err != nil {
		return nil, fmt.Errorf("read %s: %w", t.Name("watched"), err)
	}
	return all, nil
}

// watchedRecord is a row as it is written.
type watchedRecord struct {
	Token        uuid.UUID  `json:"token"`
	Organization uuid.UUID  `json:"organization"`
	Holder       uuid.UUID  `json:"holder"`
	Creator      string     `json:"creator"`
	Live         bool       `json:"live"`
	Since        time.Time  `json:"since"`
	Life         []byte     `json:"life"`
	LastUsedAt   *time.Time `json:"last_used_at"`
	Habits       []byte     `json:"habits"`
}

func (w *watched) record() watchedRecord {
	return watchedRecord{
		w.Token, w.Organization, w.Holder, w.Creator, w.Live, w.Since, packed(w.life.pack), w.LastUsedAt, packed(w.habits.pack),
	}
}

// writeHabits stores what most uses change of a row, and nothing else of it.
func writeHabits(ctx context.Context, tx pgx.Tx, t Tables, all []*watched) error {
	if len(all) == 0 {
		return nil
	}
	tokens, orgs := make([]uuid.UUID, len(all)), make([]uuid.UUID, len(all))
	last, habits := make([]*time.Time, len(all)), make([][]byte, len(all))
	for i, w := range all {
		tokens[i], orgs[i], last[i], habits[i] = w.Token, w.Organization, w.LastUsedAt, packed(w.habits.pack)
	}
	tag, err := tx.Exec(ctx, `UPDATE `+t.Name("watched")+` w SET last_used_at = d.last, habits = d.habits
		FROM unnest($1::uuid[], $2::uuid[], $3::timestamptz[], $4::bytea[]) AS d (token, organization, last, habits)
		WHERE w.token = d.token AND w.organization = d.organization`, tokens, orgs, last, habits)
	if err == nil {
		err = allOf(len(all))(tag)
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", t.Name("watched"), err)
	}
	return nil
}

func compareWatched(a, b *watched) int {
	if c := bytes.Compare(a.Token[:], b.Token[:]); c != 0 {
		return c
	}
	return bytes.Compare(a.Organization[:], b.Organization[:])
}
