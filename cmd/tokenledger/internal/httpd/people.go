// Signed-in people: requests that carry a session or a provider's token in the
// place of a token of the ledger.

package httpd

import (
	"errors"
	"net/http"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/signin"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// People recognizes signed-in people.
type People interface {
	// Recognize is [signin.Service.Recognize].
	Recognize(w http.ResponseWriter, r *http.Request, bearer string, organization uuid.UUID) (p signin.Person, found bool, err error)
}

// person serves a request of a signed-in person; done is false where it is none.
func (a *Authenticator) person(w http.ResponseWriter, r *http.Request, next http.Handler, value, id string) (done bool) {
	if a.People == nil {
		return false
	}
	organization, malformed := organizationOf(r)
	asOf := a.Verifier.Position() // before it is looked at, so that nothing falls between
	p, found, err := a.People.Recognize(w, r, value, organization)
	var refused *aggregate.Refusal
	switch {
	case errors.As(err, &refused):
		refusePerson(w, refused)
	case err != nil:
		unavailable(w)
	case !found:
		return false
	case malformed != nil:
		writeError(w, http.StatusBadRequest, "BAD_USER_INPUT", malformed.Error())
	default:
		q := verifier.Query{
			Organization: organization, Address: clientAddress(r, a.Proxies),
			Agent: agent(r), RequestID: id, Trace: traceParent(r), Via: "graphql",
		}
		a.pass(w, r, next, Call{Subject: p.Subject, Query: q, AsOf: asOf, Until: p.Until})
	}
	return true
}

func refusePerson(w http.ResponseWriter, r *aggregate.Refusal) {
	switch r.Code {
	case aggregate.CodeUnauthenticated:
		w.Header().Set("WWW-Authenticate", `Bearer realm="tokenledger", error="invalid_token"`)
	case aggregate.CodeUnavailable:
		w.Header().Set("Retry-After", "1")
	}
	writeError(w, signin.Status(r), string(r.Code), r.Message)
}
