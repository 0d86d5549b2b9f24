// GraphQL over HTTP, as a client of the service sees it.

package outside

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
)

// Answer is what came back for one request.
type Answer struct {
	Status int
	Header http.Header
	Body   []byte

	Data       map[string]any
	Errors     []GraphError
	Extensions struct{ Warnings []string }
}

// GraphError is one error of an answer.
type GraphError struct {
	Message    string
	Extensions struct{ Code, Field, RequestID string }
}

// Code is the code of the first error, empty where there is none.
func (a Answer) Code() string {
	if len(a.Errors) == 0 {
		return ""
	}
	return a.Errors[0].Extensions.Code
}

// NewRequest makes a POST to the GraphQL interface of the service at base. headers
// are names and values in turn.
func NewRequest(ctx context.Context, base, token string, body []byte, headers ...string) (*http.Request, error) {
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/query", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	r.Header.Set("Content-Type", "application/json")
	if token != "" {
		r.Header.Set("Authorization", "Bearer "+token)
	}
	for i := 0; i+1 < len(headers); i += 2 {
		r.Header.Set(headers[i], headers[i+1])
	}
	return r, nil
}

// Exchange sends a request. The error is one of the network; what the service
// answers is an answer, whatever it says.
func Exchange(client *http.Client, r *http.Request) (Answer, error) {
	response, err := client.Do(r)
	if err != nil {
		return Answer{}, err
	}
	defer response.Body.Close()
	a := Answer{Status: response.StatusCode, Header: response.Header}
	if a.Body, err = io.ReadAll(response.Body); err != nil {
		return Answer{}, err
	}
	// Not everything answers with JSON, and whoever wants data finds none then.
	_ = json.Unmarshal(a.Body, &a)
	return a, nil
}

// Try runs an operation and leaves the network's errors to the caller.
func Try(ctx context.Context, client *http.Client, base, token, query string, variables map[string]any, headers ...string) (Answer, error) {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return Answer{}, err
	}
	r, err := NewRequest(ctx, base, token, body, headers...)
	if err != nil {
		return Answer{}, err
	}
	return Exchange(client, r)
}
