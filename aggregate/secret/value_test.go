// The golden values, how a value is made, and that it never shows itself.

package secret_test

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"
	"testing"
	"testing/iotest"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// golden is one entry of testdata/values.json, which was computed by a program in another language.
type golden struct {
	Name          string
	Kind          string
	UUID          string
	Random        string
	Value         string
	ShortID       string
	Masked        string
	Fingerprint   string
	PepperVersion secret.PepperVersion
	Pepper        string
	MAC           string
}

func goldens(t testing.TB) []golden {
	t.Helper()
	raw, err := os.ReadFile("testdata/values.json")
	if err != nil {
		t.Fatal(err)
	}
	var all []golden
	if err := json.Unmarshal(raw, &all); err != nil {
		t.Fatal(err)
	}
	return all
}

func unhex(t testing.TB, s string) []byte {
	t.Helper()
	b, err := hex.DecodeString(s)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func idOf(t testing.TB, uuid string) secret.ID {
	t.Helper()
	ref, err := secret.ParseReference(uuid)
	if err != nil || ref.Form != secret.ByUUID {
		t.Fatalf("ParseReference(%q) = %+v, %v", uuid, ref, err)
	}
	return ref.ID
}

func kindOf(t testing.TB, prefix string) secret.Kind {
	t.Helper()
	for _, kind := range []secret.Kind{secret.Organization, secret.Personal} {
		if kind.String() == prefix {
			return kind
		}
	}
	t.Fatalf("no kind has the prefix %q", prefix)
	return 0
}

func TestNewAgreesWithGoldenValues(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		t.Run(g.Name, func(t *testing.T) {
			t.Parallel()
			kind, id := kindOf(t, g.Kind), idOf(t, g.UUID)
			v, err := secret.New(kind, id, bytes.NewReader(unhex(t, g.Random)))
			if err != nil {
				t.Fatal(err)
			}
			got := []string{v.Reveal(), v.Masked(), v.Fingerprint(), secret.ShortID(id), id.String()}
			want := []string{g.Value, g.Masked, g.Fingerprint, g.ShortID, g.UUID}
			for i := range want {
				if got[i] != want[i] {
					t.Errorf("got %q, want %q", got[i], want[i])
				}
			}
			if v.Kind() != kind || v.ID() != id || len(v.Reveal()) != secret.Length {
				t.Errorf("kind %v, id %v, %d characters", v.Kind(), v.ID(), len(v.Reveal()))
			}
		})
	}
}

// Each of the 62 characters must come from equally many byte values, and no byte value may be lost in silence.
func TestSecretCharactersAreEquallyLikely(t *testing.T) {
	t.Parallel()
	sources := map[byte]int{}
	refused := 0
	for b := range 256 {
		v, err := secret.New(secret.Organization, secret.ID{}, bytes.NewReader(bytes.Repeat([]byte{byte(b)}, 36*16)))
		if err != nil {
			if !errors.Is(err, secret.ErrRandom) {
				t.Fatal(err)
			}
			refused++
			continue
		}
		part := v.Reveal()[27:63]
		if part != strings.Repeat(part[:1], 36) {
			t.Fatalf("byte %d gives %q", b, part)
		}
		sources[part[0]]++
	}
	if len(sources) != 62 || refused != 8 {
		t.Errorf("%d characters, %d refused bytes; want 62 and 8", len(sources), refused)
	}
	for c, n := range sources {
		if n != 4 {
			t.Errorf("%q comes from %d byte values, want 4", c, n)
		}
	}
}

func TestNewDoesNotDependOnReadSizes(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		random := rapid.SliceOfN(rapid.Byte(), 36*16, 36*16).Draw(t, "random")
		whole, err1 := secret.New(secret.Personal, secret.ID{1}, bytes.NewReader(random))
		single, err2 := secret.New(secret.Personal, secret.ID{1}, iotest.OneByteReader(bytes.NewReader(random)))
		if (err1 == nil) != (err2 == nil) || whole.Reveal() != single.Reveal() {
			t.Fatalf("%v, %v", err1, err2)
		}
	})
}

