// Filters and paths are a stranger's text: whatever it is, it becomes known names and parameters, or is refused.

package scim

import (
	"encoding/json"
	"errors"
	"testing"

	"github.com/tokenledger/tokenledger/projections"
)

// names that the read model's compiler is given; anything else would be a hole.
var compiled = map[string]bool{
	"and": true, "or": true, "not": true, "id": true, "active": true, "externalId": true, "externalIdNotNil": true,
	"userNameEqualFold": true, "userNameContainsFold": true, "userNameNotNil": true,
	"emailEqualFold": true, "emailContainsFold": true, "emailNotNil": true,
}

func checkWhere(t *testing.T, v any) {
	switch v := v.(type) {
	case map[string]any:
		for key, in := range v {
			if !compiled[key] {
				t.Fatalf("the compiler is asked for %q", key)
			}
			checkWhere(t, in)
		}
	case []any:
		for _, in := range v {
			checkWhere(t, in)
		}
	case string, bool:
	default:
		t.Fatalf("the compiler is given a %T", v)
	}
}

func FuzzFilter(f *testing.F) {
	for _, s := range []string{
		`userName eq "a@example.com"`, `emails[type eq "work" and value co "x"]`, `not (active eq true) or externalId pr`,
		`userName eq "x\" or 1=1 --"`, `(((active eq false)))`, `userName eq "\u00e9\\"`, `id ne "x" and (`, "\x00", `a.b.c pr`,
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		where, err := compile(s)
		var p *problem
		if err != nil && (!errors.As(err, &p) || p.scimType != invalidFilter) {
			t.Fatalf("%v", err)
		}
		if err == nil {
			checkWhere(t, where)
		}
	})
}

func FuzzPatch(f *testing.F) {
	for _, s := range []string{
		`{"Operations":[{"op":"replace","path":"emails[type eq \"work\"].value","value":"a@example.com"}]}`,
		`{"Operations":[{"op":"Add","value":{"active":"False","name.givenName":"A"}}]}`,
		`{"Operations":[{"op":"remove","path":"name.familyName"},{"op":"replace","path":"emails","value":[{"value":null}]}]}`,
		`{"Operations":[{"op":"replace","path":"userName[","value":[]}]}`,
	} {
		f.Add([]byte(s))
	}
	address, name := "was@example.com", "Was So"
	f.Fuzz(func(t *testing.T, body []byte) {
		var changes patchRequest
		if json.Unmarshal(body, &changes) != nil {
			return
		}
		d := describing(projections.ProvisionedRow{UserName: &address, Email: &address, DisplayName: &name, Active: true, Named: true})
		err := changes.apply(d)
		if err == nil {
			in, refused := d.provision()
			if err = refused; err == nil && in.Profile != nil && in.Profile.DisplayName == "" {
				t.Fatal("a user without a name")
			}
		}
		var p *problem
		if err != nil && !errors.As(err, &p) {
			t.Fatalf("%v", err)
		}
	})
}
