// GraphQL over HTTP: which requests are taken, in which form they are answered, and with which status.
//
// This follows the graphql-over-http draft. The library's own transports do not:
// they answer a mutation by GET with 406, a body that cannot be read with 200,
// and quote the body, which may hold a token, in their errors.

package graphql

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"mime"
	"net/http"
	"slices"
	"strings"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/aggregate"
)

// The media types of answers.
const (
	typeResponse = "application/graphql-response+json"
	typeJSON     = "application/json"
	typeStream   = "text/event-stream"
)

// maxErrors is how many mistakes of a document are told.
const maxErrors = 20

// ServeHTTP answers one request. The layer before it has put the request's id
// into the answer's header X-Request-ID.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// What is answered may show a token's value, and is nobody else's business.
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	r = r.WithContext(context.WithValue(r.Context(), requestIDKey{}, w.Header().Get("X-Request-ID")))
	a := answer{w: w, media: accepted(r.Header.Values("Accept"))}
	defer h.rescue(r.Context(), &a)
	if r.Method != http.MethodGet && r.Method != http.MethodPost {
		w.Header().Set("Allow", "GET, POST, OPTIONS")
		if r.Method == http.MethodOptions {
			w.WriteHeader(http.StatusNoContent)
			return
		}
		h.refuse(r.Context(), &a, http.StatusMethodNotAllowed, "GraphQL is asked by POST or GET.")
		return
	}
	if a.media == "" {
		h.refuse(r.Context(), &a, http.StatusNotAcceptable, "Answers are "+typeResponse+", "+typeJSON+" or "+typeStream+".")
		return
	}
	params, fault := h.read(w, r)
	if fault != nil {
		h.refuse(r.Context(), &a, fault.status, fault.message)
		return
	}
	h.answer(r, &a, params)
}

// answer runs a request that is well formed.
func (h *handler) answer(r *http.Request, a *answer, params *gql.RawParams) {
	ctx := gql.StartOperationTrace(r.Context())
	if callerOf(ctx) == nil && !aboutSchema(params.Query) {
		a.w.Header().Set("WWW-Authenticate", "Bearer")
		a.fail(http.StatusUnauthorized, h.present(ctx, errUnauthenticated))
		return
	}
	op, errs := h.exec.CreateOperationContext(ctx, params)
	if errs != nil {
		if len(errs) > maxErrors { // what is wrong a thousand times is said no more often than helps
			errs = errs[:maxErrors]
		}
		a.write(h.exec.DispatchError(gql.WithOperationContext(ctx, op), errs))
		return
	}
	kind := op.Operation.Operation
	switch {
	case r.Method == http.MethodGet && kind == ast.Mutation:
		a.w.Header().Set("Allow", "POST")
		h.refuse(ctx, a, http.StatusMethodNotAllowed, "A mutation is sent by POST; by GET it would run whenever somebody follows a link.")
	case a.media == typeStream:
		h.stream(ctx, a, op)
	case kind == ast.Subscription:
		h.refuse(ctx, a, http.StatusNotAcceptable, "A subscription is answered as "+typeStream+"; ask for it in the header Accept.")
	default:
		ctx, cancel := context.WithTimeout(ctx, h.timeout)
		defer cancel()
		a.write(h.execute(ctx, op))
	}
}

// execute runs an operation, in a span that is named by what the schema calls it.
func (h *handler) execute(ctx context.Context, op *gql.OperationContext) *gql.Response {
	if h.span == nil {
		next, ctx := h.exec.DispatchOperation(ctx, op)
		return next(ctx)
	}
	kind := string(op.Operation.Operation)
	ctx, end := h.span(ctx, "graphql "+kind+" "+strings.Join(rootNames(gql.WithOperationContext(ctx, op)), ","))
	next, ctx := h.exec.DispatchOperation(ctx, op)
	resp := next(ctx)
	failure := ""
	if len(resp.Errors) > 0 {
		failure = codeOf(resp.Errors[0])
	}
	end(failure)
	return resp
}

// answer is the way back to the client.
type answer struct {
	w     http.ResponseWriter
	media string
	begun bool
}

// response is an answer's body. Data is absent if nothing was executed, and null
// if what was has no result (GraphQL, section 7.1).
type response struct {
	Errors     gqlerror.List   `json:"errors,omitempty"`
	Data       json.RawMessage `json:"data,omitempty"`
	Extensions map[string]any  `json:"extensions,omitempty"`
}

func bodyOf(resp *gql.Response) ([]byte, error) {
	return json.Marshal(response{resp.Errors, resp.Data, resp.Extensions})
}

// write answers with the status that the media type calls for: as plain JSON,
// everything that GraphQL has a form for is 200; in its own media type, an
// answer without data is 4xx or 5xx.
func (a *answer) write(resp *gql.Response) {
	status := http.StatusOK
	if a.media == typeResponse && len(resp.Data) == 0 {
		status = http.StatusBadRequest
		if len(resp.Errors) > 0 {
			status = statusOf(codeOf(resp.Errors[0]))
		}
	}
	a.send(status, resp)
}

// fail answers a request that is no GraphQL request, in any media type.
func (a *answer) fail(status int, err *gqlerror.Error) {
	a.send(status, &gql.Response{Errors: gqlerror.List{err}})
}

func (a *answer) send(status int, resp *gql.Response) {
	body, err := bodyOf(resp)
	if err != nil {
		panic(err) // only a scalar that writes no JSON leads here
	}
	if slices.ContainsFunc(resp.Errors, func(e *gqlerror.Error) bool { return codeOf(e) == string(aggregate.CodeUnavailable) }) {
		a.w.Header().Set("Retry-After", "1")
	}
	media := a.media
	if media != typeResponse {
		media = typeJSON
	}
	a.begun = true
	a.w.Header().Set("Content-Type", media+"; charset=utf-8")
	a.w.WriteHeader(status)
	_, _ = a.w.Write(body) // a client that went away needs no answer
}

func (h *handler) refuse(ctx context.Context, a *answer, status int, message string) {
	a.fail(status, h.present(ctx, badInput("", "%s", message)))
}

// rescue answers what panicked outside of the executor's own care.
func (h *handler) rescue(ctx context.Context, a *answer) {
	panicked := recover()
	if panicked == nil {
		return
	}
	if err, ok := panicked.(error); ok && errors.Is(err, http.ErrAbortHandler) {
		panic(panicked)
	}
	err := h.present(ctx, h.recovered(ctx, panicked))
	if a.begun {
		h.logger.WarnContext(ctx, "graphql: the answer had begun before the panic", slog.String("request_id", requestID(ctx)))
		return
	}
	a.fail(http.StatusInternalServerError, err)
}

// accepted picks the media type of the answer, by weight and then by place
// (RFC 9110, section 12.5.1). Without the header, and for any type, it is
// GraphQL's own; empty if none of ours is wanted.
func accepted(headers []string) string {
	header := strings.Join(headers, ",")
	if strings.TrimSpace(header) == "" {
		return typeResponse
	}
	best, weight := "", 0.0
	for part := range strings.SplitSeq(header, ",") {
		name, params, err := mime.ParseMediaType(strings.TrimSpace(part))
		if err != nil {
			continue
		}
		switch name {
		case "*/*", "application/*":
			name = typeResponse
		case typeResponse, typeJSON, typeStream:
		default:
			continue
		}
		if q := quality(params["q"]); q > weight {
			best, weight = name, q
		}
	}
	return best
}