func TestNewRefuses(t *testing.T) {
	t.Parallel()
	broken := errors.New("no entropy")
	plenty := bytes.Repeat([]byte{1}, 64)
	for name, c := range map[string]struct {
		kind   secret.Kind
		random io.Reader
		want   error
	}{
		"failing source":    {secret.Organization, iotest.ErrReader(broken), broken},
		"short source":      {secret.Organization, bytes.NewReader(plenty[:35]), io.ErrUnexpectedEOF},
		"endless bad bytes": {secret.Organization, endless(255), secret.ErrRandom},
		"unknown kind":      {'x', bytes.NewReader(plenty), nil},
		"zero kind":         {0, bytes.NewReader(plenty), nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := secret.New(c.kind, secret.ID{1}, c.random)
			if err == nil || c.want != nil && !errors.Is(err, c.want) {
				t.Errorf("got %v, want %v", err, c.want)
			}
			if v.Reveal() != "" || v.Masked() != "" {
				t.Error("a value came with the error")
			}
		})
	}
}

type endless byte

func (e endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = byte(e)
	}
	return len(p), nil
}

// hidden shows values the way that careless code would: as unexported fields, by pointer, in containers.
type hidden struct {
	value   secret.Value
	Pointer *secret.Value
	list    []secret.Value
	byName  map[string]secret.Value
}

func TestValueNeverShowsItself(t *testing.T) {
	t.Parallel()
	v := sample(t)
	h := hidden{value: v, Pointer: &v, list: []secret.Value{v}, byName: map[string]secret.Value{"a": v}}
	var shown []string
	for _, verb := range strings.Fields("%v %+v %#v %s %q %x %X %d %t %p %c %U %100v %-3s") {
		for _, x := range []any{v, &v, h, &h, []any{v}, struct{ V any }{v}} {
			shown = append(shown, fmt.Sprintf(verb, x))
		}
	}
	encoded, err := json.Marshal(struct {
		V secret.Value
		P *secret.Value
		K map[string]secret.Value
	}{v, &v, h.byName})
	if err != nil {
		t.Fatal(err)
	}
	shown = append(shown, string(encoded), v.String(), v.GoString(), fmt.Errorf("wrapped: %v", v).Error())
	var log bytes.Buffer
	for _, handler := range []slog.Handler{slog.NewJSONHandler(&log, nil), slog.NewTextHandler(&log, nil)} {
		slog.New(handler).Info("made", "value", v, "pointer", &v, "hidden", h, "any", []any{v})
	}
	shown = append(shown, log.String())
	for _, s := range shown {
		if part := v.Reveal()[27:63]; strings.Contains(s, part) || strings.Contains(s, hex.EncodeToString([]byte(part))) {
			t.Errorf("shown: %s", s)
		}
	}
	for _, s := range []string{string(encoded), log.String(), fmt.Sprintf("%x", v)} {
		if !strings.Contains(s, v.Masked()) {
			t.Errorf("the masked form is missing: %s", s)
		}
	}
}

func TestValueCannotBeDecoded(t *testing.T) {
	t.Parallel()
	for _, text := range []string{`"` + sample(t).Reveal() + `"`, `"` + sample(t).Masked() + `"`, `{}`} {
		var v secret.Value
		if err := json.Unmarshal([]byte(text), &v); err == nil || v.Reveal() != "" {
			t.Errorf("decoded: %v", err)
		} else if strings.Contains(err.Error(), "tola_") {
			t.Errorf("the error repeats its input: %v", err)
		}
	}
}

func sample(t testing.TB) secret.Value {
	t.Helper()
	v, err := secret.Parse(goldens(t)[0].Value)
	if err != nil {
		t.Fatal(err)
	}
	return v
}
