// Packed rows are read as they were written, and nothing else is read as one.

package projections

import (
	"bytes"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

func drawTime(t *rapid.T, label string) time.Time {
	return time.Unix(rapid.Int64Range(-62135596800, 253402300799).Draw(t, label), rapid.Int64Range(0, 999_999_999).Draw(t, label)).UTC()
}

func drawOptionalTime(t *rapid.T, label string) *time.Time {
	if rapid.Bool().Draw(t, label) {
		return nil
	}
	at := drawTime(t, label)
	return &at
}

func drawWatched(t *rapid.T) *watched {
	number := rapid.Int64()
	w := &watched{life: life{
		Rotated: rapid.Bool().Draw(t, "rotated"), Scopes: rapid.SliceOf(rapid.String()).Draw(t, "scopes"),
		ScopesAt: events.Position(number.Draw(t, "scopes at")), ScopesSince: drawTime(t, "scopes since"),
		Exercised: rapid.SliceOf(rapid.String()).Draw(t, "exercised"), Since: drawTime(t, "since"),
		ExpiresAt: drawOptionalTime(t, "expires"), ReviewedAt: events.Position(number.Draw(t, "reviewed at")),
	}, habits: habits{
		Uses: number.Draw(t, "uses"), FirstUsedAt: drawOptionalTime(t, "first"), LastUsedAt: drawOptionalTime(t, "last"),
		Minute: number.Draw(t, "minute"), NetworkFindings: number.Draw(t, "network findings"),
	}}
	w.Hours.add(rapid.IntRange(0, hoursOfWeek-1).Draw(t, "hour"))
	for _, rule := range rapid.SliceOfDistinct(rapid.SampledFrom(Rules), func(r Rule) Rule { return r }).Draw(t, "rules") {
		if w.Awaited == nil {
			w.Awaited, w.Last = map[Rule]awaited{}, map[Rule]time.Time{}
		}
		w.Awaited[rule] = awaited{events.Position(number.Draw(t, "position")), drawTime(t, "at")}
		w.Last[rule] = drawTime(t, "last of a rule")
	}
	return w
}

func TestWatchedIsReadAsItWasWritten(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		w := drawWatched(t)
		var read watched
		for _, part := range []struct{ wrote, reads func(*packer) }{{w.life.pack, read.life.pack}, {w.habits.pack, read.habits.pack}} {
			wrote := packed(part.wrote)
			if err := unpack(wrote, part.reads); err != nil {
				t.Fatal(err)
			}
			if again := packed(part.reads); !bytes.Equal(wrote, again) {
				t.Fatalf("%x was read, and is written as %x", wrote, again)
			}
			if len(wrote) > 0 && unpack(wrote[:len(wrote)-1], part.reads) == nil {
				t.Fatalf("%x lacks its last byte and was read", wrote)
			}
		}
		if at := w.Awaited; len(at) != len(read.Awaited) || !read.Since.Equal(w.Since) || read.Uses != w.Uses || read.Hours != w.Hours {
			t.Fatalf("wrote %+v, read %+v", w, read)
		}
	})
}

func FuzzUnpack(f *testing.F) {
	f.Add(packed((&life{Scopes: []string{"evidence:write"}}).pack))
	f.Add(packed((&habits{Uses: 1}).pack))
	f.Fuzz(func(t *testing.T, from []byte) {
		var l life
		if unpack(from, l.pack) == nil && !bytes.Equal(packed(l.pack), packed(l.pack)) {
			t.Fatal("one state is written in two ways")
		}
		var h habits
		_ = unpack(from, h.pack)
	})
}
