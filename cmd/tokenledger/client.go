// The client side of the commands: GraphQL over HTTP with the caller's token.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"syscall"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/cmd/tokenledger/internal/httpd"
)

// client speaks to the service's GraphQL interface.
type client struct {
	server       string
	token        string
	organization string // that the requests are for; empty: the only one that the token reaches
	expires      string // when the token ends, as the service said last; "never" if it does not
	version      string // of the service, as it said last
	http         *http.Client
}

// client finds the service and the token: those that are named, else those of
// the context, else the embedded pair.
func (a app) client() (*client, error) {
	t, err := a.target()
	if err != nil {
		return nil, err
	}
	switch {
	case t.tokenFile != "":
	case t.context == "":
		return nil, fmt.Errorf("no token is named for %[1]s; sign in with: tokenledger login --server %[1]s, or name the token's file with --token-file", t.server)
	default:
		return nil, fmt.Errorf("the context %s has no token; sign in with: tokenledger login --context %s", t.context, t.context)
	}
	value, err := os.ReadFile(t.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("the token of this command: %w; name its file with TOKENLEDGER_TOKEN_FILE or --token-file, or sign in with tokenledger login", err)
	}
	return t.client(strings.TrimSpace(string(value)))
}

// clientLimit bounds a request; what takes longer than that is asked for otherwise.
const clientLimit = 30 * time.Second

// client speaks to the target with a token.
func (t target) client(token string) (*client, error) {
	transport, err := t.transport()
	if err != nil {
		return nil, err
	}
	return &client{
		server: t.server, token: token, organization: t.organization,
		http: &http.Client{
			Timeout: clientLimit, Transport: transport,
			CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }, // which would take the token along, even into the clear
		},
	}, nil
}

// remoteError is one error of a GraphQL answer.
type remoteError struct {
	Message    string `json:"message"`
	Extensions struct {
		Code  string `json:"code"`
		Field string `json:"field"`
	} `json:"extensions"`
}

// Error implements error.
func (e remoteError) Error() string {
	if e.Extensions.Field != "" && !strings.HasPrefix(e.Message, e.Extensions.Field+" ") { // else the sentence names it
		return fmt.Sprintf("%s: %s (%s)", e.Extensions.Field, e.Message, e.Extensions.Code)
	}
	return fmt.Sprintf("%s (%s)", e.Message, e.Extensions.Code)
}

// do runs an operation and decodes its data into out. An answer that was lost on
// the way is asked for again under the same idempotency key, so that nothing
// happens twice; so is a read whose read models had not caught up, for which the
// service has waited already.
func (c *client) do(ctx context.Context, query string, variables map[string]any, out any) error {
	body, err := json.Marshal(map[string]any{"query": query, "variables": variables})
	if err != nil {
		return err
	}
	key := uuid.NewString()
	const attempts = 3
	for n := 1; ; n++ {
		status, answer, err := c.send(ctx, body, key)
		if err == nil {
			err = decodeAnswer(status, answer, out)
			if n < attempts && stale(err) && !strings.HasPrefix(query, "mutation") {
				continue
			}
			return err
		}
		if n == attempts || ctx.Err() != nil || errors.Is(err, syscall.ECONNREFUSED) {
			var u *url.Error
			if errors.As(err, &u) {
				err = u.Err
			}
			return fmt.Errorf("%s does not answer: %w; is `tokenledger serve` running, or TOKENLEDGER_SERVER another?", c.server, err)
		}
	}
}

// maxAnswer is the longest answer in bytes.
const maxAnswer = 64 << 20

// send asks once; the error says that the answer did not arrive whole.
func (c *client) send(ctx context.Context, body []byte, key string) (status string, answer []byte, err error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.server+"/query", bytes.NewReader(body))
	if err != nil {
		return "", nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Idempotency-Key", key)
	if c.organization != "" {
		request.Header.Set("X-Organization-ID", c.organization)
	}
	response, err := c.http.Do(request)
	if err != nil {
		return "", nil, err
	}
	defer response.Body.Close()
	c.expires, c.version = response.Header.Get("Token-Expires"), response.Header.Get(httpd.VersionHeader)
	answer, err = io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	if status = response.Status; response.Header.Get("Location") != "" {
		status += fmt.Sprintf(", go to %q,", response.Header.Get("Location"))
	}
	return status, answer, err
}

func decodeAnswer(status string, raw []byte, out any) error {
	var answer struct {
		Data   json.RawMessage `json:"data"`
		Errors []remoteError   `json:"errors"`
	}
	if err := json.Unmarshal(raw, &answer); err != nil {
		return fmt.Errorf("the service answered %s and no GraphQL", status)
	}
	if len(answer.Errors) > 0 {
		var problems []error
		for _, e := range answer.Errors {
			problems = append(problems, e)
		}
		return errors.Join(problems...)
	}
	return json.Unmarshal(answer.Data, out)
}

func stale(err error) bool {
	var e remoteError
	return errors.As(err, &e) && e.Extensions.Code == "STALE_READ"
}

// organizations are those that the token reaches, a hundred at most.
func (c *client) organizations(ctx context.Context) (all []orgView, err error) {
	var answer struct{ Organizations connection[orgView] }
	err = c.do(ctx, `{ organizations(first: 100) { edges { node { id name } } } }`, nil, &answer)
	for _, e := range answer.Organizations.Edges {
		all = append(all, e.Node)
	}
	return all, err
}

// get asks for a path that needs no token.
func (c *client) get(ctx context.Context, path string) (*http.Response, []byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, c.server+path, nil)
	if err != nil {
		return nil, nil, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return nil, nil, err
	}
	defer response.Body.Close()
	body, err := io.ReadAll(io.LimitReader(response.Body, maxAnswer))
	return response, body, err
}
