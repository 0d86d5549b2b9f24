// The form parser against the standard library's.

package verifyhttp

import (
	"net/url"
	"testing"
	"unicode/utf8"
)

func FuzzForm(f *testing.F) {
	for _, seed := range []string{"token=a&scope=b+c", "token=%74%6F&action=&&resource", "a=1&a=2", "token=%", "%74oken=x&=y", "token=a;b"} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, body string) {
		var got form
		fault := got.parse([]byte(body))
		want, err := url.ParseQuery(body)
		if fault != nil {
			valid := err == nil && len(want) <= 32
			for _, v := range want {
				valid = valid && len(v) == 1 && utf8.ValidString(v[0])
			}
			if valid {
				t.Fatalf("%q is refused with %q", body, fault.message)
			}
			return
		}
		if err != nil {
			return // a semicolon, which the standard library takes for a mistake
		}
		for _, name := range []string{"token", "scope", "action", "resource", "organization", "source_ip", "user_agent", "request_id"} {
			if len(want[name]) > 1 || *got.field(name) != want.Get(name) {
				t.Fatalf("%s in %q: got %q, want %q", name, body, *got.field(name), want[name])
			}
		}
	})
}
