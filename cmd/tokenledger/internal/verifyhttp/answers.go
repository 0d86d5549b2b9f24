// How answers are written: by hand into pooled buffers where they are many.

package verifyhttp

import (
	"encoding/hex"
	"encoding/json"
	"math"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Values of headers that many answers share. Nothing writes into them.
var (
	noStore  = []string{"no-store"}
	typeJSON = []string{"application/json"}
)

// buffer is room for a request's body and, behind it, for its answer.
type buffer struct{ b []byte }

const bufferSize = 4 << 10

var buffers = sync.Pool{New: func() any { return &buffer{make([]byte, 0, bufferSize)} }}

// release gives the room back without what stood in it, which may be a token's value.
func (b *buffer) release() {
	if cap(b.b) > maxForm+bufferSize {
		return
	}
	b.b = b.b[:cap(b.b)]
	clear(b.b)
	b.b = b.b[:0]
	buffers.Put(b)
}

// fail answers an error in the form of RFC 6749, section 5.2, which clients of
// all these interfaces can read, or show.
func fail(w http.ResponseWriter, status int, code, description string) {
	w.Header()["Content-Type"] = typeJSON
	w.WriteHeader(status)
	body, _ := json.Marshal(map[string]string{"error": code, "error_description": description})
	_, _ = w.Write(append(body, '\n'))
}

// tooMany answers a failure that came too soon after others.
func tooMany(w http.ResponseWriter, wait time.Duration) {
	retryAfter(w, wait)
	fail(w, http.StatusTooManyRequests, "rate_limited", "Too many attempts failed; wait a moment.")
}

func retryAfter(w http.ResponseWriter, wait time.Duration) {
	if wait > 0 {
		w.Header().Set("Retry-After", strconv.Itoa(int(math.Ceil(wait.Seconds()))))
	}
}

// challenge is what RFC 6750, section 3, wants in WWW-Authenticate. scope is what
// was needed, if that was the fault.
func challenge(code, scope string) string {
	c := `Bearer `
	if code != "" {
		c += `error="` + code + `", `
	}
	if scope = quotable(scope); scope != "" {
		c += `scope="` + scope + `", `
	}
	return c + `realm="tokenledger"`
}

// quotable is a list of scopes with no character that the header, or RFC 6749 in
// section 3.3, does not allow, and with no token's value.
func quotable(scope string) string {
	return secret.RedactString(strings.Map(func(c rune) rune {
		if c < 0x20 || c > 0x7e || c == '"' || c == '\\' {
			return -1
		}
		return c
	}, secret.RedactString(scope)))
}

// subject is who uses a token: the owner of a personal one, else the token itself.
func subject(s *verifier.Subject) uuid.UUID {
	if s.Kind == events.PersonalKind {
		return s.User
	}
	return s.Token
}

// appendUsername appends a name that nobody could choose for himself.
func appendUsername(b []byte, s *verifier.Subject) []byte {
	if s.Kind == events.PersonalKind {
		return appendID(append(b, "tokenledger:user:"...), s.User)
	}
	return appendID(append(b, "tokenledger:token:"...), s.Token)
}

func appendID(b []byte, id uuid.UUID) []byte {
	at := 0
	for _, n := range [...]int{4, 2, 2, 2, 6} {
		if at > 0 {
			b = append(b, '-')
		}
		b = hex.AppendEncode(b, id[at:at+n])
		at += n
	}
	return b
}

// joined is a list of scopes as one text; most tokens have one.
func joined(scopes []string) string {
	if len(scopes) == 1 {
		return scopes[0]
	}
	return strings.Join(scopes, " ")
}

// expires is the value of Token-Expires.
func expires(until time.Time) string {
	if until.IsZero() {
		return "never"
	}
	return until.UTC().Format(time.RFC3339)
}

// appendText appends a JSON string.
func appendText(b []byte, s string) []byte {
	for i := range len(s) {
		if c := s[i]; c < 0x20 || c > 0x7e || c == '"' || c == '\\' || c == '<' || c == '>' || c == '&' {
			quoted, _ := json.Marshal(s)
			return append(b, quoted...)
		}
	}
	b = append(b, '"')
	b = append(b, s...)
	return append(b, '"')
}

// organizationText names the organization that a use was for; empty for a
// personal token that no single one was meant by.
func organizationText(s *verifier.Subject) string {
	if s.Organization == uuid.Nil {
		return ""
	}
	return s.Organization.String()
}
