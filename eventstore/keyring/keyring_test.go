// Wrapping and sealing: what was bound together opens, nothing else does.

package keyring

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"maps"
	"reflect"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/events"
)

func TestSubjectKeysUnwrapWhereTheyBelong(t *testing.T) {
	t.Parallel()
	r := Generate()
	key := events.SubjectKey(random(32))
	wrapped, kek, err := r.WrapSubjectKey("origin", "user-1", key)
	if err != nil || kek != 1 {
		t.Fatal(kek, err)
	}
	if got, err := r.UnwrapSubjectKey("origin", "user-1", wrapped, kek); err != nil || got != key {
		t.Fatal(got, err)
	}
	for name, c := range map[string]struct {
		ring            *Ring
		origin, subject string
		wrapped         []byte
		kek             int
		want            error
	}{
		"another ring":    {Generate(), "origin", "user-1", wrapped, kek, ErrOpen},
		"another origin":  {r, "other", "user-1", wrapped, kek, ErrOpen},
		"another subject": {r, "origin", "user-2", wrapped, kek, ErrOpen},
		"a shifted bound": {r, "originu", "ser-1", wrapped, kek, ErrOpen},
		"another version": {r, "origin", "user-1", wrapped, 2, ErrNoKey},
		"too short":       {r, "origin", "user-1", wrapped[:10], kek, ErrOpen},
		"altered":         {r, "origin", "user-1", append([]byte{wrapped[0] ^ 1}, wrapped[1:]...), kek, ErrOpen},
	} {
		if _, err := c.ring.UnwrapSubjectKey(c.origin, events.SubjectID(c.subject), c.wrapped, c.kek); !errors.Is(err, c.want) {
			t.Errorf("%s: %v, want %v", name, err, c.want)
		}
	}
}

func TestOldKeysStillOpen(t *testing.T) {
	t.Parallel()
	old := Generate()
	key := events.SubjectKey(random(32))
	wrapped, kek, err := old.WrapSubjectKey("origin", "user-1", key)
	if err != nil {
		t.Fatal(err)
	}
	young := ringOf(maps.Clone(old.keys()))
	young.keys()[KeyEncryption] = versions{Active: 2, Keys: map[int][]byte{1: old.keys()[KeyEncryption].Keys[1], 2: random(keySize)}}
	if got, err := young.UnwrapSubjectKey("origin", "user-1", wrapped, kek); err != nil || got != key {
		t.Fatal(got, err)
	}
	if _, kek, err := young.WrapSubjectKey("origin", "user-1", key); err != nil || kek != 2 {
		t.Fatal(kek, err)
	}
}

func TestPeppersAreCopies(t *testing.T) {
	t.Parallel()
	r := Generate()
	active, keys := r.Peppers()
	if active != 1 || len(keys) != 1 || len(keys[1]) != keySize {
		t.Fatal(active, len(keys))
	}
	keys[1][0] ^= 1
	delete(keys, 1)
	if _, again := r.Peppers(); len(again) != 1 || bytes.Equal(again[1], keys[1]) {
		t.Fatal("the ring changed with the copy")
	}
}

func TestBoxesOpenWhereTheyBelong(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		values := map[events.Position]events.Sealed{}
		for range rapid.IntRange(1, 5).Draw(rt, "events") {
			values[events.Position(rapid.Int64Min(1).Draw(rt, "position"))] = rapid.MapOfN(rapid.String(), rapid.String(), 1, 3).Draw(rt, "fields")
		}
		b := Box{Origin: rapid.String().Draw(rt, "origin"), Subject: "user-1", First: 7}
		key := events.SubjectKey(random(32))
		sealed, err := b.Seal(key, values)
		if err != nil {
			rt.Fatal(err)
		}
		if got, err := b.Open(key, sealed); err != nil || !reflect.DeepEqual(got, values) {
			rt.Fatalf("%v, %v; want %v", got, err, values)
		}
		others := []Box{
			{b.Origin + "x", b.Subject, b.First}, {b.Origin, b.Subject + "x", b.First}, {b.Origin, b.Subject, b.First + 1},
		}
		for _, other := range others {
			if _, err := other.Open(key, sealed); !errors.Is(err, ErrOpen) {
				rt.Fatalf("%+v opens as %+v: %v", b, other, err)
			}
		}
		if _, err := b.Open(events.SubjectKey(random(32)), sealed); !errors.Is(err, ErrOpen) {
			rt.Fatal("another key opens it")
		}
		sealed[rapid.IntRange(0, len(sealed)-1).Draw(rt, "at")] ^= 1
		if _, err := b.Open(key, sealed); !errors.Is(err, ErrOpen) {
			rt.Fatal("altered, it still opens")
		}
	})
}

func TestSameValuesSealDifferently(t *testing.T) {
	t.Parallel()
	b, key := Box{Origin: "o", Subject: "user-1", First: 1}, events.SubjectKey(random(32))
	values := map[events.Position]events.Sealed{1: {"email": "a@example.com"}}
	one, err1 := b.Seal(key, values)
	two, err2 := b.Seal(key, values)
	if err1 != nil || err2 != nil || bytes.Equal(one, two) {
		t.Fatal("two boxes are the same", err1, err2)
	}
}

func TestRingPrintsNoKey(t *testing.T) {
	t.Parallel()
	r := Generate()
	var log bytes.Buffer
	slog.New(slog.NewJSONHandler(&log, nil)).LogAttrs(t.Context(), slog.LevelInfo, "x", slog.Any("ring", r))
	all := fmt.Sprintf("%v %+v %#v %s %q %x %d", r, r, r, r, r, r, r) + log.String()
	for _, v := range r.keys() {
		for _, form := range []string{"%x", "%s", "%v", "%q"} {
			if s := fmt.Sprintf(form, v.Keys[1]); strings.Contains(all, strings.Trim(s, `"[]`)) {
				t.Errorf("a key is printed as %s", form)
			}
		}
	}
	if !strings.Contains(all, "keyring") {
		t.Error("the ring has no name")
	}
}
