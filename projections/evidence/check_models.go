// The second half of the audit: the read models against a replay, and the segments against the blocks.

package evidence

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore/merkle"
	"github.com/tokenledger/tokenledger/projections"
)

// readModels compares each read model with the replay, at the read model's own position. Where uses
// change nothing in one, it is as the log says once it has all that is none.
func (a *audit) readModels(ctx context.Context) error {
	for _, compare := range []struct {
		projection string
		needs      *events.Position
		with       func(context.Context, *projections.Snapshot) error
	}{{"tokens", &a.changed, a.tokens}, {"directory", &a.changed, a.directory}, {"trails", &a.state.Position, a.segments}} {
		if err := a.readModel(ctx, compare.projection, *compare.needs, compare.with); err != nil {
			return err
		}
	}
	return nil
}

// readModel compares once more where a rebuild took over in the middle: what differed was
// then of tables that the snapshot does not see.
func (a *audit) readModel(
	ctx context.Context, name string, needs events.Position, compare func(context.Context, *projections.Snapshot) error,
) error {
	for rows := a.done.Rows; ; a.done.Rows = rows {
		snapshot, at, err := a.caughtUp(ctx, name, needs)
		if err != nil {
			return err
		}
		err = a.compareAt(ctx, name, at, needs, func() error { return compare(ctx, snapshot) })
		replaced := false
		if _, differs := errors.AsType[*Mismatch](err); differs {
			var unknown error
			if replaced, unknown = snapshot.Replaced(ctx, name); unknown != nil {
				err = unknown
			}
		}
		snapshot.Close(context.WithoutCancel(ctx))
		if !replaced {
			return err
		}
	}
}

func (a *audit) compareAt(ctx context.Context, name string, at, needs events.Position, compare func() error) error {
	if at < needs {
		return nil // it is behind; the next audit compares it
	}
	if err := a.through(ctx, at); err != nil {
		return err
	}
	if a.state.Position < at {
		return a.mismatch(a.state.Position, "read model "+name, fmt.Sprintf("it is at position %d, behind the end of the log", at))
	}
	return compare()
}

// caughtUpWithin is how long the audit waits for a read model that is behind.
const caughtUpWithin = 2 * time.Second

