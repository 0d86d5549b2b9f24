// Which scope a use needs, and whether the token has it.

package verifier

import "github.com/tokenledger/tokenledger/aggregate"

// allowed checks the scope that the query names, or that its action maps to.
func allowed(d *decided, o *organization, q Query) Code {
	need := q.Scope
	if need == "" && q.Action != "" {
		scope, ok := aggregate.ActionScope(aggregate.Objects(o.objects), q.Action)
		if !ok {
			return ActionUnknown
		}
		need = scope
	}
	if need == "" {
		return ""
	}
	d.subject.ScopeNeeded = need
	if !(aggregate.Scopes{need}).Within(d.subject.Scopes) {
		return ScopeInsufficient
	}
	return ""
}
