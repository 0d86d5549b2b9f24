// Rulings of the policies, remembered as long as what they were made on is the same.

package verifier

import (
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// basis is the versions of all that a ruling depends on besides its question:
// the token with its scopes, the owner's role, the grant, and the organization
// with its policy and registry. Deadlines and sources are no part of a ruling;
// they are looked at each time.
type basis struct {
	token, grant, member, organization events.Version
}

// asked is the question of a ruling. Resource is the class of what is used: an
// organization's systems, or the ledger itself where it is said so.
type asked struct {
	token, organization uuid.UUID
	action, scope       string
	ledger              bool
}

// ruling is the answer, with the scopes that the use needs.
type ruling struct {
	basis  basis
	code   Code
	policy string
	needed string
}

// rulingBook remembers rulings. A question that is asked again after anything in
// its basis has changed is asked of the policies again, so nothing needs to be
// dropped when the log moves.
type rulingBook = book[asked, ruling]
