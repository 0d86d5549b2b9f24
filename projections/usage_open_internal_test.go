// Open uses: nothing is lost on the way to the tables, and where runs are cut does not show.

package projections

import (
	"maps"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

// reread is a token's row as the next run finds it.
func reread(t *rapid.T, o *openUsage) *openUsage {
	lines, err := readOpen(string(appendOpen(nil, o.lines)))
	if err != nil {
		t.Fatal(err)
	}
	return &openUsage{token: o.token, sum: o.sum, lines: lines}
}

func TestOpenUsesAreCountedOnce(t *testing.T) {
	t.Parallel()
	trails := []events.TrailID{events.OrganizationTrail(uuid.New()), events.UserTrail(uuid.New())}
	kind := rapid.Custom(func(t *rapid.T) openKind {
		return openKind{
			rapid.SampledFrom(trails).Draw(t, "trail"), 3600 * rapid.Int64Range(0, 3).Draw(t, "hour"),
			events.Position(rapid.Int64Range(0, 3).Draw(t, "source")), rapid.SampledFrom([]string{"", "a", "b\n", "ü", "a,b c"}).Draw(t, "action"),
		}
	})
	rapid.Check(t, func(t *rapid.T) {
		cut, uncut := &openUsage{}, &openUsage{}
		settled, settledUncut := newUsageSums(), newUsageSums()
		want := map[openKind]sum{}
		for i := range rapid.IntRange(1, 60).Draw(t, "uses") {
			k, n := kind.Draw(t, "kind"), sum{uses: 1, lastUsed: time.UnixMicro(int64(i) + 1).UTC()}
			if rapid.IntRange(0, 4).Draw(t, "refused") == 0 {
				n = sum{refusals: 1}
			}
			cut.count(k, n, settled)
			uncut.count(k, n, settledUncut)
			if len(cut.lines) > maxOpen {
				t.Fatalf("%d lines", len(cut.lines))
			}
			all := want[k]
			all.add(n)
			want[k] = all
			if rapid.Bool().Draw(t, "cut") {
				cut = reread(t, cut)
			}
		}
		if a, b := string(appendOpen(nil, cut.lines)), string(appendOpen(nil, uncut.lines)); a != b || cut.sum != uncut.sum {
			t.Fatalf("cut %q, whole %q", a, b)
		}
		if !maps.Equal(settled.actions, settledUncut.actions) {
			t.Fatalf("cut %v, whole %v", settled.actions, settledUncut.actions)
		}
		for _, l := range cut.lines {
			settled.settle(uuid.Nil, l)
		}
		naive := newUsageSums()
		for k, n := range want {
			naive.settle(uuid.Nil, openLine{k, n})
		}
		if !maps.Equal(settled.hours, naive.hours) || !maps.Equal(settled.actions, naive.actions) || !maps.Equal(settled.bySource, naive.bySource) {
			t.Fatalf("got %v, counted %v", settled, naive)
		}
	})
}
