// Deciding in this process: what a decision takes by itself, nothing recorded.

package bench

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"iter"
	"time"

	"github.com/google/uuid"

	"github.com/tokenledger/tokenledger/aggregate/secret"
	"github.com/tokenledger/tokenledger/events"
	"github.com/tokenledger/tokenledger/eventstore"
	"github.com/tokenledger/tokenledger/projections/verifier"
)

// Decide measures decisions on tokens of both kinds, as many of each, with the
// policies' rulings remembered from one decision on the same token and action
// before. Beside it stand the same decisions with every ruling made anew.
func Decide(ctx context.Context, o Options) (_ Result, err error) {
	log, values, err := decideLog(o.Tokens)
	if err != nil {
		return Result{}, err
	}
	ctx, stop := context.WithCancel(ctx)
	ended := make(chan error, 2)
	deciders := make([]*verifier.Verifier, 2)
	for i := range deciders {
		deciders[i] = verifier.New(verifier.Config{Log: log, Sources: log, Peppers: log.peppers, Forgetful: i == 1})
		go func() { ended <- deciders[i].Run(ctx) }()
	}
	defer func() {
		stop()
		err = errors.Join(err, <-ended, <-ended)
	}()
	r := Result{
		What:        "decisions with the ruling remembered, in this process, nothing recorded",
		Raw:         "the same decisions with the ruling made anew by the policies",
		Concurrency: o.Concurrency, Tokens: o.Tokens,
	}
	decide := func(by *verifier.Verifier) func(context.Context, int, int) (int, error) {
		return func(ctx context.Context, worker, call int) (int, error) {
			d, err := by.Decide(ctx, verifier.Query{
				Value: values[(worker*7919+call)%len(values)], Organization: log.organization,
				Action: "createEvidence", Resource: "evidence/bench",
			})
			if err == nil && !d.Allowed {
				err = fmt.Errorf("a token that is good was refused: %s", d.Code)
			}
			return 1, err
		}
	}
	for _, by := range deciders {
		if err := by.Wait(ctx, log.head()); err != nil {
			return Result{}, err
		}
	}
	for call := range values { // so that each ruling was made once
		if _, err := decide(deciders[0])(ctx, 0, call); err != nil {
			return Result{}, err
		}
	}
	in := func(by *verifier.Verifier) turn {
		return func(d time.Duration) (sample, error) { return hammer(ctx, o.Concurrency, d, decide(by)) }
	}
	return takeTurns(r, o, in(deciders[0]), in(deciders[1]))
}

// decideOwners is how many people have the personal tokens.
const decideOwners = 1000

// heldLog is a log of decisions in memory that nothing is added to.
type heldLog struct {
	organization uuid.UUID
	peppers      *secret.Peppers
	recorded     []events.Recorded
	credentials  []events.Credential
	versions     map[events.StreamID]events.Version
}

// decideLog holds an organization and n tokens, every second one personal, of
// members that the organization lets do what is asked.
func decideLog(n int) (*heldLog, []string, error) {
	key := make([]byte, 32)
	_, _ = rand.Read(key)
	peppers, err := secret.NewPeppers(1, map[secret.PepperVersion][]byte{1: key})
	if err != nil {
		return nil, nil, err
	}
	l := &heldLog{organization: uuid.Must(uuid.NewV7()), peppers: peppers, versions: map[events.StreamID]events.Version{}}
	organization := events.OrganizationStream(l.organization)
	l.record(organization, events.OrganizationCreated{Name: "bench", DisplayName: "Bench"})
	l.record(organization, events.OrganizationPolicyChanged{After: events.Policy{MemberScopes: []string{"evidence:write"}}})
	owners := make([]uuid.UUID, min(decideOwners, n))
	for i := range owners {
		owners[i] = uuid.Must(uuid.NewV7())
		l.record(events.UserStream(owners[i]), events.UserCreated{})
		l.record(events.MembershipStream(l.organization, owners[i]), events.MembershipStarted{
			Organization: l.organization, User: owners[i], Role: events.RoleMember,
		})
	}
	values := make([]string, n)
	for i := range values {
		if values[i], err = l.token(i, owners[i%len(owners)]); err != nil {
			return nil, nil, err
		}
	}
	return l, values, nil
}

