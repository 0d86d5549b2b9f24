// Removing values from text: nothing secret may stay, and nothing else may change.

package secret_test

import (
	"regexp"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// leaky is a prefix with at least one character behind the id.
var leaky = regexp.MustCompile(`tol[ap]_[0-9A-Za-z]{23}`)

func TestRedact(t *testing.T) {
	t.Parallel()
	g := goldens(t)[0]
	v, masked := g.Value, g.Masked
	for name, c := range map[string]struct{ in, want string }{
		"nothing":                     {"", ""},
		"plain text":                  {"tolerance of tola_ and tolp_x", "tolerance of tola_ and tolp_x"},
		"alone":                       {v, masked},
		"in a sentence":               {"token " + v + " was used", "token " + masked + " was used"},
		"wrong checksum":              {v[:63] + "000000", masked},
		"glued to a word":             {"x" + v + "_y", "x" + masked + "_y"},
		"too long":                    {v + "abc", masked},
		"two without a gap":           {v + v, masked + masked},
		"prefix in front of a value":  {"tola_" + v, "tola_" + masked},
		"short run then a value":      {"tola_abc" + v, "tola_abc" + masked},
		"truncated in the secret":     {v[:40] + ".", masked + "."},
		"truncated after the id":      {v[:27], masked},
		"truncated in the id":         {v[:12], v[:12] + "…"},
		"eleven characters":           {v[:11] + " " + v[:11], v[:11] + " " + v[:11]},
		"masked already":              {"token " + masked + ", used", "token " + masked + ", used"},
		"masked with dots":            {v[:27] + "...", v[:27] + "..."},
		"cut by someone with an …":    {v[:50] + "…", masked + "…"},
		"no prefix is left untouched": {v[5:], v[5:]},
		"invalid UTF-8 around":        {"\xff" + v + "\xfe", "\xff" + masked + "\xfe"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if got := secret.RedactString(c.in); got != c.want {
				t.Errorf("got %q, want %q", got, c.want)
			}
			if got := string(secret.Redact([]byte(c.in))); got != c.want {
				t.Errorf("Redact gives %q, want %q", got, c.want)
			}
		})
	}
}

func TestRedactLeavesNoSecret(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		v := values().Draw(t, "value")
		cut := rapid.IntRange(12, secret.Length).Draw(t, "cut")
		checkRedacted(t, texts().Draw(t, "before"), v.Reveal()[:cut], texts().Draw(t, "after"))
	})
}

// checkRedacted redacts a value, or a part of it, inside of other text.
func checkRedacted(t interface{ Fatalf(string, ...any) }, before, value, after string) {
	out := secret.RedactString(before + value + after)
	if leaky.MatchString(out) {
		t.Fatalf("what is left looks like a value: %q", out)
	}
	if again := secret.RedactString(out); again != out {
		t.Fatalf("redacting twice changes %q to %q", out, again)
	}
	// Any 8 characters of the secret, unless the id or the text around holds them too.
	harmless := before + value[:min(len(value), 27)] + after
	for at := 27; at+8 <= min(len(value), 63); at++ {
		part := value[at : at+8]
		if strings.Contains(out, part) && !strings.Contains(harmless, part) {
			t.Fatalf("%q of the secret is left in %q", part, out)
		}
	}
}