// caughtUp is a snapshot of when the read model had what it needs, or was not going to.
func (a *audit) caughtUp(ctx context.Context, name string, needs events.Position) (*projections.Snapshot, events.Position, error) {
	for limit := time.Now().Add(caughtUpWithin); ; {
		snapshot, err := a.Views.Snapshot(ctx)
		if err != nil {
			return nil, 0, err
		}
		at, err := snapshot.Position(ctx, name)
		if err == nil && (at >= needs || time.Now().After(limit)) {
			return snapshot, at, nil
		}
		snapshot.Close(context.WithoutCancel(ctx))
		if err != nil {
			return nil, 0, err
		}
		select {
		case <-ctx.Done():
			return nil, 0, ctx.Err()
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func (a *audit) tokens(ctx context.Context, s *projections.Snapshot) error {
	return compareRows(a, "tokens", s.Tokens(ctx), a.state.Tokens,
		func(r *projections.TokenRow) (uuid.UUID, events.Position) { return r.ID, r.Position })
}

func (a *audit) directory(ctx context.Context, s *projections.Snapshot) error {
	return errors.Join(
		compareRows(a, "organizations", s.Organizations(ctx), a.state.Organizations,
			func(r *projections.OrganizationRow) (uuid.UUID, events.Position) { return r.ID, r.Position }),
		compareRows(a, "users", a.impersonal(s.Users(ctx)), a.state.Users,
			func(r *projections.UserRow) (uuid.UUID, events.Position) { return r.ID, r.Position }),
		compareRows(a, "memberships", s.Memberships(ctx), a.state.Members,
			func(r *projections.MembershipRow) (Pair, events.Position) {
				return Pair{r.Organization, r.User}, r.Position
			}),
		compareRows(a, "grants", s.Grants(ctx), a.state.Grants,
			func(r *projections.GrantRow) (Pair, events.Position) {
				return Pair{r.Token, r.Organization}, r.Position
			}))
}

// impersonal leaves out what is personal of users, where that stands beside events that were not
// read: copies of decisions have none of it.
func (a *audit) impersonal(users iter.Seq2[projections.UserRow, error]) iter.Seq2[projections.UserRow, error] {
	if a.done.Archived == 0 {
		return users
	}
	for _, row := range a.state.Users {
		row.Email, row.DisplayName = nil, nil
	}
	return func(yield func(projections.UserRow, error) bool) {
		for row, err := range users {
			row.Email, row.DisplayName = nil, nil
			if !yield(row, err) {
				return
			}
		}
	}
}

// compareRows names the position of the event that the row which differs is at. Of
// the read model it has one row at a time in memory.
func compareRows[K comparable, T any](
	a *audit, name string, kept iter.Seq2[T, error], replayed map[K]*T, place func(*T) (K, events.Position),
) error {
	differs := func(row *T, how string) error {
		key, at := place(row)
		return a.mismatch(at, "read model "+name, fmt.Sprintf(how, key))
	}
	seen := make(map[K]bool, len(replayed))
	for row, err := range kept {
		if err != nil {
			return err
		}
		a.done.Rows++
		key, _ := place(&row)
		seen[key] = true
		if want := replayed[key]; want == nil {
			return differs(&row, "the log knows of no row %v")
		} else if !sameRow(want, &row) {
			return differs(want, "the row %v is not what the log makes of it")
		}
	}
	for key, row := range replayed {
		if !seen[key] {
			return differs(row, "the row %v is missing")
		}
	}
	return nil
}

// sameRow compares what rows say: times as instants, empty lists as none.
func sameRow(a, b any) bool {
	var left, right any
	for _, one := range []struct {
		row  any
		into *any
	}{{a, &left}, {b, &right}} {
		text, err := json.Marshal(one.row)
		if err != nil || json.Unmarshal(text, one.into) != nil {
			return false
		}
		*one.into = plain(*one.into)
	}
	x, _ := json.Marshal(left)
	y, _ := json.Marshal(right)
	return bytes.Equal(x, y)
}

func plain(v any) any {
	switch v := v.(type) {
	case map[string]any:
		for k := range v {
			if v[k] = plain(v[k]); v[k] == nil {
				delete(v, k)
			}
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case []any:
		for i := range v {
			v[i] = plain(v[i])
		}
		if len(v) == 0 {
			return nil
		}
		return v
	case string:
		if t, err := time.Parse(time.RFC3339Nano, v); err == nil {
			return t.UTC().Format(time.RFC3339Nano)
		}
	}
	return v
}

// segments compares every trail's lines, as the read model has them, with the blocks.
func (a *audit) segments(ctx context.Context, s *projections.Snapshot) error {
	var tree merkle.Frontier
	var trail events.TrailID
	checkEnd := func() error {
		want := a.trails[trail]
		if trail == "" || want != nil && want.Size() == tree.Size() && want.Root() == tree.Root() {
			return nil
		}
		return a.mismatch(a.state.Position, "read model trails", fmt.Sprintf("the lines of trail %s are not those of the log", trail))
	}
	seen := 0
	for stretch, err := range s.Stretches(ctx) {
		if err != nil {
			return err
		}
		if stretch.Trail != trail {
			if err := checkEnd(); err != nil {
				return err
			}
			tree, trail = merkle.Frontier{}, stretch.Trail
			seen++
		}
		for line := range bytes.Lines(stretch.Leaves) {
			tree.Append(merkle.LeafHash(bytes.TrimSuffix(line, []byte("\n"))))
			a.done.Rows++
		}
	}
	if err := checkEnd(); err != nil {
		return err
	}
	if seen != len(a.trails) {
		return a.mismatch(a.state.Position, "read model trails", fmt.Sprintf("it has %d trails, the log %d", seen, len(a.trails)))
	}
	return nil
}
