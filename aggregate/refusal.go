// Refusals: what a person or program is told when a rule says no, and the warnings beside a yes.

package aggregate

import (
	"errors"
	"fmt"

	"github.com/tokenledger/tokenledger/events"
)

// Code tells the kind of a refusal; the codes are those of the GraphQL interface.
type Code string

// The codes of refusals.
const (
	CodeUnauthenticated Code = "UNAUTHENTICATED" // the credential is not good, or no longer
	CodeForbidden       Code = "FORBIDDEN"
	CodeNotFound        Code = "NOT_FOUND" // also for what belongs to another organization
	CodeBadUserInput    Code = "BAD_USER_INPUT"
	CodeConflict        Code = "CONFLICT" // the state of the thing does not allow it
	CodeSSORequired     Code = "SSO_REQUIRED"
	CodeUnavailable     Code = "UNAVAILABLE" // the log cannot record at present
)

// Refusal is the error of every rule. Message is a sentence for whoever asked;
// Field names the input at fault, Policy the policy that decided, where there is one.
type Refusal struct {
	Code    Code
	Field   string
	Policy  string
	Message string
	cause   error
}

// Error implements error.
func (r *Refusal) Error() string { return r.Message }

// Unwrap gives the error of the log that stands behind the refusal, if one does.
func (r *Refusal) Unwrap() error { return r.cause }

func refuse(code Code, field, format string, args ...any) *Refusal {
	return &Refusal{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

func asRefusal(err error) (*Refusal, bool) {
	var r *Refusal
	return r, errors.As(err, &r)
}

// below puts the field of a refusal under the item it belongs to.
func below(item string, err error) error {
	var r *Refusal
	if !errors.As(err, &r) || item == "" {
		return err
	}
	at := *r
	at.Field = item
	if r.Field != "" {
		at.Field += "." + r.Field
	}
	return &at
}

// fromLog turns what the log answers into a refusal; any other error stays as
// it is.
func fromLog(err error) error {
	var r *Refusal
	if err == nil || errors.As(err, &r) {
		return err
	}
	for _, c := range []struct {
		is      error
		code    Code
		message string
	}{
		{events.ErrKeyReused, CodeConflict, "This Idempotency-Key was used before with another command; choose a new key."},
		{events.ErrConflict, CodeConflict, "The state that this was decided on kept changing; nothing was recorded, try again."},
		{events.ErrTooLate, CodeConflict, "A deadline passed while this was decided; nothing was recorded, try again."},
		{events.ErrTooLarge, CodeBadUserInput, "This is more than one event can hold (64 KiB); nothing was recorded."},
		{events.ErrInvalid, CodeBadUserInput, "This is more than one request can record at once; nothing was recorded, send it in parts."},
		{events.ErrBusy, CodeUnavailable, "The log takes no more requests at present; nothing was recorded, try again in a moment."},
		{events.ErrUnavailable, CodeUnavailable, "The log cannot be reached at present; nothing is certain to be recorded, try again with the same Idempotency-Key."},
	} {
		if errors.Is(err, c.is) {
			return &Refusal{Code: c.code, Message: c.message, cause: err}
		}
	}
	return err
}

// Warning is said beside an answer that is not a refusal.
type Warning string

// The warnings.
const (
	// WarnSuspended: isActive=false suspends; only a reason revokes.
	WarnSuspended Warning = "SUSPENDED_NOT_REVOKED"
	// WarnValueShown: the command had been answered before, and the value is shown once.
	WarnValueShown Warning = "VALUE_ALREADY_SHOWN"
	// WarnSuccessorReplaced: the token had been rotated before, and that successor, never used, is revoked.
	WarnSuccessorReplaced Warning = "UNUSED_SUCCESSOR_REPLACED"
	// WarnSSONeeded: the successor has none of its predecessor's authorizations through single sign-on.
	WarnSSONeeded Warning = "SSO_AUTHORIZATION_NEEDED"
)
