// A state written out: one object a line, in an order that does not depend on the run.

package evidence

import (
	"bufio"
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/projections"
)

// tokenLine is a token's row with its last use, which the row keeps elsewhere.
type tokenLine struct {
	projections.TokenRow
	Status     projections.TokenStatus `json:"status"`
	LastUsedAt *time.Time              `json:"last_used_at"`
}

// line is one object of a state: what it is, and its row.
type line struct {
	Kind string `json:"kind"`
	Row  any    `json:"row"`
}

// Write writes the state as lines of JSON: first where it stands, then
// organizations, users, members, tokens and grants, each in the order of their ids.
func (s *State) Write(w io.Writer) error {
	out := bufio.NewWriter(w)
	lines := json.NewEncoder(out)
	err := lines.Encode(line{"state", map[string]any{
		"position": s.Position, "at": s.At.UTC(), "organizations": len(s.Organizations), "users": len(s.Users),
		"members": len(s.Members), "tokens": len(s.Tokens), "grants": len(s.Grants),
	}})
	for _, l := range s.lines() {
		if err == nil {
			err = lines.Encode(l)
		}
	}
	if err == nil {
		err = out.Flush()
	}
	if err != nil {
		return fmt.Errorf("write the state: %w", err)
	}
	return nil
}

func (s *State) lines() []line {
	var all []line
	for _, id := range sorted(s.Organizations) {
		all = append(all, line{"organization", s.Organizations[id]})
	}
	for _, id := range sorted(s.Users) {
		all = append(all, line{"user", s.Users[id]})
	}
	for _, id := range sortedPairs(s.Members) {
		all = append(all, line{"member", s.Members[id]})
	}
	for _, id := range sorted(s.Tokens) {
		row := *s.Tokens[id]
		all = append(all, line{"token", tokenLine{row, row.Status(s.At), row.LastUsedAt}})
	}
	for _, id := range sortedPairs(s.Grants) {
		all = append(all, line{"grant", s.Grants[id]})
	}
	return all
}

func sorted[T any](m map[uuid.UUID]T) []uuid.UUID {
	ids := make([]uuid.UUID, 0, len(m))
	for id := range m {
		ids = append(ids, id)
	}
	slices.SortFunc(ids, compareIDs)
	return ids
}

func compareIDs(a, b uuid.UUID) int { return bytes.Compare(a[:], b[:]) }

func sortedPairs[T any](m map[Pair]T) []Pair {
	pairs := make([]Pair, 0, len(m))
	for p := range m {
		pairs = append(pairs, p)
	}
	slices.SortFunc(pairs, func(a, b Pair) int {
		if c := compareIDs(a[0], b[0]); c != 0 {
			return c
		}
		return compareIDs(a[1], b[1])
	})
	return pairs
}
