// Verifying tokens over HTTP, against a handler that does nothing.

package bench

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// Service is a running service and an administrator's token of it.
type Service struct {
	URL   string
	Token string
}

const verifyQuery = `mutation($t: String!) { verifyToken(input: {token: $t, action: "createEvidence", resource: "evidence/bench"}) { allowed code } }`

// Verify measures verifyToken with every use durable before its answer, one bad
// token in five. The baseline is a bare handler that reads the same request and
// writes an answer of the same size, asked by the same client.
func Verify(ctx context.Context, s Service, o Options) (Result, error) {
	client := &http.Client{Transport: &http.Transport{MaxIdleConns: o.Concurrency, MaxIdleConnsPerHost: o.Concurrency}}
	defer client.CloseIdleConnections()
	subject := caller{client: client, url: s.URL + "/query", token: s.Token}
	values, introspector, err := makeTokens(ctx, subject, o.Tokens)
	if err != nil {
		return Result{}, err
	}
	bodies, err := requests(values)
	if err != nil {
		return Result{}, err
	}
	bare, closeBare, err := bareHandler()
	if err != nil {
		return Result{}, err
	}
	defer closeBare()
	subject.token = introspector
	baseline := subject
	baseline.url = bare
	r := Result{
		What: "verifyToken over HTTP, every use durable, 20 % bad", Raw: "a bare net/http handler, same client",
		Concurrency: o.Concurrency, Tokens: o.Tokens,
	}
	each := o.Duration / (2 * rounds)
	var ours, raw []sample
	for range rounds {
		for _, turn := range []struct {
			at  caller
			out *[]sample
		}{{subject, &ours}, {baseline, &raw}} {
			taken, err := hammer(ctx, o.Concurrency, each, func(ctx context.Context, worker, call int) (int, error) {
				return 1, turn.at.post(ctx, bodies[(worker*7919+call)%len(bodies)], nil)
			})
			if err != nil {
				return Result{}, err
			}
			*turn.out = append(*turn.out, taken)
		}
	}
	return summary(r, ours, raw), nil
}

// requests asks for each token in turn; every fifth is one that does not exist.
func requests(values []string) ([][]byte, error) {
	bodies := make([][]byte, 0, len(values))
	for i, value := range values {
		if i%5 == 4 {
			bad, err := secret.New(secret.Organization, secret.ID(uuid.New()), rand.Reader)
			if err != nil {
				return nil, err
			}
			value = bad.Reveal()
		}
		body, err := json.Marshal(map[string]any{"query": verifyQuery, "variables": map[string]any{"t": value}})
		if err != nil {
			return nil, err
		}
		bodies = append(bodies, body)
	}
	return bodies, nil
}

// caller posts GraphQL requests.
type caller struct {
	client     *http.Client
	url, token string
}

func (c caller) post(ctx context.Context, body []byte, out any) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, c.url, bytes.NewReader(body))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+c.token)
	request.Header.Set("Idempotency-Key", uuid.NewString())
	response, err := c.client.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	raw, err := io.ReadAll(response.Body)
	if err != nil {
		return err
	}
	if response.StatusCode != http.StatusOK || bytes.Contains(raw, []byte(`"errors"`)) {
		return fmt.Errorf("%s: %.200s", response.Status, raw)
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(raw, out)
}

// makeTokens creates the tokens to verify, 50 in a request, and the one to ask with.
func makeTokens(ctx context.Context, c caller, n int) (values []string, introspector string, err error) {
	const mutation = `mutation($input: [CreateAPITokenInput!]) { createBulkAPIToken(input: $input) { apiTokens { token } } }`
	create := func(inputs []map[string]any) ([]string, error) {
		body, err := json.Marshal(map[string]any{"query": mutation, "variables": map[string]any{"input": inputs}})
		if err != nil {
			return nil, err
		}
		var answer struct {
			Data struct {
				CreateBulkAPIToken struct{ APITokens []struct{ Token string } }
			}
		}
		if err := c.post(ctx, body, &answer); err != nil {
			return nil, fmt.Errorf("create tokens: %w", err)
		}
		var made []string
		for _, t := range answer.Data.CreateBulkAPIToken.APITokens {
			made = append(made, t.Token)
		}
		return made, nil
	}
	asker, err := create([]map[string]any{{"name": "introspector", "scopes": []string{"token:introspect"}}})
	if err != nil {
		return nil, "", err
	}
	for len(values) < n {
		var inputs []map[string]any
		for i := range min(50, n-len(values)) {
			inputs = append(inputs, map[string]any{"name": fmt.Sprintf("bench-%d", len(values)+i), "scopes": []string{"evidence:write"}})
		}
		made, err := create(inputs)
		if err != nil {
			return nil, "", err
		}
		values = append(values, made...)
	}
	return values, asker[0], nil
}

// bareHandler serves the least that an answer takes.
func bareHandler() (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	answer := []byte(`{"data":{"verifyToken":{"allowed":true,"code":null}}}`)
	server := &http.Server{ReadHeaderTimeout: time.Second, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	})}
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = server.Serve(l)
	}()
	return "http://" + l.Addr().String(), func() {
		_ = server.Close()
		<-ended
	}, nil
}
