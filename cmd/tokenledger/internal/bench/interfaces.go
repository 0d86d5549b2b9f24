// The interfaces whose verification is measured: how each is asked, and what its answer must be.

package bench

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
)

// Interfaces are the names of what [Verify] can measure.
func Interfaces() []string { return []string{"introspect", "auth-check", "graphql"} }

// protocol is one interface. request appends a whole request about a value.
type protocol struct {
	what    string
	request func(b []byte, host, asker, value string) []byte
	good    func(status int, body []byte) bool // an allowed use
	bad     func(status int, body []byte) bool // a refused one
	bare    []byte                             // what the baseline answers, as large as a real answer
}

func protocolOf(name string) (protocol, error) {
	switch name {
	case "introspect":
		return introspect, nil
	case "auth-check":
		return authCheck, nil
	case "graphql":
		return graphQL()
	}
	return protocol{}, fmt.Errorf("there is no interface %q; there are %q", name, Interfaces())
}

func answers(status int, text string) func(int, []byte) bool {
	return func(got int, body []byte) bool { return got == status && bytes.Contains(body, []byte(text)) }
}

func head(b []byte, method, path, host, credential string) []byte {
	b = append(b, method...)
	b = append(b, ' ')
	b = append(b, path...)
	b = append(b, " HTTP/1.1\r\nHost: "...)
	b = append(b, host...)
	b = append(b, "\r\nAuthorization: Bearer "...)
	b = append(b, credential...)
	return append(b, "\r\n"...)
}

func sized(b []byte, media string, length int) []byte {
	b = append(b, "Content-Type: "...)
	b = append(b, media...)
	b = append(b, "\r\nContent-Length: "...)
	b = strconv.AppendInt(b, int64(length), 10)
	return append(b, "\r\n\r\n"...)
}

const formRest = "&action=createEvidence&resource=evidence%2Fbench&source_ip=192.0.2.7"

var introspect = protocol{
	what: "POST /oauth2/introspect",
	request: func(b []byte, host, asker, value string) []byte {
		b = head(b, http.MethodPost, "/oauth2/introspect", host, asker)
		b = sized(b, "application/x-www-form-urlencoded", len("token=")+len(value)+len(formRest))
		b = append(b, "token="...)
		b = append(b, value...)
		return append(b, formRest...)
	},
	good: answers(http.StatusOK, `"active":true`),
	bad:  answers(http.StatusOK, `{"active":false}`),
	bare: slices.Concat([]byte(`{"active":true,"scope":"evidence:write"`), bytes.Repeat([]byte(" "), 310), []byte("}")),
}

var authCheck = protocol{
	what: "GET /auth/check",
	request: func(b []byte, host, _, value string) []byte {
		b = head(b, http.MethodGet, "/auth/check?scope=evidence:write", host, value)
		return append(b, "X-Original-URI: /evidence/bench\r\nX-Original-Method: PUT\r\nX-Forwarded-For: 192.0.2.7\r\n\r\n"...)
	},
	good: answers(http.StatusOK, ""),
	bad:  answers(http.StatusUnauthorized, "invalid_token"),
}

const (
	verifyQuery = `mutation($t: String!) { verifyToken(input: {token: $t, action: "createEvidence", resource: "evidence/bench", sourceIP: "192.0.2.7"}) { allowed code } }`
	valueMark   = "tola_VALUE"
)

func graphQL() (protocol, error) {
	body, err := json.Marshal(map[string]any{"query": verifyQuery, "variables": map[string]any{"t": valueMark}})
	if err != nil {
		return protocol{}, err
	}
	before, after, _ := bytes.Cut(body, []byte(valueMark))
	return protocol{
		what: "POST /query { verifyToken }",
		request: func(b []byte, host, asker, value string) []byte {
			b = head(b, http.MethodPost, "/query", host, asker)
			b = sized(b, "application/json", len(before)+len(value)+len(after))
			b = append(b, before...)
			b = append(b, value...)
			return append(b, after...)
		},
		good: answers(http.StatusOK, `"allowed":true`),
		bad:  answers(http.StatusOK, `"allowed":false`),
		bare: []byte(`{"data":{"verifyToken":{"allowed":true,"code":null}}}`),
	}, nil
}
