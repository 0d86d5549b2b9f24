// Errors face outward here, and nowhere else: one function gives every error its code, its field and its words.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"runtime/debug"
	"strings"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

// The codes that are not refusals of a rule; see [aggregate.Code] for those.
const (
	codeRateLimited aggregate.Code = "RATE_LIMITED"
	codeTooComplex  aggregate.Code = "TOO_COMPLEX"
	codeStaleRead   aggregate.Code = "STALE_READ"
	codeInternal    aggregate.Code = "INTERNAL_SERVER_ERROR"
)

func refusal(code aggregate.Code, field, format string, args ...any) error {
	return &aggregate.Refusal{Code: code, Field: field, Message: fmt.Sprintf(format, args...)}
}

func badInput(field, format string, args ...any) error {
	return refusal(aggregate.CodeBadUserInput, field, format, args...)
}

func notFound(field, format string, args ...any) error {
	return refusal(aggregate.CodeNotFound, field, format, args...)
}

var errUnauthenticated = &aggregate.Refusal{
	Code: aggregate.CodeUnauthenticated, Message: "This needs a token: send the header Authorization: Bearer with its value.",
}

// known are errors that other packages answer without being refusals. Their own
// text may name tables and hosts, so each has words of its own here.
var known = []struct {
	is      error
	code    aggregate.Code
	message string
}{
	{events.ErrKeyReused, aggregate.CodeConflict, "This Idempotency-Key was used before with another command; choose a new key."},
	{events.ErrConflict, aggregate.CodeConflict, "The state that this was decided on has changed; nothing was recorded, try again."},
	{events.ErrTooLate, aggregate.CodeConflict, "A deadline passed while this was decided; nothing was recorded, try again."},
	{events.ErrGateClosed, aggregate.CodeConflict, "The token takes no uses at present; nothing was recorded."},
	{events.ErrTooLarge, aggregate.CodeBadUserInput, "This is more than one event can hold; nothing was recorded."},
	{events.ErrInvalid, aggregate.CodeBadUserInput, "This is more than one request can record; nothing was recorded, send it in parts."},
	{events.ErrBusy, aggregate.CodeUnavailable, "The log takes no more requests at present; nothing was recorded, try again in a moment."},
	{events.ErrUnavailable, aggregate.CodeUnavailable, "The log cannot be reached at present; try again, a change with the same Idempotency-Key."},
	{events.ErrArchived, aggregate.CodeNotFound, "This was archived and is not at hand; whoever runs the service can give it the archives."},
	{projections.ErrStale, codeStaleRead, "The read model has not caught up with your last change yet; try again in a moment."},
	{context.DeadlineExceeded, aggregate.CodeUnavailable, "This took too long and was given up; try again, a change with the same Idempotency-Key."},
	{context.Canceled, aggregate.CodeUnavailable, "The request ended before it was answered."},
}

// outward gives an error the form in which it may leave. ok is false for an error
// that says more than whoever asked should know.
func outward(err error) (r *aggregate.Refusal, ok bool) {
	var (
		scalar *model.InputError
		input  *projections.InputError
		syntax *gqlerror.Error
	)
	switch {
	case errors.As(err, &r):
		return r, true
	case errors.As(err, &input):
		return &aggregate.Refusal{
			Code: aggregate.CodeBadUserInput, Field: input.Field, Message: input.Field + " " + input.Reason + ".",
		}, true
	case errors.As(err, &scalar):
		return &aggregate.Refusal{Code: aggregate.CodeBadUserInput, Field: argumentPath(err), Message: scalar.Reason + "."}, true
	}
	for _, k := range known {
		if errors.Is(err, k.is) {
			return &aggregate.Refusal{Code: k.code, Message: k.message}, true
		}
	}
	if projections.Away(err) {
		return &aggregate.Refusal{Code: aggregate.CodeUnavailable, Message: "What this needs cannot be reached at present; try again, a change with the same Idempotency-Key."}, true
	}
	if errors.As(err, &syntax) && syntax.Err == nil && syntax.Rule+codeOf(syntax) != "" {
		return &aggregate.Refusal{Code: aggregate.CodeBadUserInput, Field: variablePath(syntax.Path), Message: syntax.Message}, true
	}
	return nil, false
}

