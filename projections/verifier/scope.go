// What a use needs, and what the policies say to it.

package verifier

import (
	"strings"

	"github.com/tokenledger/tokenledger/aggregate"
)

// allowed says whether the policies let the token do what the query names, as
// they are in the basis. The question is put to them once for each basis.
func allowed(d *decided, o *organization, q Query) Code {
	key := asked{token: d.token, organization: d.subject.Organization, scope: q.Scope, ledger: q.Ledger}
	if q.Scope == "" && !q.Ledger && !q.Told {
		key.action = q.Action
	}
	r, known := d.rulings.lookup(d.token, key)
	if !known || r.basis != d.basis {
		r = d.consider(o, q)
		r.basis = d.basis
		d.rulings.remember(d.token, key, r)
	}
	d.policy, d.subject.ScopeNeeded = r.policy, r.needed
	return r.code
}

// consider puts the question to the policies: the scopes that the query names,
// separated by spaces as in RFC 6749 section 3.3, or the one that its action maps
// to. A use that needs none only asks who the token is.
func (d *decided) consider(o *organization, q Query) ruling {
	need := aggregate.Scopes(strings.Fields(q.Scope))
	if len(need) == 0 && q.Action != "" && !q.Ledger && !q.Told {
		object, verb, ok := aggregate.With(o.objects).ActionScope(q.Action)
		if !ok {
			return ruling{code: ActionUnknown, policy: aggregate.NoPolicy}
		}
		need = aggregate.Scopes{object + ":" + verb}
	}
	says := aggregate.Authority{
		Principal: d.subject.Principal(), Role: d.subject.Role, Organization: d.subject.Organization,
		Policy: o.policy, Ledger: q.Ledger,
	}.Use(need)
	r := ruling{policy: says.Policy, needed: strings.Join(need, " ")}
	switch {
	case says.Allowed:
	case says.Policy == aggregate.PolicyCeiling:
		r.code = AboveCeiling
	default:
		r.code = ScopeInsufficient
	}
	return r
}
