// What the time of a refusal tells: nothing, if the medians do not differ.

package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
)

// TimingOptions say how often each value is tried.
type TimingOptions struct {
	Tokens int
	Tries  int // of each kind
}

// Timing asks about values that are no good for different reasons, in turn over one
// connection, and tells the median time of each answer.
func Timing(ctx context.Context, s Service, o TimingOptions) ([]Figure, error) {
	values, _, err := makeTokens(ctx, s, 2*o.Tokens)
	if err != nil {
		return nil, err
	}
	good, ended := values[:o.Tokens], values[o.Tokens:]
	for _, v := range ended {
		if err := s.revoke(ctx, v); err != nil {
			return nil, err
		}
	}
	kinds := []struct {
		what  string
		value func(i int) (string, error)
	}{
		{"an id that no token has", func(int) (string, error) { return bad(secret.ID(uuid.New())) }},
		{"a token's id with another secret", func(i int) (string, error) {
			v, err := secret.Parse(good[i%len(good)])
			if err != nil {
				return "", err
			}
			return bad(v.ID())
		}},
		{"the value of a revoked token", func(i int) (string, error) { return ended[i%len(ended)], nil }},
	}
	w, err := dial(ctx, s.URL)
	if err != nil {
		return nil, err
	}
	defer w.conn.Close()
	took := make([][]time.Duration, len(kinds))
	for i := range o.Tries {
		for n := range kinds {
			k := (n + i) % len(kinds) // none is always behind the same other one
			value, err := kinds[k].value(i)
			if err != nil {
				return nil, err
			}
			began := time.Now()
			status, _, err := w.ask(func(b []byte, host string) []byte { return authCheck.request(b, host, "", value) })
			if err != nil {
				return nil, err
			}
			if status != http.StatusUnauthorized {
				return nil, fmt.Errorf("%s is answered %d", kinds[k].what, status)
			}
			took[k] = append(took[k], time.Since(began))
		}
	}
	var all []Figure
	base := 1000 * quantile(took[0], 0.5)
	for k, kind := range kinds {
		f := reported("median until the refusal of "+kind.what, 1000*quantile(took[k], 0.5), "µs")
		if k > 0 {
			f = f.beside("of "+kinds[0].what, base)
		}
		all = append(all, f)
	}
	return all, nil
}

// bad is a value in good form with a secret that nobody has.
func bad(id secret.ID) (string, error) {
	v, err := secret.New(secret.Organization, id, rand.Reader)
	if err != nil {
		return "", err
	}
	return v.Reveal(), nil
}

// revoke ends a token by its value.
func (s Service) revoke(ctx context.Context, value string) error {
	form := url.Values{"token": {value}}.Encode()
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, s.URL+"/oauth2/revoke", strings.NewReader(form))
	if err != nil {
		return err
	}
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return fmt.Errorf("revoke a token: %s", response.Status)
	}
	return nil
}
