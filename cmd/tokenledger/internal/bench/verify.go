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
	"slices"
	"time"

	"github.com/google/uuid"
	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// Service is a running service and an administrator's token of it.
type Service struct {
	URL   string
	Token string
}

// Verify measures verification by an interface, with every use durable before its
// answer and one bad token in five. The baseline is a bare handler that reads the
// same requests and writes an answer of the same size, asked by the same client.
func Verify(ctx context.Context, s Service, of string, o Options) (Result, error) {
	p, err := protocolOf(of)
	if err != nil {
		return Result{}, err
	}
	values, asker, err := makeTokens(ctx, s, o.Tokens)
	if err != nil {
		return Result{}, err
	}
	if err := spoil(values); err != nil {
		return Result{}, err
	}
	bare, closeBare, err := bareHandler(p.bare)
	if err != nil {
		return Result{}, err
	}
	defer closeBare()
	ours, err := dialAll(ctx, s.URL, o.Concurrency)
	if err != nil {
		return Result{}, err
	}
	defer ours.close()
	theirs, err := dialAll(ctx, bare, o.Concurrency)
	if err != nil {
		return Result{}, err
	}
	defer theirs.close()
	r := Result{
		What: p.what + ", every use durable, 20 % bad", Raw: "a bare net/http handler", Client: clientName,
		Concurrency: o.Concurrency, Tokens: o.Tokens,
	}
	ask := func(all wires, check bool) turn {
		one := func(_ context.Context, worker, call int) (int, error) {
			i := (worker*7919 + call) % len(values)
			status, body, err := all[worker].ask(func(b []byte, host string) []byte { return p.request(b, host, asker, values[i]) })
			if err != nil {
				return 0, err
			}
			if good := i%spoiled != spoiled-1; check && good && !p.good(status, body) || check && !good && !p.bad(status, body) {
				return 0, fmt.Errorf("%s: answered %d %.200s", p.what, status, body)
			}
			return 1, nil
		}
		return func(d time.Duration) (sample, error) { return hammer(ctx, o.Concurrency, d, one) }
	}
	return takeTurns(r, o, ask(ours, true), ask(theirs, false))
}

// spoiled says that every so many values is one that no token has.
const spoiled = 5

func spoil(values []string) error {
	for i := spoiled - 1; i < len(values); i += spoiled {
		bad, err := secret.New(secret.Organization, secret.ID(uuid.New()), rand.Reader)
		if err != nil {
			return err
		}
		values[i] = bad.Reveal()
	}
	return nil
}

// Tokens are made many in a request, and some requests at a time.
const (
	madeAtOnce = 50
	makers     = 8
)

// makeTokens creates the tokens to verify and the one to ask with.
func makeTokens(ctx context.Context, s Service, n int) (values []string, asker string, err error) {
	first, err := s.create(ctx, []map[string]any{{"name": "introspector", "scopes": []string{"token:introspect"}}})
	if err != nil {
		return nil, "", err
	}
	made := make([][]string, (n+madeAtOnce-1)/madeAtOnce)
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(makers)
	for i := range made {
		group.Go(func() (err error) {
			var inputs []map[string]any
			for j := range min(madeAtOnce, n-i*madeAtOnce) {
				inputs = append(inputs, map[string]any{"name": fmt.Sprintf("bench-%d", i*madeAtOnce+j), "scopes": []string{"evidence:write"}})
			}
			made[i], err = s.create(ctx, inputs)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		return nil, "", err
	}
	return slices.Concat(made...), first[0], nil
}

func (s Service) create(ctx context.Context, inputs []map[string]any) ([]string, error) {
	const mutation = `mutation($input: [CreateAPITokenInput!]) { createBulkAPIToken(input: $input) { apiTokens { token } } }`
	body, err := json.Marshal(map[string]any{"query": mutation, "variables": map[string]any{"input": inputs}})
	if err != nil {
		return nil, err
	}
	var answer struct {
		Data struct {
			CreateBulkAPIToken struct{ APITokens []struct{ Token string } }
		}
	}
	if err := s.post(ctx, body, &answer); err != nil {
		return nil, fmt.Errorf("create tokens: %w", err)
	}
	var made []string
	for _, t := range answer.Data.CreateBulkAPIToken.APITokens {
		made = append(made, t.Token)
	}
	return made, nil
}

func (s Service) post(ctx context.Context, body []byte, out any) error {
	answer, err := s.raw(ctx, body)
	if err != nil {
		return err
	}
	return json.Unmarshal(answer, out)
}

// raw posts to the GraphQL interface and reads the whole answer.
func (s Service) raw(ctx context.Context, body []byte) ([]byte, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/query", bytes.NewReader(body))
	if err != nil {
		return nil, err
	}
	request.Header.Set("Content-Type", "application/json")
	request.Header.Set("Authorization", "Bearer "+s.Token)
	request.Header.Set("Idempotency-Key", uuid.NewString())
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	answer, err := io.ReadAll(response.Body)
	if err == nil && (response.StatusCode != http.StatusOK || bytes.Contains(answer, []byte(`"errors"`))) {
		err = fmt.Errorf("%s: %.300s", response.Status, answer)
	}
	return answer, err
}

// bareHandler serves the least that an answer takes.
func bareHandler(answer []byte) (url string, stop func(), err error) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		return "", nil, err
	}
	// As long as the service's own turn may take: a connection counts from when it is opened.
	server := &http.Server{ReadHeaderTimeout: time.Hour, Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
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
