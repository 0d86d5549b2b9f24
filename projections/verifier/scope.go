// Which scopes a use needs, and whether the token has them.

package verifier

import (
	"strings"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
)

// allowed checks the scopes that the query names, separated by spaces as in RFC
// 6749 section 3.3, or the one that its action maps to.
func allowed(d *decided, o *organization, q Query) Code {
	need := aggregate.Scopes(strings.Fields(q.Scope))
	if len(need) == 0 && q.Action != "" && !q.Ledger && !q.Told {
		object, verb, ok := aggregate.With(o.objects).ActionScope(q.Action)
		if !ok {
			return ActionUnknown
		}
		need = aggregate.Scopes{object + ":" + verb}
	}
	if len(need) == 0 {
		return ""
	}
	d.subject.ScopeNeeded = strings.Join(need, " ")
	have := d.subject.Scopes
	if q.Ledger {
		have = aggregate.Effective(d.subject.OwnScopes, aggregate.AllScopes(), d.subject.Kind == events.PersonalKind)
	}
	if !need.Within(have) {
		return ScopeInsufficient
	}
	return ""
}
