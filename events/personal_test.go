// Personal values: never in a leaf, committed to so that they can be shown later.

package events

import (
	"bytes"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"reflect"
	"testing"

	"pgregory.net/rapid"
)

func hexText[T ~[32]byte](b T) string { return hex.EncodeToString(b[:]) }

func TestPersonalValuesAreInNoLeaf(t *testing.T) {
	t.Parallel()
	found := 0
	for _, k := range Catalogue() {
		event := fullEvent(k)
		values := Personals(event)
		leaf := leafOf(t, fullMeta, event, samplePlace(k))
		for field, p := range values {
			found++
			if bytes.Contains(leaf, []byte(p.Value)) || bytes.Contains(leaf, []byte(base64.StdEncoding.EncodeToString([]byte(p.Value)))) {
				t.Errorf("%s.%s stands in %s", k.Type, field, leaf)
			}
		}
	}
	if found < 6 {
		t.Errorf("only %d personal values in all types: the test looks at nothing", found)
	}
}

// Whoever is shown a value and its nonce can check it against the leaf.
func TestCommitmentsAreReproducible(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(rt *rapid.T) {
		event := drawEvent(rt, *kinds["token.source_seen"], 100).(TokenSourceSeen)
		place := Place{Position(rapid.Int64Range(1, 1<<62).Draw(rt, "at")), 1, 0, sampleTime}
		rec, err := Decode(leafOf(t, fewMeta, event, place))
		if err != nil {
			rt.Fatal(err)
		}
		read := rec.Event.(TokenSourceSeen)
		for field, p := range Personals(event) {
			want := Commit(sampleKey.Nonce(place.Position, field), field, p.Value)
			got := map[string]Personal{"address": read.Address, "agent": read.Agent}[field]
			if got.Commitment != want || got.Value != "" {
				rt.Fatalf("%s: %+v, want the commitment %s", field, got, hexText(want))
			}
		}
	})
}

// The construction is fixed: an evidence pack of today must verify in ten years.
func TestCommitmentGolden(t *testing.T) {
	t.Parallel()
	key := SubjectKey{0: 1, 31: 2}
	nonce := key.Nonce(42, "address")
	if got, want := hexText(nonce), "bac3e528e4030cf1c449d5df29cf64f2b1ed145403b27982748ad92c75816e7e"; got != want {
		t.Errorf("nonce %s, want %s", got, want)
	}
	if got, want := hexText(Commit(nonce, "address", "192.0.2.1")), "e08ef3c38197eb573281b0d7a589ea45d809a042767058379abdaf3d3a8f8d70"; got != want {
		t.Errorf("commitment %s, want %s", got, want)
	}
}

// A commitment says nothing about another field, position, value or subject.
func TestCommitmentsDiffer(t *testing.T) {
	t.Parallel()
	seen := map[Commitment]string{}
	for _, key := range []SubjectKey{{1}, {2}} {
		for _, at := range []Position{1, 2} {
			for _, field := range []string{"a", "ab"} {
				for _, value := range []string{"", "b", "bc", "c"} {
					c := Commit(key.Nonce(at, field), field, value)
					if twin, ok := seen[c]; ok {
						t.Errorf("%s and %s have one commitment", twin, field+"/"+value)
					}
					seen[c] = field + "/" + value
				}
			}
		}
	}
}

func TestWithSealedFillsIn(t *testing.T) {
	t.Parallel()
	recorded := TokenSourceSeen{Address: Personal{Commitment: Commitment{1}}, Agent: Personal{Commitment: Commitment{2}}}
	got := WithSealed(recorded, Sealed{"address": "192.0.2.1", "nothing": "x"})
	want := TokenSourceSeen{Address: Personal{Value: "192.0.2.1", Commitment: Commitment{1}}, Agent: Personal{Commitment: Commitment{2}}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("got %+v, want %+v", got, want)
	}
	if recorded.Address.Value != "" {
		t.Error("the event that was given has changed")
	}
	for _, e := range []Event{TokenRevoked{}, Unknown{Name: "planet.moved"}, recorded} {
		if got := WithSealed(e, nil); !reflect.DeepEqual(got, e) {
			t.Errorf("nothing sealed turns %+v into %+v", e, got)
		}
	}
	if p := Personals(Unknown{Name: "planet.moved"}); p != nil {
		t.Errorf("an unknown event has personal values: %v", p)
	}
}

// Without the log's keys a personal value cannot be recorded at all.
func TestPersonalValueNeedsACommitment(t *testing.T) {
	t.Parallel()
	event := UserCreated{Email: Personal{Subject: UserStream(sampleUser), Value: "a@example.com"}}
	d, err := NewDraft(UserStream(sampleUser), UserTrail(sampleUser), fewMeta, event)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.AppendLeaf(nil, samplePlace(Kind{}), nil); !errors.Is(err, ErrInvalid) {
		t.Errorf("error %v", err)
	}
	erased := errors.New("the subject's key is gone")
	refuse := func(SubjectID, Position, string, string) (Commitment, error) { return Commitment{}, erased }
	if _, err := d.AppendLeaf(nil, samplePlace(Kind{}), refuse); !errors.Is(err, erased) {
		t.Errorf("error %v", err)
	}
}
