// Scopes against a naive oracle that knows nothing of implication but lists pairs.

package aggregate

import (
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

type pair struct{ object, verb string }

// universe is every pair that could matter: one object stands for those that
// nobody has registered yet.
func universe() []pair {
	var all []pair
	for _, object := range append(slices.Concat(ledgerObjects, outsideObjects), "unregistered") {
		for _, verb := range []string{VerbRead, VerbWrite, VerbDelete} {
			all = append(all, pair{object, verb})
		}
	}
	return append(all, pair{"token", VerbIntrospect})
}

// oracle says what scopes allow, pair by pair, in the words of the contract.
func oracle(s Scopes, p pair) bool {
	for _, scope := range s {
		switch scope {
		case "admin":
			if p.verb != "introspect" {
				return true
			}
		case "read":
			if p.verb == "read" {
				return true
			}
		case "write":
			if p.verb == "read" || p.verb == "write" {
				return true
			}
		case p.object + ":" + p.verb:
			return true
		case p.object + ":write":
			if p.verb == "read" {
				return true
			}
		}
	}
	return false
}

func anyScopes() *rapid.Generator[Scopes] {
	known := Registry{}.Scopes()
	return rapid.Map(rapid.SliceOfN(rapid.SampledFrom(known), 0, 6), canonicalOf)
}

func canonicalOf(in []string) Scopes { return canonical(in) }

func TestScopesAgreeWithTheOracle(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScopes().Draw(t, "a"), anyScopes().Draw(t, "b")
		within, both := true, a.Intersect(b)
		for _, p := range universe() {
			inA, inB := oracle(a, p), oracle(b, p)
			if got := a.Allow(p.object, p.verb); got != inA {
				t.Fatalf("%v allow %v: %v, the oracle says %v", a, p, got, inA)
			}
			if got := both.Allow(p.object, p.verb); got != (inA && inB) {
				t.Fatalf("%v ∩ %v = %v allow %v: %v", a, b, both, p, got)
			}
			within = within && (!inA || inB)
		}
		if got := a.Within(b); got != within {
			t.Fatalf("%v within %v: %v, the oracle says %v", a, b, got, within)
		}
		if beyond := a.Beyond(b); (len(beyond) == 0) != within {
			t.Fatalf("%v beyond %v: %v", a, b, beyond)
		}
	})
}

func TestIntersectIsMinimalAndStable(t *testing.T) {
	t.Parallel()
	rapid.Check(t, func(t *rapid.T) {
		a, b := anyScopes().Draw(t, "a"), anyScopes().Draw(t, "b")
		both := a.Intersect(b)
		if !slices.Equal(both, b.Intersect(a)) {
			t.Fatalf("%v ∩ %v depends on the order", a, b)
		}
		if !slices.Equal(both, canonical(both)) {
			t.Fatalf("%v is not canonical", both)
		}
		for i, scope := range both {
			if rest := slices.Concat(both[:i], both[i+1:]); (Scopes{scope}).Within(rest) {
				t.Fatalf("%v: %s says nothing that the others do not", both, scope)
			}
		}
	})
}

func TestParseScopes(t *testing.T) {
	t.Parallel()
	registered := With(map[string]map[string]string{"invoice": {"pay": "write"}})
	for _, c := range []struct {
		name  string
		known Registry
		in    []string
		want  Scopes
		bad   bool
	}{
		{name: "none", in: nil, want: nil},
		{name: "empty", in: []string{}, want: nil},
		{name: "sorted and once", in: []string{"write", "read", "write"}, want: Scopes{"read", "write"}},
		{name: "introspection is of tokens", in: []string{"token:introspect"}, want: Scopes{"token:introspect"}},
		{name: "and of nothing else", in: []string{"evidence:introspect"}, bad: true},
		{name: "bare verbs are read and write", in: []string{"delete"}, bad: true},
		{name: "admin has no object", in: []string{"token:admin"}, bad: true},
		{name: "registered", known: registered, in: []string{"invoice:delete"}, want: Scopes{"invoice:delete"}},
		{name: "not registered", in: []string{"invoice:read"}, bad: true},
		{name: "no verb", in: []string{"token:"}, bad: true},
		{name: "no object", in: []string{":read"}, bad: true},
		{name: "another case", in: []string{"Read"}, bad: true},
		{name: "a space", in: []string{"read "}, bad: true},
		{name: "nothing", in: []string{""}, bad: true},
		{name: "two colons", in: []string{"token:read:write"}, bad: true},
	} {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			got, err := c.known.Parse("scopes", c.in)
			if !c.bad {
				if err != nil || !slices.Equal(got, c.want) {
					t.Fatalf("%v, %v; want %v", got, err, c.want)
				}
				return
			}
			mustBe(t, err, CodeBadUserInput, "scopes")
			if !strings.Contains(err.Error(), "evidence:write") {
				t.Fatalf("%v does not list the known scopes", err)
			}
		})
	}
}

func TestAnActionNeedsAScopeOrIsUnknown(t *testing.T) {
	t.Parallel()
	known := With(map[string]map[string]string{"invoice": {"payInvoice": "write"}})
	for action, want := range map[string]string{
		"createEvidence": "evidence:write", "createScan": "scan:write", "createRisk": "risk:write",
		"createTask": "task:write", "updateTask": "task:write", "controls": "control:read",
		"payInvoice": "invoice:write", "deleteAPIToken": "token:delete", "verifyToken": "token:introspect",
	} {
		object, verb, ok := known.ActionScope(action)
		if got := object + ":" + verb; !ok || got != want {
			t.Errorf("%s needs %s, %v; want %s", action, got, ok, want)
		}
	}
	if _, _, ok := known.ActionScope("launchRocket"); ok {
		t.Error("an action that nobody mapped has a scope")
	}
	for action, scope := range builtinActions {
		if !(Registry{}).Knows(scope) {
			t.Errorf("the action %s needs %s, which no token can have", action, scope)
		}
	}
}

func FuzzParseScopes(f *testing.F) {
	for _, seed := range []string{"read", "token:introspect", "evidence:write,read", "a:b:c", ":", "token:\xff", "admin,admin"} {
		f.Add(seed)
	}
	known := With(map[string]map[string]string{"invoice": nil})
	all := known.Scopes()
	f.Fuzz(func(t *testing.T, in string) {
		parts := strings.Split(in, ",")
		got, err := known.Parse("scopes", parts)
		for _, part := range parts {
			if slices.Contains(all, part) != known.Knows(part) {
				t.Fatalf("%q is known: %v, and listed: %v", part, known.Knows(part), !known.Knows(part))
			}
			if err == nil && !slices.Contains(all, part) {
				t.Fatalf("%q was accepted", part)
			}
		}
		if err != nil {
			return
		}
		again, err := known.Parse("scopes", got)
		if err != nil || !slices.Equal(again, got) {
			t.Fatalf("%v parses to %v, %v", got, again, err)
		}
		if !got.Within(AllScopes()) {
			t.Fatalf("%v is more than everything", got)
		}
	})
}
