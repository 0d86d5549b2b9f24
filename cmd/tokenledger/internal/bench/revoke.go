// From a revocation to its refusal by other processes, while all of them are busy.

package bench

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"net/http"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// RevokeOptions say how many tokens are revoked, and what else goes on.
type RevokeOptions struct {
	Revocations int
	Concurrency int // verifications of other tokens in flight, at all services together
	Tokens      int // that these are of
}

// Revoke asks all services about one token after the other, without a pause,
// revokes it at the first service, and takes the time until the others refuse it.
// Then it reads the log for uses after a revocation.
func Revoke(ctx context.Context, services []Service, log *eventstore.Log, o RevokeOptions) ([]Figure, error) {
	busy, _, err := makeTokens(ctx, services[0], o.Tokens)
	if err != nil {
		return nil, err
	}
	ends, _, err := makeTokens(ctx, services[0], o.Revocations)
	if err != nil {
		return nil, err
	}
	before, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	begin := time.Now()
	delays, err := underLoad(ctx, services, busy, o.Concurrency, func(ctx context.Context) ([]time.Duration, error) {
		return revokeEach(ctx, services, ends)
	})
	if err != nil {
		return nil, err
	}
	took := time.Since(begin)
	after, uses, err := usesAfterRevocation(ctx, log, len(ends))
	if err != nil {
		return nil, err
	}
	head, err := log.Head(ctx)
	if err != nil {
		return nil, err
	}
	return []Figure{
		reported(fmt.Sprintf("uses in the log after the revocation of their token, %d revoked", len(ends)), float64(after), "uses").
			beside("uses of them in all", float64(uses)).atMost(0),
		reported(fmt.Sprintf("first refusal elsewhere after a revocation was answered, p99, %d services", len(services)), quantile(delays, 0.99), "ms").
			beside("p50", quantile(delays, 0.50)).atMost(100),
		reported(fmt.Sprintf("events appended meanwhile, %d verifications in flight", o.Concurrency), float64(head-before)/took.Seconds(), "/s"),
	}, nil
}

// underLoad does something while the services verify tokens.
func underLoad(
	ctx context.Context, services []Service, values []string, concurrency int, do func(context.Context) ([]time.Duration, error),
) (result []time.Duration, err error) {
	group, ctx := errgroup.WithContext(ctx)
	loading, stop := context.WithCancel(ctx)
	for worker := range concurrency {
		group.Go(func() error {
			w, err := dial(ctx, services[worker%len(services)].URL)
			if err != nil {
				return err
			}
			defer w.conn.Close()
			for call := worker * 7919; loading.Err() == nil; call++ {
				if good, err := w.check(values[call%len(values)]); err != nil || !good {
					return errors.Join(err, errors.New("a verification of a good token failed"))
				}
			}
			return nil
		})
	}
	group.Go(func() (err error) {
		defer stop()
		result, err = do(ctx)
		return err
	})
	return result, group.Wait()
}

// check asks whether a value is good.
func (w *wire) check(value string) (good bool, err error) {
	status, body, err := w.ask(func(b []byte, host string) []byte { return authCheck.request(b, host, "", value) })
	switch {
	case err != nil:
		return false, err
	case authCheck.good(status, body):
		return true, nil
	case authCheck.bad(status, body):
		return false, nil
	}
	return false, fmt.Errorf("answered %d %.200s", status, body)
}

// revokeEach gives, for each token and each service but the first, the time from
// the answer to the revocation until the first refusal there.
func revokeEach(ctx context.Context, services []Service, values []string) ([]time.Duration, error) {
	var asking wires
	defer func() { asking.close() }()
	for _, s := range services {
		w, err := dial(ctx, s.URL)
		if err != nil {
			return nil, err
		}
		asking = append(asking, w)
	}
	revoking, err := dial(ctx, services[0].URL)
	if err != nil {
		return nil, err
	}
	defer revoking.conn.Close()
	var delays []time.Duration
	for _, value := range values {
		some, err := revokeOne(ctx, revoking, asking, value)
		if err != nil {
			return nil, err
		}
		delays = append(delays, some...)
	}
	return delays, nil
}

func revokeOne(ctx context.Context, revoking *wire, asking wires, value string) ([]time.Duration, error) {
	group, _ := errgroup.WithContext(ctx)
	used := make(chan struct{}, len(asking)) // at each service, once
	refused := make([]time.Time, len(asking))
	for i, w := range asking {
		group.Go(func() error {
			first := true
			for {
				good, err := w.check(value)
				if refused[i] = time.Now(); err != nil || !good {
					if first {
						used <- struct{}{}
						return errors.Join(err, errors.New("a token was refused before it was revoked"))
					}
					return err
				}
				if first {
					first = false
					used <- struct{}{}
				}
			}
		})
	}
	for range asking {
		<-used
	}
	status, body, err := revoking.ask(func(b []byte, host string) []byte {
		b = append(b, "POST /oauth2/revoke HTTP/1.1\r\nHost: "...)
		b = append(append(b, host...), "\r\n"...)
		b = sized(b, "application/x-www-form-urlencoded", len("token=")+len(value))
		return append(append(b, "token="...), value...)
	})
	answered := time.Now()
	if err == nil && status != http.StatusOK {
		err = fmt.Errorf("the revocation was answered %d %.200s", status, bytes.TrimSpace(body))
	}
	if err != nil {
		return nil, err
	}
	if err := group.Wait(); err != nil {
		return nil, err
	}
	var delays []time.Duration
	for _, at := range refused[1:] {
		delays = append(delays, max(0, at.Sub(answered)))
	}
	return delays, nil
}

// usesAfterRevocation counts the uses of revoked tokens, and those that stand
// after the revocation.
func usesAfterRevocation(ctx context.Context, log *eventstore.Log, want int) (after, uses int, err error) {
	ended, used := map[events.StreamID]bool{}, map[events.StreamID]int{}
	for r, err := range log.ReadAll(ctx, 0) {
		if err != nil {
			return 0, 0, err
		}
		switch r.Event.(type) {
		case events.TokenRevoked:
			ended[r.Stream] = true
		case events.TokenUsed:
			used[r.Stream]++
			if ended[r.Stream] {
				after++
			}
		}
	}
	for stream := range ended {
		uses += used[stream]
	}
	if len(ended) != want {
		return 0, 0, fmt.Errorf("the log has %d revocations, not %d", len(ended), want)
	}
	return after, uses, nil
}
