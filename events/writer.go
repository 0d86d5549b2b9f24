// The writer of canonical JSON's scalar forms.

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
