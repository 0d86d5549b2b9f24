// Answers as server-sent events: a `next` for each result, `complete` at the end.

package graphql

import (
	"context"
	"fmt"
	"net/http"
	"time"

	gql "github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"
)

const (
	// pingEvery keeps proxies from taking a quiet stream for a dead one.
	pingEvery = 15 * time.Second
	// writeWithin ends streams to clients that do not read.
	writeWithin = 30 * time.Second
)

// complete says that there is nothing more to come.
const complete = "event: complete\ndata:\n\n"

// stream answers an operation of any kind as events.
func (h *handler) stream(ctx context.Context, a *answer, op *gql.OperationContext) {
	select {
	case h.streams <- struct{}{}:
		defer func() { <-h.streams }()
	default:
		err := refusal(codeRateLimited, "", "This server follows %d subscriptions, which is all it can; try again later.", cap(h.streams))
		a.fail(http.StatusTooManyRequests, h.present(ctx, err))
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	next, ctx := h.exec.DispatchOperation(ctx, op)
	results := make(chan []byte)
	go h.produce(ctx, next, results)
	a.events(results, h.draining(ctx))
	cancel()
	for range results { // until the goroutine has ended
	}
}

// produce sends results until there are no more; a panic becomes the last one.
// They are encoded here, since the library writes the next one over the last.
func (h *handler) produce(ctx context.Context, next gql.ResponseHandler, to chan<- []byte) {
	defer close(to)
	send := func(resp *gql.Response) bool {
		body, err := bodyOf(resp)
		if err != nil {
			panic(err) // only a scalar that writes no JSON leads here
		}
		select {
		case to <- body:
			return true
		case <-ctx.Done():
			return false
		}
	}
	defer func() {
		if p := recover(); p != nil {
			send(&gql.Response{Errors: gqlerror.List{h.present(ctx, h.recovered(ctx, p))}})
		}
	}()
	for resp := next(ctx); resp != nil && send(resp); resp = next(ctx) {
	}
	if r := requestOf(ctx); r != nil && r.ending() != nil {
		send(&gql.Response{Errors: gqlerror.List{h.present(ctx, r.ending())}})
	}
}

// events writes results until there are no more, the client is gone, or the
// service ends.
func (a *answer) events(results <-chan []byte, draining <-chan struct{}) {
	out := http.NewResponseController(a.w)
	write := func(text []byte) bool {
		// Not every writer has deadlines; then the server's own one has to do.
		_ = out.SetWriteDeadline(time.Now().Add(writeWithin))
		_, err := a.w.Write(text)
		return err == nil && out.Flush() == nil
	}
	a.begun = true
	a.w.Header().Set("Content-Type", typeStream)
	a.w.WriteHeader(http.StatusOK)
	ping := time.NewTicker(pingEvery)
	defer ping.Stop()
	for open := write([]byte(":\n\n")); open; {
		select {
		case <-ping.C:
			open = write([]byte(":\n\n"))
		case <-draining:
			write([]byte(complete))
			return
		case body, more := <-results:
			if !more {
				write([]byte(complete))
				return
			}
			open = write(fmt.Appendf(nil, "event: next\ndata: %s\n\n", body))
		}
	}
}
