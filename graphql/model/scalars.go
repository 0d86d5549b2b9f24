// How the scalars of the schema are read and written.

// Package model has the Go types of the GraphQL schema.
package model

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"math"
	"slices"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/events"
)

// InputError is a value that its scalar cannot be.
type InputError struct{ Reason string }

// Error implements error.
func (e *InputError) Error() string { return e.Reason }

func bad(format string, args ...any) error { return &InputError{fmt.Sprintf(format, args...)} }

// MarshalID writes an id that is a text here.
func MarshalID(id string) graphql.Marshaler { return graphql.MarshalString(id) }

// UnmarshalID takes a text, or a number as GraphQL's ID does.
func UnmarshalID(v any) (string, error) {
	switch v := v.(type) {
	case string:
		return v, nil
	case json.Number:
		return v.String(), nil
	case int64:
		return strconv.FormatInt(v, 10), nil
	}
	return "", bad("an id is a text")
}

// MarshalUUID writes null for the zero UUID.
func MarshalUUID(id uuid.UUID) graphql.Marshaler { return graphql.MarshalUUID(id) }

// UnmarshalUUID takes the usual form of a UUID.
func UnmarshalUUID(v any) (uuid.UUID, error) {
	s, err := UnmarshalID(v)
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(s)
	if err != nil || len(s) != 36 {
		return uuid.Nil, bad("an id is a UUID such as 01890a5d-ac96-774b-bcce-b302099a8057")
	}
	return id, nil
}

// MarshalString writes a text.
func MarshalString(s string) graphql.Marshaler { return graphql.MarshalString(s) }

// UnmarshalString takes a text and nothing else (GraphQL, section 3.5.3).
func UnmarshalString(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", bad("a String is a text")
	}
	return s, nil
}

// MarshalBoolean writes true or false.
func MarshalBoolean(b bool) graphql.Marshaler { return graphql.MarshalBoolean(b) }

// UnmarshalBoolean takes true or false and nothing else (GraphQL, section 3.5.4).
func UnmarshalBoolean(v any) (bool, error) {
	b, ok := v.(bool)
	if !ok {
		return false, bad("a Boolean is true or false")
	}
	return b, nil
}

// MarshalInt writes a number.
func MarshalInt(n int) graphql.Marshaler { return graphql.MarshalInt(n) }

// UnmarshalInt takes a whole number of 32 bits (GraphQL, section 3.5.1).
func UnmarshalInt(v any) (int, error) {
	n, err := UnmarshalLong(v)
	if _, text := v.(string); text || err != nil || n < math.MinInt32 || n > math.MaxInt32 {
		return 0, bad("an Int is a whole number between %d and %d", math.MinInt32, math.MaxInt32)
	}
	return int(n), nil
}

// MarshalLong writes a number.
func MarshalLong(n int64) graphql.Marshaler { return graphql.MarshalInt64(n) }

// UnmarshalLong takes a whole number, or a text of one, for clients whose
// numbers end at 53 bits.
func UnmarshalLong(v any) (int64, error) {
	var n int64
	var err error
	switch v := v.(type) {
	case int64:
		n = v
	case int:
		n = int64(v)
	case json.Number:
		n, err = strconv.ParseInt(v.String(), 10, 64)
	case string:
		n, err = strconv.ParseInt(v, 10, 64)
	default:
		err = strconv.ErrSyntax
	}
	if err != nil {
		return 0, bad("a Long is a whole number of at most 64 bits")
	}
	return n, nil
}

// MarshalPosition writes null for the position before the log's first event.
func MarshalPosition(p events.Position) graphql.Marshaler {
	if p == 0 {
		return graphql.Null
	}
	return graphql.MarshalInt64(int64(p))
}

// UnmarshalPosition takes a position of the log, 0 or more.
func UnmarshalPosition(v any) (events.Position, error) {
	n, err := UnmarshalLong(v)
	if err != nil || n < 0 {
		return 0, bad("a position is a whole number, 0 or more")
	}
	return events.Position(n), nil
}

