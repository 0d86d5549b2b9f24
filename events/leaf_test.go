// Drafting and decoding: what is refused, what is kept, what comes out as it went in.

package events

import (
	"bytes"
	"crypto/sha256"
	"errors"
	"math"
	"reflect"
	"strings"
	"testing"
	"time"

	"github.com/google/uuid"
	"pgregory.net/rapid"
)

func TestDecodeInvertsEncode(t *testing.T) {
	t.Parallel()
	for _, k := range Catalogue() {
		t.Run(string(k.Type), func(t *testing.T) {
			t.Parallel()
			rapid.Check(t, func(rt *rapid.T) { checkRoundTrip(t, rt, k) })
		})
	}
}

func checkRoundTrip(t *testing.T, rt *rapid.T, k Kind) {
	place := samplePlace(k)
	place.Position = Position(rapid.Int64Range(1, math.MaxInt64).Draw(rt, "position"))
	meta, event := drawMeta(rt), drawEvent(rt, k, min(place.Position, 1<<61))
	stream, trail := sampleHome(k)
	d, err := NewDraft(stream, trail, meta, event)
	if errors.Is(err, ErrTooLarge) {
		return
	}
	if err != nil {
		rt.Fatal(err)
	}
	leaf, err := d.AppendLeaf([]byte("before"), place, sampleCommit)
	if err != nil {
		rt.Fatal(err)
	}
	leaf = bytes.TrimPrefix(leaf, []byte("before"))
	if len(leaf) > d.Size() {
		rt.Fatalf("%d bytes, and Size promised at most %d", len(leaf), d.Size())
	}
	rec, err := Decode(leaf)
	if err != nil {
		rt.Fatalf("%v\n%s", err, leaf)
	}
	want := Recorded{
		Position: place.Position, Trail: trail, TrailPosition: place.TrailPosition,
		Stream: stream, Version: place.Version, RecordedAt: place.RecordedAt,
		Meta: meta, Event: recordedForm(t, event, place.Position), Leaf: leaf, LeafHash: LeafHash(leaf),
	}
	if !reflect.DeepEqual(rec, want) {
		rec.Leaf, want.Leaf = nil, nil
		rt.Fatalf("decoded\n got %+v\nwant %+v\nleaf %s", rec, want, leaf)
	}
	if back, err := again(rec); err != nil || !bytes.Equal(back, leaf) {
		rt.Fatalf("encoded again (%v)\n got %s\nwant %s", err, back, leaf)
	}
}

func TestDraftRefuses(t *testing.T) {
	t.Parallel()
	stream, trail := TokenStream(sampleToken), OrganizationTrail(sampleOrganization)
	used := TokenUsed{Action: "createScan"}
	tests := map[string]struct {
		stream StreamID
		trail  TrailID
		meta   Meta
		event  Event
		want   error
	}{
		"no event":                   {stream, trail, fewMeta, nil, ErrInvalid},
		"a pointer":                  {stream, trail, fewMeta, &used, ErrInvalid},
		"a nil pointer":              {stream, trail, fewMeta, (*TokenUsed)(nil), ErrInvalid},
		"an unknown type":            {stream, trail, fewMeta, Unknown{Name: "token.melted"}, ErrInvalid},
		"an unknown with known name": {stream, trail, fewMeta, Unknown{Name: used.Type(), Version: 2}, ErrInvalid},
		"another kind of stream":     {UserStream(sampleUser), trail, fewMeta, used, ErrIdentity},
		"a stream without id":        {"token-", trail, fewMeta, used, ErrIdentity},
		"a stream of two ids":        {"token" + GrantStream(sampleToken, sampleUser)[5:], trail, fewMeta, used, ErrIdentity},
		"a trail with a quote":       {stream, `x"`, fewMeta, used, ErrIdentity},
		"no trail":                   {stream, "", fewMeta, used, ErrIdentity},
		"no actor":                   {stream, trail, Meta{}, used, ErrInvalid},
		"an actor without id":        {stream, trail, Meta{Actor: Actor{Kind: ActorSystem}}, used, ErrInvalid},
		"a reason that is not UTF-8": {stream, trail, Meta{Actor: System("x"), Reason: "\xff"}, used, ErrInvalid},
		"a text that is not UTF-8":   {stream, trail, fewMeta, TokenUsed{Action: "\xc0\xaf"}, ErrInvalid},
		"a year before ours":         {stream, trail, fewMeta, TokenSuspended{Until: time.Date(0, 12, 31, 0, 0, 0, 0, time.UTC)}, ErrInvalid},
		"a year of five digits":      {stream, trail, fewMeta, TokenSuspended{Until: time.Date(10000, 1, 1, 0, 0, 0, 0, time.UTC)}, ErrInvalid},
		"more than a leaf holds":     {stream, trail, fewMeta, TokenDescribed{Description: strings.Repeat("x", MaxLeaf)}, ErrTooLarge},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			_, err := NewDraft(tt.stream, tt.trail, tt.meta, tt.event)
			if !errors.Is(err, tt.want) || !errors.Is(err, ErrInvalid) {
				t.Errorf("error %v, want %v as a kind of ErrInvalid", err, tt.want)
			}
		})
	}
}

