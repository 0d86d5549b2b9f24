// The strict reader of canonical JSON's scalar forms.

package events

import (
	"encoding/hex"
	"fmt"
	"strconv"
	"time"
	"unicode/utf8"

	"github.com/google/uuid"
)

// reader takes canonical JSON apart, from i on. It keeps its first error and
// reads only zero values from then on, so that a caller asks once, at the end.
type reader struct {
	b   []byte
	i   int
	err error
}

func (r *reader) fail(want string) {
	if r.err == nil {
		r.err = fmt.Errorf("byte %d: want %s: %w", r.i, want, ErrNotCanonical)
	}
}

// failAt is fail for what was wrong from an earlier byte on.
func (r *reader) failAt(i int, want string) {
	r.i = i
	r.fail(want)
}

func (r *reader) peek() byte {
	if r.err == nil && r.i < len(r.b) {
		return r.b[r.i]
	}
	return 0
}

func (r *reader) expect(s string) {
	if !r.accept(s) {
		r.fail(s)
	}
}

// accept moves on if s comes next.
func (r *reader) accept(s string) bool {
	if r.err != nil || len(r.b)-r.i < len(s) || string(r.b[r.i:r.i+len(s)]) != s {
		return false
	}
	r.i += len(s)
	return true
}

// item reports whether another item of a comma-separated list comes next, and
// moves up to it; else it has passed the closing bracket or failed.
func (r *reader) item(first bool, end byte) bool {
	switch c := r.peek(); {
	case c == end:
		r.i++
		return false
	case first:
		return r.err == nil
	case c == ',':
		r.i++
		return true
	}
	r.fail("a comma or " + string(end))
	return false
}

func (r *reader) bool() bool {
	if r.accept("true") {
		return true
	}
	r.expect("false")
	return false
}

func (r *reader) int() int64 {
	start, quoted := r.i, r.accept(`"`)
	from := r.i
	if r.peek() == '-' {
		r.i++
	}
	digits := r.i
	for isDigit(r.peek()) {
		r.i++
	}
	text := r.b[from:r.i]
	n, err := strconv.ParseInt(string(text), 10, 64)
	padded := r.i > digits && r.b[digits] == '0' && len(text) > 1 // 007 and -0
	if err != nil || padded || quoted != (n > safeInteger || n < -safeInteger) {
		r.failAt(start, "an integer")
		return 0
	}
	if quoted {
		r.expect(`"`)
	}
	return n
}

func (r *reader) string() string { return string(r.text()) }

// text reads a string and gives its bytes, which the reader's input shares
// where nothing was escaped.
func (r *reader) text() []byte {
	r.expect(`"`)
	start := r.i
	for r.err == nil && r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			return r.closed(r.b[start:r.i])
		case c == '\\':
			return r.escaped(start)
		case c < 0x20:
			r.fail("an escaped control character")
		default:
			r.i++
		}
	}
	r.fail("the end of a string")
	return nil
}

// closed passes the closing quote of a string that reads as s.
func (r *reader) closed(s []byte) []byte {
	if !utf8.Valid(s) {
		r.fail("UTF-8")
		return nil
	}
	r.i++
	return s
}

// escaped reads the rest of a string in which the first escape is at r.i.
func (r *reader) escaped(start int) []byte {
	out := append([]byte(nil), r.b[start:r.i]...)
	for r.err == nil && r.i < len(r.b) {
		switch c := r.b[r.i]; {
		case c == '"':
			return r.closed(out)
		case c == '\\':
			out = append(out, r.escape())
		case c < 0x20:
			r.fail("an escaped control character")
		default:
			out = append(out, c)
			r.i++
		}
	}
	r.fail("the end of a string")
	return nil
}

// escape reads one escape sequence, which must be the one that the writer chooses.
func (r *reader) escape() byte {
	rest := r.b[r.i:]
	for _, plain := range []byte("\"\\\b\t\n\f\r") {
		if len(rest) > 1 && rest[1] == shortEscape(plain) {
			r.i += 2
			return plain
		}
	}
	if len(rest) >= 6 && string(rest[1:4]) == "u00" {
		var c [1]byte
		_, err := hex.Decode(c[:], rest[4:6])
		lower := rest[5] <= '9' || rest[5] >= 'a'
		if err == nil && lower && c[0] < 0x20 && shortEscape(c[0]) == 0 {
			r.i += 6
			return c[0]
		}
	}
	r.fail("the canonical escape")
	return 0
}

func (r *reader) time() time.Time {
	start := r.i
	t, ok := parseTime(r.text())
	if !ok {
		r.failAt(start, "a time like "+timeLayout)
	}
	return t
}

// parseTime takes [timeLayout] and nothing else; [time.Parse] would also take a
// comma for the point.
func parseTime(s []byte) (time.Time, bool) {
	if len(s) != len(timeLayout) {
		return time.Time{}, false
	}
	for i := range len(timeLayout) {
		if want := timeLayout[i]; s[i] != want && !(isDigit(s[i]) && isDigit(want)) {
			return time.Time{}, false
		}
	}
	year, month, day := decimal(s[0:4]), decimal(s[5:7]), decimal(s[8:10])
	hour, minute, second := decimal(s[11:13]), decimal(s[14:16]), decimal(s[17:19])
	t := time.Date(year, time.Month(month), day, hour, minute, second, 1000*decimal(s[20:26]), time.UTC)
	// A 31st of June comes out as a 1st of July.
	exists := t.Month() == time.Month(month) && t.Day() == day
	return t, exists && year > 0 && hour < 24 && minute < 60 && second < 60
}

func isDigit(c byte) bool { return '0' <= c && c <= '9' }

// decimal is the value of some digits.
func decimal(digits []byte) (n int) {
	for _, c := range digits {
		n = n*10 + int(c-'0')
	}
	return n
}

func (r *reader) uuid() uuid.UUID {
	start := r.i
	id, ok := parseUUID(r.text())
	if !ok {
		r.failAt(start, "a UUID in lower case")
	}
	return id
}

// parseUUID takes the one form that the writer writes.
func parseUUID[T string | []byte](s T) (id uuid.UUID, ok bool) {
	if len(s) != 36 {
		return uuid.Nil, false
	}
	n := 0 // hexadecimal digits so far
	for i := range len(s) {
		c := s[i]
		switch {
		case i == 8 || i == 13 || i == 18 || i == 23:
			if c != '-' {
				return uuid.Nil, false
			}
			continue
		case '0' <= c && c <= '9':
			c -= '0'
		case 'a' <= c && c <= 'f':
			c -= 'a' - 10
		default:
			return uuid.Nil, false
		}
		id[n/2] = id[n/2]<<4 | c
		n++
	}
	return id, true
}
