// Scopes: what a credential may do, as a small algebra.
//
// A scope is `<object>:<verb>`, or `read` or `write` alone for every object
// there is or will be, or `admin` for all but introspection. As a set it holds
// pairs of object and verb; write holds read as well. Every operation here is
// exact for those sets, also for objects that nobody has registered yet.

package aggregate

import (
	"slices"
	"strings"
)

// The verbs of scopes.
const (
	VerbRead       = "read"
	VerbWrite      = "write" // implies read
	VerbDelete     = "delete"
	VerbIntrospect = "introspect" // of tokens only

	scopeAdmin = "admin"
)

// Scopes is a list of scopes: sorted and without duplicates. The nil Scopes
// allows nothing; that a personal token without scopes has all its owner's
// rights is said by [Effective].
type Scopes []string

// AllScopes is everything: what owners and administrators may.
func AllScopes() Scopes { return Scopes{scopeAdmin, "token:" + VerbIntrospect} }

// canonical sorts a copy and drops duplicates; empty is nil.
func canonical(in []string) Scopes {
	if len(in) == 0 {
		return nil
	}
	out := slices.Clone(in)
	slices.Sort(out)
	return slices.Compact(out)
}

// Allow reports whether the scopes allow the verb on the object.
func (s Scopes) Allow(object, verb string) bool {
	for _, scope := range s {
		if atomOf(scope).covers(atom{object, verb}) {
			return true
		}
	}
	return false
}

// Within reports whether the ceiling allows everything that s allows.
func (s Scopes) Within(ceiling Scopes) bool {
	for _, scope := range s {
		if !ceiling.cover(atomOf(scope)) {
			return false
		}
	}
	return true
}

// Beyond gives those scopes that the ceiling does not wholly allow.
func (s Scopes) Beyond(ceiling Scopes) Scopes {
	var out Scopes
	for _, scope := range s {
		if !ceiling.cover(atomOf(scope)) {
			out = append(out, scope)
		}
	}
	return out
}

// Intersect gives what both allow, in as few scopes as that takes.
func (s Scopes) Intersect(o Scopes) Scopes {
	var met []string
	for _, a := range s {
		for _, b := range o {
			if m, ok := meet(atomOf(a), atomOf(b)); ok {
				met = append(met, m.String())
			}
		}
	}
	all := canonical(met)
	var out Scopes
	for i, scope := range all {
		rest := slices.Concat(all[:i], all[i+1:])
		if !rest.cover(atomOf(scope)) {
			out = append(out, scope)
		}
	}
	return out
}

// cover asks for one scope that holds a: a set of pairs that is itself a scope
// is never covered by several others together and by none of them alone.
func (s Scopes) cover(a atom) bool {
	return slices.ContainsFunc(s, func(scope string) bool { return atomOf(scope).covers(a) })
}

// Effective is what a token may do whose holder has these rights: a personal
// token without scopes has them all, any other token those within its scopes.
func Effective(scopes, rights Scopes, personal bool) Scopes {
	if personal && len(scopes) == 0 {
		return rights
	}
	return scopes.Intersect(rights)
}

// atom is one scope taken apart; object is empty where every object is meant.
type atom struct{ object, verb string }

func atomOf(scope string) atom {
	if object, verb, ok := strings.Cut(scope, ":"); ok {
		return atom{object, verb}
	}
	return atom{verb: scope}
}

func (a atom) String() string {
	if a.object == "" {
		return a.verb
	}
	return a.object + ":" + a.verb
}

// covers reports whether a allows all that b does.
func (a atom) covers(b atom) bool {
	if a == (atom{verb: scopeAdmin}) {
		return b.verb != VerbIntrospect
	}
	if a.object != "" && a.object != b.object {
		return false
	}
	return a.verb == b.verb || a.verb == VerbWrite && b.verb == VerbRead
}

// meet is what a and b have in common, which is nothing or one scope.
func meet(a, b atom) (atom, bool) {
	switch {
	case a.covers(b):
		return b, true
	case b.covers(a):
		return a, true
	}
	// What is left: every object may be read, and one may be written.
	if a.object == "" {
		a, b = b, a
	}
	if b == (atom{verb: VerbRead}) && a.verb == VerbWrite {
		return atom{a.object, VerbRead}, true
	}
	return atom{}, false
}