func TestDraftOfTheLargestEvent(t *testing.T) {
	t.Parallel()
	d, err := NewDraft(TokenStream(sampleToken), UserTrail(sampleUser), fewMeta, TokenDescribed{Description: "x"})
	if err != nil {
		t.Fatal(err)
	}
	largest := strings.Repeat("x", 1+MaxLeaf-d.Size())
	leaf := leafOf(t, fewMeta, TokenDescribed{Description: largest}, Place{math.MaxInt64, math.MaxInt64, math.MaxInt64, sampleTime})
	if len(leaf) > MaxLeaf {
		t.Errorf("a leaf of %d bytes", len(leaf))
	}
}

func TestAppendLeafRefusesPlaces(t *testing.T) {
	t.Parallel()
	draft := func(e Event) Draft {
		d, err := NewDraft(TokenStream(sampleToken), OrganizationTrail(sampleOrganization), fewMeta, e)
		if err != nil {
			t.Fatal(err)
		}
		return d
	}
	tests := map[string]struct {
		event Event
		place Place
	}{
		"no position":                 {TokenRevoked{}, Place{0, 1, 1, sampleTime}},
		"no trail position":           {TokenRevoked{}, Place{1, 0, 1, sampleTime}},
		"a decision without version":  {TokenRevoked{}, Place{1, 1, 0, sampleTime}},
		"a negative version":          {TokenRevoked{}, Place{1, 1, -1, sampleTime}},
		"an observation with version": {TokenUsed{}, Place{1, 1, 1, sampleTime}},
		"a time of no year":           {TokenRevoked{}, Place{1, 1, 1, time.Date(-1, 1, 1, 0, 0, 0, 0, time.UTC)}},
		"a source before the log":     {TokenUsed{Source: -5}, Place{5, 1, 0, sampleTime}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			before := []byte("untouched")
			got, err := draft(tt.event).AppendLeaf(before, tt.place, sampleCommit)
			if !errors.Is(err, ErrInvalid) || string(got) != "untouched" {
				t.Errorf("got %q, %v", got, err)
			}
		})
	}
}

func TestRelativePositionsAreResolved(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ source, want Position }{{0, 0}, {-1, 41}, {-41, 1}, {7, 7}, {1 << 60, 1 << 60}} {
		rec, err := Decode(leafOf(t, fewMeta, TokenUsed{Source: tt.source}, Place{42, 1, 0, sampleTime}))
		if err != nil {
			t.Fatal(err)
		}
		if got := rec.Event.(TokenUsed).Source; got != tt.want {
			t.Errorf("source %d at 42 reads as %d, want %d", tt.source, got, tt.want)
		}
	}
}

// Only an event that depends on its place is kept in its draft.
func TestDraftKeepsWhatDependsOnItsPlace(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		event Event
		kept  bool
	}{
		{TokenUsed{Source: 7}, false},
		{TokenUsed{Source: -1}, true},
		{TokenSourceSeen{}, false},
		{TokenSourceSeen{Address: Personal{Value: "192.0.2.1"}}, true},
		{TokenSourceSeen{Address: Personal{Commitment: Commitment{1}}}, false},
	} {
		d, err := NewDraft(TokenStream(sampleToken), OrganizationTrail(sampleOrganization), fewMeta, tt.event)
		if err != nil {
			t.Fatal(err)
		}
		if kept := d.Event() != nil; kept != tt.kept {
			t.Errorf("%+v kept: %v, want %v", tt.event, kept, tt.kept)
		}
	}
}

