// Reading values and references back: what passes, what does not, and that errors keep quiet.

package secret_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"math/big"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

const alphabet = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"

func TestParse(t *testing.T) {
	t.Parallel()
	good := goldens(t)[0].Value
	for name, c := range map[string]struct {
		in   string
		want error
	}{
		"good":                   {good, nil},
		"empty":                  {"", secret.ErrShape},
		"a character short":      {good[:68], secret.ErrShape},
		"a character long":       {good + "0", secret.ErrShape},
		"a space in front":       {" " + good[:68], secret.ErrShape},
		"a line break behind":    {good[:68] + "\n", secret.ErrShape},
		"another prefix":         {"tolb_" + good[5:], secret.ErrShape},
		"an upper-case prefix":   {"TOLA_" + good[5:], secret.ErrShape},
		"an underscore inside":   {good[:30] + "_" + good[31:], secret.ErrShape},
		"a byte above ASCII":     {good[:30] + "\xff" + good[31:], secret.ErrShape},
		"an id above 128 bits":   {good[:5] + "7n42DGM5Tflk9n8mt7Fhc8" + good[27:], secret.ErrShape},
		"the other kind":         {"tolp_" + good[5:], secret.ErrChecksum},
		"a checksum above 2^32":  {good[:63] + "zzzzzz", secret.ErrChecksum},
		"two characters swapped": {good[:40] + good[41:42] + good[40:41] + good[42:], secret.ErrChecksum},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			v, err := secret.Parse(c.in)
			if !errors.Is(err, c.want) {
				t.Fatalf("got %v, want %v", err, c.want)
			}
			if c.want == nil && v.Reveal() != c.in || c.want != nil && v.Reveal() != "" {
				t.Error("the value does not go with the error")
			}
			if _, _, ok := secret.ParseBytes([]byte(c.in)); ok != (c.want == nil) {
				t.Errorf("ParseBytes says %v", ok)
			}
		})
	}
}

func values() *rapid.Generator[secret.Value] {
	return rapid.Custom(func(t *rapid.T) secret.Value {
		kind := rapid.SampledFrom([]secret.Kind{secret.Organization, secret.Personal}).Draw(t, "kind")
		id := secret.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		random := rapid.SliceOfN(rapid.ByteRange(0, 247), 36, 36).Draw(t, "random")
		v, err := secret.New(kind, id, bytes.NewReader(random))
		if err != nil {
			t.Fatal(err)
		}
		return v
	})
}

func TestParseGivesBackWhatNewMade(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		parsed, err := secret.Parse(v.Reveal())
		if err != nil || parsed.Reveal() != v.Reveal() || parsed.Kind() != v.Kind() || parsed.ID() != v.ID() {
			t.Fatalf("%v, %v", parsed, err)
		}
		kind, id, ok := secret.ParseBytes([]byte(v.Reveal()))
		if !ok || kind != v.Kind() || id != v.ID() {
			t.Fatalf("ParseBytes: %v %v %v", kind, id, ok)
		}
	})
}

func TestParseNoticesAnyChangedCharacter(t *testing.T) {
	t.Parallel()
	for _, g := range goldens(t) {
		for at := range g.Value {
			for _, c := range []byte(alphabet + "_- \n\x00\xff") {
				changed := []byte(g.Value)
				if changed[at] == c {
					continue
				}
				changed[at] = c
				if _, err := secret.Parse(string(changed)); err == nil {
					t.Fatalf("%s: passes with byte %d changed to %q", g.Name, at, c)
				}
			}
		}
	}
}

// ShortID against arithmetic without a width.
func TestShortIDIsBase62OfTheNumber(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		id := secret.ID(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id"))
		n, short := new(big.Int), secret.ShortID(id)
		for _, c := range short {
			n.Add(n.Mul(n, big.NewInt(62)), big.NewInt(int64(strings.IndexRune(alphabet, c))))
		}
		if len(short) != 22 || n.Cmp(new(big.Int).SetBytes(id[:])) != 0 {
			t.Fatalf("%x is written %q", id, short)
		}
		if back, err := secret.ParseShortID(short); err != nil || back != id {
			t.Fatalf("%q is read as %x, %v", short, back, err)
		}
	})
}

