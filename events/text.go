// The bytes of canonical JSON: writer and reader of its scalar forms.

package events

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// timeLayout is RFC 3339 in UTC with exactly the precision that Postgres keeps.
const timeLayout = "2006-01-02T15:04:05.000000Z"

// safeInteger is the largest integer that every JSON reader keeps exactly.
const safeInteger = 1<<53 - 1

// CommitFunc makes the commitment of a personal value at its place.
type CommitFunc func(subject SubjectID, at Position, field, value string) (Commitment, error)

// writer appends canonical JSON to b.
type writer struct {
	b      []byte
	at     Position // of the event that is written, 0 while unknown
	field  string   // the member that is written
	commit CommitFunc
}

func (w *writer) byte(c byte) error { w.b = append(w.b, c); return nil }

func (w *writer) bool(v bool) { w.b = strconv.AppendBool(w.b, v) }

func (w *writer) int(n int64) {
	if n > safeInteger || n < -safeInteger {
		w.b = append(w.b, '"')
		w.b = strconv.AppendInt(w.b, n, 10)
		w.b = append(w.b, '"')
		return
	}
	w.b = strconv.AppendInt(w.b, n, 10)
}

func (w *writer) time(t time.Time) error {
	t = t.UTC()
	if y := t.Year(); y < 1 || y > 9999 {
		return fmt.Errorf("year %d: %w", y, ErrInvalid)
	}
	w.b = append(w.b, '"')
	w.b = t.AppendFormat(w.b, timeLayout)
	w.b = append(w.b, '"')
	return nil
}

func (w *writer) uuid(id uuid.UUID) {
	w.b = append(w.b, '"')
	var text [36]byte
	encodeUUID(&text, id)
	w.b = append(w.b, text[:]...)
	w.b = append(w.b, '"')
}

func encodeUUID(dst *[36]byte, id uuid.UUID) {
	hex.Encode(dst[:8], id[:4])
	dst[8] = '-'
	hex.Encode(dst[9:13], id[4:6])
	dst[13] = '-'
	hex.Encode(dst[14:18], id[6:8])
	dst[18] = '-'
	hex.Encode(dst[19:23], id[8:10])
	dst[23] = '-'
	hex.Encode(dst[24:], id[10:])
}

// string escapes as RFC 8785, section 3.2.2.2 does.
func (w *writer) string(s string) error {
	if !utf8.ValidString(s) {
		return fmt.Errorf("text that is not UTF-8: %w", ErrInvalid)
	}
	w.b = append(w.b, '"')
	start := 0
	for i := range len(s) {
		c := s[i]
		if c >= 0x20 && c != '"' && c != '\\' {
			continue
		}
		w.b = append(w.b, s[start:i]...)
		start = i + 1
		if short := shortEscape(c); short != 0 {
			w.b = append(w.b, '\\', short)
			continue
		}
		const digits = "0123456789abcdef"
		w.b = append(w.b, '\\', 'u', '0', '0', digits[c>>4], digits[c&15])
	}
	w.b = append(w.b, s[start:]...)
	w.b = append(w.b, '"')
	return nil
}

func shortEscape(c byte) byte {
	switch c {
	case '"', '\\':
		return c
	case '\b':
		return 'b'
	case '\t':
		return 't'
	case '\n':
		return 'n'
	case '\f':
		return 'f'
	case '\r':
		return 'r'
	}
	return 0
}

// reader takes canonical JSON apart, from i on.
type reader struct {
	b []byte
	i int
}

func (r *reader) fail(want string) error {
	return fmt.Errorf("byte %d: want %s: %w", r.i, want, ErrNotCanonical)
}

func (r *reader) peek() byte {
	if r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) expect(s string) error {
	if !r.accept(s) {
		return r.fail(s)
	}
	return nil
}

// accept moves on if s comes next.
func (r *reader) accept(s string) bool {
	if len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		return false
	}
	r.i += len(s)
	return true
}