// MarshalVersion writes a number.
func MarshalVersion(v events.Version) graphql.Marshaler { return graphql.MarshalInt64(int64(v)) }

// UnmarshalVersion takes the version of a stream, 0 or more.
func UnmarshalVersion(v any) (events.Version, error) {
	n, err := UnmarshalLong(v)
	if err != nil || n < 0 {
		return 0, bad("a version is a whole number, 0 or more")
	}
	return events.Version(n), nil
}

// MarshalTime writes RFC 3339 in UTC, and null for the zero time.
func MarshalTime(t time.Time) graphql.Marshaler { return graphql.MarshalTime(t.UTC()) }

// UnmarshalTime takes RFC 3339 with up to nanoseconds.
func UnmarshalTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, bad("a Time is a text such as 2026-01-31T09:30:00Z")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil || t.IsZero() {
		return time.Time{}, bad("a Time is a text as in RFC 3339, such as 2026-01-31T09:30:00Z")
	}
	return t.UTC(), nil
}

// MarshalCursor writes an opaque text.
func MarshalCursor(c string) graphql.Marshaler { return graphql.MarshalString(c) }

// UnmarshalCursor takes a text; whoever made it reads it.
func UnmarshalCursor(v any) (string, error) {
	s, ok := v.(string)
	if !ok {
		return "", bad("a Cursor is a text that a page answered")
	}
	return s, nil
}

// MarshalUpload is never called: the schema only takes files.
func MarshalUpload(u graphql.Upload) graphql.Marshaler { return graphql.MarshalUpload(u) }

// UnmarshalUpload takes the file that the multipart request put in the variable.
func UnmarshalUpload(v any) (graphql.Upload, error) {
	u, ok := v.(graphql.Upload)
	if !ok {
		return graphql.Upload{}, bad("an Upload is a file of a multipart/form-data request, named in its map")
	}
	return u, nil
}

// MarshalSSOAuthorizationMap writes an object, its keys in order, and null for an empty one.
func MarshalSSOAuthorizationMap(m map[string]time.Time) graphql.Marshaler {
	if len(m) == 0 {
		return graphql.Null
	}
	text := make(map[string]string, len(m))
	for id, t := range m {
		text[id] = t.UTC().Format(time.RFC3339Nano)
	}
	return jsonOf(text)
}

// UnmarshalSSOAuthorizationMap always fails: stamps are given by their own mutations.
func UnmarshalSSOAuthorizationMap(any) (map[string]time.Time, error) {
	return nil, bad("an SSOAuthorizationMap is only answered, never taken")
}

// MarshalEventData writes JSON that already is one, and null for none.
func MarshalEventData(data json.RawMessage) graphql.Marshaler {
	if len(data) == 0 {
		return graphql.Null
	}
	return graphql.WriterFunc(func(w io.Writer) { _, _ = w.Write(data) })
}

// UnmarshalEventData always fails: events are made by mutations.
func UnmarshalEventData(any) (json.RawMessage, error) {
	return nil, bad("EventData is only answered, never taken")
}

// MarshalActionMap writes an object, its keys in order.
func MarshalActionMap(m map[string]string) graphql.Marshaler {
	if m == nil {
		m = map[string]string{}
	}
	return jsonOf(m)
}

// UnmarshalActionMap takes an object of texts; a verb may stand as an enum value.
func UnmarshalActionMap(v any) (map[string]string, error) {
	in, ok := v.(map[string]any)
	if !ok {
		return nil, bad("an ActionMap is an object such as {createEvidence: write}")
	}
	out := make(map[string]string, len(in))
	for _, action := range slices.Sorted(maps.Keys(in)) {
		verb, ok := in[action].(string)
		if !ok {
			return nil, bad("the verb of the action %q is a text: read, write or delete", action)
		}
		out[action] = verb
	}
	return out, nil
}

// jsonOf writes what certainly is JSON; map keys come out in order.
func jsonOf(v any) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		data, err := json.Marshal(v)
		if err != nil {
			panic(fmt.Sprintf("graphql: %T has no JSON form: %v", v, err))
		}
		_, _ = w.Write(data)
	})
}
