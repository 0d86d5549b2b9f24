// The strictness of the reader: of all JSON texts that mean the same, it takes one.

package events

import (
	"errors"
	"strings"
	"testing"
)

// Each case changes one thing in a leaf that is read well.
func TestDecodeTakesOnlyCanonicalEnvelopes(t *testing.T) {
	t.Parallel()
	leaf := string(leafOf(t, fullMeta, TokenUsed{Source: 1041, Action: "createScan", Count: 1 << 53}, samplePlace(Kind{Observation: true})))
	if _, err := Decode([]byte(leaf)); err != nil {
		t.Fatal(err)
	}
	id := sampleOrganization.String()
	tests := []struct{ name, old, new string }{
		{"an unknown first field", `{"format":1`, `{"a":1,"format":1`},
		{"a format as text", `"format":1`, `"format":"1"`},
		{"fields in another order", `"position":1042,"trail":"` + id + `"`, `"trail":"` + id + `","position":1042`},
		{"a missing field", `"position":1042,`, ``},
		{"a field twice", `"position":1042,`, `"position":1042,"position":1042,`},
		{"white space after a colon", `"position":`, `"position": `},
		{"white space before a comma", `1042,`, `1042 ,`},
		{"a tab", `,"trail"`, ",\t\"trail\""},
		{"an escaped name", `"position"`, `"\u0070osition"`},
		{"an escaped letter", `"trail":"0`, `"trail":"\u0030`},
		{"an upper-case trail", id, strings.ToUpper(id)},
		{"a trail in braces", `"trail":"` + id, `"trail":"{` + id + `}`},
		{"a trail that is a subject", `"trail":"`, `"trail":"*.`},
		{"an empty trail", `"trail":"` + id + `"`, `"trail":""`},
		{"a stream of another kind", `"stream":"token-`, `"stream":"user-`},
		{"a stream of no kind", `"stream":"token-`, `"stream":"`},
		{"position 0", `"position":1042`, `"position":0`},
		{"a negative position", `"position":1042`, `"position":-1`},
		{"a position with a sign", `"position":1042`, `"position":+1042`},
		{"a position with a leading zero", `"position":1042`, `"position":01042`},
		{"a position with a point", `"position":1042`, `"position":1042.0`},
		{"a position with an exponent", `"position":1042`, `"position":1042e0`},
		{"a small position as text", `"position":1042`, `"position":"1042"`},
		{"a large position as a number", `"position":1042`, `"position":9007199254740992`},
		{"a position beyond 64 bits", `"position":1042`, `"position":"9223372036854775808"`},
		{"a position that is none", `"position":1042`, `"position":null`},
		{"trail position 0", `"trail_position":17`, `"trail_position":0`},
		{"a negative version", `"version":0`, `"version":-1`},
		{"an observation with a version", `"version":0`, `"version":1`},
		{"a time with a zone", `678901Z`, `678901+00:00`},
		{"a time in lower case", `T03:04`, `t03:04`},
		{"a time with a comma", `05.678901`, `05,678901`},
		{"a time of milliseconds", `05.678901`, `05.678`},
		{"a time of nanoseconds", `05.678901`, `05.678901000`},
		{"a thirteenth month", `2026-01-02`, `2026-13-02`},
		{"a month 0", `2026-01-02`, `2026-00-02`},
		{"a day 0", `2026-01-02`, `2026-01-00`},
		{"a 29th of February", `2026-01-02`, `2026-02-29`},
		{"hour 24", `T03:04`, `T24:04`},
		{"minute 60", `T03:04`, `T03:60`},
		{"second 60", `:05.678901`, `:60.678901`},
		{"year 0", `"2026-`, `"0000-`},
		{"a name that is no name", `token.used`, `token used`},
		{"a type version of 1", `"token.used"`, `"token.used","type_version":1`},
		{"a type version of 0", `"token.used"`, `"token.used","type_version":0`},
		{"an empty reason", `"correlation"`, `"reason":"","correlation"`},
		{"an empty trace", `,"data"`, `,"trace":"","data"`},
		{"an actor without id", `"id":"` + sampleToken.String() + `"`, `"id":""`},
		{"an actor without kind", `"kind":"personal_token",`, ``},
		{"an actor with an empty user", `"user":"` + sampleUser.String() + `"`, `"user":""`},
		{"an actor with a field more", `"user":"` + sampleUser.String() + `"`, `"user":"x","zone":1`},
		{"a raw line break", `company.\n`, "company.\n"},
		{"an upper-case escape", `company.\n`, `company.\u000A`},
		{"a long escape for a short one", `company.\n`, `company.\u000a`},
		{"an escaped slash", `company.\n`, `company.\/`},
		{"an escape of no meaning", `company.\n`, `company.\x`},
		{"an escape of a letter", `company.\n`, `company.\u0041`},
		{"half an escape", `company.\n`, `company.\u00`},
		{"a surrogate pair", `“IT”`, `\ud83d\ude00`},
		{"what is not UTF-8", `“IT”`, "\xff"},
		{"data that are no object", `"data":{"source":1041,"action":"createScan","count":"9007199254740992"}`, `"data":[]`},
		{"data that are missing", `{"source":1041,"action":"createScan","count":"9007199254740992"}`, ``},
		{"data with white space", `{"source"`, `{ "source"`},
		{"data with a line break", `{"source"`, "{\n\"source\""},
		{"data that are not UTF-8", `createScan`, "\xff"},
		{"data that are not JSON", `createScan"`, `createScan`},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			changed := strings.Replace(leaf, tt.old, tt.new, 1)
			if changed == leaf {
				t.Fatalf("%q does not occur in %s", tt.old, leaf)
			}
			if rec, err := Decode([]byte(changed)); !errors.Is(err, ErrNotCanonical) {
				t.Errorf("read as %+v, error %v\n%s", rec.Event, err, changed)
			}
		})
	}
}

