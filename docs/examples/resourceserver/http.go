// GraphQL over HTTP, as little of it as programs need: POST, JSON, one operation.

package main

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"net/http"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/executor"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/docs/examples/resourceserver/generated"
)

// The most that one request can ask for.
const (
	maxBody   = 1 << 20 // bytes
	maxTokens = 5000    // of the GraphQL document
)

var errInternal = errors.New("something went wrong here; it is not the fault of the request")

func routes(r *resolver, log *slog.Logger) http.Handler {
	e := executor.New(generated.NewExecutableSchema(generated.Config{Resolvers: r}))
	e.SetErrorPresenter(presenter(log))
	e.SetParserTokenLimit(maxTokens)
	mux := http.NewServeMux()
	mux.Handle("POST /query", withCaller(http.MaxBytesHandler(endpoint{e}, maxBody)))
	return mux
}

type endpoint struct{ *executor.Executor }

func (e endpoint) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	var in graphql.RawParams
	d := json.NewDecoder(r.Body)
	d.UseNumber()
	if err := d.Decode(&in); err != nil {
		answer(w, http.StatusBadRequest, &graphql.Response{Errors: gqlerror.List{{
			Message: "The body is not a JSON object with a query.", Extensions: map[string]any{"code": "BAD_USER_INPUT"},
		}}})
		return
	}
	in.ReadTime.Start = graphql.Now()
	in.ReadTime.End = in.ReadTime.Start
	ctx := graphql.StartOperationTrace(r.Context())
	operation, errs := e.CreateOperationContext(ctx, &in)
	if errs != nil {
		answer(w, http.StatusUnprocessableEntity, e.DispatchError(graphql.WithOperationContext(ctx, operation), errs))
		return
	}
	run, ctx := e.DispatchOperation(ctx, operation)
	answer(w, http.StatusOK, run(ctx))
}

func answer(w http.ResponseWriter, status int, response *graphql.Response) {
	body, err := json.Marshal(response)
	if err != nil {
		status, body = http.StatusInternalServerError, []byte(`{"errors":[{"message":"The answer cannot be written."}]}`)
	}
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	_, _ = w.Write(append(body, '\n'))
}

// presenter shows what was meant for the caller; anything else is logged and not shown.
func presenter(log *slog.Logger) graphql.ErrorPresenterFunc {
	return func(ctx context.Context, err error) *gqlerror.Error {
		var said *gqlerror.Error
		if shown := graphql.DefaultErrorPresenter(ctx, err); errors.As(err, &said) {
			return shown
		}
		log.ErrorContext(ctx, "an operation failed", "error", err)
		shown := graphql.DefaultErrorPresenter(ctx, errInternal)
		shown.Extensions = map[string]any{"code": "INTERNAL_SERVER_ERROR"}
		return shown
	}
}
