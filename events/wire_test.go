// Subjects and headers, as subscribers rely on them.

package events

import (
	"bytes"
	"encoding/json"
	"maps"
	"path/filepath"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestSubjects(t *testing.T) {
	t.Parallel()
	org := OrganizationTrail(sampleOrganization)
	all := []struct {
		trail TrailID
		typ   Type
	}{{org, "token.used"}, {org, "grant.ended"}, {UserTrail(sampleUser), "token.used"}, {OperatorTrail, "installation.initialized"}}
	for _, tt := range []struct {
		trail TrailID
		typ   Type
		want  []bool // which of all match
	}{
		{"", "", []bool{true, true, true, true}},
		{org, "", []bool{true, true, false, false}},
		{"", "token", []bool{true, false, true, false}},
		{"", "token.used", []bool{true, false, true, false}},
		{org, "token", []bool{true, false, false, false}},
		{org, "grant.ended", []bool{false, true, false, false}},
		{OperatorTrail, "token", []bool{false, false, false, false}},
	} {
		filter := SubjectFilter(tt.trail, tt.typ)
		for i, e := range all {
			if got := subjectMatches(filter, Subject(e.trail, e.typ)); got != tt.want[i] {
				t.Errorf("%s matches %s: %v", filter, Subject(e.trail, e.typ), got)
			}
		}
	}
}

// subjectMatches does what a NATS server does: * is one token, > the rest.
func subjectMatches(filter, subject string) bool {
	f, s := strings.Split(filter, "."), strings.Split(subject, ".")
	for i := range f {
		if f[i] == ">" {
			return len(s) > i
		}
		if i >= len(s) || (f[i] != "*" && f[i] != s[i]) {
			return false
		}
	}
	return len(f) == len(s)
}

func TestSubjectOfEveryType(t *testing.T) {
	t.Parallel()
	for _, k := range Catalogue() {
		if got := Subject(OperatorTrail, k.Type); strings.Count(got, ".") != 4 || !plain(got) {
			t.Errorf("%s is published on %s", k.Type, got)
		}
	}
}

func TestHeaders(t *testing.T) {
	t.Parallel()
	var text bytes.Buffer
	for _, m := range []Meta{fullMeta, fewMeta} {
		rec, err := Decode(leafOf(t, m, TokenUsed{Source: -1, Action: "createScan"}, samplePlace(Kind{Observation: true})))
		if err != nil {
			t.Fatal(err)
		}
		h := Headers(rec, "0198aaaa-0000-7000-8000-000000000001", 2)
		for _, name := range slices.Sorted(maps.Keys(h)) {
			text.WriteString(name + ": " + strings.Join(h[name], ", ") + "\n")
		}
		text.WriteString("\n")
	}
	compareGolden(t, filepath.Join("testdata", "headers.txt"), text.Bytes())
}

// What one event leaves in a set of headers must not show in the next one's.
func TestHeadersOneAfterTheOther(t *testing.T) {
	t.Parallel()
	set := NewHeaderSet("0198aaaa-0000-7000-8000-000000000001")
	first, err := Decode(leafOf(t, fullMeta, TokenUsed{Action: "createScan"}, samplePlace(Kind{Observation: true})))
	if err != nil {
		t.Fatal(err)
	}
	if !plain(first.Meta.Trace) {
		t.Fatal("the first event has no trace")
	}
	second, err := Decode(leafOf(t, fewMeta, TokenUseRefused{Code: "EXPIRED"}, Place{
		Position: 77, TrailPosition: 5, RecordedAt: first.RecordedAt.Add(time.Second),
	}))
	if err != nil {
		t.Fatal(err)
	}
	for i, one := range []struct {
		rec  Recorded
		term int64
	}{{first, 1}, {second, 1}, {second, 2}, {first, 2}} {
		got, want := set.Of(one.rec, one.term), Headers(one.rec, "0198aaaa-0000-7000-8000-000000000001", one.term)
		if !reflect.DeepEqual(got, want) {
			t.Errorf("event %d has headers %v, alone it has %v", i, got, want)
		}
	}
}

// A trace comes from outside; what is no traceparent must not reach a header.
func TestHeadersOfAForgedTrace(t *testing.T) {
	t.Parallel()
	for _, trace := range []string{"x\r\nce-id: 1", "00-Ü", " ", ""} {
		if h := Headers(Recorded{Event: TokenRevoked{}, Meta: Meta{Trace: trace}}, "o", 1); h[HeaderTrace] != nil {
			t.Errorf("trace %q is passed on as %q", trace, h[HeaderTrace])
		}
	}
}

func TestSchemaIsJSON(t *testing.T) {
	t.Parallel()
	for _, k := range Catalogue() {
		if _, err := json.Marshal(k.Schema()); err != nil {
			t.Errorf("%s: %v", k.Type, err)
		}
	}
}
