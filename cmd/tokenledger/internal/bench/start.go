// A start with many tokens: the log that it finds, and what the service holds and answers afterwards.

package bench

import (
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
)

// StartOptions say what a service finds when it starts.
type StartOptions struct {
	Tokens        int
	Personal      int // percent of them, each granted to one organization
	Organizations int
	Tail          int // tokens made after the snapshot
	Rounds        int
	Uses          time.Duration // how long tokens are then used
	Memory        string        // GOMEMLIMIT
}

// Environ adds what bounds the service's memory to its settings, which it changes.
func (o StartOptions) Environ(settings map[string]string) map[string]string {
	settings["GOMEMLIMIT"], settings["TOKENLEDGER_AUDIT_RATE"] = o.Memory, "0"
	return settings
}

// Inhabitants are tokens in a log, and the values of some of them.
type Inhabitants struct {
	crowd   *crowd
	owners  []uuid.UUID
	percent int
	values  []string
}

// valuesKept is how many values are kept to be verified later.
const valuesKept = 100_000

// NewInhabitants names organizations, members and tokens that a log does not know yet.
func NewInhabitants(o StartOptions) *Inhabitants {
	in := &Inhabitants{crowd: newCrowd(o.Organizations, 1), percent: o.Personal}
	in.crowd.tokens = nil
	for range in.crowd.organizations {
		in.owners = append(in.owners, uuid.Must(uuid.NewV7()))
	}
	return in
}

// Settle creates organizations with a member each.
func (in *Inhabitants) Settle(ctx context.Context, log *eventstore.Log) error {
	if err := in.crowd.begin(ctx, log, 1, 0); err != nil {
		return err
	}
	return inRequests(len(in.owners), seedAtOnce/2, func(from, end int) error {
		var r events.Request
		for i := from; i < end; i++ {
			user, org := in.owners[i], in.crowd.organizations[i]
			r.Batches = append(r.Batches, events.Batch{
				Stream: events.UserStream(user), Trail: events.UserTrail(user), Meta: seedMeta(), Events: []events.Event{events.UserCreated{}},
			}, events.Batch{
				Stream: events.MembershipStream(org, user), Trail: events.OrganizationTrail(org), Meta: seedMeta(),
				Events: []events.Event{events.MembershipStarted{Organization: org, User: user, Role: events.RoleAdmin}},
			})
		}
		_, err := log.Append(ctx, r)
		return err
	})
}

// Issue creates n tokens with credentials that are good.
func (in *Inhabitants) Issue(ctx context.Context, log *eventstore.Log, peppers *secret.Peppers, n int) error {
	values := make([]string, n)
	err := inRequests(n, seedAtOnce/2, func(from, end int) error {
		var r events.Request
		for i := from; i < end; i++ {
			value, err := in.issue(&r, peppers, i)
			if err != nil {
				return err
			}
			values[i] = value
		}
		_, err := log.Append(ctx, r)
		return err
	})
	if err != nil {
		return fmt.Errorf("create tokens: %w", err)
	}
	step := max(1, n/valuesKept)
	for i := 0; i < n; i += step {
		in.values = append(in.values, values[i])
	}
	return nil
}

func (in *Inhabitants) issue(r *events.Request, peppers *secret.Peppers, i int) (string, error) {
	id, k := uuid.Must(uuid.NewV7()), i%len(in.owners)
	org := in.crowd.organizations[k]
	created := seedToken(crowdToken{id: id, organization: org}, i)
	kind, trail := secret.Organization, events.OrganizationTrail(org)
	if i%100 < in.percent {
		kind, trail = secret.Personal, events.UserTrail(in.owners[k])
		created.Kind, created.Organization, created.Owner, created.Organizations = events.PersonalKind, uuid.Nil, in.owners[k], []uuid.UUID{org}
	}
	value, err := secret.New(kind, secret.ID(id), rand.Reader)
	if err != nil {
		return "", err
	}
	mac, err := peppers.Sum(peppers.Active(), []byte(value.Reveal()))
	if err != nil {
		return "", err
	}
	created.Fingerprint = value.Fingerprint()
	r.Batches = append(r.Batches, events.Batch{
		Stream: events.TokenStream(id), Trail: trail, Meta: seedMeta(), Events: []events.Event{created},
	})
	if kind == secret.Personal {
		r.Batches = append(r.Batches, events.Batch{
			Stream: events.GrantStream(id, org), Trail: events.OrganizationTrail(org), Meta: seedMeta(),
			Events: []events.Event{events.GrantGiven{Token: id, Organization: org, User: in.owners[k], Name: created.Name, Scopes: created.Scopes}},
		})
	}
	r.Credentials = append(r.Credentials, events.Credential{Token: id, Pepper: int(peppers.Active()), MAC: mac})
	return value.Reveal(), nil
}

// useConnections is how many verifications are under way while tokens are used.
const useConnections = 64

// Use verifies the tokens in turn for a while, and gives how many verifications there were.
func (in *Inhabitants) Use(ctx context.Context, url string, d time.Duration) (int, error) {
	all, err := dialAll(ctx, url, useConnections)
	if err != nil {
		return 0, err
	}
	defer all.close()
	s, err := hammer(ctx, useConnections, d, func(_ context.Context, worker, call int) (int, error) {
		value := in.values[(worker*7919+call)%len(in.values)]
		status, body, err := all[worker].ask(func(b []byte, host string) []byte { return authCheck.request(b, host, "", value) })
		if err == nil && !authCheck.good(status, body) {
			err = fmt.Errorf("a token that is good was answered %d %.200s", status, body)
		}
		return 1, err
	})
	return s.done, err
}

// Started is what one start took.
type Started struct {
	Took            time.Duration // until everything is ready
	Resident, After int64         // bytes, when ready and after the uses
	Uses            int
}

// StartFigures tells the starts from a snapshot, medians over the rounds, beside
// one from all decisions.
func StartFigures(o StartOptions, warm []Started, cold Started) []Figure {
	const mebi = 1 << 20
	const from = "without a snapshot"
	figure := func(what, unit string, of func(Started) float64) Figure {
		return reported(what, middle(warm, of), unit).beside(from, of(cold))
	}
	of := fmt.Sprintf("%d tokens, %d %% of them personal, %d after the snapshot", o.Tokens, o.Personal, o.Tail)
	return []Figure{
		figure("ready, its Postgres included; "+of, "s", func(s Started) float64 { return s.Took.Seconds() }).atMost(10),
		figure("resident when ready, GOMEMLIMIT="+o.Memory, "MiB", func(s Started) float64 { return float64(s.Resident) / mebi }).atMost(350),
		figure(fmt.Sprintf("resident after %v of uses", o.Uses), "MiB", func(s Started) float64 { return float64(s.After) / mebi }).atMost(350),
	}
}
