// Requests and answers of tests, and what is checked of them.

package graphql_test

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"testing"
)

// answer is what a request got.
type answer struct {
	t      *testing.T
	status int
	header http.Header
	body   []byte
	Data   map[string]any `json:"data"`
	Errors []struct {
		Message    string         `json:"message"`
		Path       []any          `json:"path"`
		Extensions map[string]any `json:"extensions"`
	} `json:"errors"`
	Extensions map[string]any `json:"extensions"`
}

// vars are the variables of a request.
type vars = map[string]any

// send posts a request with a token; headers come in pairs.
func (w *world) send(token, query string, variables vars, headers ...string) answer {
	w.t.Helper()
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	must(w.t, err)
	return w.post(token, body, append([]string{"Content-Type", "application/json", "Accept", "application/json"}, headers...)...)
}

func (w *world) post(token string, body []byte, headers ...string) answer {
	w.t.Helper()
	r, err := http.NewRequestWithContext(w.t.Context(), http.MethodPost, w.server.URL, bytes.NewReader(body))
	must(w.t, err)
	return w.roundTrip(r, token, headers...)
}

func (w *world) roundTrip(r *http.Request, token string, headers ...string) answer {
	w.t.Helper()
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	resp, err := w.server.Client().Do(r)
	must(w.t, err)
	defer resp.Body.Close()
	a := answer{t: w.t, status: resp.StatusCode, header: resp.Header}
	a.body, err = io.ReadAll(resp.Body)
	must(w.t, err)
	if strings.Contains(resp.Header.Get("Content-Type"), "json") && len(a.body) > 0 {
		dec := json.NewDecoder(bytes.NewReader(a.body))
		dec.UseNumber()
		if err := dec.Decode(&a); err != nil {
			w.t.Fatalf("the answer is not JSON: %v\n%s", err, a.body)
		}
	}
	return a
}

// ask is send by the owner, and must succeed.
func (w *world) ask(query string, variables vars, headers ...string) answer {
	w.t.Helper()
	return w.as(w.admin, query, variables, headers...)
}

// as is send by a token, and must succeed.
func (w *world) as(token, query string, variables vars, headers ...string) answer {
	w.t.Helper()
	a := w.send(token, query, variables, headers...)
	if len(a.Errors) > 0 || a.status != http.StatusOK {
		w.t.Fatalf("status %d: %s\nfor %s", a.status, a.body, query)
	}
	return a
}

// refuses checks that a request is refused with a code and a field.
func (a answer) refuses(code, field string) {
	a.t.Helper()
	if len(a.Errors) == 0 {
		a.t.Fatalf("was not refused, want %s: %s", code, a.body)
	}
	got := a.Errors[0].Extensions
	if got["code"] != code || field != "*" && value(got["field"]) != field {
		a.t.Errorf("refused with %v in field %q, want %s in %q: %s", got["code"], value(got["field"]), code, field, a.Errors[0].Message)
	}
	if a.Errors[0].Message == "" || got["requestId"] == nil {
		a.t.Errorf("the error has no message or no request id: %s", a.body)
	}
}

func value(v any) string {
	if v == nil {
		return ""
	}
	return fmt.Sprint(v)
}

// at walks into the data by names and indexes parted by dots; null is "".
func (a answer) at(path string) string { return value(a.any(path)) }

func (a answer) any(path string) any {
	a.t.Helper()
	var v any = a.Data
	for step := range strings.SplitSeq(path, ".") {
		switch in := v.(type) {
		case map[string]any:
			var ok bool
			if v, ok = in[step]; !ok {
				a.t.Fatalf("no %s of %s in %s", step, path, a.body)
			}
		case []any:
			i, err := strconv.Atoi(step)
			if err != nil || i >= len(in) {
				a.t.Fatalf("no element %s of %s in %s", step, path, a.body)
			}
			v = in[i]
		default:
			a.t.Fatalf("no %s of %s in %s", step, path, a.body)
		}
	}
	return v
}

// each collects one field of every node of a connection.
func (a answer) each(connection, field string) []string {
	a.t.Helper()
	var out []string
	for _, e := range a.any(connection + ".edges").([]any) {
		out = append(out, value(e.(map[string]any)["node"].(map[string]any)[field]))
	}
	return out
}