// codeOf is the code that the GraphQL library gave to an error of its own.
func codeOf(e *gqlerror.Error) string {
	code, _ := e.Extensions["code"].(string)
	return code
}

// argumentPath is where in the arguments a value stands that its scalar cannot be.
func argumentPath(err error) string {
	var at *gqlerror.Error
	if !errors.As(err, &at) {
		return ""
	}
	// The path begins with the fields down to the one whose argument this is;
	// the argument is the first name after the last of them, and they cannot be
	// told apart, so the last names are what helps.
	names := at.Path.String()
	if i := strings.LastIndexByte(names, '.'); i >= 0 {
		return names[i+1:]
	}
	return names
}

// variablePath is a path below the variables, as the library's validation gives
// it, from the input's own fields on: what a client calls its variables is no
// name of the schema.
func variablePath(path ast.Path) string {
	if len(path) == 0 || path[0] != ast.PathName("variable") {
		return ""
	}
	if len(path) > 2 {
		return path[2:].String()
	}
	return path[1:].String()
}

// present is called once for every error of an answer. What it knows, it puts in
// words; what it does not, it logs and covers.
func (h *handler) present(ctx context.Context, err error) *gqlerror.Error {
	out := &gqlerror.Error{Path: gql.GetPath(ctx)}
	var at *gqlerror.Error
	if errors.As(err, &at) {
		out.Locations = at.Locations
		if len(out.Path) == 0 && at.Err != nil {
			out.Path = at.Path
		}
	}
	r, ok := outward(err)
	if !ok {
		h.logger.ErrorContext(ctx, "graphql: unexpected error", slog.String("path", out.Path.String()),
			slog.String("request_id", requestID(ctx)), slog.Any("error", err))
		r = &aggregate.Refusal{Code: codeInternal, Message: "Something went wrong here; the log has it under the request id."}
	}
	out.Message = quotable(r.Message)
	out.Extensions = map[string]any{"code": string(r.Code)}
	if r.Field != "" {
		out.Extensions["field"] = quotable(r.Field)
	}
	if r.Policy != "" {
		out.Extensions["policy"] = r.Policy
	}
	if id := requestID(ctx); id != "" {
		out.Extensions["requestId"] = id
	}
	return out
}

// maxQuoted bounds what an error says, in bytes.
const maxQuoted = 4 << 10

// quotable is a text that may quote the request, as the library's do: the request may hold
// a token, and it may be long. What is cut is masked before, or half a token would be none.
func quotable(text string) string {
	if text = secret.RedactString(text); len(text) > maxQuoted {
		text = strings.ToValidUTF8(text[:maxQuoted], "") + "…"
	}
	return text
}

// recovered logs a panic, with its stack, and makes it an error like any other.
func (h *handler) recovered(ctx context.Context, panicked any) error {
	h.logger.ErrorContext(ctx, "graphql: panic", slog.String("request_id", requestID(ctx)),
		slog.Any("panic", panicked), slog.String("stack", string(debug.Stack())))
	return &aggregate.Refusal{Code: codeInternal, Message: "Something went wrong here; the log has it under the request id."}
}

// statusOf is the HTTP status of an answer without data, for clients that take
// application/graphql-response+json.
func statusOf(code string) int {
	switch aggregate.Code(code) {
	case aggregate.CodeUnauthenticated:
		return http.StatusUnauthorized
	case aggregate.CodeForbidden, aggregate.CodeSSORequired:
		return http.StatusForbidden
	case codeRateLimited:
		return http.StatusTooManyRequests
	case aggregate.CodeUnavailable, codeStaleRead:
		return http.StatusServiceUnavailable
	case codeInternal:
		return http.StatusInternalServerError
	}
	return http.StatusBadRequest
}
