// What people may write, and what must never be written down.

package aggregate

import (
	"crypto/rand"
	"errors"
	"strings"
	"testing"
	"unicode/utf8"

	"pgregory.net/rapid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// mustBe checks that err is a refusal with this code and field.
func mustBe(t testing.TB, err error, code Code, field string) {
	t.Helper()
	var r *Refusal
	if !errors.As(err, &r) {
		t.Fatalf("%v is no refusal; want %s", err, code)
	}
	if r.Code != code || r.Field != field {
		t.Fatalf("refused with %s on %q (%s); want %s on %q", r.Code, r.Field, r.Message, code, field)
	}
	if !strings.HasSuffix(r.Message, ".") || len(r.Message) < 20 {
		t.Errorf("%q is no sentence", r.Message)
	}
}

func TestText(t *testing.T) {
	t.Parallel()
	name, reason := nameText("name"), reasonText("reason")
	for _, c := range []struct {
		name string
		rule text
		in   string
		ok   bool
	}{
		{"a name", name, "CI deploy", true},
		{"any script", name, "Schlüssel 東京 🔑", true},
		{"255 characters, not bytes", name, strings.Repeat("ü", 255), true},
		{"256 characters", name, strings.Repeat("a", 256), false},
		{"10,000 characters", name, strings.Repeat("a", 10000), false},
		{"empty", name, "", false},
		{"spaces", name, " \u00a0", false},
		{"a line break in a name", name, "a\nb", false},
		{"a null", name, "a\x00b", false},
		{"delete", name, "a\x7f", false},
		{"a C1 control", name, "a\u0085b", false},
		{"not UTF-8", name, "a\xffb", false},
		{"text that turns others around", name, "safe\u202egnp.exe", false},
		{"a line separator", name, "a\u2028b", false},
		{"lines in a reason", reason, "left:\n\t- laptop lost\r\n", true},
		{"an escape in a reason", reason, "\x1b[31mred", false},
		{"no reason", reason, "", false},
		{"1,000 characters", reason, strings.Repeat("x", 1000), true},
		{"1,001 characters", reason, strings.Repeat("x", 1001), false},
		{"no description", descriptionText, "", true},
		{"4,096 characters", descriptionText, strings.Repeat("ß", 4096), true},
		{"4,097 characters", descriptionText, strings.Repeat("x", 4097), false},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			err := c.rule.check(c.in)
			if c.ok && err != nil {
				t.Fatal(err)
			}
			if !c.ok {
				mustBe(t, err, CodeBadUserInput, c.rule.field)
			}
		})
	}
}

func TestNoTextHoldsATokenValue(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		kind := rapid.SampledFrom([]secret.Kind{secret.Organization, secret.Personal}).Draw(t, "kind")
		id := secret.ID([]byte(rapid.SliceOfN(rapid.Byte(), 16, 16).Draw(t, "id")))
		value, err := secret.New(kind, id, rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		around := rapid.StringMatching(`[ a-zA-Z0-9=_"'-]{0,20}`)
		before, after := around.Draw(t, "before"), around.Draw(t, "after")
		for _, shown := range []string{
			value.Reveal(),
			value.Reveal()[:secret.Length-rapid.IntRange(0, 41).Draw(t, "cut")],
		} {
			err := descriptionText.check(before + shown + after)
			if err == nil {
				t.Fatalf("%d characters of a value were accepted", len(shown))
			}
			if strings.Contains(err.Error(), value.Reveal()[27:]) {
				t.Fatal("the refusal repeats the value")
			}
		}
		if err := descriptionText.check("see " + value.Masked()); err != nil {
			t.Fatalf("the masked form was refused: %v", err)
		}
	})
}

func TestTags(t *testing.T) {
	t.Parallel()
	many := make([]string, MaxTags+1)
	for i := range many {
		many[i] = strings.Repeat("t", i+1)
	}
	if got, err := tagsOf([]string{"b", "a", "b"}); err != nil || strings.Join(got, ",") != "b,a" {
		t.Errorf("%v, %v", got, err)
	}
	if _, err := tagsOf(many[:MaxTags]); err != nil {
		t.Error(err)
	}
	for name, in := range map[string][]string{
		"51 tags": many, "65 characters": {strings.Repeat("t", 65)}, "an empty tag": {"a", ""}, "a line break": {"a\nb"},
	} {
		_, err := tagsOf(in)
		t.Run(name, func(t *testing.T) { mustBe(t, err, CodeBadUserInput, "tags") })
	}
}

func TestEmail(t *testing.T) {
	t.Parallel()
	for in, ok := range map[string]bool{
		"ada@example.com": true, "ada+x@sub.example.com": true, "": false, "ada": false, "@example.com": false,
		"Ada <ada@example.com>": false, "ada@example.com, b@example.com": false, "ada@example.com\n": false,
		strings.Repeat("a", 250) + "@example.com": false,
	} {
		if err := emailText("email", in); (err == nil) != ok {
			t.Errorf("%q: %v", in, err)
		}
	}
}

func FuzzText(f *testing.F) {
	f.Add("name")
	f.Add("tola_" + strings.Repeat("0", 64))
	f.Add("a\x00\xff\u202e")
	f.Fuzz(func(t *testing.T, in string) {
		for _, rule := range []text{nameText("name"), descriptionText, tagText, reasonText("reason")} {
			if rule.check(in) != nil {
				continue
			}
			if !utf8.ValidString(in) || len(in) > 4*rule.max || strings.ContainsAny(in, "\x00\x1b\x7f") {
				t.Fatalf("%s accepted %q", rule.field, in)
			}
			if len(secret.Find([]byte(in))) > 0 {
				t.Fatalf("%s accepted a token value", rule.field)
			}
		}
	})
}
