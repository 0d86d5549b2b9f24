// Package announcer tells the world of findings, each of them once it is one: it
// numbers them in the database, from where webhooks send them, and publishes
// them on NATS.
//
// Its places are kept in the database, so that a start goes on where the last
// process ended; a message may be published twice, never not at all, and says by
// its id which finding it is of.
package announcer

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgxpool"
	"github.com/nats-io/nats.go"
	js "github.com/nats-io/nats.go/jetstream"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/eventstore/jetstream"
	"github.com/tokenledger/tokenledger/projections"
)

// SubjectPrefix begins the subject of every finding; the organization's id ends it.
const SubjectPrefix = "tokenledger.findings"

// StreamName is the JetStream stream that keeps the findings of a log.
func StreamName(origin string) string { return "TOKENLEDGER-FINDINGS_" + origin }

// Config says where findings come from and go. Everything from Replicas on has a default.
type Config struct {
	Pool     *pgxpool.Pool // of the read models
	Views    *projections.Views
	Conn     *nats.Conn
	Origin   string // of the log
	Replicas int
	Look     time.Duration // between two looks for new ones; 0: half a second
	Logger   *slog.Logger
}

const (
	// batch is how many findings are moved at once.
	batch = 500
	// streamBytes bounds the stream; the oldest findings leave it first.
	streamBytes = 256 << 20
	// askTimeout bounds one question to JetStream.
	askTimeout = 5 * time.Second
	// pause is how long an absent broker is left alone.
	pause = 2 * time.Second
)

// Announcer announces. One process at a time is to run one.
type Announcer struct{ c Config }

// New makes an announcer.
func New(c Config) *Announcer {
	if c.Look == 0 {
		c.Look = 500 * time.Millisecond
	}
	if c.Logger == nil {
		c.Logger = slog.New(slog.DiscardHandler)
	}
	return &Announcer{c}
}

// Run announces until ctx ends or the database fails. The broker being away
// holds up what is published there and nothing else.
func (a *Announcer) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.every(ctx, a.number) })
	group.Go(func() error { return a.every(ctx, a.publish) })
	return group.Wait()
}

func (a *Announcer) every(ctx context.Context, do func(context.Context) (more bool, err error)) error {
	for {
		more, err := do(ctx)
		if err != nil {
			return err
		}
		if more {
			continue
		}
		select {
		case <-ctx.Done():
			return ctx.Err()
		case <-time.After(a.c.Look):
		}
	}
}

// The places, by name.
const (
	numberedPlace  = "findings"      // a projections.NewFindings
	publishedPlace = "findings-nats" // a number
)

// place reads where a reader stands; nothing was written yet where raw is nil.
func (a *Announcer) place(ctx context.Context, name string, into any) (raw *string, err error) {
	err = a.c.Pool.QueryRow(ctx, `SELECT place::text FROM outlets WHERE name = $1`, name).Scan(&raw)
	switch {
	case errors.Is(err, pgx.ErrNoRows):
		return nil, nil
	case err != nil:
		return nil, fmt.Errorf("read the place %s: %w", name, err)
	}
	return raw, json.Unmarshal([]byte(*raw), into)
}

// errMoved: another process has gone on meanwhile.
var errMoved = errors.New("another process announces findings")

// move steps from one place to the next, if nobody else has.
func move(ctx context.Context, tx pgx.Tx, name string, from *string, to any) error {
	next, err := json.Marshal(to)
	if err != nil {
		return err
	}
	sql, args := `INSERT INTO outlets (name, place) VALUES ($1, $2) ON CONFLICT DO NOTHING`, []any{name, string(next)}
	if from != nil {
		sql, args = `UPDATE outlets SET place = $2 WHERE name = $1 AND place = $3::jsonb`, append(args, *from)
	}
	tag, err := tx.Exec(ctx, sql, args...)
	if err == nil && tag.RowsAffected() == 0 {
		err = errMoved
	}
	return err
}

// Notice is a finding as it is announced.
type Notice struct {
	Type         string          `json:"type"` // finding
	Origin       string          `json:"origin"`
	Organization string          `json:"organization"`
	Rule         string          `json:"rule"`
	Position     int64           `json:"position"`
	RaisedAt     time.Time       `json:"raised_at"`
	Token        string          `json:"token,omitempty"`
	Tokens       []string        `json:"tokens,omitempty"`
	Detail       json.RawMessage `json:"detail"`
}

