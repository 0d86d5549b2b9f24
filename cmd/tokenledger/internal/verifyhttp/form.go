// Forms: read once, taken apart in place, and refused where they say something twice.

package verifyhttp

import (
	"errors"
	"io"
	"net/http"
	"net/netip"
	"strings"
	"unicode/utf8"
	"unsafe"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
)

// maxForm is the size from which a form is refused.
const maxForm = 16 << 10

// form is what these interfaces read of one. Every text shares the memory of the
// buffer that it was read into, and must be copied by whoever keeps it.
type form struct {
	token, scope, action, resource, organization, sourceIP, userAgent, requestID string
}

// field gives the place of a parameter, or nil for one that is not ours.
func (f *form) field(name string) *string {
	switch name {
	case "token":
		return &f.token
	case "scope":
		return &f.scope
	case "action":
		return &f.action
	case "resource":
		return &f.resource
	case "organization":
		return &f.organization
	case "source_ip":
		return &f.sourceIP
	case "user_agent":
		return &f.userAgent
	case "request_id":
		return &f.requestID
	}
	return nil
}

// formFault is why a form is refused.
type formFault struct {
	status  int
	message string
}

var (
	errNotForm  = &formFault{http.StatusUnsupportedMediaType, "Send a form: Content-Type: application/x-www-form-urlencoded."}
	errTooLarge = &formFault{http.StatusRequestEntityTooLarge, "This form is too large."}
	errEncoded  = &formFault{http.StatusUnsupportedMediaType, httpd.NotDecoded}
	errCutOff   = &formFault{http.StatusBadRequest, "The form could not be read to its end."}
	errEncoding = &formFault{http.StatusBadRequest, "The form is not encoded as a form is."}
	errTwice    = &formFault{http.StatusBadRequest, "A parameter stands in the form twice."}
	errToken    = &formFault{http.StatusBadRequest, "The parameter token is missing."}
)

func (f *formFault) write(w http.ResponseWriter) { fail(w, f.status, "invalid_request", f.message) }

// readForm reads a form into a buffer. A token in the address, which proxies
// write into their logs, is never taken.
func readForm(w http.ResponseWriter, r *http.Request, into *buffer) (f form, fault *formFault) {
	if r.Method != http.MethodPost {
		w.Header().Set("Allow", http.MethodPost)
		return f, &formFault{http.StatusMethodNotAllowed, "This is asked by POST."}
	}
	if !isForm(r.Header.Get("Content-Type")) {
		return f, errNotForm
	}
	if fault := readBody(r, into, maxForm); fault != nil {
		return f, fault
	}
	if fault := f.parse(into.b); fault != nil {
		return f, fault
	}
	if f.token == "" {
		return f, errToken
	}
	return f, nil
}

func isForm(contentType string) bool {
	media, _, _ := strings.Cut(contentType, ";")
	return strings.EqualFold(strings.TrimSpace(media), "application/x-www-form-urlencoded")
}

// readBody reads all of a body that has at most so many bytes.
func readBody(r *http.Request, into *buffer, most int) *formFault {
	if r.ContentLength > int64(most) {
		return errTooLarge
	}
	if httpd.Encoded(r.Header) {
		return errEncoded
	}
	b := into.b[:0]
	for {
		if len(b) == cap(b) {
			b = append(b, 0)[:len(b)]
		}
		n, err := r.Body.Read(b[len(b):cap(b)])
		b = b[:len(b)+n]
		into.b = b
		switch {
		case len(b) > most:
			return errTooLarge
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return errCutOff
		}
	}
}

// parse takes a form apart in its own memory. A parameter without a value counts
// as left out (RFC 6749, section 3.1), and none may stand there twice.
func (f *form) parse(b []byte) *formFault {
	var seen [32]string
	names := seen[:0]
	for len(b) > 0 {
		var pair []byte
		pair, b = cut(b, '&')
		if len(pair) == 0 {
			continue
		}
		name, value := cut(pair, '=')
		name, ok := unescape(name)
		if !ok {
			return errEncoding
		}
		value, ok = unescape(value)
		if !ok || !utf8.Valid(value) {
			return errEncoding
		}
		text := shared(name)
		for _, n := range names {
			if n == text {
				return errTwice
			}
		}
		if len(names) == cap(names) {
			return errTooLarge
		}
		names = append(names, text)
		if to := f.field(text); to != nil {
			*to = shared(value)
		}
	}
	return nil
}

func cut(b []byte, sep byte) (before, after []byte) {
	for i, c := range b {
		if c == sep {
			return b[:i], b[i+1:]
		}
	}
	return b, nil
}

// shared is a text in the memory of the bytes, which must not change while it is used.
func shared(b []byte) string { return unsafe.String(unsafe.SliceData(b), len(b)) }

// unescape undoes the encoding of forms in place.
func unescape(b []byte) ([]byte, bool) {
	to := 0
	for at := 0; at < len(b); at++ {
		c := b[at]
		switch c {
		case '+':
			c = ' '
		case '%':
			if at+2 >= len(b) {
				return nil, false
			}
			hi, lo := unhex(b[at+1]), unhex(b[at+2])
			if hi > 15 || lo > 15 {
				return nil, false
			}
			c, at = hi<<4|lo, at+2
		}
		b[to] = c
		to++
	}
	return b[:to], true
}

func unhex(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 0xff
}

// use is what a form says of the use that is asked about, checked and copied
// where it is kept.
type use struct {
	action, resource, scope, agent, requestID string
	address                                   netip.Addr
}

func (f *form) use() (u use, fault *formFault) {
	for _, t := range []struct {
		name, text string
		most       int
		to         *string
	}{
		{"action", f.action, 128, &u.action},
		{"resource", f.resource, 1024, &u.resource},
		{"scope", f.scope, 1024, &u.scope},
		{"user_agent", f.userAgent, 1024, &u.agent},
		{"request_id", f.requestID, 255, &u.requestID},
	} {
		if t.text == "" {
			continue
		}
		if utf8.RuneCountInString(t.text) > t.most || strings.ContainsFunc(t.text, isControl) {
			return u, &formFault{http.StatusBadRequest, "The parameter " + t.name + " is too long, or has a control character."}
		}
		*t.to = strings.Clone(t.text)
	}
	if f.sourceIP != "" {
		address, err := netip.ParseAddr(f.sourceIP)
		if err != nil {
			return u, &formFault{http.StatusBadRequest, "The parameter source_ip is no network address such as 192.0.2.1 or 2001:db8::1."}
		}
		u.address = address.Unmap().WithZone("")
	}
	return u, nil
}

func isControl(c rune) bool { return c < 0x20 || c >= 0x7f && c < 0xa0 }

// organizationIn reads the organization that a form or an address names, beside
// the one of the header. They may not differ.
func organizationIn(r *http.Request, named string) (uuid.UUID, *formFault) {
	var id uuid.UUID
	for _, text := range append(r.Header["X-Organization-Id"], named) {
		if text == "" {
			continue
		}
		named, err := uuid.Parse(text)
		if err != nil {
			return uuid.Nil, &formFault{http.StatusBadRequest, "An organization is named by its UUID."}
		}
		if id != uuid.Nil && id != named {
			return uuid.Nil, &formFault{http.StatusBadRequest, "Two organizations are named; which one is it?"}
		}
		id = named
	}
	return id, nil
}