// No prefix and no extension of a leaf is a leaf.
func TestDecodeTakesOnlyWholeLeaves(t *testing.T) {
	t.Parallel()
	leaf := leafOf(t, fullMeta, TokenUsed{Source: 1041, Action: "createScan"}, samplePlace(Kind{Observation: true}))
	for n := range leaf {
		if _, err := Decode(leaf[:n]); !errors.Is(err, ErrNotCanonical) {
			t.Fatalf("%d of %d bytes read with error %v", n, len(leaf), err)
		}
	}
	for _, more := range []string{" ", "\n", "}", "{}", ",", "\x00"} {
		if _, err := Decode([]byte(string(leaf) + more)); !errors.Is(err, ErrNotCanonical) {
			t.Errorf("%q after the end read with error %v", more, err)
		}
	}
}

func TestDecodeNamesAnUnknownFormat(t *testing.T) {
	t.Parallel()
	if _, err := Decode([]byte(`{"format":2,"whatever":true}`)); !errors.Is(err, ErrFormat) {
		t.Errorf("error %v, want ErrFormat", err)
	}
}

// Data that this program would not write are kept as they are, not half understood.
func TestDecodeTakesOnlyCanonicalData(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, typ, data string
		known           bool
	}{
		{"a use", "token.used", `{"source":1,"action":"a","count":2}`, true},
		{"nothing", "token.used", `{}`, true},
		{"the largest number", "token.used", `{"count":9007199254740991}`, true},
		{"the smallest number", "token.used", `{"count":-9007199254740991}`, true},
		{"a number as text", "token.used", `{"count":"9007199254740992"}`, true},
		{"the least number", "token.used", `{"count":"-9223372036854775808"}`, true},
		{"fields in another order", "token.used", `{"action":"a","source":1}`, false},
		{"a field twice", "token.used", `{"action":"a","action":"a"}`, false},
		{"an unknown field", "token.used", `{"zone":"a"}`, false},
		{"an empty text", "token.used", `{"action":""}`, false},
		{"an empty number", "token.used", `{"count":0}`, false},
		{"minus nothing", "token.used", `{"count":-0}`, false},
		{"a relative position", "token.used", `{"source":-1}`, false},
		{"a small number as text", "token.used", `{"count":"2"}`, false},
		{"a large number bare", "token.used", `{"count":9007199254740992}`, false},
		{"a number for a text", "token.used", `{"action":1}`, false},
		{"null for a text", "token.used", `{"action":null}`, false},
		{"a missing field", "token.renamed", `{}`, false},
		{"an empty field that must be there", "token.renamed", `{"name":""}`, true},
		{"an escaped field name", "token.renamed", `{"\u006eame":"x"}`, false},
		{"a list", "token.tagged", `{"tags":["a","b"]}`, true},
		{"an empty list", "token.tagged", `{"tags":[]}`, false},
		{"null for a list", "token.tagged", `{"tags":null}`, false},
		{"a number in a list", "token.tagged", `{"tags":[1]}`, false},
		{"a flag", "token.rotated", `{"successor":"` + sampleToken.String() + `","until":"2026-01-02T03:04:05.678901Z","ends_at_first_use":true}`, true},
		{"a flag that is off", "token.rotated", `{"successor":"` + sampleToken.String() + `","until":"2026-01-02T03:04:05.678901Z","ends_at_first_use":false}`, false},
		{"an id in upper case", "token.rotated", `{"successor":"` + strings.ToUpper(sampleToken.String()) + `","until":"2026-01-02T03:04:05.678901Z"}`, false},
		{"an id as a URN", "token.rotated", `{"successor":"urn:uuid:` + sampleToken.String() + `","until":"2026-01-02T03:04:05.678901Z"}`, false},
		{"a zero time", "token.suspended", `{"until":"0001-01-01T00:00:00.000000Z"}`, false},
		{"a commitment", "token.source_seen", `{"address":"` + strings.Repeat("A", 42) + `E"}`, true},
		{"a commitment to nothing", "token.source_seen", `{"address":"` + strings.Repeat("A", 43) + `"}`, false},
		{"a commitment with loose bits", "token.source_seen", `{"address":"` + strings.Repeat("A", 42) + `F"}`, false},
		{"a commitment that is too short", "token.source_seen", `{"address":"AAAA"}`, false},
		{"a commitment with padding", "token.source_seen", `{"address":"` + strings.Repeat("A", 42) + `E="}`, false},
		{"a commitment with a line break", "token.source_seen", `{"address":"` + strings.Repeat("A", 42) + `\nE"}`, false},
	}
	for _, tt := range tests {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			decodeData(t, Type(tt.typ), tt.data, tt.known)
		})
	}
}

