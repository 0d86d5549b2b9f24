// The view "events", which takes blocks apart for people.

package eventstore_test

import (
	"bytes"
	"encoding/json"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

func TestViewGivesTheLeaves(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	log := eventstoretest.Start(t, eventstore.Config{URL: url})
	k := eventstoretest.NewToken(uuid.New())
	user := uuid.New()
	odd := k.Decide(k.Created(), events.TokenRenamed{Name: "line\nbreak, \x00\x00, \\u0000, \\\x00 and \u2028"}, events.TokenUsed{Source: 1, Count: 1 << 60})
	odd.Batches[0].Meta = events.Meta{Actor: events.PersonalToken(k.ID, user), Reason: "because \"so\"", Correlation: "c", Trace: "t"}
	mustAppend(t, log, odd)
	mustAppend(t, log, eventstoretest.NewToken(uuid.New()).Create())

	type row struct {
		Position, Trail, TrailPosition, Stream, Version any
		RecordedAt                                      time.Time
		Type, ActorKind, ActorID                        string
		ActorUser, Reason, Correlation, Trace           *string
		Data                                            json.RawMessage
		LeafHash                                        []byte
		Leaf                                            string
	}
	admin := connect(t, url)
	run(t, admin, "SET ROLE "+eventstore.RoleOperator)
	rows, _ := admin.Query(t.Context(), `SELECT position, trail, trail_position, stream, version, recorded_at, type,
		actor_kind, actor_id, actor_user, reason, correlation, trace, data, leaf_hash, leaf FROM events ORDER BY position`)
	got, err := pgx.CollectRows(rows, pgx.RowToStructByPos[row])
	if err != nil {
		t.Fatal(err)
	}
	all := readAll(t, log, 0)
	if len(got) != len(all) {
		t.Fatalf("%d rows of %d events", len(got), len(all))
	}
	for i, r := range all {
		g := got[i]
		same := g.Position == int64(r.Position) && g.Trail == string(r.Trail) && g.TrailPosition == int64(r.TrailPosition) &&
			g.Stream == string(r.Stream) && g.Version == int64(r.Version) && g.RecordedAt.Equal(r.RecordedAt) &&
			g.Type == string(r.Event.Type()) && g.ActorKind == string(r.Meta.Actor.Kind) && g.ActorID == r.Meta.Actor.ID &&
			text(g.ActorUser) == r.Meta.Actor.User && text(g.Reason) == r.Meta.Reason && text(g.Correlation) == r.Meta.Correlation &&
			text(g.Trace) == r.Meta.Trace && g.Leaf == string(r.Leaf) && bytes.Equal(g.LeafHash, r.LeafHash[:]) && json.Valid(g.Data)
		if !same {
			t.Errorf("row %+v\nof event %+v", g, r)
		}
	}
	const name = `SELECT data ->> 'name' FROM events WHERE position = 2`
	if got, want := query[string](t, admin, name), "line\nbreak, \ufffd\ufffd, \\u0000, \\\ufffd and \u2028"; got != want {
		t.Errorf("the view shows the name as %q, want %q", got, want)
	}
}

func text(s *string) string {
	if s == nil {
		return ""
	}
	return *s
}
