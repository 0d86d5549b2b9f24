// Cursors: the keys of one row, opaque to clients, bound to the list and the order that they were made for.

package projections

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"time"

	"github.com/google/uuid"
)

// cursorVersion grows when the form of cursors changes.
const cursorVersion = 1

// cursorForm is what a cursor says, as JSON in base64url.
type cursorForm struct {
	Version int      `json:"v"`
	List    string   `json:"l"`
	Order   string   `json:"o,omitempty"`
	Keys    []string `json:"k"`
}

// keyKind is the type of a key of an order.
type keyKind int

const (
	keyID keyKind = iota
	keyTime
	keyText
	keyBool
	keyPosition
)

// The times after and before all others, as Postgres writes them.
const (
	lastOfAll  = "infinity"
	firstOfAll = "-infinity"
)

// keyKinds tell how a key in a cursor is cast in SQL and what it may look like,
// so that a forged cursor is refused here and not by Postgres.
var keyKinds = [...]struct {
	cast  string
	valid func(string) bool
}{
	keyID: {"::uuid", func(s string) bool { _, err := uuid.Parse(s); return err == nil && len(s) == 36 }},
	keyTime: {"::timestamptz", func(s string) bool {
		t, err := time.Parse(keyTimeLayout, s)
		return s == lastOfAll || s == firstOfAll || (err == nil && t.Year() > 0)
	}},
	keyText:     {``, func(s string) bool { return plainText(s) == "" }},
	keyBool:     {"::boolean", func(s string) bool { return s == "true" || s == "false" }},
	keyPosition: {"::bigint", func(s string) bool { _, err := strconv.ParseInt(s, 10, 64); return err == nil }},
}

const keyTimeLayout = "2006-01-02T15:04:05.000000Z"

// timeKey is a time as a key; absent says where one that is nil comes.
func timeKey(t *time.Time, absent string) string {
	if t == nil {
		return absent
	}
	return t.UTC().Format(keyTimeLayout)
}

func (l list[T]) values(row T, now time.Time) []string {
	keys := make([]string, len(l.terms))
	for i, t := range l.terms {
		keys[i] = t.text(row, now)
	}
	return keys
}

func (l list[T]) cursor(row T, now time.Time) string {
	return encodeCursor(cursorForm{cursorVersion, l.name, l.order, l.values(row, now)})
}

func encodeCursor(f cursorForm) string {
	b, err := json.Marshal(f)
	if err != nil {
		panic("projections: a cursor of texts that JSON cannot write: " + err.Error())
	}
	return base64.RawURLEncoding.EncodeToString(b)
}

// decode gives the keys of a cursor for this list and order, nil for none.
func (l list[T]) decode(field, cursor string) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	f, err := decodeCursor(field, cursor, l.name, l.order)
	if err != nil {
		return nil, err
	}
	if len(f.Keys) != len(l.terms) {
		return nil, badCursor(field)
	}
	for i, t := range l.terms {
		if !keyKinds[t.kind].valid(f.Keys[i]) {
			return nil, badCursor(field)
		}
	}
	return f.Keys, nil
}

func decodeCursor(field, cursor, list, order string) (cursorForm, error) {
	var f cursorForm
	if len(cursor) > 4*maxInputText {
		return f, badCursor(field)
	}
	b, err := base64.RawURLEncoding.Strict().DecodeString(cursor)
	if err != nil || json.Unmarshal(b, &f) != nil || f.Version != cursorVersion {
		return f, badCursor(field)
	}
	if f.List != list || f.Order != order {
		return f, &InputError{field, "belongs to another list or another order", ErrBadCursor}
	}
	return f, nil
}

func badCursor(field string) error {
	return &InputError{field, "is no cursor that this service made", ErrBadCursor}
}