func TestDecodeTakesOnlyCanonicalMaps(t *testing.T) {
	t.Parallel()
	for data, known := range map[string]bool{
		`{"object":"o","actions":{"a":"read","b":"write"}}`: true,
		`{"object":"o","actions":{"":""}}`:                  true,
		`{"object":"o"}`:                                    true,
		`{"object":"o","actions":{}}`:                       false,
		`{"object":"o","actions":{"b":"x","a":"x"}}`:        false,
		`{"object":"o","actions":{"a":"x","a":"x"}}`:        false,
		`{"object":"o","actions":{"":"","":""}}`:            false,
		`{"object":"o","actions":{"a":1}}`:                  false,
		`{"object":"o","actions":null}`:                     false,
		`{"object":"o","actions":["a"]}`:                    false,
	} {
		decodeData(t, "organization.object_registered", data, known)
	}
}

// decodeData puts data in a leaf and looks whether they are understood.
func decodeData(t *testing.T, typ Type, data string, known bool) {
	t.Helper()
	k, ok := KindOf(typ)
	if !ok {
		t.Fatalf("no type %s", typ)
	}
	leaf := leafOf(t, fewMeta, k.Zero(), samplePlace(k))
	head, _, _ := strings.Cut(string(leaf), `"data":`)
	rec, err := Decode([]byte(head + `"data":` + data + "}"))
	if err != nil {
		t.Fatalf("%s: %v", data, err)
	}
	if u, unknown := rec.Event.(Unknown); unknown == known || (unknown && string(u.Data) != data) {
		t.Errorf("%s read as %#v", data, rec.Event)
	}
}
