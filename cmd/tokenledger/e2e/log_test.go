// The log as an outsider reads it: leaves straight from the table of blocks, split
// by newline and parsed as JSON, without any code of the program.

package e2e_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"
)

// leaf is one line of the log.
type leaf struct {
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

	raw []byte
}

// readLog gives all leaves, in order, and fails the test for a log that is not
// what it promises to be.
func readLog(t *testing.T, database string) []leaf {
	t.Helper()
	leaves, err := leavesOf(t.Context(), database)
	if err != nil {
		t.Fatalf("read the log: %v", err)
	}
	if err := gapless(leaves); err != nil {
		t.Fatal(err)
	}
	return leaves
}

func leavesOf(ctx context.Context, database string) ([]leaf, error) {
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
	var leaves []leaf
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

func split(text []byte) ([]leaf, error) {
	lines := bytes.SplitAfter(text, []byte("\n"))
	if n := len(lines); n < 2 || len(lines[n-1]) > 0 {
		return nil, errors.New("the leaves do not each end with a newline")
	}
	var leaves []leaf
	for _, line := range lines[:len(lines)-1] {
		l := leaf{raw: bytes.TrimSuffix(line, []byte("\n"))}
		if err := json.Unmarshal(l.raw, &l); err != nil {
			return nil, err
		}
		leaves = append(leaves, l)
	}
	return leaves, nil
}

// gapless checks the promises about the order: positions, in the log and in each
// trail, versions of each stream, and a clock that never goes back.
func gapless(leaves []leaf) error {
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

// typesOf lists the types of the events of a stream and of streams that begin so.
func typesOf(leaves []leaf, stream string) []string {
	var types []string
	for _, l := range leaves {
		if strings.HasPrefix(l.Stream, stream) {
			types = append(types, l.Type)
		}
	}
	return types
}

// origin is the name of the log.
func origin(t *testing.T, database string) string {
	t.Helper()
	conn, err := pgx.Connect(t.Context(), database)
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close(context.Background())
	var name string
	if err := conn.QueryRow(t.Context(), `SELECT origin::text FROM tokenledger.log`).Scan(&name); err != nil {
		t.Fatal(err)
	}
	return name
}