func TestParseReference(t *testing.T) {
	t.Parallel()
	g := goldens(t)[0]
	id := idOf(t, g.UUID)
	byID := func(form secret.Form) secret.Reference { return secret.Reference{Form: form, ID: id} }
	masked := secret.Reference{Form: secret.ByMasked, Kind: secret.Organization, ID: id}
	for name, c := range map[string]struct {
		in   string
		want secret.Reference
		err  error
	}{
		"uuid":                    {g.UUID, byID(secret.ByUUID), nil},
		"upper-case uuid":         {strings.ToUpper(g.UUID), byID(secret.ByUUID), nil},
		"short id":                {g.ShortID, byID(secret.ByShortID), nil},
		"masked":                  {g.Masked, masked, nil},
		"masked with dots":        {g.Value[:27] + "...", masked, nil},
		"fingerprint":             {g.Fingerprint, secret.Reference{Form: secret.ByFingerprint, Fingerprint: g.Fingerprint}, nil},
		"a whole value":           {g.Value, secret.Reference{}, secret.ErrWholeValue},
		"a value mistyped":        {g.Value[:68] + "!", secret.Reference{}, secret.ErrReference},
		"empty":                   {"", secret.Reference{}, secret.ErrReference},
		"a name":                  {"deploy key", secret.Reference{}, secret.ErrReference},
		"uuid without dashes":     {strings.ReplaceAll(g.UUID, "-", ""), secret.Reference{}, secret.ErrReference},
		"uuid, dash misplaced":    {g.UUID[:7] + "-" + g.UUID[7:8] + g.UUID[9:], secret.Reference{}, secret.ErrReference},
		"uuid with a bad digit":   {"g" + g.UUID[1:], secret.Reference{}, secret.ErrReference},
		"short id out of range":   {"7n42DGM5Tflk9n8mt7Fhc8", secret.Reference{}, secret.ErrReference},
		"short id with a dash":    {"-" + g.ShortID[1:], secret.Reference{}, secret.ErrReference},
		"masked, other prefix":    {"tolx_" + g.Masked[5:], secret.Reference{}, secret.ErrReference},
		"masked, other ending":    {g.Value[:27] + "***", secret.Reference{}, secret.ErrReference},
		"fingerprint, url form":   {strings.Repeat("-", 43) + "=", secret.Reference{}, secret.ErrReference},
		"fingerprint, loose bits": {strings.Repeat("A", 42) + "B=", secret.Reference{}, secret.ErrReference},
		"fingerprint, line break": {g.Fingerprint[:20] + "\n" + g.Fingerprint[21:], secret.Reference{}, secret.ErrReference},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := secret.ParseReference(c.in)
			if got != c.want || !errors.Is(err, c.err) {
				t.Errorf("got %+v, %v", got, err)
			}
		})
	}
}

func TestEveryFormOfReferenceNamesTheSameToken(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		sum := sha256.Sum256([]byte(v.Reveal()))
		for form, text := range map[secret.Form]string{
			secret.ByUUID: v.ID().String(), secret.ByShortID: secret.ShortID(v.ID()),
			secret.ByMasked: v.Masked(), secret.ByFingerprint: base64.StdEncoding.EncodeToString(sum[:]),
		} {
			ref, err := secret.ParseReference(text)
			if err != nil || ref.Form != form {
				t.Fatalf("%q: %+v, %v", text, ref, err)
			}
			if form == secret.ByFingerprint && ref.Fingerprint != v.Fingerprint() || form != secret.ByFingerprint && ref.ID != v.ID() {
				t.Fatalf("%q names another token: %+v", text, ref)
			}
		}
	})
}
