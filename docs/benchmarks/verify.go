// Verifying tokens: who says whether a token is good, and what stands behind the answer.

package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"time"
)

// spoiled says that every so many questions is about a token that does not exist.
const spoiled = 5

// asker posts forms as RFC 7662 says; one client for everybody.
type asker struct {
	client *http.Client
	url    string
	bearer string // how the asker names itself; empty: not at all
	extra  string // what the form has beside the token
	values []string
	known  bool // an answer says active as it should
}

func newAsker(concurrency int) asker {
	return asker{client: &http.Client{
		Timeout: time.Minute, Transport: &http.Transport{MaxIdleConns: 0, MaxIdleConnsPerHost: concurrency},
	}}
}

// ask asks about one value, and checks the answer.
func (a asker) ask(ctx context.Context, worker, call int) error {
	i := worker*7919 + call
	value, good := a.values[i%len(a.values)], i%spoiled != spoiled-1
	if !good {
		value = value[:len(value)-6] + "000000"
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, a.url, strings.NewReader("token="+url.QueryEscape(value)+a.extra))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	if a.bearer != "" {
		request.Header.Set("Authorization", "Bearer "+a.bearer)
	}
	status, answer, err := fetch(a.client, request)
	if err == nil && (status != http.StatusOK || a.known && bytes.Contains(answer, []byte(`"active":true`)) != good) {
		err = fmt.Errorf("a token that is good: %v; the answer: %d %.200s", good, status, answer)
	}
	return err
}

// fetch reads the whole answer.
func fetch(client *http.Client, request *http.Request) (status int, answer []byte, err error) {
	response, err := client.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer response.Body.Close()
	answer, err = io.ReadAll(response.Body)
	return response.StatusCode, answer, err
}

// verifiers opens all that answer, the ledger first.
func verifiers(ctx context.Context, s *server, o options, say func(string)) ([]contestant, error) {
	most := 1
	for _, n := range o.concurrency {
		most = max(most, n)
	}
	ledger, err := newVerifier(ctx, s, newAsker(most), o.tokens)
	all := []contestant{ledger}
	if err != nil {
		return nil, err
	}
	all = append(all, newBare(newAsker(most)))
	if o.hydra == "" {
		say("Ory Hydra is left out: build it (see hydra/doc.go), and name the program with --hydra")
		return all, nil
	}
	hydra, err := newHydra(ctx, s, o.hydra, newAsker(most), o.tokens)
	if err != nil {
		return all, fmt.Errorf("Ory Hydra: %w", err)
	}
	return append(all, hydra), nil
}

// newBare is a handler that reads the form and says yes.
func newBare(a asker) contestant {
	answer := append([]byte(`{"active":true,"scope":"evidence:write"`), append(bytes.Repeat([]byte(" "), 310), '}')...)
	handler := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		_, _ = io.Copy(io.Discard, r.Body)
		w.Header().Set("Content-Type", "application/json")
		_, _ = w.Write(answer)
	}))
	a.url, a.values = handler.URL, []string{"tola_" + strings.Repeat("0", 64)}
	return contestant{
		name: "a bare handler", guarantees: "none: it reads the question and says yes", perCall: 1, write: a.ask,
		close: func(context.Context) error {
			a.client.CloseIdleConnections()
			handler.Close()
			return nil
		},
	}
}

// post sends JSON and decodes the answer.
func post(ctx context.Context, address, bearer string, body, out any) error {
	raw, err := json.Marshal(body)
	if err != nil {
		return err
	}
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, address, bytes.NewReader(raw))
	if err != nil {
		return err
	}
	request.Header.Set("Content-Type", "application/json")
	if bearer != "" {
		request.Header.Set("Authorization", "Bearer "+bearer)
	}
	return decode(request, out)
}

func decode(request *http.Request, out any) error {
	status, answer, err := fetch(http.DefaultClient, request)
	if err != nil {
		return err
	}
	if status >= 300 || bytes.Contains(answer, []byte(`"errors"`)) {
		return fmt.Errorf("answered %d %.300s", status, answer)
	}
	return json.Unmarshal(answer, out)
}
