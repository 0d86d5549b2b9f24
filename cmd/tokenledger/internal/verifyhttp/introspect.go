// RFC 7662: a resource server asks what a token is good for.

package verifyhttp

import (
	"net/http"
	"strconv"

	"github.com/tokenledger/tokenledger/projections/verifier"
)

// inactive is all that is ever said of a token that may not be used.
var inactive = []byte(`{"active":false}`)

func (h *Handler) introspect(w http.ResponseWriter, r *http.Request) {
	room := buffers.Get().(*buffer)
	defer room.release()
	f, fault := readForm(w, r, room)
	if fault != nil {
		fault.write(w)
		return
	}
	u, fault := f.use()
	if fault != nil {
		fault.write(w)
		return
	}
	organization, fault := organizationIn(r, f.organization)
	if fault != nil {
		fault.write(w)
		return
	}
	o := h.origin(w, r)
	caller, ok := h.caller(w, r, o, organization, "introspect", noSuchOrganization)
	if !ok {
		return
	}
	if u.requestID == "" {
		u.requestID = o.RequestID
	}
	d, err := h.Verifier.Verify(r.Context(), verifier.Query{
		Value: f.token, Organization: caller.Organization, Action: u.action, Resource: u.resource, Scope: u.scope,
		Address: u.address, Agent: u.agent, RequestID: u.requestID, Trace: o.Trace, Via: "introspect",
	})
	if err != nil {
		h.unavailable(w, r, err)
		return
	}
	w.Header()["Content-Type"] = typeJSON
	if !d.Allowed {
		_, _ = w.Write(inactive)
		return
	}
	w.Header()["Token-Expires"] = []string{expires(d.Until)}
	answer := buffers.Get().(*buffer)
	defer answer.release()
	answer.b = h.active(answer.b, &d)
	_, _ = w.Write(answer.b)
}

// active appends the answer for a token that may be used.
func (h *Handler) active(b []byte, d *verifier.Decision) []byte {
	b = append(b, `{"active":true,"scope":`...)
	b = appendText(b, joined(d.Scopes))
	b = append(b, `,"client_id":"`...)
	b = appendID(b, d.Token)
	b = append(b, `","username":"`...)
	b = appendUsername(b, &d.Subject)
	b = append(b, `","token_type":"Bearer"`...)
	if !d.Until.IsZero() {
		b = append(b, `,"exp":`...)
		b = strconv.AppendInt(b, d.Until.Unix(), 10)
	}
	b = append(b, `,"iat":`...)
	b = strconv.AppendInt(b, d.CreatedAt.Unix(), 10)
	b = append(b, `,"sub":"`...)
	b = appendID(b, subject(&d.Subject))
	b = append(b, `","iss":`...)
	b = appendText(b, h.Issuer)
	b = append(b, `,"jti":"`...)
	b = appendID(b, d.Token)
	return append(b, `"}`...)
}
