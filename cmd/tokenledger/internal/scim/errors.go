// What goes wrong, in the form of RFC 7644, section 3.12.

package scim

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections"
)

const (
	mediaType   = "application/scim+json"
	schemaError = "urn:ietf:params:scim:api:messages:2.0:Error"
)

// problem is an answer that is not what was asked for. Its detail is a sentence
// for whoever asked.
type problem struct {
	status   int
	scimType string
	detail   string
}

// Error implements error.
func (p *problem) Error() string { return p.detail }

// The scimTypes in use.
const (
	invalidFilter = "invalidFilter"
	invalidSyntax = "invalidSyntax"
	invalidPath   = "invalidPath"
	invalidValue  = "invalidValue"
	noTarget      = "noTarget"
	mutability    = "mutability"
	uniqueness    = "uniqueness"
)

func bad(scimType, detail string) *problem {
	return &problem{http.StatusBadRequest, scimType, detail}
}

func notFound(detail string) *problem { return &problem{status: http.StatusNotFound, detail: detail} }

var errChanged = &problem{status: http.StatusPreconditionFailed, detail: "It has been changed meanwhile; read it again."}

// problemOf says what an error is to whoever asked; nil if it is for the log alone.
func problemOf(err error) *problem {
	var p *problem
	var refused *aggregate.Refusal
	var input *projections.InputError
	var tooLarge *http.MaxBytesError
	switch {
	case errors.As(err, &p):
		return p
	case errors.As(err, &refused):
		return refusal(refused)
	case errors.As(err, &input):
		return bad(invalidFilter, "The filter "+input.Reason+".")
	case errors.As(err, &tooLarge):
		return &problem{status: http.StatusRequestEntityTooLarge, detail: "This is more than one user can be."}
	case errors.Is(err, events.ErrBusy):
		return &problem{status: http.StatusServiceUnavailable, detail: "There are more requests than can be answered in time; try again in a moment."}
	case errors.Is(err, projections.ErrStale):
		return &problem{status: http.StatusServiceUnavailable, detail: "The directory has not caught up with what was recorded, so that users can neither be read nor named now; " +
			"to deactivate or delete one is done all the same. Try again in a moment."}
	case errors.Is(err, events.ErrUnavailable):
		return &problem{status: http.StatusServiceUnavailable, detail: "The ledger is catching up; try again in a moment."}
	}
	return nil
}

// refusal is what the rules said, in SCIM's words.
func refusal(r *aggregate.Refusal) *problem {
	p := &problem{status: http.StatusBadRequest, detail: r.Message}
	switch r.Code {
	case aggregate.CodeUnauthenticated:
		p.status = http.StatusUnauthorized
	case aggregate.CodeForbidden, aggregate.CodeSSORequired:
		p.status = http.StatusForbidden
	case aggregate.CodeNotFound:
		p.status = http.StatusNotFound
	case aggregate.CodeUnavailable:
		p.status = http.StatusServiceUnavailable
	case aggregate.CodeConflict:
		p.status = http.StatusConflict
		switch r.Field {
		case "version":
			return errChanged
		case "userName", "email":
			p.scimType = uniqueness
		}
	default:
		p.scimType = invalidValue
	}
	return p
}

// fail answers a problem.
func fail(w http.ResponseWriter, p *problem) {
	if p.status == http.StatusServiceUnavailable {
		w.Header().Set("Retry-After", "1")
	}
	body := map[string]any{"schemas": []string{schemaError}, "status": strconv.Itoa(p.status), "detail": p.detail}
	if p.scimType != "" {
		body["scimType"] = p.scimType
	}
	send(w, p.status, body)
}

func send(w http.ResponseWriter, status int, body any) {
	w.Header().Set("Content-Type", mediaType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(body)
}
