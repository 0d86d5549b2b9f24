// Fuzz targets. Their corpus is under testdata/fuzz.

package secret_test

import (
	"errors"
	"slices"
	"testing"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

func FuzzParse(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add(g.Value)
		f.Add(g.Masked)
	}
	f.Fuzz(func(t *testing.T, s string) {
		v, err := secret.Parse(s)
		kind, id, ok := secret.ParseBytes([]byte(s))
		if ok != (err == nil) || kind != v.Kind() || id != v.ID() {
			t.Fatalf("Parse: %v, %v; ParseBytes: %v, %v, %v", v, err, kind, id, ok)
		}
		if err != nil {
			if !errors.Is(err, secret.ErrShape) && !errors.Is(err, secret.ErrChecksum) {
				t.Fatalf("an error of another kind: %v", err)
			}
			return
		}
		if v.Reveal() != s || !pattern.MatchString(s) || secret.ShortID(id) != s[5:27] {
			t.Fatalf("%q is read as %v", s, v)
		}
	})
}

func FuzzParseReference(f *testing.F) {
	for _, g := range goldens(f) {
		for _, s := range []string{g.UUID, g.ShortID, g.Masked, g.Fingerprint, g.Value} {
			f.Add(s)
		}
	}
	f.Fuzz(func(t *testing.T, s string) {
		ref, err := secret.ParseReference(s)
		if err != nil {
			if ref != (secret.Reference{}) {
				t.Fatalf("%+v came with %v", ref, err)
			}
			return
		}
		// What was understood, written canonically, is understood as the same.
		canonical := map[secret.Form]string{
			secret.ByUUID: ref.ID.String(), secret.ByShortID: secret.ShortID(ref.ID),
			secret.ByMasked: secret.Masked(ref.Kind, ref.ID), secret.ByFingerprint: ref.Fingerprint,
		}[ref.Form]
		if again, err := secret.ParseReference(canonical); err != nil || again != ref {
			t.Fatalf("%q: %+v; %q: %+v, %v", s, ref, canonical, again, err)
		}
	})
}

func FuzzRedact(f *testing.F) {
	value := goldens(f)[0].Value
	f.Add("", "", 69)
	f.Add("tola_abc", "_tola_", 69)
	f.Add("Bearer tolp_", "…", 40)
	f.Fuzz(func(t *testing.T, before, after string, cut int) {
		if cut < 12 || cut > len(value) {
			cut = len(value)
		}
		checkRedacted(t, before, value[:cut], after)
	})
}

func FuzzFind(f *testing.F) {
	for _, g := range goldens(f) {
		f.Add([]byte(g.Value + " " + g.Value))
		f.Add([]byte("tol" + g.Value))
	}
	f.Fuzz(func(t *testing.T, text []byte) {
		if got, want := secret.Find(text), judged(text); !slices.Equal(got, want) {
			t.Fatalf("found %v, want %v", got, want)
		}
	})
}