func TestTimesLoseNothingButNanoseconds(t *testing.T) {
	t.Parallel()
	cet := time.FixedZone("CET", 3600)
	leaf := leafOf(t, fewMeta, TokenSuspended{Until: time.Date(2026, 7, 1, 0, 30, 0, 123456789, cet)}, samplePlace(Kind{}))
	rec, err := Decode(leaf)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := rec.Event.(TokenSuspended).Until, time.Date(2026, 6, 30, 23, 30, 0, 123456000, time.UTC); got != want {
		t.Errorf("until %v, want %v", got, want)
	}
	// What is zero to the microsecond is left out, as a reader would demand.
	if leaf := leafOf(t, fewMeta, TokenSuspended{Until: time.Time{}.Add(999)}, samplePlace(Kind{})); !bytes.HasSuffix(leaf, []byte(`"data":{}}`)) {
		t.Errorf("a time of no microseconds stands in the leaf: %s", leaf)
	}
}

// A newer program's events go through an older one byte for byte.
func TestUnknownIsKept(t *testing.T) {
	t.Parallel()
	leaf := string(leafOf(t, fewMeta, TokenRenamed{Name: "x"}, samplePlace(Kind{})))
	tests := map[string]struct {
		leaf string
		want Unknown
	}{
		"a type":           {strings.Replace(leaf, "token.renamed", "planet.moved", 1), Unknown{"planet.moved", 1, []byte(`{"name":"x"}`)}},
		"a version":        {strings.Replace(leaf, `"token.renamed"`, `"token.renamed","type_version":2`, 1), Unknown{"token.renamed", 2, []byte(`{"name":"x"}`)}},
		"a field":          {strings.Replace(leaf, `{"name":"x"}`, `{"name":"x","z":[1,{"a":null}]}`, 1), Unknown{"token.renamed", 1, []byte(`{"name":"x","z":[1,{"a":null}]}`)}},
		"a lack of fields": {strings.Replace(leaf, `{"name":"x"}`, `{}`, 1), Unknown{"token.renamed", 1, []byte(`{}`)}},
	}
	for name, tt := range tests {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			rec, err := Decode([]byte(tt.leaf))
			if err != nil {
				t.Fatal(err)
			}
			if !reflect.DeepEqual(rec.Event, tt.want) || string(rec.Leaf) != tt.leaf || rec.LeafHash != LeafHash([]byte(tt.leaf)) {
				t.Errorf("got %#v, leaf %s", rec.Event, rec.Leaf)
			}
		})
	}
}

func TestLeafHashIsThatOfRFC6962(t *testing.T) {
	t.Parallel()
	// The hash of the empty leaf stands among the test vectors of that RFC's implementations.
	const want = "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"
	if got := LeafHash(nil); hexText(got) != want {
		t.Errorf("hash of the empty leaf %s, want %s", hexText(got), want)
	}
	for _, n := range []int{1, 1023, 1024, 5000} {
		leaf := bytes.Repeat([]byte{'x'}, n)
		if got, want := LeafHash(leaf), sha256.Sum256(append([]byte{0}, leaf...)); got != want {
			t.Errorf("hash of %d bytes %s, want %s", n, hexText(got), hexText(want))
		}
	}
}

func BenchmarkDecode(b *testing.B) {
	id := uuid.MustParse("01985d2e-0000-7000-8000-000000000001")
	stream, trail, meta := TokenStream(id), OrganizationTrail(id), Meta{Actor: OrganizationToken(id)}
	event := TokenUsed{Source: 1, Action: "createEvidence", Resource: "evidence/1"}
	d, err := NewDraft(stream, trail, meta, event)
	if err != nil {
		b.Fatal(err)
	}
	leaf, err := d.AppendLeaf(nil, Place{7, 3, 0, sampleTime}, nil)
	if err != nil {
		b.Fatal(err)
	}
	b.Run("decode", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := Decode(leaf); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("draft", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := NewDraft(stream, trail, meta, event); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.Run("append", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if leaf, err = d.AppendLeaf(leaf[:0], Place{7, 3, 0, sampleTime}, nil); err != nil {
				b.Fatal(err)
			}
		}
	})
}
