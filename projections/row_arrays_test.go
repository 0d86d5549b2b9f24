// A set of rows comes back from Postgres as it was written, whatever its columns hold.

package projections

import (
	"reflect"
	"testing"
	"time"

	"github.com/google/uuid"
	"github.com/jackc/pgx/v5"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/eventstore/eventstoretest"
)

type inner struct {
	ID   uuid.UUID        `json:"id"`
	Kind events.TokenKind `json:"kind"`
}

type everyColumn struct {
	inner
	Other   *uuid.UUID             `json:"other"`
	Text    *string                `json:"text"`
	Cause   *events.GrantCause     `json:"cause"`
	List    []string               `json:"list"`
	At      time.Time              `json:"at"`
	Until   *time.Time             `json:"until"`
	Flag    bool                   `json:"flag"`
	Number  events.Position        `json:"number"`
	Small   int                    `json:"small"`
	Marks   map[string]time.Time   `json:"marks"`
	Grants  map[string]events.Gate `json:"grants"`
	Ignored string                 `json:"-"`
}

func TestRowsAreReadAsTheyWereWritten(t *testing.T) {
	t.Parallel()
	url := eventstoretest.Postgres(t)
	if err := eventstore.Migrate(t.Context(), url, ""); err != nil {
		t.Fatal(err)
	}
	pool, err := OpenPool(t.Context(), url, eventstore.DefaultSchema)
	if err != nil {
		t.Fatal(err)
	}
	defer pool.Close()
	at := time.Date(2026, 2, 3, 4, 5, 6, 789_012_000, time.UTC)
	other, text, cause := uuid.New(), `a "b" \ c, {d} NULL`, events.GrantCause("left")
	rows := []everyColumn{
		{
			inner: inner{uuid.New(), events.PersonalKind}, Other: &other, Text: &text, Cause: &cause,
			List: []string{``, `null`, `a,b`, `"q"`, `\`, `{}`, `ünï`, "a\nb"}, At: at, Until: &at, Flag: true, Number: 1 << 60, Small: -3,
			Marks: map[string]time.Time{"x": at}, Grants: map[string]events.Gate{},
		},
		{inner: inner{uuid.New(), ""}, List: []string{}, At: at},
	}
	var got []everyColumn
	err = pgx.BeginFunc(t.Context(), pool, func(tx pgx.Tx) error {
		if _, err := tx.Exec(t.Context(), `CREATE TABLE every (id uuid PRIMARY KEY, kind text, other uuid, text text, cause text, list text[],
			at timestamptz, until timestamptz, flag boolean, number bigint, small int, marks jsonb, grants jsonb)`); err != nil {
			return err
		}
		for range 2 { // the second time, they replace themselves
			if err := upsert(t.Context(), tx, "every", []string{"id"}, rows); err != nil {
				return err
			}
		}
		got, err = selectRows[everyColumn](t.Context(), tx, "every", "true ORDER BY flag DESC")
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	for i := range got {
		got[i].At = got[i].At.UTC()
		if got[i].Until != nil {
			*got[i].Until = got[i].Until.UTC()
		}
	}
	if !reflect.DeepEqual(got, rows) {
		t.Errorf("wrote\n%+v\nread\n%+v", rows, got)
	}
}

func TestColumnsOfOtherTypesAreRefused(t *testing.T) {
	t.Parallel()
	if _, err := arraysOf([]struct {
		Real float64 `json:"real"`
	}{{1}}); err == nil {
		t.Error("a column of a real number is written")
	}
}