func (l *heldLog) token(i int, owner uuid.UUID) (string, error) {
	id := uuid.Must(uuid.NewV7())
	kind := secret.Organization
	created := events.TokenCreated{
		Kind: events.OrganizationKind, Organization: l.organization, Name: fmt.Sprintf("bench-%d", i), Scopes: []string{"evidence:write", "task:write"},
	}
	if i%2 == 1 {
		kind = secret.Personal
		created.Kind, created.Organization, created.Owner = events.PersonalKind, uuid.Nil, owner
		created.Organizations = []uuid.UUID{l.organization}
	}
	value, err := secret.New(kind, secret.ID(id), rand.Reader)
	if err != nil {
		return "", err
	}
	mac, err := l.peppers.Sum(1, []byte(value.Reveal()))
	if err != nil {
		return "", err
	}
	created.Fingerprint = value.Fingerprint()
	l.record(events.TokenStream(id), created)
	if kind == secret.Personal {
		l.record(events.GrantStream(id, l.organization), events.GrantGiven{
			Token: id, Organization: l.organization, User: owner, Name: created.Name, Scopes: created.Scopes,
		})
	}
	l.credentials = append(l.credentials, events.Credential{Token: id, Pepper: 1, MAC: mac})
	return value.Reveal(), nil
}

func (l *heldLog) record(stream events.StreamID, fact events.Event) {
	l.versions[stream]++
	l.recorded = append(l.recorded, events.Recorded{
		Position: l.head() + 1, Trail: events.OrganizationTrail(l.organization), Stream: stream,
		Version: l.versions[stream], RecordedAt: time.Now(), Meta: events.Meta{Actor: events.System("bench")}, Event: fact,
	})
}

func (l *heldLog) head() events.Position { return events.Position(len(l.recorded)) }

// Decisions implements [verifier.Log].
func (l *heldLog) Decisions(_ context.Context, after events.Position) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) {
		for _, r := range l.recorded[min(after, l.head()):] {
			if !yield(r, nil) {
				return
			}
		}
	}
}

// AllCredentials implements [verifier.Log].
func (l *heldLog) AllCredentials(context.Context) iter.Seq2[events.Credential, error] {
	return func(yield func(events.Credential, error) bool) {
		for _, c := range l.credentials {
			if !yield(c, nil) {
				return
			}
		}
	}
}

// Rewrap implements [verifier.Log]; there is one pepper.
func (l *heldLog) Rewrap(context.Context, events.Credential, events.Credential) error { return nil }

// Head implements [verifier.Log].
func (l *heldLog) Head(context.Context) (events.Position, error) { return l.head(), nil }

// Blocks implements [verifier.Log]: none will come.
func (l *heldLog) Blocks(ctx context.Context, _ events.Position, _ bool) iter.Seq2[*eventstore.Block, error] {
	return func(func(*eventstore.Block, error) bool) { <-ctx.Done() }
}

// errHeld is answered to whatever a decision does not need.
var errHeld = errors.New("this log is for decisions alone")

// Append implements [verifier.Log].
func (l *heldLog) Append(context.Context, events.Request) (events.Receipt, error) {
	return events.Receipt{}, errHeld
}

// ReadStream implements [verifier.Log].
func (l *heldLog) ReadStream(context.Context, events.StreamID, events.Version) iter.Seq2[events.Recorded, error] {
	return func(yield func(events.Recorded, error) bool) { yield(events.Recorded{}, errHeld) }
}

// Credentials implements [verifier.Log].
func (l *heldLog) Credentials(context.Context, []uuid.UUID) ([]events.Credential, error) {
	return nil, errHeld
}

// Source implements [verifier.Sources].
func (l *heldLog) Source(context.Context, uuid.UUID, events.TrailID, string, string) (events.Position, bool, error) {
	return 0, false, errHeld
}

// LastUse implements [verifier.Sources].
func (l *heldLog) LastUse(context.Context, uuid.UUID, events.TrailID, events.Position) (time.Time, bool, error) {
	return time.Time{}, false, errHeld
}