// list reads comma-separated items between two brackets.
func (r *reader) list(open, end byte, item func() error) error {
	if r.peek() != open {
		return r.fail(string(open))
	}
	r.i++
	if r.peek() == end {
		r.i++
		return nil
	}
	for {
		if err := item(); err != nil {
			return err
		}
		switch r.peek() {
		case ',':
			r.i++
		case end:
			r.i++
			return nil
		default:
			return r.fail("a comma or " + string(end))
		}
	}
}

func (r *reader) key() (string, error) {
	s, err := r.string()
	if err != nil {
		return "", err
	}
	return s, r.expect(":")
}

func (r *reader) bool() (bool, error) {
	if r.accept("true") {
		return true, nil
	}
	return false, r.expect("false")
}

func (r *reader) int() (int64, error) {
	quoted := r.peek() == '"'
	if quoted {
		r.i++
	}
	start := r.i
	for c := r.peek(); c == '-' || (c >= '0' && c <= '9'); c = r.peek() {
		r.i++
	}
	text := string(r.b[start:r.i])
	n, err := strconv.ParseInt(text, 10, 64)
	large := n > safeInteger || n < -safeInteger
	if err != nil || strconv.FormatInt(n, 10) != text || large != quoted {
		r.i = start
		return 0, r.fail("an integer")
	}
	if quoted {
		return n, r.expect(`"`)
	}
	return n, nil
}

func (r *reader) string() (string, error) {
	if err := r.expect(`"`); err != nil {
		return "", err
	}
	start := r.i
	for ; r.i < len(r.b); r.i++ {
		switch c := r.b[r.i]; {
		case c == '"':
			s := string(r.b[start:r.i])
			if !utf8.ValidString(s) {
				return "", r.fail("UTF-8")
			}
			r.i++
			return s, nil
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			return "", r.fail("an escaped control character")
		}
	}
	return "", r.fail("the end of a string")
}

// escaped reads the rest of a string in which the first escape is at r.i.
func (r *reader) escaped(start int) (string, error) {
	out := append([]byte(nil), r.b[start:r.i]...)
	for r.i < len(r.b) {
		c := r.b[r.i]
		switch {
		case c == '"':
			if !utf8.Valid(out) {
				return "", r.fail("UTF-8")
			}
			r.i++
			return string(out), nil
		case c == '\\':
			plain, err := r.escape()
			if err != nil {
				return "", err
			}
			out = append(out, plain)
		case c < 0x20:
			return "", r.fail("an escaped control character")
		default:
			out = append(out, c)
			r.i++
		}
	}
	return "", r.fail("the end of a string")
}

// escape reads one escape sequence, which must be the one that string writes.
func (r *reader) escape() (byte, error) {
	rest := r.b[r.i:]
	for _, plain := range []byte("\"\\\b\t\n\f\r") {
		if len(rest) > 1 && rest[1] == shortEscape(plain) {
			r.i += 2
			return plain, nil
		}
	}
	if len(rest) >= 6 && string(rest[1:4]) == "u00" {
		var c [1]byte
		_, err := hex.Decode(c[:], rest[4:6])
		lower := (rest[5] <= '9' || rest[5] >= 'a')
		if err == nil && lower && c[0] < 0x20 && shortEscape(c[0]) == 0 {
			r.i += 6
			return c[0], nil
		}
	}
	return 0, r.fail("the canonical escape")
}

func (r *reader) time() (time.Time, error) {
	start := r.i
	s, err := r.string()
	if err != nil {
		return time.Time{}, err
	}
	t, err := time.Parse(timeLayout, s)
	if err != nil || len(s) != len(timeLayout) || t.Year() < 1 {
		r.i = start
		return time.Time{}, r.fail("a time like " + timeLayout)
	}
	return t, nil
}

func (r *reader) uuid() (uuid.UUID, error) {
	start := r.i
	s, err := r.string()
	if err != nil {
		return uuid.Nil, err
	}
	id, err := uuid.Parse(s)
	if err != nil || id.String() != s {
		r.i = start
		return uuid.Nil, r.fail("a UUID in lower case")
	}
	return id, nil
}