func (a *Announcer) notice(f projections.FindingRow) ([]byte, error) {
	n := Notice{
		Type: "finding", Origin: a.c.Origin, Organization: f.Organization.String(), Rule: string(f.Rule),
		Position: int64(f.Position), RaisedAt: f.RaisedAt.UTC(), Detail: f.Detail,
	}
	if f.Token != nil {
		n.Token = f.Token.String()
	}
	for _, t := range f.Tokens {
		n.Tokens = append(n.Tokens, t.String())
	}
	return json.Marshal(n)
}

// number gives new findings their numbers.
func (a *Announcer) number(ctx context.Context) (more bool, err error) {
	var at projections.NewFindings
	from, err := a.place(ctx, numberedPlace, &at)
	if err != nil {
		return false, err
	}
	now, err := a.c.Views.Now(ctx)
	if err != nil {
		return false, err
	}
	found, next, err := a.c.Views.FindingsAfter(ctx, uuid.Nil, at, now, batch)
	if err != nil || len(found) == 0 {
		return false, err
	}
	err = pgx.BeginFunc(ctx, a.c.Pool, func(tx pgx.Tx) error {
		// First, so that of two processes only one goes on, and numbers follow the places.
		if err := move(ctx, tx, numberedPlace, from, next); err != nil {
			return err
		}
		var b pgx.Batch
		for _, f := range found {
			body, err := a.notice(f.FindingRow)
			if err != nil {
				return err
			}
			b.Queue(`INSERT INTO finding_notices (organization, rule, position, body) VALUES ($1, $2, $3, $4)`,
				f.Organization, string(f.Rule), int64(f.Position), body)
		}
		return tx.SendBatch(ctx, &b).Close()
	})
	if err != nil {
		return false, fmt.Errorf("number findings: %w", err)
	}
	return len(found) >= batch, nil
}

// publish sends what is numbered to JetStream. A fault of the broker is logged
// and waited for.
func (a *Announcer) publish(ctx context.Context) (more bool, err error) {
	var at int64
	from, err := a.place(ctx, publishedPlace, &at)
	if err != nil {
		return false, err
	}
	rows, err := a.c.Pool.Query(ctx, `SELECT number, organization::text, rule, position, body FROM finding_notices WHERE number > $1 ORDER BY number LIMIT $2`, at, batch)
	if err != nil {
		return false, fmt.Errorf("read findings to be published: %w", err)
	}
	list, err := pgx.CollectRows(rows, pgx.RowToStructByPos[numbered])
	if err != nil || len(list) == 0 {
		return false, err
	}
	if err := a.send(ctx, list); err != nil {
		if ctx.Err() == nil {
			a.c.Logger.WarnContext(ctx, "findings wait for NATS", "error", err)
		}
		select {
		case <-ctx.Done():
			return false, ctx.Err()
		case <-time.After(pause):
		}
		return false, nil
	}
	err = pgx.BeginFunc(ctx, a.c.Pool, func(tx pgx.Tx) error {
		return move(ctx, tx, publishedPlace, from, list[len(list)-1].Number)
	})
	return err == nil && len(list) == batch, err
}

type numbered struct {
	Number       int64
	Organization string
	Rule         string
	Position     int64
	Body         []byte
}

func (a *Announcer) send(ctx context.Context, list []numbered) error {
	api, err := js.New(a.c.Conn)
	if err != nil {
		return err
	}
	ask, cancel := context.WithTimeout(ctx, askTimeout)
	defer cancel()
	if _, err := api.CreateOrUpdateStream(ask, a.settings()); err != nil {
		return fmt.Errorf("the stream of findings: %w", err)
	}
	for _, n := range list {
		m := nats.NewMsg(SubjectPrefix + "." + n.Organization)
		m.Data = n.Body
		id := fmt.Sprintf("%s/%s/%d", n.Organization, n.Rule, n.Position)
		m.Header.Set("Finding-ID", id)
		sending, cancel := context.WithTimeout(ctx, askTimeout)
		_, err := api.PublishMsg(sending, m, js.WithMsgID(id))
		cancel()
		if err != nil {
			return fmt.Errorf("publish a finding: %w", err)
		}
	}
	return nil
}

func (a *Announcer) settings() js.StreamConfig {
	return js.StreamConfig{
		Name:        StreamName(a.c.Origin),
		Description: "The findings of a tokenledger, at least once each; Finding-ID tells them apart.",
		Subjects:    []string{SubjectPrefix + ".>"},
		Retention:   js.LimitsPolicy,
		Storage:     js.FileStorage,
		Discard:     js.DiscardOld,
		Compression: js.S2Compression,
		MaxBytes:    streamBytes,
		Replicas:    jetstream.Replicas(a.c.Conn, a.c.Replicas),
	}
}
