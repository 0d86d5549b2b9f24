// Every error that can come from below, and the code and words under which it leaves.

package graphql

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/tokenledger/tokenledger/aggregate"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/graphql/model"
	"github.com/tokenledger/tokenledger/projections"
)

func TestOutward(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		err   error
		code  aggregate.Code
		field string
	}{
		{&aggregate.Refusal{Code: aggregate.CodeSSORequired, Message: "no"}, aggregate.CodeSSORequired, ""},
		{&aggregate.Refusal{Code: aggregate.CodeConflict, Field: "name", Message: "no"}, aggregate.CodeConflict, "name"},
		{&projections.InputError{Field: "where.name", Reason: "is wrong", Kind: projections.ErrBadFilter}, aggregate.CodeBadUserInput, "where.name"},
		{&projections.InputError{Field: "after", Reason: "is no cursor", Kind: projections.ErrBadCursor}, aggregate.CodeBadUserInput, "after"},
		{&model.InputError{Reason: "a Time is a text"}, aggregate.CodeBadUserInput, ""},
		{events.ErrKeyReused, aggregate.CodeConflict, ""},
		{events.ErrConflict, aggregate.CodeConflict, ""},
		{events.ErrTooLate, aggregate.CodeConflict, ""},
		{events.ErrGateClosed, aggregate.CodeConflict, ""},
		{events.ErrTooLarge, aggregate.CodeBadUserInput, ""},
		{events.ErrInvalid, aggregate.CodeBadUserInput, ""},
		{events.ErrBusy, aggregate.CodeUnavailable, ""},
		{events.ErrUnavailable, aggregate.CodeUnavailable, ""},
		{projections.ErrStale, codeStaleRead, ""},
		{context.DeadlineExceeded, aggregate.CodeUnavailable, ""},
		{context.Canceled, aggregate.CodeUnavailable, ""},
		{&gqlerror.Error{Message: "Cannot query field", Rule: "FieldsOnCorrectType"}, aggregate.CodeBadUserInput, ""},
	} {
		err := fmt.Errorf("what was attempted at host-1: %w", c.err)
		r, ok := outward(err)
		if !ok || r.Code != c.code || r.Field != c.field {
			t.Errorf("%v: got %+v, %v; want %s in %q", c.err, r, ok, c.code, c.field)
			continue
		}
		if strings.Contains(r.Message, "host-1") || r.Message == "" {
			t.Errorf("%v: the message %q says where it came from", c.err, r.Message)
		}
	}
	for _, err := range []error{
		errors.New("pq: relation tokens does not exist"),
		&gqlerror.Error{Message: "must not be null"},
		gqlerror.Wrap(errors.New("pq: secret")),
	} {
		if r, ok := outward(err); ok {
			t.Errorf("%v leaves as %+v", err, r)
		}
	}
}

// Every error of the log and of questions has a line above.
func TestEveryKnownErrorIsTested(t *testing.T) {
	t.Parallel()
	for _, k := range known {
		if r, ok := outward(k.is); !ok || r.Code != k.code || r.Message != k.message {
			t.Errorf("%v leaves as %+v", k.is, r)
		}
	}
}

func TestUnknownErrorsShowNothing(t *testing.T) {
	t.Parallel()
	var logged strings.Builder
	h := &handler{logger: slog.New(slog.NewTextHandler(&logged, nil))}
	ctx := WithCaller(t.Context(), Caller{RequestID: "request-7"})
	for _, err := range []error{
		errors.New("pq: password authentication failed"),
		h.recovered(ctx, "pq: a panic"),
	} {
		out := h.present(ctx, err)
		if strings.Contains(out.Message, "pq") || out.Extensions["code"] != "INTERNAL_SERVER_ERROR" || out.Extensions["requestId"] != "request-7" {
			t.Errorf("%v leaves as %v %v", err, out.Message, out.Extensions)
		}
	}
	for _, want := range []string{"password authentication failed", "a panic", "request-7", "stack"} {
		if !strings.Contains(logged.String(), want) {
			t.Errorf("the log lacks %q: %s", want, logged.String())
		}
	}
}

func TestStatusOf(t *testing.T) {
	t.Parallel()
	for code, want := range map[aggregate.Code]int{
		aggregate.CodeUnauthenticated: 401, aggregate.CodeForbidden: 403, aggregate.CodeSSORequired: 403, codeRateLimited: 429,
		aggregate.CodeUnavailable: 503, codeStaleRead: 503, codeInternal: 500, aggregate.CodeBadUserInput: 400, codeTooComplex: 400,
	} {
		if got := statusOf(string(code)); got != want {
			t.Errorf("%s: got %d, want %d", code, got, want)
		}
	}
}

// TestAnErrorQuotesNotTheWholeRequest: what is long is cut, and no half of a token's secret stands at its end.
func TestAnErrorQuotesNotTheWholeRequest(t *testing.T) {
	t.Parallel()
	value := "tola_" + strings.Repeat("1", 64)
	for _, before := range []int{0, maxQuoted - len(value) - 1, maxQuoted - len(value)/2, maxQuoted - 3, maxQuoted, 1 << 20} {
		text := strings.Repeat("é", before/2) + " " + value + " " + strings.Repeat("é", 1<<16)
		got := quotable(text)
		if len(got) > maxQuoted+len("…") || !utf8.ValidString(got) || strings.Contains(got, value[:32]) {
			t.Errorf("after %d bytes: %d bytes, which end in %q", before, len(got), got[max(0, len(got)-80):])
		}
	}
	if got := quotable("short"); got != "short" {
		t.Errorf("%q", got)
	}
}
