// Ory Hydra: an OAuth server that introspects tokens which it has issued, from its rows in Postgres.

package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os/exec"
	"strings"
)

// newHydra runs the program on a database of the private server, and lets it issue tokens.
func newHydra(ctx context.Context, s *server, binary string, a asker, tokens int) (contestant, error) {
	database, err := s.database(ctx, "hydra")
	if err != nil {
		return contestant{}, err
	}
	public, err := freePort()
	if err != nil {
		return contestant{}, err
	}
	admin, err := freePort()
	if err != nil {
		return contestant{}, err
	}
	env := []string{
		"DSN=" + database, "SECRETS_SYSTEM=of-a-benchmark-and-nothing-else", "LOG_LEVEL=error", "SQA_OPT_OUT=true",
		"SERVE_PUBLIC_HOST=127.0.0.1", "SERVE_PUBLIC_PORT=" + public, "SERVE_ADMIN_HOST=127.0.0.1", "SERVE_ADMIN_PORT=" + admin,
		"URLS_SELF_ISSUER=http://127.0.0.1:" + public,
	}
	migrate := exec.CommandContext(ctx, binary, "migrate", "sql", "-e", "--yes")
	migrate.Env = append(migrate.Environ(), env...)
	if said, err := migrate.CombinedOutput(); err != nil {
		return contestant{}, fmt.Errorf("make its tables: %w: %.2000s", err, said)
	}
	p, err := startProgram(binary, []string{"serve", "all", "--dev"}, env, func(r io.Reader) { _, _ = io.Copy(io.Discard, r) })
	if err != nil {
		return contestant{}, err
	}
	if err = awaitOK(ctx, p, "http://127.0.0.1:"+admin+"/health/ready"); err == nil {
		a.values, err = issued(ctx, "http://127.0.0.1:"+admin, "http://127.0.0.1:"+public, tokens)
	}
	if err != nil {
		return contestant{}, errors.Join(err, p.stop())
	}
	a.url, a.known = "http://127.0.0.1:"+admin+"/admin/oauth2/introspect", true
	return contestant{
		name: "Ory Hydra", perCall: 1, write: a.ask, close: func(context.Context) error { return p.stop() },
		guarantees: "what its rows say at the time; a use is not recorded; the asker is not authenticated",
	}, nil
}

// issued are tokens of one client, by its own credentials.
func issued(ctx context.Context, admin, public string, n int) ([]string, error) {
	var client struct {
		ID     string `json:"client_id"`
		Secret string `json:"client_secret"`
	}
	if err := post(ctx, admin+"/admin/clients", "", map[string]any{
		"grant_types": []string{"client_credentials"}, "scope": "evidence:write", "token_endpoint_auth_method": "client_secret_post",
	}, &client); err != nil {
		return nil, fmt.Errorf("make a client: %w", err)
	}
	form := url.Values{
		"grant_type": {"client_credentials"}, "scope": {"evidence:write"}, "client_id": {client.ID}, "client_secret": {client.Secret},
	}.Encode()
	var values []string
	for range n {
		request, err := http.NewRequestWithContext(ctx, http.MethodPost, public+"/oauth2/token", strings.NewReader(form))
		if err != nil {
			return nil, err
		}
		request.Header.Set("Content-Type", "application/x-www-form-urlencoded")
		var answer struct {
			AccessToken string `json:"access_token"`
		}
		if err := decode(request, &answer); err != nil {
			return nil, fmt.Errorf("issue a token: %w", err)
		}
		values = append(values, answer.AccessToken)
	}
	return values, nil
}
