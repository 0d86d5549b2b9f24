// One request: who makes it, and what it is answered with.

package scim

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"mime"
	"net/http"
	"strconv"
	"strings"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// operation is one thing that can be asked for. name is what its use is
// recorded as.
type operation struct {
	name string
	op   aggregate.Operation
	run  func(*call) error
}

// call is one request whose token is good for it.
type call struct {
	w            http.ResponseWriter
	r            *http.Request
	scheme       string // of the URL that the caller used
	organization uuid.UUID
	aggregate.Call
}

func (c *call) ctx() context.Context { return c.r.Context() }

// handle answers requests for an operation.
func (h *handler) handle(o operation) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		c, err := h.admit(w, r, o)
		if err == nil {
			err = h.run(c, o)
		}
		if err == nil {
			return
		}
		p := problemOf(err)
		if p == nil {
			if r.Context().Err() == nil {
				h.Logger.ErrorContext(r.Context(), "a SCIM request failed", "request", w.Header().Get("X-Request-Id"), "error", err)
			}
			p = &problem{status: http.StatusInternalServerError, detail: "Something went wrong; the log has it under the request id of this answer."}
		}
		fail(w, p)
	}
}

// run does what is asked for, if there is room for one more of the organization's.
func (h *handler) run(c *call, o operation) error {
	w, leave, ok := h.Rooms.Enter(c.organization, c.w, c.r)
	if !ok {
		h.Rooms.Refusals.Hold(c.r.Context())
		return fmt.Errorf("too many requests of one organization: %w", events.ErrBusy)
	}
	defer leave()
	c.w = w
	return o.run(c)
}

// admit verifies the token that calls and records its use. Only an
// organization's token speaks for an identity provider.
func (h *handler) admit(w http.ResponseWriter, r *http.Request, o operation) (*call, error) {
	origin := httpd.OriginOf(r, h.Proxies)
	w.Header().Set("X-Request-Id", origin.RequestID)
	value, given := bearer(r)
	if !given {
		w.Header().Set("WWW-Authenticate", `Bearer realm="tokenledger"`)
		return nil, &problem{status: http.StatusUnauthorized, detail: "This needs a token of the organization: Authorization: Bearer tola_…"}
	}
	d, err := h.Verifier.Verify(r.Context(), verifier.Query{
		Value: value, Action: o.name, Resource: resourceOf(r), Scope: aggregate.ScopeFor(o.op), Ledger: true,
		Address: origin.Address, Agent: origin.Agent, RequestID: origin.RequestID, Trace: origin.Trace, Via: "scim",
	})
	if err != nil {
		return nil, err
	}
	if !d.Allowed {
		return nil, h.refused(w, origin, value, d)
	}
	c := &call{w: w, r: r, scheme: "http", organization: d.Organization}
	if r.TLS != nil || httpd.FromProxy(r, h.Proxies) && strings.EqualFold(r.Header.Get("X-Forwarded-Proto"), "https") {
		c.scheme = "https"
	}
	c.Principal = d.Principal()
	c.Correlation, c.Trace, c.Once = origin.RequestID, origin.Trace, r.Header.Get("Idempotency-Key")
	return c, aggregate.Authorize(c.Principal, aggregate.Standing{Organization: d.Organization, Member: events.RoleMember}, o.op)
}

func (h *handler) refused(w http.ResponseWriter, origin httpd.Origin, value string, d verifier.Decision) error {
	switch {
	case d.Code == verifier.SSORequired:
		return &problem{status: http.StatusForbidden, detail: "The organization demands that this token is authorized through single sign-on."}
	case d.Code == verifier.ScopeInsufficient:
		return &problem{status: http.StatusForbidden, detail: "This needs the scope " + d.ScopeNeeded + ", which the token lacks."}
	case d.Code.Status() != http.StatusUnauthorized:
		return &problem{status: http.StatusForbidden, detail: "The token may not be used for this."}
	}
	if wait := h.Limits.Failed(origin.Address, value); wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
		return &problem{status: http.StatusTooManyRequests, detail: "Too many attempts failed; wait a moment."}
	}
	w.Header().Set("WWW-Authenticate", `Bearer realm="tokenledger", error="invalid_token"`)
	return &problem{status: http.StatusUnauthorized, detail: "This token is not valid."}
}

// bearer reads the one credential of a request.
func bearer(r *http.Request) (string, bool) {
	headers := r.Header["Authorization"]
	if len(headers) != 1 {
		return "", false
	}
	scheme, value, ok := strings.Cut(headers[0], " ")
	return strings.TrimSpace(value), ok && strings.EqualFold(scheme, "Bearer")
}

// resourceOf is what the use is recorded for: the user, where one is named.
// Filters have personal values in them and are not recorded.
func resourceOf(r *http.Request) string {
	if id, err := uuid.Parse(r.PathValue("id")); err == nil {
		return "user/" + id.String()
	}
	return ""
}

// decode reads the body, which is one JSON value of a kind that SCIM knows.
func (c *call) decode(into any) error {
	if kind, _, err := mime.ParseMediaType(c.r.Header.Get("Content-Type")); err != nil || kind != mediaType && kind != "application/json" {
		return &problem{status: http.StatusUnsupportedMediaType, detail: "Send " + mediaType + "."}
	}
	if httpd.Encoded(c.r.Header) {
		return &problem{status: http.StatusUnsupportedMediaType, detail: httpd.NotDecoded}
	}
	body, err := io.ReadAll(c.r.Body)
	if err != nil {
		return err
	}
	d := json.NewDecoder(bytes.NewReader(body))
	if err := d.Decode(into); err != nil {
		return bad(invalidSyntax, "The body is not the JSON that is expected here.")
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return bad(invalidSyntax, "The body is more than one JSON value.")
	}
	return nil
}

// base is the URL below which resources stand, as the caller knows it.
func (c *call) base() string {
	return c.scheme + "://" + c.r.Host + strings.TrimSuffix(Prefix, "/")
}
