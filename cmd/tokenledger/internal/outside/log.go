// The log as an outsider reads it: leaves straight from the table of blocks, split
// by newline and parsed as JSON, without any code of the program.

package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/jackc/pgx/v5"
)

// Leaf is one line of the log.
type Leaf struct {
	Position      int64
	Trail         string
	TrailPosition int64 `json:"trail_position"`
	Stream        string
	Version       int64
	RecordedAt    time.Time `json:"recorded_at"`
	Type          string
	Actor         struct{ Kind, ID, User string }
	Reason        string
	Correlation   string
	Data          map[string]any

	Raw []byte
}

// Leaves reads all leaves from the database at a URL, in order. A block that is not
// the one its row describes is an error.
func Leaves(ctx context.Context, database string) ([]Leaf, error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return nil, err
	}
	defer conn.Close(ctx)
	rows, err := conn.Query(ctx, `SELECT first_position, last_position, recorded_at, leaves FROM tokenledger.blocks ORDER BY last_position`)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var leaves []Leaf
	for rows.Next() {
		var first, last int64
		var at time.Time
		var text []byte
		if err := rows.Scan(&first, &last, &at, &text); err != nil {
			return nil, err
		}
		block, err := split(text)
		if err != nil {
			return nil, fmt.Errorf("block %d: %w", last, err)
		}
		if block[0].Position != first || block[len(block)-1].Position != last || !block[0].RecordedAt.Equal(at) {
			return nil, fmt.Errorf("block %d is not the one that its row describes", last)
		}
		leaves = append(leaves, block...)
	}
	return leaves, rows.Err()
}

func split(text []byte) ([]Leaf, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if n := len(lines); n < 2 || len(lines[n-1]) > 0 {
		return nil, errors.New("the leaves do not each end with a newline")
	}
	var leaves []Leaf
	for _, line := range lines[:len(lines)-1] {
		l := Leaf{Raw: bytes.TrimSuffix(line, []byte("\n"))}
		if err := json.Unmarshal(l.Raw, &l); err != nil {
			return nil, err
		}
		leaves = append(leaves, l)
	}
	return leaves, nil
}

// Gapless checks the promises about the order: positions, in the log and in each
// trail, versions of each stream, and a clock that never goes back.
func Gapless(leaves []Leaf) error {
	trails, streams := map[string]int64{}, map[string]int64{}
	var clock time.Time
	for i, l := range leaves {
		trails[l.Trail]++
		if l.Version > 0 {
			streams[l.Stream]++
		}
		switch {
		case l.Position != int64(i+1):
			return fmt.Errorf("position %d stands where %d should", l.Position, i+1)
		case l.TrailPosition != trails[l.Trail]:
			return fmt.Errorf("position %d: trail position %d of %s, want %d", l.Position, l.TrailPosition, l.Trail, trails[l.Trail])
		case l.Version > 0 && l.Version != streams[l.Stream]:
			return fmt.Errorf("position %d: version %d of %s, want %d", l.Position, l.Version, l.Stream, streams[l.Stream])
		case l.RecordedAt.Before(clock):
			return fmt.Errorf("position %d was recorded before the one before it", l.Position)
		}
		clock = l.RecordedAt
	}
	return nil
}

// Text is a field of the data, empty where there is none.
func (l Leaf) Text(name string) string {
	s, _ := l.Data[name].(string)
	return s
}

// Time is a field of the data that is an instant, zero where there is none.
func (l Leaf) Time(name string) time.Time {
	at, err := time.Parse(time.RFC3339Nano, l.Text(name))
	if err != nil {
		return time.Time{}
	}
	return at
}

// Origin is the name of the log in the database at a URL.
func Origin(ctx context.Context, database string) (name string, err error) {
	conn, err := pgx.Connect(ctx, database)
	if err != nil {
		return "", err
	}
	defer conn.Close(context.WithoutCancel(ctx))
	err = conn.QueryRow(ctx, `SELECT origin::text FROM tokenledger.log`).Scan(&name)
	return name, err
}
