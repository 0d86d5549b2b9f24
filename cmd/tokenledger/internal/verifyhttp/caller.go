// Who asks: the credential of a system that verifies other tokens.

package verifyhttp

import (
	"encoding/base64"
	"net/http"
	"net/url"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// scopeIntrospect is what a caller needs.
const scopeIntrospect = "token:introspect"

// credential reads the one credential of a request. Bearer is that of RFC 6750;
// of Basic the password is the token, whatever the user's name.
func credential(r *http.Request) (value string, basic, ok bool) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "", false, false
	}
	scheme, rest, ok := strings.Cut(headers[0], " ")
	switch {
	case !ok:
		return "", false, false
	case strings.EqualFold(scheme, "Bearer"):
		return strings.TrimSpace(rest), false, true
	case strings.EqualFold(scheme, "Basic"):
		pair, err := base64.StdEncoding.DecodeString(strings.TrimSpace(rest))
		if err != nil {
			return "", true, false
		}
		_, password, ok := strings.Cut(string(pair), ":")
		// RFC 6749, section 2.3.1: both are encoded as in a form.
		if plain, err := url.QueryUnescape(password); err == nil {
			password = plain
		}
		return password, true, ok
	}
	return "", false, false
}

// caller authenticates who asks for the organization, and answers for itself
// where ok is false; whose token is good elsewhere only, gets the answer for
// strangers. The organization of what it gives is never zero.
func (h *Handler) caller(
	w http.ResponseWriter, r *http.Request, o httpd.Origin, organization uuid.UUID, via string, stranger func(http.ResponseWriter),
) (s verifier.Subject, ok bool) {
	value, basic, given := credential(r)
	if !given {
		unauthenticated(w, "", "", true, "This needs a token: Bearer, or Basic with the token as the password.")
		return s, false
	}
	d, err := h.Verifier.Authenticated(r.Context(), verifier.Query{
		Value: value, Organization: organization, Ledger: true, Action: "authenticate",
		Address: o.Address, Agent: o.Agent, RequestID: o.RequestID, Trace: o.Trace, Via: via,
	})
	switch {
	case err != nil:
		h.unavailable(w, r, err)
	case organization != uuid.Nil && elsewhere(d.Code):
		stranger(w)
	case d.Code != "" && d.Code.Status() == http.StatusUnauthorized:
		if wait := h.Limits.Failed(o.Address, value); wait > 0 {
			tooMany(w, wait)
			return s, false
		}
		unauthenticated(w, "invalid_token", "", basic, "The token of this call is not valid.")
	case d.Code != "":
		unauthenticated(w, "insufficient_scope", scopeIntrospect, basic, "The token of this call may not be used for this organization.")
	case d.Organization == uuid.Nil:
		fail(w, http.StatusBadRequest, "invalid_request",
			"The token of this call is granted to several organizations, or none; name one of them in the header X-Organization-ID.")
	case !h.MayVerify(d.Subject):
		unauthenticated(w, "insufficient_scope", scopeIntrospect, basic, "The token of this call may not verify others; that takes the scope "+scopeIntrospect+".")
	default:
		return d.Subject, true
	}
	return s, false
}

// noSuchOrganization is the answer for strangers where they named one themselves.
func noSuchOrganization(w http.ResponseWriter) {
	fail(w, http.StatusBadRequest, "invalid_request", "There is no such organization.")
}

// elsewhere reports whether a token is good, but not for the organization named.
func elsewhere(c verifier.Code) bool {
	return c == verifier.OtherOrganization || c == verifier.NotGranted || c == verifier.NotMember
}

// unauthenticated refuses a caller: 401 whatever the reason, as RFC 7662 has it
// in section 2.3.
func unauthenticated(w http.ResponseWriter, code, scope string, basic bool, message string) {
	w.Header().Add("WWW-Authenticate", challenge(code, scope))
	if basic {
		w.Header().Add("WWW-Authenticate", `Basic realm="tokenledger", charset="UTF-8"`)
	}
	if code == "" {
		code = "invalid_client"
	}
	fail(w, http.StatusUnauthorized, code, message)
}
