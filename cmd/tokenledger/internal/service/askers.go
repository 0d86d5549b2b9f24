// Who may ask about other tokens: what the policies say, remembered for the few who ask all the time.

package service

import (
	"slices"
	"sync"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// askers remembers answers of the policies. An answer depends on nothing but the
// subject as it is now, all of which is compared, so that a changed one is asked
// about again.
type askers struct {
	mu    sync.RWMutex // guards known
	known map[uuid.UUID]asker
}

type asker struct {
	user, organization uuid.UUID
	kind               events.TokenKind
	role               events.Role
	operator, signIn   bool
	scopes             aggregate.Scopes // of the verifier's memory, which replaces and never changes them
	expires            int64
	may                bool
}

// askersKept bounds what is remembered; then it begins anew.
const askersKept = 4096

// may reports whether a caller may ask about other tokens of his organization.
func (a *askers) may(s verifier.Subject) bool {
	is := asker{
		user: s.User, organization: s.Organization, kind: s.Kind, role: s.Role, operator: s.Operator, signIn: s.SignIn,
		scopes: s.OwnScopes, expires: s.ExpiresAt.UnixNano(),
	}
	a.mu.RLock()
	was, ok := a.known[s.Token]
	a.mu.RUnlock()
	if is.may = was.may; ok && is.equal(was) {
		return is.may
	}
	is.may = aggregate.Authorize(s.Principal(), aggregate.Standing{Role: s.Role, Operator: s.Operator}, aggregate.OpVerifyTokens) == nil
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.known == nil || len(a.known) >= askersKept {
		a.known = map[uuid.UUID]asker{}
	}
	a.known[s.Token] = is
	return is.may
}

func (a asker) equal(b asker) bool {
	return a.user == b.user && a.organization == b.organization && a.kind == b.kind && a.role == b.role &&
		a.operator == b.operator && a.signIn == b.signIn && a.expires == b.expires && slices.Equal(a.scopes, b.scopes)
}
